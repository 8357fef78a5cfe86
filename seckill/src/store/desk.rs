//! One sale at one store in this process: its terms, its shards, and the calls that decide.

use std::sync::{Arc, Weak};

use redis::ServerErrorKind;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::broken::Broken;
use super::durability::Durability;
use super::feed::Feed;
use super::network::{Network, Route};
use super::pass::{Answers, Pass};
use super::reply::{self, About, ConfirmTold};
use super::script::{self, Call};
use super::shard::Shard;
use super::slot;
use crate::config::SaleConfig;
use crate::error::Error;
use crate::ids::{BuyerId, ReservationId};
use crate::latch::Latch;
use crate::lines::Picks;
use crate::outcome::{Confirm, Outcome, Refusal, Release};
use crate::reservation::Reserve;
use crate::time::At;

/// A sale whose terms are known.
pub(crate) struct Desk {
    pub(crate) network: Arc<Network>,
    pub(crate) durability: Durability,
    pub(crate) terms: Arc<SaleConfig>,
    pub(crate) shards: Vec<Shard>,
    pub(crate) latch: Arc<Latch>,
    pub(crate) feed: Feed,
    /// One gatherer of stock a shard.
    pub(crate) gathering: Vec<Mutex<()>>,
    pub(crate) me: Weak<Self>,
}

/// Until when the steps of one call may begin.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    deadline: std::time::Duration,
}

impl Desk {
    /// A desk for `terms`.
    pub(crate) fn new(network: Arc<Network>, durability: Durability, terms: SaleConfig) -> Arc<Self> {
        let terms = Arc::new(terms);
        let count = terms.shard_count();
        let latch = Arc::new(Latch::new(Arc::clone(&terms)));
        let shards = (0..count).map(|index| Shard::new(terms.id(), index, count)).collect();
        let gathering = (0..count).map(|_| Mutex::new(())).collect();
        let feed = Feed::new(Arc::clone(&latch), usize::from(count));
        Arc::new_cyclic(|me| Self {
            network,
            durability,
            terms,
            shards,
            latch,
            feed,
            gathering,
            me: me.clone(),
        })
    }

    /// The shard of a buyer.
    pub(crate) fn shard_of(&self, buyer: &BuyerId) -> (usize, u64) {
        let hash = slot::of_buyer(buyer.as_str());
        let count = u64::from(self.terms.shard_count());
        (usize::try_from(hash % count).unwrap_or(0), hash / count)
    }

    pub(crate) fn shard(&self, index: usize) -> Result<&Shard, Error> {
        self.shards.get(index).ok_or_else(|| reply::strange("a shard that is not there"))
    }

    pub(crate) fn about<'a>(&'a self, shard: &'a Shard) -> About<'a> {
        About { sale: self.terms.id(), shard }
    }

    /// Whether a replay has to leave something that replicas can acknowledge.
    pub(crate) fn touch(&self) -> bool {
        self.durability != Durability::Relaxed
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock { started: Instant::now(), deadline: self.network.deadline }
    }

    /// Runs a script on a shard: by its digest, and by its text where the server does not know it yet. A
    /// server that does not know a script has not run it.
    pub(crate) async fn run(&self, shard: &Shard, call: &Call) -> Result<String, Error> {
        let route = Route { slot: shard.slot, lane: 0 };
        let wait = self.durability.wait();
        let answer = match self.network.ask_and_wait(route, call.by_digest(), wait).await {
            Err(broken) if forgot(&broken) => self.network.ask_and_wait(route, call.by_text(), wait).await,
            answer => answer,
        };
        answer.map_err(|broken| broken.into_error(Some(self.terms.id())))
    }

    /// Decides requests of different buyers of one shard. `None` has to be asked again.
    pub(crate) async fn decide(
        &self,
        (index, lane): (usize, usize),
        requests: &[&Reserve],
        at: At,
    ) -> Result<Answers, Error> {
        let shard = self.shard(index)?;
        let mut pass = Pass::new(at, self.touch(), requests.len());
        let mut early: Vec<Option<Result<Outcome, Error>>> = Vec::new();
        let mut wants: Vec<Picks> = Vec::new();
        for request in requests {
            match self.admit(request) {
                Ok(picks) => {
                    pass.push(request, &picks);
                    if self.shards.len() > 1 {
                        wants.push(picks);
                    }
                    if !early.is_empty() {
                        early.push(None);
                    }
                }
                Err(answer) => {
                    early.resize(pass.len() + early.iter().flatten().count(), None);
                    early.push(Some(answer));
                }
            }
        }
        let answers = self.decide_pass(shard, lane, &pass, &wants).await?;
        if early.is_empty() {
            return Ok(answers);
        }
        let mut answers = answers.into_iter();
        Ok(early
            .into_iter()
            .map(|answer| if answer.is_some() { answer } else { answers.next().flatten() })
            .collect())
    }

