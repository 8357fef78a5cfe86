//! The commands of this workspace: `cargo demo`, `cargo verify` and `cargo figures`.

mod args;
mod demo;
mod figures;
mod problem;
mod verify;
mod workspace;

use std::env;
use std::process::ExitCode;

use args::Task;
use problem::Problem;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("error: {problem}");
            problem.exit_code()
        }
    }
}

fn run() -> Result<ExitCode, Problem> {
    match args::parse(env::args_os().skip(1))? {
        Task::Help => {
            println!("{}\nparts of verify:\n{}", args::USAGE, verify::step::parts());
            Ok(ExitCode::SUCCESS)
        }
        Task::Demo(args) => demo::run(&args),
        Task::Figures(args) => figures::run(&args),
        Task::Verify { parts, install } => verify::run(&parts, install),
    }
}
