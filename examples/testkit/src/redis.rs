//! One redis-server, in memory or with an append-only file, which can be killed, frozen and restarted.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::home::Home;
use crate::process::Process;
use crate::program::Program;
use crate::wait::until_ok;
use crate::{Error, port};

mod aof;
mod clock;
mod info;

pub(crate) const SERVER: Program = Program::new("redis-server", "redis-server");
const CLI: Program = Program::new("redis-cli", "redis-server");
const READY: &str = "Ready to accept connections";
const SYNC_MAX: Duration = Duration::from_secs(20);
/// How long the kernel may take to stop a process.
const FREEZE_MAX: Duration = Duration::from_secs(10);
/// How long a restart waits for its old port.
const PORT_MAX: Duration = Duration::from_secs(10);

/// A redis-server of its own on 127.0.0.1, stopped on drop. Nothing is persisted unless
/// [`RedisOptions::aof`] says so.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("redis") { return Ok(()); }
/// let redis = testkit::Redis::start()?;
/// assert!(redis.url().starts_with("redis://127.0.0.1:"));
/// assert_eq!(redis.cli(&["PING"])?, "PONG");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Redis {
    process: Process,
    home: Home,
    port: u16,
    /// Keeps the port while no server has it.
    held_port: Option<OwnedFd>,
    options: RedisOptions,
}

/// When the append-only file reaches the disk (`appendfsync`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppendFsync {
    /// Before every reply.
    Always,
    /// Once a second; a crash of the machine loses up to a second.
    EverySec,
    /// When the kernel likes.
    No,
}

impl AppendFsync {
    fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::EverySec => "everysec",
            Self::No => "no",
        }
    }
}

/// What a [`Redis`] is started with.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("redis") { return Ok(()); }
/// use testkit::{AppendFsync, Redis};
///
/// let mut redis = Redis::options().aof(AppendFsync::Always).setting("maxmemory", "64mb").start()?;
/// redis.cli(&["SET", "seat", "7"])?;
/// redis.kill()?;
/// redis.restart()?;
/// assert_eq!(redis.cli(&["GET", "seat"])?, "7");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    settings: Vec<(String, String)>,
    /// The port of the master that it follows.
    master: Option<u16>,
    movable_clock: bool,
}

impl RedisOptions {
    /// Keeps an append-only file, so that data survive [`Redis::kill`] and [`Redis::restart`].
    pub fn aof(self, fsync: AppendFsync) -> Self {
        self.setting("appendonly", "yes").setting("appendfsync", fsync.word())
    }

    /// Copies `master`. The start returns once the first synchronisation is done.
    pub fn replica_of(mut self, master: &Redis) -> Self {
        self.master = Some(master.port);
        self.setting("replicaof", &format!("127.0.0.1 {}", master.port))
    }

    /// Lets the test move the server's wall clock with [`Redis::set_clock_offset_ms`]. Needs libfaketime; the
    /// server then uses the allocator of libc, so its `used_memory` is another.
    pub fn movable_clock(mut self) -> Self {
        self.movable_clock = true;
        self
    }

    /// Sets any directive of redis.conf. The last one of a name counts.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the server and waits until it accepts connections.
    ///
    /// # Errors
    ///
    /// `Unavailable` when redis-server is not installed (or libfaketime, for a movable clock), `PeerMisbehaved`
    /// when it ends or does not get ready.
    pub fn start(self) -> Result<Redis, Error> {
        let home = Home::new("redis")?;
        let (port, process) = port::start(|port| launch(&home, &self, port))?;
        let redis = Redis { process, home, port, held_port: None, options: self };
        redis.wait_synchronised()?;
        Ok(redis)
    }
}

impl Redis {
    /// Starts a server without persistence.
    ///
    /// # Errors
    ///
    /// As [`RedisOptions::start`].
    pub fn start() -> Result<Self, Error> {
        Self::options().start()
    }

    /// Starts a server that copies `master`, and waits until it has.
    ///
    /// # Errors
    ///
    /// As [`RedisOptions::start`].
    pub fn replica_of(master: &Self) -> Result<Self, Error> {
        Self::options().replica_of(master).start()
    }

    /// No persistence, no replication, no limits.
    pub fn options() -> RedisOptions {
        RedisOptions::default()
    }

