//! The job over gateways that fail as told, and the memory store.

use super::*;
use crate::bill::{Bill, BillDay, BillLine, Movement};
use crate::desk::{Asked, Checkout, Receipt};
use crate::fake::{Clock, FakeGateway, Fault};
use crate::store::{MemoryStore, OrderStore, Step};
use crate::{
    CallbackUrl, Channel, Money, Order, OutTradeNo, Refund, RefundState, RefundStatus, Scene, Settlement,
    Subject, TradeState,
};
use std::sync::Arc;

/// 2026-09-21 23:33 in China.
const NOW: UnixMillis = UnixMillis::from_millis(1_790_004_780_000);

struct Shop {
    desk: Desk,
    wechat: Arc<FakeGateway>,
    unionpay: Arc<FakeGateway>,
    clock: Arc<Clock>,
    store: Arc<MemoryStore>,
}

fn shop() -> Shop {
    let (wechat, unionpay) = (FakeGateway::new(Channel::Wechat), FakeGateway::new(Channel::Unionpay));
    let (wechat, unionpay) = (Arc::new(wechat), Arc::new(unionpay));
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(Clock::at(NOW)));
    let url = || CallbackUrl::parse("https://shop.example/notify").unwrap();
    let desk = Desk::new(store.clone(), clock.clone());
    let desk =
        desk.with_gateway(wechat.clone(), url()).unwrap().with_gateway(unionpay.clone(), url()).unwrap();
    unionpay.books().closes = false;
    Shop { desk, wechat, unionpay, clock, store }
}

fn order(number: &str) -> Order {
    let number = OutTradeNo::parse(number).unwrap();
    Order::new(number, Subject::parse("课").unwrap(), Money::parse_yuan("88.00").unwrap())
}

impl Shop {
    async fn send(&self, number: &str, channel: Channel) {
        let checkout = Checkout::new(channel, order(number), Scene::Qr);
        let _qr_code = self.desk.checkout(&checkout).await.unwrap();
    }

    async fn sell(&self, number: &str) {
        self.send(number, Channel::Wechat).await;
        self.wechat.pay_now(&order(number));
        let asked = self.desk.ask(&order(number).out_trade_no, Channel::Wechat).await.unwrap();
        assert!(matches!(asked, Asked::Told(Receipt::Trade { settlement: Settlement::Paid, .. })));
    }

    async fn state(&self, number: &str) -> TradeState {
        self.store.find(&order(number).out_trade_no).await.unwrap().unwrap().state
    }

    async fn run(&self) -> ReconcileReport {
        let report = Reconciler::new(self.desk.clone()).run(Cursor::default()).await;
        assert!(report.stopped_by.is_none());
        report
    }

    fn refund(&self, number: &str, refund_no: &str, yuan: &str) -> Refund {
        let order = order(number);
        let trade = (Channel::Wechat, self.wechat.trade_no(&order.out_trade_no));
        let refund_no = RefundNo::parse(refund_no).unwrap();
        Refund::new(refund_no, order.out_trade_no, trade, order.amount, Money::parse_yuan(yuan).unwrap())
    }

    async fn refund_state(&self, number: &str) -> RefundState {
        self.store.find_refund(&RefundNo::parse(number).unwrap()).await.unwrap().unwrap().state
    }
}

#[tokio::test]
async fn a_lost_notify_is_found_and_a_young_order_is_left_alone() {
    let shop = shop();
    shop.send("COURSE_1", Channel::Wechat).await;
    shop.wechat.pay_now(&order("COURSE_1"));
    assert!(shop.run().await.orders.is_empty());
    shop.clock.forward_secs(61);
    shop.send("COURSE_2", Channel::Wechat).await;
    let report = shop.run().await;
    assert_eq!(report.orders.len(), 1);
    assert_eq!(shop.state("COURSE_1").await, TradeState::Paid);
    assert!(report.orders[0].closing.is_none());
    assert!(shop.run().await.orders.is_empty(), "a paid order is not asked about again");
}

#[tokio::test]
async fn one_failing_order_stops_no_other() {
    let shop = shop();
    for number in ["COURSE_1", "COURSE_2", "COURSE_3"] {
        shop.send(number, Channel::Wechat).await;
        shop.wechat.pay_now(&order(number));
    }
    shop.clock.forward_secs(61);
    shop.wechat.books().faults.push_back(Fault::Fails);
    let report = shop.run().await;
    assert_eq!(report.orders.len(), 3);
    assert!(report.orders[0].asked[0].asked.is_err());
    assert_eq!(shop.state("COURSE_1").await, TradeState::Pending);
    for number in ["COURSE_2", "COURSE_3"] {
        assert_eq!(shop.state(number).await, TradeState::Paid);
    }
    let report = shop.run().await;
    assert_eq!((report.orders.len(), shop.state("COURSE_1").await), (1, TradeState::Paid));
}

