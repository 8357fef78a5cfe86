//! A ledger gives the answers of the memory ledger to any history, true or not.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use seckill::ledger::{Ledger, MemoryLedger};
use seckill::orders::{Change, EventKind, OrderEvent};
use seckill::{Phase, ReservationState, SaleId};

use super::{SHARDS, all, event, millis};
use crate::stage::fresh;

const CHANGES: &[Change] = &[
    Change::Reserved,
    Change::Paid,
    Change::Retaken,
    Change::Released,
    Change::Expired,
    Change::Gone,
    Change::Restored(None),
    Change::Restored(Some(ReservationState::Paid)),
    Change::Restored(Some(ReservationState::Held)),
];

/// Batches of anything: doubled, late, contradictory.
fn any_batches() -> impl Strategy<Value = Vec<Vec<(u64, Option<Change>, u64)>>> {
    let change = proptest::option::weighted(0.9, proptest::sample::select(CHANGES));
    let batch = proptest::collection::vec((0u64..5, change, 1u64..12), 0..8);
    proptest::collection::vec(batch, 1..6)
}

fn events(sale: &SaleId, batch: &[(u64, Option<Change>, u64)]) -> Vec<OrderEvent> {
    let event = |(number, change, sequence): &(u64, Option<Change>, u64)| match change {
        Some(change) => event(sale, *number, *change, *sequence),
        None => OrderEvent::new(sale.clone(), 1, *sequence, millis(5), EventKind::Stage(Phase::Closed)),
    };
    batch.iter().map(event).collect()
}

/// Gives the answers of the memory ledger to any history.
pub(super) async fn is_the_rule(ledger: &dyn Ledger) {
    let handle = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let mut runner =
            TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
        let asked = runner.run(&any_batches(), |batches| {
            handle.block_on(async {
                let (sale, rule) = (fresh(), MemoryLedger::new());
                for batch in &batches {
                    let events = events(&sale, batch);
                    prop_assert_eq!(ledger.apply(&events).await.unwrap(), rule.apply(&events).await.unwrap());
                }
                prop_assert_eq!(all(ledger, &sale).await, all(&rule, &sale).await);
                for shard in 0..SHARDS {
                    let (known, true_one) = (ledger.highest(&sale, shard), rule.highest(&sale, shard));
                    prop_assert_eq!(known.await.unwrap(), true_one.await.unwrap());
                }
                Ok(())
            })
        });
        asked.unwrap();
    });
}
