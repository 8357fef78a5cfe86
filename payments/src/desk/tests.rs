//! The desk over a gateway that fails as told, and the memory store.

use super::*;
use crate::fake::{Clock, FakeGateway, Fault, FlakyStore, Trade};
use crate::store::{RefundStart, Task};
use crate::{
    Money, Order, PayWith, Refund, RefundState, RefundStatus, Scene, Subject, TradeState, TradeStatus,
};
use bytes::Bytes;
use http::{Request, StatusCode};

mod give_up;

const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);

struct Shop {
    desk: Desk,
    gateway: Arc<FakeGateway>,
    clock: Arc<Clock>,
    store: Arc<FlakyStore>,
}

fn shop() -> Shop {
    let (gateway, clock) = (Arc::new(FakeGateway::new(Channel::Wechat)), Arc::new(Clock::at(NOW)));
    let store = Arc::new(FlakyStore::default());
    let desk = Desk::new(store.clone(), clock.clone()).with_gateway(gateway.clone(), notify_url()).unwrap();
    Shop { desk, gateway, clock, store }
}

fn notify_url() -> CallbackUrl {
    CallbackUrl::parse("https://shop.example/notify").unwrap()
}

fn order() -> Order {
    let number = OutTradeNo::parse("COURSE_0001").unwrap();
    Order::new(number, Subject::parse("课").unwrap(), Money::parse_yuan("88.00").unwrap())
}

fn checkout(scene: Scene) -> Checkout {
    Checkout::new(Channel::Wechat, order(), scene)
}

fn bar_code() -> Scene {
    Scene::BarCode { auth_code: "134567890123456789".to_owned() }
}

fn part(number: &str, yuan: &str, gateway: &FakeGateway) -> Refund {
    let order = order();
    let trade_no = gateway.trade_no(&order.out_trade_no);
    let amount = Money::parse_yuan(yuan).unwrap();
    let number = RefundNo::parse(number).unwrap();
    Refund::new(number, order.out_trade_no, (gateway.channel(), trade_no), order.amount, amount)
}

impl Shop {
    async fn post(&self, body: &str) -> (StatusCode, Result<Receipt, Error>) {
        let request = Request::post("/notify").body(Bytes::from(body.to_owned())).unwrap();
        let received = self.desk.receive(Channel::Wechat, &request).await;
        let words = if received.response.status().is_success() { "success" } else { "fail" };
        assert_eq!(received.response.body(), words);
        (received.response.status(), received.receipt)
    }

    async fn settled(&self, body: &str) -> Settlement {
        match self.post(body).await {
            (status, Ok(Receipt::Trade { settlement, .. })) => {
                assert_eq!(status.is_success(), settlement.ack() == Ack::Success);
                settlement
            }
            other => panic!("{other:?}"),
        }
    }

    async fn state(&self) -> TradeState {
        self.store.find(&order().out_trade_no).await.unwrap().unwrap().state
    }

    async fn refund_state(&self, number: &str) -> RefundState {
        self.store.find_refund(&RefundNo::parse(number).unwrap()).await.unwrap().unwrap().state
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.gateway.books().calls)
    }

    /// An order that is paid.
    async fn sell(&self) {
        assert!(matches!(self.desk.checkout(&checkout(Scene::Qr)).await.unwrap(), CheckoutOutcome::Pay(_)));
        self.gateway.pay_now(&order());
        assert_eq!(self.settled("trade COURSE_0001").await, Settlement::Paid);
        self.calls();
    }
}

#[tokio::test]
async fn a_notify_is_settled_once_and_acknowledged_as_often_as_it_comes() {
    let shop = shop();
    shop.sell().await;
    for _ in 0..3 {
        assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::Duplicate);
    }
    assert_eq!(shop.state().await, TradeState::Paid);
    let work = shop.store.take_work(NOW, 1, 9).await.unwrap();
    assert_eq!(work.len(), 1, "one delivery: {work:?}");
}

