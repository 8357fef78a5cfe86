//! What the tests share: short names for values, and a server with stores on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seckill::{
    At, Audit, BuyerId, Confirm, Eligible, Lines, MemoryStore, Opened, Outcome, Quantity, Refusal, RequestId,
    Reservation, ReservationId, Reserve, Restock, Restocked, SaleConfig, SaleId, SaleState, SaleStore, SkuId,
    Steered, Step, UnixMillis,
};

pub(crate) const OPENS: u64 = 1_000;
pub(crate) const CLOSES: u64 = 3_000;
pub(crate) const PAY: u64 = 100;

static SALES: AtomicU64 = AtomicU64::new(0);

/// A name that no other sale of this test program has.
pub(crate) fn fresh() -> SaleId {
    SaleId::new(&format!("sale-{}", SALES.fetch_add(1, Ordering::Relaxed))).unwrap()
}

pub(crate) fn at(millis: u64) -> At {
    At::Millis(UnixMillis::new(millis).unwrap())
}

/// Terms with explicit times, see the constants.
pub(crate) fn terms(stock: u64, limit: u32) -> SaleConfig {
    let (opens, closes) = (UnixMillis::new(OPENS).unwrap(), UnixMillis::new(CLOSES).unwrap());
    timed(SaleConfig::new(fresh(), opens, closes, stock).unwrap(), limit)
}

/// The same for several things, named by [`sku`].
pub(crate) fn wide_terms(stocks: &[u64], limit: u32) -> SaleConfig {
    let (opens, closes) = (UnixMillis::new(OPENS).unwrap(), UnixMillis::new(CLOSES).unwrap());
    let skus: Vec<_> = stocks.iter().enumerate().map(|(index, stock)| (sku(index), *stock)).collect();
    timed(SaleConfig::of(fresh(), opens, closes, &skus).unwrap(), limit)
}

fn timed(terms: SaleConfig, limit: u32) -> SaleConfig {
    terms.limit_per_buyer(quantity(limit)).time_to_pay(Duration::from_millis(PAY)).unwrap()
}

/// Terms of a sale that is open now, whenever this runs.
pub(crate) fn open_terms(stock: u64, limit: u32) -> SaleConfig {
    let closes = UnixMillis::new(9_000_000_000_000).unwrap();
    SaleConfig::new(fresh(), UnixMillis::MIN, closes, stock).unwrap().limit_per_buyer(quantity(limit))
}

pub(crate) fn quantity(units: u32) -> Quantity {
    Quantity::new(units).unwrap()
}

pub(crate) fn buyer(number: u64) -> BuyerId {
    BuyerId::new(&format!("buyer {number}: 买家")).unwrap()
}

pub(crate) fn request(number: u64) -> RequestId {
    RequestId::new(&format!("request-{number}")).unwrap()
}

pub(crate) fn sku(index: usize) -> SkuId {
    SkuId::new(&format!("sku-{index}")).unwrap()
}

pub(crate) fn lines(lines: &[(usize, u32)]) -> Lines {
    let lines: Vec<_> = lines.iter().map(|(index, units)| (sku(*index), quantity(*units))).collect();
    Lines::of(&lines).unwrap()
}

pub(crate) fn ask(who: u64, units: u32, number: u64) -> Reserve {
    Reserve::new(buyer(who), quantity(units), request(number))
}

pub(crate) fn ask_lines(who: u64, of: &[(usize, u32)], number: u64) -> Reserve {
    Reserve::new(buyer(who), lines(of), request(number))
}

pub(crate) fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused(refusal)
}

/// The reservation of an answer that has to be a win.
pub(crate) fn won(outcome: Outcome) -> Reservation {
    match outcome {
        Outcome::Reserved(reservation) => reservation,
        no => panic!("not won: {no:?}"),
    }
}

/// A sale in a store, asked with explicit times. Whatever it answers, its books balance.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) store: Arc<dyn SaleStore>,
    pub(crate) terms: SaleConfig,
}

impl Shop {
    pub(crate) async fn open(store: &Arc<dyn SaleStore>, terms: SaleConfig) -> Self {
        assert_eq!(store.open_sale(&terms).await.unwrap(), Opened::Created);
        Self { store: store.clone(), terms }
    }

    pub(crate) async fn draft(store: &Arc<dyn SaleStore>, terms: SaleConfig) -> Self {
        assert_eq!(store.draft_sale(&terms).await.unwrap(), Opened::Created);
        Self { store: store.clone(), terms }
    }

    pub(crate) fn id(&self, who: u64, number: u64) -> ReservationId {
        ReservationId::new(self.terms.id(), &buyer(who), &request(number))
    }

    pub(crate) fn proof(&self, who: u64) -> Eligible {
        Eligible::vouched(self.terms.id(), &buyer(who))
    }

    pub(crate) async fn ask(&self, request: &Reserve, now: u64) -> Outcome {
        self.store.reserve(self.terms.id(), request, at(now)).await.unwrap()
    }

    pub(crate) async fn win(&self, request: &Reserve, now: u64) -> ReservationId {
        let won = won(self.ask(request, now).await);
        assert!(!won.replayed, "{won:?}");
        won.id
    }

