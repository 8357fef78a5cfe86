//! The front door over real signatures: what Alipay posts, what it is answered, and what is settled; then the whole
//! way through the sandbox, with everything that goes wrong there.

use crate::loopback::Loopback;
use crate::support::{NOW, NUMBER, Shop, number, order, shop, yuan};
use bytes::Bytes;
use http::{Request, StatusCode};
use payments::alipay::Alipay;
use payments::desk::{Checkout, CheckoutOutcome, Desk, NOTIFY_BYTES_MAX, Receipt, Received, RefundAnswer};
use payments::reconcile::{Closing, Cursor, Patience, Reconciler};
use payments::sandbox::{Mischief, NotifyDraft, Sandbox, Switch, generate_key};
use payments::store::{MemoryStore, RefundSettlement, Step};
use payments::{
    Ack, BillDay, CallbackUrl, Channel, Client, ErrorKind, MismatchField, OutTradeNo, PayWith, Refund,
    RefundNo, RefundState, Scene, Settlement, TradeNo, TradeState,
};
use std::sync::Arc;

fn url(path: &str) -> CallbackUrl {
    CallbackUrl::parse(&format!("https://shop.example{path}")).unwrap()
}

fn desk_over(merchant: &payments::alipay::Merchant, loopback: &Loopback) -> Desk {
    let client = Client::new(Arc::new(loopback.clone()), Arc::new(loopback.clone()));
    let alipay = Arc::new(Alipay::new(merchant.clone(), client));
    let desk = Desk::new(Arc::new(MemoryStore::new()), Arc::new(loopback.clone()));
    desk.with_gateway(alipay, url("/alipay/notify")).unwrap()
}

/// A desk with one order of 88.00 that the buyer is paying.
async fn desk(shop: &Shop) -> Desk {
    let nowhere = Loopback::new(Sandbox::new("http://127.0.0.1:8070").unwrap(), NOW);
    let desk = desk_over(&shop.merchant, &nowhere);
    desk.store().create(&order(NUMBER, "88.00"), NOW).await.unwrap();
    let _submission = desk.store().submit(&number(NUMBER), Channel::Alipay, NOW).await.unwrap();
    desk
}

async fn post(desk: &Desk, body: Bytes) -> Received {
    let request = Request::post("https://shop.example/notify").body(body).unwrap();
    let received = desk.receive(Channel::Alipay, &request).await;
    assert_eq!(received.response.status(), StatusCode::OK);
    let acknowledged = received.receipt.as_ref().is_ok_and(|receipt| receipt.ack() == Ack::Success);
    // The seven characters, or four others: Alipay reads the body and not the status.
    assert_eq!(received.response.body(), if acknowledged { "success" } else { "fail" });
    received
}

fn signed(draft: NotifyDraft<'_>) -> Bytes {
    draft.signed().unwrap().into_body()
}

async fn is_pending(desk: &Desk) -> bool {
    let stored = desk.store().find(&number(NUMBER)).await.unwrap().unwrap();
    stored.payments.is_empty() && stored.state == TradeState::Pending
}

#[tokio::test]
async fn a_payment_is_settled_once_and_answered_with_seven_characters_each_time() {
    let shop = shop();
    let desk = desk(&shop).await;
    let mut settled = Vec::new();
    for status in ["WAIT_BUYER_PAY", "TRADE_SUCCESS", "TRADE_SUCCESS", "TRADE_FINISHED"] {
        let body = signed(shop.paid_draft().set("trade_status", status));
        let Ok(Receipt::Trade { settlement, .. }) = post(&desk, body).await.receipt else {
            panic!("{status}")
        };
        settled.push(settlement);
    }
    assert!(matches!(settled[0], Settlement::NotPaid { .. }));
    assert_eq!(settled[1..], [Settlement::Paid, Settlement::Duplicate, Settlement::Duplicate]);
}

#[tokio::test]
async fn sixty_four_deliveries_at_once_are_settled_once() {
    let shop = shop();
    let (desk, body) = (desk(&shop).await, signed(shop.paid_draft()));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (desk, body) = (desk.clone(), body.clone());
            tokio::spawn(async move { post(&desk, body).await.receipt.unwrap() })
        })
        .collect();
    let mut paid = 0;
    for task in tasks {
        match task.await.unwrap() {
            Receipt::Trade { settlement: Settlement::Paid, .. } => paid += 1,
            Receipt::Trade { settlement: Settlement::Duplicate, .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(paid, 1);
    assert_eq!(desk.store().take_work(NOW, 1, 9).await.unwrap().len(), 1, "one delivery");
}

#[tokio::test]
async fn what_the_gateway_did_not_sign_is_not_settled() {
    let shop = shop();
    let desk = desk(&shop).await;
    let stranger = generate_key().unwrap();
    let honest = signed(shop.paid_draft());
    let text = std::str::from_utf8(&honest).unwrap();
    let doubled = format!("{text}&trade_status=TRADE_SUCCESS");
    let forged = [
        shop.paid_draft().with_sign("").unwrap().into_body(),
        shop.paid_draft().with_sign("AAAA").unwrap().into_body(),
        shop.paid_draft().signed_by(&stranger).unwrap().into_body(),
        Bytes::from(text.replace("88.00", "88.01")),
        Bytes::from(doubled),
        Bytes::from(format!("{text}&x={}", "y".repeat(NOTIFY_BYTES_MAX))),
        Bytes::new(),
    ];
    for body in forged {
        let error = post(&desk, body.clone()).await.receipt.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Unverified | ErrorKind::InvalidInput),
            "{error:?} {body:?}"
        );
        assert!(is_pending(&desk).await);
    }
}

