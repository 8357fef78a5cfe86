//! The waiting room as an application holds it: a store, the terms, and the key that signs admissions.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::fault::millis_in_range;
use super::room_answer::{Admission, Admit, Joined, RoomState};
use super::terms::RoomTerms;
use super::token::{Purpose, TokenKey};
use crate::error::Error;
use crate::ids::BuyerId;
use crate::store::BoxFuture;
use crate::time::At;

/// Keeps waiting rooms. Each verb is one atomic step and may be sent again. The terms come with every
/// call, so nothing has to be opened; all servers must send the same.
///
/// All fail with `Unavailable` when the store does not answer in time or is full, and with `Corrupt` when
/// it holds what no room wrote.
pub trait RoomStore: Send + Sync + fmt::Debug {
    /// Gives the buyer a number, the same as before while it is good.
    ///
    /// # Errors
    /// Those of every method.
    fn join<'a>(
        &'a self,
        terms: &'a RoomTerms,
        buyer: &'a BuyerId,
        at: At,
    ) -> BoxFuture<'a, Result<Joined, Error>>;

    /// Tells whether it is the buyer's turn.
    ///
    /// # Errors
    /// Those of every method.
    fn admit<'a>(
        &'a self,
        terms: &'a RoomTerms,
        buyer: &'a BuyerId,
        at: At,
    ) -> BoxFuture<'a, Result<Admit, Error>>;

    /// Closes the room when `left` is 0, and opens it again when it is more.
    ///
    /// # Errors
    /// Those of every method.
    fn left_hint<'a>(
        &'a self,
        terms: &'a RoomTerms,
        left: u64,
        at: At,
    ) -> BoxFuture<'a, Result<RoomState, Error>>;
}

/// A waiting room in front of a sale.
///
/// # Who left
///
/// Turns are called by time, one after another. Who does not ask within the patience after their turn was
/// called has lost it and joins behind the others; nobody waits for them, and their turn goes to nobody
/// else. So at most the turns of one patience come in at once, and no more.
///
/// # Sell-out
///
/// [`WaitingRoom::left_hint`] with 0 closes the room: every answer is `Over`, and the room's clock stands
/// still. With more it opens again, and everybody still has their place. Send hints from one place, such
/// as the task that sweeps the sale: the last one counts.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seckill::Error> {
/// use seckill::gate::{Admission, Joined, MemoryStore, Pace, RoomTerms, TokenKey, WaitingRoom};
/// use seckill::{At, BuyerId, SaleId, UnixMillis};
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// let at = |millis| Ok::<_, seckill::Error>(At::Millis(UnixMillis::new(millis)?));
/// let pace = Pace::new(2, Duration::from_secs(1))?;
/// let (opens, closes) = (UnixMillis::new(10_000)?, UnixMillis::new(90_000)?);
/// let terms = RoomTerms::new(SaleId::new("phone")?, opens, closes, pace)?;
/// let (store, key) = (Arc::new(MemoryStore::new()), Arc::new(TokenKey::new(&[7; 32])?));
/// let room = WaitingRoom::new(store, key, terms, Duration::from_secs(120))?;
///
/// let ann = BuyerId::new("ann")?;
/// let Joined::Waiting(place) = room.join(&ann, at(9_000)?).await? else { unreachable!() };
/// assert_eq!((place.number, place.ahead), (1, 0));
/// assert_eq!(place.estimated_wait, Duration::from_millis(1_500));
/// assert!(matches!(room.admit(&ann, at(10_499)?).await?, Admission::Wait(_)));
/// assert!(matches!(room.admit(&ann, at(10_500)?).await?, Admission::Admitted(_)));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct WaitingRoom {
    store: Arc<dyn RoomStore>,
    key: Arc<TokenKey>,
    terms: Arc<RoomTerms>,
    admitted_for: Duration,
}

impl WaitingRoom {
    /// The longest time for which an admission is good: a day.
    pub const ADMITTED_MAX: Duration = Duration::from_secs(24 * 3600);

    /// A room whose admissions are signed by `key` and good for `admitted_for`, in whole milliseconds.
    ///
    /// # Errors
    /// `InvalidInput` when `admitted_for` is under 1 ms or over [`WaitingRoom::ADMITTED_MAX`].
    pub fn new(
        store: Arc<dyn RoomStore>,
        key: Arc<TokenKey>,
        terms: RoomTerms,
        admitted_for: Duration,
    ) -> Result<Self, Error> {
        let least = Duration::from_millis(1);
        millis_in_range("time of an admission in ms", admitted_for, least, Self::ADMITTED_MAX)?;
        Ok(Self { store, key, terms: Arc::new(terms), admitted_for })
    }

    /// Gives the buyer a number, the same as before while it is good. Check first that the buyer may join
    /// at all; see [`Purpose::Eligible`].
    ///
    /// # Errors
    /// As [`RoomStore`].
    pub async fn join(&self, buyer: &BuyerId, at: At) -> Result<Joined, Error> {
        self.store.join(&self.terms, buyer, at).await
    }

    /// Lets the buyer in when it is their turn. Who asks again within the patience gets another token.
    ///
    /// # Errors
    /// As [`RoomStore`].
    pub async fn admit(&self, buyer: &BuyerId, at: At) -> Result<Admission, Error> {
        Ok(match self.store.admit(&self.terms, buyer, at).await? {
            Admit::Admitted { now } => {
                let expires = now.plus(self.admitted_for);
                Admission::Admitted(self.key.issue(Purpose::Admitted, self.terms.sale(), buyer, expires))
            }
            Admit::Wait(place) => Admission::Wait(place),
            Admit::Over => Admission::Over,
            Admit::NoPlace => Admission::NoPlace,
        })
    }

    /// Tells the room how many units are left.
    ///
    /// # Errors
    /// As [`RoomStore`].
    pub async fn left_hint(&self, left: u64, at: At) -> Result<RoomState, Error> {
        self.store.left_hint(&self.terms, left, at).await
    }

    /// The terms.
    pub fn terms(&self) -> &RoomTerms {
        &self.terms
    }
}
