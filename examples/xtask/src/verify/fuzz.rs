//! The fuzz targets of the chosen packages: each for a minute when they are asked for by name, else for a second.

use std::env;

use crate::problem::Problem;
use crate::verify::command;
use crate::verify::count::{self, Count};

/// Seconds a target. Whoever sets it in the environment is obeyed.
const SECS: &str = "FUZZ_SECS";

/// `together` are the packages that are built together, with and without targets.
pub(super) fn run(together: &[&str], parts: &[String]) -> Result<Count, Problem> {
    let test = ["test", "--test", "fuzz", "--all-features", "--no-fail-fast"];
    let mut cargo = command::cargo_of(together, &test)?;
    if env::var_os(SECS).is_none() {
        cargo.env(SECS, secs(parts).to_string());
    }
    let ran = command::stream(cargo)?;
    Ok(Count::of_run(ran.success, count::cargo_test(&ran.stdout)))
}

fn secs(parts: &[String]) -> u32 {
    if parts.iter().any(|part| part == "fuzz") { 60 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::secs;

    #[test]
    fn fuzzing_is_long_only_when_it_is_asked_for() {
        let secs = |parts: &[&str]| secs(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        assert_eq!([secs(&[]), secs(&["sso-core"]), secs(&["fmt", "fuzz"])], [1, 1, 60]);
    }
}