#[tokio::test]
async fn a_genuine_message_about_something_else_is_not_settled() {
    let shop = shop();
    let desk = desk(&shop).await;
    let others = [
        ("app_id", "2021000000000000", MismatchField::AppId),
        ("seller_id", "2088000000000000", MismatchField::SellerId),
        ("total_amount", "0.01", MismatchField::Amount),
    ];
    for (name, value, field) in others {
        let receipt = post(&desk, signed(shop.paid_draft().set(name, value))).await.receipt.unwrap();
        let Receipt::Mismatch(mismatch) = receipt else { panic!("{receipt:?}") };
        assert_eq!(mismatch.field(), field);
        assert!(is_pending(&desk).await);
    }
    let receipt = post(&desk, signed(shop.paid_draft().set("out_trade_no", "OTHERS_0001"))).await.receipt;
    assert_eq!(receipt.unwrap(), Receipt::UnknownOrder { number: "OTHERS_0001".to_owned() });
    assert!(is_pending(&desk).await);
    // Another order of ours, at another price: the number decides which price is expected.
    desk.store().create(&order("COURSE_0002", "99.00"), NOW).await.unwrap();
    let receipt = post(&desk, signed(shop.paid_draft().set("out_trade_no", "COURSE_0002"))).await.receipt;
    assert!(
        matches!(receipt.unwrap(), Receipt::Mismatch(mismatch) if mismatch.field() == MismatchField::Amount)
    );
    let stored = desk.store().find(&OutTradeNo::parse("COURSE_0002").unwrap()).await.unwrap().unwrap();
    assert_eq!((stored.payments.len(), stored.order.amount), (0, yuan("99.00")));
}

/// A shop beside a sandbox in the same process.
struct Street {
    desk: Desk,
    loopback: Loopback,
}

fn street() -> Street {
    let shop = shop();
    let loopback = Loopback::new(shop.gateway, NOW);
    Street { desk: desk_over(&shop.merchant, &loopback), loopback }
}

