//! The gate as an application holds it: every check of one request, in one order, the cheap ones first.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::clock;
use super::fault::GateFault;
use super::hurdle::{Cleared, Hurdle};
use super::limit::Limit;
use super::path::{PathStore, SalePath, Spend};
use super::rate::{RateKey, RateLimiter, Rated};
use super::token::{Purpose, Rejected, TokenKey};
use crate::error::Error;
use crate::ids::{BuyerId, SaleId};
use crate::time::{At, UnixMillis};

/// All checks of one sale: hurdle, rate limits, admission, path. Each is there only when it was asked
/// for, and the first that says no ends it. The path is spent last, so that no other no costs it.
///
/// The tokens are judged by this system's clock when the time is [`At::Server`]. The module's page shows
/// a whole gate.
#[derive(Debug, Clone)]
pub struct Gate {
    sale: SaleId,
    key: Arc<TokenKey>,
    hurdle: Option<Arc<dyn Hurdle>>,
    rates: Option<(Arc<dyn RateLimiter>, RateLimits)>,
    admission: Admitting,
    path: Option<(SalePath, Arc<dyn PathStore>)>,
}

/// What one buyer and one network address may ask. Open, so that each limit is named where it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateLimits {
    /// Requests of one buyer.
    pub per_buyer: Limit,
    /// Requests from one address, or from one IPv6 network of 64 bits; many buyers may share it.
    pub per_address: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admitting {
    Anybody,
    WithToken,
}

/// One request at the gate. What it does not bring is empty. Its texts are never printed.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    buyer: &'a BuyerId,
    address: IpAddr,
    answer: &'a str,
    admission: &'a str,
    path: &'a str,
}

/// The answer of the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entered {
    /// The request may go on to the sale.
    Passed(Passage),
    /// It may not.
    Turned(Turned),
}

/// A request that passed the gate. There is no other way to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    sale: SaleId,
    buyer: BuyerId,
    at: UnixMillis,
}

/// The first check that said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Turned {
    /// Which check, and what it said.
    pub why: Why,
    /// The time after which the same request may pass; `None` when only another request may.
    pub retry_after: Option<Duration>,
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// The hurdle is not cleared: give a new challenge.
    Hurdle(Cleared),
    /// The buyer asks too often.
    BuyerTooFast,
    /// The network address asks too often.
    AddressTooFast,
    /// Has no admission: to the waiting room.
    NotAdmitted(Rejected),
    /// Does not know the path: ask for it.
    NoPath(Rejected),
    /// The path was used before: ask for a new one.
    PathSpent,
}

impl Gate {
    /// A gate without checks in front of `sale`. `key` verifies admissions.
    pub fn new(sale: SaleId, key: Arc<TokenKey>) -> Self {
        Self { sale, key, hurdle: None, rates: None, admission: Admitting::Anybody, path: None }
    }

    /// Asks for the hurdle first.
    #[must_use]
    pub fn hurdle(self, hurdle: Arc<dyn Hurdle>) -> Self {
        Self { hurdle: Some(hurdle), ..self }
    }

    /// Then counts requests.
    #[must_use]
    pub fn limits(self, limiter: Arc<dyn RateLimiter>, limits: RateLimits) -> Self {
        Self { rates: Some((limiter, limits)), ..self }
    }

    /// Then asks for the token of a [`WaitingRoom`](super::WaitingRoom) with the same key.
    #[must_use]
    pub fn admitted_only(self) -> Self {
        Self { admission: Admitting::WithToken, ..self }
    }

    /// Then asks for the secret path, and spends it.
    ///
    /// # Errors
    /// `Misuse` when the path leads to another sale.
    pub fn path(self, path: SalePath, store: Arc<dyn PathStore>) -> Result<Self, Error> {
        if *path.sale() != self.sale {
            let (path, gate) = (path.sale().clone(), self.sale);
            return Err(GateFault::OtherPath { path, gate }.into());
        }
        Ok(Self { path: Some((path, store)), ..self })
    }

