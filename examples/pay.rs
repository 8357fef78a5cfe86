//! One payment from order to settlement, against the sandbox gateway in this process.
//!
//! `cargo run -p examples --bin pay`

use std::error::Error;

use payments::alipay::{CallbackUrl, Endpoint, Merchant, PagePay, RawNotify};
use payments::sandbox::{Gateway, MerchantRegistration, SandboxKeys, generate_key};
use payments::store::{MemoryStore, OrderStore};
use payments::{AppId, Money, Nonce, Order, OutTradeNo, SellerId, Stamp, Subject, UnixMillis};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Two parties, each with the other's public key.
    let (app_id, seller_id) = (AppId::parse("9021000122682882")?, SellerId::parse("2088721003899159")?);
    let (own, theirs) = (generate_key()?, SandboxKeys::generate()?);
    let registration = MerchantRegistration {
        app_id: app_id.clone(),
        seller_id: seller_id.clone(),
        public_key: own.public_key()?,
    };
    let merchant = Merchant::new(app_id, seller_id, Endpoint::sandbox(), own, theirs.public_key()?);
    let gateway = Gateway::new(theirs, registration);

    // The order, and the signed request that sends its buyer to the gateway.
    let now = UnixMillis::from_millis(1_790_000_000_000);
    let order = Order::new(
        OutTradeNo::parse("COURSE_0001")?,
        Subject::parse("Rust 入门课")?,
        Money::parse_yuan("88.00")?,
    );
    let store = MemoryStore::new();
    store.create(&order, now).await?;
    let notify_url = CallbackUrl::parse("https://school.example/notify")?;
    let return_url = CallbackUrl::parse("https://school.example/return")?;
    let stamp = Stamp { now, nonce: Nonce::from_bytes([7; 16]) };
    let redirect = PagePay::new(order.clone(), notify_url, return_url).redirect(&merchant, stamp)?;
    println!("the buyer goes to {:.100}...", redirect.url());

    // The buyer pays; the gateway tells us, signed.
    let cashier = gateway.page_pay(&redirect.query(), now, [9; 32])?;
    let paid = gateway.pay(cashier.token(), now)?;
    let notify = paid.notify.ok_or("the order has no notify address")?;
    println!("the gateway posts {} bytes to {}", notify.body().len(), notify.uri());

    // Verified, checked against our order, settled once.
    for delivery in 1..=2 {
        let verified = RawNotify::parse(notify.body())?.verify(&merchant)?;
        let checked = verified.check(&merchant.expected(&order))?;
        let settlement = store.settle(&checked, now).await?;
        println!("delivery {delivery}: {settlement:?}, answer {:?}", settlement.ack());
    }
    let stored = store.find(&order.out_trade_no).await?.ok_or("the order is gone")?;
    println!("the order is {:?}", stored.state);
    Ok(())
}
