//! The port: what a store of sales can do, each verb one atomic step.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::audit::Audit;
use crate::config::SaleConfig;
use crate::error::Error;
use crate::ids::{ReservationId, SaleId};
use crate::latch::Latch;
use crate::outcome::{Confirm, Opened, Outcome, Release, SaleState, Swept};
use crate::phase::{Steered, Step};
use crate::reservation::Reserve;
use crate::restock::{Restock, Restocked};
use crate::time::At;

pub(crate) mod memory;

#[cfg(feature = "redis")]
mod booth;
#[cfg(feature = "redis")]
mod broken;
#[cfg(feature = "redis")]
mod desk;
#[cfg(feature = "redis")]
pub(crate) mod durability;
#[cfg(feature = "redis")]
mod feed;
#[cfg(feature = "redis")]
mod life;
#[cfg(feature = "redis")]
mod network;
#[cfg(feature = "redis")]
mod numbers;
#[cfg(feature = "redis")]
mod pass;
#[cfg(feature = "redis")]
mod policy;
#[cfg(feature = "redis")]
mod read;
#[cfg(feature = "redis")]
pub(crate) mod recovery;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(feature = "redis")]
mod reply;
#[cfg(feature = "redis")]
mod script;
#[cfg(feature = "redis")]
pub(crate) mod shard;
#[cfg(feature = "redis")]
mod slot;
#[cfg(feature = "redis")]
mod terms;
#[cfg(feature = "redis")]
mod transfer;

/// A future in a box, so that a store can be held as `Arc<dyn SaleStore>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps sales. Every store gives the answers of [`Sale`](crate::Sale) to the same history.
///
/// Each method is one atomic step, except that `reserve`, `reserve_batch` and `confirm` are more while
/// overdue reservations stand between a request and its refusal: each step looks at up to
/// [`Swept::SWEEP_MAX`] of them, and a request is decided whole in the last. Dropping the future does not
/// undo what was sent: the outcome is then unknown, and the same call resolves it.
///
/// A sale that is split into shards is one step in each of them; until the last is taken, `steer` and
/// `restock` are half done, and the same call again finishes them.
///
/// All fail with `NotLoaded` when the sale is not in the store, with `Unavailable` when the store does not
/// answer in time, with `Corrupt` when it holds what no sale wrote, and with `Frozen` when it went back in
/// time.
pub trait SaleStore: Send + Sync + fmt::Debug {
    /// Makes a sale whose stock is not loaded yet. The same terms again change nothing, wherever the sale
    /// stands by then.
    ///
    /// # Errors
    /// `Misuse` when the sale is there with other terms, or when the store might lose stock by its
    /// settings; `Corrupt` when records of the sale are left without its stock.
    fn draft_sale<'a>(&'a self, config: &'a SaleConfig) -> BoxFuture<'a, Result<Opened, Error>>;

    /// Makes a sale and loads its stock in the same step.
    ///
    /// # Errors
    /// As `draft_sale`.
    fn open_sale<'a>(&'a self, config: &'a SaleConfig) -> BoxFuture<'a, Result<Opened, Error>>;

    /// Takes a step in the life of a sale.
    ///
    /// # Errors
    /// Those of every method.
    fn steer<'a>(&'a self, sale: &'a SaleId, step: Step, at: At) -> BoxFuture<'a, Result<Steered, Error>>;

    /// Adds stock or withdraws unsold stock. The same id again changes nothing and gives the first answer.
    ///
    /// # Errors
    /// `InvalidInput` when the thing is not on sale or the units are out of range.
    fn restock<'a>(
        &'a self,
        sale: &'a SaleId,
        change: &'a Restock,
        at: At,
    ) -> BoxFuture<'a, Result<Restocked, Error>>;

    /// Decides up to [`Reserve::BATCH_MAX`] requests, as [`Sale::reserve`](crate::Sale::reserve) does, with
    /// one answer for each. Between requests of different shards there is no order.
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
    /// `Misuse` when the buyer used the request id before for other lines; `InvalidInput` when a line is not
    /// on sale.
    fn reserve<'a>(
        &'a self,
        sale: &'a SaleId,
        request: &'a Reserve,
        at: At,
    ) -> BoxFuture<'a, Result<Outcome, Error>>;

    /// Decides one request here and now, as `reserve` does; `None` from a store that has to wait for its
    /// answer.
    fn reserve_now(&self, _sale: &SaleId, _request: &Reserve, _at: At) -> Option<Result<Outcome, Error>> {
        None
    }

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

    /// Looks at up to `max` wins whose time to pay is over, never more than [`Swept::SWEEP_MAX`] a shard, and
    /// returns those still held.
    ///
    /// # Errors
    /// Those of every method.
    fn sweep<'a>(&'a self, sale: &'a SaleId, max: u32, at: At) -> BoxFuture<'a, Result<Swept, Error>>;

    /// Reads the counters.
    ///
    /// # Errors
    /// Those of every method.
    fn state<'a>(&'a self, sale: &'a SaleId, at: At) -> BoxFuture<'a, Result<SaleState, Error>>;

    /// Reads every record and adds up. It takes time and memory by the number of reservations, and
    /// holds up no request meanwhile.
    ///
    /// # Errors
    /// Those of every method.
    fn audit<'a>(&'a self, sale: &'a SaleId) -> BoxFuture<'a, Result<Audit, Error>>;

    /// What this process knows to be sold out without asking; a store that is in the process has no need
    /// of it.
    fn latch(&self, _sale: &SaleId) -> Option<Arc<Latch>> {
        None
    }
}
