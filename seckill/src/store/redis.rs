//! Sales in Redis: every decision is one script over keys of one hash slot. The rule is in the scripts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::FromRedisValue;
use redis::aio::{ConnectionManager, MultiplexedConnection};
use tokio::time::Instant;

use super::booth::Booth;
use super::desk::Desk;
use super::durability::Durability;
use super::network::{DEADLINE, Network, Places, Route, Seeds, Way};
use super::reply::About;
use super::script::Call;
use super::{BoxFuture, SaleStore, policy, reply, shard, slot, terms};
use crate::audit::Audit;
use crate::config::SaleConfig;
use crate::error::{Error, Fault};
use crate::ids::{ReservationId, SaleId};
use crate::latch::Latch;
use crate::outcome::{Confirm, Opened, Outcome, Release, SaleState, Swept};
use crate::phase::{Stage, Steered, Step};
use crate::reservation::Reserve;
use crate::restock::{Restock, Restocked};
use crate::time::At;

/// A pause before a sale is looked for again.
const PAUSE: Duration = Duration::from_millis(5);

/// Sales in Redis 7 or later: one server, a master under sentinels, or a cluster.
///
/// Requests of this process travel together: [`SaleStore::reserve`] at the server's time gathers callers into
/// one script call without making any of them wait for a timer. An answer that is lost on the way is asked for
/// again, under the same request ids, until the deadline.
///
/// A call that meets its deadline, or a broken connection, fails with `Unavailable`: whether it took effect is
/// unknown. Send the same request id again, and the answer is the first one.
///
/// One script looks at no more than [`Swept::SWEEP_MAX`] overdue reservations, so that it holds up nobody else
/// for long. A call that has to look at more before it may refuse is several scripts, one after another, and
/// starts none after its deadline: `Unavailable` then, with the reservations so far returned.
///
/// ```no_run
/// # async fn run() -> Result<(), seckill::Error> {
/// use seckill::{Durability, FlashSale, RedisStore, SaleId};
/// use std::sync::Arc;
///
/// let store = RedisStore::connect("redis://127.0.0.1/").await?.durability(Durability::replicated(1));
/// let sale = FlashSale::attach(Arc::new(store), SaleId::new("phone")?);
/// assert_eq!(sale.state().await?.paid(), 0);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    network: Arc<Network>,
    durability: Durability,
    queued_max: usize,
    sales: Arc<RwLock<BTreeMap<SaleId, Arc<Booth>>>>,
}

/// How often all shards are audited anew when stock moves between them meanwhile.
const AUDITS_MAX: usize = 16;

/// Where the terms of a sale are, whatever its shards.
struct Card {
    slot: u16,
    key: String,
}

impl RedisStore {
    /// How many requests of one process wait for each shard, unless told otherwise.
    pub const QUEUED_MAX: usize = 65_536;

