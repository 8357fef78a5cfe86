//! The rule: one sale as a pure state machine. It knows no clock, no store and no network.
//!
//! Every store must answer as this does. Counting by buyer covers what is held and what is paid.

use std::collections::{BTreeSet, HashMap};

use crate::audit::{Audit, Books};
use crate::config::SaleConfig;
use crate::error::{Error, Fault};
use crate::ids::{BuyerId, RequestId, ReservationId};
use crate::outcome::{Confirm, Outcome, Refusal, Release, SaleState, Swept};
use crate::quantity::Quantity;
use crate::reservation::{Reservation, ReservationState, Reserve};
use crate::time::UnixMillis;

/// One sale, in memory.
///
/// ```
/// use seckill::{BuyerId, Outcome, Quantity, RequestId, Reserve, Sale, SaleConfig, SaleId, UnixMillis};
///
/// let (opens, closes) = (UnixMillis::new(1_000)?, UnixMillis::new(2_000)?);
/// let mut sale = Sale::new(SaleConfig::new(SaleId::new("phone")?, opens, closes, 1)?);
/// let request = Reserve::new(BuyerId::new("ann")?, Quantity::ONE, RequestId::new("r-00000001")?);
/// let answers = sale.reserve(&[request], opens);
/// assert!(matches!(answers[..], [Ok(Outcome::Reserved(_))]));
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sale {
    config: SaleConfig,
    // INVARIANT: left + held + paid == config.stock().
    left: u64,
    held: u64,
    paid: u64,
    sequence: u64,
    /// Whether the running call has changed anything yet.
    changed: bool,
    /// Units that each buyer holds or has paid; never zero.
    buyers: HashMap<BuyerId, u32>,
    records: HashMap<RequestId, Record>,
    /// One entry for each held reservation, the earliest first.
    deadlines: BTreeSet<(UnixMillis, RequestId)>,
}

#[derive(Debug, Clone)]
struct Record {
    buyer: BuyerId,
    quantity: Quantity,
    pay_until: UnixMillis,
    state: ReservationState,
}

/// One call: its time, and what it has swept so far.
struct Turn {
    now: UnixMillis,
    swept: Option<Swept>,
}

impl Sale {
    /// A sale whose whole stock is left.
    pub fn new(config: SaleConfig) -> Self {
        let left = config.stock();
        Self {
            config,
            left,
            held: 0,
            paid: 0,
            sequence: 0,
            changed: false,
            buyers: HashMap::new(),
            records: HashMap::new(),
            deadlines: BTreeSet::new(),
        }
    }

    /// The terms.
    pub fn config(&self) -> &SaleConfig {
        &self.config
    }

    /// Decides requests at one time, in order, as if they came one after another.
    ///
    /// Before a request is refused for want of units or for the limit, overdue reservations are returned
    /// and it is asked again, until it wins or none is overdue: nobody is refused for a hold that is over.
    /// Each [`Swept::SWEEP_MAX`] of them after the first are a step of their own, with a number of its
    /// own in [`SaleState::sequence`].
    ///
    /// # Errors
    /// Each answer for itself: `Misuse` when the request id was used for another buyer or quantity, and
    /// `InvalidInput` for all when there are over [`Reserve::BATCH_MAX`].
    pub fn reserve(&mut self, requests: &[Reserve], now: UnixMillis) -> Vec<Result<Outcome, Error>> {
        if let Some(error) = batch_error(requests) {
            return requests.iter().map(|_| Err(error.clone())).collect();
        }
        let mut turn = Turn::new(now);
        self.call(|sale| requests.iter().map(|request| sale.decide(request, &mut turn)).collect())
    }

    /// Decides one request, as [`Sale::reserve`] does.
    ///
    /// # Errors
    /// `Misuse` when the request id was used for another buyer or quantity.
    pub fn reserve_one(&mut self, request: &Reserve, now: UnixMillis) -> Result<Outcome, Error> {
        self.call(|sale| sale.decide(request, &mut Turn::new(now)))
    }