impl Street {
    /// The buyer is sent to the gateway's page; gives the token of that page.
    async fn visit(&self, number: &str) -> String {
        let checkout = Checkout::new(Channel::Alipay, order(number, "88.00"), Scene::Page);
        let checkout = checkout.returning_to(url("/alipay/return"));
        let outcome = self.desk.checkout(&checkout).await.unwrap();
        let CheckoutOutcome::Pay(PayWith::Redirect { url }) = outcome else { panic!("{outcome:?}") };
        let page = self.loopback.get(&url);
        let html = std::str::from_utf8(page.body()).unwrap();
        html.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    fn pay(&self, token: &str) -> StatusCode {
        self.loopback.post("/cashier/pay", &format!("token={token}")).status()
    }

    fn switch(&self, mischief: Mischief, switch: Switch) {
        self.loopback.sandbox().misbehave(None, mischief, switch);
    }

    /// Delivers what is due, answers the gateway as the desk says, and gives what became of each message.
    async fn deliver(&self) -> Vec<Received> {
        let mut all = Vec::new();
        for delivery in self.loopback.sandbox().due(self.loopback.now()) {
            let received = self.desk.receive(Channel::Alipay, &delivery.request).await;
            let answer = (received.response.status(), received.response.body().as_ref());
            self.loopback.sandbox().answered(delivery.id, Some(answer), self.loopback.now());
            all.push(received);
        }
        all
    }

    async fn state(&self, text: &str) -> TradeState {
        self.desk.store().find(&number(text)).await.unwrap().unwrap().state
    }

    async fn trade_no(&self, text: &str) -> TradeNo {
        self.desk.store().find(&number(text)).await.unwrap().unwrap().payments[0].trade_no.clone()
    }

    async fn refund(&self, text: &str, refund_no: &str, amount: &str) -> Refund {
        let trade = (Channel::Alipay, self.trade_no(text).await);
        let refund_no = RefundNo::parse(refund_no).unwrap();
        Refund::new(refund_no, number(text), trade, yuan("88.00"), yuan(amount))
    }

    fn reconciler(&self) -> Reconciler {
        Reconciler::new(self.desk.clone())
    }
}

#[tokio::test]
async fn from_checkout_to_the_bill_of_the_day() {
    let street = street();
    let token = street.visit(NUMBER).await;
    assert_eq!(street.pay(&token), StatusCode::SEE_OTHER);
    let received = street.deliver().await;
    assert!(matches!(&received[0].receipt, Ok(Receipt::Trade { settlement: Settlement::Paid, .. })));
    street.loopback.advance_millis(100_000_000);
    assert!(street.deliver().await.is_empty(), "an acknowledged notify does not come again");

    let refund = street.refund(NUMBER, "REFUND_1", "30.00").await;
    let moved =
        RefundSettlement::Moved { refund: RefundState::Succeeded, order: TradeState::PartiallyRefunded };
    let answer = street.desk.refund(&refund).await.unwrap();
    let RefundAnswer::Told(Receipt::Refund { settlement, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(settlement, moved);

    let (paid_on, refunded_on) = (BillDay::of(NOW), BillDay::of(street.loopback.now()));
    street.loopback.advance_millis(100_000_000);
    for day in [paid_on, refunded_on] {
        let report = street.reconciler().compare_day(Channel::Alipay, day).await.unwrap().unwrap();
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(report.matched, 1);
    }
}

#[tokio::test]
async fn forged_wrong_and_doubled_messages_beside_the_honest_one_settle_once() {
    let street = street();
    for mischief in [Mischief::Forged, Mischief::WrongAmount, Mischief::Duplicate] {
        street.switch(mischief, Switch::On);
    }
    let token = street.visit(NUMBER).await;
    street.pay(&token);
    let receipts: Vec<_> = street.deliver().await.into_iter().map(|received| received.receipt).collect();
    let [forged, wrong, first, second] = <[_; 4]>::try_from(receipts).unwrap();
    assert_eq!(forged.unwrap_err().kind(), ErrorKind::Unverified);
    assert!(matches!(wrong.unwrap(), Receipt::Mismatch(_)));
    assert!(matches!(first.unwrap(), Receipt::Trade { settlement: Settlement::Paid, .. }));
    assert!(matches!(second.unwrap(), Receipt::Trade { settlement: Settlement::Duplicate, .. }));
}

#[tokio::test]
async fn a_lost_notify_is_found_by_asking() {
    let street = street();
    street.switch(Mischief::Lost, Switch::On);
    let token = street.visit(NUMBER).await;
    street.pay(&token);
    assert!(street.deliver().await.is_empty());
    street.loopback.advance_millis(61_000);
    let report = street.reconciler().run(Cursor::default()).await;
    assert!(report.stopped_by.is_none() && report.orders.len() == 1, "{report:?}");
    assert_eq!(street.state(NUMBER).await, TradeState::Paid);
}

#[tokio::test]
async fn a_refund_whose_replies_are_lost_moves_money_once() {
    for mischief in [Mischief::ReplyLost, Mischief::ReplyGarbled, Mischief::Busy] {
        let street = street();
        let token = street.visit(NUMBER).await;
        street.pay(&token);
        street.deliver().await;
        let refund = street.refund(NUMBER, "REFUND_1", "30.00").await;
        street.switch(mischief, Switch::On);
        let answer = street.desk.refund(&refund).await.unwrap();
        assert!(matches!(answer, RefundAnswer::Unknown(_)), "{mischief:?} {answer:?}");
        assert_eq!(street.state(NUMBER).await, TradeState::Paid);
        street.switch(mischief, Switch::Off);
        street.loopback.advance_millis(61_000);
        let report = street.reconciler().run(Cursor::default()).await;
        assert_eq!(report.refunds.len(), 1);
        // What the gateway has as done cannot be asked for twice: the rest is still there, and no more.
        assert_eq!(street.state(NUMBER).await, TradeState::PartiallyRefunded, "{mischief:?} {report:?}");
        let rest = street.refund(NUMBER, "REFUND_2", "58.00").await;
        let answer = street.desk.refund(&rest).await.unwrap();
        assert!(matches!(answer, RefundAnswer::Told(Receipt::Refund { .. })), "{answer:?}");
        assert_eq!(street.state(NUMBER).await, TradeState::Refunded);
    }
}

#[tokio::test]
async fn an_order_that_is_closed_here_cannot_be_paid_there() {
    let street = street();
    let token = street.visit(NUMBER).await;
    street.loopback.advance_millis(3_600_000);
    let mut patience = Patience::default();
    patience.close_after_secs = 3_600;
    let report = street.reconciler().with_patience(patience).run(Cursor::default()).await;
    let closing = &report.orders[0].closing;
    assert!(matches!(closing, Some(Closing::Closed(Step::Moved(TradeState::Closed)))), "{closing:?}");
    street.pay(&token);
    for received in street.deliver().await {
        let told = received.receipt.unwrap();
        assert!(matches!(told, Receipt::Trade { settlement: Settlement::NotPaid { .. }, .. }), "{told:?}");
    }
    assert_eq!(street.state(NUMBER).await, TradeState::Closed);
}