    /// Connects to the server at `url` (`redis://...`).
    ///
    /// # Errors
    /// `Misuse` when the url or the password is wrong, `Unavailable` when nobody answers.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_to(Places::Single, &[url]).await
    }

    /// Connects to the cluster of which `urls` are some nodes. The credentials are those of the first.
    ///
    /// # Errors
    /// As [`RedisStore::connect`]; `InvalidInput` when there is no url.
    pub async fn connect_cluster<S: AsRef<str>>(urls: &[S]) -> Result<Self, Error> {
        Self::connect_to(Places::Cluster, urls).await
    }

    /// Connects to the master of `service`, as the sentinels at `urls` name it, now and after each failover.
    ///
    /// # Errors
    /// As [`RedisStore::connect`]; `InvalidInput` when there is no url.
    pub async fn connect_sentinel<S: AsRef<str>>(urls: &[S], service: &str) -> Result<Self, Error> {
        Self::connect_to(Places::Sentinels(service.to_owned()), urls).await
    }

    /// Over a connection that the application holds. Turn on `TCP_NODELAY` for it, and mind its own response
    /// timeout (500 ms unless changed): the shorter of the two counts.
    pub fn from_multiplexed(connection: MultiplexedConnection) -> Self {
        Self::over(Way::Multiplexed(connection))
    }

    /// Over a connection that the application holds, which is opened again when it breaks.
    pub fn from_manager(manager: ConnectionManager) -> Self {
        Self::over(Way::Manager(manager))
    }

    /// Over a pool that the application holds. One multiplexed connection carries more.
    #[cfg(feature = "deadpool")]
    pub fn from_pool(pool: deadpool_redis::Pool) -> Self {
        Self::over(Way::Pool(pool))
    }

    /// Lets each command take `span`; one second unless told. Call it before the first sale.
    #[must_use]
    pub fn deadline(self, span: Duration) -> Self {
        let network = Arc::new(self.network.with_deadline(span));
        Self { network, sales: Arc::default(), ..self }
    }

    /// Says when a decision counts as made. Call it before the first sale.
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability, sales: Arc::default(), ..self }
    }

    /// Lets up to `requests` wait for each shard; more are told [`Refusal::Busy`](crate::Refusal::Busy). Call it
    /// before the first sale.
    #[must_use]
    pub fn queued_max(self, requests: usize) -> Self {
        Self { queued_max: requests, sales: Arc::default(), ..self }
    }

    async fn connect_to<S: AsRef<str>>(places: Places, urls: &[S]) -> Result<Self, Error> {
        let store = Self::over_network(Network::of_seeds(Seeds::new(places, urls)?));
        let hello = store.network.ask::<String>(Route { slot: 0, lane: 0 }, redis::cmd("PING")).await;
        hello.map_err(|broken| broken.into_error(None))?;
        Ok(store)
    }

    fn over(way: Way) -> Self {
        Self::over_network(Network { way: Arc::new(way), deadline: DEADLINE })
    }

    fn over_network(network: Network) -> Self {
        let network = Arc::new(network);
        Self { network, durability: Durability::Relaxed, queued_max: Self::QUEUED_MAX, sales: Arc::default() }
    }

    fn known(&self, sale: &SaleId) -> Option<Arc<Booth>> {
        self.sales.read().unwrap_or_else(PoisonError::into_inner).get(sale).cloned()
    }

    /// The sale, with its terms read from the store the first time.
    pub(super) async fn booth(&self, sale: &SaleId) -> Result<Arc<Booth>, Error> {
        if let Some(booth) = self.known(sale) {
            return Ok(booth);
        }
        let started = Instant::now();
        loop {
            match self.find(sale).await {
                // Looking twice harms nothing.
                Err(error) if error.is_transient() && started.elapsed() < self.network.deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                found => return found,
            }
        }
    }

    async fn find(&self, sale: &SaleId) -> Result<Arc<Booth>, Error> {
        let card = Card::new(sale);
        let mut cmd = redis::cmd("HGET");
        cmd.arg(&card.key).arg("terms");
        let text: Option<String> = self.ask(sale, &card, cmd).await?;
        let text = text.ok_or_else(|| Fault::NotLoaded { sale: sale.clone() })?;
        let terms = terms::from_text(sale, &text).ok_or_else(|| corrupt(sale, "terms"))?;
        Ok(self.keep(&terms))
    }

    async fn ask<T: FromRedisValue>(&self, sale: &SaleId, card: &Card, cmd: redis::Cmd) -> Result<T, Error> {
        let (route, wait) = (Route { slot: card.slot, lane: 0 }, self.durability.wait());
        let answer = self.network.ask_and_wait(route, cmd, wait).await;
        answer.map_err(|broken| broken.into_error(Some(sale)))
    }

    async fn reserve_at(&self, sale: &SaleId, request: &Reserve, at: At) -> Result<Outcome, Error> {
        let booth = self.booth(sale).await?;
        match at {
            At::Server => booth.reserve(request).await,
            At::Millis(_) => {
                let mut answers = booth.desk.decide_all(std::slice::from_ref(request), at).await;
                answers.pop().unwrap_or_else(|| Err(reply::strange("")))
            }
        }
    }

    fn keep(&self, terms: &SaleConfig) -> Arc<Booth> {
        let mut sales = self.sales.write().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let desk = Desk::new(Arc::clone(&self.network), self.durability, terms.clone());
            Arc::new(Booth::new(desk, self.queued_max))
        };
        Arc::clone(sales.entry(terms.id().clone()).or_insert_with(make))
    }

    /// Makes a sale: its card first, so that it has one form only; its shards; and the mark that all of them
    /// are there. Once it has the mark a shard that is lost stays lost, unless the sale is made `anew`.
    pub(super) async fn make(&self, terms: &SaleConfig, stage: Stage, anew: bool) -> Result<Opened, Error> {
        let desk = Desk::new(Arc::clone(&self.network), self.durability, terms.clone());
        policy::check(&self.network, desk.shards.iter().map(|shard| shard.slot)).await?;
        let (text, card) = (terms::to_text(terms), Card::new(terms.id()));
        let is_made = self.claim(terms.id(), &card, &text).await?;
        let stage = if is_made && !anew { None } else { Some(stage) };
        let mut opened = Opened::Already;
        for shard in &desk.shards {
            let shares = terms::shares(terms, shard.index);
            let call = Call::create(shard, terms, &text, stage, &shares);
            match reply::opened(&desk.run(shard, &call).await?, About { sale: terms.id(), shard })? {
                Opened::Created => opened = Opened::Created,
                Opened::Already => {}
            }
        }
        if !is_made {
            let mut cmd = redis::cmd("HSET");
            cmd.arg(&card.key).arg("made").arg(1);
            self.ask::<i64>(terms.id(), &card, cmd).await?;
        }
        self.keep(terms);
        Ok(opened)
    }

    /// Claims the sale's name for these terms, and tells whether all its shards have been made before.
    async fn claim(&self, sale: &SaleId, card: &Card, text: &str) -> Result<bool, Error> {
        let mut claim = redis::cmd("HSETNX");
        claim.arg(&card.key).arg("terms").arg(text);
        self.ask::<i64>(sale, card, claim).await?;
        let mut look = redis::cmd("HMGET");
        look.arg(&card.key).arg("terms").arg("made");
        let (terms, made): (Option<String>, Option<String>) = self.ask(sale, card, look).await?;
        if terms.as_deref() != Some(text) {
            return Err(Fault::OtherTerms { sale: sale.clone() }.into());
        }
        Ok(made.is_some())
    }
}

