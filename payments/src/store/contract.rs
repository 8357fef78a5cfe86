//! The contract of order stores: random commands, answered alike by every store. The memory store is the specification.
//!
//! It stands inside of the crate, because only here a message can be made verified without a gateway's key.

mod answer;
mod commands;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod databases;
mod facts;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod races;
mod walk;

use self::commands::commands;
use self::facts::{Said, fen, order, refund, said, trade};
use self::walk::Walk;
use super::{Creation, MemoryStore, OrderStore, RefundSettlement, RefundStart, Step, Task};
use crate::notify::{Channel, TradeStatus};
use crate::refund::RefundStatus;
use crate::{Error, RefundState, Settlement, TradeState, UnixMillis};
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);

/// Empties a store between two walks.
type Wipe<'a> = &'a (dyn Fn() -> super::BoxFuture<'static, ()> + Sync);

/// Random walks over a fresh memory store and, beside it, over `store`. Gives the answers that came.
fn answers_as_memory(
    runtime: &tokio::runtime::Runtime,
    store: Option<&Arc<dyn OrderStore>>,
    wipe: Wipe<'_>,
    cases: u32,
) -> BTreeSet<String> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let seen = RefCell::new(BTreeSet::new());
    let outcome = TestRunner::new(config).run(&commands(), |commands| {
        runtime.block_on(async {
            wipe().await;
            let mut walk = Walk::new(store.map(Arc::clone));
            for command in commands {
                walk.step(&command).await?;
            }
            walk.end().await?;
            seen.borrow_mut().append(&mut walk.seen);
            Ok(())
        })
    });
    outcome.unwrap();
    seen.into_inner()
}

/// The rare answers, which a random walk has to reach, or the agreement means little.
const ANSWERS: &str = "Create Conflict, Create Same, Submit Refused, Submit UnknownOrder, Unknown Moved, Fail Moved, \
     Close Refused, Settle Paid, Settle PaidAfterClose, Settle PaidTwice, Settle Refunded, Settle Duplicate, \
     Settle NotPaid, Settle AmountDiffers, Settle UnknownOrder, Begin Started, Begin Same, Begin Conflict, \
     Begin Exceeds, Begin PaidDiffers, Begin UnknownTrade, Begin UnknownOrder, SettleRefund Moved, \
     SettleRefund Duplicate, SettleRefund Refused, SettleRefund UnknownRefund, SettleRefund AmountDiffers, \
     Drop Moved, Drop Same, Drop Refused, Drop TooSoon, Drop UnknownRefund, Renew Renewed, Renew Over, \
     Renew UnknownRefund, CloseIf Moved, CloseIf Changed, CloseIf UnknownOrder, \
     Take Deliver, Take GiveBack, Take Withdraw, Finish true, Finish false, \
     Postpone true, Postpone false, OpenOrders some, OpenRefunds some, \
     Movements some";

#[test]
fn the_specification_keeps_its_promises() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let seen = answers_as_memory(&runtime, None, &|| Box::pin(std::future::ready(())), 256);
    for wanted in ANSWERS.split(", ") {
        assert!(seen.iter().any(|answer| answer.starts_with(wanted)), "never seen: {wanted}");
    }
}

/// A part goes back, then the rest; the order follows, and its goods are taken back once.
async fn refunds_in_parts(store: &dyn OrderStore) -> Result<(), Error> {
    let sold = order("PARTS_0001", 100);
    let number = &sold.out_trade_no;
    store.create(&sold, NOW).await?;
    let asks = |refund_no: &str, minor| refund(refund_no, number, trade(0), 100, minor);
    let (one, two) = (asks("PARTS_R1", 30), asks("PARTS_R2", 70));
    assert_eq!(store.begin_refund(&one, NOW).await?, RefundStart::UnknownTrade);
    assert_eq!(store.settle(&said(&sold, trade(0), Said::Paid), NOW).await?, Settlement::Paid);
    assert_eq!(store.begin_refund(&one, NOW).await?, RefundStart::Started);
    assert_eq!(store.begin_refund(&one, NOW.plus_secs(9)).await?, RefundStart::Same(RefundState::Requested));
    assert_eq!(
        store.begin_refund(&asks("PARTS_R3", 71), NOW).await?,
        RefundStart::Exceeds { left: Some(fen(70)) }
    );
    assert_eq!(store.begin_refund(&two, NOW).await?, RefundStart::Started);
    assert_eq!(store.begin_refund(&asks("PARTS_R3", 1), NOW).await?, RefundStart::Exceeds { left: None });

    let tell = async |refund, status, secs| {
        store.settle_refund(&facts::refund_said(refund, status), NOW.plus_secs(secs)).await
    };
    let moved = |refund, order| RefundSettlement::Moved { refund, order };
    let first = tell(&one, RefundStatus::Succeeded, 1).await?;
    assert_eq!(first, moved(RefundState::Succeeded, TradeState::PartiallyRefunded));
    assert_eq!(tell(&one, RefundStatus::Succeeded, 2).await?, RefundSettlement::Duplicate);
    assert_eq!(store.find_refund(&one.refund_no).await?.unwrap().updated_at, NOW.plus_secs(1));
    // The second is closed, asked for again under another number, and succeeds after all: the money is gone twice.
    let closed = tell(&two, RefundStatus::Closed, 2).await?;
    assert_eq!(closed, moved(RefundState::Closed, TradeState::PartiallyRefunded));
    let again = asks("PARTS_R4", 70);
    assert_eq!(store.begin_refund(&again, NOW.plus_secs(3)).await?, RefundStart::Started);
    let whole = tell(&again, RefundStatus::Succeeded, 4).await?;
    assert_eq!(whole, moved(RefundState::Succeeded, TradeState::Refunded));
    let revived = tell(&two, RefundStatus::Succeeded, 5).await?;
    assert_eq!(revived, moved(RefundState::Succeeded, TradeState::Refunded));
    let closing = store.settle(&said(&sold, trade(0), Said::Refunded), NOW.plus_secs(6)).await?;
    assert_eq!(closing, Settlement::Duplicate, "our own refund told it before");

    let names: Vec<_> =
        store.refunds_of(number).await?.into_iter().map(|stored| stored.refund.refund_no).collect();
    assert_eq!(names, [one.refund_no, two.refund_no.clone(), again.refund_no]);
    let movements = store.movements(trade(0).0, NOW, NOW.plus_secs(5)).await?;
    let amounts: Vec<_> = movements.iter().map(|movement| movement.amount.minor()).collect();
    assert_eq!(amounts, [100, 30, 70], "the moment at the end is of the next day");
    let mut tasks = Vec::new();
    while let [work] = &store.take_work(NOW.plus_secs(9), 1000, 9).await?[..] {
        tasks.push(work.task.clone());
        assert!(store.finish_work(work).await?);
    }
    assert_eq!(tasks, [Task::Deliver, Task::Withdraw]);
    Ok(())
}