    /// Makes a reservation paid. One that is overdue or was returned is taken again if units and limit
    /// allow, whether the sale is still open or not: the money is there. Before it is gone, overdue
    /// reservations are returned as [`Sale::reserve`] does.
    ///
    /// # Errors
    /// `InvalidInput` when no such reservation was ever won.
    pub fn confirm(&mut self, request: &RequestId, now: UnixMillis) -> Result<Confirm, Error> {
        let record = self.record(request)?.clone();
        self.call(|sale| {
            let (to, answer) = match record.state {
                ReservationState::Paid => return Ok(Confirm::AlreadyPaid),
                ReservationState::Gone => return Ok(Confirm::Gone),
                ReservationState::Held if now < record.pay_until => {
                    (ReservationState::Paid, Confirm::Confirmed)
                }
                ReservationState::Held => (ReservationState::Paid, Confirm::Retaken),
                ReservationState::Returned => {
                    match sale.refusal(&record.buyer, record.quantity, &mut Turn::new(now)) {
                        None => (ReservationState::Paid, Confirm::Retaken),
                        Some(_) => (ReservationState::Gone, Confirm::Gone),
                    }
                }
            };
            sale.shift(request, to);
            Ok(answer)
        })
    }

    /// Gives a held reservation back.
    ///
    /// # Errors
    /// `InvalidInput` when no such reservation was ever won.
    pub fn release(&mut self, request: &RequestId) -> Result<Release, Error> {
        match self.record(request)?.state {
            ReservationState::Held => {
                self.call(|sale| sale.shift(request, ReservationState::Returned));
                Ok(Release::Released)
            }
            ReservationState::Paid => Ok(Release::AlreadyPaid),
            ReservationState::Returned | ReservationState::Gone => Ok(Release::AlreadyReturned),
        }
    }

    /// Returns overdue reservations, the earliest deadline first: at most `max`, and never more than
    /// [`Swept::SWEEP_MAX`].
    pub fn sweep(&mut self, max: u32, now: UnixMillis) -> Swept {
        self.call(|sale| sale.sweep_some(max, now))
    }

    /// The counters.
    pub fn state(&self) -> SaleState {
        SaleState { left: self.left, held: self.held, paid: self.paid, sequence: self.sequence }
    }

    /// Adds up the records.
    pub fn audit(&self) -> Audit {
        let counts = self.buyers.iter().map(|(buyer, count)| (buyer.clone(), u64::from(*count)));
        let mut books = Books::new(counts.collect());
        for record in self.records.values() {
            books.enter(&record.buyer, record.quantity, record.state);
        }
        books.balance(self.config.stock(), self.config.buyer_limit(), self.state(), true)
    }

