//! The desk over a gateway that fails as told, and the memory store.

mod checkout;
mod faults;
mod give_up;
mod receive;
mod refund;

use crate::desk::{Checkout, CheckoutOutcome, Desk, Receipt};
use crate::fake::{Clock, FakeGateway, FlakyStore};
use crate::store::OrderStore;
use crate::{
    Ack, CallbackUrl, Channel, Error, Gateway as _, Money, Order, OutTradeNo, Refund, RefundNo, RefundState,
    Scene, Settlement, Subject, TradeState, UnixMillis,
};
use bytes::Bytes;
use http::{Request, StatusCode};
use std::sync::Arc;

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
