//! Driving a slot: load a batch, have it carried, land it, until nothing waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::lane::{Lane, State};
use super::queue::{Place, Waiting};
use super::{Answer, Carrier};
use crate::error::{Error, Fault};
use crate::reservation::Reserve;

/// One of a lane's calls in flight. When it is dropped on the way, with its task or its runtime, nobody is
/// left waiting for it.
pub(super) struct Slot {
    lane: Arc<Lane>,
    handle: Handle,
    stage: Stage,
    batch: Vec<Reserve>,
    /// What the lane knows about each of `batch`.
    places: Vec<Place>,
    /// Callers to wake once the lock is open.
    wakers: Vec<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Flying,
    Resting,
    Ended,
}

/// Drives `slot` until nothing waits.
pub(super) async fn drive<C: Carrier>(carrier: Arc<C>, mut slot: Slot) {
    while slot.load(Instant::now()) {
        let sent = Instant::now();
        let (lane, batch) = (slot.lane.index, &slot.batch);
        let carried = caught(async { carrier.carry(lane, batch).await }).await;
        let now = Instant::now();
        let pause = match carried {
            Some(Ok(answers)) => slot.land(answers, now - sent),
            Some(Err(error)) if error.is_transient() => slot.again(&error, now),
            Some(Err(error)) => slot.fail(&error),
            None => slot.fail(&Fault::Unanswered.into()),
        };
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
}

/// The future's output; `None` when it panics.
async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        // What a panic leaves half done is dropped unseen.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}

impl Slot {
    /// A slot that is counted and has yet to load.
    pub(super) fn new(lane: Arc<Lane>, handle: Handle) -> Self {
        let (batch, places, wakers) = (Vec::new(), Vec::new(), Vec::new());
        Self { lane, handle, stage: Stage::Starting, batch, places, wakers }
    }

    /// The runtime of the caller who needed it.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Takes what may be sent, and starts another slot for what is left. `false` when there is nothing: the
    /// slot has ended.
    fn load(&mut self, now: Instant) -> bool {
        let limits = self.lane.limits();
        self.batch.clear();
        let mut state = self.lane.lock();
        self.stage.leave(&mut state);
        // A slot that sleeps will send what failed before anything younger.
        while !state.resting && self.batch.len() < Reserve::BATCH_MAX {
            let Some(Waiting { request, mut place }) = state.queue.next() else {
                break;
            };
            if now < place.deadline {
                self.batch.push(request);
                self.places.push(place);
            } else {
                let answer = state.too_late(&mut place, limits);
                self.wakers.extend(state.settle(&place, answer));
            }
        }
        let loaded = !self.batch.is_empty();
        let more = loaded && state.queue.is_ready() && state.may_start(limits);
        if more {
            state.begin();
        }
        self.stage = if loaded { Stage::Flying } else { Stage::Ended };
        state.slots -= usize::from(!loaded);
        drop(state);

        self.wake();
        if more {
            self.lane.start(self.handle.clone());
        }
        loaded
    }

    /// Hands out the answers, and puts back what was not decided.
    fn land(&mut self, answers: Vec<Answer>, took: Duration) -> Option<Duration> {
        let mut state = self.lane.lock();
        state.went_through(took);
        let mut answers = answers.into_iter();
        for (request, mut place) in self.batch.drain(..).zip(self.places.drain(..)) {
            let answer = match answers.next() {
                Some(Some(answer)) => answer,
                // Not decided, so the errors of former calls are settled too. The next load looks at the deadline.
                Some(None) => {
                    place.doubt = None;
                    state.queue.again(Waiting { request, place });
                    continue;
                }
                None => Err(Fault::Unanswered.into()),
            };
            self.wakers.extend(state.settle(&place, answer));
        }
        drop(state);
        self.wake();
        None
    }

    /// Puts all back that may be sent again, and says how long to sleep before.
    fn again(&mut self, error: &Error, now: Instant) -> Option<Duration> {
        let mut state = self.lane.lock();
        for (request, mut place) in self.batch.drain(..).zip(self.places.drain(..)) {
            if now < place.deadline {
                place.doubt = Some(error.clone());
                state.queue.again(Waiting { request, place });
            } else {
                self.wakers.extend(state.settle(&place, Err(error.clone())));
            }
        }
        let pause = state.failed(error.clone());
        if pause.is_some() {
            self.stage = Stage::Resting;
        }
        drop(state);
        self.wake();
        pause
    }

    /// Gives the error to all.
    fn fail(&mut self, error: &Error) -> Option<Duration> {
        let mut state = self.lane.lock();
        settle_all(&mut state, self.places.drain(..), error, &mut self.wakers);
        drop(state);
        self.wake();
        None
    }

    /// Wakes the callers whose answers are there. The lock has to be open: waking runs the callers' code.
    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.stage == Stage::Ended {
            return;
        }
        let error = Fault::Unanswered.into();
        let mut state = self.lane.lock();
        self.stage.leave(&mut state);
        state.slots -= 1;
        settle_all(&mut state, self.places.drain(..), &error, &mut self.wakers);
        // Others load what waits; after the last there is nobody to do it.
        while state.slots == 0
            && let Some(waiting) = state.queue.next()
        {
            settle_all(&mut state, [waiting.place], &error, &mut self.wakers);
        }
        drop(state);
        self.wake();
    }
}

impl Stage {
    /// Takes back what the lane was told of this stage.
    fn leave(self, state: &mut State) {
        match self {
            Self::Starting => state.starting = false,
            Self::Resting => state.resting = false,
            Self::Flying | Self::Ended => {}
        }
    }
}

fn settle_all(
    state: &mut State,
    places: impl IntoIterator<Item = Place>,
    error: &Error,
    wakers: &mut Vec<Waker>,
) {
    for place in places {
        wakers.extend(state.settle(&place, Err(error.clone())));
    }
}
