//! What the tests share: short names for values, and a server with stores on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seckill::{
    At, BuyerId, MemoryStore, Outcome, Quantity, RequestId, Reservation, Reserve, SaleConfig, SaleId,
    SaleStore, UnixMillis,
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
    SaleConfig::new(fresh(), opens, closes, stock)
        .unwrap()
        .limit_per_buyer(quantity(limit))
        .time_to_pay(Duration::from_millis(PAY))
        .unwrap()
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

pub(crate) fn ask(who: u64, units: u32, number: u64) -> Reserve {
    Reserve::new(buyer(who), quantity(units), request(number))
}

/// The reservation of an answer that has to be a win.
pub(crate) fn won(outcome: Outcome) -> Reservation {
    match outcome {
        Outcome::Reserved(reservation) => reservation,
        no => panic!("not won: {no:?}"),
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
    use seckill::RedisStore;

    /// A deadline that only a hanging server meets, however busy the machine is.
    pub(crate) fn patient(store: RedisStore) -> RedisStore {
        store.deadline(Duration::from_secs(30))
    }

    /// A store over a connection manager.
    pub(crate) async fn redis(server: &testkit::Redis) -> Arc<dyn SaleStore> {
        Arc::new(patient(RedisStore::connect(&server.url()).await.unwrap()))
    }

    /// Sends one command beside the store.
    pub(crate) async fn tell<T: ::redis::FromRedisValue>(server: &testkit::Redis, words: &[&str]) -> T {
        let client = ::redis::Client::open(server.url()).unwrap();
        let config = ::redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
        let (head, rest) = words.split_first().unwrap();
        ::redis::cmd(head).arg(rest).query_async(&mut connection).await.unwrap()
    }
}
