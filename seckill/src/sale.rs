//! The rule: one sale as a pure state machine. It knows no clock, no store and no network.
//!
//! Every store must answer as this does.

mod account;
mod steps;
mod stock;

use std::collections::{HashMap, VecDeque};

use foldhash::quality::RandomState;
use indexmap::IndexMap;
use indexmap::map::Entry;

use self::account::{Account, Record};
use self::stock::Stock;
use crate::audit::{Audit, Books};
use crate::config::SaleConfig;
use crate::error::{Error, Fault};
use crate::ids::{BuyerId, RequestId, ReservationId};
use crate::lines::Picks;
use crate::outcome::{Outcome, Refusal, SaleState, Swept};
use crate::phase::{Phase, Stage};
use crate::reservation::{Reservation, ReservationState, Reserve, batch_error};
use crate::restock::Restocked;
use crate::time::UnixMillis;
use crate::waves::Waves;

/// One sale, in memory.
///
/// ```
/// use seckill::{BuyerId, Outcome, Quantity, RequestId, Reserve, Sale, SaleConfig, SaleId, UnixMillis};
///
/// let (opens, closes) = (UnixMillis::new(1_000)?, UnixMillis::new(2_000)?);
/// let mut sale = Sale::open(SaleConfig::new(SaleId::new("phone")?, opens, closes, 1)?);
/// let request = Reserve::new(BuyerId::new("ann")?, Quantity::ONE, RequestId::new("r-00000001")?);
/// let answers = sale.reserve(&[request], opens);
/// assert!(matches!(answers[..], [Ok(Outcome::Reserved(_))]));
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sale {
    config: SaleConfig,
    stage: Stage,
    stock: Stock,
    sequence: u64,
    /// Whether the running step has changed anything yet.
    changed: bool,
    /// In the order of first winning. No account ever goes, so places stay.
    accounts: IndexMap<BuyerId, Account, RandomState>,
    /// Every win that no sweep has looked at, in the order of winning.
    queue: VecDeque<Win>,
    restocks: HashMap<RequestId, Restocked>,
}

/// Which reservation a win is: the place of the account, and that of the record in it.
#[derive(Debug, Clone, Copy)]
struct Win {
    pay_until: UnixMillis,
    account: usize,
    record: usize,
}

/// For how many buyers there is room at first; it grows with the crowd. The some 30 MB are asked for when the
/// sale is loaded, and only those that buyers fill are touched.
const BUYERS_AT_FIRST: usize = 1 << 18;

/// What one pass says to one request.
enum Verdict {
    Answer(Outcome),
    /// Too few units are left, unless a hold is over.
    Short,
}

impl Sale {
    /// A sale whose terms are known and whose stock is not loaded.
    pub fn draft(config: SaleConfig) -> Self {
        let stock = Stock::empty(config.skus().len());
        Self {
            config,
            stage: Stage::Draft,
            stock,
            sequence: 0,
            changed: false,
            accounts: IndexMap::default(),
            queue: VecDeque::new(),
            restocks: HashMap::new(),
        }
    }

    /// A sale whose whole stock is loaded. It opens by itself when it is time.
    pub fn open(config: SaleConfig) -> Self {
        let mut sale = Self::draft(config);
        sale.load();
        sale
    }

    /// The terms.
    pub fn config(&self) -> &SaleConfig {
        &self.config
    }

    /// Where the sale stands at `now`.
    pub fn phase(&self, now: UnixMillis) -> Phase {
        self.stage.phase(&self.config, now)
    }

    /// Decides requests at one time, in passes. A pass takes the first request of each buyer that waits, in
    /// order. Those for which too few units are left while holds are over wait for the next pass, before
    /// which up to [`Swept::SWEEP_MAX`] wins are swept; so nobody is refused for a hold that is over. A pass
    /// is one step.
    ///
    /// # Errors
    /// Each answer for itself: `Misuse` when the buyer used the request id for other lines, `InvalidInput`
    /// when a line is not on sale, and `InvalidInput` for all when there are over [`Reserve::BATCH_MAX`].
    pub fn reserve(&mut self, requests: &[Reserve], now: UnixMillis) -> Vec<Result<Outcome, Error>> {
        if let Some(error) = batch_error(requests) {
            return requests.iter().map(|_| Err(error.clone())).collect();
        }
        let mut waves = Waves::new(requests);
        while let Some(wave) = waves.next() {
            let answers = self.pass(&wave, now);
            waves.answer(answers);
        }
        waves.finish()
    }

