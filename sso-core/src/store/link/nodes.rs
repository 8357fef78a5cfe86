//! Connections to the servers that are masters now: opened on demand, found anew when they move or break.
//! How a command finds its node is in `nodes/routed.rs`.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult, Value};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use self::look::look;
pub(crate) use self::routed::Routed;
use super::broken::is_unauthorised;
use super::seeds::{Places, Seeds};
use super::wire;

mod look;
mod routed;

/// A node as the servers call it: `host:port`, or empty for the one server there is.
type Address = Arc<str>;

/// One attempt to connect, shared by all who wait for it.
type Opening = Arc<OnceCell<Result<MultiplexedConnection, Arc<RedisError>>>>;

/// The servers.
pub(crate) struct Nodes {
    seeds: Seeds,
    known: Mutex<Known>,
    /// Held by the one who looks for the masters.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    /// First and last slot, and their master.
    ranges: Vec<(u16, u16, Address)>,
    /// Slots that were found elsewhere since.
    moved: HashMap<u16, Address>,
    /// The masters that were named last: the first addresses may have gone for good.
    masters: Vec<Address>,
    connections: HashMap<Address, Opening>,
}

impl Nodes {
    pub(super) fn new(seeds: Seeds) -> Self {
        Self { seeds, known: Mutex::default(), looking: tokio::sync::Mutex::new(()) }
    }

