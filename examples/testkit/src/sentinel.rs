//! A master, its replica, and three sentinels that promote the replica when the master is gone.

use std::net::SocketAddr;
use std::time::Duration;

use crate::home::Home;
use crate::process::Process;
use crate::redis::{Redis, SERVER, cli};
use crate::wait::until_ok;
use crate::{Error, port};

const SERVICE: &str = "mymaster";
/// How many sentinels have to agree that the master is gone.
const QUORUM: usize = 2;
/// After how many milliseconds of silence a sentinel calls the master gone.
const DOWN_AFTER_MS: u32 = 500;
const ACQUAINTED_MAX: Duration = Duration::from_secs(30);

/// Three sentinels over a master and a replica; a failover takes about two seconds.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("redis") { return Ok(()); }
/// let redis = testkit::RedisSentinel::start()?;
/// assert_eq!(redis.master_addr()?, redis.master().addr());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct RedisSentinel {
    sentinels: [Sentinel; 3],
    replica: Redis,
    master: Redis,
}

#[derive(Debug)]
struct Sentinel {
    _process: Process,
    _home: Home,
    port: u16,
}

impl RedisSentinel {
    /// Starts the five servers, and returns once every sentinel knows the replica and the other sentinels.
    ///
    /// # Errors
    ///
    /// As [`crate::RedisOptions::start`]; `PeerMisbehaved` when they do not find each other in 30 seconds.
    pub fn start() -> Result<Self, Error> {
        let master = Redis::start()?;
        let replica = Redis::replica_of(&master)?;
        let watched = master.addr();
        let sentinels = [Sentinel::start(watched)?, Sentinel::start(watched)?, Sentinel::start(watched)?];
        for sentinel in &sentinels {
            until_ok(ACQUAINTED_MAX, "sentinels that know each other", || sentinel.knows_all())?;
        }
        Ok(Self { sentinels, replica, master })
    }

    /// `redis://127.0.0.1:PORT/` of each sentinel.
    pub fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(|sentinel| format!("redis://{}/", port::local(sentinel.port))).collect()
    }

    /// The name under which the sentinels know the master.
    pub fn service(&self) -> &str {
        SERVICE
    }

    /// Where the first sentinel says that the master is now.
    ///
    /// # Errors
    ///
    /// `PeerMisbehaved` when the sentinel does not answer, or not with an address.
    pub fn master_addr(&self) -> Result<SocketAddr, Error> {
        let [first, ..] = &self.sentinels;
        let reply = first.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE])?;
        let mut lines = reply.lines();
        let addr = lines.next().zip(lines.next()).and_then(|(ip, port)| format!("{ip}:{port}").parse().ok());
        addr.ok_or_else(|| Error::unexpected(SERVER.name, &reply))
    }

    /// The server that was the master at the start.
    pub fn master(&self) -> &Redis {
        &self.master
    }

    /// The server that was the master at the start, to kill or freeze it.
    pub fn master_mut(&mut self) -> &mut Redis {
        &mut self.master
    }

    /// The server that was the replica at the start.
    pub fn replica(&self) -> &Redis {
        &self.replica
    }
}

impl Sentinel {
    fn start(master: SocketAddr) -> Result<Self, Error> {
        let home = Home::new("sentinel")?;
        let (port, process) = port::start(|port| {
            let config = home.write("sentinel.conf", &config(&home, master, port))?;
            let mut command = SERVER.command()?;
            command.arg(config).arg("--sentinel");
            Process::start(SERVER, command, &home.join("sentinel.log"), "+monitor master")
        })?;
        Ok(Self { _process: process, _home: home, port })
    }

    fn ask(&self, command: &[&str]) -> Result<String, Error> {
        cli(self.port, command)
    }

    fn knows_all(&self) -> Result<Option<()>, Error> {
        // `name=mymaster,status=ok,address=127.0.0.1:6379,slaves=1,sentinels=3`
        let info = self.ask(&["INFO", "sentinel"])?;
        let complete = info.contains("status=ok") && info.contains("slaves=1,sentinels=3");
        Ok(complete.then_some(()))
    }
}

fn config(home: &Home, master: SocketAddr, port: u16) -> String {
    let (ip, master_port) = (master.ip(), master.port());
    let dir = home.path().display();
    format!(
        "bind 127.0.0.1\n\
         port {port}\n\
         dir {dir}\n\
         daemonize no\n\
         sentinel monitor {SERVICE} {ip} {master_port} {QUORUM}\n\
         sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n\
         sentinel failover-timeout {SERVICE} 3000\n\
         sentinel parallel-syncs {SERVICE} 1\n"
    )
}
