//! Request combining: the callers of one process share calls to the store. What a call carries and how it is
//! sent is the [`Carrier`]'s matter; here is only who travels with whom, and when.
//!
//! There is no timer. A request is sent at once while a call is free, and what arrives while all are in flight
//! goes with the next one. A lane is one such stream of calls, for one shard. In a lane
//!
//! * no buyer is twice in the air, and the requests of a buyer are sent in the order of asking;
//! * a call that failed is sent again before anything younger, the same requests under the same ids;
//! * a caller who goes away takes nothing along: the request is decided, and its answer dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use asked::Asked;
use driver::Slot;
use lane::{Lane, Start};

use crate::error::{Error, Fault};
use crate::outcome::Outcome;
use crate::reservation::Reserve;

mod asked;
mod driver;
#[cfg(test)]
mod fake;
mod lane;
mod queue;
mod seats;
#[cfg(test)]
mod tests;

/// The answer to one request of a call; `None` when it has to be asked again, because the call had other work
/// to do first and decided nothing about it.
pub(crate) type Answer = Option<Result<Outcome, Error>>;

/// What carries calls to the store.
pub(crate) trait Carrier: Send + Sync + 'static {
    /// Decides a batch of `lane`: each buyer once, at most [`Reserve::BATCH_MAX`] requests, one answer for each
    /// in their order. It has to end by itself, in a bounded time.
    ///
    /// A transient error means that the outcome of the whole batch is unknown; the same requests then come
    /// again. Any other error is the answer to all of them.
    fn carry(
        &self,
        lane: usize,
        batch: &[Reserve],
    ) -> impl Future<Output = Result<Vec<Answer>, Error>> + Send;
}

/// The bounds of each lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Calls at the same time, at least one.
    pub(crate) in_flight: usize,
    /// Requests that wait to be sent. Those of calls that failed come on top, for they were let in before.
    pub(crate) queued_max: usize,
    /// How long after the asking a request may still be sent.
    pub(crate) deadline: Duration,
}

/// Gathers requests into calls. When it is dropped, what callers left behind is still carried, and the tasks
/// end with the last of it.
pub(crate) struct Combiner {
    lanes: Box<[Arc<Lane>]>,
}

impl Combiner {
    /// A combiner of so many lanes. No task runs before the first request.
    pub(crate) fn new<C: Carrier>(carrier: Arc<C>, lanes: usize, limits: Limits) -> Self {
        let limits = Limits { in_flight: limits.in_flight.max(1), ..limits };
        let start: Arc<Start> = Arc::new(move |slot: Slot| {
            let handle = slot.handle().clone();
            drop(handle.spawn(driver::drive(Arc::clone(&carrier), slot)));
        });
        let lanes = (0..lanes).map(|index| Arc::new(Lane::new(index, limits, Arc::clone(&start)))).collect();
        Self { lanes }
    }

    /// Has one request decided, together with others.
    ///
    /// # Errors
    /// What the carrier says about this request or about its whole call; `Unavailable` when the call failed
    /// until the deadline, or ended without an answer; `Misuse` outside a tokio runtime.
    pub(crate) async fn reserve(&self, lane: usize, request: &Reserve) -> Result<Outcome, Error> {
        let Some(found) = self.lanes.get(lane) else {
            let (given, max) =
                (u128::try_from(lane).unwrap_or(u128::MAX), self.lanes.len().saturating_sub(1));
            let max = u64::try_from(max).unwrap_or(u64::MAX);
            return Err(Fault::Range { what: "shard", given, min: 0, max }.into());
        };
        Asked::new(found, request).await
    }
}

impl fmt::Debug for Combiner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Combiner").field("lanes", &self.lanes.len()).finish_non_exhaustive()
    }
}
