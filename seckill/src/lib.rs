//! Flash sales that never oversell, never lose a unit and never sell twice to one buyer.
//!
//! A buyer asks for units and holds them for a while. Payment makes them sold; otherwise they go back on
//! sale. Every step is atomic, and a request that is sent twice wins once.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seckill::Error> {
//! use seckill::{BuyerId, FlashSale, MemoryStore, Outcome, Quantity, Refusal, RequestId};
//! use seckill::{SaleConfig, SaleId, UnixMillis};
//! use std::sync::Arc;
//!
//! let closes = UnixMillis::new(4_000_000_000_000)?;
//! let terms = SaleConfig::new(SaleId::new("phone")?, UnixMillis::MIN, closes, 10_000)?;
//! let sale = FlashSale::open(Arc::new(MemoryStore::new()), &terms).await?;
//!
//! let (buyer, request) = (BuyerId::new("ann")?, RequestId::new("r-00000001")?);
//! match sale.reserve(buyer, Quantity::ONE, request).await? {
//!     Outcome::Reserved(won) => println!("pay {} before {:?}", won.id, won.pay_until),
//!     Outcome::Refused(Refusal::SoldOut) => println!("gone; some may come back"),
//!     no => println!("not this time: {no:?}"),
//! }
//! # Ok(()) }
//! ```
//!
//! # The nouns
//!
//! * [`SaleConfig`]: the terms, fixed once the sale is open.
//! * [`Sale`]: the rule itself, pure: no clock, no store, no network.
//! * [`SaleStore`]: what keeps sales. [`MemoryStore`] is the rule under a lock and the specification;
//!   `RedisStore` (feature `redis`) gives the same answers to the same history.
//! * [`FlashSale`]: a store and a name, which is what an application holds.
//! * [`Outcome`], [`Confirm`], [`Release`]: the answers. An expected no is a value; an [`Error`] means
//!   that something broke.
//! * [`Audit`]: the counters beside the records.
//!
//! # What holds
//!
//! * Units left, held and paid always add up to the stock.
//! * A buyer never holds and pays more than the limit, whatever the number of requests.
//! * A [`RequestId`] wins at most once. Only wins are remembered: a refused request is decided anew.
//! * A reservation is paid or returned, by one step, never both. A payment that comes too late is
//!   [`Confirm::Retaken`] while units are left, or else [`Confirm::Gone`] for good: refund it.
//! * Stock that is not there is an error, `NotLoaded`. It is never taken for sold out, and no call but
//!   `open_sale` seeds it.
//! * Nobody is refused, and no payment is gone, for a hold that is over. Overdue reservations are
//!   returned by `sweep` and by the call that would say no otherwise, in steps of at most
//!   [`Swept::SWEEP_MAX`]; sweep often, and such calls stay one step.
//!
//! # Opening and starting
//!
//! [`FlashSale::open`] is for whoever puts the sale up, once. It finds a sale that is there, and refuses
//! one of which parts are lost, but after the total loss of a Redis it cannot know that there was a sale,
//! and seeds the whole stock again. So a service that starts should [`FlashSale::attach`], which loads
//! nothing: its calls say `NotLoaded` until the store is restored.
//!
//! # Missing on purpose
//!
//! * Money and payment: give [`FlashSale::confirm`] what your gateway has verified.
//! * Who the buyer is, and keeping robots out: check that before you ask.
//! * Promises stronger than the server's: what Redis has acknowledged survives as its persistence and
//!   replication are set. A prefix of the history survives whole, so units still add up.
//! * Forgetting: reservations stay recorded as long as the sale does, so limit how often one buyer may
//!   reserve and release. In Redis the stream `events` also grows, by one entry with each step that
//!   changes anything; nothing reads or trims it yet. Delete the keys of a sale, `{gh:sale:<id>}:` and
//!   `numbers`, `buyers`, `reservations`, `deadlines`, `events`, when its books are closed.
//!
//! # Features
//!
//! * `redis`: `RedisStore` over a multiplexed connection or a connection manager of redis-rs.
//! * `deadpool`: the same over a `deadpool_redis::Pool`.

mod audit;
mod config;
mod error;
mod flash_sale;
mod ids;
mod outcome;
mod quantity;
mod reservation;
mod sale;
mod store;
mod time;

pub use audit::{Audit, Tally};
pub use config::SaleConfig;
pub use error::{Error, ErrorKind};
pub use flash_sale::FlashSale;
pub use ids::{BuyerId, RequestId, ReservationId, SaleId};
pub use outcome::{Confirm, Opened, Outcome, Refusal, Release, SaleState, Swept};
pub use quantity::Quantity;
pub use reservation::{Reservation, ReservationState, Reserve};
pub use sale::Sale;
#[cfg(feature = "redis")]
pub use store::redis::RedisStore;
pub use store::{BoxFuture, SaleStore, memory::MemoryStore};
pub use time::{At, UnixMillis};

/// The script of a decision as it goes over the wire, for measuring other clients with the same work.
/// Not for applications: it changes with the layout of the keys.
#[cfg(feature = "redis")]
#[doc(hidden)]
pub mod wire {
    use crate::store::script::{Call, RESERVE_SOURCE};
    use crate::{At, Reserve, SaleId};

    /// The text of the script; `SCRIPT LOAD` it once.
    pub fn reserve_source() -> &'static str {
        RESERVE_SOURCE
    }

    /// The command that decides `requests`, by the script's digest.
    pub fn reserve_command(sale: &SaleId, requests: &[Reserve], at: At) -> redis::Cmd {
        Call::Reserve(sale, requests, at).by_digest()
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
