//! The fuzz targets of one package: each for a minute when they are asked for by name, else for two seconds.

use std::env;

use crate::problem::Problem;
use crate::verify::command;
use crate::verify::count::{self, Count};

/// Seconds a target. Whoever sets it in the environment is obeyed.
const SECS: &str = "FUZZ_SECS";

pub(super) fn run(package: &str, parts: &[String]) -> Result<Count, Problem> {
    let mut cargo = command::cargo()?;
    cargo.args(["test", "--package", package, "--all-features", "--test", "fuzz"]);
    if env::var_os(SECS).is_none() {
        cargo.env(SECS, secs(parts).to_string());
    }
    let ran = command::stream(cargo)?;
    Ok(Count::of_run(ran.success, count::cargo_test(&ran.stdout)))
}

fn secs(parts: &[String]) -> u32 {
    if parts.iter().any(|part| part == "fuzz") { 60 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::secs;

    #[test]
    fn fuzzing_is_long_only_when_it_is_asked_for() {
        let secs = |parts: &[&str]| secs(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        assert_eq!([secs(&[]), secs(&["sso-core"]), secs(&["fmt", "fuzz"])], [2, 2, 60]);
    }
}
