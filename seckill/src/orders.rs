//! Orders out of the sale: everything that is won or changes is an entry of a Redis Stream, written in the same
//! step, and consumer groups read it.
//!
//! Each group is told everything at least once. A consumer that dies leaves its entries to the others; what a
//! handler fails on comes again after a pause that doubles; what fails too often goes to the dead letters,
//! in one step, so that it is neither lost nor doubled. The effect is done once by whoever writes it down: a
//! [`Ledger`](crate::ledger::Ledger) is a handler that does so in SQL tables.
//!
//! ```no_run
//! # async fn run() -> Result<(), seckill::Error> {
//! use seckill::SaleId;
//! use seckill::ledger::MemoryLedger;
//! use seckill::orders::{ConsumerName, GroupName, Orders};
//! use std::sync::Arc;
//!
//! let orders = Orders::new("redis://localhost", SaleId::new("phone")?, 1)?;
//! let consumer = orders.group(GroupName::new("billing")?).consumer(ConsumerName::new("host-1")?);
//! let shutdown = std::future::pending();
//! consumer.run(Arc::new(MemoryLedger::new()), shutdown).await
//! # }
//! ```
//!
//! # Missing on purpose
//!
//! * Order: events of one reservation may come in any order, and tell by `sequence` which is later.
//! * Exactly-once delivery, which does not exist. What a group has acknowledged may even come again, when
//!   redis falls back to a replica that lagged behind, or somebody sets the group back.
//! * Trimming by itself: call [`Orders::trim`] now and then.

mod consumer;
mod dead;
mod entry;
mod event;
mod fault;
mod handler;
mod keys;
mod line;
mod names;
mod pace;
mod reader;
mod retry;
mod scripts;
mod trim;
mod words;

use std::fmt;

pub use self::consumer::{Consumer, OrderGroup};
pub use self::dead::DeadLetter;
pub use self::event::{Change, EventKind, OrderChange, OrderEvent, OrderLine, OrderLines};
pub(crate) use self::fault::OrdersFault;
pub use self::handler::{HandlerError, OrderHandler, Trouble};
pub(crate) use self::keys::Part;
use self::keys::ShardKeys;
use self::line::Servers;
pub use self::names::{ConsumerName, GroupName};
pub use self::trim::{TrimOptions, Trimmed};
pub(crate) use self::words::history;
#[cfg(feature = "_sql")]
pub(crate) use self::words::state;
use crate::config::SaleConfig;
use crate::error::Error;
use crate::ids::SaleId;

/// The streams of one sale.
#[derive(Clone)]
pub struct Orders {
    servers: Servers,
    sale: SaleId,
    // INVARIANT: 1 to SHARDS_MAX.
    count: u16,
}

impl Orders {
    /// The streams of `sale` in one redis, 6.2 or later. `shards` is the number in the terms of the sale.
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// `Misuse` when a url is none, `InvalidInput` when there are no urls, and no shards or too many.
    pub fn new(url: &str, sale: SaleId, shards: u16) -> Result<Self, Error> {
        let servers = Servers::single(url, &sale)?;
        Self::of(servers, sale, shards)
    }

    /// The streams of `sale` in the redis that sentinels at `urls` name the master of `service`. Sentinels and
    /// servers take the user and the password of the first url.
    ///
    /// # Errors
    /// As [`Orders::new`].
    pub fn sentinels(urls: &[&str], service: &str, sale: SaleId, shards: u16) -> Result<Self, Error> {
        let servers = Servers::sentinels(urls, service, &sale)?;
        Self::of(servers, sale, shards)
    }

    /// The streams of `sale` in a Redis Cluster of which `urls` are some nodes. All nodes take the user and the
    /// password of the first url.
    ///
    /// # Errors
    /// As [`Orders::new`].
    pub fn cluster(urls: &[&str], sale: SaleId, shards: u16) -> Result<Self, Error> {
        let servers = Servers::cluster(urls, &sale)?;
        Self::of(servers, sale, shards)
    }

    fn of(servers: Servers, sale: SaleId, shards: u16) -> Result<Self, Error> {
        let count = pace::count("number of shards", shards, 1, u64::from(SaleConfig::SHARDS_MAX))?;
        Ok(Self { servers, sale, count })
    }

    /// The group of this name.
    pub fn group(&self, name: GroupName) -> OrderGroup {
        OrderGroup::new(self.clone(), name)
    }

    /// The sale.
    pub fn sale(&self) -> &SaleId {
        &self.sale
    }

    fn shard(&self, shard: u16) -> ShardKeys {
        ShardKeys::new(&self.sale, shard, self.count)
    }

    fn shards(&self) -> impl Iterator<Item = ShardKeys> + '_ {
        (0..self.count).map(|shard| self.shard(shard))
    }
}

impl fmt::Debug for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("Orders")
            .field("sale", &self.sale)
            .field("shards", &self.count)
            .finish_non_exhaustive()
    }
}
