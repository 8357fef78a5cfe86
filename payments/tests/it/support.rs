//! One shop and one sandbox gateway, shared by the tests, and the openssl command line.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use payments::CallbackUrl;
use payments::alipay::{Endpoint, Merchant, PagePay, RawNotify};
use payments::sandbox::{
    MerchantRegistration, NotifyDraft, Sandbox, SandboxAlipay, SandboxKeys, generate_key,
};
use payments::store::SqliteStore;
use payments::{
    AppId, Checked, Error, Money, Nonce, Notify, Order, OutTradeNo, PrivateKey, SellerId, Stamp, Subject,
    UnixMillis, Verified,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::io::Write as _;
use std::process::{Command, Stdio};

pub(crate) const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
pub(crate) const NUMBER: &str = "COURSE_0001";

pub(crate) struct Shop {
    pub(crate) app_key: PrivateKey,
    pub(crate) merchant: Merchant,
    pub(crate) gateway: Sandbox,
}

pub(crate) fn app_id() -> AppId {
    AppId::parse("9021000122682882").unwrap()
}

pub(crate) fn seller_id() -> SellerId {
    SellerId::parse("2088721003899159").unwrap()
}

pub(crate) fn number(text: &str) -> OutTradeNo {
    OutTradeNo::parse(text).unwrap()
}

pub(crate) fn yuan(text: &str) -> Money {
    Money::parse_yuan(text).unwrap()
}

pub(crate) fn order(out_trade_no: &str, price: &str) -> Order {
    Order::new(number(out_trade_no), Subject::parse("Rust 入门课 + \"<1>'").unwrap(), yuan(price))
}

pub(crate) fn stamp() -> Stamp {
    Stamp { now: NOW, nonce: Nonce::from_bytes([7; 16]) }
}

pub(crate) fn page_pay(order: Order) -> PagePay {
    PagePay::new(
        order,
        CallbackUrl::parse("https://shop.example/alipay/notify").unwrap(),
        CallbackUrl::parse("http://127.0.0.1:8080/alipay/return").unwrap(),
    )
}

pub(crate) fn shop() -> Shop {
    shop_with(SandboxKeys::generate().unwrap())
}

pub(crate) fn shop_with(keys: SandboxKeys) -> Shop {
    let app_key = generate_key().unwrap();
    let endpoint = Endpoint::parse("http://127.0.0.1:8070/gateway.do").unwrap();
    let alipay = keys.public_key().unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), endpoint, app_key.clone(), alipay);
    let public_key = app_key.public_key().unwrap();
    let registration = MerchantRegistration { app_id: app_id(), seller_id: seller_id(), public_key };
    let gateway = Sandbox::new("http://127.0.0.1:8070").unwrap();
    Shop { app_key, merchant, gateway: gateway.with_alipay(SandboxAlipay::new(keys, registration)) }
}

impl Shop {
    /// Opens a trade at the gateway and pays it; gives the body of the notify.
    pub(crate) fn pay(&self, order: &Order) -> Bytes {
        let query = page_pay(order.clone()).redirect(&self.merchant, stamp()).unwrap().query();
        let cashier = self.gateway.page_pay(&query, NOW, random(&order.out_trade_no)).unwrap();
        self.gateway.pay(cashier.token(), NOW).unwrap();
        self.notifies().remove(0).into_body()
    }

    /// The notifies that are due, taken as acknowledged.
    pub(crate) fn notifies(&self) -> Vec<Request<Bytes>> {
        let due = self.gateway.due(NOW).into_iter().map(|delivery| {
            self.gateway.answered(delivery.id, Some((StatusCode::OK, b"success")), NOW);
            delivery.request
        });
        due.collect()
    }

    /// A draft about the paid trade [`NUMBER`] over 88.00.
    pub(crate) fn paid_draft(&self) -> NotifyDraft<'_> {
        if self.gateway.draft(&number(NUMBER), NOW).is_none() {
            self.pay(&order(NUMBER, "88.00"));
        }
        self.gateway.draft(&number(NUMBER), NOW).unwrap()
    }

    pub(crate) fn verify(&self, body: &[u8]) -> Result<Notify<Verified>, Error> {
        RawNotify::parse(body)?.verify(&self.merchant, NOW)
    }

    pub(crate) fn checked(&self, body: &[u8], order: &Order) -> Notify<Checked> {
        self.verify(body).unwrap().check(&self.merchant.expected(order)).unwrap()
    }
}

/// A store over the file `shop.db` of a folder; several may share it.
pub(crate) async fn sqlite(folder: &std::path::Path) -> SqliteStore {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("shop.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Tests kill processes and never the machine: nothing need wait for the disk.
        .synchronous(SqliteSynchronous::Off)
        .busy_timeout(std::time::Duration::from_secs(60));
    let store =
        SqliteStore::new(SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap());
    store.migrate().await.unwrap();
    store
}

/// Stands in for the system's generator: different numbers get different tokens.
pub(crate) fn random(number: &OutTradeNo) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (slot, byte) in bytes.iter_mut().zip(number.as_str().bytes().rev().cycle()) {
        *slot = byte;
    }
    bytes
}

pub(crate) fn query_of(shop: &Shop, order: Order) -> String {
    page_pay(order).redirect(&shop.merchant, stamp()).unwrap().query()
}

pub(crate) fn send(
    shop: &Shop,
    method: Method,
    address: &str,
    body: &str,
) -> (Response<Bytes>, Vec<Request<Bytes>>) {
    let request = Request::builder().method(method).uri(address).header(header::ACCEPT, "text/html");
    let request = request.body(Bytes::from(body.to_owned())).unwrap();
    (shop.gateway.handle(&request, NOW, [5; 32]), shop.notifies())
}

pub(crate) fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

pub(crate) fn encoded(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Runs openssl and gives what it prints.
pub(crate) fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl does not start; install it with: apt-get install openssl");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub(crate) fn openssl_text(arguments: &[&str], input: &[u8]) -> String {
    String::from_utf8(openssl(arguments, input)).unwrap()
}
