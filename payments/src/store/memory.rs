//! Orders in memory: the pure rules under one lock. It is the specification of every other store.

use super::{BoxFuture, Creation, OrderStore, Step, step, taken};
use crate::notify::{Checked, Notify};
use crate::settle::{self, Settlement, StoredOrder};
use crate::{Error, Order, OutTradeNo, TradeEvent, UnixMillis};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Orders of one process, for tests and small tools. It forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    orders: Mutex<HashMap<OutTradeNo, StoredOrder>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic elsewhere cannot leave an order half changed, so a poisoned lock is taken over.
    fn orders(&self) -> MutexGuard<'_, HashMap<OutTradeNo, StoredOrder>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, order: &Order, at: UnixMillis) -> Creation {
        match self.orders().entry(order.out_trade_no.clone()) {
            Entry::Occupied(entry) => taken(&entry.get().order, order),
            Entry::Vacant(entry) => {
                entry.insert(StoredOrder::new(order.clone(), at));
                Creation::Created
            }
        }
    }

    fn step(&self, number: &OutTradeNo, event: TradeEvent, at: UnixMillis) -> Step {
        let mut orders = self.orders();
        let Some(stored) = orders.get_mut(number) else {
            return Step::UnknownOrder;
        };
        let step = step(stored.state, event);
        if let Step::Moved(next) = step {
            stored.state = next;
            stored.updated_at = at;
        }
        step
    }

    fn record(&self, notify: &Notify<Checked>, at: UnixMillis) -> Settlement {
        let mut orders = self.orders();
        let Some(stored) = orders.get_mut(notify.out_trade_no()) else {
            return Settlement::UnknownOrder;
        };
        let verdict = settle::settle(stored, notify, at);
        if let Some(write) = verdict.write {
            stored.state = write.state;
            stored.payments.extend(write.payment);
            stored.updated_at = at;
        }
        verdict.settlement
    }
}

impl OrderStore for MemoryStore {
    fn create<'a>(&'a self, order: &'a Order, at: UnixMillis) -> BoxFuture<'a, Result<Creation, Error>> {
        Box::pin(async move { Ok(self.insert(order, at)) })
    }

    fn find<'a>(&'a self, number: &'a OutTradeNo) -> BoxFuture<'a, Result<Option<StoredOrder>, Error>> {
        Box::pin(async move { Ok(self.orders().get(number).cloned()) })
    }

    fn mark_pending<'a>(
        &'a self,
        number: &'a OutTradeNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Step, Error>> {
        Box::pin(async move { Ok(self.step(number, TradeEvent::Submitted, at)) })
    }

    fn close<'a>(&'a self, number: &'a OutTradeNo, at: UnixMillis) -> BoxFuture<'a, Result<Step, Error>> {
        Box::pin(async move { Ok(self.step(number, TradeEvent::Closed, at)) })
    }

    fn settle<'a>(
        &'a self,
        notify: &'a Notify<Checked>,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Settlement, Error>> {
        Box::pin(async move { Ok(self.record(notify, at)) })
    }
}
