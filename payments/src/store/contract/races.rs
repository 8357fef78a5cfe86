//! Many at once, over two pools of one database: each effect once.

use super::NOW;
use super::facts::{Said, order, refund, refund_said, said, trade};
use crate::refund::RefundStatus;
use crate::store::{Creation, OrderStore, RefundSettlement, RefundStart, RefundStep, Task};
use crate::{Channel, RefundState, Settlement, TradeNo, TradeState};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::task::JoinSet;

const TASKS: usize = 64;

type Stores = [Arc<dyn OrderStore>; 2];

/// Runs the tasks at once and gives their answers in the order of their numbers.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    stores: &Stores,
    tasks: usize,
    task: impl Fn(usize, Arc<dyn OrderStore>) -> F,
) -> Vec<T> {
    let mut set = JoinSet::new();
    for index in 0..tasks {
        let running = task(index, Arc::clone(&stores[index % 2]));
        set.spawn(async move { (index, running.await) });
    }
    set.join_all().await.into_iter().collect::<BTreeMap<_, _>>().into_values().collect()
}

pub(super) async fn all(stores: &Stores) {
    one_creation(stores).await;
    one_delivery(stores).await;
    one_first_trade(stores).await;
    no_refund_too_many(stores).await;
    one_refund_of_a_number(stores).await;
    one_refund_told_often(stores).await;
    dropped_or_told(stores).await;
    work_is_taken_once(stores).await;
}

async fn one_creation(stores: &Stores) {
    let asked = |index: usize| order("RACE_CREATE", if index.is_multiple_of(3) { 99 } else { 100 });
    let answers = at_once(stores, TASKS, |index, store| {
        let asked = asked(index);
        async move { store.create(&asked, NOW).await.unwrap() }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == Creation::Created).count(), 1);
    let stored = stores[0].find(&asked(0).out_trade_no).await.unwrap().unwrap().order;
    for (index, answer) in answers.into_iter().enumerate() {
        match answer {
            Creation::Created | Creation::Same => assert_eq!(stored, asked(index)),
            Creation::Conflict { stored: told } => {
                assert_ne!(stored, asked(index));
                assert_eq!(*told, stored);
            }
        }
    }
}

async fn one_delivery(stores: &Stores) {
    let sold = order("RACE_SAME", 100);
    stores[0].create(&sold, NOW).await.unwrap();
    let notified = sold.clone();
    let answers = at_once(stores, TASKS, move |_, store| {
        let notify = said(&notified, trade(0), Said::Paid);
        async move { store.settle(&notify, NOW).await.unwrap() }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == Settlement::Paid).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Settlement::Duplicate).count(), TASKS - 1);
    assert_eq!(stores[1].find(&sold.out_trade_no).await.unwrap().unwrap().payments.len(), 1);
}

async fn one_first_trade(stores: &Stores) {
    let sold = order("RACE_TRADES", 100);
    let number = &sold.out_trade_no;
    stores[0].create(&sold, NOW).await.unwrap();
    let notified = sold.clone();
    let answers = at_once(stores, TASKS, move |index, store| {
        let trade = (Channel::Wechat, TradeNo::parse(&format!("{index}")).unwrap());
        let notify = said(&notified, trade, Said::Paid);
        async move { store.settle(&notify, NOW).await.unwrap() }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == Settlement::Paid).count(), 1);
    let stored = stores[1].find(number).await.unwrap().unwrap();
    let trades: BTreeSet<_> = stored.payments.iter().map(|payment| payment.trade_no.clone()).collect();
    assert_eq!((stored.state, trades.len(), stored.payments.len()), (TradeState::Paid, TASKS, TASKS));
    let first = &stored.payments[0].trade_no;
    let twice =
        |answer: &Settlement| matches!(answer, Settlement::PaidTwice { first: told } if told == first);
    assert_eq!(answers.iter().filter(|answer| twice(answer)).count(), TASKS - 1);
}

async fn no_refund_too_many(stores: &Stores) {
    let sold = order("RACE_REFUNDS", 100);
    stores[0].create(&sold, NOW).await.unwrap();
    let paid = stores[0].settle(&said(&sold, trade(0), Said::Paid), NOW).await.unwrap();
    assert_eq!(paid, Settlement::Paid);
    let number = sold.out_trade_no.clone();
    let answers = at_once(stores, TASKS, move |index, store| {
        let asked = refund(&format!("RACE_PART{index}"), &number, trade(0), 100, 30);
        async move { store.begin_refund(&asked, NOW).await.unwrap() }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == RefundStart::Started).count(), 3);
    let left = Some(super::fen(10));
    assert_eq!(answers.iter().filter(|answer| **answer == RefundStart::Exceeds { left }).count(), TASKS - 3);
    assert_eq!(stores[1].refunds_of(&sold.out_trade_no).await.unwrap().len(), 3);
}

/// The number is taken by one of many orders; the locks of the orders do not see each other.
async fn one_refund_of_a_number(stores: &Stores) {
    let sold = |index: usize| order(&format!("RACE_NUMBER{index}"), 100);
    for index in 0..TASKS {
        stores[0].create(&sold(index), NOW).await.unwrap();
        let paid = stores[0].settle(&said(&sold(index), trade(0), Said::Paid), NOW).await.unwrap();
        assert_eq!(paid, Settlement::Paid);
    }
    let answers = at_once(stores, TASKS, move |index, store| {
        let asked = refund("RACE_NUMBER", &sold(index).out_trade_no, trade(0), 100, 100);
        async move { (store.begin_refund(&asked, NOW).await.unwrap(), asked) }
    })
    .await;
    let won: Vec<_> = answers.iter().filter(|(answer, _)| *answer == RefundStart::Started).collect();
    let [(_, won)] = won[..] else { panic!("{} refunds of one number", won.len()) };
    let lost = RefundStart::Conflict { stored: Box::new(won.clone()) };
    assert_eq!(answers.iter().filter(|(answer, _)| *answer == lost).count(), TASKS - 1);
}