#[tokio::test]
async fn late_and_double_payments_are_acknowledged_and_leave_work() {
    let shop = shop();
    let number = order().out_trade_no;
    let other = Arc::new(FakeGateway::new(Channel::Alipay));
    let desk = shop.desk.clone().with_gateway(other.clone(), notify_url()).unwrap();
    assert!(matches!(desk.checkout(&checkout(Scene::Qr)).await.unwrap(), CheckoutOutcome::Pay(_)));
    shop.store.close(&number, NOW).await.unwrap();
    shop.gateway.pay_now(&order());
    assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::PaidAfterClose);

    other.pay_now(&order());
    let request = Request::post("/").body(Bytes::from_static(b"trade COURSE_0001")).unwrap();
    let received = desk.receive(Channel::Alipay, &request).await;
    assert_eq!(received.response.status(), StatusCode::OK);
    let Ok(Receipt::Trade { settlement: Settlement::PaidTwice { first }, .. }) = received.receipt else {
        panic!("{:?}", received.receipt);
    };
    assert_eq!(first, shop.gateway.trade_no(&number));

    // Both of them bought nothing; each is given back once, however often the work is done.
    let mut refunded = Vec::new();
    for _ in 0..2 {
        let work = shop.store.take_work(NOW, 1, 9).await.unwrap().remove(0);
        let Task::GiveBack { channel, trade_no } = &work.task else { panic!("{work:?}") };
        for _ in 0..2 {
            refunded.push(desk.give_back(&work.out_trade_no, *channel, trade_no).await.unwrap());
        }
        shop.store.finish_work(&work).await.unwrap();
    }
    let over = RefundStart::Same(RefundState::Succeeded);
    for (index, answer) in refunded.iter().enumerate() {
        match answer {
            RefundAnswer::Told(Receipt::Refund { .. }) => assert_eq!(index % 2, 0),
            RefundAnswer::NotStarted(start) => assert_eq!((start, index % 2), (&over, 1)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((shop.gateway.books().refunds.len(), other.books().refunds.len()), (1, 1));
}

#[tokio::test]
async fn what_is_not_ours_is_not_acknowledged_and_changes_nothing() {
    let shop = shop();
    let _paying = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap();
    let trade = |yuan: &str| Trade {
        trade_no: "T9".to_owned(),
        amount: Money::parse_yuan(yuan).unwrap(),
        status: TradeStatus::Paid,
        refund_asked: false,
    };
    shop.gateway.books().trades.insert("COURSE_0001".to_owned(), trade("0.01"));
    let (status, receipt) = shop.post("trade COURSE_0001").await;
    assert!(!status.is_success());
    let Ok(Receipt::Mismatch(mismatch)) = receipt else { panic!("{receipt:?}") };
    assert_eq!(mismatch.field(), crate::MismatchField::Amount);
    assert_eq!(shop.state().await, TradeState::Pending);

    for number in ["OTHERS_0001", "?"] {
        shop.gateway.books().trades.insert(number.to_owned(), trade("88.00"));
        let (status, receipt) = shop.post(&format!("trade {number}")).await;
        assert!(!status.is_success());
        assert_eq!(receipt.unwrap(), Receipt::UnknownOrder { number: number.to_owned() });
    }

    let refund = part("REFUND_1", "1.00", &shop.gateway);
    shop.gateway.books().refunds.insert("REFUND_1".to_owned(), (refund, RefundStatus::Succeeded));
    let (status, receipt) = shop.post("refund REFUND_1").await;
    assert!(!status.is_success());
    assert_eq!(receipt.unwrap(), Receipt::UnknownRefund { number: "REFUND_1".to_owned() });

    let (status, receipt) = shop.post("forged").await;
    assert!(!status.is_success());
    assert_eq!(receipt.unwrap_err().kind(), crate::ErrorKind::Unverified);
    let (status, receipt) = shop.post(&"x".repeat(NOTIFY_BYTES_MAX + 1)).await;
    assert!(!status.is_success());
    assert_eq!(receipt.unwrap_err().kind(), crate::ErrorKind::InvalidInput);

    let request = Request::post("/").body(Bytes::new()).unwrap();
    let received = shop.desk.receive(Channel::Unionpay, &request).await;
    assert_eq!(received.response.status(), StatusCode::NOT_FOUND);
    assert_eq!(received.receipt.unwrap_err().kind(), crate::ErrorKind::Misuse);
}

#[tokio::test]
async fn one_channel_has_one_gateway() {
    let shop = shop();
    let second = Arc::new(FakeGateway::new(Channel::Wechat));
    let error = shop.desk.with_gateway(second, notify_url()).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Misuse);
}

#[tokio::test]
async fn a_checkout_records_before_it_asks_and_repeats_as_the_same_trade() {
    let shop = shop();
    shop.gateway.books().faults.push_back(Fault::Fails);
    assert!(shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap_err().is_transient());
    assert_eq!(shop.state().await, TradeState::Pending, "the visit is recorded before the gateway is asked");

    // The second visit is the same trade: it is named by the moment of the first.
    shop.clock.forward_secs(60);
    let answer = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap();
    let CheckoutOutcome::Pay(PayWith::QrCode { text }) = answer else { panic!("{answer:?}") };
    assert_eq!(text, format!("qr://COURSE_0001/{}", NOW.as_millis()));

    let mut dearer = checkout(Scene::Qr);
    dearer.order.amount = Money::parse_yuan("99.00").unwrap();
    assert!(matches!(shop.desk.checkout(&dearer).await.unwrap(), CheckoutOutcome::Conflict { .. }));
    shop.gateway.pay_now(&order());
    assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::Paid);
    let calls = shop.calls();
    let again = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap();
    assert!(matches!(again, CheckoutOutcome::NotOpen(TradeState::Paid)), "{again:?}");
    assert_eq!((calls.len(), shop.calls().len()), (2, 0), "a paid order is not sent to the gateway");
}

