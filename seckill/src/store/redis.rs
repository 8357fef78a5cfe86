//! Sales in Redis: every decision is one script over keys of one hash slot. The rule is in the scripts.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use redis::aio::{ConnectionManager, MultiplexedConnection};
use tokio::time::Instant;

use super::link::{Broken, DEADLINE, Link, Wire};
use super::script::Call;
use super::{BoxFuture, SaleStore, policy, read, reply};
use crate::audit::Audit;
use crate::config::SaleConfig;
use crate::error::{Error, Fault};
use crate::ids::{ReservationId, SaleId};
use crate::outcome::{Confirm, Opened, Outcome, Release, SaleState, Swept};
use crate::reservation::Reserve;
use crate::sale::batch_error;
use crate::time::At;

/// Sales in Redis 5 or later.
///
/// A call that meets its deadline, or a broken connection, fails with `Unavailable`: whether it took
/// effect is unknown. Send the same request id again, and the answer is the first one. The store itself
/// never sends a decision twice.
///
/// One script returns at most [`Swept::SWEEP_MAX`] overdue reservations, so that it holds up nobody else
/// for long. A call that has to return more before it may refuse is several scripts, one after another,
/// and starts none after its deadline: `Unavailable` then, with the reservations so far returned.
///
/// A connection of redis-rs may have a response timeout of its own (500 ms unless changed); the shorter
/// of the two counts.
///
/// ```no_run
/// # async fn run() -> Result<(), seckill::Error> {
/// use seckill::{FlashSale, RedisStore, SaleId};
/// use std::sync::Arc;
///
/// let store = RedisStore::connect("redis://127.0.0.1/").await?;
/// let sale = FlashSale::attach(Arc::new(store), SaleId::new("phone")?);
/// assert_eq!(sale.state().await?.paid, 0);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    link: Link,
}

/// The calls that one decision takes.
struct Steps {
    /// The caller's, then what the first step tells: each step leaves fewer reservations that are overdue
    /// at one time, so the steps come to an end.
    at: At,
    started: Instant,
    deadline: Duration,
}

impl RedisStore {
    /// Connects to the server at `url` (`redis://...`) over one multiplexed connection that is opened
    /// again when it breaks.
    ///
    /// # Errors
    /// `Misuse` when the url or the password is wrong, `Unavailable` when nobody answers.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self { link: Link::connect(url).await? })
    }

    /// Over a connection that the application holds. Turn on `TCP_NODELAY` for it.
    pub fn from_multiplexed(connection: MultiplexedConnection) -> Self {
        Self::over(Wire::Multiplexed(connection))
    }

    /// Over a connection that the application holds, which is opened again when it breaks.
    pub fn from_manager(manager: ConnectionManager) -> Self {
        Self::over(Wire::Manager(manager))
    }

    /// Over a pool that the application holds. One multiplexed connection carries more.
    #[cfg(feature = "deadpool")]
    pub fn from_pool(pool: deadpool_redis::Pool) -> Self {
        Self::over(Wire::Pool(pool))
    }

    /// Lets each command take `span`; one second unless told. A decision of several scripts begins its
    /// last one within `span`.
    #[must_use]
    pub fn deadline(self, span: Duration) -> Self {
        Self { link: Link { deadline: span, ..self.link } }
    }

    fn over(wire: Wire) -> Self {
        Self { link: Link { wire, deadline: DEADLINE } }
    }

    async fn open(&self, config: &SaleConfig) -> Result<Opened, Error> {
        policy::check(&self.link).await?;
        reply::opened(&self.link.run(&Call::Open(config)).await?, config.id())
    }

    /// Decides in as many calls as overdue reservations make necessary, mostly one.
    async fn decide_all(&self, sale: &SaleId, requests: &[Reserve], at: At) -> Vec<Result<Outcome, Error>> {
        if let Some(error) = batch_error(requests) {
            return requests.iter().map(|_| Err(error.clone())).collect();
        }
        let mut steps = self.steps(at);
        let mut answers = Vec::with_capacity(requests.len());
        while let Some(rest @ [_, ..]) = requests.get(answers.len()..) {
            match self.decide_some(sale, rest, &mut steps).await {
                Ok(decided) => answers.extend(decided),
                // What was decided in earlier steps stands.
                Err(error) => answers.extend(rest.iter().map(|_| Err(error.clone()))),
            }
        }
        answers
    }

    async fn decide_some(
        &self,
        sale: &SaleId,
        rest: &[Reserve],
        steps: &mut Steps,
    ) -> Result<Vec<Result<Outcome, Error>>, Error> {
        let text = self.link.run(&Call::Reserve(sale, rest, steps.begin()?)).await?;
        let reply::Answers { decided, again } = reply::outcomes(&text, sale, rest)?;
        steps.at = again.map_or(steps.at, At::Millis);
        Ok(decided)
    }

    async fn decide_one(&self, sale: &SaleId, request: &Reserve, at: At) -> Result<Outcome, Error> {
        let mut answers = self.decide_all(sale, std::slice::from_ref(request), at).await;
        answers.pop().unwrap_or_else(|| Err(Fault::Answer { given: String::new() }.into()))
    }

    async fn pay(&self, reservation: &ReservationId, at: At) -> Result<Confirm, Error> {
        let mut steps = self.steps(at);
        loop {
            let call = Call::Confirm(reservation.sale(), reservation.request(), steps.begin()?);
            match reply::confirmed(&self.link.run(&call).await?, reservation)? {
                ControlFlow::Break(answer) => return Ok(answer),
                ControlFlow::Continue(now) => steps.at = At::Millis(now),
            }
        }
    }

    fn steps(&self, at: At) -> Steps {
        Steps { at, started: Instant::now(), deadline: self.link.deadline }
    }
}

