//! Sales in this process: the rule under a lock. It is the specification of every other store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use super::{BoxFuture, SaleStore};
use crate::audit::Audit;
use crate::config::SaleConfig;
use crate::error::{Error, Fault};
use crate::ids::{ReservationId, SaleId};
use crate::outcome::{Confirm, Opened, Outcome, Release, SaleState, Swept};
use crate::phase::{Steered, Step};
use crate::reservation::Reserve;
use crate::restock::{Restock, Restocked};
use crate::sale::Sale;
use crate::time::{At, UnixMillis};

/// Sales in this process. They end with it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seckill::Error> {
/// use seckill::{At, MemoryStore, SaleConfig, SaleId, SaleStore, UnixMillis};
///
/// let store = MemoryStore::new();
/// let closes = UnixMillis::new(4_000_000_000_000)?;
/// let terms = SaleConfig::new(SaleId::new("phone")?, UnixMillis::MIN, closes, 50)?;
/// store.open_sale(&terms).await?;
/// assert_eq!(store.state(terms.id(), At::Server).await?.left(), 50);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    // There are few sales, and every request looks for one of them: comparing is faster than hashing.
    sales: RwLock<BTreeMap<SaleId, Arc<Mutex<Sale>>>>,
}

impl MemoryStore {
    /// A store without sales.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, id: &SaleId, body: impl FnOnce(&mut Sale) -> Result<T, Error>) -> Result<T, Error> {
        let sales = self.sales.read().unwrap_or_else(PoisonError::into_inner);
        let sale = sales.get(id).ok_or_else(|| Fault::NotLoaded { sale: id.clone() })?;
        body(&mut lock(sale))
    }

    fn make(&self, config: &SaleConfig, make: fn(SaleConfig) -> Sale) -> Result<Opened, Error> {
        let mut sales = self.sales.write().unwrap_or_else(PoisonError::into_inner);
        match sales.get(config.id()) {
            Some(sale) if lock(sale).config() == config => Ok(Opened::Already),
            Some(_) => Err(Fault::OtherTerms { sale: config.id().clone() }.into()),
            None => {
                sales.insert(config.id().clone(), Arc::new(Mutex::new(make(config.clone()))));
                Ok(Opened::Created)
            }
        }
    }

    fn decide_one(&self, sale: &SaleId, request: &Reserve, at: At) -> Result<Outcome, Error> {
        let now = now(at)?;
        self.with(sale, |sale| sale.reserve_one(request, now))
    }

    fn decide(&self, sale: &SaleId, requests: &[Reserve], at: At) -> Vec<Result<Outcome, Error>> {
        let answers = now(at).and_then(|now| self.with(sale, |sale| Ok(sale.reserve(requests, now))));
        answers.unwrap_or_else(|error| requests.iter().map(|_| Err(error.clone())).collect())
    }
}

impl SaleStore for MemoryStore {
    fn draft_sale<'a>(&'a self, config: &'a SaleConfig) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async { self.make(config, Sale::draft) })
    }

    fn open_sale<'a>(&'a self, config: &'a SaleConfig) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async { self.make(config, Sale::open) })
    }

    fn steer<'a>(&'a self, sale: &'a SaleId, step: Step, at: At) -> BoxFuture<'a, Result<Steered, Error>> {
        Box::pin(async move {
            let now = now(at)?;
            self.with(sale, |sale| Ok(sale.steer(step, now)))
        })
    }

    fn restock<'a>(
        &'a self,
        sale: &'a SaleId,
        change: &'a Restock,
        at: At,
    ) -> BoxFuture<'a, Result<Restocked, Error>> {
        Box::pin(async move {
            let now = now(at)?;
            self.with(sale, |sale| sale.restock(change, now))
        })
    }

    fn reserve_batch<'a>(
        &'a self,
        sale: &'a SaleId,
        requests: &'a [Reserve],
        at: At,
    ) -> BoxFuture<'a, Vec<Result<Outcome, Error>>> {
        Box::pin(async move { self.decide(sale, requests, at) })
    }

    fn reserve<'a>(
        &'a self,
        sale: &'a SaleId,
        request: &'a Reserve,
        at: At,
    ) -> BoxFuture<'a, Result<Outcome, Error>> {
        Box::pin(async move { self.decide_one(sale, request, at) })
    }

    fn reserve_now(&self, sale: &SaleId, request: &Reserve, at: At) -> Option<Result<Outcome, Error>> {
        Some(self.decide_one(sale, request, at))
    }

    fn confirm<'a>(
        &'a self,
        reservation: &'a ReservationId,
        at: At,
    ) -> BoxFuture<'a, Result<Confirm, Error>> {
        Box::pin(async move {
            let now = now(at)?;
            self.with(reservation.sale(), |sale| sale.confirm(reservation, now))
        })
    }

    fn release<'a>(&'a self, reservation: &'a ReservationId) -> BoxFuture<'a, Result<Release, Error>> {
        Box::pin(async { self.with(reservation.sale(), |sale| sale.release(reservation)) })
    }

    fn sweep<'a>(&'a self, sale: &'a SaleId, max: u32, at: At) -> BoxFuture<'a, Result<Swept, Error>> {
        Box::pin(async move {
            let now = now(at)?;
            self.with(sale, |sale| Ok(sale.sweep(max, now)))
        })
    }

    fn state<'a>(&'a self, sale: &'a SaleId, at: At) -> BoxFuture<'a, Result<SaleState, Error>> {
        Box::pin(async move {
            let now = now(at)?;
            self.with(sale, |sale| Ok(sale.state(now)))
        })
    }

    fn audit<'a>(&'a self, sale: &'a SaleId) -> BoxFuture<'a, Result<Audit, Error>> {
        Box::pin(async { self.with(sale, |sale| Ok(sale.audit())) })
    }
}

fn lock(sale: &Mutex<Sale>) -> MutexGuard<'_, Sale> {
    // The rule does not panic, so a poisoned lock guards a whole sale.
    sale.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time of a call in this process.
pub(crate) fn now(at: At) -> Result<UnixMillis, Error> {
    match at {
        At::Millis(now) => Ok(now),
        At::Server => UnixMillis::try_from(SystemTime::now()),
    }
}
