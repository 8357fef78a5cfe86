//! A carrier for tests: it answers, fails, stalls and panics as told, and checks what it is given to carry.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::{Answer, Carrier, Limits};
use crate::error::{Error, ErrorKind, Fault};
use crate::ids::{BuyerId, RequestId, ReservationId, SaleId};
use crate::outcome::{Outcome, Refusal};
use crate::quantity::Quantity;
use crate::reservation::{Reservation, ReservationState, Reserve};
use crate::time::UnixMillis;

/// What a call does after its delay.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Decide,
    /// Every third request has to be asked again.
    Partly,
    /// Fails, outcome unknown.
    Lose,
    /// Fails for good.
    Refuse,
    Panic,
    /// Leaves out the last answer.
    Short,
}

/// Does its acts in turn, each after so many milliseconds, and starts over.
pub(super) struct Fake {
    acts: Vec<(u64, Act)>,
    limits: Limits,
    lanes: Vec<Mutex<Log>>,
}

/// What happened in one lane.
#[derive(Default)]
pub(super) struct Log {
    /// In the order of asking.
    pub(super) asked: Vec<Asked>,
    /// The sizes of the calls.
    pub(super) calls: Vec<usize>,
    /// Rules that were broken. Collected, since a panic in a call is a matter of the combiner's.
    pub(super) faults: Vec<String>,
    in_flight: usize,
    /// The most calls at the same time so far.
    pub(super) in_flight_most: usize,
    /// When the latest call was lost.
    pub(super) failed_at: Option<Instant>,
    rest_until: Option<Instant>,
}

/// One request as the carrier sees it.
pub(super) struct Asked {
    buyer: usize,
    pub(super) at: Instant,
    state: State,
    /// Whether its last call was lost.
    pub(super) in_doubt: bool,
    /// What the carrier answered; a caller has to get the same.
    pub(super) answer: Option<Result<Outcome, ErrorKind>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    InTheAir,
    Done,
}

/// Calls that do anything, at any pace.
pub(super) fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let act = prop_oneof![
        6 => Just(Act::Decide),
        3 => Just(Act::Partly),
        3 => Just(Act::Lose),
        1 => Just(Act::Refuse),
        1 => Just(Act::Panic),
        1 => Just(Act::Short),
    ];
    proptest::collection::vec((0u64..40, act), 0..10)
}

/// The `n`th request, of this buyer.
pub(super) fn request(n: usize, buyer: usize) -> Reserve {
    let (buyer, name) = (BuyerId::new(&format!("buyer-{buyer}")), RequestId::new(&format!("r-{n:08}")));
    Reserve::new(buyer.unwrap(), Quantity::ONE, name.unwrap())
}

/// Its `n`.
pub(super) fn number(request: &Reserve) -> usize {
    request.request.as_str().trim_start_matches("r-").parse().unwrap()
}

impl Fake {
    pub(super) fn new(acts: Vec<(u64, Act)>, lanes: usize, limits: Limits) -> Arc<Self> {
        let lanes = std::iter::repeat_with(Mutex::default).take(lanes).collect();
        Arc::new(Self { acts, limits, lanes })
    }

    pub(super) fn log(&self, lane: usize) -> MutexGuard<'_, Log> {
        self.lanes[lane].lock().unwrap()
    }

    /// Notes that a buyer is about to ask: the request, and whether there is room for it.
    pub(super) fn ask(&self, lane: usize, buyer: usize) -> (Reserve, usize, bool) {
        let mut log = self.log(lane);
        let n = log.asked.len();
        let room = log.waiting().count() < self.limits.queued_max;
        let state = if room { State::Waiting } else { State::Done };
        log.asked.push(Asked { buyer, at: Instant::now(), state, in_doubt: false, answer: None });
        (request(n, buyer), n, room)
    }
}

impl Carrier for Fake {
    async fn carry(&self, lane: usize, batch: &[Reserve]) -> Result<Vec<Answer>, Error> {
        let numbers: Vec<usize> = batch.iter().map(number).collect();
        let call = self.log(lane).take_off(&numbers, &self.limits);
        let (delay, act) = self.acts[call % self.acts.len()];
        match delay {
            0 => tokio::task::yield_now().await,
            millis => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
        let mut log = self.log(lane);
        log.in_flight -= 1;
        let won = |place: usize| Ok(won(&batch[place]));
        match act {
            Act::Decide => log.land(&numbers, |place| Some(won(place))),
            Act::Partly => {
                log.land(&numbers, |place| (!(place + call).is_multiple_of(3)).then(|| won(place)))
            }
            Act::Short => {
                let missing = numbers.len() - 1;
                log.land(&numbers, |at| {
                    Some(if at < missing { won(at) } else { Err(ErrorKind::Unavailable) })
                });
            }
            Act::Refuse => log.land(&numbers, |_| Some(Err(ErrorKind::PeerMisbehaved))),
            Act::Panic => log.land(&numbers, |_| Some(Err(ErrorKind::Unavailable))),
            Act::Lose => {
                log.land(&numbers, |_| None);
                numbers.iter().for_each(|n| log.asked[*n].in_doubt = true);
                log.rest();
            }
        }
        let answered = |n: &usize| log.asked[*n].answer.clone().map(|answer| answer.map_err(error));
        let mut answers: Vec<Answer> = numbers.iter().map(answered).collect();
        drop(log);
        match act {
            Act::Decide | Act::Partly => {}
            Act::Short => drop(answers.pop()),
            Act::Lose => return Err(error(ErrorKind::Unavailable)),
            Act::Refuse => return Err(error(ErrorKind::PeerMisbehaved)),
            // Quietly: the hook that prints panics is left out.
            Act::Panic => std::panic::resume_unwind(Box::new("told to")),
        }
        Ok(answers)
    }
}

impl Log {
    /// The numbers of those who wait to be sent.
    pub(super) fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        let waits = |(n, asked): (usize, &Asked)| (asked.state == State::Waiting).then_some(n);
        self.asked.iter().enumerate().filter_map(waits)
    }

