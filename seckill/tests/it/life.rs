//! The life of a sale by example: every step from everywhere, at every time, and what goes on meanwhile.

use std::sync::Arc;

use seckill::{
    Confirm, ErrorKind, FlashSale, Opened, Phase, Refusal, Release, SaleStore, Steered, Step, UnixMillis,
};

use crate::stage::{
    CLOSES, OPENS, PAY, Shop, ask, at, in_all, open_terms, quantity, refused, terms, wide_terms, won,
};

const STEPS: [Step; 5] = [Step::Warm, Step::Pause, Step::Resume, Step::Close, Step::Settle];

/// Before the opening, while it is open, and after the end.
const TIMES: [u64; 3] = [OPENS - 1, OPENS, CLOSES];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Says {
    /// Done, and it leads to this phase at each of the times.
    To([Phase; 3]),
    Already,
    Refused,
    /// Refused before the end of the sale, then done.
    Late,
}

use Phase::{Closed, Draft, Open, Paused, Settled, Warmed};
use Says::{Already, Late, Refused, To};

const READY: [Phase; 3] = [Warmed, Open, Closed];
const STILL: [Phase; 3] = [Paused, Paused, Closed];
const OVER: [Phase; 3] = [Closed; 3];
const DONE: [Phase; 3] = [Settled; 3];

/// What leads there, its phase at each of the times, and what it says to each of `STEPS`.
const LIFE: [(&[Step], [Phase; 3], [Says; 5]); 5] = [
    (&[], [Draft, Draft, Closed], [To(READY), Refused, Refused, To(OVER), Refused]),
    (&[Step::Warm], READY, [Already, To(STILL), Already, To(OVER), Late]),
    (&[Step::Warm, Step::Pause], STILL, [Already, Already, To(READY), To(OVER), Late]),
    (&[Step::Warm, Step::Close], OVER, [Already, Refused, Refused, Already, To(DONE)]),
    (&[Step::Warm, Step::Close, Step::Settle], DONE, [Already, Refused, Refused, Already, Already]),
];

async fn leads_on(store: &Arc<dyn SaleStore>, way: &[Step], time: usize, step: Step, says: Says) {
    let now = TIMES[time];
    let shop = Shop::draft(store, terms(5, 1)).await;
    for step in way {
        assert_eq!(shop.steer(*step, OPENS).await, Steered::Done);
    }
    let before = shop.state(now).await;
    let answer = shop.steer(step, now).await;
    let after = shop.state(now).await;
    let expected = match says {
        Late if now < CLOSES => Refused,
        Late => To(DONE),
        other => other,
    };
    let place = format!("{step:?} from {way:?} at {now}");
    match expected {
        To(phases) => {
            assert_eq!((answer, after.phase), (Steered::Done, phases[time]), "{place}");
            assert_eq!(after.sequence, before.sequence + 1, "{place}");
        }
        Already => assert_eq!((answer, after), (Steered::Already, before), "{place}"),
        _ => {
            assert_eq!(answer, Steered::Refused { phase: before.phase, held: 0 }, "{place}");
            assert_eq!(after, before, "{place}");
        }
    }
}