#[tokio::test]
async fn an_unpaid_order_is_closed_at_the_gateway_first() {
    let shop = shop();
    shop.send("COURSE_1", Channel::Wechat).await;
    shop.clock.forward_secs(2 * 3_600);
    // As long as the gateway does not say that it is closed there, it stays open here.
    for fault in [Fault::Fails, Fault::RequestLost, Fault::ReplyLost] {
        let reconciler = Reconciler::new(shop.desk.clone());
        let stored = shop.store.find(&order("COURSE_1").out_trade_no).await.unwrap().unwrap();
        let answer = [ChannelAnswer { channel: Channel::Wechat, asked: Ok(Asked::NotFound) }];
        shop.wechat.books().faults.push_back(fault);
        let closing = reconciler.close(&stored, &answer).await;
        assert!(matches!(closing, Closing::Failed(_) | Closing::Unknown { .. }), "{closing:?}");
        assert_eq!(shop.state("COURSE_1").await, TradeState::Pending);
    }
    let report = shop.run().await;
    let closing = report.orders[0].closing.as_ref().unwrap();
    assert!(matches!(closing, Closing::Closed(Step::Moved(TradeState::Closed))), "{closing:?}");
    assert_eq!(shop.state("COURSE_1").await, TradeState::Closed);
}

#[tokio::test]
async fn a_buyer_who_comes_back_is_not_closed_out() {
    let shop = shop();
    shop.send("COURSE_1", Channel::Wechat).await;
    shop.clock.forward_secs(2 * 3_600 - 60);
    shop.send("COURSE_1", Channel::Wechat).await;
    shop.clock.forward_secs(61);
    let report = shop.run().await;
    assert_eq!(report.orders.len(), 1);
    assert!(report.orders[0].closing.is_none(), "{report:?}");
    assert_eq!(shop.state("COURSE_1").await, TradeState::Pending);
    shop.clock.forward_secs(2 * 3_600 - 61);
    assert!(matches!(shop.run().await.orders[0].closing, Some(Closing::Closed(Step::Moved(_)))));
}

#[tokio::test]
async fn an_order_that_changed_since_it_was_read_is_left_alone() {
    let shop = shop();
    shop.send("COURSE_1", Channel::Wechat).await;
    let number = order("COURSE_1").out_trade_no;
    let page = shop.store.find(&number).await.unwrap().unwrap();
    shop.clock.forward_secs(2 * 3_600);
    shop.send("COURSE_1", Channel::Wechat).await;
    shop.wechat.books().calls.clear();
    let finding = Reconciler::new(shop.desk.clone()).look_at(&page).await;
    let closing = finding.closing.unwrap();
    assert!(matches!(closing, Closing::Closed(Step::Changed(TradeState::Pending))), "{closing:?}");
    assert_eq!(shop.wechat.books().calls, ["query"], "nor is its trade closed at the gateway");
    assert_eq!(shop.state("COURSE_1").await, TradeState::Pending);
    // The store decides: what changes after that look is seen by it.
    let late = shop.store.close_if(&number, page.updated_at, shop.desk.now()).await.unwrap();
    assert_eq!(late, Step::Changed(TradeState::Pending));
}

#[tokio::test]
async fn a_payment_that_shows_first_with_a_refund_delivers_nothing_and_stays_in_sight() {
    let shop = shop();
    shop.send("COURSE_1", Channel::Wechat).await;
    shop.wechat.pay_now(&order("COURSE_1"));
    shop.wechat.books().trades.get_mut("COURSE_1").unwrap().refund_asked = true;
    shop.clock.forward_secs(2 * 3_600);
    for _ in 0..2 {
        let report = shop.run().await;
        let Ok(Asked::Told(Receipt::Trade { settlement, .. })) = &report.orders[0].asked[0].asked else {
            panic!("{report:?}")
        };
        assert_eq!(*settlement, Settlement::NotPaid { status: crate::TradeStatus::Paid });
        assert!(report.orders[0].closing.is_none());
        assert_eq!(shop.state("COURSE_1").await, TradeState::Pending);
    }
    assert!(shop.store.take_work(shop.desk.now(), 1, 9).await.unwrap().is_empty(), "nothing is delivered");
}

