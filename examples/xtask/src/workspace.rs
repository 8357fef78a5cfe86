//! The workspace: where it is, its packages, and how its cargo is called.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The five libraries.
pub(crate) const CRATES: [&str; 5] = ["sso-core", "rbac", "payments", "seckill", "webssh-core"];

/// Every package, in the order in which it is cheapest to find a mistake: the tools, the libraries, and what
/// is built from them.
pub(crate) const PACKAGES: [&str; 9] =
    ["xtask", "testkit", "sso-core", "rbac", "payments", "seckill", "webssh-core", "examples", "benches"];

/// What others read the documentation of; the rest are programs.
pub(crate) const DOCUMENTED: [&str; 6] =
    ["testkit", "sso-core", "rbac", "payments", "seckill", "webssh-core"];

/// What has doc tests: all but the commands, which are a program.
pub(crate) const LIBRARIES: [&str; 8] =
    ["testkit", "sso-core", "rbac", "payments", "seckill", "webssh-core", "examples", "benches"];

/// The libraries that have a test binary `fuzz`.
pub(crate) const FUZZED: [&str; 4] = ["sso-core", "rbac", "payments", "webssh-core"];

/// The folder above all packages: of the checkout in which `cargo` was called, also where a target folder that
/// is shared by several checkouts holds the binary of another.
pub(crate) fn root() -> PathBuf {
    let folder =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    folder.join("../..")
}

/// The cargo that started this program, or the one in PATH, run at the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Whether `program` can be run with `args` and reports success. What it prints is not shown.
pub(crate) fn succeeds(program: &str, args: &[&str]) -> bool {
    succeeds_command(Command::new(program).args(args))
}

pub(crate) fn succeeds_command(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
