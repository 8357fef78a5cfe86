//! The gate's memory in this process: the rules under locks. It is the specification of every other store.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::clock;
use super::expiring::Expiring;
use super::fault::GateFault;
use super::limit::{Limit, Paid};
use super::path::{PathStore, Spend};
use super::rate::{RateKey, RateLimiter, Rated, checked, judge_all};
use super::room::Room;
use super::room_answer::{Admit, Joined, RoomState};
use super::terms::RoomTerms;
use super::token::{Pass, Purpose};
use super::waiting_room::RoomStore;
use crate::error::Error;
use crate::ids::{BuyerId, SaleId};
use crate::store::BoxFuture;
use crate::time::{At, UnixMillis};

/// Rate limits, paths and waiting rooms in this process. They end with it.
///
/// Memory is bounded: keys and paths go when they expire, rooms a day after they close, and there is a
/// most of each. Explicit times should not go back, for what has expired is forgotten.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seckill::Error> {
/// use seckill::gate::{Limit, MemoryStore, RateKey, RateLimiter, Rated};
/// use seckill::{At, BuyerId, SaleId};
/// use std::time::Duration;
///
/// let store = MemoryStore::new();
/// let key = RateKey::buyer(&SaleId::new("phone")?, &BuyerId::new("ann")?);
/// let limit = Limit::new(1, 1, Duration::from_secs(60))?;
/// assert_eq!(store.take(&[(&key, &limit)], 1, At::Server).await?, Rated::Passed { remaining: 0 });
/// assert!(matches!(store.take(&[(&key, &limit)], 1, At::Server).await?, Rated::Limited { .. }));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    keys_max: usize,
    rates: Mutex<Expiring<RateKey, Paid>>,
    paths: Mutex<Expiring<PathKey, ()>>,
    rooms: Mutex<HashMap<SaleId, Room>>,
}

type PathKey = (SaleId, [u8; 16]);

impl MemoryStore {
    /// The most rooms at one time.
    pub const ROOMS_MAX: usize = 1_000;
    /// How long a room is kept after it closed: a day.
    pub const ROOM_KEPT: Duration = Duration::from_secs(24 * 3600);

    /// A store with nothing in it, for a million keys and a million paths.
    pub fn new() -> Self {
        Self::with_keys_max(1_000_000)
    }

    /// A store for so many rate keys, and so many paths, at one time. When it is full, calls that need
    /// one more fail with `Unavailable`.
    pub fn with_keys_max(keys_max: usize) -> Self {
        let (rates, paths) = (Mutex::new(Expiring::new()), Mutex::new(Expiring::new()));
        Self { keys_max, rates, paths, rooms: Mutex::default() }
    }

    fn take_now(&self, limits: &[(&RateKey, &Limit)], cost: u32, at: At) -> Result<Rated, Error> {
        checked(limits, cost)?;
        let now = clock::now_micros(at)?;
        let mut rates = lock(&self.rates);
        rates.drop_some(now);
        let owed = limits.iter().map(|(key, limit)| (**limit, rates.get(key).copied()));
        let (debts, remaining) = match judge_all(owed, cost, now) {
            Ok(passed) => passed,
            Err(limited) => return Ok(limited),
        };
        let new = limits.iter().filter(|(key, _)| rates.get(key).is_none()).count();
        if rates.len() + new > self.keys_max {
            return Err(GateFault::Full { what: "rate keys", max: self.keys_max }.into());
        }
        for ((key, _), paid) in limits.iter().zip(debts) {
            rates.insert((*key).clone(), paid.rounded_up(), paid);
        }
        Ok(Rated::Passed { remaining })
    }

    fn spend_now(&self, path: &Pass, at: At) -> Result<Spend, Error> {
        if path.purpose() != Purpose::Path {
            return Err(GateFault::NotPath.into());
        }
        let now = clock::now(at)?;
        let mut paths = lock(&self.paths);
        paths.drop_some(now.millis());
        if now >= path.expires() {
            return Ok(Spend::Expired);
        }
        let key = (path.sale().clone(), path.id());
        if paths.get(&key).is_some() {
            return Ok(Spend::Spent);
        }
        if paths.len() >= self.keys_max {
            return Err(GateFault::Full { what: "paths", max: self.keys_max }.into());
        }
        paths.insert(key, path.expires().millis(), ());
        Ok(Spend::Fresh)
    }

    fn in_room<T>(
        &self,
        terms: &RoomTerms,
        at: At,
        verb: impl FnOnce(&mut Room, UnixMillis) -> T,
    ) -> Result<T, Error> {
        let now = clock::now(at)?;
        let mut rooms = lock(&self.rooms);
        if let Some(room) = rooms.get_mut(terms.sale()) {
            return Ok(verb(room, now));
        }
        rooms.retain(|_, room| now < room.terms().closes().plus(Self::ROOM_KEPT));
        if rooms.len() >= Self::ROOMS_MAX {
            return Err(GateFault::Full { what: "rooms", max: Self::ROOMS_MAX }.into());
        }
        let room = rooms.entry(terms.sale().clone()).or_insert_with(|| Room::new(terms.clone()));
        Ok(verb(room, now))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The rules do not panic, so a poisoned lock guards whole values.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl RateLimiter for MemoryStore {
    fn take<'a>(
        &'a self,
        limits: &'a [(&'a RateKey, &'a Limit)],
        cost: u32,
        at: At,
    ) -> BoxFuture<'a, Result<Rated, Error>> {
        Box::pin(async move { self.take_now(limits, cost, at) })
    }
}

impl PathStore for MemoryStore {
    fn spend<'a>(&'a self, path: &'a Pass, at: At) -> BoxFuture<'a, Result<Spend, Error>> {
        Box::pin(async move { self.spend_now(path, at) })
    }
}

impl RoomStore for MemoryStore {
    fn join<'a>(
        &'a self,
        terms: &'a RoomTerms,
        buyer: &'a BuyerId,
        at: At,
    ) -> BoxFuture<'a, Result<Joined, Error>> {
        Box::pin(async move { self.in_room(terms, at, |room, now| room.join(buyer, now)) })
    }

    fn admit<'a>(
        &'a self,
        terms: &'a RoomTerms,
        buyer: &'a BuyerId,
        at: At,
    ) -> BoxFuture<'a, Result<Admit, Error>> {
        Box::pin(async move { self.in_room(terms, at, |room, now| room.admit(buyer, now)) })
    }

    fn left_hint<'a>(
        &'a self,
        terms: &'a RoomTerms,
        left: u64,
        at: At,
    ) -> BoxFuture<'a, Result<RoomState, Error>> {
        Box::pin(async move { self.in_room(terms, at, |room, now| room.left_hint(left, now)) })
    }
}
