//! The contract of order stores: random commands, answered alike by every store. The memory store is the specification.

use crate::support::{NOW, Shop, order, shop, sqlite};
use payments::sandbox::NotifyDraft;
use payments::store::{Creation, MemoryStore, OrderStore};
use payments::{Order, Settlement, TradeState};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;

#[derive(Debug, Clone, Copy)]
enum Command {
    Create { order: usize, price: usize },
    MarkPending { order: usize },
    Close { order: usize },
    Settle { order: usize, trade: usize, status: usize, price: usize },
}

const PRICES: [&str; 2] = ["88.00", "99.90"];
/// The word, and whether the message says that the buyer once paid.
const STATUSES: [(&str, bool); 5] = [
    ("TRADE_SUCCESS", true),
    ("TRADE_FINISHED", true),
    ("TRADE_CLOSED", true),
    ("TRADE_CLOSED", false),
    ("WAIT_BUYER_PAY", false),
];
const ORDERS: usize = 2;

fn command() -> impl Strategy<Value = Command> {
    let price = || prop_oneof![6 => Just(0_usize), 1 => Just(1)];
    prop_oneof![
        2 => (0..ORDERS, price()).prop_map(|(order, price)| Command::Create { order, price }),
        1 => (0..ORDERS).prop_map(|order| Command::MarkPending { order }),
        1 => (0..ORDERS).prop_map(|order| Command::Close { order }),
        4 => (0..ORDERS, 0..2_usize, 0..STATUSES.len(), price())
            .prop_map(|(order, trade, status, price)| Command::Settle { order, trade, status, price }),
    ]
}

fn sold(case: u32, order_index: usize, price: usize) -> Order {
    order(&format!("case_{case:05}_{order_index}"), PRICES[price])
}

/// One command on one store; the answer as text, so that answers of different verbs compare alike.
async fn run(store: &dyn OrderStore, shop: &Shop, case: u32, step: u64, command: Command) -> String {
    let at = NOW.plus_secs(step);
    match command {
        Command::Create { order, price } => {
            format!("{:?}", store.create(&sold(case, order, price), at).await.unwrap())
        }
        Command::MarkPending { order } => {
            format!("{:?}", store.mark_pending(&sold(case, order, 0).out_trade_no, at).await.unwrap())
        }
        Command::Close { order } => {
            format!("{:?}", store.close(&sold(case, order, 0).out_trade_no, at).await.unwrap())
        }
        Command::Settle { order, trade, status, price } => {
            let sold = sold(case, order, price);
            let draft = shop.paid_draft().set("out_trade_no", sold.out_trade_no.as_str());
            let draft = draft.set("trade_no", &format!("2026{trade}")).set("total_amount", PRICES[price]);
            let (word, paid) = STATUSES[status];
            let draft = if paid { draft } else { draft.without("gmt_payment") };
            let body = draft.set("trade_status", word).signed().unwrap().into_body();
            format!("{:?}", store.settle(&shop.checked(&body, &sold), at).await.unwrap())
        }
    }
}

#[test]
fn every_store_answers_as_the_memory_store() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (shop, sqlite) = (shop(), runtime.block_on(sqlite(folder.path())));
    let (case, paid, late, twice) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let unseen = Cell::new(0);
    let config = Config { cases: 128, failure_persistence: None, ..Config::default() };
    let commands = proptest::collection::vec(command(), 1..24);
    let outcome = TestRunner::new(config).run(&commands, |commands| {
        case.set(case.get() + 1);
        runtime.block_on(async {
            let memory = MemoryStore::new();
            let (mut paid_answers, mut refunded) = ([0; ORDERS], [false; ORDERS]);
            for (step, command) in (0..).zip(commands) {
                let expected = run(&memory, &shop, case.get(), step, command).await;
                let answer = run(&sqlite, &shop, case.get(), step, command).await;
                prop_assert_eq!(&answer, &expected, "{:?}", command);
                for order in 0..ORDERS {
                    let number = sold(case.get(), order, 0).out_trade_no;
                    let expected = memory.find(&number).await.unwrap();
                    prop_assert_eq!(sqlite.find(&number).await.unwrap(), expected);
                }
                if let Command::Settle { order, .. } = command {
                    let delivers = expected == "Paid" || expected == "PaidAfterClose";
                    prop_assert!(!delivers || !refunded[order], "refunded money buys nothing");
                    paid_answers[order] += u32::from(delivers);
                    refunded[order] |= expected == "Refunded";
                    unseen.set(unseen.get() + u32::from(expected == "Refunded" && paid_answers[order] == 0));
                    paid.set(paid.get() + u32::from(expected == "Paid"));
                    late.set(late.get() + u32::from(expected == "PaidAfterClose"));
                    twice.set(twice.get() + u32::from(expected.starts_with("PaidTwice")));
                }
            }
            prop_assert!(paid_answers.iter().all(|answers| *answers <= 1), "money is announced once");
            Ok(())
        })
    });
    outcome.unwrap();
    // The random walk has to reach the rare answers, or the agreement means little.
    assert!(paid.get() > 0 && late.get() > 0 && twice.get() > 0, "{paid:?} {late:?} {twice:?}");
    assert!(unseen.get() > 0, "a refund before any word of the payment");
}

