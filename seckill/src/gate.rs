//! The gate in front of a sale: it keeps robots out, spreads the crowd over time, and tells nobody to
//! wait for nothing.
//!
//! A buyer comes through in this order. Each part is there on its own as well, and each "no" is a value.
//!
//! 1. [`Hurdle`]: something that costs a robot more than a buyer. [`ProofOfWork`] is built in; a captcha
//!    goes into the same place.
//! 2. [`RateLimiter`]: how often a buyer and an address may ask. All limits of a call are charged, or
//!    none is.
//! 3. [`WaitingRoom`]: numbers in the order of arrival or by a draw, let in at an even [`Pace`], closed at
//!    sell-out. Who is let in carries a [`Token`].
//! 4. [`SalePath`]: the part of the URL that is given out only shortly before the opening, and works once.
//!
//! [`Gate`] runs all four and answers with a [`Passage`] or with the first no. It stands before the sale
//! and knows nothing of it: what it lets through still has to win a reservation.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use seckill::gate::*;
//! use seckill::{At, BuyerId, SaleId, UnixMillis};
//! use std::{sync::Arc, time::Duration};
//!
//! let (sale, opens) = (SaleId::new("phone")?, UnixMillis::new(1_700_000_000_000)?);
//! let seconds = Duration::from_secs;
//! // One secret on every server, from the application's configuration.
//! let key = Arc::new(TokenKey::new(&[7; 32])?);
//! let store = Arc::new(MemoryStore::new()); // or a `RedisStore`
//!
//! let pace = Pace::new(500, seconds(1))?;
//! let terms = RoomTerms::new(sale.clone(), opens, opens.plus(seconds(3600)), pace)?;
//! let room = WaitingRoom::new(store.clone(), key.clone(), terms, seconds(120))?;
//! let work = ProofOfWork::new(key.clone(), 8, seconds(60))?;
//! let path = SalePath::new(key.clone(), sale.clone(), opens, seconds(5), seconds(60))?;
//! let limits = RateLimits {
//!     per_buyer: Limit::new(3, 1, seconds(1))?,
//!     per_address: Limit::new(100, 20, seconds(1))?,
//! };
//! let gate = Gate::new(sale.clone(), key)
//!     .hurdle(Arc::new(work.clone()))
//!     .limits(store.clone(), limits)
//!     .admitted_only()
//!     .path(path.clone(), store)?;
//!
//! // Ann comes early, gets a number, and is let in two milliseconds after the opening.
//! let (ann, address) = (BuyerId::new("ann")?, "203.0.113.7".parse()?);
//! let joined = room.join(&ann, At::Millis(opens)).await?;
//! assert!(matches!(joined, Joined::Waiting(place) if place.number == 1));
//! let now = opens.plus(Duration::from_millis(2));
//! let Admission::Admitted(admission) = room.admit(&ann, At::Millis(now)).await? else { unreachable!() };
//!
//! // Her browser asks for the path and for a challenge, and solves it. The sixteen bytes are random.
//! let Issued::Path(token) = path.issue(&ann, [1; 16], now) else { unreachable!() };
//! let challenge = work.challenge(&sale, &ann, [2; 16], now)?;
//! let answer = challenge.solve(1_000_000).expect("eight bits are easy").to_string();
//!
//! let entry = Entry::new(&ann, address).answer(&answer).admission(admission.expose()).path(token.expose());
//! match gate.enter(&entry, At::Millis(now)).await? {
//!     Entered::Passed(passage) => assert_eq!(passage.buyer(), &ann), // now reserve
//!     no => unreachable!("{no:?}"),
//! }
//! // The path works once.
//! let Entered::Turned(turned) = gate.enter(&entry, At::Millis(now)).await? else { unreachable!() };
//! assert_eq!(turned.why, Why::PathSpent);
//!
//! // Sold out: nobody waits for nothing.
//! room.left_hint(0, At::Millis(now)).await?;
//! assert_eq!(room.join(&BuyerId::new("bob")?, At::Millis(now)).await?, Joined::Over);
//! # Ok(()) }
//! ```
//!
//! # Clocks
//!
//! Stores decide by their own clock with [`At::Server`](crate::At::Server). Tokens carry their expiry and
//! are judged by the clock of the server that reads them, so keep the servers' clocks within a second.
//!
//! # Missing on purpose
//!
//! * Who the buyer is. Sign buyers in first: every token is bound to a buyer.
//! * Random bytes. Take nonces, secrets and the draw's seed from the operating system.
//! * HTTP. Tokens are texts for a cookie, a header or a path; `retry_after` is for `Retry-After`.
//! * The stock. [`WaitingRoom::left_hint`] is told how much is left by whoever reads the sale.

mod body;
mod clock;
mod draw;
mod expiring;
mod fault;
mod hurdle;
mod keeper;
mod limit;
mod memory;
mod path;
mod rate;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod reply;
mod room;
mod room_answer;
#[cfg(feature = "redis")]
mod script;
mod seal;
mod terms;
mod token;
mod waiting_room;
mod work;

pub(crate) use fault::GateFault;

pub use self::draw::DrawSeed;
pub use self::hurdle::{Cleared, Hurdle, ProofOfWork};
pub use self::keeper::{Entered, Entry, Gate, Passage, RateLimits, Turned, Why};
pub use self::limit::Limit;
pub use self::memory::MemoryStore;
pub use self::path::{Issued, PathStore, SalePath, Spend};
pub use self::rate::{RateKey, RateLimiter, Rated};
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use self::room_answer::{Admission, Admit, Joined, Place, RoomState};
pub use self::terms::{Order, Pace, RoomTerms};
pub use self::token::{Pass, Purpose, Rejected, Token, TokenKey};
pub use self::waiting_room::{RoomStore, WaitingRoom};
pub use self::work::{Challenge, Solution, Solved};
