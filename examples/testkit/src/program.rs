//! The programs of the machine: where they are, which package brings them, and running one to its end.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Error;

/// Debian keeps servers out of a plain user's PATH.
const SYSTEM_DIRS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// A program and the Debian package that brings it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
}

impl Program {
    pub(crate) const fn new(name: &'static str, package: &'static str) -> Self {
        Self { name, package }
    }

    /// A command with the program's absolute path (sshd insists on one), no input, and English messages.
    pub(crate) fn command(self) -> Result<Command, Error> {
        let path = self.find(&[])?;
        Ok(self.command_at(&path))
    }

    pub(crate) fn command_at(self, path: &std::path::Path) -> Command {
        let mut command = Command::new(path);
        command.stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
        command
    }

    /// Looks in `first`, then in PATH, then where Debian puts servers.
    pub(crate) fn find(self, first: &[PathBuf]) -> Result<PathBuf, Error> {
        let path = env::var_os("PATH").unwrap_or_default();
        first
            .iter()
            .cloned()
            .chain(env::split_paths(&path).filter(|dir| dir.is_absolute()))
            .chain(SYSTEM_DIRS.iter().map(PathBuf::from))
            .map(|dir| dir.join(self.name))
            .find(|candidate| candidate.is_file())
            .ok_or_else(|| Error::missing(self.name, self.package))
    }

    /// Runs `command` to its end and returns what it printed.
    pub(crate) fn run(self, command: &mut Command) -> Result<String, Error> {
        let output = command.output().map_err(|e| Error::io(format!("run `{}`", self.name), e))?;
        let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(printed);
        }
        printed.push_str(&String::from_utf8_lossy(&output.stderr));
        Err(Error::failed(self.name, output.status, printed.trim().to_owned()))
    }
}
