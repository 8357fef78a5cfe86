//! A ledger in memory: the rule under a lock. It is the specification of the others.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::order::{Effect, Order};
use super::{Ledger, Place};
use crate::error::Error;
use crate::ids::{ReservationId, SaleId};
use crate::orders::OrderEvent;
use crate::store::BoxFuture;

/// Orders in memory, for tests. They go with the process.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    orders: HashMap<ReservationId, Order>,
    highest: HashMap<(SaleId, u16), u64>,
}

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Books) -> T) -> T {
        // No step below panics half-way, so a poisoned lock guards whole books.
        work(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Books {
    fn apply(&mut self, event: &OrderEvent) -> Effect {
        let highest = self.highest.entry((event.sale.clone(), event.shard)).or_default();
        *highest = event.sequence.max(*highest);
        let Some(order) = event.order() else { return Effect::Noted };
        let (written, effect) = Order::take(self.orders.get(&order.reservation), event, order);
        if let Some(written) = written {
            self.orders.insert(order.reservation.clone(), written);
        }
        effect
    }

    fn orders(&self, sale: &SaleId, after: &Place, max: u16) -> Vec<Order> {
        let of_sale = self.orders.values().filter(|order| order.reservation.sale() == sale);
        let sorted: BTreeMap<Place, &Order> = of_sale.map(|order| (order.place(), order)).collect();
        let rest = sorted.into_iter().filter(|(place, _)| place > after);
        rest.take(usize::from(max)).map(|(_, order)| order.clone()).collect()
    }
}

impl Ledger for MemoryLedger {
    fn apply<'a>(&'a self, events: &'a [OrderEvent]) -> BoxFuture<'a, Result<Vec<Effect>, Error>> {
        let effects = self.with(|books| events.iter().map(|event| books.apply(event)).collect());
        Box::pin(std::future::ready(Ok(effects)))
    }

    fn orders<'a>(
        &'a self,
        sale: &'a SaleId,
        after: &'a Place,
        max: u16,
    ) -> BoxFuture<'a, Result<Vec<Order>, Error>> {
        Box::pin(std::future::ready(Ok(self.with(|books| books.orders(sale, after, max)))))
    }

    fn highest<'a>(&'a self, sale: &'a SaleId, shard: u16) -> BoxFuture<'a, Result<u64, Error>> {
        let highest = self.with(|books| books.highest.get(&(sale.clone(), shard)).copied());
        Box::pin(std::future::ready(Ok(highest.unwrap_or_default())))
    }
}
