//! One sale in hand: a store and a name, with production's clock.

use std::sync::Arc;

use crate::audit::Audit;
use crate::config::SaleConfig;
use crate::error::{Error, Fault};
use crate::ids::{BuyerId, RequestId, ReservationId, SaleId};
use crate::outcome::{Confirm, Outcome, Release, SaleState, Swept};
use crate::quantity::Quantity;
use crate::reservation::Reserve;
use crate::store::SaleStore;
use crate::time::At;

/// A sale in a store. Clone it freely; all clones are the same sale.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seckill::Error> {
/// use seckill::{BuyerId, Confirm, FlashSale, MemoryStore, Outcome, Quantity, RequestId};
/// use seckill::{SaleConfig, SaleId, UnixMillis};
/// use std::sync::Arc;
///
/// let closes = UnixMillis::new(4_000_000_000_000)?;
/// let terms = SaleConfig::new(SaleId::new("phone")?, UnixMillis::MIN, closes, 50)?;
/// let sale = FlashSale::open(Arc::new(MemoryStore::new()), &terms).await?;
///
/// let (ann, request) = (BuyerId::new("ann")?, RequestId::new("r-00000001")?);
/// let Outcome::Reserved(won) = sale.reserve(ann, Quantity::ONE, request).await? else {
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

    /// Takes a sale that was opened before. Nothing is read yet.
    pub fn attach(store: Arc<dyn SaleStore>, id: SaleId) -> Self {
        Self { store, id }
    }

    /// The sale's name.
    pub fn id(&self) -> &SaleId {
        &self.id
    }

    /// Asks for units. Send the same `request` again if the answer does not arrive.
    ///
    /// # Errors
    /// As [`SaleStore::reserve`].
    pub async fn reserve(
        &self,
        buyer: BuyerId,
        quantity: Quantity,
        request: RequestId,
    ) -> Result<Outcome, Error> {
        self.store.reserve(&self.id, &Reserve::new(buyer, quantity, request), At::Server).await
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

    /// Returns up to `max` overdue reservations. Run it every second or so, again at once while
    /// [`Swept::more`] is set.
    ///
    /// # Errors
    /// As [`SaleStore::sweep`].
    pub async fn sweep(&self, max: u32) -> Result<Swept, Error> {
        self.store.sweep(&self.id, max, At::Server).await
    }

    /// Reads the counters.
    ///
    /// # Errors
    /// As [`SaleStore::state`].
    pub async fn state(&self) -> Result<SaleState, Error> {
        self.store.state(&self.id).await
    }

    /// Checks the counters against every record.
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