async fn one_refund_told_often(stores: &Stores) {
    let sold = order("RACE_TOLD", 100);
    let asked = refund("RACE_TOLD", &sold.out_trade_no, trade(0), 100, 100);
    stores[0].create(&sold, NOW).await.unwrap();
    let paid = stores[0].settle(&said(&sold, trade(0), Said::Paid), NOW).await.unwrap();
    assert_eq!(
        (paid, stores[0].begin_refund(&asked, NOW).await.unwrap()),
        (Settlement::Paid, RefundStart::Started)
    );
    // Half of them are replies about the refund, half are notifies that the trade is closed.
    let (told, closed) = (asked.clone(), sold.clone());
    let withdrawn = at_once(stores, TASKS, move |index, store| {
        let reply = refund_said(&told, RefundStatus::Succeeded);
        let notify = said(&closed, trade(0), Said::Refunded);
        async move {
            if index / 2 % 2 == 0 {
                let answer = store.settle_refund(&reply, NOW).await.unwrap();
                matches!(answer, RefundSettlement::Moved { .. })
            } else {
                store.settle(&notify, NOW).await.unwrap() == Settlement::Refunded
            }
        }
    })
    .await;
    let moved = withdrawn.into_iter().filter(|moved| *moved).count();
    assert!((1..=2).contains(&moved), "the refund moves once, the order perhaps before it: {moved}");
    assert_eq!(stores[1].find(&sold.out_trade_no).await.unwrap().unwrap().state, TradeState::Refunded);
    let stored = stores[1].find_refund(&asked.refund_no).await.unwrap().unwrap();
    assert_eq!(stored.state, RefundState::Succeeded);
}

/// Half of them give the refund up, half hear that the gateway has it: the first one wins, the others see that.
async fn dropped_or_told(stores: &Stores) {
    let sold = order("RACE_DROP", 100);
    let asked = refund("RACE_DROP", &sold.out_trade_no, trade(0), 100, 100);
    stores[0].create(&sold, NOW).await.unwrap();
    let paid = stores[0].settle(&said(&sold, trade(0), Said::Paid), NOW).await.unwrap();
    assert_eq!(
        (paid, stores[0].begin_refund(&asked, NOW).await.unwrap()),
        (Settlement::Paid, RefundStart::Started)
    );
    let told = asked.clone();
    let answers = at_once(stores, TASKS, move |index, store| {
        let (reply, number) = (refund_said(&told, RefundStatus::Processing), told.refund_no.clone());
        async move {
            if index / 2 % 2 == 0 {
                (Some(store.settle_refund(&reply, NOW).await.unwrap()), None)
            } else {
                (None, Some(store.drop_refund(&number, NOW.plus_secs(300)).await.unwrap()))
            }
        }
    })
    .await;
    let state = stores[1].find_refund(&asked.refund_no).await.unwrap().unwrap().state;
    let (settled, dropped) = match state {
        RefundState::Closed => (RefundSettlement::Refused(state), RefundStep::Same),
        _ => (RefundSettlement::Duplicate, RefundStep::Refused(RefundState::Processing)),
    };
    let moved = RefundSettlement::Moved { refund: RefundState::Processing, order: TradeState::Paid };
    let others = answers.iter().filter(|answer| match answer {
        (Some(settlement), _) => *settlement == settled,
        (_, step) => *step == Some(dropped),
    });
    assert_eq!(others.count(), TASKS - 1, "{answers:?}");
    let first = answers.iter().filter(|answer| match state {
        RefundState::Closed => answer.1 == Some(RefundStep::Moved),
        _ => answer.0 == Some(moved),
    });
    assert_eq!(first.count(), 1, "{answers:?}");
}

/// Everything that the races before have left is done by eight workers: each piece once, an order's pieces in order.
async fn work_is_taken_once(stores: &Stores) {
    let done = at_once(stores, 8, |_, store| async move {
        let mut done = Vec::new();
        loop {
            let work = store.take_work(NOW, 60_000, 3).await.unwrap();
            // Nothing for this worker now; what others hold may have more behind it, which they take themselves.
            if work.is_empty() {
                return done;
            }
            for piece in work {
                assert!(store.finish_work(&piece).await.unwrap());
                done.push(piece);
            }
        }
    })
    .await;
    let mut rest = Vec::new();
    loop {
        let work = stores[0].take_work(NOW, 60_000, 100).await.unwrap();
        if work.is_empty() {
            break;
        }
        for piece in work {
            assert!(stores[1].finish_work(&piece).await.unwrap());
            rest.push(piece);
        }
    }
    let all: Vec<_> = done.into_iter().flatten().chain(rest).collect();
    assert_eq!(all.iter().map(|work| work.id).collect::<BTreeSet<_>>().len(), all.len(), "no piece twice");
    let count = |wanted: fn(&Task) -> bool| all.iter().filter(|work| wanted(&work.task)).count();
    // One for each order that was paid; one for each trade that paid after the first; one for the refunded order.
    assert_eq!(count(|task| *task == Task::Deliver), 5 + TASKS);
    assert_eq!(count(|task| matches!(task, Task::GiveBack { .. })), TASKS - 1);
    assert_eq!(count(|task| *task == Task::Withdraw), 1);
}
