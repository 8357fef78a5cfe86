//! A second opinion of the rule: the same answers from a plain list of wins, with no counter at all. Units
//! are added up whenever they are asked for, and a step is whatever leaves the list different.

use std::collections::HashSet;

use seckill::{
    Confirm, ErrorKind, Phase, Refusal, Release, ReservationState, Restocked, Steered, Step, UnixMillis,
};

use crate::history::{Ask, Change, Command, History, Proof};
use crate::stage::{CLOSES, OPENS, PAY};

/// What either says to a command.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    Won {
        pay_until: u64,
        state: ReservationState,
        replayed: bool,
    },
    Refused(Refusal),
    Failed(ErrorKind),
    Paid(Confirm),
    Released(Release),
    Swept {
        returned: u32,
        units: u64,
        more: bool,
    },
    Steered(Steered),
    Restocked(Restocked),
    /// The phase and the number of steps.
    Stands(Phase, u64),
    /// Of one thing: added, withdrawn, left, held, paid.
    Counts([u64; 5]),
    /// Reservations that are gone.
    Gone(u64),
}

pub(crate) struct Model {
    limit: u32,
    stocks: Vec<u64>,
    eligible_only: bool,
    steps: u64,
    facts: Facts,
}

/// All that a step may change.
#[derive(Clone, PartialEq)]
struct Facts {
    loaded: bool,
    /// `None` until somebody pauses, closes or settles.
    stopped: Option<Step>,
    wins: Vec<Win>,
    changes: Vec<(u64, usize, bool, u64)>,
}

#[derive(Clone, PartialEq)]
struct Win {
    who: u64,
    id: u64,
    lines: Vec<(usize, u32)>,
    pay_until: u64,
    state: ReservationState,
    swept: bool,
}

impl Win {
    fn units(&self) -> u32 {
        self.lines.iter().map(|(_, units)| units).sum()
    }

    fn of(&self, sku: usize) -> u64 {
        self.lines.iter().filter(|line| line.0 == sku).map(|line| u64::from(line.1)).sum()
    }
}

impl Model {
    pub(crate) fn new(history: &History, drafted: bool) -> Self {
        let facts = Facts { loaded: !drafted, stopped: None, wins: Vec::new(), changes: Vec::new() };
        let (limit, stocks, eligible_only) = (history.limit, history.stocks.clone(), history.eligible_only);
        Self { limit, stocks, eligible_only, steps: u64::from(!drafted), facts }
    }

