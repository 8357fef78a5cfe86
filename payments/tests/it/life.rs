//! Lives of orders told in full: each store gives the same answers, written down here.

use crate::support::{NOW, order, shop, sqlite};
use payments::sandbox::NotifyDraft;
use payments::store::{Creation, MemoryStore, OrderStore, Step, Submission, Task, Work};
use payments::{Channel, Settlement, TradeState};

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
    store.submit(number, Channel::Alipay, NOW).await.unwrap();
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
            store.submit(number, Channel::Alipay, NOW).await.unwrap();
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

/// Every visit to the same gateway is the same trade; the answer of a lost call is not known by another visit.
async fn visits(store: &dyn OrderStore) {
    let sold = order("VISITS_0001", "88.00");
    let number = &sold.out_trade_no;
    let later = NOW.plus_secs(60);
    assert_eq!(store.submit(number, Channel::Alipay, NOW).await.unwrap(), Submission::UnknownOrder);
    assert_eq!(store.mark_unknown(number, NOW).await.unwrap(), Step::UnknownOrder);
    store.create(&sold, NOW).await.unwrap();
    let submit = async |channel, at| store.submit(number, channel, at).await.unwrap();
    assert_eq!(submit(Channel::Unionpay, NOW).await, Submission::Submitted { at: NOW });
    assert_eq!(submit(Channel::Unionpay, later).await, Submission::Submitted { at: NOW });
    // The trade keeps its moment, the order knows of the visit, at most once a second.
    assert_eq!(store.find(number).await.unwrap().unwrap().updated_at, later);
    let soon = payments::UnixMillis::from_millis(later.as_millis() + 999);
    assert_eq!(submit(Channel::Unionpay, soon).await, Submission::Submitted { at: NOW });
    assert_eq!(store.find(number).await.unwrap().unwrap().updated_at, later);
    assert_eq!(submit(Channel::Alipay, later).await, Submission::Submitted { at: later });
    assert_eq!(store.mark_unknown(number, later).await.unwrap(), Step::Moved(TradeState::Unknown));
    assert_eq!(submit(Channel::Wechat, later).await, Submission::Submitted { at: later });
    let stored = store.find(number).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.updated_at), (TradeState::Unknown, later));
    let visits = [(Channel::Unionpay, NOW), (Channel::Alipay, later), (Channel::Wechat, later)];
    assert_eq!(stored.submissions, visits);
    assert_eq!(store.fail(number, later).await.unwrap(), Step::Moved(TradeState::Failed));
    assert_eq!(store.fail(number, later).await.unwrap(), Step::Same(TradeState::Failed));
    assert_eq!(store.close(number, later).await.unwrap(), Step::Refused(TradeState::Failed));
    assert_eq!(submit(Channel::Alipay, later).await, Submission::Refused(TradeState::Failed));
}

#[tokio::test]
async fn a_trade_keeps_its_first_moment() {
    let folder = tempfile::tempdir().unwrap();
    visits(&MemoryStore::new()).await;
    visits(&sqlite(folder.path()).await).await;
}

/// Delivery first, then what follows from it; nothing is handed out twice while it is leased, nothing is lost after.
async fn work_in_order(store: &dyn OrderStore) {
    let shop = shop();
    let (one, other) = (order("WORK_00001", "88.00"), order("WORK_00002", "88.00"));
    let settle = async |sold: &payments::Order, trade_no: &str, status: &str| {
        let draft = shop.paid_draft().set("out_trade_no", sold.out_trade_no.as_str());
        let draft = draft.set("trade_no", trade_no).set("trade_status", status);
        let notify = shop.checked(draft.signed().unwrap().body(), sold);
        store.settle(&notify, NOW).await.unwrap()
    };
    for sold in [&one, &other] {
        store.create(sold, NOW).await.unwrap();
    }
    assert!(store.take_work(NOW, 1000, 9).await.unwrap().is_empty());
    assert_eq!(settle(&one, "11", "TRADE_SUCCESS").await, Settlement::Paid);
    assert!(matches!(settle(&one, "12", "TRADE_SUCCESS").await, Settlement::PaidTwice { .. }));
    assert_eq!(settle(&one, "11", "TRADE_CLOSED").await, Settlement::Refunded);
    store.close(&other.out_trade_no, NOW).await.unwrap();
    assert_eq!(settle(&other, "21", "TRADE_SUCCESS").await, Settlement::PaidAfterClose);
    let give_back = |trade_no: &str| Task::GiveBack {
        channel: Channel::Alipay,
        trade_no: payments::TradeNo::parse(trade_no).unwrap(),
    };
    let took = async |at, limit| {
        let work = store.take_work(at, 1000, limit).await.unwrap();
        let told = |work: Work| (work.clone(), work.out_trade_no, work.task);
        work.into_iter().map(told).collect::<Vec<_>>()
    };
    let first = took(NOW, 1).await;
    assert_eq!((&first[0].1, &first[0].2), (&one.out_trade_no, &Task::Deliver));
    let second = took(NOW, 9).await;
    assert_eq!(second.len(), 1, "the rest of the first order waits for its delivery");
    assert_eq!((&second[0].1, &second[0].2), (&other.out_trade_no, &give_back("21")));
    assert!(took(NOW, 9).await.is_empty());
    // The lease ends without a word of the worker: both come again, in the order of their numbers.
    let again = took(NOW.plus_secs(1), 9).await;
    let ids = |taken: &[(Work, _, _)]| taken.iter().map(|(work, _, _)| work.id).collect::<Vec<_>>();
    assert_eq!(ids(&again), [first[0].0.id, second[0].0.id]);
    // Who had them before is too late to finish them or to put them off.
    assert!(!store.finish_work(&first[0].0).await.unwrap());
    assert!(!store.postpone_work(&first[0].0, NOW).await.unwrap());
    assert!(store.finish_work(&again[0].0).await.unwrap());
    assert!(!store.finish_work(&again[0].0).await.unwrap());
    let third = took(NOW.plus_secs(1), 9).await;
    assert_eq!((third.len(), &third[0].2), (1, &give_back("12")));
    assert!(store.postpone_work(&again[1].0, NOW.plus_secs(9)).await.unwrap());
    assert!(took(NOW.plus_secs(8), 9).await.iter().all(|(work, _, _)| work.id == third[0].0.id));
    let third = took(NOW.plus_secs(9), 9).await;
    assert_eq!(third.iter().map(|(work, _, _)| work.attempts).collect::<Vec<_>>(), [0, 1]);
    for (work, _, _) in &third {
        assert!(store.finish_work(work).await.unwrap());
    }
    let last = took(NOW.plus_secs(9), 9).await;
    assert_eq!((last.len(), &last[0].2), (1, &Task::Withdraw));
    assert!(store.finish_work(&last[0].0).await.unwrap());
    assert!(took(NOW.plus_secs(99), 9).await.is_empty());
}

#[tokio::test]
async fn work_of_one_order_is_done_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    work_in_order(&MemoryStore::new()).await;
    work_in_order(&sqlite(folder.path()).await).await;
}
