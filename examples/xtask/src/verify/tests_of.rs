//! The tests and doc tests of one package.

use crate::problem::Problem;
use crate::verify::command::{self, Ran};
use crate::verify::count::{self, Count};
use crate::workspace::succeeds_command;

/// With nextest where it is installed, since it runs every test in a process of its own; else with cargo.
pub(super) fn run(package: &str) -> Result<Count, Problem> {
    if succeeds_command(command::cargo()?.args(["nextest", "--version"])) {
        let Ran { success, stderr, .. } = cargo(&["nextest", "run", "--package", package])?;
        return Ok(Count::of_run(success, count::nextest(&stderr)));
    }
    // One at a time where a test starts a browser; .config/nextest.toml says the same to nextest.
    let threads: &[&str] = if package == "examples" { &["--", "--test-threads=1"] } else { &[] };
    let Ran { success, stdout, .. } = cargo_with(&["test", "--tests", "--package", package], threads)?;
    Ok(Count::of_run(success, count::cargo_test(&stdout)))
}

pub(super) fn run_docs(package: &str) -> Result<Count, Problem> {
    let Ran { success, stdout, .. } = cargo(&["test", "--doc", "--package", package])?;
    Ok(Count::of_run(success, count::cargo_test(&stdout)))
}

fn cargo(args: &[&str]) -> Result<Ran, Problem> {
    cargo_with(args, &[])
}

fn cargo_with(args: &[&str], to_the_tests: &[&str]) -> Result<Ran, Problem> {
    let mut cargo = command::cargo()?;
    cargo.args(args).args(["--all-features", "--no-fail-fast"]).args(to_the_tests);
    command::stream(cargo)
}
