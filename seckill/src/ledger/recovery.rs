//! From the orders of a ledger to what a sale is rebuilt or reconciled from.

use super::order::Order;
use super::{Ledger, Pages};
use crate::config::SaleConfig;
use crate::error::Error;
use crate::ledger::LedgerFault;
use crate::store::recovery::KeptOrder;

/// All that a ledger knows of a sale, for `RedisStore::rebuild` and `RedisStore::recover`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// The orders, the first to be paid first: in this order what is held has to come back.
    pub orders: Vec<KeptOrder>,
    /// The highest step of each shard, from shard 0 on.
    pub highest: Vec<u64>,
}

/// Reads the orders of the sale with these terms. It takes memory by the number of orders.
///
/// Stop the consumers first, so that the ledger stands still, and let no other process sell meanwhile.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seckill::Error> {
/// use seckill::ledger::{MemoryLedger, recovery};
/// use seckill::{SaleConfig, SaleId, UnixMillis};
///
/// let terms = SaleConfig::new(SaleId::new("phone")?, UnixMillis::MIN, UnixMillis::new(1)?, 10)?;
/// let kept = recovery::read(&MemoryLedger::new(), &terms).await?;
/// assert_eq!((kept.orders.len(), kept.highest), (0, vec![0]));
/// # Ok(()) }
/// ```
///
/// # Errors
/// Those of the ledger; `Misuse` when an order is for things that are not in the terms.
pub async fn read(ledger: &dyn Ledger, terms: &SaleConfig) -> Result<Kept, Error> {
    let mut kept = Kept::default();
    let mut pages = Pages::new(ledger, terms.id());
    while let Some(page) = pages.next().await? {
        for order in &page {
            kept.orders.push(keep(order, terms)?);
        }
    }
    for shard in 0..terms.shard_count() {
        kept.highest.push(ledger.highest(terms.id(), shard).await?);
    }
    Ok(kept)
}

/// One order in the form in which a sale takes it back. Pure.
///
/// # Errors
/// `Misuse` when it is of another sale, or for things that are not in the terms.
pub fn keep(order: &Order, terms: &SaleConfig) -> Result<KeptOrder, Error> {
    let is_of_sale = order.reservation.sale() == terms.id();
    let lines = is_of_sale.then(|| order.lines.named(terms)).flatten();
    let lines = lines.ok_or_else(|| LedgerFault::OtherTerms {
        reservation: order.reservation.clone(),
        sale: terms.id().clone(),
    })?;
    Ok(KeptOrder::new(order.reservation.clone(), lines, order.pay_until, order.state))
}
