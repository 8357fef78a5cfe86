//! A Redis Cluster of three masters that share the 16384 slots, with or without replicas.

use std::time::Duration;

use crate::redis::Redis;
use crate::wait::until_ok;
use crate::{Error, port};

mod slot;
mod slot_move;

pub use slot_move::SlotMove;

const FORM_MAX: Duration = Duration::from_secs(30);
const MASTERS: usize = 3;
/// The slots of each master.
const SLOTS: [(&str, &str); MASTERS] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

/// Three masters, each serving a third of the slots at first.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("redis") { return Ok(()); }
/// use testkit::RedisCluster;
///
/// let cluster = RedisCluster::start()?;
/// assert_eq!(cluster.urls().len(), 3);
/// let slot = RedisCluster::key_slot("{sale}:stock");
/// let (from, to) = (cluster.slot_owner(slot)?, 2);
/// assert_eq!((slot, from), (1974, 0));
/// cluster.server(from)?.cli(&["SET", "{sale}:stock", "3"])?;
/// cluster.move_slot(slot, from, to)?;
/// assert_eq!(cluster.server(to)?.cli(&["GET", "{sale}:stock"])?, "3");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct RedisCluster {
    /// The first masters, then the first replicas.
    servers: Vec<Redis>,
    /// What the nodes call each of them.
    ids: Vec<String>,
}

impl RedisCluster {
    /// Starts three masters without replicas, and returns once each of them calls the cluster complete.
    ///
    /// # Errors
    ///
    /// As [`crate::RedisOptions::start`]; `PeerMisbehaved` when the nodes do not find each other in 30 seconds.
    pub fn start() -> Result<Self, Error> {
        Self::form(0)
    }

    /// Starts three masters with a replica each, and returns once the replicas are synchronised. A replica takes
    /// over some four seconds after its master was killed or frozen, or at once when it is told
    /// `CLUSTER FAILOVER`.
    ///
    /// # Errors
    ///
    /// As [`RedisCluster::start`].
    pub fn start_with_replicas() -> Result<Self, Error> {
        let cluster = Self::form(MASTERS)?;
        for (master_id, replica) in cluster.ids.iter().zip(cluster.replicas()) {
            replica.cli(&["CLUSTER", "REPLICATE", master_id])?;
        }
        cluster.wait_replicated()?;
        Ok(cluster)
    }

    /// `redis://127.0.0.1:PORT/` of each master.
    pub fn urls(&self) -> Vec<String> {
        self.nodes().iter().map(Redis::url).collect()
    }

    /// The servers that were masters at the start, in the order of their slots.
    pub fn nodes(&self) -> &[Redis] {
        self.servers.get(..MASTERS).unwrap_or_default()
    }

    /// The servers that were masters at the start, to kill or restart one.
    pub fn nodes_mut(&mut self) -> &mut [Redis] {
        self.servers.get_mut(..MASTERS).unwrap_or_default()
    }

    /// The servers that were replicas at the start, in the order of their masters; none without
    /// [`RedisCluster::start_with_replicas`].
    pub fn replicas(&self) -> &[Redis] {
        self.servers.get(MASTERS..).unwrap_or_default()
    }

    /// The servers that were replicas at the start, to kill or restart one.
    pub fn replicas_mut(&mut self) -> &mut [Redis] {
        self.servers.get_mut(MASTERS..).unwrap_or_default()
    }

    /// The server of an index: those of [`RedisCluster::nodes`] come first, those of
    /// [`RedisCluster::replicas`] follow.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the cluster has no such server.
    pub fn server(&self, index: usize) -> Result<&Redis, Error> {
        self.servers.get(index).ok_or_else(|| no_server(index))
    }

    fn form(replicas: usize) -> Result<Self, Error> {
        let (mut servers, mut bus_ports) = (Vec::new(), Vec::new());
        for epoch in 1..=MASTERS + replicas {
            let (server, bus_port) = start_node()?;
            // Different epochs from the start: otherwise the nodes first settle a conflict.
            server.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch.to_string()])?;
            servers.push(server);
            bus_ports.push(bus_port.to_string());
        }
        for (server, (first, last)) in servers.iter().zip(SLOTS) {
            server.cli(&["CLUSTER", "ADDSLOTSRANGE", first, last])?;
        }
        let first = servers.first().ok_or_else(|| no_server(0))?;
        for (server, bus_port) in servers.iter().zip(&bus_ports).skip(1) {
            let port = server.addr().port().to_string();
            first.cli(&["CLUSTER", "MEET", "127.0.0.1", &port, bus_port])?;
        }
        let ids = servers.iter().map(|server| server.cli(&["CLUSTER", "MYID"])).collect::<Result<_, _>>()?;
        let cluster = Self { servers, ids };
        cluster.wait_complete()?;
        Ok(cluster)
    }

    fn wait_complete(&self) -> Result<(), Error> {
        for server in &self.servers {
            until_ok(FORM_MAX, "a complete cluster", || {
                let complete = server.cli(&["CLUSTER", "INFO"])?.contains("cluster_state:ok");
                let known = server.cli(&["CLUSTER", "NODES"])?;
                let all = self.ids.iter().all(|id| known.contains(id)) && !known.contains("handshake");
                Ok((complete && all).then_some(()))
            })?;
        }
        Ok(())
    }

    fn wait_replicated(&self) -> Result<(), Error> {
        for replica in self.replicas() {
            until_ok(FORM_MAX, "the first synchronisation of a replica", || {
                let told = replica.cli(&["INFO", "replication"])?;
                Ok((told.contains("role:slave") && told.contains("master_link_status:up")).then_some(()))
            })?;
        }
        // A master votes for the replicas that it knows as such.
        for server in &self.servers {
            until_ok(FORM_MAX, "replicas that every node knows", || {
                let known = server.cli(&["CLUSTER", "NODES"])?;
                let replicas = known.lines().filter(|line| line.contains("slave")).count();
                Ok((replicas == self.replicas().len()).then_some(()))
            })?;
        }
        self.wait_complete()
    }
}

fn no_server(index: usize) -> Error {
    Error::invalid(format!("the cluster has no server `{index}`"))
}

/// A node, and the port on which it speaks with the others; by default that would be 10000 above its own, which
/// may be taken or no port at all.
fn start_node() -> Result<(Redis, u16), Error> {
    port::retry(|bus_port| {
        Redis::options()
            .setting("cluster-enabled", "yes")
            .setting("cluster-port", &bus_port.to_string())
            .setting("cluster-node-timeout", "2000")
            .start()
            .map(|node| (node, bus_port))
    })
}
