//! Rate limits by key: what is limited, what the answer is, and who keeps count.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use super::fault::{GateFault, in_range, shown};
use super::limit::{Judged, Limit, Paid};
use crate::error::Error;
use crate::ids::{BuyerId, SaleId};
use crate::store::BoxFuture;
use crate::time::At;

/// Names what is limited in one sale: a buyer, an address, or anything else.
///
/// The keys of one sale stand in one hash slot of a Redis Cluster, `{gh:gate:<sale>}`, so that several of
/// them are charged in one atomic step. Different sales may stand on different nodes.
///
/// ```
/// use seckill::gate::RateKey;
/// use seckill::SaleId;
///
/// let sale = SaleId::new("phone")?;
/// let (one, other) = ("2001:db8::1".parse().unwrap(), "2001:db8::ffff:2".parse().unwrap());
/// assert_eq!(RateKey::address(&sale, one), RateKey::address(&sale, other));
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateKey {
    sale: SaleId,
    name: Arc<str>,
}

/// The answer about all limits of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rated {
    /// Every limit let it pass, and every key was charged.
    Passed {
        /// Units that every limit would let pass right now.
        remaining: u32,
    },
    /// A limit is reached, and no key was charged.
    Limited {
        /// The time after which this call would pass if nothing else did meanwhile.
        retry_after: Duration,
        /// The place of the limit that takes longest, counted from 0.
        which: usize,
    },
}

/// Keeps count of what keys took.
pub trait RateLimiter: Send + Sync + fmt::Debug {
    /// Takes `cost` units under all of `limits` or under none, in one atomic step. Each key has one
    /// limit; two limits on one buyer are two keys with scopes of their own.
    ///
    /// When the answer is lost, the units may have been taken.
    ///
    /// # Errors
    /// `InvalidInput` when there are no limits or over [`Rated::LIMITS_MAX`], when `cost` is zero or more
    /// than a burst, or when the time is after the year 2112; `Misuse` when a key stands twice or keys
    /// are of different sales; `Unavailable` when the store does not answer in time or is full; `Corrupt`
    /// when it holds what no gate wrote.
    fn take<'a>(
        &'a self,
        limits: &'a [(&'a RateKey, &'a Limit)],
        cost: u32,
        at: At,
    ) -> BoxFuture<'a, Result<Rated, Error>>;
}

impl RateKey {
    /// The longest name of what is limited, in bytes.
    pub const WHO_BYTES_MAX: usize = 128;

    /// One buyer.
    pub fn buyer(sale: &SaleId, buyer: &BuyerId) -> Self {
        Self::scoped(sale, "buyer", buyer.as_str())
    }

    /// One network address. All addresses of an IPv6 network of 64 bits are one, since one household
    /// has them all; an IPv4 address inside IPv6 is the IPv4 address.
    pub fn address(sale: &SaleId, address: IpAddr) -> Self {
        let network = match address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).to_string(),
        };
        Self::scoped(sale, "address", &network)
    }

    /// Anything else, such as a device or a second limit on buyers: `scope` is 1 to 32 of
    /// `A-Z a-z 0-9 _ -`, `who` is 1 to [`RateKey::WHO_BYTES_MAX`] bytes of any text.
    ///
    /// # Errors
    /// `InvalidInput` for other texts.
    pub fn new(sale: &SaleId, scope: &str, who: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !(1..=32).contains(&scope.len()) || !scope.bytes().all(plain) {
            let (what, rule) = ("rate scope", "1 to 32 of A-Z a-z 0-9 _ -");
            return Err(GateFault::Text { what, given: shown(scope), rule }.into());
        }
        if !(1..=Self::WHO_BYTES_MAX).contains(&who.len()) {
            let (what, rule) = ("length of the rate key in bytes", "1 to 128");
            return Err(GateFault::Text { what, given: who.len().to_string(), rule }.into());
        }
        Ok(Self::scoped(sale, scope, who))
    }

    /// The sale in which it counts.
    pub fn sale(&self) -> &SaleId {
        &self.sale
    }

    /// A scope has no colon, so scope and name are told apart.
    fn scoped(sale: &SaleId, scope: &str, who: &str) -> Self {
        Self { sale: sale.clone(), name: format!("{scope}:{who}").into() }
    }

    #[cfg(feature = "redis")]
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Rated {
    /// The most limits of one call.
    pub const LIMITS_MAX: usize = 8;
}

/// The sale of a call that may be decided.
pub(super) fn checked<'a>(limits: &[(&'a RateKey, &Limit)], cost: u32) -> Result<&'a SaleId, Error> {
    let given = u128::try_from(limits.len()).unwrap_or(u128::MAX);
    in_range("number of limits", given, 1, u64::try_from(Rated::LIMITS_MAX).unwrap_or(u64::MAX))?;
    let burst = limits.iter().map(|(_, limit)| limit.burst()).min().unwrap_or_default();
    in_range("cost", cost.into(), 1, burst.into())?;
    let mut keys: Vec<&'a RateKey> = limits.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    // Sorted by sale first: the ends differ when any two do.
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
        return Err(GateFault::KeyTwice.into());
    };
    if first.sale != last.sale {
        let (one, other) = (first.sale.clone(), last.sale.clone());
        return Err(GateFault::TwoSales { one, other }.into());
    }
    match keys.windows(2).any(|pair| pair.first() == pair.last()) {
        true => Err(GateFault::KeyTwice.into()),
        false => Ok(&first.sale),
    }
}

/// The rule for several limits: the new debts in their order, or the limit that takes longest, the first
/// of equals.
pub(super) fn judge_all(
    limits: impl Iterator<Item = (Limit, Option<Paid>)>,
    cost: u32,
    now: u64,
) -> Result<(Vec<Paid>, u32), Rated> {
    let (mut debts, mut least, mut longest) = (Vec::new(), u32::MAX, None);
    for (which, (limit, paid)) in limits.enumerate() {
        match limit.judge(paid, cost, now) {
            Judged::Passes { paid, remaining } => {
                debts.push(paid);
                least = least.min(remaining);
            }
            Judged::Fails { retry_micros } => {
                if longest.is_none_or(|(micros, _)| retry_micros > micros) {
                    longest = Some((retry_micros, which));
                }
            }
        }
    }
    match longest {
        None => Ok((debts, least)),
        Some((micros, which)) => Err(Rated::Limited { retry_after: Duration::from_micros(micros), which }),
    }
}
