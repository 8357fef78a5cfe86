//! `cargo verify`: runs the chosen steps, shows a table, and closes with `N passed, N failed`.

mod command;
mod count;
mod fuzz;
mod hygiene;
mod install;
mod purity;
pub(crate) mod step;
mod table;
mod tests_of;
mod trouble;

use std::env;
use std::process::ExitCode;
use std::time::Instant;

use crate::problem::Problem;
use crate::verify::command::cargo_succeeds;
use crate::verify::count::Count;
use crate::verify::step::Step;
use crate::verify::table::Row;
use crate::verify::tests_of::Outcome;

const SKIP: &str = "TESTKIT_SKIP";
/// The servers that may be left out, by the names that the tests use.
const SERVERS: [&str; 6] = ["redis", "sshd", "nginx", "chromium", "postgres", "mariadb"];

pub(crate) fn run(parts: &[String], install: bool) -> Result<ExitCode, Problem> {
    let skip = skipped_servers(&env::var(SKIP).unwrap_or_default())?;
    let mut rows = Vec::new();
    for step in step::chosen(parts) {
        println!("\n── {step}");
        let started = Instant::now();
        let Outcome { count, troubles } = run_step(step, parts, install, &skip).unwrap_or_else(|problem| {
            eprintln!("error: {problem}");
            Outcome { count: Count::check(false), troubles: vec![format!("error: {problem}")] }
        });
        rows.push(Row { step, count, troubles, took: started.elapsed() });
        if step == Step::Install && count.is_failure() {
            break;
        }
    }
    print!("\n{}", table::draw(&rows));
    let failed = rows.iter().any(|row| row.count.is_failure());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn run_step(step: Step, parts: &[String], install: bool, skip: &[String]) -> Result<Outcome, Problem> {
    let held = match step {
        Step::Install => install::run(install, skip)?,
        Step::Fmt => cargo_succeeds(&["fmt", "--all", "--check", "--", "--files-with-diff"])?,
        Step::Hygiene => hygiene::run()?,
        Step::Purity(package) => purity::run(package)?,
        Step::Clippy => clippy(&step::chosen_packages(parts))?,
        Step::Alone(package) => alone(package)?,
        Step::Docs(package) => docs(package)?,
        Step::Tests(package) => return tests_of::run(package, &step::chosen_packages(parts)),
        Step::DocTests => return tests_of::run_docs(&step::chosen_packages(parts)),
        Step::Fuzz => return Ok(fuzz::run(&step::chosen_packages(parts), parts)?.into()),
    };
    Ok(Count::check(held).into())
}

/// With all features. Clippy looks on while everything is built, see [`command::cargo`].
fn clippy(packages: &[&str]) -> Result<bool, Problem> {
    let mut cargo = command::cargo_of(packages, &["test", "--no-run"])?;
    cargo.args(["--all-features", "--all-targets"]);
    Ok(command::stream(cargo)?.success)
}

/// One library as its users build it: without our tests and our other packages, whose features would hide what it
/// forgets to ask for itself; with all of its features and with none.
fn alone(package: &str) -> Result<bool, Problem> {
    let mut held = true;
    for features in ["--all-features", "--no-default-features"] {
        held &= cargo_succeeds(&["check", "--lib", "--package", package, features])?;
    }
    Ok(held)
}

fn docs(package: &str) -> Result<bool, Problem> {
    let mut cargo = command::cargo()?;
    cargo
        .args(["doc", "--package", package, "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings");
    Ok(command::stream(cargo)?.success)
}

/// A misspelt name would otherwise leave nothing out and not say so.
fn skipped_servers(list: &str) -> Result<Vec<String>, Problem> {
    let names = list.split([',', ' ']).filter(|name| !name.is_empty());
    names
        .map(|name| match SERVERS.contains(&name) {
            true => Ok(name.to_owned()),
            false => {
                let known = SERVERS.join(", ");
                Err(Problem::Usage(format!("{SKIP} names `{name}`; the servers are {known}")))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_servers_can_be_left_out() {
        assert_eq!(skipped_servers("redis, mariadb").unwrap(), ["redis", "mariadb"]);
        assert!(skipped_servers("").unwrap().is_empty());
        assert!(matches!(skipped_servers("reddis"), Err(Problem::Usage(_))));
    }
}
