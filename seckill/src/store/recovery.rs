//! Puts orders back into a sale that Redis has lost, or of which it has lost the last steps.

use super::desk::Desk;
use super::redis::RedisStore;
use super::reply::{after, number, strange};
use super::script::Call;
use super::shard::Shard;
use crate::config::SaleConfig;
use crate::error::Error;
use crate::ids::{ReservationId, SaleId};
use crate::lines::{Lines, Picks};
use crate::phase::Stage;
use crate::reservation::ReservationState;
use crate::time::{At, UnixMillis};

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
    /// Orders that the store knew as held or returned, and that are paid, or gone and refunded.
    pub changed: u64,
    /// Orders that hold or have sold units of which none are left: these were sold again meanwhile, or the
    /// stock is smaller than the orders say. Refund them, or add stock and recover again.
    pub short: Vec<ReservationId>,
    /// Orders that hold or have sold units to a buyer who has more than the limit now, having bought again before
    /// anybody knew that the sale went back. They are put back as the ledger says: what is too much is to be
    /// released or refunded.
    pub over_limit: Vec<ReservationId>,
}

/// An order with its lines as the scripts take them.
type Kept<'a> = (&'a KeptOrder, String);

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
        self.make(terms, Stage::Paused, true).await?;
        self.recover(terms.id(), orders, highest).await
    }

    /// Puts orders back into a sale that went back in time, and thaws it. What the store knows better stays as it
    /// is. `highest` is the highest step that the ledger knows of each shard. Stock moves to the shards whose orders
    /// want it. Safe to repeat.
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
        let mut short = Vec::with_capacity(desk.shards.len());
        for (index, shard) in desk.shards.iter().enumerate() {
            let mut here = Vec::new();
            for order in orders.iter().filter(|order| desk.shard_of(order.id.buyer()).0 == index) {
                here.push((order, order.lines.picks(&desk.terms)?.to_text()));
            }
            short.push(desk.restore(shard, &here, &mut recovered).await?);
        }
        let arrived = desk.arrived().await?;
        for (index, shard) in desk.shards.iter().enumerate() {
            // Steps that somebody may have seen are not numbered again.
            let known = highest.get(index).map_or(0, |highest| highest.saturating_add(LAG_MAX));
            let floor = known.max(shard.seen()).max(arrived.get(index).copied().unwrap_or(0));
            desk.thaw(shard, floor).await?;
        }
        // Only now: frozen shards neither give nor take.
        for (shard, short) in desk.shards.iter().zip(short) {
            let short = desk.restore_short(shard, short, &mut recovered).await?;
            recovered.short.extend(short.iter().map(|(order, _)| order.id.clone()));
        }
        Ok(recovered)
    }
}

impl Desk {
    /// Puts orders back into their shard, and returns those for which it has too few units.
    async fn restore<'a>(
        &self,
        shard: &Shard,
        orders: &[Kept<'a>],
        recovered: &mut Recovered,
    ) -> Result<Vec<Kept<'a>>, Error> {
        let mut short = Vec::new();
        for chunk in orders.chunks(CHUNK) {
            let text = self.run(shard, &Call::restore(shard, chunk)).await?;
            let words: Vec<&str> = after(&text, self.about(shard))?.answer.split(' ').collect();
            short.extend(recovered.take(&words, chunk).ok_or_else(|| strange(&text))?);
        }
        Ok(short)
    }

    /// Puts back what the stock of other shards is enough for, and returns the rest.
    async fn restore_short<'a>(
        &self,
        shard: &Shard,
        short: Vec<Kept<'a>>,
        recovered: &mut Recovered,
    ) -> Result<Vec<Kept<'a>>, Error> {
        if self.shards.len() == 1 || short.is_empty() {
            return Ok(short);
        }
        for chunk in short.chunks(CHUNK) {
            let wants: Result<Vec<Picks>, Error> =
                chunk.iter().map(|(order, _)| order.lines.picks(&self.terms)).collect();
            self.gather(usize::from(shard.index), wants?.iter(), At::Server, self.clock()).await?;
        }
        self.restore(shard, &short, recovered).await
    }

    async fn thaw(&self, shard: &Shard, floor: u64) -> Result<(), Error> {
        let text = self.run(shard, &Call::thaw(shard, floor)).await?;
        match after(&text, self.about(shard))?.answer {
            "thawed" | "already" => Ok(()),
            _ => Err(strange(&text)),
        }
    }
}

impl Recovered {
    /// Counts what one script has done; returns the orders for which there are too few units.
    fn take<'a>(&mut self, words: &[&str], chunk: &[Kept<'a>]) -> Option<Vec<Kept<'a>>> {
        let [added, changed, short, over] = words else { return None };
        self.added += number::<u64>(added)?;
        self.changed += number::<u64>(changed)?;
        let named = |places: &str| -> Option<Vec<Kept<'a>>> {
            let places = places.split(',').filter(|place| !place.is_empty());
            places.map(|place| chunk.get(number::<usize>(place)?).cloned()).collect()
        };
        self.over_limit.extend(named(over)?.iter().map(|(order, _)| order.id.clone()));
        named(short)
    }
}
