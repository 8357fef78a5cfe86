//! What breaks, done to real servers while a crowd buys: processes and servers killed, frozen, promoted, cut off,
//! moved, set to another time. Every caller keeps what it was told, and that is compared with the sale that is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use seckill::{Error, FlashSale, Outcome, RedisStore, Refusal, Reservation, Reserve, SaleConfig, SaleStore};

use crate::stage::{connect, open_terms};

mod clock;
mod crowd;
mod cut;
mod dropped;
mod expiry;
mod failover;
mod history;
mod killed;
mod moved;
mod process;
mod records;
mod shards;
mod slow;
mod torn;

/// How long a condition may take that a sound program meets at once.
const SOON: Duration = Duration::from_secs(60);
/// The deadline of a store whose server is about to fail.
const SHORT: Duration = Duration::from_millis(400);

/// Waiting for something that comes soon.
struct Wait {
    what: &'static str,
    started: Instant,
}

impl Wait {
    fn new(what: &'static str) -> Self {
        Self { what, started: Instant::now() }
    }

    /// Lets others go on before the next look.
    async fn more(&self) {
        assert!(self.started.elapsed() < SOON, "waited in vain for: {}", self.what);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Looks until there is something, and returns it.
pub(crate) async fn eventually<T>(what: &'static str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = Wait::new(what);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        wait.more().await;
    }
}

/// Asks until the request wins; units come back soon.
async fn wins(sale: &FlashSale, request: &Reserve) -> Reservation {
    let wait = Wait::new("a unit that comes back");
    loop {
        match sale.reserve(request).await.unwrap() {
            Outcome::Reserved(won) => return won,
            Outcome::Refused(Refusal::SoldOut) => wait.more().await,
            other => panic!("{other:?}"),
        }
    }
}

/// Asks until there is an answer, whatever the short deadline of a store makes of the first attempts.
async fn insist(mut ask: impl AsyncFnMut() -> Result<Outcome, Error>) -> Result<Outcome, Error> {
    let wait = Wait::new("an answer in time");
    loop {
        match ask().await {
            Ok(Outcome::Refused(Refusal::Busy { .. })) => {}
            Err(error) if error.is_transient() => {}
            answer => return answer,
        }
        wait.more().await;
    }
}

/// What one more process of the application has of a sale.
fn attach(store: RedisStore, terms: &SaleConfig) -> FlashSale {
    let store: Arc<dyn SaleStore> = Arc::new(store);
    FlashSale::attach(store, terms.id().clone())
}

/// Terms of a sale that is open, with a limit of two.
fn terms(stock: u64) -> SaleConfig {
    open_terms(stock, 2)
}
