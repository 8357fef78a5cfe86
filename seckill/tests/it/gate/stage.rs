//! What the tests of the gate share: short names for values.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seckill::gate::{Pace, Pass, RoomTerms, SalePath, TokenKey};
use seckill::{At, BuyerId, Error, SaleId, UnixMillis};

static SALES: AtomicU64 = AtomicU64::new(0);

/// A name that no other sale of this test program has.
pub(super) fn fresh() -> SaleId {
    SaleId::new(&format!("gate-{}", SALES.fetch_add(1, Ordering::Relaxed))).unwrap()
}

pub(super) fn time(millis: u64) -> UnixMillis {
    UnixMillis::new(millis).unwrap()
}

pub(super) fn at(millis: u64) -> At {
    At::Millis(time(millis))
}

pub(super) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Names with blanks, colons and braces, which keys have to bear.
pub(super) fn buyer(number: u64) -> BuyerId {
    BuyerId::new(&format!("buyer:{number} {{买家}}")).unwrap()
}

pub(super) fn key() -> Arc<TokenKey> {
    Arc::new(TokenKey::new(&[7; 32]).unwrap())
}

/// A verified path of `sale` that is good from `from` for `lifetime` milliseconds.
pub(super) fn path(sale: &SaleId, who: u64, nonce: u8, from: u64, lifetime: u64) -> Pass {
    let paths = SalePath::new(key(), sale.clone(), time(from), Duration::ZERO, ms(lifetime)).unwrap();
    let seckill::gate::Issued::Path(token) = paths.issue(&buyer(who), [nonce; 16], time(from)) else {
        panic!("too early");
    };
    paths.verify(token.expose(), &buyer(who), time(from)).unwrap()
}

/// A room that opens at 1,000 and closes at 61,000.
pub(super) fn terms(count: u32, per_millis: u64) -> RoomTerms {
    let pace = Pace::new(count, ms(per_millis)).unwrap();
    RoomTerms::new(fresh(), time(1_000), time(61_000), pace).unwrap()
}

/// An answer as text: values in full, errors by kind and words.
pub(super) fn told<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}