#[tokio::test]
async fn a_buyer_who_pays_while_the_order_is_closed_has_paid() {
    let shop = shop();
    shop.send("COURSE_1", Channel::Wechat).await;
    shop.clock.forward_secs(2 * 3_600);
    shop.wechat.books().pays_before_close = true;
    let report = shop.run().await;
    let closing = report.orders[0].closing.as_ref().unwrap();
    assert!(matches!(closing, Closing::PaidMeanwhile { channel: Channel::Wechat, .. }), "{closing:?}");
    assert_eq!(shop.state("COURSE_1").await, TradeState::Paid, "and in time, not late");
}

#[tokio::test]
async fn every_gateway_has_to_be_closed_before_the_order_is() {
    let shop = shop();
    shop.send("COURSE_1", Channel::Wechat).await;
    shop.send("COURSE_1", Channel::Unionpay).await;
    shop.clock.forward_secs(2 * 3_600);
    // UnionPay has no call to close, and its trade waits.
    let report = shop.run().await;
    let closing = report.orders[0].closing.as_ref().unwrap();
    assert!(matches!(closing, Closing::StillPayable { channel: Channel::Unionpay }), "{closing:?}");
    assert_eq!(shop.state("COURSE_1").await, TradeState::Pending);
    // One answer is missing: nothing is closed.
    shop.wechat.books().faults.push_back(Fault::Fails);
    assert!(shop.run().await.orders[0].closing.is_none());
    // Its trade is gone by its own time limit.
    shop.unionpay.books().trades.clear();
    let closing = &shop.run().await.orders[0].closing;
    assert!(matches!(closing, Some(Closing::Closed(_))), "{closing:?}");
    assert_eq!(shop.state("COURSE_1").await, TradeState::Closed);
}

#[tokio::test]
async fn a_trade_over_another_amount_keeps_the_order_open_and_is_told() {
    let shop = shop();
    shop.send("COURSE_1", Channel::Wechat).await;
    shop.wechat.books().trades.get_mut("COURSE_1").unwrap().amount = Money::parse_yuan("0.01").unwrap();
    shop.clock.forward_secs(2 * 3_600);
    let report = shop.run().await;
    assert!(matches!(report.orders[0].asked[0].asked, Ok(Asked::Told(Receipt::Mismatch(_)))));
    assert!(report.orders[0].closing.is_none());
    assert_eq!(shop.state("COURSE_1").await, TradeState::Pending);
}

#[tokio::test]
async fn open_refunds_are_found_out_or_asked_for_again_under_the_same_number() {
    let shop = shop();
    for (index, fault) in [Fault::ReplyLost, Fault::RequestLost, Fault::Fails].into_iter().enumerate() {
        let number = format!("COURSE_{index}");
        shop.sell(&number).await;
        shop.wechat.books().faults.push_back(fault);
        let answer = shop.desk.refund(&shop.refund(&number, &format!("REFUND_{index}"), "30.00")).await;
        assert_eq!(answer.is_err(), fault == Fault::Fails);
        assert_eq!(shop.refund_state(&format!("REFUND_{index}")).await, RefundState::Requested);
    }
    shop.clock.forward_secs(61);
    let report = shop.run().await;
    assert_eq!(report.refunds.len(), 3);
    for index in 0..3 {
        assert_eq!(shop.refund_state(&format!("REFUND_{index}")).await, RefundState::Succeeded);
        assert_eq!(shop.state(&format!("COURSE_{index}")).await, TradeState::PartiallyRefunded);
    }
    assert_eq!(shop.wechat.books().refunds.len(), 3);
}

#[tokio::test]
async fn runs_go_on_where_the_last_one_stopped() {
    let shop = shop();
    for number in 0..7 {
        shop.send(&format!("COURSE_{number}"), Channel::Wechat).await;
    }
    shop.clock.forward_secs(61);
    let patience = Patience { entries_max: 3, ..Patience::default() };
    let reconciler = Reconciler::new(shop.desk.clone()).with_patience(patience);
    let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
    for expected in [3, 3, 1, 3] {
        let report = reconciler.run(cursor).await;
        assert_eq!(report.orders.len(), expected);
        seen.extend(report.orders.into_iter().map(|finding| finding.out_trade_no.to_string()));
        cursor = report.next;
    }
    let expected: Vec<_> = [0, 1, 2, 3, 4, 5, 6, 0, 1, 2].map(|number| format!("COURSE_{number}")).to_vec();
    assert_eq!(seen, expected);
}