    /// `redis://127.0.0.1:PORT/`.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.addr())
    }

    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        port::local(self.port)
    }

    /// The id of the server process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Kills the server with SIGKILL, as a crash would. [`Redis::restart`] brings it back; until then its port is kept
    /// and refuses connections.
    ///
    /// # Errors
    ///
    /// `Misuse` when it does not run.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.process.kill()?;
        self.hold_port();
        Ok(())
    }

    /// Freezes the server with SIGSTOP: connections stay open and nothing answers. Returns once it is frozen.
    ///
    /// # Errors
    ///
    /// `Misuse` when it does not run.
    pub fn stop_signal(&self) -> Result<(), Error> {
        self.process.signal(Signal::STOP)?;
        until_ok(FREEZE_MAX, "a frozen redis-server", || Ok((!self.is_awake()?).then_some(())))
    }

    /// Lets a frozen server go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// `Misuse` when it does not run.
    pub fn cont_signal(&self) -> Result<(), Error> {
        self.process.signal(Signal::CONT)
    }

    /// Starts the server again on the same port and with the same files; stops it first when it runs.
    ///
    /// # Errors
    ///
    /// As [`RedisOptions::start`]; `PeerMisbehaved` also when somebody else holds the port for ten seconds.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.stop_if_running()?;
        self.hold_port();
        self.process = until_ok(PORT_MAX, "the port of the stopped redis-server", || {
            match launch(&self.home, &self.options, self.port) {
                Ok(process) => Ok(Some(process)),
                Err(e) if e.is_port_taken() => Ok(None),
                Err(e) => Err(e),
            }
        })?;
        self.held_port = None;
        self.wait_synchronised()
    }

    /// Sends one command through redis-cli and returns the reply without the last line end.
    ///
    /// Do not ask a frozen server: redis-cli would wait for it.
    ///
    /// # Errors
    ///
    /// `PeerMisbehaved` when the server cannot be reached or replies with an error.
    pub fn cli(&self, command: &[&str]) -> Result<String, Error> {
        cli(self.port, command)
    }

    /// Whether the server would answer now: it was not killed and is not frozen.
    pub(crate) fn is_awake(&self) -> Result<bool, Error> {
        self.process.is_awake()
    }

    /// Keeps the port for the next start. Where that fails, somebody else has it, and the start waits.
    fn hold_port(&mut self) {
        self.held_port = self.held_port.take().or_else(|| port::hold(self.port).ok());
    }

    fn wait_synchronised(&self) -> Result<(), Error> {
        let Some(master) = self.options.master else {
            return Ok(());
        };
        until_ok(SYNC_MAX, "the first synchronisation of the replica", || {
            Ok(self.cli(&["INFO", "replication"])?.contains("master_link_status:up").then_some(()))
        })?;
        // The master sends new writes only once the replica has acknowledged the transfer, up to a second later. A
        // message moves the offset and changes nothing.
        cli(master, &["PUBLISH", "testkit", "synchronised"])?;
        let reached = offset(&cli(master, &["INFO", "replication"])?)?;
        until_ok(SYNC_MAX, "the first write that reaches the replica", || {
            Ok((offset(&self.cli(&["INFO", "replication"])?)? >= reached).then_some(()))
        })
    }
}

pub(crate) fn cli(port: u16, command: &[&str]) -> Result<String, Error> {
    let mut redis_cli = CLI.command()?;
    // `-e`: an error reply is a failure of the program too.
    redis_cli.args(["-e", "-h", "127.0.0.1", "-p", &port.to_string()]).args(command);
    Ok(CLI.run(&mut redis_cli)?.trim_end_matches(['\n', '\r']).to_owned())
}

/// How far a server has come in the stream of writes.
fn offset(replication: &str) -> Result<u64, Error> {
    let offset = replication.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
    let offset = offset.and_then(|offset| offset.trim().parse().ok());
    offset.ok_or_else(|| Error::unexpected(SERVER.name, replication))
}

fn launch(home: &Home, options: &RedisOptions, port: u16) -> Result<Process, Error> {
    let mut command = SERVER.command()?;
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""]);
    // A replica need not wait for others that might join the same transfer.
    command.args(["--repl-diskless-sync-delay", "0", "--daemonize", "no", "--dir"]).arg(home.path());
    for (name, value) in &options.settings {
        setting(&mut command, name, value);
    }
    if options.movable_clock {
        clock::preload(&mut command, home)?;
    }
    let process = Process::start(SERVER, command, &home.join("redis.log"), READY)?;
    if options.movable_clock {
        clock::tidy(process.pid())?;
    }
    Ok(process)
}

/// `--name` and its words, because redis-server takes every word as an argument of its own.
fn setting(command: &mut Command, name: &str, value: &str) {
    command.arg(format!("--{name}"));
    if value.is_empty() {
        command.arg(value);
    }
    command.args(value.split_whitespace());
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn the_port_of_a_killed_server_is_kept_for_it() {
        if crate::skipped("redis") {
            return;
        }
        let mut redis = Redis::start().unwrap();
        let client = TcpStream::connect(redis.addr()).unwrap();
        redis.kill().unwrap();
        assert!(redis.held_port.is_some());
        let refused = TcpStream::connect(redis.addr()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        redis.restart().unwrap();
        assert!(redis.held_port.is_none());
        assert_eq!(redis.cli(&["PING"]).unwrap(), "PONG");
        drop(client);
    }

    #[test]
    fn a_taken_port_is_recognised() {
        if crate::skipped("redis") {
            return;
        }
        let (_listener, taken) = port::taken();
        let home = Home::new("redis").unwrap();
        assert!(launch(&home, &Redis::options(), taken).unwrap_err().is_port_taken());
    }
}
