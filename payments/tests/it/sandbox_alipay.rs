//! Every call of the merchant's side against the sandbox's Alipay, which reads the manual on its own.

use crate::loopback::Loopback;
use crate::support::{NOW, app_id, number, order, seller_id, yuan};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use payments::alipay::{
    Alipay, AuthCode, BarCodePay, Cancel, CancelOutcome, Certificates, Collected, ContentKey, Endpoint,
    Merchant, V3TradeQuery,
};
use payments::sandbox::{MerchantRegistration, Sandbox, SandboxAlipay, SandboxKeys, generate_key};
use payments::store::{MemoryStore, OrderStore as _};
use payments::{
    Ack, BillDay, CallbackUrl, CloseOutcome, ErrorKind, Gateway as _, Incoming, Movement, Notify, Outcome,
    PayRequest, PayWith, PrivateKey, QueryOutcome, Refund, RefundNo, RefundOutcome, RefundRef, RefundStatus,
    Scene, Settlement, TradeRef, TradeStatus, UnixMillis, Verified,
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

#[tokio::test]
async fn page_and_wap_lead_to_the_cashier() {
    for (scene, method) in [(Scene::Page, "page"), (Scene::Wap, "wap")] {
        let house = house();
        let PayWith::Redirect { url } = house.pay(scene).await else { panic!("no page") };
        let page = house.loopback.get(&url);
        assert_eq!(page.status(), StatusCode::OK, "{:?}", page.body());
        assert_eq!(house.query().await, Some(TradeStatus::Waiting));
        let back = house.press(&page, "pay");
        let location = back.headers()["location"].to_str().unwrap();
        assert!(location.starts_with("http://127.0.0.1:8080/return?"), "{location}");
        assert!(location.contains(&format!("method=alipay.trade.{method}.pay.return")), "{location}");
        assert_eq!(house.query().await, Some(TradeStatus::Paid));
        assert_eq!(house.incoming().remove(0).status(), TradeStatus::Paid);
        assert_eq!(house.close().await, CloseOutcome::AlreadyPaid);
    }
}

#[tokio::test]
async fn an_application_hands_its_order_string_over() {
    let house = house();
    let PayWith::Token { text } = house.pay(Scene::App).await else { panic!("no token") };
    let page = house.loopback.post("/gateway.do", &text);
    assert_eq!(page.status(), StatusCode::OK);
    house.press(&page, "pay");
    assert_eq!(house.incoming().remove(0).status(), TradeStatus::Paid);
}

#[tokio::test]
async fn a_code_is_no_trade_before_it_is_scanned() {
    let house = house();
    let PayWith::QrCode { text } = house.pay(Scene::Qr).await else { panic!("no code") };
    assert!(text.starts_with(&format!("{ORIGIN}/cashier/")), "{text}");
    assert_eq!(house.query().await, None);
    assert_eq!(house.close().await, CloseOutcome::NotFound);

    let PayWith::QrCode { text: again } = house.pay(Scene::Qr).await else { panic!("no code") };
    assert_eq!(again, text, "the code stays what it was");
    let page = house.loopback.get(&text);
    assert_eq!(house.query().await, Some(TradeStatus::Waiting));
    assert_eq!(house.press(&page, "refuse").status(), StatusCode::OK);
    let paid = house.press(&house.loopback.get(&text), "pay");
    assert_eq!(paid.status(), StatusCode::OK, "nobody is sent anywhere from a telephone");
    assert_eq!(house.query().await, Some(TradeStatus::Paid));
    assert_eq!(house.loopback.get(&text).status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_buyer_can_let_it_time_out() {
    let house = house();
    let PayWith::Redirect { url } = house.pay(Scene::Page).await else { panic!("no page") };
    let page = house.press(&house.loopback.get(&url), "expire");
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(house.query().await, Some(TradeStatus::Closed));
    assert_eq!(house.close().await, CloseOutcome::Closed);
    assert_eq!(house.loopback.get(&url).status(), StatusCode::BAD_REQUEST);
    assert!(house.incoming().is_empty());
}

#[tokio::test]
async fn the_merchant_closes_what_waits() {
    let house = house();
    let PayWith::Redirect { url } = house.pay(Scene::Page).await else { panic!("no page") };
    let page = house.loopback.get(&url);
    assert_eq!(house.close().await, CloseOutcome::Closed);
    assert_eq!(house.press(&page, "pay").status(), StatusCode::BAD_REQUEST);
    assert_eq!(house.query().await, Some(TradeStatus::Closed));
}

#[tokio::test]
async fn a_mini_program_has_a_trade_at_once() {
    let house = house();
    let openid = "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5".to_owned();
    let PayWith::Invoke { json } = house.pay(Scene::Jsapi { openid }).await else { panic!("no trade") };
    assert!(json.starts_with("{\"tradeNO\":\""), "{json}");
    assert_eq!(house.query().await, Some(TradeStatus::Waiting));
}

#[tokio::test]
async fn the_shop_scans_a_code() {
    let scan = |tail: &str| Scene::BarCode { auth_code: format!("28763443825664{tail}") };
    let paid = house();
    let PayWith::Paid(notify) = paid.pay(scan("1234")).await else { panic!("not paid") };
    assert_eq!(notify.status(), TradeStatus::Paid);
    assert_eq!(paid.incoming().len(), 1);
    // The same number again: the gateway says that it is paid, and the façade asks.
    assert!(matches!(paid.pay(scan("1234")).await, PayWith::Paid(_)));

    let refused = house();
    let PayWith::Refused { code, .. } = refused.pay(scan("0004")).await else { panic!("not refused") };
    assert_eq!(code, "ACQ.BUYER_BALANCE_NOT_ENOUGH");

    let unclear = house();
    let outcome = unclear.gateway.pay(&request(scan("0005"))).await.unwrap();
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert_eq!(unclear.query().await, Some(TradeStatus::Paid));

    let confirms = house();
    assert!(matches!(confirms.pay(scan("0003")).await, PayWith::BuyerConfirms));
    assert_eq!(confirms.query().await, Some(TradeStatus::Waiting));
}

#[tokio::test]
async fn a_buyer_who_never_confirms_is_cancelled() {
    let house = house();
    let code = AuthCode::parse("287634438256640003").unwrap();
    let pay = BarCodePay::new(order(NUMBER, "88.00"), code, callback("/notify"));
    let collected = house.gateway.collect(&pay).await.unwrap().known().unwrap();
    assert!(matches!(collected, Collected::Closed), "{collected:?}");
    assert_eq!(house.loopback.now(), NOW.plus_secs(30));
    assert_eq!(house.query().await, Some(TradeStatus::Closed));
}

#[tokio::test]
async fn cancelling_gives_the_money_back() {
    let house = house();
    house.paid().await;
    let cancel = Cancel::new(number(NUMBER));
    let client = house.gateway.client();
    let cancelled = house.gateway.merchant().call(client, &cancel).await.unwrap().known().unwrap();
    assert_eq!(cancelled, CancelOutcome::Refunded);
    let told = house.incoming().remove(0);
    assert_eq!((told.status(), told.field("refund_fee")), (TradeStatus::Closed, Some("88.00")));
}

#[tokio::test]
async fn refunds_in_parts_and_in_full() {
    let house = house();
    let paid = house.paid().await;
    let first = refund(&paid, "REFUND_1", "30.00");
    assert!(matches!(house.gateway.query_refund(&first).await.unwrap(), RefundOutcome::NotFound));

    for _ in 0..2 {
        let RefundOutcome::Refund(done) = house.refund(&first).await else { panic!("refused") };
        assert_eq!((done.status(), done.amount()), (RefundStatus::Succeeded, yuan("30.00")));
    }
    let told = house.incoming();
    assert_eq!(told.len(), 1, "a repeat moves no money and tells nothing");
    // A trade that is refunded in part stays a success.
    assert_eq!((told[0].status(), told[0].field("refund_fee")), (TradeStatus::Paid, Some("30.00")));
    assert_eq!(house.query().await, Some(TradeStatus::Paid));

    let RefundOutcome::Refused { code, .. } = house.refund(&refund(&paid, "REFUND_2", "58.01")).await else {
        panic!("more went back than came in")
    };
    assert_eq!(code, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL");
    let other = refund(&paid, "REFUND_1", "31.00");
    let error = house.gateway.refund(&other, &callback("/refund")).await.unwrap_err();
    assert_eq!(error.gateway_code(), Some("ACQ.DISCORDANT_REPEAT_REQUEST"));

    let RefundOutcome::Refund(_) = house.refund(&refund(&paid, "REFUND_2", "58.00")).await else {
        panic!("refused")
    };
    let told = house.incoming().remove(0);
    assert_eq!((told.status(), told.field("refund_fee")), (TradeStatus::Closed, Some("88.00")));
    assert_eq!(house.query().await, Some(TradeStatus::Closed));
    assert_eq!(house.close().await, CloseOutcome::AlreadyPaid);
}

#[tokio::test]
async fn a_refund_before_the_payment_is_refused() {
    let house = house();
    let paid = house.paid().await;
    let other = self::house();
    let PayWith::Redirect { url } = other.pay(Scene::Page).await else { panic!("no page") };
    other.loopback.get(&url);
    let RefundOutcome::Refused { code, .. } = other.refund(&refund(&paid, "REFUND_1", "1.00")).await else {
        panic!("money went back that never came")
    };
    assert_eq!(code, "ACQ.TRADE_STATUS_ERROR");
}

#[tokio::test]
async fn after_three_months_a_trade_is_finished() {
    let house = house();
    let paid = house.paid().await;
    house.loopback.advance_millis(90 * 86_400_000);
    let QueryOutcome::Trade(notify) = house.gateway.query(&trade()).await.unwrap() else {
        panic!("no trade")
    };
    assert_eq!(notify.field("trade_status"), Some("TRADE_FINISHED"));
    let RefundOutcome::Refused { code, .. } = house.refund(&refund(&paid, "REFUND_1", "1.00")).await else {
        panic!("too late")
    };
    assert_eq!(code, "ACQ.TRADE_HAS_FINISHED");
}

#[tokio::test]
async fn the_bill_has_the_day() {
    let house = house();
    let day = BillDay::of(NOW);
    assert_eq!(house.gateway.bill(day).await.unwrap(), None);
    let paid = house.paid().await;
    house.loopback.advance_millis(1000);
    house.refund(&refund(&paid, "REFUND_1", "30.00")).await;
    let bill = house.gateway.bill(day).await.unwrap().unwrap();
    let lines: Vec<_> = bill.lines.iter().map(|line| (line.movement.clone(), line.amount, line.at)).collect();
    let refunded = Movement::Refund { refund_no: Some("REFUND_1".to_owned()), succeeded: true };
    assert_eq!(
        lines,
        [(Movement::Payment, yuan("88.00"), Some(NOW)), (refunded, yuan("30.00"), Some(NOW.plus_secs(1))),]
    );
    assert!(bill.lines.iter().all(|line| line.out_trade_no == NUMBER && line.trade_no == *paid.trade_no()));
    assert_eq!(house.gateway.bill(day.previous()).await.unwrap(), None);
}

#[tokio::test]
async fn a_clock_that_is_off_is_refused() {
    let house = house();
    let url = match house.pay(Scene::Page).await {
        PayWith::Redirect { url } => url,
        other => panic!("{other:?}"),
    };
    house.loopback.advance_millis(600_000);
    assert_eq!(house.loopback.get(&url).status(), StatusCode::OK);
    house.loopback.advance_millis(1);
    let page = house.loopback.get(&url);
    assert!(std::str::from_utf8(page.body()).unwrap().contains("isv.invalid-timestamp"));
}

#[tokio::test]
async fn what_was_signed_wrongly_is_shown() {
    let (own, stranger, keys) =
        (generate_key().unwrap(), generate_key().unwrap(), SandboxKeys::generate().unwrap());
    let alipay = keys.public_key().unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), endpoint(), stranger, alipay);
    let house = house_of(SandboxAlipay::new(keys, registration(&own)), merchant);
    let stamp = payments::Stamp { now: NOW, nonce: payments::Nonce::from_bytes([7; 16]) };
    let merchant = house.gateway.merchant();
    let form = payments::alipay::TradeQuery::new(number(NUMBER));
    let reply = house.loopback.exchange(payments::Call::request(&form, merchant, stamp).unwrap());
    let reply: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
    let shown = reply["error_response"]["sandbox_canonical"].as_str().unwrap();
    assert!(
        shown.starts_with("app_id=9021000122682882&biz_content={") && shown.ends_with("&version=1.0"),
        "{shown}"
    );
    assert!(reply.get("sign").is_none());

    let rest = V3TradeQuery::new(number(NUMBER));
    let reply = house.loopback.exchange(payments::Call::request(&rest, merchant, stamp).unwrap());
    assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
    assert!(!reply.headers().contains_key("alipay-signature"));
    let reply: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
    let shown = reply["sandbox_canonical"].as_str().unwrap();
    assert!(shown.contains("\nPOST\n/v3/alipay/trade/query\n{") && shown.ends_with("}\n"), "{shown}");
}

#[tokio::test]
async fn version_three_answers_with_a_status() {
    let house = house();
    let query = V3TradeQuery::new(number(NUMBER));
    let client = house.gateway.client();
    let ask = || async { house.gateway.merchant().call(client, &query).await.unwrap().known().unwrap() };
    assert!(matches!(ask().await, QueryOutcome::NotFound));
    house.paid().await;
    let QueryOutcome::Trade(notify) = ask().await else { panic!("no trade") };
    assert_eq!(notify.status(), TradeStatus::Paid);
}

#[tokio::test]
async fn content_is_encrypted_both_ways() {
    let (own, keys) = (generate_key().unwrap(), SandboxKeys::generate().unwrap());
    let (alipay, registration) = (keys.public_key().unwrap(), registration(&own));
    let content_key = ContentKey::parse("aa4BtZ4tspm2wnXLb1ThQA==").unwrap();
    let merchant =
        Merchant::new(app_id(), seller_id(), endpoint(), own, alipay).with_content_key(content_key);
    let side = SandboxAlipay::new(keys, registration);
    // The same bytes as in the text above.
    let side = side.with_content_key([
        0x69, 0xae, 0x01, 0xb5, 0x9e, 0x2d, 0xb2, 0x99, 0xb6, 0xc2, 0x75, 0xcb, 0x6f, 0x54, 0xe1, 0x40,
    ]);
    let house = house_of(side, merchant);
    let paid = house.paid().await;
    assert!(matches!(house.refund(&refund(&paid, "REFUND_1", "1.00")).await, RefundOutcome::Refund(_)));
    let query = V3TradeQuery::new(number(NUMBER));
    let client = house.gateway.client();
    let answer = house.gateway.merchant().call(client, &query).await.unwrap().known().unwrap();
    assert!(matches!(answer, QueryOutcome::Trade(_)));
}

fn certified(rotate: bool) -> House {
    let (own, keys, root) =
        (generate_key().unwrap(), SandboxKeys::generate().unwrap(), SandboxKeys::generate().unwrap());
    let side = SandboxAlipay::new(keys, registration(&own)).with_certificates(&root, NOW).unwrap();
    let files = side.certificate_files().unwrap();
    let certificates = Certificates::new(&files.app, &files.alipay, &files.root, NOW).unwrap();
    let merchant = Merchant::with_certificates(app_id(), seller_id(), endpoint(), own, certificates).unwrap();
    if rotate {
        side.rotate_certificate(&SandboxKeys::generate().unwrap(), NOW).unwrap();
        assert_ne!(side.certificate_files().unwrap().alipay, files.alipay);
    }
    house_of(side, merchant)
}

#[tokio::test]
async fn certificate_mode_numbers_agree() {
    let house = certified(false);
    assert_eq!(house.paid().await.status(), TradeStatus::Paid);
    assert_eq!(house.query().await, Some(TradeStatus::Paid));
    let query = V3TradeQuery::new(number(NUMBER));
    let client = house.gateway.client();
    let answer = house.gateway.merchant().call(client, &query).await.unwrap().known().unwrap();
    assert!(matches!(answer, QueryOutcome::Trade(_)));
}

#[tokio::test]
async fn a_new_certificate_is_learned_from_a_call() {
    let house = certified(true);
    let known = || house.gateway.merchant().certificates().unwrap().alipay_cert_sns().len();
    assert_eq!(known(), 1);
    assert_eq!(house.query().await, None);
    assert_eq!(known(), 2);
    assert_eq!(house.paid().await.status(), TradeStatus::Paid);
}

#[tokio::test]
async fn certificate_mode_and_key_mode_are_apart() {
    let (own, keys, root) =
        (generate_key().unwrap(), SandboxKeys::generate().unwrap(), SandboxKeys::generate().unwrap());
    let alipay = keys.public_key().unwrap();
    let side = SandboxAlipay::new(keys, registration(&own)).with_certificates(&root, NOW).unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), endpoint(), own, alipay);
    let house = house_of(side, merchant);
    let error = house.gateway.query(&trade()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);
    assert!(error.gateway_code().unwrap().contains("isv.missing-app-cert-sn"), "{error}");
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
