//! Flash sales that never oversell, never lose a unit and never sell twice to one buyer.
//!
//! A buyer asks for units and holds them for a while. Payment makes them sold; otherwise they go back on
//! sale. Every step is atomic, and a request that is sent twice wins once.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seckill::Error> {
//! use seckill::{BuyerId, FlashSale, MemoryStore, Outcome, Quantity, Refusal, RequestId, Reserve};
//! use seckill::{SaleConfig, SaleId, UnixMillis};
//! use std::sync::Arc;
//!
//! let closes = UnixMillis::new(4_000_000_000_000)?;
//! let terms = SaleConfig::new(SaleId::new("phone")?, UnixMillis::MIN, closes, 10_000)?;
//! let sale = FlashSale::open(Arc::new(MemoryStore::new()), &terms).await?;
//!
//! let request = Reserve::new(BuyerId::new("ann")?, Quantity::ONE, RequestId::new("r-00000001")?);
//! match sale.reserve(&request).await? {
//!     Outcome::Reserved(won) => println!("pay {} before {:?}", won.id, won.pay_until),
//!     Outcome::Refused(Refusal::SoldOut) => println!("gone; some may come back"),
//!     no => println!("not this time: {no:?}"),
//! }
//! # Ok(()) }
//! ```
//!
//! # The nouns
//!
//! * [`SaleConfig`]: the terms, fixed once the sale is there.
//! * [`Sale`]: the rule itself, pure: no clock, no store, no network.
//! * [`SaleStore`]: what keeps sales. [`MemoryStore`] is the rule under a lock and the specification;
//!   `RedisStore` (feature `redis`: one server, sentinels, a cluster) gives the same answers to the same history.
//! * [`FlashSale`]: a store and a name, which is what an application holds.
//! * [`Outcome`], [`Confirm`], [`Release`], [`Steered`], [`Restocked`]: the answers. An expected no is a value; an
//!   [`Error`] means that something broke.
//! * [`Phase`] and [`Step`]: the life of a sale, from draft to settled.
//! * [`Audit`]: the counters beside the records.
//!
//! Two pages say the rest: [running a sale](docs::running_a_sale) and
//! [why it cannot oversell](docs::why_it_cannot_oversell).
//!
//! # What holds
//!
//! * For each thing on sale, in each shard, initial + added - withdrawn + moved = left + held + paid.
//! * A buyer never holds and pays more than the limit, whatever the number of requests.
//! * A [`RequestId`] of a buyer wins at most once. Only wins are remembered, as long as the sale lives; a refused
//!   request is decided anew.
//! * A reservation is paid or returned, by one step, never both. A payment that comes too late is
//!   [`Confirm::Retaken`] while units are left, or else [`Confirm::Gone`] for good: refund it.
//! * Stock that is not there is an error, `NotLoaded`. It is never taken for sold out, and no call but
//!   those that make a sale seeds it.
//! * Nobody is refused, and no payment is gone, for a hold that is over. Overdue reservations are
//!   returned by `sweep` and by the call that would say no otherwise, in steps that look at no more than
//!   [`Swept::SWEEP_MAX`]; sweep often, and such calls stay one step.
//!
//! # Opening and starting
//!
//! [`FlashSale::open`] is for whoever puts the sale up, once. It finds a sale that is there, and refuses
//! one of which parts are lost, but after the total loss of a Redis it cannot know that there was a sale,
//! and seeds the whole stock again. So a service that starts should [`FlashSale::attach`], which loads
//! nothing: its calls say `NotLoaded` until the store is restored (`RedisStore::rebuild`).
//!
//! # Speed
//!
//! Callers of one process travel together: what asks while calls are on their way goes with the next one, up to
//! [`Reserve::BATCH_MAX`] in one script, and a caller who is alone waits for nobody. A sale that is sold out is
//! refused by the process itself, see [`Latch`]. `cargo figures seckill` measures it beside its peers.
//!
//! # Missing on purpose
//!
//! * Money and payment: give [`FlashSale::confirm`] what your gateway has verified.
//! * Who the buyer is.
//! * Promises stronger than the server's, see `Durability`. A prefix of the history survives whole, so units
//!   still add up.
//! * Forgetting: records stay as long as the sale does, and a buyer makes at most [`Reserve::PER_BUYER_MAX`] of
//!   them. When its books are closed, delete the keys that begin with `{gh:sale:<id>}`, `{gh:sale:<id>:` and, of its
//!   gate, `{gh:gate:<id>}`.
//!
//! # Features
//!
//! * `redis`: `RedisStore`, request combining, and the streams of orders (`orders`).
//! * `deadpool`: the same over a `deadpool_redis::Pool`.
//! * `gate`: what stands in front of a sale (`gate`): rate limits, a waiting room, secret paths, proof of work.
//! * `ledger-sqlite`, `ledger-postgres`, `ledger-mysql`: orders settled into SQL, each exactly once (`ledger`).

mod audit;
mod clock;
#[cfg(feature = "redis")]
mod combine;
mod config;
mod eligible;
mod error;
mod flash_sale;
#[cfg(feature = "gate")]
pub mod gate;
mod ids;
mod latch;
#[cfg(feature = "redis")]
pub mod ledger;
mod lines;
#[cfg(feature = "redis")]
pub mod orders;
mod outcome;
mod phase;
mod quantity;
mod reservation;
mod restock;
mod sale;
mod store;
mod text;
mod time;
mod waves;

pub use audit::{Audit, ShardAudit, Tally};
pub use config::SaleConfig;
pub use eligible::Eligible;
pub use error::{Error, ErrorKind};
pub use flash_sale::FlashSale;
pub use ids::{BuyerId, RequestId, ReservationId, SaleId, SkuId};
pub use latch::Latch;
pub use lines::Lines;
pub use outcome::{Confirm, Count, Opened, Outcome, Refusal, Release, SaleState, Swept};
pub use phase::{Phase, Steered, Step};
pub use quantity::Quantity;
pub use reservation::{Reservation, ReservationState, Reserve};
pub use restock::{Direction, Restock, Restocked};
pub use sale::Sale;
#[cfg(feature = "redis")]
pub use store::durability::Durability;
#[cfg(feature = "redis")]
pub use store::recovery::{KeptOrder, Recovered};
#[cfg(feature = "redis")]
pub use store::redis::RedisStore;
pub use store::{BoxFuture, SaleStore, memory::MemoryStore};
pub use time::{At, UnixMillis};

/// Pages to read.
pub mod docs {
    #[doc = include_str!("../docs/running-a-sale.md")]
    pub mod running_a_sale {}
    #[doc = include_str!("../docs/why-it-cannot-oversell.md")]
    pub mod why_it_cannot_oversell {}
    #[doc = include_str!("../docs/failures.md")]
    pub mod failures {}
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