    /// Decides one request, as [`Sale::reserve`] does.
    ///
    /// # Errors
    /// `Misuse` when the buyer used the request id for other lines, `InvalidInput` when a line is not on
    /// sale.
    pub fn reserve_one(&mut self, request: &Reserve, now: UnixMillis) -> Result<Outcome, Error> {
        loop {
            if let Some(answer) = self.step(|sale| match sale.judge(request, now)? {
                Verdict::Answer(outcome) => Ok::<_, Error>(Some(outcome)),
                Verdict::Short => Ok(sale.refuse_unless_due(now)),
            })? {
                return Ok(answer);
            }
        }
    }

    /// The counters.
    pub fn state(&self, now: UnixMillis) -> SaleState {
        let names = self.config.skus().iter().map(|(sku, _)| sku.clone());
        let skus = names.zip(self.stock.counts().iter().copied()).collect();
        SaleState { phase: self.phase(now), skus, sequence: self.sequence }
    }

    /// Adds up the records.
    pub fn audit(&self) -> Audit {
        let mut books = Books::new(self.config.skus().len());
        for (buyer, account) in &self.accounts {
            for record in account.records() {
                books.enter(buyer, &record.picks, record.state);
            }
        }
        let limit = self.config.buyer_limit().units();
        Audit { shards: vec![books.balance(self.stock.counts().to_vec(), limit, self.sequence)] }
    }

    fn load(&mut self) {
        self.stock.load(self.config.skus().iter().map(|(_, units)| *units));
        let buyers = usize::try_from(self.config.stock()).unwrap_or(usize::MAX).min(BUYERS_AT_FIRST);
        self.accounts.reserve(buyers);
        self.queue.reserve(buyers);
        self.stage = Stage::Ready;
        self.changed = true;
        self.end_step();
    }

    /// Runs one step and numbers it if it changed anything.
    fn step<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let answer = body(self);
        self.end_step();
        answer
    }

    fn end_step(&mut self) {
        if std::mem::take(&mut self.changed) {
            self.sequence += 1;
        }
    }

    /// One pass; `None` says that the request has to be asked again.
    fn pass(&mut self, wave: &[&Reserve], now: UnixMillis) -> Vec<Option<Result<Outcome, Error>>> {
        self.step(|sale| {
            let verdicts: Vec<_> = wave.iter().map(|request| sale.judge(request, now)).collect();
            let is_short = |verdict: &Result<Verdict, Error>| matches!(verdict, Ok(Verdict::Short));
            let refused = if verdicts.iter().any(is_short) { sale.refuse_unless_due(now) } else { None };
            let answer = |verdict| match verdict {
                Ok(Verdict::Answer(outcome)) => Some(Ok(outcome)),
                Ok(Verdict::Short) => refused.clone().map(Ok),
                Err(error) => Some(Err(error)),
            };
            verdicts.into_iter().map(answer).collect()
        })
    }

    /// Sold out; or, while a hold may be over, nothing yet and a sweep.
    fn refuse_unless_due(&mut self, now: UnixMillis) -> Option<Outcome> {
        if !self.is_due(now) {
            return Some(Outcome::Refused(Refusal::SoldOut));
        }
        self.sweep_some(Swept::SWEEP_MAX, now);
        None
    }

    fn judge(&mut self, request: &Reserve, now: UnixMillis) -> Result<Verdict, Error> {
        let picks = request.lines.picks(&self.config)?;
        if !request.may_take_part(&self.config) {
            return Ok(refused(Refusal::NotEligible));
        }
        let limit = self.config.buyer_limit().units();
        let closed = self.closed(now);
        let pay_until = now.plus(self.config.pay_within());
        let record = |picks| Record {
            request: request.request.clone(),
            picks,
            pay_until,
            state: ReservationState::Held,
        };
        let win = match self.accounts.entry(request.buyer.clone()) {
            Entry::Vacant(vacant) => {
                if let Some(refusal) = closed.or_else(|| over(limit, 0, &picks)) {
                    return Ok(refused(refusal));
                }
                if !self.stock.has(&picks) {
                    return Ok(Verdict::Short);
                }
                self.stock.shift(&picks, ReservationState::Returned, ReservationState::Held);
                let account = vacant.index();
                vacant.insert(Account::new(record(picks)));
                Win { pay_until, account, record: 0 }
            }
            Entry::Occupied(occupied) => {
                let place = occupied.index();
                let account = occupied.into_mut();
                if let Some(known) = account.record(&request.request) {
                    return self.config.replay(request, known, &picks);
                }
                if let Some(refusal) = closed.or_else(|| full(account)) {
                    return Ok(refused(refusal));
                }
                if over(limit, account.units(), &picks).is_some() {
                    self.changed |= return_overdue(account, &mut self.stock, now);
                }
                if let Some(refusal) = over(limit, account.units(), &picks) {
                    return Ok(refused(refusal));
                }
                if !self.stock.has(&picks) {
                    return Ok(Verdict::Short);
                }
                self.stock.shift(&picks, ReservationState::Returned, ReservationState::Held);
                Win { pay_until, account: place, record: account.push(record(picks)) }
            }
        };
        self.queue.push_back(win);
        self.changed = true;
        let won = self.config.reservation(request, pay_until, ReservationState::Held, false);
        Ok(Verdict::Answer(Outcome::Reserved(won)))
    }

    /// Why nobody may win at `now`.
    fn closed(&self, now: UnixMillis) -> Option<Refusal> {
        match self.phase(now) {
            Phase::Open => None,
            Phase::Closed | Phase::Settled => Some(Refusal::Closed),
            // A pause before the opening is still before the opening.
            _ if now < self.config.opens_at() || self.stage == Stage::Draft => {
                Some(Refusal::NotOpen { opens_at: self.config.opens_at() })
            }
            _ => Some(Refusal::Paused),
        }
    }

    /// Whether the front of the queue is over.
    fn is_due(&self, now: UnixMillis) -> bool {
        self.queue.front().is_some_and(|win| win.pay_until <= now)
    }

    fn sweep_some(&mut self, max: u32, now: UnixMillis) -> Swept {
        let mut swept = Swept::default();
        for _ in 0..max.min(Swept::SWEEP_MAX) {
            let Some(win) = self.queue.pop_front_if(|win| win.pay_until <= now) else { break };
            // The place in the queue is part of what is stored.
            self.changed = true;
            let account = self.accounts.get_index_mut(win.account);
            let record = account.and_then(|(_, account)| account.records_mut().nth(win.record));
            let Some(record) = record else { continue };
            if record.state == ReservationState::Held {
                self.stock.shift(&record.picks, ReservationState::Held, ReservationState::Returned);
                record.state = ReservationState::Returned;
                swept.returned += 1;
                swept.units += u64::from(record.picks.units());
            }
        }
        swept.more = self.is_due(now);
        swept
    }

    fn account(&mut self, id: &ReservationId) -> Result<&mut Account, Error> {
        let account = self.accounts.get_mut(id.buyer());
        let known = account.filter(|account| account.record(id.request()).is_some());
        known.ok_or_else(|| Fault::UnknownReservation { reservation: id.clone() }.into())
    }
}