impl Steps {
    /// The time for the next step, unless it is too late for one.
    fn begin(&self) -> Result<At, Error> {
        if self.started.elapsed() >= self.deadline {
            return Err(Broken::Late(self.deadline).into_error(None));
        }
        Ok(self.at)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("deadline", &self.link.deadline).finish_non_exhaustive()
    }
}

impl SaleStore for RedisStore {
    fn open_sale<'a>(&'a self, config: &'a SaleConfig) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(self.open(config))
    }

    fn reserve_batch<'a>(
        &'a self,
        sale: &'a SaleId,
        requests: &'a [Reserve],
        at: At,
    ) -> BoxFuture<'a, Vec<Result<Outcome, Error>>> {
        Box::pin(self.decide_all(sale, requests, at))
    }

    fn reserve<'a>(
        &'a self,
        sale: &'a SaleId,
        request: &'a Reserve,
        at: At,
    ) -> BoxFuture<'a, Result<Outcome, Error>> {
        Box::pin(self.decide_one(sale, request, at))
    }

    fn confirm<'a>(
        &'a self,
        reservation: &'a ReservationId,
        at: At,
    ) -> BoxFuture<'a, Result<Confirm, Error>> {
        Box::pin(self.pay(reservation, at))
    }

    fn release<'a>(&'a self, reservation: &'a ReservationId) -> BoxFuture<'a, Result<Release, Error>> {
        Box::pin(async move {
            let call = Call::Release(reservation.sale(), reservation.request());
            reply::released(&self.link.run(&call).await?, reservation)
        })
    }

    fn sweep<'a>(&'a self, sale: &'a SaleId, max: u32, at: At) -> BoxFuture<'a, Result<Swept, Error>> {
        Box::pin(async move { reply::swept(&self.link.run(&Call::Sweep(sale, max, at)).await?, sale) })
    }

    fn state<'a>(&'a self, sale: &'a SaleId) -> BoxFuture<'a, Result<SaleState, Error>> {
        Box::pin(read::state(&self.link, sale))
    }

    fn audit<'a>(&'a self, sale: &'a SaleId) -> BoxFuture<'a, Result<Audit, Error>> {
        Box::pin(read::audit(&self.link, sale))
    }
}