#[tokio::test]
async fn a_checkout_without_an_answer_is_marked_and_found_out_by_asking() {
    for (fault, expected) in [(Fault::ReplyLost, TradeState::Paid), (Fault::RequestLost, TradeState::Unknown)]
    {
        let shop = shop();
        shop.gateway.books().faults.push_back(fault);
        let answer = shop.desk.checkout(&checkout(bar_code())).await.unwrap();
        assert!(matches!(answer, CheckoutOutcome::Unknown(_)), "{answer:?}");
        assert_eq!(shop.state().await, TradeState::Unknown);
        let asked = shop.desk.ask(&order().out_trade_no, Channel::Wechat).await.unwrap();
        assert_eq!(asked == Asked::NotFound, fault == Fault::RequestLost, "{asked:?}");
        assert_eq!(shop.state().await, expected);
        // The notify of the same payment is a duplicate.
        if expected == TradeState::Paid {
            assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::Duplicate);
        }
    }
}

#[tokio::test]
async fn a_bar_code_is_settled_by_the_reply() {
    let shop = shop();
    let answer = shop.desk.checkout(&checkout(bar_code())).await.unwrap();
    let CheckoutOutcome::Told(Receipt::Trade { settlement, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(settlement, Settlement::Paid);
    assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::Duplicate);
}

#[tokio::test]
async fn asking_tells_apart_what_there_is_to_ask() {
    let shop = shop();
    let number = order().out_trade_no;
    assert_eq!(shop.desk.ask(&number, Channel::Wechat).await.unwrap(), Asked::UnknownOrder);
    shop.store.create(&order(), NOW).await.unwrap();
    assert_eq!(shop.desk.ask(&number, Channel::Wechat).await.unwrap(), Asked::NotSubmitted);
}

#[tokio::test]
async fn a_refund_moves_money_once_however_often_it_is_asked_for() {
    // Whatever becomes of the first two requests, the third finds out.
    let faults = [None, Some(Fault::Fails), Some(Fault::ReplyLost), Some(Fault::RequestLost)];
    for first in faults {
        for second in faults {
            let shop = shop();
            shop.sell().await;
            let refund = part("REFUND_1", "30.00", &shop.gateway);
            for fault in [first, second, None] {
                shop.gateway.books().faults.extend(fault);
                let answer = shop.desk.refund(&refund).await;
                assert!(!matches!(answer, Ok(RefundAnswer::Refused { .. })), "{first:?} {second:?}");
                shop.gateway.books().faults.clear();
            }
            assert_eq!(shop.gateway.books().refunds.len(), 1);
            assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Succeeded, "{first:?} {second:?}");
            assert_eq!(shop.state().await, TradeState::PartiallyRefunded);
        }
    }
}