impl SaleConfig {
    /// The answer to a request that had won before.
    fn replay(&self, request: &Reserve, known: &Record, picks: &Picks) -> Result<Verdict, Error> {
        if known.picks != *picks {
            return Err(Fault::RequestReused { request: request.request.clone() }.into());
        }
        let won = self.reservation(request, known.pay_until, known.state, true);
        Ok(Verdict::Answer(Outcome::Reserved(won)))
    }

    /// What a request has won.
    pub(crate) fn reservation(
        &self,
        request: &Reserve,
        pay_until: UnixMillis,
        state: ReservationState,
        replayed: bool,
    ) -> Reservation {
        let id = ReservationId::new(self.id(), &request.buyer, &request.request);
        Reservation { id, lines: request.lines.clone(), pay_until, state, replayed }
    }
}

fn refused(refusal: Refusal) -> Verdict {
    Verdict::Answer(Outcome::Refused(refusal))
}

fn over(limit: u32, held: u32, picks: &Picks) -> Option<Refusal> {
    (held + picks.units() > limit).then_some(Refusal::LimitReached { limit, held })
}

fn full(account: &Account) -> Option<Refusal> {
    let max = u32::try_from(Reserve::PER_BUYER_MAX).unwrap_or(u32::MAX);
    account.is_full().then_some(Refusal::TooMany { max })
}

/// Returns the overdue holds of one buyer, and tells whether there were any.
fn return_overdue(account: &mut Account, stock: &mut Stock, now: UnixMillis) -> bool {
    let mut any = false;
    for record in account.records_mut().filter(|record| record.is_overdue(now)) {
        stock.shift(&record.picks, ReservationState::Held, ReservationState::Returned);
        record.state = ReservationState::Returned;
        any = true;
    }
    any
}

/// Units that a buyer would have with so many more.
fn full_units(account: &Account, units: u32) -> u32 {
    account.units() + units
}