    pub(crate) async fn batch(&self, requests: &[Reserve], now: u64) -> Vec<Outcome> {
        let answers = self.store.reserve_batch(self.terms.id(), requests, at(now)).await;
        answers.into_iter().map(Result::unwrap).collect()
    }

    /// Lets each of `count` buyers, the first with number `first`, hold one unit.
    pub(crate) async fn crowd(&self, first: u64, count: u64, now: u64) {
        let holds: Vec<_> = (first..first + count).map(|number| ask(number, 1, number)).collect();
        for chunk in holds.chunks(Reserve::BATCH_MAX) {
            assert!(self.batch(chunk, now).await.into_iter().all(|answer| !won(answer).replayed));
        }
    }

    pub(crate) async fn pay(&self, id: &ReservationId, now: u64) -> Confirm {
        self.store.confirm(id, at(now)).await.unwrap()
    }

    pub(crate) async fn steer(&self, step: Step, now: u64) -> Steered {
        self.store.steer(self.terms.id(), step, at(now)).await.unwrap()
    }

    pub(crate) async fn restock(&self, change: &Restock, now: u64) -> Restocked {
        self.store.restock(self.terms.id(), change, at(now)).await.unwrap()
    }

    pub(crate) async fn state(&self, now: u64) -> SaleState {
        self.store.state(self.terms.id(), at(now)).await.unwrap()
    }

    /// Units left, held and paid, by counters and records alike.
    pub(crate) async fn units(&self) -> (u64, u64, u64) {
        let audit = self.audit().await;
        (audit.left(), audit.held(), audit.paid())
    }

    pub(crate) async fn audit(&self) -> Audit {
        let audit = self.store.audit(self.terms.id()).await.unwrap();
        assert!(audit.conserved(), "{audit:?}");
        audit
    }
}

/// Runs one promise in every store that is built in.
pub(crate) async fn in_all<F: AsyncFn(Arc<dyn SaleStore>)>(promise: F) {
    promise(memory()).await;
    #[cfg(feature = "redis")]
    if !testkit::skipped("redis") {
        let server = testkit::Redis::start().unwrap();
        promise(redis(&server).await).await;
    }
}

pub(crate) fn memory() -> Arc<dyn SaleStore> {
    Arc::new(MemoryStore::new())
}

#[cfg(feature = "redis")]
pub(crate) use server::*;

#[cfg(feature = "redis")]
mod server {
    use super::*;
    use seckill::{Error, RedisStore};
    use std::time::Instant;

    /// A deadline that only a hanging server meets, however busy the machine is.
    pub(crate) const SLOW_MACHINE: Duration = Duration::from_secs(30);
    /// A pause before the next attempt to connect.
    const PAUSE: Duration = Duration::from_millis(5);

    pub(crate) fn patient(store: RedisStore) -> RedisStore {
        store.deadline(SLOW_MACHINE)
    }

    /// A store over connections of its own.
    pub(crate) async fn connect(url: &str) -> RedisStore {
        let started = Instant::now();
        loop {
            if let Some(store) = reached(RedisStore::connect(url).await, started) {
                return store;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(crate) async fn connect_cluster(urls: &[String]) -> RedisStore {
        let started = Instant::now();
        loop {
            if let Some(store) = reached(RedisStore::connect_cluster(urls).await, started) {
                return store;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(crate) async fn connect_sentinel(servers: &testkit::RedisSentinel) -> RedisStore {
        let (urls, started) = (servers.urls(), Instant::now());
        loop {
            let connected = RedisStore::connect_sentinel(&urls, servers.service()).await;
            if let Some(store) = reached(connected, started) {
                return store;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What came of an attempt to connect to servers that are there; nothing when they were too slow. An attempt has a
    /// second, whatever the deadline of the store will be.
    fn reached(connected: Result<RedisStore, Error>, started: Instant) -> Option<RedisStore> {
        match connected {
            Err(error) if error.is_transient() && started.elapsed() < SLOW_MACHINE => None,
            connected => Some(patient(connected.unwrap())),
        }
    }

    pub(crate) async fn redis(server: &testkit::Redis) -> Arc<dyn SaleStore> {
        Arc::new(connect(&server.url()).await)
    }

    /// For connections of a test's own: by default, those give up after half a second.
    pub(crate) fn patient_config() -> ::redis::AsyncConnectionConfig {
        ::redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(SLOW_MACHINE))
            .set_response_timeout(Some(SLOW_MACHINE))
    }

    pub(crate) async fn raw(server: &testkit::Redis) -> ::redis::aio::MultiplexedConnection {
        let client = ::redis::Client::open(server.url()).unwrap();
        client.get_multiplexed_async_connection_with_config(&patient_config()).await.unwrap()
    }

    /// Sends one command beside the store.
    pub(crate) async fn tell<T: ::redis::FromRedisValue>(server: &testkit::Redis, words: &[&str]) -> T {
        let (head, rest) = words.split_first().unwrap();
        ::redis::cmd(head).arg(rest).query_async(&mut raw(server).await).await.unwrap()
    }
}
