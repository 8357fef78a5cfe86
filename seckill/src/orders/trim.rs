//! Trimming: dropping the entries of the streams that nobody needs any more.

use super::Orders;
use super::fault::OrdersFault;
use super::keys::ShardKeys;
use super::names::GroupName;
use super::scripts::TRIM;
use crate::error::{Error, Fault};

/// What has to be so before anything is dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrimOptions {
    /// Groups that have to be there. Name every group that the application ever wants, also one whose first
    /// consumer may come late: a shard without it is left alone.
    pub groups: Vec<GroupName>,
    /// Whether a stream without any group is trimmed too, because nobody reads orders of this sale.
    pub without_groups: bool,
}

/// What was dropped in one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trimmed {
    /// What nobody needs any more is gone.
    Done {
        /// The shard.
        shard: u16,
        /// How many entries were dropped, of all streams.
        entries: u64,
    },
    /// A group is not there yet, so nothing was dropped.
    Waits {
        /// The shard.
        shard: u16,
        /// The missing group; `None` when there is no group at all.
        group: Option<String>,
    },
}

impl TrimOptions {
    /// These groups have to be there.
    pub fn groups(groups: impl IntoIterator<Item = GroupName>) -> Self {
        Self { groups: groups.into_iter().collect(), without_groups: false }
    }

    /// Nobody reads orders of this sale.
    pub fn without_groups() -> Self {
        Self { groups: Vec::new(), without_groups: true }
    }
}

impl Orders {
    /// Drops the entries that every group has acknowledged and the sweep has passed, one step a shard. An
    /// entry that a group has not read, or has read and not acknowledged, is never dropped, nor is any
    /// after it. Groups that were not named are waited for as well, once they are there.
    ///
    /// # Errors
    /// `NotLoaded` when the sale is not in redis, `Frozen` when a shard went back in time: its streams are
    /// needed then. `Unavailable` when redis is not reached.
    pub async fn trim(&self, options: &TrimOptions) -> Result<Vec<Trimmed>, Error> {
        let mut trimmed = Vec::new();
        for keys in self.shards() {
            trimmed.push(self.trim_shard(&keys, options).await?);
        }
        Ok(trimmed)
    }

    async fn trim_shard(&self, keys: &ShardKeys, options: &TrimOptions) -> Result<Trimmed, Error> {
        let mut line = self.servers.open(&self.sale).await?;
        let mut args = vec![if options.without_groups { "1" } else { "0" }];
        args.extend(options.groups.iter().map(GroupName::as_str));
        let keys_of_script = [&*keys.numbers, &*keys.wins, &*keys.changes, &*keys.again];
        let answer: Vec<String> = line.run(&TRIM, &keys_of_script, &args).await?;
        let (shard, sale) = (keys.shard, self.sale.clone());
        match &*answer.iter().map(String::as_str).collect::<Vec<_>>() {
            ["trimmed", counts @ ..] => {
                let counts: Option<Vec<u64>> = counts.iter().map(|count| count.parse().ok()).collect();
                let entries = counts.ok_or(OrdersFault::Answer)?.iter().sum();
                Ok(Trimmed::Done { shard, entries })
            }
            ["waits", ""] => Ok(Trimmed::Waits { shard, group: None }),
            ["waits", group] => Ok(Trimmed::Waits { shard, group: Some((*group).to_owned()) }),
            ["!missing"] => Err(Fault::NotLoaded { sale }.into()),
            ["!frozen"] => Err(Fault::Frozen { sale, shard }.into()),
            _ => Err(OrdersFault::Answer.into()),
        }
    }
}
