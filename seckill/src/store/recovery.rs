//! Puts orders back into a sale that Redis has lost, or of which it has lost the last steps.

use super::redis::RedisStore;
use super::reply::{after, number, strange};
use super::script::Call;
use crate::config::SaleConfig;
use crate::error::Error;
use crate::ids::{ReservationId, SaleId};
use crate::lines::Lines;
use crate::phase::Stage;
use crate::reservation::ReservationState;
use crate::time::UnixMillis;

/// Orders that one script puts back.
const CHUNK: usize = 256;
/// How far behind the store a ledger may have been, in steps of one shard.
const LAG_MAX: u64 = 1 << 20;

/// An order as a ledger kept it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptOrder {
    /// Whose, and of which sale.
    pub id: ReservationId,
    /// What it holds or has sold.
    pub lines: Lines,
    /// Until when it may be paid.
    pub pay_until: UnixMillis,
    /// Where it stands.
    pub state: ReservationState,
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// Orders that the store did not know.
    pub added: u64,
    /// Orders that the store knew as held or returned, and that are paid.
    pub changed: u64,
    /// Orders that hold or have sold units of which none are left: these were sold again meanwhile, or the
    /// stock is smaller than the orders say. Refund them, or add stock and recover again.
    pub short: Vec<ReservationId>,
}

impl KeptOrder {
    /// An order of a ledger.
    pub fn new(id: ReservationId, lines: Lines, pay_until: UnixMillis, state: ReservationState) -> Self {
        Self { id, lines, pay_until, state }
    }
}

impl RedisStore {
    /// Makes a sale anew, after the total loss of its Redis, from the orders that a ledger kept. It ends
    /// paused: send the changes of its stock again, they have their ids, and then
    /// [`Step::Resume`](crate::Step::Resume) it. `highest` is the highest step that the ledger knows of each
    /// shard. Safe to repeat.
    ///
    /// # Errors
    /// As `open_sale` and [`RedisStore::recover`].
    pub async fn rebuild(
        &self,
        terms: &SaleConfig,
        orders: &[KeptOrder],
        highest: &[u64],
    ) -> Result<Recovered, Error> {
        self.make(terms, Stage::Paused).await?;
        self.recover(terms.id(), orders, highest).await
    }

    /// Puts orders back into a sale that went back in time, and thaws it. What the store knows better stays as it
    /// is. `highest` is the highest step that the ledger knows of each shard. Safe to repeat.
    ///
    /// # Errors
    /// `InvalidInput` when an order names a thing that is not on sale; those of every call.
    pub async fn recover(
        &self,
        sale: &SaleId,
        orders: &[KeptOrder],
        highest: &[u64],
    ) -> Result<Recovered, Error> {
        let booth = self.booth(sale).await?;
        let desk = &booth.desk;
        let mut recovered = Recovered::default();
        for (index, shard) in desk.shards.iter().enumerate() {
            // Steps that somebody may have seen are not numbered again.
            let floor =
                highest.get(index).map_or(0, |highest| highest.saturating_add(LAG_MAX)).max(shard.seen());
            let mut here = Vec::new();
            for order in orders.iter().filter(|order| desk.shard_of(order.id.buyer()).0 == index) {
                here.push((order, order.lines.picks(&desk.terms)?.to_text()));
            }
            for chunk in here.chunks(CHUNK) {
                let text = desk.run(shard, &Call::restore(shard, chunk)).await?;
                let words: Vec<&str> = after(&text, desk.about(shard))?.answer.split(' ').collect();
                recovered.take(&words, chunk).ok_or_else(|| strange(&text))?;
            }
            let text = desk.run(shard, &Call::thaw(shard, floor)).await?;
            if !matches!(after(&text, desk.about(shard))?.answer, "thawed" | "already") {
                return Err(strange(&text));
            }
        }
        Ok(recovered)
    }
}

impl Recovered {
    fn take(&mut self, words: &[&str], chunk: &[(&KeptOrder, String)]) -> Option<()> {
        let [added, changed, short] = words else { return None };
        self.added += number::<u64>(added)?;
        self.changed += number::<u64>(changed)?;
        for place in short.split(',').filter(|place| !place.is_empty()) {
            self.short.push(chunk.get(number::<usize>(place)?)?.0.id.clone());
        }
        Some(())
    }
}
