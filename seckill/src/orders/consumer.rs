//! A consumer: takes the orders of all shards for its group and gives them to a handler.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::Orders;
use super::handler::OrderHandler;
use super::names::{ConsumerName, GroupName};
use super::pace::{self, Pace};
use super::reader::{Reader, Who};
use super::scripts::JOIN;
use crate::error::Error;

/// A consumer group. Each group is told everything; its consumers share that among them.
#[derive(Debug, Clone)]
pub struct OrderGroup {
    orders: Orders,
    name: GroupName,
}

/// One consumer of a group, usually one in each process.
///
/// It retries what failed after 1 s, then 2 s, 4 s and so on up to a minute, takes over what another consumer
/// has left alone for 30 s, and gives an entry up after 16 deliveries, unless told otherwise.
#[derive(Clone)]
pub struct Consumer {
    orders: Orders,
    group: GroupName,
    name: ConsumerName,
    pace: Pace,
}

impl OrderGroup {
    pub(super) fn new(orders: Orders, name: GroupName) -> Self {
        Self { orders, name }
    }

    /// Makes the group in all shards, from the first entry that is there. Does nothing where it is. A
    /// consumer does it too; do it before the sale, so that no [trim](Orders::trim) comes first.
    ///
    /// # Errors
    /// `Unavailable` when redis is not reached, `Corrupt` when a stream's key holds something else.
    pub async fn create(&self) -> Result<(), Error> {
        for keys in self.orders.shards() {
            let mut line = self.orders.servers.open(&self.orders.sale).await?;
            let streams = [&*keys.wins, &*keys.changes, &*keys.again];
            let _made: u32 = line.run(&JOIN, &streams, &[self.name.as_str()]).await?;
        }
        Ok(())
    }

    /// The consumer of this name.
    pub fn consumer(&self, name: ConsumerName) -> Consumer {
        Consumer { orders: self.orders.clone(), group: self.name.clone(), name, pace: Pace::default() }
    }
}

impl Consumer {
    /// Takes over what another consumer has not acknowledged for `span`. A consumer that still works on an
    /// entry renews its claim three times in that span, so it may be shorter than a handler takes.
    ///
    /// # Errors
    /// `InvalidInput` under 1 ms or over a day.
    pub fn claim_after(mut self, span: Duration) -> Result<Self, Error> {
        self.pace.claim_after = pace::span("time to claim after in milliseconds", span)?;
        Ok(self)
    }

    /// Retries after `first`, then twice that, and so on up to `longest`.
    ///
    /// # Errors
    /// `InvalidInput` when one of them is under 1 ms or over a day.
    pub fn retry_after(mut self, first: Duration, longest: Duration) -> Result<Self, Error> {
        self.pace.retry_after = pace::span("time to retry after in milliseconds", first)?;
        self.pace.retry_after_max = pace::span("longest time to retry after in milliseconds", longest)?;
        Ok(self)
    }

    /// Moves an entry to the dead letters when it was delivered so often in vain.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 2 to 1,000: an entry that fails together with others comes again alone
    /// before it is judged.
    pub fn attempts_max(mut self, attempts: u32) -> Result<Self, Error> {
        self.pace.attempts_max = pace::count("number of attempts", attempts, 2, 1_000)?;
        Ok(self)
    }

    /// Reads up to `entries` of each stream at a time, of up to 256 reservations each.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 1,000.
    pub fn entries_max(mut self, entries: u16) -> Result<Self, Error> {
        self.pace.entries_max = pace::count("number of entries in one read", entries, 1, 1_000)?;
        Ok(self)
    }

    /// Takes orders until `shutdown` is over, and then finishes those that the handler has. Each shard has a
    /// connection and a task of its own, so the handler is called for several shards at once.
    ///
    /// While redis is away this goes on trying. Dropping the future leaves unfinished entries pending; they
    /// come again, here or at another consumer.
    ///
    /// # Errors
    /// `Misuse` when redis refuses this user, `Corrupt` when a stream's key holds something else,
    /// `PeerMisbehaved` when the server does not know the commands.
    ///
    /// # Panics
    /// When the handler does.
    pub async fn run(
        &self,
        handler: Arc<dyn OrderHandler>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), Error> {
        let (stop, stopped) = watch::channel(false);
        let mut readers = JoinSet::new();
        for keys in self.orders.shards() {
            let who = Who { group: self.group.clone(), name: self.name.clone(), pace: self.pace.clone() };
            let (servers, sale) = (self.orders.servers.clone(), self.orders.sale.clone());
            readers.spawn(Reader::new(servers, sale, keys, who, Arc::clone(&handler), stopped.clone()).run());
        }
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            // A reader ends before that only when it cannot go on.
            Some(ended) = readers.join_next() => outcome(ended),
        };
        stop.send_replace(true);
        while let Some(ended) = readers.join_next().await {
            outcome(ended)?;
        }
        ended
    }
}

/// What became of a task; its panic is ours.
fn outcome(ended: Result<Result<(), Error>, JoinError>) -> Result<(), Error> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(outcome) => outcome,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // Nobody cancels a reader but the set that holds it, when it is dropped.
        Err(Err(_)) => Ok(()),
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("sale", &self.orders.sale)
            .field("group", &self.group)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