impl Card {
    fn new(sale: &SaleId) -> Self {
        let tag = shard::tag(sale, 0, 1);
        Self { slot: slot::of_tag(&tag), key: shard::key(&tag, "card") }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RedisStore");
        debug.field("deadline", &self.network.deadline).field("durability", &self.durability);
        debug.finish_non_exhaustive()
    }
}

impl SaleStore for RedisStore {
    fn draft_sale<'a>(&'a self, config: &'a SaleConfig) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(self.make(config, Stage::Draft, false))
    }

    fn open_sale<'a>(&'a self, config: &'a SaleConfig) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(self.make(config, Stage::Ready, false))
    }

    fn steer<'a>(&'a self, sale: &'a SaleId, step: Step, at: At) -> BoxFuture<'a, Result<Steered, Error>> {
        Box::pin(async move { self.booth(sale).await?.desk.steer(step, at).await })
    }

    fn restock<'a>(
        &'a self,
        sale: &'a SaleId,
        change: &'a Restock,
        at: At,
    ) -> BoxFuture<'a, Result<Restocked, Error>> {
        Box::pin(async move { self.booth(sale).await?.desk.restock(change, at).await })
    }

    fn reserve_batch<'a>(
        &'a self,
        sale: &'a SaleId,
        requests: &'a [Reserve],
        at: At,
    ) -> BoxFuture<'a, Vec<Result<Outcome, Error>>> {
        Box::pin(async move {
            match self.booth(sale).await {
                Ok(booth) => booth.desk.decide_all(requests, at).await,
                Err(error) => requests.iter().map(|_| Err(error.clone())).collect(),
            }
        })
    }

    fn reserve<'a>(
        &'a self,
        sale: &'a SaleId,
        request: &'a Reserve,
        at: At,
    ) -> BoxFuture<'a, Result<Outcome, Error>> {
        match (self.known(sale), at) {
            // The common way: its future is small, and that is what a caller allocates.
            (Some(booth), At::Server) => Box::pin(async move { booth.reserve(request).await }),
            _ => Box::pin(self.reserve_at(sale, request, at)),
        }
    }

    fn confirm<'a>(
        &'a self,
        reservation: &'a ReservationId,
        at: At,
    ) -> BoxFuture<'a, Result<Confirm, Error>> {
        Box::pin(async move { self.booth(reservation.sale()).await?.desk.confirm(reservation, at).await })
    }

    fn release<'a>(&'a self, reservation: &'a ReservationId) -> BoxFuture<'a, Result<Release, Error>> {
        Box::pin(async move { self.booth(reservation.sale()).await?.desk.release(reservation).await })
    }

    fn sweep<'a>(&'a self, sale: &'a SaleId, max: u32, at: At) -> BoxFuture<'a, Result<Swept, Error>> {
        Box::pin(async move { self.booth(sale).await?.desk.sweep(max, at).await })
    }

    fn state<'a>(&'a self, sale: &'a SaleId, at: At) -> BoxFuture<'a, Result<SaleState, Error>> {
        Box::pin(async move { self.booth(sale).await?.desk.state(at).await })
    }

    fn audit<'a>(&'a self, sale: &'a SaleId) -> BoxFuture<'a, Result<Audit, Error>> {
        Box::pin(async move {
            let booth = self.booth(sale).await?;
            let mut tries = 0;
            loop {
                let mut shards = Vec::with_capacity(booth.desk.shards.len());
                for shard in &booth.desk.shards {
                    shards.push(booth.desk.audit(shard).await?);
                }
                // A transfer that was debited after one look and credited before the next seems to be in two
                // places. One that stays so is what an audit is for.
                let audit = Audit { shards };
                tries += 1;
                if tries >= AUDITS_MAX || audit.moving().iter().all(|units| *units >= 0) {
                    return Ok(audit);
                }
            }
        })
    }

    fn latch(&self, sale: &SaleId) -> Option<Arc<Latch>> {
        self.known(sale).map(|booth| Arc::clone(&booth.desk.latch))
    }
}

fn corrupt(sale: &SaleId, what: &str) -> Error {
    Fault::Corrupt { sale: sale.clone(), what: what.to_owned() }.into()
}
