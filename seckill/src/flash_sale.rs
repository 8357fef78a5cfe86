//! One sale in hand: a store and a name, with production's clock.

use std::sync::{Arc, OnceLock};

use crate::audit::Audit;
use crate::clock::micros;
use crate::config::SaleConfig;
use crate::error::{Error, Fault};
use crate::ids::{ReservationId, SaleId};
use crate::latch::Latch;
use crate::outcome::{Confirm, Outcome, Refusal, Release, SaleState, Swept};
use crate::phase::{Steered, Step};
use crate::reservation::Reserve;
use crate::restock::{Restock, Restocked};
use crate::store::SaleStore;
use crate::time::At;

/// A sale in a store. Clone it freely; all clones are the same sale.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seckill::Error> {
/// use seckill::{BuyerId, Confirm, FlashSale, MemoryStore, Outcome, Quantity, RequestId, Reserve};
/// use seckill::{SaleConfig, SaleId, UnixMillis};
/// use std::sync::Arc;
///
/// let closes = UnixMillis::new(4_000_000_000_000)?;
/// let terms = SaleConfig::new(SaleId::new("phone")?, UnixMillis::MIN, closes, 50)?;
/// let sale = FlashSale::open(Arc::new(MemoryStore::new()), &terms).await?;
///
/// let request = Reserve::new(BuyerId::new("ann")?, Quantity::ONE, RequestId::new("r-00000001")?);
/// let Outcome::Reserved(won) = sale.reserve(&request).await? else {
///     panic!("50 units are left");
/// };
/// assert_eq!(sale.confirm(&won.id).await?, Confirm::Confirmed);
/// assert!(sale.audit().await?.conserved());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct FlashSale {
    store: Arc<dyn SaleStore>,
    id: SaleId,
    /// Known after the first answer of a store that has one.
    latch: Arc<OnceLock<Arc<Latch>>>,
}

impl FlashSale {
    /// Opens a sale, or finds it open with the same terms.
    ///
    /// Call it once for a new sale. A running service should [`attach`](Self::attach) to it: if the store
    /// has lost everything, opening would sell the stock again, while `attach` says `NotLoaded`.
    ///
    /// # Errors
    /// As [`SaleStore::open_sale`].
    pub async fn open(store: Arc<dyn SaleStore>, terms: &SaleConfig) -> Result<Self, Error> {
        store.open_sale(terms).await?;
        Ok(Self::attach(store, terms.id().clone()))
    }

    /// Makes a sale whose stock is loaded later, by [`Step::Warm`], or finds it.
    ///
    /// # Errors
    /// As [`SaleStore::draft_sale`].
    pub async fn draft(store: Arc<dyn SaleStore>, terms: &SaleConfig) -> Result<Self, Error> {
        store.draft_sale(terms).await?;
        Ok(Self::attach(store, terms.id().clone()))
    }

    /// Takes a sale that was opened before. Nothing is read yet.
    pub fn attach(store: Arc<dyn SaleStore>, id: SaleId) -> Self {
        Self { store, id, latch: Arc::default() }
    }

    /// The sale's name.
    pub fn id(&self) -> &SaleId {
        &self.id
    }

    /// Asks for units. If the answer does not arrive, send the same request again, marked by
    /// [`Reserve::again`].
    ///
    /// While the process knows the sale to be sold out, it says so without asking the store; units that come
    /// back are on sale again in every process within [`Latch::STALE_MILLIS_MAX`] milliseconds. A buyer who has
    /// a reservation that the process knows of always reaches the store, and so does a request sent again.
    ///
    /// Dropping the future takes nothing back: a request on its way is decided all the same.
    ///
    /// # Errors
    /// As [`SaleStore::reserve`].
    pub async fn reserve(&self, request: &Reserve) -> Result<Outcome, Error> {
        match self.latch.get() {
            Some(latch) if latch.refuses(request, micros) => Ok(Outcome::Refused(Refusal::SoldOut)),
            Some(_) => self.store.reserve(&self.id, request, At::Server).await,
            None => {
                if let Some(answer) = self.store.reserve_now(&self.id, request, At::Server) {
                    return answer;
                }
                let answer = self.store.reserve(&self.id, request, At::Server).await;
                if let Some(latch) = self.store.latch(&self.id) {
                    self.latch.get_or_init(|| latch);
                }
                answer
            }
        }
    }

    /// Tells that a reservation was paid. Safe to repeat, as gateways repeat their notices.
    ///
    /// # Errors
    /// As [`SaleStore::confirm`], and `Misuse` for a reservation of another sale.
    pub async fn confirm(&self, reservation: &ReservationId) -> Result<Confirm, Error> {
        self.check(reservation)?;
        self.store.confirm(reservation, At::Server).await
    }

    /// Gives a held reservation back.
    ///
    /// # Errors
    /// As [`SaleStore::release`], and `Misuse` for a reservation of another sale.
    pub async fn release(&self, reservation: &ReservationId) -> Result<Release, Error> {
        self.check(reservation)?;
        self.store.release(reservation).await
    }

    /// Returns overdue reservations, as many as one step looks at. Run it every second or so, again at once
    /// while [`Swept::more`] is set.
    ///
    /// # Errors
    /// As [`SaleStore::sweep`].
    pub async fn sweep(&self) -> Result<Swept, Error> {
        self.store.sweep(&self.id, Swept::SWEEP_MAX, At::Server).await
    }

    /// Takes a step in the sale's life: warm, pause, resume, close, settle.
    ///
    /// # Errors
    /// As [`SaleStore::steer`].
    pub async fn steer(&self, step: Step) -> Result<Steered, Error> {
        self.store.steer(&self.id, step, At::Server).await
    }

    /// Adds stock or withdraws unsold stock while the sale runs. Safe to repeat.
    ///
    /// # Errors
    /// As [`SaleStore::restock`].
    pub async fn restock(&self, change: &Restock) -> Result<Restocked, Error> {
        self.store.restock(&self.id, change, At::Server).await
    }

    /// Reads the counters and the phase.
    ///
    /// # Errors
    /// As [`SaleStore::state`].
    pub async fn state(&self) -> Result<SaleState, Error> {
        self.store.state(&self.id, At::Server).await
    }

    /// Checks the counters against every record, also while the sale goes on.
    ///
    /// # Errors
    /// As [`SaleStore::audit`].
    pub async fn audit(&self) -> Result<Audit, Error> {
        self.store.audit(&self.id).await
    }

    fn check(&self, reservation: &ReservationId) -> Result<(), Error> {
        if *reservation.sale() == self.id {
            return Ok(());
        }
        Err(Fault::OtherSale { reservation: reservation.clone(), sale: self.id.clone() }.into())
    }
}
