//! The tests of one package, and the doc tests of some.
//!
//! `together` are the packages that are built together: naming others would build the dependencies with other
//! features, and so once more.

use crate::problem::Problem;
use crate::verify::command::{self, Ran};
use crate::verify::count::{self, Count};
use crate::workspace::succeeds_command;

/// With nextest where it is installed, since it runs every test in a process of its own; else with cargo.
pub(super) fn run(package: &str, together: &[&str]) -> Result<Count, Problem> {
    if succeeds_command(command::cargo()?.args(["nextest", "--version"])) {
        let mut cargo = command::cargo_of(together, &["nextest", "run", "--all-features", "--no-fail-fast"])?;
        cargo.args(["--filterset", &format!("package(={package})")]);
        let Ran { success, stderr, .. } = command::stream(cargo)?;
        return Ok(Count::of_run(success, count::nextest(&stderr)));
    }
    let mut cargo = command::cargo_of(&[package], &["test", "--tests", "--all-features", "--no-fail-fast"])?;
    if package == "examples" {
        // One at a time where a test starts a browser; .config/nextest.toml says the same to nextest.
        cargo.args(["--", "--test-threads=1"]);
    }
    let Ran { success, stdout, .. } = command::stream(cargo)?;
    Ok(Count::of_run(success, count::cargo_test(&stdout)))
}

pub(super) fn run_docs(together: &[&str]) -> Result<Count, Problem> {
    let cargo = command::cargo_of(together, &["test", "--doc", "--all-features", "--no-fail-fast"])?;
    let Ran { success, stdout, .. } = command::stream(cargo)?;
    Ok(Count::of_run(success, count::cargo_test(&stdout)))
}