    /// The way of one call.
    pub(super) fn route(&self) -> Routed<'_> {
        Routed::new(self)
    }

    /// Opens the connection to the master of the first slot.
    pub(super) async fn reach(&self) -> RedisResult<()> {
        let address = self.address(0).await?;
        let opening = self.opening(&address);
        self.opened(&address, &opening).await.map(|_| ())
    }

    /// How to reach the master of a key's slot.
    #[cfg(feature = "token")]
    pub(super) async fn server_of(&self, key: &str) -> RedisResult<redis::ConnectionInfo> {
        let address = self.address(super::slot::of_key(key.as_bytes())).await?;
        Ok(self.seeds.node(&address))
    }

    async fn address(&self, slot: u16) -> RedisResult<Address> {
        if let Some(address) = self.found(slot) {
            return Ok(address);
        }
        let _alone = self.looking.lock().await;
        if let Some(address) = self.found(slot) {
            return Ok(address);
        }
        // All are asked at once: one that is dark holds up nobody.
        let mut looks = JoinSet::new();
        for info in self.seeds.guides().chain(self.masters()) {
            looks.spawn(look(self.seeds.places.clone(), info));
        }
        let mut last = no_master();
        while let Some(told) = looks.join_next().await {
            match told.unwrap_or_else(|ended| Err(io::Error::other(ended).into())) {
                Ok(ranges) => {
                    self.lock().learn(ranges);
                    if let Some(address) = self.found(slot) {
                        return Ok(address);
                    }
                    last = no_master();
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The masters of a cluster, as far as they were ever named: they know where the slots are.
    fn masters(&self) -> Vec<redis::ConnectionInfo> {
        if self.seeds.places != Places::Cluster {
            return Vec::new();
        }
        self.lock().masters.iter().map(|address| self.seeds.node(address)).collect()
    }

    /// Where a slot is, as far as that is known.
    fn found(&self, slot: u16) -> Option<Address> {
        match self.seeds.places {
            Places::Single => Some(Arc::from("")),
            Places::Sentinels(_) | Places::Cluster => self.lock().find(slot),
        }
    }

    /// The attempt to connect to a node that is under way or has succeeded, or a new one.
    fn opening(&self, address: &Address) -> Opening {
        let mut known = self.lock();
        let opening = known.connections.entry(Arc::clone(address)).or_default();
        // It failed after everybody who waited for it had given up: that says nothing of now.
        if opening.get().is_some_and(Result::is_err) {
            *opening = Opening::default();
        }
        Arc::clone(opening)
    }

    /// Waits for a connection. It goes on being opened when the caller gives up.
    async fn opened(&self, address: &Address, opening: &Opening) -> RedisResult<MultiplexedConnection> {
        if opening.get().is_none() {
            let (cell, info) = (Arc::clone(opening), self.seeds.node(address));
            let as_master = matches!(self.seeds.places, Places::Sentinels(_));
            let opening = async move {
                cell.get_or_init(async || open(info, as_master).await.map_err(Arc::new)).await;
            };
            tokio::spawn(opening).await.map_err(io::Error::other)?;
        }
        match opening.get() {
            Some(Ok(connection)) => Ok(connection.clone()),
            Some(Err(error)) => {
                self.forget(address, opening);
                Err(again(error))
            }
            None => Err(no_master()),
        }
    }

    /// Forgets a connection that is of no use, and where its node was.
    fn forget(&self, address: &Address, opening: &Opening) {
        let mut known = self.lock();
        if known.connections.get(address).is_some_and(|now| Arc::ptr_eq(now, opening)) {
            known.connections.remove(address);
            known.leave(address);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn learn(&mut self, ranges: Vec<(u16, u16, Address)>) {
        self.masters = ranges.iter().map(|range| Arc::clone(&range.2)).collect();
        self.masters.sort_unstable();
        self.masters.dedup();
        self.ranges = ranges;
        self.moved.clear();
        // Connections to nodes that are masters no more are closed when their last call ends.
        let masters = &self.masters;
        self.connections.retain(|address, _| masters.contains(address));
    }

    /// Forgets what is said to be at an address.
    fn leave(&mut self, address: &Address) {
        self.ranges.retain(|range| range.2 != *address);
        self.moved.retain(|_, moved| moved != address);
    }

    fn find(&self, slot: u16) -> Option<Address> {
        let in_range = |(first, last, _): &&(u16, u16, Address)| (*first..=*last).contains(&slot);
        let moved = self.moved.get(&slot);
        moved.or_else(|| self.ranges.iter().find(in_range).map(|range| &range.2)).cloned()
    }
}

/// Opens a connection and sees that the server answers: to a missing password, only that says no.
async fn open(info: redis::ConnectionInfo, as_master: bool) -> RedisResult<MultiplexedConnection> {
    let mut connection = wire::open(info).await?;
    let greeting = async {
        if !as_master {
            return redis::cmd("PING").exec_async(&mut connection).await;
        }
        // Sentinels may name the old master for a while.
        let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut connection).await?;
        match role.first() {
            Some(Value::BulkString(role)) if role == b"master" => Ok(()),
            _ => Err(no_master()),
        }
    };
    match tokio::time::timeout(wire::OPEN_MAX, greeting).await {
        Ok(greeted) => greeted?,
        Err(_elapsed) => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
    Ok(connection)
}

fn no_master() -> RedisError {
    (ErrorKind::ClusterConnectionNotFound, "no server is known as the master of these keys").into()
}

/// The same error for one more of those who waited.
fn again(error: &Arc<RedisError>) -> RedisError {
    if is_unauthorised(error) {
        return (ErrorKind::AuthenticationFailed, "refused", error.to_string()).into();
    }
    match error.kind() {
        ErrorKind::Io => io::Error::new(io::ErrorKind::NotConnected, Arc::clone(error)).into(),
        kind => (kind, "no connection", error.to_string()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_that_nobody_waited_for_is_not_told_later() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        let nodes = Nodes::new(Seeds::single(&server.url()).unwrap());
        let late = nodes.opening(&Arc::from(""));
        assert!(Arc::ptr_eq(&late, &nodes.opening(&Arc::from(""))));
        late.set(Err(Arc::new(no_master()))).unwrap();
        nodes.reach().await.unwrap();
        let open = nodes.opening(&Arc::from(""));
        assert!(!Arc::ptr_eq(&late, &open) && matches!(open.get(), Some(Ok(_))));
    }
}