    /// What the store need not be asked: lines that are not on sale, and buyers who may not take part.
    fn admit(&self, request: &Reserve) -> Result<Picks, Result<Outcome, Error>> {
        let picks = request.lines.picks(&self.terms).map_err(Err)?;
        if request.may_take_part(&self.terms) {
            return Ok(picks);
        }
        Err(Ok(Outcome::Refused(Refusal::NotEligible)))
    }

    async fn decide_pass(
        &self,
        shard: &Shard,
        lane: usize,
        pass: &Pass<'_>,
        wants: &[Picks],
    ) -> Result<Answers, Error> {
        if pass.is_empty() {
            return Ok(Answers::new());
        }
        let clock = self.clock();
        let text = self.send_pass(shard, lane, pass).await?;
        let mut told = reply::told(&text, self.about(shard), &self.terms, pass)?;
        for (answer, request) in told.answers.iter().zip(pass.requests()) {
            if matches!(answer, Some(Ok(Outcome::Reserved(_)))) {
                self.latch.note(&request.buyer);
            }
        }
        if pass.at == At::Server {
            self.told_left(usize::from(shard.index), pass.skus(), &told.left);
        }
        if !told.short.is_empty() && self.shards.len() > 1 {
            let short = told.short.iter().filter_map(|place| wants.get(*place));
            let instead = match self.gather(usize::from(shard.index), short, pass.at, clock).await {
                Ok(false) => return Ok(told.answers),
                Ok(true) => None,
                // Nothing is known of anybody.
                Err(error) if error.is_transient() && told.short.len() == pass.len() => return Err(error),
                // The answers to the others stand. These are asked again, and come back by themselves.
                Err(error) if error.is_transient() => None,
                Err(error) => Some(Err(error)),
            };
            for place in &told.short {
                if let Some(answer) = told.answers.get_mut(*place) {
                    answer.clone_from(&instead);
                }
            }
        }
        Ok(told.answers)
    }

    async fn send_pass(&self, shard: &Shard, lane: usize, pass: &Pass<'_>) -> Result<String, Error> {
        let route = Route { slot: shard.slot, lane };
        let wait = self.durability.wait();
        let answer = match self.network.ask_and_wait(route, script::reserve(shard, pass, false), wait).await {
            Err(broken) if forgot(&broken) => {
                self.network.ask_and_wait(route, script::reserve(shard, pass, true), wait).await
            }
            answer => answer,
        };
        answer.map_err(|broken| broken.into_error(Some(self.terms.id())))
    }

    /// Makes a reservation paid, in as many steps as overdue reservations and other shards make necessary.
    pub(crate) async fn confirm(&self, id: &ReservationId, at: At) -> Result<Confirm, Error> {
        let (index, _) = self.shard_of(id.buyer());
        let shard = self.shard(index)?;
        let (clock, mut last) = (self.clock(), self.shards.len() == 1);
        loop {
            clock.check()?;
            let call = Call::confirm(shard, at, self.touch(), id, last);
            match reply::confirmed(&self.run(shard, &call).await?, self.about(shard), id)? {
                ConfirmTold::Answer(answer) => return Ok(answer),
                ConfirmTold::Again => {}
                ConfirmTold::Short => {
                    let units = self.wanted(shard, id).await?;
                    last = !self.gather(index, units.iter(), at, clock).await?;
                }
            }
        }
    }

    /// Gives a held reservation back.
    pub(crate) async fn release(&self, id: &ReservationId) -> Result<Release, Error> {
        let shard = self.shard(self.shard_of(id.buyer()).0)?;
        let call = Call::release(shard, self.touch(), id);
        reply::released(&self.run(shard, &call).await?, self.about(shard), id)
    }
}

impl Clock {
    /// Fails when it is too late for one more step.
    pub(crate) fn check(self) -> Result<(), Error> {
        if self.started.elapsed() >= self.deadline {
            return Err(self.late());
        }
        Ok(())
    }

    /// Waits for something, until it is too late for one more step.
    pub(crate) async fn wait<T>(self, something: impl Future<Output = T>) -> Result<T, Error> {
        let rest = self.deadline.saturating_sub(self.started.elapsed());
        tokio::time::timeout(rest, something).await.map_err(|_| self.late())
    }

    fn late(self) -> Error {
        Broken::Late(self.deadline).into_error(None)
    }
}

/// Whether the server does not know the script.
pub(crate) fn forgot(broken: &Broken) -> bool {
    broken.server_kind() == Some(ServerErrorKind::NoScript)
}
