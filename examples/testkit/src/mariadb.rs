//! One MariaDB server with a data directory made for the occasion.

use std::net::SocketAddr;

use crate::home::Home;
use crate::process::Process;
use crate::program::Program;
use crate::{Error, account, port};

const INSTALL: Program = Program::new("mariadb-install-db", "mariadb-server-core");
const SERVER: Program = Program::new("mariadbd", "mariadb-server-core");
/// The install script calls this; Debian's server package alone does not bring it.
const DEFAULTS: Program = Program::new("my_print_defaults", "mariadb-client-core");
const READY: &str = "ready for connections";

/// A MariaDB of its own on 127.0.0.1, stopped on drop, with an empty database `test` and a `root` without
/// password.
///
/// ```no_run
/// let mariadb = testkit::MariaDb::start()?;
/// assert!(mariadb.url().starts_with("mysql://root@127.0.0.1:"));
/// # Ok::<(), testkit::Error>(())
/// ```
#[derive(Debug)]
pub struct MariaDb {
    process: Process,
    _home: Home,
    port: u16,
}

impl MariaDb {
    /// Makes the data directory, starts a server on it and waits until it accepts connections.
    ///
    /// # Errors
    ///
    /// `Unavailable` when mariadb-server-core or mariadb-client-core is not installed, `PeerMisbehaved` when
    /// the server ends or does not get ready.
    pub fn start() -> Result<Self, Error> {
        let home = Home::new("mariadb")?;
        make_data(&home)?;
        let (port, process) = port::start(|port| launch(&home, port))?;
        Ok(Self { process, _home: home, port })
    }

    /// `mysql://root@127.0.0.1:PORT/test`.
    pub fn url(&self) -> String {
        format!("mysql://root@{}/test", self.addr())
    }

    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        port::local(self.port)
    }

    /// The id of the server process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}

fn make_data(home: &Home) -> Result<(), Error> {
    DEFAULTS.find(&[])?;
    let mut install = INSTALL.command()?;
    // `normal`: root with an empty password over TCP, instead of the operating system's root on a socket.
    install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-name-resolve"]);
    install.arg(format!("--datadir={}", home.text("data"))).args(run_as());
    INSTALL.run(&mut install).map(drop)
}

fn launch(home: &Home, port: u16) -> Result<Process, Error> {
    let mut server = SERVER.command()?;
    server.args(["--no-defaults", "--skip-networking=0", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
    server.args(run_as()).arg(format!("--port={port}"));
    for (option, name) in [("datadir", "data"), ("socket", "socket"), ("pid-file", "pid"), ("tmpdir", "")] {
        server.arg(format!("--{option}={}", home.text(name)));
    }
    Process::start(SERVER, server, &home.join("mariadb.log"), READY)
}

/// MariaDB runs as root only when it is told so by name.
fn run_as() -> Option<&'static str> {
    account::is_root().then_some("--user=root")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_recognised() {
        if crate::skipped("mariadb") {
            return;
        }
        let (_listener, taken) = port::taken();
        let home = Home::new("mariadb").unwrap();
        make_data(&home).unwrap();
        assert!(launch(&home, taken).unwrap_err().is_port_taken());
    }
}
