//! The tests of one package, and the doc tests of some.
//!
//! `together` are the packages that are built together: naming others would build the dependencies with other
//! features, and so once more.

use crate::problem::Problem;
use crate::verify::command::{self, Ran};
use crate::verify::count::{self, Count};
use crate::verify::trouble;
use crate::workspace::succeeds_command;

/// What a step left: the count, and what its runner said of each test that did not pass at once.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) count: Count,
    pub(super) troubles: Vec<String>,
}

impl From<Count> for Outcome {
    fn from(count: Count) -> Self {
        Self { count, troubles: Vec::new() }
    }
}

/// With nextest where it is installed, since it runs every test in a process of its own; else with cargo.
pub(super) fn run(package: &str, together: &[&str]) -> Result<Outcome, Problem> {
    if succeeds_command(command::cargo()?.args(["nextest", "--version"])) {
        let mut cargo = command::cargo_of(together, &["nextest", "run", "--all-features", "--no-fail-fast"])?;
        // What a failed test says is to be found at once: the place is in the message.
        cargo.args(["--filterset", &format!("package(={package})")]).env("RUST_BACKTRACE", "0");
        let Ran { success, stderr, .. } = command::stream(cargo)?;
        let count = Count::of_run(success, count::nextest(&stderr));
        return Ok(Outcome { count, troubles: trouble::of_nextest(&stderr) });
    }
    let mut cargo = command::cargo_of(&[package], &["test", "--tests", "--all-features", "--no-fail-fast"])?;
    if package == "examples" {
        // One at a time where a test starts a browser; .config/nextest.toml says the same to nextest.
        cargo.args(["--", "--test-threads=1"]);
    }
    let Ran { success, stdout, .. } = command::stream(cargo)?;
    Ok(of_cargo_test(success, &stdout))
}

pub(super) fn run_docs(together: &[&str]) -> Result<Outcome, Problem> {
    let cargo = command::cargo_of(together, &["test", "--doc", "--all-features", "--no-fail-fast"])?;
    let Ran { success, stdout, .. } = command::stream(cargo)?;
    Ok(of_cargo_test(success, &stdout))
}

fn of_cargo_test(success: bool, stdout: &str) -> Outcome {
    let count = Count::of_run(success, count::cargo_test(stdout));
    Outcome { count, troubles: trouble::of_cargo_test(stdout) }
}