    /// Runs one call and numbers it if it changed anything.
    fn call<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let answer = body(self);
        self.end_step();
        answer
    }

    fn end_step(&mut self) {
        if std::mem::take(&mut self.changed) {
            self.sequence += 1;
        }
    }

    fn decide(&mut self, request: &Reserve, turn: &mut Turn) -> Result<Outcome, Error> {
        if let Some(record) = self.records.get(&request.request) {
            if record.buyer != request.buyer || record.quantity != request.quantity {
                return Err(Fault::RequestReused { request: request.request.clone() }.into());
            }
            return Ok(Outcome::Reserved(self.reservation(&request.request, record, true)));
        }
        if turn.now < self.config.opens_at() {
            return Ok(Outcome::Refused(Refusal::NotOpen { opens_at: self.config.opens_at() }));
        }
        if turn.now >= self.config.closes_at() {
            return Ok(Outcome::Refused(Refusal::Closed));
        }
        if let Some(refusal) = self.refusal(&request.buyer, request.quantity, turn) {
            return Ok(Outcome::Refused(refusal));
        }
        Ok(Outcome::Reserved(self.win(request, turn.now)))
    }

    fn win(&mut self, request: &Reserve, now: UnixMillis) -> Reservation {
        let record = Record {
            buyer: request.buyer.clone(),
            quantity: request.quantity,
            pay_until: now.plus(self.config.pay_within()),
            // Its units are still on sale; the shift below takes them.
            state: ReservationState::Returned,
        };
        let won = Record { state: ReservationState::Held, ..record.clone() };
        self.records.insert(request.request.clone(), record);
        self.shift(&request.request, ReservationState::Held);
        self.reservation(&request.request, &won, false)
    }

    /// Why `buyer` may not have `quantity` more, once nothing that is overdue could help.
    fn refusal(&mut self, buyer: &BuyerId, quantity: Quantity, turn: &mut Turn) -> Option<Refusal> {
        loop {
            let refusal = self.room(buyer, quantity)?;
            match turn.swept {
                Some(Swept { more: false, .. }) => return Some(refusal),
                // One sweep a step: what came before this one is a step by itself.
                Some(_) => self.end_step(),
                None => {}
            }
            turn.swept = Some(self.sweep_some(Swept::SWEEP_MAX, turn.now));
        }
    }

    fn room(&self, buyer: &BuyerId, quantity: Quantity) -> Option<Refusal> {
        let held = self.buyers.get(buyer).copied().unwrap_or(0);
        let limit = self.config.buyer_limit().units();
        if held + quantity.units() > limit {
            return Some(Refusal::LimitReached { limit, held });
        }
        (self.left < u64::from(quantity.units())).then_some(Refusal::SoldOut)
    }

    fn sweep_some(&mut self, max: u32, now: UnixMillis) -> Swept {
        let mut swept = Swept { returned: 0, units: 0, more: false };
        while let Some((pay_until, request)) = self.deadlines.first().cloned() {
            if pay_until > now {
                break;
            }
            if swept.returned == max.min(Swept::SWEEP_MAX) {
                swept.more = true;
                break;
            }
            swept.units += self.shift(&request, ReservationState::Returned);
            swept.returned += 1;
        }
        swept
    }

    /// The one step that changes anything: moves a reservation and its units, and returns how many.
    fn shift(&mut self, request: &RequestId, to: ReservationState) -> u64 {
        let Some(record) = self.records.get_mut(request) else {
            return 0;
        };
        let from = std::mem::replace(&mut record.state, to);
        let (buyer, count, pay_until) = (record.buyer.clone(), record.quantity.units(), record.pay_until);
        let units = u64::from(count);
        // Added first: returned and gone share a place, which may hold fewer units than these.
        *self.place(to) += units;
        *self.place(from) -= units;
        match (from.counts(), to.counts()) {
            (false, true) => *self.buyers.entry(buyer).or_default() += count,
            (true, false) => self.uncount(&buyer, count),
            _ => {}
        }
        if from == ReservationState::Held {
            self.deadlines.remove(&(pay_until, request.clone()));
        }
        if to == ReservationState::Held {
            self.deadlines.insert((pay_until, request.clone()));
        }
        self.changed = true;
        units
    }

    fn place(&mut self, state: ReservationState) -> &mut u64 {
        match state {
            ReservationState::Held => &mut self.held,
            ReservationState::Paid => &mut self.paid,
            ReservationState::Returned | ReservationState::Gone => &mut self.left,
        }
    }

    fn uncount(&mut self, buyer: &BuyerId, units: u32) {
        if let Some(count) = self.buyers.get_mut(buyer) {
            *count -= units;
            if *count == 0 {
                self.buyers.remove(buyer);
            }
        }
    }

    fn record(&self, request: &RequestId) -> Result<&Record, Error> {
        self.records.get(request).ok_or_else(|| {
            let reservation = ReservationId::new(self.config.id(), request);
            Fault::UnknownReservation { reservation }.into()
        })
    }

    fn reservation(&self, request: &RequestId, record: &Record, replayed: bool) -> Reservation {
        Reservation {
            id: ReservationId::new(self.config.id(), request),
            buyer: record.buyer.clone(),
            quantity: record.quantity,
            pay_until: record.pay_until,
            state: record.state,
            replayed,
        }
    }
}

impl Turn {
    fn new(now: UnixMillis) -> Self {
        Self { now, swept: None }
    }
}

/// The error of a batch that is too large.
pub(crate) fn batch_error(requests: &[Reserve]) -> Option<Error> {
    if requests.len() <= Reserve::BATCH_MAX {
        return None;
    }
    let given = u128::try_from(requests.len()).unwrap_or(u128::MAX);
    let max = u64::try_from(Reserve::BATCH_MAX).unwrap_or(u64::MAX);
    Some(Fault::Range { what: "number of requests in one call", given, min: 0, max }.into())
}