    /// Runs all checks.
    ///
    /// # Errors
    /// Those of the hurdle, the limiter and the path store. An error is neither a yes nor a no: let
    /// nobody through on it.
    pub async fn enter(&self, entry: &Entry<'_>, at: At) -> Result<Entered, Error> {
        let now = clock::now(at)?;
        let turned = match self.before_the_path(entry, at, now).await? {
            None => self.spend_path(entry, at, now).await?,
            turned => turned,
        };
        let (sale, buyer) = (self.sale.clone(), entry.buyer.clone());
        Ok(turned.map_or(Entered::Passed(Passage { sale, buyer, at: now }), Entered::Turned))
    }

    async fn before_the_path(
        &self,
        entry: &Entry<'_>,
        at: At,
        now: UnixMillis,
    ) -> Result<Option<Turned>, Error> {
        if let Some(hurdle) = &self.hurdle {
            match hurdle.check(&self.sale, entry.buyer, entry.answer, at).await? {
                Cleared::Cleared => {}
                no => return Ok(Some(Turned::for_good(Why::Hurdle(no)))),
            }
        }
        if let Some((limiter, limits)) = &self.rates
            && let Some(turned) = self.count(&**limiter, limits, entry, at).await?
        {
            return Ok(Some(turned));
        }
        Ok(self.not_admitted(entry, now).map(|why| Turned::for_good(Why::NotAdmitted(why))))
    }

    async fn count(
        &self,
        limiter: &dyn RateLimiter,
        limits: &RateLimits,
        entry: &Entry<'_>,
        at: At,
    ) -> Result<Option<Turned>, Error> {
        let buyer = RateKey::buyer(&self.sale, entry.buyer);
        let address = RateKey::address(&self.sale, entry.address);
        let both = [(&buyer, &limits.per_buyer), (&address, &limits.per_address)];
        Ok(match limiter.take(&both, 1, at).await? {
            Rated::Passed { .. } => None,
            Rated::Limited { retry_after, which } => {
                let why = if which == 0 { Why::BuyerTooFast } else { Why::AddressTooFast };
                Some(Turned { why, retry_after: Some(retry_after) })
            }
        })
    }

    fn not_admitted(&self, entry: &Entry<'_>, now: UnixMillis) -> Option<Rejected> {
        match self.admission {
            Admitting::Anybody => None,
            Admitting::WithToken => {
                let purpose = Purpose::Admitted;
                self.key.verify(entry.admission, purpose, &self.sale, entry.buyer, now).err()
            }
        }
    }

    async fn spend_path(&self, entry: &Entry<'_>, at: At, now: UnixMillis) -> Result<Option<Turned>, Error> {
        let Some((path, store)) = &self.path else {
            return Ok(None);
        };
        let why = match path.verify(entry.path, entry.buyer, now) {
            Err(rejected) => Why::NoPath(rejected),
            Ok(pass) => match store.spend(&pass, at).await? {
                Spend::Fresh => return Ok(None),
                Spend::Spent => Why::PathSpent,
                Spend::Expired => Why::NoPath(Rejected::Expired { at: pass.expires() }),
            },
        };
        Ok(Some(Turned::for_good(why)))
    }
}

impl<'a> Entry<'a> {
    /// A request of a buyer that the application has signed in, from the address that it came from.
    pub fn new(buyer: &'a BuyerId, address: IpAddr) -> Self {
        Self { buyer, address, answer: "", admission: "", path: "" }
    }

    /// With the answer to the hurdle.
    #[must_use]
    pub fn answer(self, answer: &'a str) -> Self {
        Self { answer, ..self }
    }

    /// With the token from the waiting room.
    #[must_use]
    pub fn admission(self, admission: &'a str) -> Self {
        Self { admission, ..self }
    }

    /// With the path that it came by.
    #[must_use]
    pub fn path(self, path: &'a str) -> Self {
        Self { path, ..self }
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Entry");
        debug.field("buyer", self.buyer).field("address", &self.address).finish_non_exhaustive()
    }
}

impl Passage {
    /// The sale it may go on to.
    pub fn sale(&self) -> &SaleId {
        &self.sale
    }

    /// Who asked.
    pub fn buyer(&self) -> &BuyerId {
        &self.buyer
    }

    /// When it passed.
    pub fn at(&self) -> UnixMillis {
        self.at
    }
}

impl Turned {
    fn for_good(why: Why) -> Self {
        Self { why, retry_after: None }
    }
}
