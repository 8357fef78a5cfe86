//! One PostgreSQL server with a database cluster made for the occasion.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::account::{self, Account};
use crate::home::Home;
use crate::process::Process;
use crate::program::Program;
use crate::{Error, port};

const PACKAGE: &str = "postgresql";
const INITDB: Program = Program::new("initdb", PACKAGE);
const SERVER: Program = Program::new("postgres", PACKAGE);
/// Debian keeps the server's programs here, below a directory for each version.
const VERSIONS_DIR: &str = "/usr/lib/postgresql";
const READY: &str = "database system is ready to accept connections";

/// A PostgreSQL of its own on 127.0.0.1, stopped on drop. It does not wait for the disk, so its data do not
/// survive a crash of the machine. Making the cluster takes a few seconds.
///
/// The superuser is `postgres`, without a password. Run by root, the server runs as the account `postgres`,
/// since it refuses to be root.
///
/// ```no_run
/// let postgres = testkit::Postgres::start()?;
/// assert!(postgres.url().starts_with("postgres://postgres@127.0.0.1:"));
/// # Ok::<(), testkit::Error>(())
/// ```
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    _home: Home,
    port: u16,
}

impl Postgres {
    /// Makes a cluster, starts a server on it and waits until it accepts connections.
    ///
    /// # Errors
    ///
    /// `Unavailable` when postgresql is not installed, `PeerMisbehaved` when the server ends or does not get
    /// ready.
    pub fn start() -> Result<Self, Error> {
        let home = Home::new("postgres")?;
        let (owner, dirs) = (owner()?, version_dirs());
        make_cluster(&home, owner.as_ref(), &dirs)?;
        let (port, process) = port::start(|port| launch(&home, owner.as_ref(), &dirs, port))?;
        Ok(Self { process, _home: home, port })
    }

    /// `postgres://postgres@127.0.0.1:PORT/postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.addr())
    }

    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        port::local(self.port)
    }

    /// The id of the server's first process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}

fn make_cluster(home: &Home, owner: Option<&Account>, dirs: &[PathBuf]) -> Result<(), Error> {
    if let Some(account) = owner {
        chown(home.path(), Some(account.uid), Some(account.gid))
            .map_err(|e| Error::io("give the directory to the account `postgres`", e))?;
    }
    let mut initdb = command(INITDB, home, owner, dirs)?;
    initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    initdb.arg("--pgdata").arg(home.join("data"));
    INITDB.run(&mut initdb).map(drop)
}

fn launch(home: &Home, owner: Option<&Account>, dirs: &[PathBuf], port: u16) -> Result<Process, Error> {
    let mut server = command(SERVER, home, owner, dirs)?;
    server.arg("-D").arg(home.join("data")).arg("-k").arg(home.path()).args(["-p", &port.to_string()]);
    server.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
    // SIGINT is its fast shutdown; SIGTERM would wait for every client to leave.
    Ok(Process::start(SERVER, server, &home.join("postgres.log"), READY)?.stop_with(Signal::INT))
}

fn command(
    program: Program,
    home: &Home,
    owner: Option<&Account>,
    dirs: &[PathBuf],
) -> Result<Command, Error> {
    let mut command = program.command_at(&program.find(dirs)?);
    command.current_dir(home.path());
    if let Some(account) = owner {
        command.uid(account.uid).gid(account.gid);
    }
    Ok(command)
}

/// Who runs the server, when the current account cannot.
fn owner() -> Result<Option<Account>, Error> {
    if !account::is_root() {
        return Ok(None);
    }
    account::named("postgres")?.map(Some).ok_or_else(|| Error::missing(SERVER.name, PACKAGE))
}

/// The directories of the installed versions, newest first.
fn version_dirs() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(VERSIONS_DIR) else {
        return Vec::new();
    };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, dir)| dir).collect()
}

fn version(dir: &Path) -> Option<u32> {
    dir.file_name()?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_recognised() {
        if crate::skipped("postgres") {
            return;
        }
        let (_listener, taken) = port::taken();
        let home = Home::new("postgres").unwrap();
        let (owner, dirs) = (owner().unwrap(), version_dirs());
        make_cluster(&home, owner.as_ref(), &dirs).unwrap();
        assert!(launch(&home, owner.as_ref(), &dirs, taken).unwrap_err().is_port_taken());
    }
}
