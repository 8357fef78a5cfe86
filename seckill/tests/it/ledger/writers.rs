//! Many writers at once, each with its own order of the same doubled events.

use std::sync::Arc;

use seckill::ReservationState;
use seckill::ledger::{Effect, Ledger};
use seckill::orders::OrderEvent;

use super::databases::Bench;
use super::{ends, history, kept_ends};
use crate::stage::fresh;

const WRITERS: u64 = 4;
const RESERVATIONS: usize = 60;

/// Whatever the writers do to each other, every order ends where it has to, and every payment is one effect.
pub(super) async fn many_writers_settle_once(bench: &Bench) {
    let (sale, before) = (fresh(), bench.payments.list().await.len());
    let lives: Vec<usize> = (0..RESERVATIONS).collect();
    let history = history(&sale, &lives);
    let writers: Vec<_> = (1..=WRITERS)
        .map(|seed| tokio::spawn(write(bench.ledger.clone(), shuffled(&history, seed))))
        .collect();
    let mut paid = 0;
    for writer in writers {
        paid += writer.await.unwrap();
    }
    let ends = ends(&history);
    assert_eq!(kept_ends(&*bench.ledger, &sale).await, ends);
    let expected = ends.iter().filter(|(_, state, _)| *state == ReservationState::Paid).count();
    assert_eq!((paid, bench.payments.list().await.len() - before), (expected, expected));
    let highest = |shard| bench.ledger.highest(&sale, shard);
    let last = highest(0).await.unwrap().max(highest(1).await.unwrap());
    assert_eq!(last, u64::try_from(history.len()).unwrap());
}

/// Applies events in batches, each twice, and counts the payments that took effect.
async fn write(ledger: Arc<dyn Ledger>, events: Vec<OrderEvent>) -> usize {
    let mut paid = 0;
    for batch in events.chunks(7).flat_map(|batch| [batch, batch]) {
        let effects = loop {
            match ledger.apply(batch).await {
                Ok(effects) => break effects,
                // A database may pick one of two writers and ask it to come again.
                Err(error) => {
                    assert!(error.is_transient(), "{error}: {:?}", std::error::Error::source(&error))
                }
            }
        };
        let is_paid =
            |event: &OrderEvent| event.order().unwrap().change.state() == Some(ReservationState::Paid);
        paid += batch
            .iter()
            .zip(effects)
            .filter(|(event, effect)| is_paid(event) && *effect == Effect::Applied)
            .count();
    }
    paid
}

/// The events in an order that follows from the seed (Fisher and Yates, over a linear congruence by Knuth).
fn shuffled(events: &[OrderEvent], seed: u64) -> Vec<OrderEvent> {
    let (mut events, mut state) = (events.to_vec(), seed);
    for last in (1..events.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let choices = u64::try_from(last).unwrap() + 1;
        events.swap(last, usize::try_from((state >> 33) % choices).unwrap());
    }
    events
}
