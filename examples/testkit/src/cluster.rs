//! A Redis Cluster of three masters that share the 16384 slots.

use std::time::Duration;

use crate::redis::Redis;
use crate::wait::until_ok;
use crate::{Error, port};

const FORM_MAX: Duration = Duration::from_secs(30);

/// Three masters without replicas, each serving a third of the slots.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("redis") { return Ok(()); }
/// let cluster = testkit::RedisCluster::start()?;
/// assert_eq!(cluster.urls().len(), 3);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct RedisCluster {
    nodes: [Redis; 3],
}

impl RedisCluster {
    /// Starts the nodes, and returns once each of them calls the cluster complete.
    ///
    /// # Errors
    ///
    /// As [`crate::RedisOptions::start`]; `PeerMisbehaved` when the nodes do not find each other in 30 seconds.
    pub fn start() -> Result<Self, Error> {
        // Different epochs from the start: otherwise the nodes first settle a conflict.
        let (first, _) = start_node("0", "5460", "1")?;
        let (second, second_bus) = start_node("5461", "10922", "2")?;
        let (third, third_bus) = start_node("10923", "16383", "3")?;
        for (node, bus_port) in [(&second, second_bus), (&third, third_bus)] {
            let port = node.addr().port().to_string();
            first.cli(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port.to_string()])?;
        }
        let cluster = Self { nodes: [first, second, third] };
        cluster.wait_complete()?;
        Ok(cluster)
    }

    /// `redis://127.0.0.1:PORT/` of each master.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The masters, in the order of their slots.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// The masters, to kill or restart one.
    pub fn nodes_mut(&mut self) -> &mut [Redis] {
        &mut self.nodes
    }

    fn wait_complete(&self) -> Result<(), Error> {
        let known = format!("cluster_known_nodes:{}", self.nodes.len());
        for node in &self.nodes {
            until_ok(FORM_MAX, "a complete cluster", || {
                let info = node.cli(&["CLUSTER", "INFO"])?;
                let complete = info.contains("cluster_state:ok") && info.contains(&known);
                Ok(complete.then_some(()))
            })?;
        }
        Ok(())
    }
}

/// A node with its slots, and the port on which it speaks with the others; by default that would be 10000
/// above its own, which may be taken or no port at all.
fn start_node(first_slot: &str, last_slot: &str, epoch: &str) -> Result<(Redis, u16), Error> {
    let (node, bus_port) = port::retry(|bus_port| {
        Redis::options()
            .setting("cluster-enabled", "yes")
            .setting("cluster-port", &bus_port.to_string())
            .setting("cluster-node-timeout", "2000")
            .start()
            .map(|node| (node, bus_port))
    })?;
    node.cli(&["CLUSTER", "ADDSLOTSRANGE", first_slot, last_slot])?;
    node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", epoch])?;
    Ok((node, bus_port))
}
