//! `cargo figures`: measures in release mode.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use crate::problem::Problem;
use crate::workspace;

/// Becomes the figures: only a failure to start them returns.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Problem> {
    let mut command = workspace::cargo();
    command.args(["run", "--release", "--package", "benches", "--bin", "figures", "--"]).args(args);
    Err(Problem::io("start cargo", &command.exec()))
}
