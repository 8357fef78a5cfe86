//! One order, paid and refunded: over the façade that is the same for every gateway, against the sandbox in this process.
//!
//! `cargo run -p examples --bin pay`

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use payments::alipay::{Alipay, Endpoint, Merchant};
use payments::desk::{Checkout, CheckoutOutcome, Desk, Receipt};
use payments::sandbox::{MerchantRegistration, Sandbox, SandboxAlipay, SandboxKeys, generate_key};
use payments::store::{BoxFuture, MemoryStore, OrderStore};
use payments::{
    AppId, CallbackUrl, Channel, Client, Edge, Money, Order, OutTradeNo, PayWith, Refund, RefundNo, Scene,
    SellerId, Subject, SystemEdge, Transport, TransportError,
};

/// In place of HTTP: hands requests to the gateway next door. `ReqwestTransport` goes to the real one.
#[derive(Debug)]
struct NextDoor(Arc<Sandbox>);

impl Transport for NextDoor {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move { Ok(self.0.handle(&request, SystemEdge.now(), [7; 32])) })
    }

    fn pause(&self, millis: u64) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(std::time::Duration::from_millis(millis)))
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Two parties, each with the other's public key.
    let (app_id, seller_id) = (AppId::parse("9021000122682882")?, SellerId::parse("2088721003899159")?);
    let (own, theirs) = (generate_key()?, SandboxKeys::generate()?);
    let (public_key, endpoint) = (own.public_key()?, Endpoint::parse("http://127.0.0.1:8070/gateway.do")?);
    let merchant = Merchant::new(app_id.clone(), seller_id.clone(), endpoint, own, theirs.public_key()?);
    let alipay = SandboxAlipay::new(theirs, MerchantRegistration { app_id, seller_id, public_key });
    let gateway = Arc::new(Sandbox::new("http://127.0.0.1:8070")?.with_alipay(alipay));

    // The desk: gateways over one store. WeChat Pay and UnionPay are added the same way.
    let client = Client::new(Arc::new(NextDoor(gateway.clone())), Arc::new(SystemEdge));
    let (store, notify_url) = (Arc::new(MemoryStore::new()), "https://school.example/notify/alipay");
    let desk = Desk::new(store.clone(), Arc::new(SystemEdge))
        .with_gateway(Arc::new(Alipay::new(merchant, client)), CallbackUrl::parse(notify_url)?)?;

    // A buyer comes and scans a code.
    let (number, price) = (OutTradeNo::parse("COURSE_0001")?, Money::parse_yuan("88.00")?);
    let order = Order::new(number.clone(), Subject::parse("Rust 入门课")?, price);
    let code = match desk.checkout(&Checkout::new(Channel::Alipay, order, Scene::Qr)).await? {
        CheckoutOutcome::Pay(PayWith::QrCode { text }) => text,
        other => return Err(format!("no code to scan: {other:?}").into()),
    };
    println!("the buyer scans {:.40}...", code);
    gateway.pay(code.rsplit('/').next().unwrap_or_default(), SystemEdge.now())?;

    // The gateway tells us, signed; twice, as it may. It is settled once.
    let notify = gateway.due(SystemEdge.now()).pop().ok_or("the gateway has nothing to tell")?.request;
    for delivery in 1..=2 {
        let received = desk.receive(Channel::Alipay, &notify).await;
        let Receipt::Trade { settlement, .. } = received.receipt? else { return Err("no trade".into()) };
        println!("delivery {delivery}: {settlement:?}, answer {:?}", received.response.body());
    }

    // A part goes back, under a number that stays the same however often it is asked for.
    let paid = store.find(&number).await?.ok_or("the order is gone")?.payments.remove(0);
    let trade = (Channel::Alipay, paid.trade_no);
    let refund =
        Refund::new(RefundNo::parse("RF_0001")?, number.clone(), trade, price, Money::parse_yuan("30")?);
    println!("refund: {:?}", desk.refund(&refund).await?);
    println!("the order is {:?}", store.find(&number).await?.ok_or("the order is gone")?.state);
    Ok(())
}
