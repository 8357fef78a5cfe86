//! Does the work that settlements left behind: deliver, give back, withdraw. At least once each, in the order of one
//! order's history; a crash or a failure delays it and loses nothing.

use crate::UnixMillis;
use crate::client::Edge;
use crate::error::Error;
use crate::store::{BoxFuture, OrderStore, Work};
use std::sync::Arc;

/// Why a piece of work was not done, in the application's words.
pub type WorkError = Box<dyn std::error::Error + Send + Sync>;

/// Does one piece of work. It may be called again for the same [`WorkId`](crate::store::WorkId), also in another process and after it had
/// done its part: let a second call find that out.
pub trait WorkHandler: Send + Sync {
    /// Does it, within the lease.
    ///
    /// # Errors
    /// Anything: the work is tried again, after a pause that doubles.
    fn handle<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result<(), WorkError>>;
}

/// Takes work from a store and hands it to a [`WorkHandler`].
///
/// ```
/// use payments::store::{BoxFuture, MemoryStore, Task, Work};
/// use payments::worker::{WorkError, WorkHandler, Worker};
/// use payments::{Edge, Error, UnixMillis};
/// use std::sync::Arc;
///
/// # #[derive(Debug)]
/// # struct Still;
/// # impl Edge for Still {
/// #     fn now(&self) -> UnixMillis { UnixMillis::from_millis(1_790_000_000_000) }
/// #     fn random(&self) -> Result<[u8; 16], Error> { Ok([7; 16]) }
/// # }
/// struct Shop;
///
/// impl WorkHandler for Shop {
///     fn handle<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result<(), WorkError>> {
///         Box::pin(async move {
///             match &work.task {
///                 Task::Deliver => println!("unlock the course of {}", work.out_trade_no),
///                 other => println!("{other:?}"), // GiveBack: Desk::give_back
///             }
///             Ok(())
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let edge = Arc::new(Still);
/// let worker = Worker::new(Arc::new(MemoryStore::new()), edge);
/// let report = worker.run_once(&Shop).await?; // in a loop, with a pause when nothing was taken
/// assert_eq!((report.taken, report.done), (0, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Worker {
    store: Arc<dyn OrderStore>,
    edge: Arc<dyn Edge>,
    lease_millis: u64,
    batch_max: u32,
}

/// What one round did.
#[derive(Debug)]
#[must_use = "failed work is told here and nowhere else"]
#[non_exhaustive]
pub struct WorkReport {
    /// How many pieces were taken; if it is the whole batch there may be more.
    pub taken: u32,
    /// How many of them are done and forgotten.
    pub done: u32,
    /// How many come again though none of them failed: the lease ended before their turn, or was another worker's
    /// when they were done.
    pub waiting: u32,
    /// The failures of this round.
    pub failed: Vec<FailedWork>,
}

/// A piece of work that was not done; it is tried again.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedWork {
    /// The work.
    pub work: Work,
    /// How often it was tried, this time among them, by whatever worker.
    pub attempts: u32,
    /// Not before this moment it is tried again.
    pub again_at: UnixMillis,
    /// What the handler said, or the store that could not finish it.
    pub error: WorkError,
}

/// Longer than any handler should take.
const LEASE_MILLIS: u64 = 60_000;
const BATCH_MAX: u32 = 32;
/// The pause after a failure is a lease, doubled with each further one this many times.
const DOUBLINGS_MAX: u32 = 6;

impl Worker {
    /// A worker with a lease of one minute and batches of 32.
    #[must_use]
    pub fn new(store: Arc<dyn OrderStore>, edge: Arc<dyn Edge>) -> Self {
        Self { store, edge, lease_millis: LEASE_MILLIS, batch_max: BATCH_MAX }
    }

    /// The same worker with another lease: how long a piece of work is its own. Let it be longer than any
    /// piece takes, or another worker begins the same work. A batch may take longer: what is not begun when the lease
    /// ends is left.
    #[must_use]
    pub fn with_lease_millis(mut self, millis: u64) -> Self {
        self.lease_millis = millis;
        self
    }

    /// The same worker with other batches.
    #[must_use]
    pub fn with_batch_max(mut self, pieces: u32) -> Self {
        self.batch_max = pieces;
        self
    }

    /// Takes one batch and does it, one piece after the other. A failure of one piece does not stop the others; it is
    /// put off in the store, so that it fills no batch until then and a restart does not shorten its pause, and the
    /// work that follows it in the same order waits. No piece is begun after its lease.
    ///
    /// # Errors
    /// As the store's, if no work could be taken.
    pub async fn run_once(&self, handler: &dyn WorkHandler) -> Result<WorkReport, Error> {
        let batch = self.store.take_work(self.edge.now(), self.lease_millis, self.batch_max).await?;
        let mut report = WorkReport { taken: 0, done: 0, waiting: 0, failed: Vec::new() };
        for work in batch {
            report.taken += 1;
            if self.edge.now() >= work.leased_until {
                report.waiting += 1;
                continue;
            }
            match self.work_on(&work, handler).await {
                Ok(true) => report.done += 1,
                Ok(false) => report.waiting += 1,
                Err(error) => report.failed.push(self.failed(work, error).await),
            }
        }
        Ok(report)
    }

    /// Work that was done and cannot be finished in the store is done again later. False if it is another worker's
    /// by now.
    async fn work_on(&self, work: &Work, handler: &dyn WorkHandler) -> Result<bool, WorkError> {
        handler.handle(work).await?;
        Ok(self.store.finish_work(work).await?)
    }

    async fn failed(&self, work: Work, error: WorkError) -> FailedWork {
        let doublings = work.attempts.min(DOUBLINGS_MAX);
        let pause = self.lease_millis.saturating_mul(2_u64.saturating_pow(doublings));
        let until = UnixMillis::from_millis(self.edge.now().as_millis().saturating_add(pause));
        // A store that cannot put it off gives it out again when the lease ends, and tells its trouble when work is
        // taken next; the handler's words are the ones to keep.
        let again_at = match self.store.postpone_work(&work, until).await {
            Ok(true) => until,
            Ok(false) | Err(_) => work.leased_until,
        };
        let attempts = work.attempts.saturating_add(1);
        FailedWork { work, attempts, again_at, error }
    }
}

#[cfg(test)]
mod tests;
