//! Moving one slot between two masters, at once or in steps.

use std::time::Duration;

use super::{RedisCluster, no_server, slot};
use crate::Error;
use crate::redis::{SERVER, cli};
use crate::wait::until_ok;

const MOVE_MAX: Duration = Duration::from_secs(60);
const CHUNK_KEYS: usize = 100;
/// How long a key may take from one server to the other.
const MIGRATE_MAX_MS: &str = "5000";

/// A slot on its way from one server to another, as it was left by the last step.
///
/// It borrows nothing, so servers may be killed meanwhile. Dropped before [`SlotMove::finish`], it leaves the slot
/// divided between the two: clients are sent from one to the other with `ASK`.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("redis") { return Ok(()); }
/// use testkit::RedisCluster;
///
/// let cluster = RedisCluster::start()?;
/// let slot = RedisCluster::key_slot("{a}");
/// let from = cluster.slot_owner(slot)?;
/// cluster.server(from)?.cli(&["MSET", "{a}1", "x", "{a}2", "y"])?;
/// let slot_move = cluster.begin_move(slot, from, (from + 1) % 3)?;
/// assert!(!slot_move.migrate_some(1)?);
/// assert!(slot_move.migrate_some(1)?);
/// slot_move.finish()?;
/// assert_eq!(cluster.slot_owner(slot)?, (from + 1) % 3);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct SlotMove {
    slot: String,
    from: u16,
    to: u16,
    to_id: String,
    /// The ports of the masters that ran at the beginning and have no part in this.
    others: Vec<u16>,
}

impl RedisCluster {
    /// Moves `slot` with all its keys from one server to another, and tells all masters.
    ///
    /// # Errors
    ///
    /// As [`RedisCluster::begin_move`] and the steps of [`SlotMove`]; `PeerMisbehaved` also when the slot is not
    /// empty after a minute. Keys have to be text without line ends.
    pub fn move_slot(&self, slot: u16, from_index: usize, to_index: usize) -> Result<(), Error> {
        let slot_move = self.begin_move(slot, from_index, to_index)?;
        until_ok(MOVE_MAX, "an empty slot", || Ok(slot_move.migrate_some(CHUNK_KEYS)?.then_some(())))?;
        slot_move.finish()
    }

    /// Declares `slot` to be on its way (`SETSLOT IMPORTING` and `MIGRATING`) and moves no key yet.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when there is no such slot or server or both servers are the same, `PeerMisbehaved` when the
    /// first one does not have the slot, or one of the two is no master.
    pub fn begin_move(&self, slot: u16, from_index: usize, to_index: usize) -> Result<SlotMove, Error> {
        slot::valid(slot)?;
        if from_index == to_index {
            return Err(Error::invalid(format!("server `{from_index}` cannot move a slot to itself")));
        }
        let from_id = self.ids.get(from_index).ok_or_else(|| no_server(from_index))?;
        let to_id = self.ids.get(to_index).ok_or_else(|| no_server(to_index))?;
        let (from, to) = (self.server(from_index)?, self.server(to_index)?);
        let slot = slot.to_string();
        to.cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", from_id])?;
        from.cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", to_id])?;
        let (from, to) = (from.addr().port(), to.addr().port());
        let mut others = self.masters()?;
        others.retain(|port| ![from, to].contains(port));
        Ok(SlotMove { slot, from, to, to_id: to_id.clone(), others })
    }

    /// The ports of the servers that neither were killed nor are frozen, and call themselves masters.
    fn masters(&self) -> Result<Vec<u16>, Error> {
        let mut ports = Vec::new();
        for server in &self.servers {
            if server.is_awake()? && server.cli(&["INFO", "replication"])?.contains("role:master") {
                ports.push(server.addr().port());
            }
        }
        Ok(ports)
    }
}

impl SlotMove {
    /// Moves at most `keys_max` keys. True when none is left behind.
    ///
    /// # Errors
    ///
    /// `PeerMisbehaved` when one of the two servers does not answer, or already has such a key.
    pub fn migrate_some(&self, keys_max: usize) -> Result<bool, Error> {
        let keys = cli(self.from, &["CLUSTER", "GETKEYSINSLOT", &self.slot, &keys_max.to_string()])?;
        if !keys.is_empty() {
            let port = self.to.to_string();
            let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", MIGRATE_MAX_MS, "KEYS"];
            migrate.extend(keys.lines());
            // `NOKEY` is an answer too: all of them expired meanwhile.
            cli(self.from, &migrate)?;
        }
        Ok(self.left()? == 0)
    }

    /// Gives the slot to its new server (`SETSLOT NODE`), there first, then at the old one and the other masters.
    /// May be called again when one of them did not answer.
    ///
    /// # Errors
    ///
    /// `Misuse` when keys are left behind, `PeerMisbehaved` when a master does not answer.
    pub fn finish(&self) -> Result<(), Error> {
        let left = self.left()?;
        if left > 0 {
            return Err(Error::misuse(format!("`{left}` keys are left in the slot; migrate them first")));
        }
        for port in [self.to, self.from].iter().chain(&self.others) {
            cli(*port, &["CLUSTER", "SETSLOT", &self.slot, "NODE", &self.to_id])?;
        }
        Ok(())
    }

    fn left(&self) -> Result<u64, Error> {
        let reply = cli(self.from, &["CLUSTER", "COUNTKEYSINSLOT", &self.slot])?;
        reply.parse().map_err(|_| Error::unexpected(SERVER.name, &reply))
    }
}
