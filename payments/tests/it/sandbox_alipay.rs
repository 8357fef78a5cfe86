//! Every call of the merchant's side against the sandbox's Alipay, which reads the manual on its own.

mod refunds;
mod rotation;
mod scenes;
mod signing;

use crate::loopback::Loopback;
use crate::support::{NOW, app_id, number, order, seller_id, yuan};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use payments::alipay::{Alipay, Endpoint, Merchant};
use payments::sandbox::{MerchantRegistration, Sandbox, SandboxAlipay, SandboxKeys, generate_key};
use payments::store::{MemoryStore, OrderStore as _};
use payments::{
    Ack, CallbackUrl, CloseOutcome, Gateway as _, Incoming, Notify, PayRequest, PayWith, PrivateKey,
    QueryOutcome, Refund, RefundNo, RefundOutcome, RefundRef, Scene, Settlement, TradeRef, TradeStatus,
    UnixMillis, Verified,
};

const ORIGIN: &str = "http://127.0.0.1:8070";
const NUMBER: &str = "COURSE_0001";

struct House {
    gateway: Alipay,
    loopback: Loopback,
}

fn registration(key: &PrivateKey) -> MerchantRegistration {
    MerchantRegistration { app_id: app_id(), seller_id: seller_id(), public_key: key.public_key().unwrap() }
}

fn endpoint() -> Endpoint {
    Endpoint::parse(&format!("{ORIGIN}/gateway.do")).unwrap()
}

fn house_of(side: SandboxAlipay, merchant: Merchant) -> House {
    let loopback = Loopback::new(Sandbox::new(ORIGIN).unwrap().with_alipay(side), NOW);
    House { gateway: Alipay::new(merchant, loopback.client()), loopback }
}

fn house() -> House {
    let (own, keys) = (generate_key().unwrap(), SandboxKeys::generate().unwrap());
    let (alipay, registration) = (keys.public_key().unwrap(), registration(&own));
    let merchant = Merchant::new(app_id(), seller_id(), endpoint(), own, alipay);
    house_of(SandboxAlipay::new(keys, registration), merchant)
}

fn callback(path: &str) -> CallbackUrl {
    CallbackUrl::parse(&format!("http://127.0.0.1:8080{path}")).unwrap()
}

fn request(scene: Scene) -> PayRequest {
    let request = PayRequest::new(order(NUMBER, "88.00"), scene, callback("/notify"), NOW);
    request.returning_to(callback("/return"))
}

fn trade() -> TradeRef {
    TradeRef { out_trade_no: number(NUMBER), submitted_at: NOW }
}

impl House {
    async fn pay(&self, scene: Scene) -> PayWith {
        self.gateway.pay(&request(scene)).await.unwrap().known().unwrap()
    }

    async fn query(&self) -> Option<TradeStatus> {
        match self.gateway.query(&trade()).await.unwrap() {
            QueryOutcome::Trade(notify) => Some(notify.status()),
            QueryOutcome::NotFound => None,
            other => panic!("{other:?}"),
        }
    }

    async fn close(&self) -> CloseOutcome {
        self.gateway.close(&trade()).await.unwrap().known().unwrap()
    }

    /// Presses the button of the cashier page.
    fn press(&self, page: &Response<Bytes>, button: &str) -> Response<Bytes> {
        let html = std::str::from_utf8(page.body()).unwrap();
        let token = html.split("name=\"token\" value=\"").nth(1).unwrap_or_else(|| panic!("{html}"));
        self.loopback
            .post(&format!("/cashier/{button}"), &format!("token={}", token.split('"').next().unwrap()))
    }

    fn incoming(&self) -> Vec<Notify<Verified>> {
        let notifies = self.loopback.notifies(&self.gateway.ack(Ack::Success));
        let read = notifies.into_iter().map(|notify| {
            let Incoming::Trade(trade) = self.gateway.read_notify(&notify, self.loopback.now()).unwrap()
            else {
                panic!("no trade")
            };
            *trade
        });
        read.collect()
    }

    /// Pays on Alipay's page and gives the notify.
    async fn paid(&self) -> Notify<Verified> {
        let PayWith::Redirect { url } = self.pay(Scene::Page).await else { panic!("no page") };
        assert_eq!(self.press(&self.loopback.get(&url), "pay").status(), StatusCode::SEE_OTHER);
        self.incoming().remove(0)
    }

    async fn refund(&self, refund: &RefundRef) -> RefundOutcome {
        self.gateway.refund(refund, &callback("/refund")).await.unwrap().known().unwrap()
    }
}

fn refund(paid: &Notify<Verified>, refund_no: &str, amount: &str) -> RefundRef {
    let refund = Refund::new(
        RefundNo::parse(refund_no).unwrap(),
        number(NUMBER),
        (payments::Channel::Alipay, paid.trade_no().clone()),
        yuan("88.00"),
        yuan(amount),
    );
    RefundRef { refund, requested_at: NOW }
}

/// The whole way through a store, over a notify that comes twice.
#[tokio::test]
async fn a_sale_is_settled_once() {
    let house = house();
    let (store, sold) = (MemoryStore::new(), order(NUMBER, "88.00"));
    store.create(&sold, NOW).await.unwrap();
    let PayWith::Redirect { url } = house.pay(Scene::Page).await else { panic!("no page") };
    house.press(&house.loopback.get(&url), "pay");
    let again = Response::builder().status(StatusCode::OK).body(Bytes::from_static(b"fail")).unwrap();
    let read = |notify: &Request<Bytes>| match house.gateway.read_notify(notify, NOW).unwrap() {
        Incoming::Trade(trade) => trade.check(&house.gateway.expected(&sold)).unwrap(),
        other => panic!("{other:?}"),
    };
    let first = house.loopback.notifies(&again).remove(0);
    assert_eq!(store.settle(&read(&first), NOW).await.unwrap(), Settlement::Paid);
    assert!(house.loopback.notifies(&again).is_empty());
    house.loopback.advance_millis(240_000);
    let second = house.loopback.notifies(&house.gateway.ack(Ack::Success)).remove(0);
    assert_eq!(store.settle(&read(&second), NOW).await.unwrap(), Settlement::Duplicate);
    assert_eq!(house.loopback.sandbox().next_due(), None::<UnixMillis>);
}
