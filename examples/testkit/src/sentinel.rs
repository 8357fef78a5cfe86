//! A master, its replicas, and three sentinels that promote a replica when the master is gone.

use std::iter;
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
/// After how many milliseconds of silence a sentinel calls the master gone. It asks once a second and at first only
/// after one: with less than that, it would call every new master gone, and promote one after the other.
const DOWN_AFTER_MS: u32 = 2000;
/// A sentinel that was itself held up for so many milliseconds rests for half a minute; by default two seconds, which a
/// busy machine takes now and then, and after that rest the replica is too old to be promoted.
const TILT_MS: &str = "60000";
const ACQUAINTED_MAX: Duration = Duration::from_secs(30);
/// A failover takes four seconds; one that finds no fit replica is tried again after six.
const PROMOTION_MAX: Duration = Duration::from_secs(60);

/// Three sentinels over a master and its replicas; a failover takes about four seconds.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("redis") { return Ok(()); }
/// let mut redis = testkit::RedisSentinel::start()?;
/// let old = redis.master().addr();
/// assert_eq!(redis.master_addr()?, old);
/// redis.master_mut().kill()?;
/// assert_eq!(redis.wait_promoted(old)?.addr(), redis.replica().addr());
/// # Ok(()) }
/// ```
///
/// A replica that is frozen still has what reached it in the kernel, and reads it when it goes on. To lose a write
/// that a client saw succeed, the connection has to go first:
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("redis") { return Ok(()); }
/// let mut redis = testkit::RedisSentinel::start()?;
/// redis.replica().stop_signal()?;
/// redis.master().cli(&["CLIENT", "KILL", "TYPE", "replica"])?;
/// assert_eq!(redis.master().cli(&["SET", "seat", "7"])?, "OK");
/// let old = redis.master().addr();
/// redis.master_mut().kill()?;
/// redis.replica().cont_signal()?;
/// assert_eq!(redis.wait_promoted(old)?.cli(&["GET", "seat"])?, "");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct RedisSentinel {
    sentinels: [Sentinel; 3],
    replica: Redis,
    more_replicas: Vec<Redis>,
    master: Redis,
}

#[derive(Debug)]
struct Sentinel {
    _process: Process,
    _home: Home,
    port: u16,
}

impl RedisSentinel {
    /// Starts a master with one replica, and the sentinels.
    ///
    /// # Errors
    ///
    /// As [`RedisSentinel::start_with`].
    pub fn start() -> Result<Self, Error> {
        Self::start_with(1)
    }

    /// Starts a master with `replicas` replicas, and returns once every sentinel knows all replicas and the other
    /// sentinels.
    ///
    /// # Errors
    ///
    /// As [`crate::RedisOptions::start`]; `PeerMisbehaved` when they do not find each other in 30 seconds,
    /// `InvalidInput` when `replicas` is 0.
    pub fn start_with(replicas: usize) -> Result<Self, Error> {
        let more = replicas
            .checked_sub(1)
            .ok_or_else(|| Error::invalid("without a replica there is nobody to promote; ask for `1`"))?;
        let master = Redis::start()?;
        let replica = Redis::replica_of(&master)?;
        let more_replicas =
            iter::repeat_with(|| Redis::replica_of(&master)).take(more).collect::<Result<_, _>>()?;
        let watched = master.addr();
        let sentinels = [Sentinel::start(watched)?, Sentinel::start(watched)?, Sentinel::start(watched)?];
        for sentinel in &sentinels {
            sentinel.ask(&["SENTINEL", "DEBUG", "tilt-trigger", TILT_MS])?;
            until_ok(ACQUAINTED_MAX, "sentinels that know each other", || sentinel.knows_all(replicas))?;
        }
        Ok(Self { sentinels, replica, more_replicas, master })
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
        first.master_addr()
    }

    /// The server that the first sentinel calls the master now.
    ///
    /// # Errors
    ///
    /// As [`RedisSentinel::master_addr`].
    pub fn current_master(&self) -> Result<&Redis, Error> {
        let addr = self.master_addr()?;
        self.server(addr).ok_or_else(|| Error::unexpected(SERVER.name, &addr.to_string()))
    }

    /// Waits up to a minute until all sentinels name the same master and not `instead_of`, and until that server
    /// too says that it is one; returns it.
    ///
    /// # Errors
    ///
    /// `PeerMisbehaved` when nobody is promoted in time, or a sentinel or the promoted server does not answer.
    pub fn wait_promoted(&self, instead_of: SocketAddr) -> Result<&Redis, Error> {
        until_ok(PROMOTION_MAX, "the promotion of a replica", || {
            let addrs = self.master_addrs()?;
            let agreed = addrs.first().filter(|first| addrs.iter().all(|addr| addr == *first));
            let Some(server) = agreed.filter(|addr| **addr != instead_of).and_then(|addr| self.server(*addr))
            else {
                return Ok(None);
            };
            let is_master =
                server.is_awake()? && server.cli(&["INFO", "replication"])?.contains("role:master");
            Ok(is_master.then_some(server))
        })
    }

    /// The server that was the master at the start.
    pub fn master(&self) -> &Redis {
        &self.master
    }

    /// The server that was the master at the start, to kill or freeze it.
    pub fn master_mut(&mut self) -> &mut Redis {
        &mut self.master
    }

    /// The server that was the first replica at the start.
    pub fn replica(&self) -> &Redis {
        &self.replica
    }

    /// The server that was the first replica at the start, to kill or restart it.
    pub fn replica_mut(&mut self) -> &mut Redis {
        &mut self.replica
    }

    /// The servers that were replicas at the start, as many as [`RedisSentinel::start_with`] was told.
    pub fn replicas(&self) -> impl Iterator<Item = &Redis> {
        iter::once(&self.replica).chain(&self.more_replicas)
    }

    /// The servers that were replicas at the start, to kill or restart one.
    pub fn replicas_mut(&mut self) -> impl Iterator<Item = &mut Redis> {
        iter::once(&mut self.replica).chain(&mut self.more_replicas)
    }

    /// Where every sentinel in turn says that the master is; they may disagree during a failover.
    fn master_addrs(&self) -> Result<Vec<SocketAddr>, Error> {
        self.sentinels.iter().map(Sentinel::master_addr).collect()
    }

    fn server(&self, addr: SocketAddr) -> Option<&Redis> {
        iter::once(&self.master).chain(self.replicas()).find(|server| server.addr() == addr)
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

    fn master_addr(&self) -> Result<SocketAddr, Error> {
        let reply = self.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE])?;
        let mut lines = reply.lines();
        let addr = lines.next().zip(lines.next()).and_then(|(ip, port)| format!("{ip}:{port}").parse().ok());
        addr.ok_or_else(|| Error::unexpected(SERVER.name, &reply))
    }

    fn knows_all(&self, replicas: usize) -> Result<Option<()>, Error> {
        // `name=mymaster,status=ok,address=127.0.0.1:6379,slaves=1,sentinels=3`
        let info = self.ask(&["INFO", "sentinel"])?;
        let complete = info.contains("status=ok") && info.contains(&format!("slaves={replicas},sentinels=3"));
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