#[tokio::test]
async fn every_step_from_everywhere() {
    in_all(async |store| {
        for (way, phases, row) in LIFE {
            for (time, phase) in phases.into_iter().enumerate() {
                let shop = Shop::draft(&store, terms(5, 1)).await;
                for step in way {
                    shop.steer(*step, OPENS).await;
                }
                assert_eq!(shop.state(TIMES[time]).await.phase, phase, "after {way:?} at {}", TIMES[time]);
                for (step, says) in STEPS.into_iter().zip(row) {
                    leads_on(&store, way, time, step, says).await;
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn draft_has_terms_and_no_stock() {
    in_all(async |store| {
        let shop = Shop::draft(&store, wide_terms(&[3, 4], 2)).await;
        let state = shop.state(OPENS).await;
        assert_eq!((state.phase, state.left(), state.sequence), (Draft, 0, 0));
        assert_eq!(state.skus.len(), 2);
        shop.steer(Step::Warm, 0).await;
        let state = shop.state(0).await;
        assert_eq!((state.phase, state.left(), state.sequence), (Warmed, 7, 1));
        let initial: Vec<_> = state.skus.iter().map(|(_, count)| (count.initial, count.left)).collect();
        assert_eq!(initial, [(3, 3), (4, 4)]);
        // A draft that was never warmed closes with nothing in it, and its books can be closed too.
        let never = Shop::draft(&store, terms(5, 1)).await;
        assert_eq!(never.steer(Step::Close, 0).await, Steered::Done);
        assert_eq!(never.steer(Step::Warm, 0).await, Steered::Already);
        assert_eq!(never.steer(Step::Settle, 0).await, Steered::Done);
        assert_eq!(never.units().await, (0, 0, 0));
    })
    .await;
}

#[tokio::test]
async fn sale_is_made_once_with_the_same_terms() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(5, 1)).await;
        let other = shop.terms.clone().limit_per_buyer(quantity(2));
        shop.win(&ask(1, 1, 1), OPENS).await;
        let before = shop.state(OPENS).await;
        for step in [Step::Pause, Step::Resume, Step::Close] {
            assert_eq!(store.open_sale(&shop.terms).await.unwrap(), Opened::Already);
            assert_eq!(store.draft_sale(&shop.terms).await.unwrap(), Opened::Already);
            for error in [store.open_sale(&other).await, store.draft_sale(&other).await] {
                assert_eq!(error.unwrap_err().kind(), ErrorKind::Misuse);
            }
            shop.steer(step, OPENS).await;
        }
        assert_eq!(shop.state(OPENS).await.skus, before.skus);
        // Opening what was drafted loads nothing: that is a step of its own.
        let draft = Shop::draft(&store, terms(5, 1)).await;
        assert_eq!(store.open_sale(&draft.terms).await.unwrap(), Opened::Already);
        assert_eq!(draft.state(OPENS).await.phase, Draft);
    })
    .await;
}

#[tokio::test]
async fn payments_and_returns_go_on_while_nobody_wins() {
    in_all(async |store| {
        for step in [Step::Pause, Step::Close] {
            let shop = Shop::open(&store, terms(5, 1)).await;
            for who in 1..=4 {
                shop.win(&ask(who, 1, 1), OPENS).await;
            }
            assert_eq!(shop.steer(step, OPENS).await, Steered::Done);
            let no = if step == Step::Pause { Refusal::Paused } else { Refusal::Closed };
            assert_eq!(shop.ask(&ask(5, 1, 1), OPENS).await, refused(no));
            assert_eq!(shop.pay(&shop.id(1, 1), OPENS).await, Confirm::Confirmed);
            assert_eq!(store.release(&shop.id(2, 1)).await.unwrap(), Release::Released);
            assert_eq!(store.sweep(shop.terms.id(), 9, at(OPENS + PAY)).await.unwrap().returned, 2);
            assert_eq!(shop.pay(&shop.id(3, 1), OPENS + PAY).await, Confirm::Retaken);
            assert_eq!(shop.units().await, (3, 0, 2));
        }
    })
    .await;
}

#[tokio::test]
async fn books_are_not_closed_while_anything_is_held() {
    in_all(async |store| {
        let shop = Shop::open(&store, wide_terms(&[5, 5], 5)).await;
        let one = crate::stage::ask_lines(1, &[(0, 1), (1, 2)], 1);
        let id = shop.win(&one, OPENS).await;
        assert_eq!(shop.steer(Step::Settle, OPENS).await, Steered::Refused { phase: Open, held: 3 });
        // Over is not swept: a payment may still come in between.
        let refusal = Steered::Refused { phase: Closed, held: 3 };
        assert_eq!(shop.steer(Step::Settle, CLOSES).await, refusal);
        assert_eq!(shop.steer(Step::Close, OPENS).await, Steered::Done);
        assert_eq!(shop.steer(Step::Settle, CLOSES).await, refusal);
        assert_eq!(shop.pay(&id, CLOSES).await, Confirm::Retaken);
        assert_eq!(shop.steer(Step::Settle, CLOSES).await, Steered::Done);
        assert_eq!(shop.units().await, (7, 0, 3));
    })
    .await;
}

/// The façade, with the clock of production.
#[tokio::test]
async fn sale_lives_by_the_clock() {
    in_all(async |store| {
        let terms = open_terms(2, 2);
        let sale = FlashSale::draft(store.clone(), &terms).await.unwrap();
        let not_open = refused(Refusal::NotOpen { opens_at: UnixMillis::MIN });
        assert_eq!(sale.reserve(&ask(1, 1, 1)).await.unwrap(), not_open);
        assert_eq!(sale.steer(Step::Warm).await.unwrap(), Steered::Done);
        let id = won(sale.reserve(&ask(1, 1, 1)).await.unwrap()).id;
        assert_eq!(sale.steer(Step::Pause).await.unwrap(), Steered::Done);
        assert_eq!(sale.reserve(&ask(1, 1, 2)).await.unwrap(), refused(Refusal::Paused));
        let more = seckill::Restock::add(crate::stage::request(1), 3);
        sale.restock(&more).await.unwrap();
        assert_eq!(sale.confirm(&id).await.unwrap(), Confirm::Confirmed);
        assert_eq!(sale.sweep().await.unwrap().returned, 0);
        assert_eq!(sale.steer(Step::Close).await.unwrap(), Steered::Done);
        assert_eq!(sale.steer(Step::Settle).await.unwrap(), Steered::Done);
        let again = FlashSale::attach(store, sale.id().clone());
        assert!(won(again.reserve(&ask(1, 1, 1).again()).await.unwrap()).replayed);
        let state = again.state().await.unwrap();
        assert_eq!((state.phase, state.left(), state.paid()), (Settled, 4, 1));
        assert!(again.audit().await.unwrap().conserved());
    })
    .await;
}