#[tokio::test]
async fn a_refusal_is_believed_only_when_the_gateway_has_no_such_refund() {
    let shop = shop();
    shop.sell().await;
    let refund = part("REFUND_1", "30.00", &shop.gateway);
    shop.gateway.books().refuse_refunds = true;
    let answer = shop.desk.refund(&refund).await.unwrap();
    assert!(matches!(&answer, RefundAnswer::Refused { code, .. } if code == "NOT_ENOUGH"), "{answer:?}");
    assert_eq!(shop.calls(), ["refund", "query_refund"]);
    assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Requested, "it may be asked for again");

    // Another process asks in between, and sees its refund acted upon; ours is refused and tells the truth.
    let done = (refund.clone(), RefundStatus::Processing);
    let counter = shop.desk.counter(Channel::Wechat).unwrap();
    shop.gateway.books().refunds.insert("REFUND_1".to_owned(), done);
    let asked = crate::RefundRef { refund: refund.clone(), requested_at: NOW };
    let answer = shop.desk.ask_for(counter, &asked).await.unwrap();
    assert!(matches!(answer, RefundAnswer::Told(Receipt::Refund { .. })), "{answer:?}");
    assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Processing);
}

#[tokio::test]
async fn a_second_refund_takes_no_more_than_is_left() {
    let shop = shop();
    shop.sell().await;
    for (number, yuan, fits) in
        [("REFUND_1", "60.00", true), ("REFUND_2", "60.00", false), ("REFUND_3", "28.00", true)]
    {
        let answer = shop.desk.refund(&part(number, yuan, &shop.gateway)).await.unwrap();
        match answer {
            RefundAnswer::Told(_) => assert!(fits, "{number}"),
            RefundAnswer::NotStarted(RefundStart::Exceeds { left }) => {
                assert_eq!((fits, left), (false, Some(Money::parse_yuan("28.00").unwrap())));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shop.state().await, TradeState::Refunded);
    assert_eq!(shop.calls(), ["refund", "refund"], "what exceeds never reaches the gateway");
    let again = shop.desk.refund(&part("REFUND_1", "60.00", &shop.gateway)).await.unwrap();
    assert!(matches!(again, RefundAnswer::NotStarted(RefundStart::Same(RefundState::Succeeded))));
    assert!(shop.calls().is_empty());
}

#[tokio::test]
async fn a_refund_notify_is_settled_and_acknowledged() {
    let shop = shop();
    shop.sell().await;
    shop.gateway.books().refund_status = Some(RefundStatus::Processing);
    let answer = shop.desk.refund(&part("REFUND_1", "88.00", &shop.gateway)).await.unwrap();
    assert!(matches!(answer, RefundAnswer::Told(_)), "{answer:?}");
    assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Processing);
    shop.gateway.books().refunds.get_mut("REFUND_1").unwrap().1 = RefundStatus::Succeeded;
    let moved = RefundSettlement::Moved { refund: RefundState::Succeeded, order: TradeState::Refunded };
    for expected in [moved, RefundSettlement::Duplicate] {
        let (status, receipt) = shop.post("refund REFUND_1").await;
        assert_eq!(status, StatusCode::OK);
        let refund_no = RefundNo::parse("REFUND_1").unwrap();
        assert_eq!(receipt.unwrap(), Receipt::Refund { refund_no, settlement: expected });
    }
    // An older message that arrives last contradicts, and is acknowledged, or it would come for days.
    shop.gateway.books().refunds.get_mut("REFUND_1").unwrap().1 = RefundStatus::Processing;
    let (status, receipt) = shop.post("refund REFUND_1").await;
    assert_eq!(status, StatusCode::OK);
    assert!(matches!(receipt.unwrap(), Receipt::Refund { settlement: RefundSettlement::Refused(_), .. }));
}

/// A store call that fails: the how manieth, and whether it had done its part.
fn store_faults() -> impl Iterator<Item = (u32, bool)> {
    (0..6).flat_map(|calls_before| [(calls_before, false), (calls_before, true)])
}

#[tokio::test]
async fn a_store_that_fails_makes_the_gateway_tell_again_and_nothing_is_lost_or_doubled() {
    let mut failed = 0;
    for (calls_before, acted) in store_faults() {
        let shop = shop();
        let _paying = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap();
        shop.gateway.pay_now(&order());
        shop.store.fail_after(calls_before, acted);
        let (status, receipt) = shop.post("trade COURSE_0001").await;
        assert_eq!(status.is_success(), receipt.is_ok());
        if let Err(error) = receipt {
            failed += 1;
            assert!(error.is_transient());
        }
        shop.store.heal();
        let settled = shop.settled("trade COURSE_0001").await;
        assert!(matches!(settled, Settlement::Paid | Settlement::Duplicate), "{settled:?}");
        assert_eq!(shop.state().await, TradeState::Paid);
        assert_eq!(shop.store.take_work(NOW, 1, 9).await.unwrap().len(), 1, "one delivery");
    }
    assert_eq!(failed, 4, "an order is found and settled, and each of them fails before and after");
}

#[tokio::test]
async fn a_store_that_fails_in_a_checkout_leaves_an_order_that_can_be_paid() {
    for fault in [None, Some(Fault::ReplyLost)] {
        for (calls_before, acted) in store_faults() {
            let shop = shop();
            shop.gateway.books().faults.extend(fault);
            shop.store.fail_after(calls_before, acted);
            let first = shop.desk.checkout(&checkout(Scene::Qr)).await;
            assert!(first.is_ok() || first.unwrap_err().is_transient());
            shop.store.heal();
            shop.gateway.books().faults.clear();
            let again = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap();
            assert!(matches!(again, CheckoutOutcome::Pay(_)), "{again:?}");
            shop.gateway.pay_now(&order());
            assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::Paid);
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_in_a_refund_moves_money_once_all_the_same() {
    for fault in [None, Some(Fault::ReplyLost), Some(Fault::RequestLost)] {
        for (calls_before, acted) in store_faults() {
            let shop = shop();
            shop.sell().await;
            let refund = part("REFUND_1", "30.00", &shop.gateway);
            shop.gateway.books().faults.extend(fault);
            shop.store.fail_after(calls_before, acted);
            let first = shop.desk.refund(&refund).await;
            assert!(first.is_ok() || first.unwrap_err().is_transient());
            shop.store.heal();
            shop.gateway.books().faults.clear();
            let _over_or_told = shop.desk.refund(&refund).await.unwrap();
            assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Succeeded);
            assert_eq!(shop.gateway.books().refunds.len(), 1);
            assert_eq!(shop.state().await, TradeState::PartiallyRefunded);
        }
    }
}

#[tokio::test]
async fn what_the_gateway_does_not_take_is_not_recorded() {
    let shop = shop();
    shop.gateway.books().takes_no_value = true;
    let error = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
    assert_eq!(shop.store.find(&order().out_trade_no).await.unwrap(), None);
    shop.gateway.books().takes_no_value = false;
    shop.sell().await;
    shop.gateway.books().takes_no_value = true;
    let refund = part("REFUND_1", "88.00", &shop.gateway);
    let error = shop.desk.refund(&refund).await.unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
    assert_eq!(shop.store.find_refund(&refund.refund_no).await.unwrap(), None);
    assert!(shop.calls().is_empty());
}
