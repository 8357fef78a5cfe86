//! One lane: its queue, its seats and its calls in flight, under one lock that is never held for long.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::Limits;
use super::driver::Slot;
use super::queue::{Place, Queue, Waiting};
use super::seats::Seats;
use crate::error::{Error, Fault};
use crate::outcome::{Outcome, Refusal};
use crate::reservation::Reserve;

/// Sets a task going that drives a slot.
pub(super) type Start = dyn Fn(Slot) + Send + Sync;

/// The shortest time after which a busy lane is worth asking again.
const RETRY_AFTER_MIN: Duration = Duration::from_millis(1);
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// One stream of calls to the store.
pub(super) struct Lane {
    pub(super) index: usize,
    limits: Limits,
    start: Arc<Start>,
    hasher: RandomState,
    state: Mutex<State>,
}

/// What a caller is told at first.
pub(super) enum Told {
    /// Where the answer will be.
    Seat(usize),
    /// The answer: the request was not let in.
    Answer(Result<Outcome, Error>),
}

/// What the lock guards.
#[derive(Default)]
pub(super) struct State {
    pub(super) queue: Queue,
    seats: Seats,
    /// The number of the latest request.
    tickets: u64,
    /// Tasks that drive a slot.
    pub(super) slots: usize,
    /// Whether a slot is about to load, and will take what is asked until then.
    pub(super) starting: bool,
    /// Whether a slot sleeps after a failure. Nothing is sent meanwhile.
    pub(super) resting: bool,
    /// The latest sleep, zero after a success.
    pause: Duration,
    /// Why the latest call failed, until one succeeds.
    outage: Option<Error>,
    /// How long a call takes, a moving average.
    call_time: Duration,
}

/// The longest deadline; a longer one would be none.
const DEADLINE_MAX: Duration = Duration::from_secs(24 * 3600);

impl Lane {
    /// An idle lane.
    pub(super) fn new(index: usize, limits: Limits, start: Arc<Start>) -> Self {
        Self { index, limits, start, hasher: RandomState::new(), state: Mutex::default() }
    }

    /// Queues a request and sees to it that it is sent, if there is room.
    pub(super) fn ask(self: &Arc<Self>, request: &Reserve, waker: Waker) -> Told {
        let buyer = self.hasher.hash_one(request.buyer.as_str());
        let request = request.clone();
        let deadline = Instant::now() + self.limits.deadline.min(DEADLINE_MAX);

        let mut state = self.lock();
        if state.queue.len() >= self.limits.queued_max {
            return Told::Answer(Ok(state.busy(&self.limits)));
        }
        let started = if state.may_start(&self.limits) {
            let Ok(handle) = Handle::try_current() else {
                return Told::Answer(Err(Fault::NoRuntime.into()));
            };
            state.begin();
            Some(handle)
        } else {
            None
        };
        state.tickets += 1;
        let seat = state.seats.sit(waker);
        let place = Place { ticket: state.tickets, buyer, seat, deadline, doubt: None };
        state.queue.push(Waiting { request, place });
        drop(state);

        // Unlocked, since a runtime that shuts down drops the task here and now.
        if let Some(handle) = started {
            self.start(handle);
        }
        Told::Seat(seat)
    }

    /// Takes the answer if it is there, or else has the caller woken when it is.
    pub(super) fn look(&self, seat: usize, waker: &Waker) -> Poll<Result<Outcome, Error>> {
        let (answer, former) = self.lock().seats.look(seat, waker);
        drop(former);
        answer
    }

    /// Lets a caller go who waits no more.
    pub(super) fn leave(&self, seat: usize) {
        let left = self.lock().seats.leave(seat);
        drop(left);
    }

    /// Drives a slot for which [`State::begin`] has made room.
    pub(super) fn start(self: &Arc<Self>, handle: Handle) {
        (self.start)(Slot::new(Arc::clone(self), handle));
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether one more slot has work: one that is about to start takes all there is, and so does one that
    /// sleeps.
    pub(super) fn may_start(&self, limits: &Limits) -> bool {
        !self.starting && !self.resting && self.slots < limits.in_flight
    }

    /// Counts a slot that is about to start.
    pub(super) fn begin(&mut self) {
        self.starting = true;
        self.slots += 1;
    }

    /// Answers a request, frees its buyer and tells whom to wake.
    pub(super) fn settle(&mut self, place: &Place, answer: Result<Outcome, Error>) -> Option<Waker> {
        self.queue.release(place.buyer);
        self.seats.answer(place.seat, answer)
    }

    /// The answer to a request that may not be sent any more.
    pub(super) fn too_late(&mut self, place: &mut Place, limits: &Limits) -> Result<Outcome, Error> {
        match place.doubt.take().or_else(|| self.outage.clone()) {
            Some(error) => Err(error),
            None => Ok(self.busy(limits)),
        }
    }

    /// Notes a call that went through.
    pub(super) fn went_through(&mut self, took: Duration) {
        self.call_time = if self.call_time.is_zero() { took } else { (self.call_time * 7 + took) / 8 };
        self.pause = Duration::ZERO;
        self.outage = None;
    }

    /// Notes a call that failed and may be tried again, and says how long to sleep. `None` when another slot
    /// sleeps already.
    pub(super) fn failed(&mut self, error: Error) -> Option<Duration> {
        self.outage = Some(error);
        if self.resting {
            return None;
        }
        self.resting = true;
        self.pause = (self.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
        Some(self.pause)
    }

    /// Too many wait: come back when those have been sent.
    fn busy(&self, limits: &Limits) -> Outcome {
        let at_once = Reserve::BATCH_MAX.saturating_mul(limits.in_flight);
        let rounds = u32::try_from(self.queue.len().div_ceil(at_once).max(1)).unwrap_or(u32::MAX);
        let retry_after =
            self.call_time.saturating_mul(rounds).saturating_add(self.pause).max(RETRY_AFTER_MIN);
        Outcome::Refused(Refusal::Busy { retry_after })
    }
}