/// Numbers are bytes: case counts, and so do the spaces at the end of a subject.
async fn keeps_every_name(store: &dyn OrderStore) -> Result<(), Error> {
    let (upper, lower) = (order("NAMES_000A", 100), order("names_000a", 1));
    let mut spaced = order("NAMES_000B", 100);
    spaced.subject = crate::Subject::parse(&format!("课 🎓 ' \" \\ ? $1 %{}", " ".repeat(3))).unwrap();
    for sold in [&upper, &lower, &spaced] {
        assert_eq!(store.create(sold, NOW).await?, Creation::Created);
        assert_eq!(store.create(sold, NOW.plus_secs(1)).await?, Creation::Same);
    }
    let plain = crate::Subject::parse(spaced.subject.as_str().trim_end()).unwrap();
    let other = crate::Order { subject: plain, ..spaced.clone() };
    assert_eq!(store.create(&other, NOW).await?, Creation::Conflict { stored: Box::new(spaced.clone()) });
    assert_eq!(store.settle(&said(&upper, trade(0), Said::Paid), NOW).await?, Settlement::Paid);
    assert_eq!(store.find(&lower.out_trade_no).await?.unwrap().state, TradeState::Created);
    for (refund_no, reason) in [("NAMES_R1", None), ("names_r1", Some("退 🎓 "))] {
        let asked = refund(refund_no, &upper.out_trade_no, trade(0), 100, 50);
        let asked = match reason {
            Some(reason) => asked.because(crate::Subject::parse(reason).unwrap()),
            None => asked,
        };
        assert_eq!(store.begin_refund(&asked, NOW).await?, RefundStart::Started);
        assert_eq!(store.find_refund(&asked.refund_no).await?.unwrap().refund, asked);
    }
    assert_eq!(
        store.submit(&lower.out_trade_no, Channel::Wechat, NOW).await?,
        super::Submission::Submitted { at: NOW }
    );
    assert_eq!(store.close(&upper.out_trade_no, NOW).await?, Step::Refused(TradeState::Paid));
    let waiting = store.settle(&said(&lower, trade(1), Said::Waiting), NOW).await?;
    assert_eq!(waiting, Settlement::NotPaid { status: TradeStatus::Waiting });
    Ok(())
}

/// Pages begin where the last one ended, also within one millisecond.
async fn pages_without_gaps(store: &dyn OrderStore) -> Result<(), Error> {
    let mut wanted = Vec::new();
    for index in 0..7_u64 {
        let sold = order(&format!("PAGES_{:04}", 6 - index), 100);
        store.create(&sold, NOW).await?;
        store.submit(&sold.out_trade_no, Channel::Alipay, NOW.plus_secs(index / 3)).await?;
        wanted.push((index / 3, sold.out_trade_no));
    }
    wanted.sort();
    for limit in [1, 2, 3, 100] {
        let (mut found, mut last) = (Vec::new(), None);
        // Bounded, so that a page that comes again is a failure and not a wait.
        for _page in 0..9 {
            let page = store.open_orders(NOW.plus_secs(2), last.as_ref(), limit).await?;
            assert!(page.len() <= usize::try_from(limit).unwrap());
            let Some(end) = page.last() else { break };
            last = Some(end.clone());
            found.extend(page.into_iter().map(|stored| stored.order.out_trade_no));
        }
        let wanted: Vec<_> =
            wanted.iter().filter(|(secs, _)| *secs < 2).map(|(_, number)| number.clone()).collect();
        assert_eq!(found, wanted, "{limit}");
    }
    Ok(())
}

#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
async fn lives(store: &dyn OrderStore, wipe: Wipe<'_>) {
    wipe().await;
    refunds_in_parts(store).await.unwrap();
    wipe().await;
    keeps_every_name(store).await.unwrap();
    wipe().await;
    pages_without_gaps(store).await.unwrap();
    wipe().await;
}

#[tokio::test]
async fn lives_in_memory() {
    refunds_in_parts(&MemoryStore::new()).await.unwrap();
    keeps_every_name(&MemoryStore::new()).await.unwrap();
    pages_without_gaps(&MemoryStore::new()).await.unwrap();
}