fn line(shop: &Shop, number: &str, movement: Movement, yuan: &str) -> BillLine {
    let trade_no = shop.wechat.trade_no(&order(number).out_trade_no);
    BillLine::new(movement, number, trade_no, Money::parse_yuan(yuan).unwrap())
}

#[tokio::test]
async fn a_day_is_compared_with_a_second_look_at_what_seems_missing() {
    let shop = shop();
    let day = BillDay::of(NOW);
    shop.sell("COURSE_1").await;
    // Recorded after midnight, paid before it.
    shop.clock.forward_secs(30 * 60);
    assert_ne!(BillDay::of(shop.desk.now()), day);
    shop.sell("COURSE_2").await;
    // Recorded ten hours later: the notify was lost.
    shop.clock.forward_secs(10 * 3_600);
    shop.sell("COURSE_3").await;
    shop.sell("COURSE_4").await;
    shop.wechat.books().refund_status = Some(RefundStatus::Processing);
    let _processing = shop.desk.refund(&shop.refund("COURSE_4", "REFUND_4", "5.00")).await.unwrap();

    let reconciler = Reconciler::new(shop.desk.clone());
    assert!(reconciler.compare_day(Channel::Wechat, day).await.unwrap().is_none(), "no bill yet");
    let refunded = Movement::Refund { refund_no: Some("REFUND_4".to_owned()), succeeded: true };
    let lines = vec![
        line(&shop, "COURSE_1", Movement::Payment, "88.00"),
        line(&shop, "COURSE_2", Movement::Payment, "88.00"),
        line(&shop, "COURSE_3", Movement::Payment, "88.00"),
        line(&shop, "COURSE_9", Movement::Payment, "88.00"),
        line(&shop, "COURSE_4", refunded, "5.00"),
    ];
    shop.wechat.books().bills.insert(day, Bill::new(Channel::Wechat, day, lines.clone()));
    let report = reconciler.compare_day(Channel::Wechat, day).await.unwrap().unwrap();
    assert_eq!(report.matched, 3, "{report:?}");
    assert_eq!(report.missing_here, [lines[3].clone()]);
    assert_eq!(report.state_differs.len(), 1);
    assert_eq!(report.state_differs[0].ours, RefundState::Processing);
    assert!(report.missing_there.is_empty() && report.near_midnight.is_empty());

    // The next day: what was recorded just after midnight is found in the bill of the day before.
    let next = BillDay::of(day.ends_at());
    shop.wechat.books().bills.insert(next, Bill::new(Channel::Wechat, next, vec![]));
    let report = reconciler.compare_day(Channel::Wechat, next).await.unwrap().unwrap();
    assert_eq!((report.matched, report.near_midnight.len()), (1, 0), "{report:?}");
    let missing: Vec<_> =
        report.missing_there.iter().map(|movement| movement.out_trade_no.as_str()).collect();
    assert_eq!(missing, ["COURSE_3", "COURSE_4"]);
}

#[tokio::test]
async fn a_line_that_the_bill_holds_twice_is_missing_once() {
    let shop = shop();
    let day = BillDay::of(NOW);
    shop.sell("COURSE_1").await;
    shop.sell("COURSE_2").await;
    let _refunded = shop.desk.refund(&shop.refund("COURSE_2", "REFUND_2", "5.00")).await.unwrap();
    shop.clock.forward_secs(10 * 3_600);
    // Recorded late, and outside of what is compared with the bill.
    shop.sell("COURSE_3").await;
    let refunded = Movement::Refund { refund_no: Some("REFUND_2".to_owned()), succeeded: true };
    let paid = line(&shop, "COURSE_1", Movement::Payment, "88.00");
    let back = line(&shop, "COURSE_2", refunded, "5.00");
    let lines = vec![
        paid.clone(),
        line(&shop, "COURSE_2", Movement::Payment, "88.00"),
        back.clone(),
        paid.clone(),
        back.clone(),
        line(&shop, "COURSE_3", Movement::Payment, "88.00"),
    ];
    shop.wechat.books().bills.insert(day, Bill::new(Channel::Wechat, day, lines));
    let report = Reconciler::new(shop.desk.clone()).compare_day(Channel::Wechat, day).await.unwrap().unwrap();
    assert_eq!((report.matched, report.missing_here.clone()), (4, vec![paid, back]), "{report:?}");
    assert!(!report.is_clean());
}
