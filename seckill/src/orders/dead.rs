//! Dead letters: entries that a group could not handle. They stay until somebody puts them back or drops them.

use redis::Value;

use super::Orders;
use super::entry::Entry;
use super::event::OrderEvent;
use super::fault::OrdersFault;
use super::keys::{Part, ShardKeys};
use super::scripts::REDRIVE;
use super::words;
use crate::error::Error;

/// An entry that one group could not handle.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Its own id.
    pub id: String,
    /// In which shard.
    pub shard: u16,
    /// Which group could not handle it. Others may have.
    pub group: String,
    /// The step of the shard whose events these are, as the id of the entry, `<step>-0`.
    pub entry: String,
    /// How often it was delivered.
    pub attempts: u32,
    /// The words of the last error.
    pub reason: String,
    /// What it tells; empty when it cannot be read.
    pub events: Vec<OrderEvent>,
}

impl Orders {
    /// The oldest dead letters of each shard, up to `max` of it.
    ///
    /// # Errors
    /// `Unavailable` when redis is not reached.
    pub async fn dead_letters(&self, max: u16) -> Result<Vec<DeadLetter>, Error> {
        let mut letters = Vec::new();
        for keys in self.shards() {
            let mut line = self.servers.open(&self.sale).await?;
            let mut cmd = redis::cmd("XRANGE");
            let answer: Value = line.ask(cmd.arg(&keys.dead).arg("-").arg("+").arg("COUNT").arg(max)).await?;
            let entries = Entry::list(answer).ok_or(OrdersFault::Answer)?;
            letters.extend(entries.iter().map(|entry| self.letter(&keys, entry)));
        }
        Ok(letters)
    }

    /// Puts a dead letter back: its group is given it again, with all attempts before it. `false` when it is
    /// not there any more.
    ///
    /// # Errors
    /// `Unavailable` when redis is not reached; it may be put back all the same.
    pub async fn redrive(&self, letter: &DeadLetter) -> Result<bool, Error> {
        let mut line = self.servers.open(&self.sale).await?;
        let keys = self.shard(letter.shard);
        let moved: u32 = line.run(&REDRIVE, &[&keys.dead, &keys.again], &[&letter.id]).await?;
        Ok(moved > 0)
    }

    /// Drops a dead letter for good: its group is never given it again. `false` when it is not there any more.
    ///
    /// # Errors
    /// `Unavailable` when redis is not reached; it may be dropped all the same.
    pub async fn discard(&self, letter: &DeadLetter) -> Result<bool, Error> {
        let mut line = self.servers.open(&self.sale).await?;
        let mut cmd = redis::cmd("XDEL");
        let dropped: u32 = line.ask(cmd.arg(self.shard(letter.shard).dead).arg(&letter.id)).await?;
        Ok(dropped > 0)
    }

    fn letter(&self, keys: &ShardKeys, entry: &Entry) -> DeadLetter {
        let text = |name: &str| entry.text(name).unwrap_or_default().to_owned();
        DeadLetter {
            id: entry.id.clone(),
            shard: keys.shard,
            group: text("g"),
            entry: text("i"),
            attempts: text("n").parse().unwrap_or_default(),
            reason: text("r"),
            // A letter has the fields of an entry that was put back.
            events: words::events(entry, &self.sale, keys.shard, Part::Again).unwrap_or_default(),
        }
    }
}