async fn life_of_an_order(store: &dyn OrderStore) {
    let shop = shop();
    let sold = order("COURSE_0001", "88.00");
    let number = &sold.out_trade_no;
    let settle = async |trade_no: &str, status: &str| {
        let draft = shop.paid_draft().set("trade_no", trade_no).set("trade_status", status);
        let notify = shop.checked(draft.signed().unwrap().body(), &sold);
        store.settle(&notify, NOW).await.unwrap()
    };
    assert_eq!(settle("1", "TRADE_SUCCESS").await, Settlement::UnknownOrder);
    assert_eq!(store.create(&sold, NOW).await.unwrap(), Creation::Created);
    assert_eq!(store.create(&sold, NOW.plus_secs(9)).await.unwrap(), Creation::Same);
    store.mark_pending(number, NOW).await.unwrap();
    assert_eq!(settle("1", "TRADE_SUCCESS").await, Settlement::Paid);
    // Months later the same trade is reported again as finished.
    assert_eq!(settle("1", "TRADE_FINISHED").await, Settlement::Duplicate);
    assert!(
        matches!(settle("2", "TRADE_SUCCESS").await, Settlement::PaidTwice { first } if first.as_str() == "1")
    );
    assert_eq!(settle("2", "TRADE_SUCCESS").await, Settlement::Duplicate);
    // Refunding the second trade does not touch the order; refunding the first does.
    assert!(matches!(settle("2", "TRADE_CLOSED").await, Settlement::NotPaid { .. }));
    assert_eq!(store.find(number).await.unwrap().unwrap().state, TradeState::Paid);
    assert_eq!(settle("1", "TRADE_CLOSED").await, Settlement::Refunded);
    assert_eq!(settle("1", "TRADE_CLOSED").await, Settlement::Duplicate);
    let stored = store.find(number).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.payments.len()), (TradeState::Refunded, 2));
}

#[tokio::test]
async fn one_life_told_in_full() {
    let folder = tempfile::tempdir().unwrap();
    life_of_an_order(&MemoryStore::new()).await;
    life_of_an_order(&sqlite(folder.path()).await).await;
}

/// The refund overtakes the word of the payment: the money is gone, so the word of it must deliver nothing.
async fn refunds_overtake_payments(store: &dyn OrderStore) {
    let shop = shop();
    let evidence = [("gmt_payment", "2026-09-22 00:00:00"), ("gmt_refund", "x"), ("refund_fee", "88.00")];
    for (index, (name, value)) in evidence.into_iter().enumerate() {
        for closed_before in [false, true] {
            let sold = order(&format!("unseen_{index}_{closed_before}"), "88.00");
            let number = &sold.out_trade_no;
            let draft = |trade_no: &str, status: &str| {
                let draft = shop.paid_draft().set("out_trade_no", number.as_str()).set("trade_no", trade_no);
                draft.without("gmt_payment").set("trade_status", status)
            };
            let settle = async |draft: NotifyDraft<'_>| {
                let notify = shop.checked(draft.signed().unwrap().body(), &sold);
                store.settle(&notify, NOW).await.unwrap()
            };
            store.create(&sold, NOW).await.unwrap();
            store.mark_pending(number, NOW).await.unwrap();
            if closed_before {
                store.close(number, NOW).await.unwrap();
            }
            let unpaid = settle(draft("1", "TRADE_CLOSED").set("refund_fee", "0.00")).await;
            assert!(matches!(unpaid, Settlement::NotPaid { .. }));
            assert!(store.find(number).await.unwrap().unwrap().payments.is_empty());

            assert_eq!(settle(draft("1", "TRADE_CLOSED").set(name, value)).await, Settlement::Refunded);
            assert_eq!(settle(draft("1", "TRADE_CLOSED").set(name, value)).await, Settlement::Duplicate);
            assert_eq!(settle(draft("1", "TRADE_SUCCESS")).await, Settlement::Duplicate);
            // A second trade came and went as well; a third is still here.
            let second = settle(draft("2", "TRADE_CLOSED").set(name, value)).await;
            assert!(matches!(second, Settlement::NotPaid { .. }));
            assert_eq!(settle(draft("2", "TRADE_SUCCESS")).await, Settlement::Duplicate);
            assert!(matches!(settle(draft("3", "TRADE_SUCCESS")).await, Settlement::PaidTwice { .. }));
            let stored = store.find(number).await.unwrap().unwrap();
            assert_eq!((stored.state, stored.payments.len()), (TradeState::Refunded, 3));
        }
    }
}

#[tokio::test]
async fn refunded_money_is_never_answered_as_paid() {
    let folder = tempfile::tempdir().unwrap();
    refunds_overtake_payments(&MemoryStore::new()).await;
    refunds_overtake_payments(&sqlite(folder.path()).await).await;
}