    /// Whether everything that was let in is decided.
    pub(super) fn is_done(&self) -> bool {
        self.asked.iter().all(|asked| asked.state == State::Done)
    }

    fn check(&mut self, holds: bool, rule: &str) {
        if !holds {
            self.faults.push(format!("{rule} (call {})", self.calls.len()));
        }
    }

    /// Checks a call, and counts it.
    fn take_off(&mut self, batch: &[usize], limits: &Limits) -> usize {
        let now = Instant::now();
        self.in_flight += 1;
        self.in_flight_most = self.in_flight_most.max(self.in_flight);
        self.check(self.in_flight <= limits.in_flight, "too many calls in flight");
        self.check(!batch.is_empty() && batch.len() <= Reserve::BATCH_MAX, "a call of a wrong size");
        self.check(self.rest_until.is_none_or(|rest| now >= rest), "sent while the lane rests");
        self.check(batch.is_sorted_by(|one, next| one < next), "a call out of order");
        let waits = batch.iter().all(|n| self.asked[*n].state == State::Waiting);
        self.check(waits, "sent twice or after its decision");
        let in_time = batch.iter().all(|n| now < self.asked[*n].at + limits.deadline);
        self.check(in_time, "sent after its deadline");
        batch.iter().for_each(|n| self.asked[*n].state = State::InTheAir);
        self.check_order(batch, now, limits.deadline);
        self.calls.push(batch.len());
        self.calls.len() - 1
    }

    /// Nobody is passed over, but for a buyer with an older request in the air.
    fn check_order(&mut self, batch: &[usize], now: Instant, deadline: Duration) {
        let (mut oldest, mut twice) = (HashMap::new(), false);
        for (n, asked) in self.asked.iter().enumerate().filter(|(_, asked)| asked.state == State::InTheAir) {
            twice |= oldest.insert(asked.buyer, n).is_some();
        }
        let last = batch.last().copied().unwrap_or(0);
        let overtaken = self.waiting().take_while(|n| *n < last).any(|n| {
            let asked = &self.asked[n];
            now < asked.at + deadline && oldest.get(&asked.buyer).is_none_or(|flying| n < *flying)
        });
        self.check(!twice, "a buyer twice in the air");
        self.check(!overtaken, "an older request was overtaken");
    }

    /// Notes a failure. One soon after another may come while a slot sleeps already, and is about to wake.
    fn rest(&mut self) {
        let now = Instant::now();
        if self.failed_at.is_none_or(|before| now - before > Duration::from_millis(100)) {
            self.rest_until = Some(now + Duration::from_millis(1));
        }
        self.failed_at = Some(now);
    }

    /// Notes the answers; those without wait again.
    fn land(&mut self, batch: &[usize], answer: impl Fn(usize) -> Option<Result<Outcome, ErrorKind>>) {
        for (place, n) in batch.iter().enumerate() {
            let asked = &mut self.asked[*n];
            asked.answer = answer(place);
            asked.in_doubt = false;
            asked.state = if asked.answer.is_some() { State::Done } else { State::Waiting };
        }
    }
}

/// An error of this kind.
fn error(kind: ErrorKind) -> Error {
    match kind {
        ErrorKind::Unavailable => Fault::Deadline { millis: 1 }.into(),
        _ => Fault::Answer { given: "?".to_owned() }.into(),
    }
}

/// Every fifth is refused, so that answers differ.
fn won(request: &Reserve) -> Outcome {
    if request.request.as_str().ends_with(['0', '5']) {
        return Outcome::Refused(Refusal::SoldOut);
    }
    let id = ReservationId::new(&SaleId::new("phone").unwrap(), &request.buyer, &request.request);
    let (lines, pay_until) = (request.lines.clone(), UnixMillis::MIN);
    Outcome::Reserved(Reservation { id, lines, pay_until, state: ReservationState::Held, replayed: false })
}
