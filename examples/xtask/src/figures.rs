//! `cargo figures`: measures in release mode.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use crate::problem::Problem;
use crate::workspace;

/// Builds all programs of the package, because some figures are measured in a process of their own. Then it becomes the
/// figures: only a failure to start them returns.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Problem> {
    let mut build = workspace::cargo();
    build.args(["build", "--release", "--package", "benches", "--bins"]);
    if !build.status().map_err(|e| Problem::io("start cargo", &e))?.success() {
        return Ok(ExitCode::FAILURE);
    }
    let mut command = workspace::cargo();
    command.args(["run", "--release", "--package", "benches", "--bin", "figures", "--"]).args(args);
    Err(Problem::io("start cargo", &command.exec()))
}