    fn step<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.facts.clone();
        let answer = body(self);
        self.steps += u64::from(self.facts != before);
        answer
    }

    /// Added, withdrawn, left, held, paid.
    fn counts(&self, sku: usize) -> [u64; 5] {
        let changed = |add| -> u64 {
            let same = self.facts.changes.iter().filter(|change| change.1 == sku && change.2 == add);
            same.map(|change| change.3).sum()
        };
        let sum = |state| -> u64 {
            self.facts.wins.iter().filter(|win| win.state == state).map(|win| win.of(sku)).sum()
        };
        let (held, paid) = (sum(ReservationState::Held), sum(ReservationState::Paid));
        let initial = if self.facts.loaded { self.stocks[sku] } else { 0 };
        let left = initial + changed(true) - changed(false) - held - paid;
        [changed(true), changed(false), left, held, paid]
    }

    fn has(&self, lines: &[(usize, u32)]) -> bool {
        lines.iter().all(|(sku, units)| self.counts(*sku)[2] >= u64::from(*units))
    }

    fn units_of(&self, who: u64) -> u32 {
        let counted = [ReservationState::Held, ReservationState::Paid];
        let wins = self.facts.wins.iter().filter(|win| win.who == who && counted.contains(&win.state));
        wins.map(Win::units).sum()
    }

    fn find(&self, who: u64, id: u64) -> Option<usize> {
        self.facts.wins.iter().position(|win| win.who == who && win.id == id)
    }

    fn phase(&self, now: u64) -> Phase {
        match self.facts.stopped {
            Some(Step::Settle) => Phase::Settled,
            Some(Step::Close) => Phase::Closed,
            _ if now >= CLOSES => Phase::Closed,
            _ if !self.facts.loaded => Phase::Draft,
            Some(_) => Phase::Paused,
            None if now < OPENS => Phase::Warmed,
            None => Phase::Open,
        }
    }

    /// Whether the first win that nobody has looked at is over.
    fn due(&self, now: u64) -> bool {
        self.facts.wins.iter().find(|win| !win.swept).is_some_and(|win| win.pay_until <= now)
    }

    fn sweep(&mut self, max: u32, now: u64) -> (u32, u64) {
        let (mut returned, mut units) = (0, 0);
        for _ in 0..max.min(256) {
            if !self.due(now) {
                break;
            }
            let Some(win) = self.facts.wins.iter_mut().find(|win| !win.swept) else { break };
            win.swept = true;
            if win.state == ReservationState::Held {
                win.state = ReservationState::Returned;
                (returned, units) = (returned + 1, units + u64::from(win.units()));
            }
        }
        (returned, units)
    }

    /// Whether so many more would be too many, once the buyer's own holds that are over are returned.
    fn over(&mut self, who: u64, more: u32, now: u64) -> bool {
        if self.units_of(who) + more > self.limit {
            for win in self.facts.wins.iter_mut().filter(|win| win.who == who) {
                if win.state == ReservationState::Held && win.pay_until <= now {
                    win.state = ReservationState::Returned;
                }
            }
        }
        self.units_of(who) + more > self.limit
    }

    /// `None` when units are short.
    fn judge(&mut self, ask: &Ask, now: u64) -> Option<Said> {
        let named = !ask.lines.is_empty() && ask.lines.iter().all(|line| line.0 < self.stocks.len());
        let asked: u32 = ask.lines.iter().map(|(_, units)| units).sum();
        let no = |refusal| Some(Said::Refused(refusal));
        if !named {
            return Some(Said::Failed(ErrorKind::InvalidInput));
        }
        if self.eligible_only && ask.proof != Proof::Right {
            return no(Refusal::NotEligible);
        }
        if let Some(place) = self.find(ask.who, ask.id) {
            let win = &self.facts.wins[place];
            let replay = Said::Won { pay_until: win.pay_until, state: win.state, replayed: true };
            return Some(if win.lines == ask.lines { replay } else { Said::Failed(ErrorKind::Misuse) });
        }
        match self.phase(now) {
            Phase::Closed | Phase::Settled => return no(Refusal::Closed),
            Phase::Paused if now >= OPENS => return no(Refusal::Paused),
            Phase::Open => {}
            _ => return no(Refusal::NotOpen { opens_at: UnixMillis::new(OPENS).unwrap() }),
        }
        if self.facts.wins.iter().filter(|win| win.who == ask.who).count() >= 64 {
            return no(Refusal::TooMany { max: 64 });
        }
        if self.over(ask.who, asked, now) {
            return no(Refusal::LimitReached { limit: self.limit, held: self.units_of(ask.who) });
        }
        if !self.has(&ask.lines) {
            return None;
        }
        let (pay_until, state) = (now + PAY, ReservationState::Held);
        let (who, id, lines) = (ask.who, ask.id, ask.lines.clone());
        self.facts.wins.push(Win { who, id, lines, pay_until, state, swept: false });
        Some(Said::Won { pay_until, state, replayed: false })
    }

    fn reserve(&mut self, asks: &[Ask], now: u64) -> Vec<Said> {
        let mut answers: Vec<Option<Said>> = asks.iter().map(|_| None).collect();
        while answers.iter().any(Option::is_none) {
            self.step(|model| {
                let (mut seen, mut short) = (HashSet::new(), Vec::new());
                for (place, ask) in asks.iter().enumerate() {
                    if answers[place].is_none() && seen.insert(ask.who) {
                        answers[place] = model.judge(ask, now);
                        short.extend(answers[place].is_none().then_some(place));
                    }
                }
                if !short.is_empty() && model.due(now) {
                    model.sweep(256, now);
                } else {
                    for place in short {
                        answers[place] = Some(Said::Refused(Refusal::SoldOut));
                    }
                }
            });
        }
        answers.into_iter().flatten().collect()
    }

    fn confirm(&mut self, who: u64, id: u64, now: u64) -> Said {
        let Some(place) = self.find(who, id) else { return Said::Failed(ErrorKind::InvalidInput) };
        loop {
            let answer = self.step(|model| {
                let win = model.facts.wins[place].clone();
                let (to, answer) = match win.state {
                    ReservationState::Held if now < win.pay_until => {
                        (ReservationState::Paid, Confirm::Confirmed)
                    }
                    ReservationState::Held => (ReservationState::Paid, Confirm::Retaken),
                    ReservationState::Returned if model.facts.stopped == Some(Step::Settle) => {
                        (ReservationState::Gone, Confirm::Gone)
                    }
                    ReservationState::Returned if model.over(who, win.units(), now) => {
                        (ReservationState::Gone, Confirm::Gone)
                    }
                    ReservationState::Returned if model.has(&win.lines) => {
                        (ReservationState::Paid, Confirm::Retaken)
                    }
                    ReservationState::Returned if model.due(now) => {
                        model.sweep(256, now);
                        return None;
                    }
                    ReservationState::Paid => (ReservationState::Paid, Confirm::AlreadyPaid),
                    _ => (ReservationState::Gone, Confirm::Gone),
                };
                model.facts.wins[place].state = to;
                Some(answer)
            });
            if let Some(answer) = answer {
                return Said::Paid(answer);
            }
        }
    }

    fn release(&mut self, who: u64, id: u64) -> Said {
        let Some(place) = self.find(who, id) else { return Said::Failed(ErrorKind::InvalidInput) };
        self.step(|model| {
            let state = &mut model.facts.wins[place].state;
            Said::Released(match *state {
                ReservationState::Paid => Release::AlreadyPaid,
                ReservationState::Held => {
                    *state = ReservationState::Returned;
                    Release::Released
                }
                _ => Release::AlreadyReturned,
            })
        })
    }

    fn steer(&mut self, step: Step, now: u64) -> Said {
        let held: u64 = (0..self.stocks.len()).map(|sku| self.counts(sku)[3]).sum();
        let refused = Said::Steered(Steered::Refused { phase: self.phase(now), held });
        let Facts { loaded, stopped, .. } = self.facts;
        let (ended, settled) = (matches!(stopped, Some(Step::Close | Step::Settle)), Some(Step::Settle));
        let (already, may) = match step {
            Step::Warm => (loaded || ended, true),
            Step::Pause => (stopped == Some(Step::Pause), loaded && !ended),
            Step::Resume => (loaded && stopped.is_none(), stopped == Some(Step::Pause)),
            Step::Close => (ended, true),
            Step::Settle => {
                (stopped == settled, held == 0 && (stopped == Some(Step::Close) || loaded && now >= CLOSES))
            }
            other => panic!("the model does not know {other:?}"),
        };
        match (already, may) {
            (true, _) => Said::Steered(Steered::Already),
            (false, false) => refused,
            (false, true) => self.step(|model| {
                match step {
                    Step::Warm => model.facts.loaded = true,
                    Step::Resume => model.facts.stopped = None,
                    other => model.facts.stopped = Some(other),
                }
                Said::Steered(Steered::Done)
            }),
        }
    }

    fn restock(&mut self, change: &Change, now: u64) -> Said {
        let only = (self.stocks.len() == 1).then_some(0);
        // The only thing of a sale that names none has a name of its own, which histories of one thing know
        // as position 0.
        let place = change.sku.or(only).filter(|sku| *sku < self.stocks.len());
        let Some(sku) = place.filter(|_| change.units > 0) else {
            return Said::Failed(ErrorKind::InvalidInput);
        };
        if let Some(known) = self.facts.changes.iter().find(|known| known.0 == change.id) {
            return Said::Restocked(Restocked::Done { units: known.3 });
        }
        let phase = self.phase(now);
        if !matches!(phase, Phase::Warmed | Phase::Open | Phase::Paused) {
            return Said::Restocked(Restocked::Refused { phase });
        }
        let units = if change.add { change.units } else { change.units.min(self.counts(sku)[2]) };
        self.step(|model| model.facts.changes.push((change.id, sku, change.add, units)));
        Said::Restocked(Restocked::Done { units })
    }

    pub(crate) fn answer(&mut self, command: &Command, now: u64) -> Vec<Said> {
        match command {
            Command::Reserve(ask) => self.reserve(std::slice::from_ref(ask), now),
            Command::Batch(asks) => self.reserve(asks, now),
            Command::Confirm(who, id) => vec![self.confirm(*who, *id, now)],
            Command::Release(who, id) => vec![self.release(*who, *id)],
            Command::Sweep(max) => {
                let (returned, units) = self.step(|model| model.sweep(*max, now));
                vec![Said::Swept { returned, units, more: self.due(now) }]
            }
            Command::Steer(step) => vec![self.steer(*step, now)],
            Command::Restock(change) => vec![self.restock(change, now)],
            _ => Vec::new(),
        }
    }

    pub(crate) fn books(&self, now: u64) -> Vec<Said> {
        let counts = (0..self.stocks.len()).map(|sku| Said::Counts(self.counts(sku)));
        let gone = self.facts.wins.iter().filter(|win| win.state == ReservationState::Gone).count();
        let stands = Said::Stands(self.phase(now), self.steps);
        counts.chain([stands, Said::Gone(u64::try_from(gone).unwrap())]).collect()
    }
}
