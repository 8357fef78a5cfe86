//! The servers of a figure: started on cores of their own, emptied before each side, and asked what they
//! spent.

use redis::aio::MultiplexedConnection;
use testkit::{Redis, RedisCluster};

use crate::contest::Load;
use crate::peers::multiplexed;
use crate::pin::Cores;
use crate::{Error, Sample, Timing};

/// One server, a server with replicas, or a cluster.
pub(crate) struct Stage {
    // Stopped on drop.
    _servers: Servers,
    /// Where callers connect: the one master, or all of them.
    urls: Vec<String>,
    /// One to each server, replicas too, for the harness alone.
    connections: Vec<MultiplexedConnection>,
}

#[expect(dead_code, reason = "the servers are kept only to be stopped at the end")]
enum Servers {
    One(Box<Redis>),
    Replicated(Box<Redis>, Box<Redis>),
    Cluster(Box<RedisCluster>),
}

/// What the servers had spent at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// Seconds of processor time, all servers together.
    pub(crate) cpu: f64,
    /// Bytes, without what connections take.
    pub(crate) memory: f64,
}

impl Stage {
    /// One server.
    pub(crate) async fn one() -> Result<Self, Error> {
        let server = on_cores(Some(0), Redis::start)?;
        let url = server.url();
        Self::with(Servers::One(Box::new(server)), vec![url.clone()], vec![url]).await
    }

    /// A server and a replica of it.
    pub(crate) async fn replicated() -> Result<Self, Error> {
        let master = on_cores(Some(0), Redis::start)?;
        let replica = on_cores(Some(1), || Redis::replica_of(&master))?;
        let (url, all) = (master.url(), vec![master.url(), replica.url()]);
        Self::with(Servers::Replicated(Box::new(master), Box::new(replica)), vec![url], all).await
    }

    /// Three masters. They start together, so they share all the cores of the servers.
    pub(crate) async fn cluster() -> Result<Self, Error> {
        let cluster = on_cores(None, RedisCluster::start)?;
        let urls = cluster.urls();
        Self::with(Servers::Cluster(Box::new(cluster)), urls.clone(), urls).await
    }

    async fn with(servers: Servers, urls: Vec<String>, all: Vec<String>) -> Result<Self, Error> {
        let mut connections = Vec::new();
        for url in all {
            connections.push(multiplexed::connect(&url).await?);
        }
        Ok(Self { _servers: servers, urls, connections })
    }

    /// The address of the one server, or of the first master.
    pub(crate) fn url(&self) -> &str {
        self.urls.first().map_or("", String::as_str)
    }

    /// The addresses of all masters.
    pub(crate) fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Empties the servers, so that both sides start alike. A replica follows its master.
    pub(crate) async fn empty(&self) -> Result<(), Error> {
        for connection in self.connections.iter().take(self.urls.len()) {
            let mut flush = redis::cmd("FLUSHALL");
            flush.arg("SYNC").query_async::<()>(&mut connection.clone()).await?;
        }
        Ok(())
    }

    /// What the servers have spent so far.
    pub(crate) async fn spent(&self) -> Result<Spent, Error> {
        let mut spent = Spent { cpu: 0.0, memory: 0.0 };
        for connection in &self.connections {
            let cpu = info(connection, "cpu").await?;
            spent.cpu += number(&cpu, "used_cpu_user")? + number(&cpu, "used_cpu_sys")?;
            let memory = info(connection, "memory").await?;
            spent.memory += number(&memory, "used_memory")? - number(&memory, "mem_clients_normal")?;
        }
        Ok(spent)
    }

    /// The version of the servers.
    pub(crate) async fn version(&self) -> Result<String, Error> {
        match self.connections.first() {
            Some(connection) => Ok(field(&info(connection, "server").await?, "redis_version")?.to_owned()),
            None => Err(missing("redis_version")),
        }
    }
}

/// Does the work and sees what it cost the servers, if any takes part.
pub(crate) async fn sample(
    stage: Option<&Stage>,
    load: Load,
    work: impl Future<Output = Result<Timing, Error>>,
) -> Result<Sample, Error> {
    let Some(stage) = stage else {
        return Ok(Sample { timing: work.await?, server_ns: None, bytes: None });
    };
    let before = stage.spent().await?;
    let timing = work.await?;
    let after = stage.spent().await?;
    let answers = f64::from(load.requests);
    Ok(Sample {
        timing,
        server_ns: Some((after.cpu - before.cpu) * 1e9 / answers),
        bytes: Some((after.memory - before.memory) / answers),
    })
}

/// Starts a server on the servers' core with this number or on all of them, and goes back to the callers'.
pub(crate) fn on_cores<T>(
    number: Option<usize>,
    start: impl FnOnce() -> Result<T, testkit::Error>,
) -> Result<T, Error> {
    let Some(cores) = Cores::divide()? else {
        return Ok(start()?);
    };
    cores.be_server(number)?;
    let started = start();
    cores.be_caller()?;
    Ok(started?)
}

async fn info(connection: &MultiplexedConnection, section: &str) -> Result<String, Error> {
    Ok(redis::cmd("INFO").arg(section).query_async(&mut connection.clone()).await?)
}

fn number(info: &str, name: &'static str) -> Result<f64, Error> {
    field(info, name)?.parse().map_err(|_| missing(name))
}

fn field<'a>(info: &'a str, name: &'static str) -> Result<&'a str, Error> {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.map(str::trim).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Error {
    Error::Answer { given: "no such field".to_owned(), wanted: format!("`{name}` of the server") }
}
