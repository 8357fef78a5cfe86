//! The port: what a store of sales can do, each verb one atomic step.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::audit::Audit;
use crate::config::SaleConfig;
use crate::error::Error;
use crate::ids::{ReservationId, SaleId};
use crate::outcome::{Confirm, Opened, Outcome, Release, SaleState, Swept};
use crate::reservation::Reserve;
use crate::time::At;

pub(crate) mod memory;

#[cfg(feature = "redis")]
pub(crate) mod link;
#[cfg(feature = "redis")]
pub(crate) mod policy;
#[cfg(feature = "redis")]
pub(crate) mod read;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(feature = "redis")]
pub(crate) mod reply;
#[cfg(feature = "redis")]
pub(crate) mod script;

/// A future in a box, so that a store can be held as `Arc<dyn SaleStore>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps sales. Every store gives the answers of [`Sale`](crate::Sale) to the same history.
///
/// Each method is one atomic step, except that `reserve`, `reserve_batch` and `confirm` are more while
/// over [`Swept::SWEEP_MAX`] overdue reservations stand between a request and its refusal: each step
/// returns so many of them, and a request is decided whole in the last. Dropping the future does not undo
/// what was sent: the outcome is then unknown, and the same call resolves it.
///
/// All fail with `NotLoaded` when the sale's stock is not in the store, with `Unavailable` when the
/// store does not answer in time, and with `Corrupt` when it holds what no sale wrote.
pub trait SaleStore: Send + Sync + fmt::Debug {
    /// Loads the stock of a new sale. The same terms again change nothing.
    ///
    /// # Errors
    /// `Misuse` when the sale is open with other terms, or when the store might lose stock by its
    /// settings; `Corrupt` when records of the sale are left without its stock.
    fn open_sale<'a>(&'a self, config: &'a SaleConfig) -> BoxFuture<'a, Result<Opened, Error>>;

    /// Decides up to [`Reserve::BATCH_MAX`] requests in order at one time, with one answer for each.
    ///
    /// # Errors
    /// As [`Sale::reserve`](crate::Sale::reserve).
    fn reserve_batch<'a>(
        &'a self,
        sale: &'a SaleId,
        requests: &'a [Reserve],
        at: At,
    ) -> BoxFuture<'a, Vec<Result<Outcome, Error>>>;

    /// Decides one request.
    ///
    /// # Errors
    /// `Misuse` when the request id was used before for another buyer or quantity.
    fn reserve<'a>(
        &'a self,
        sale: &'a SaleId,
        request: &'a Reserve,
        at: At,
    ) -> BoxFuture<'a, Result<Outcome, Error>>;

    /// Makes a reservation paid, or says that its money has to go back.
    ///
    /// # Errors
    /// `InvalidInput` when no such reservation was ever won.
    fn confirm<'a>(&'a self, reservation: &'a ReservationId, at: At)
    -> BoxFuture<'a, Result<Confirm, Error>>;

    /// Gives a held reservation back, at any time.
    ///
    /// # Errors
    /// `InvalidInput` when no such reservation was ever won.
    fn release<'a>(&'a self, reservation: &'a ReservationId) -> BoxFuture<'a, Result<Release, Error>>;

    /// Returns up to `max` overdue reservations, and never more than [`Swept::SWEEP_MAX`].
    ///
    /// # Errors
    /// Those of every method.
    fn sweep<'a>(&'a self, sale: &'a SaleId, max: u32, at: At) -> BoxFuture<'a, Result<Swept, Error>>;

    /// Reads the counters.
    ///
    /// # Errors
    /// Those of every method.
    fn state<'a>(&'a self, sale: &'a SaleId) -> BoxFuture<'a, Result<SaleState, Error>>;

    /// Reads every record and adds up. It takes time and memory by the number of reservations, and
    /// holds up no request meanwhile.
    ///
    /// # Errors
    /// Those of every method.
    fn audit<'a>(&'a self, sale: &'a SaleId) -> BoxFuture<'a, Result<Audit, Error>>;
}
