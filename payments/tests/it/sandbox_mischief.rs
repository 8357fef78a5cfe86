//! What the sandbox does wrong on purpose, and the gateway's own console.

use crate::loopback::Loopback;
use crate::support::{NOW, NUMBER, number, order, query_of, shop};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use payments::alipay::{RawNotify, TradeQuery};
use payments::sandbox::{AfterAttempt, HoldBack, Mischief, SLOW_MILLIS, Switch};
use payments::{Call as _, Channel, ErrorKind, Mismatch, MismatchField, Nonce, Notify, Stamp, Verified};
use proptest::prelude::*;

struct Scene {
    merchant: payments::alipay::Merchant,
    loopback: Loopback,
    query: String,
}

fn scene() -> Scene {
    let shop = shop();
    let query = query_of(&shop, order(NUMBER, "88.00"));
    Scene { merchant: shop.merchant, loopback: Loopback::new(shop.gateway, NOW), query }
}

impl Scene {
    fn open(&self) -> Response<Bytes> {
        self.loopback.get(&format!("/gateway.do?{}", self.query))
    }

    fn pay(&self) {
        let page = self.open();
        let html = std::str::from_utf8(page.body()).unwrap();
        let token = html.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(
            self.loopback.post("/cashier/pay", &format!("token={token}")).status(),
            StatusCode::SEE_OTHER
        );
    }

    fn switch(&self, mischief: Mischief, switch: Switch) {
        self.loopback.sandbox().misbehave(None, mischief, switch);
    }

    fn notifies(&self) -> Vec<Result<Notify<Verified>, payments::Error>> {
        let success = Response::new(Bytes::from_static(b"success"));
        let due = self.loopback.notifies(&success).into_iter();
        due.map(|notify| RawNotify::parse(notify.body())?.verify(&self.merchant, self.loopback.now()))
            .collect()
    }

    fn ask(&self) -> Response<Bytes> {
        let stamp = Stamp { now: self.loopback.now(), nonce: Nonce::from_bytes([7; 16]) };
        self.loopback.exchange(TradeQuery::new(number(NUMBER)).request(&self.merchant, stamp).unwrap())
    }

    fn console(&self) -> String {
        let page = self.loopback.get("/");
        assert_eq!(page.status(), StatusCode::OK);
        String::from_utf8(page.body().to_vec()).unwrap()
    }

    fn press(&self, act: &str, more: &str) -> StatusCode {
        self.loopback
            .post(&format!("/console/{act}"), &format!("channel=alipay&number={NUMBER}{more}"))
            .status()
    }
}

#[test]
fn wrong_messages_come_before_the_honest_one() {
    let scene = scene();
    for mischief in [Mischief::Forged, Mischief::WrongAmount, Mischief::Duplicate] {
        scene.switch(mischief, Switch::On);
    }
    scene.pay();
    let [forged, wrong, first, second] = <[_; 4]>::try_from(scene.notifies()).unwrap();
    assert_eq!(forged.unwrap_err().kind(), ErrorKind::Unverified);
    let expected = scene.merchant.expected(&order(NUMBER, "88.00"));
    let mismatch: Mismatch = wrong.unwrap().check(&expected).unwrap_err();
    assert_eq!(mismatch.field(), MismatchField::Amount);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.notify_id(), second.notify_id());
    assert!(first.check(&expected).is_ok() && second.check(&expected).is_ok());
}

#[test]
fn a_forged_message_is_not_sent_again() {
    let scene = scene();
    scene.switch(Mischief::Forged, Switch::On);
    scene.pay();
    let sandbox = scene.loopback.sandbox();
    let after: Vec<_> = sandbox
        .due(NOW)
        .into_iter()
        .map(|delivery| sandbox.answered(delivery.id, Some((StatusCode::OK, b"fail")), NOW))
        .collect();
    assert_eq!(after, [AfterAttempt::GivenUp, AfterAttempt::Again(NOW.plus_secs(240))]);
}

#[test]
fn a_lost_notify_never_comes() {
    let scene = scene();
    scene.open();
    let lost = (Channel::Alipay, &number(NUMBER));
    scene.loopback.sandbox().misbehave(Some(lost), Mischief::Lost, Switch::On);
    scene.pay();
    assert!(scene.notifies().is_empty());
    assert_eq!(scene.loopback.sandbox().next_due(), None);
    // Off again, the console can send it.
    scene.loopback.sandbox().misbehave(Some(lost), Mischief::Lost, Switch::Off);
    assert_eq!(scene.press("resend", ""), StatusCode::SEE_OTHER);
    assert_eq!(scene.notifies().len(), 1);
}

#[test]
fn a_later_message_overtakes() {
    let scene = scene();
    scene.switch(Mischief::Reordered, Switch::On);
    scene.pay();
    assert!(scene.notifies().is_empty());
    assert_eq!(scene.press("refund", ""), StatusCode::SEE_OTHER);
    let refunded = scene.notifies().remove(0).unwrap();
    assert_eq!(refunded.field("refund_fee"), Some("88.00"));
    scene.loopback.advance_millis(30_000);
    let paid = scene.notifies().remove(0).unwrap();
    assert_eq!(paid.field("trade_status"), Some("TRADE_SUCCESS"), "it tells what was true when it was made");
}

#[test]
fn a_reply_is_lost_after_the_work_is_done() {
    let scene = scene();
    scene.switch(Mischief::ReplyLost, Switch::On);
    assert_eq!(scene.open().status(), StatusCode::GATEWAY_TIMEOUT);
    scene.switch(Mischief::ReplyLost, Switch::Off);
    let whole = scene.ask();
    assert!(std::str::from_utf8(whole.body()).unwrap().contains("WAIT_BUYER_PAY"));

    scene.switch(Mischief::ReplyGarbled, Switch::On);
    let half = scene.ask();
    assert_eq!(half.body(), &whole.body().slice(..whole.body().len() / 2));
    scene.switch(Mischief::ReplyGarbled, Switch::Off);

    scene.switch(Mischief::Slow, Switch::On);
    let slow = scene.ask();
    assert_eq!(slow.extensions().get::<HoldBack>().unwrap().millis, SLOW_MILLIS);
    assert_eq!(slow.body(), whole.body());
}

#[test]
fn a_busy_gateway_does_nothing() {
    let scene = scene();
    scene.switch(Mischief::Busy, Switch::On);
    assert_eq!(scene.open().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!scene.console().contains(NUMBER));
}

#[test]
fn the_console_shows_and_acts() {
    let scene = scene();
    assert!(scene.console().contains("No trades yet"));
    scene.pay();
    assert_eq!(scene.notifies().len(), 1);
    let page = scene.console();
    assert!(page.contains(NUMBER) && page.contains("attempt 1: 200, acknowledged"), "{page}");
    assert!(page.contains("&quot;&lt;1&gt;") && !page.contains("<script"), "{page}");

    assert_eq!(scene.press("misbehave", "&mischief=duplicate"), StatusCode::SEE_OTHER);
    assert!(scene.console().contains("value=\"duplicate\" aria-pressed=\"true\""));
    assert_eq!(scene.press("resend", ""), StatusCode::SEE_OTHER);
    assert_eq!(scene.notifies().len(), 2);
    assert_eq!(scene.press("misbehave", "&mischief=duplicate"), StatusCode::SEE_OTHER);
    assert!(!scene.console().contains("aria-pressed=\"true\""));

    assert_eq!(scene.press("refund", ""), StatusCode::SEE_OTHER);
    let told = scene.notifies().remove(0).unwrap();
    assert_eq!(told.field("trade_status"), Some("TRADE_CLOSED"));
    assert_eq!(scene.press("refund", ""), StatusCode::SEE_OTHER);
    assert!(scene.notifies().is_empty(), "nothing was left to refund");

    assert_eq!(scene.press("misbehave", "&mischief=arson"), StatusCode::BAD_REQUEST);
    assert_eq!(
        scene.loopback.post("/console/refund", "channel=alipay&number=OTHER").status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(scene.loopback.post("/console/refund", "").status(), StatusCode::BAD_REQUEST);
}

#[test]
fn other_sites_press_no_buttons() {
    let scene = scene();
    scene.pay();
    let press = |name: &str, value: &str| {
        let request =
            Request::post("/console/resend").header(header::HOST, "127.0.0.1:8070").header(name, value);
        let body = Bytes::from(format!("channel=alipay&number={NUMBER}"));
        scene.loopback.exchange(request.body(body).unwrap()).status()
    };
    assert_eq!(press("sec-fetch-site", "cross-site"), StatusCode::FORBIDDEN);
    assert_eq!(press("sec-fetch-site", "same-site"), StatusCode::FORBIDDEN);
    assert_eq!(press("origin", "https://evil.example"), StatusCode::FORBIDDEN);
    assert_eq!(press("origin", "null"), StatusCode::FORBIDDEN);
    assert_eq!(press("origin", "http://127.0.0.1:8070"), StatusCode::SEE_OTHER);
    assert_eq!(press("sec-fetch-site", "same-origin"), StatusCode::SEE_OTHER);
}

#[test]
fn words_of_mischief_are_read_back() {
    for mischief in Mischief::ALL {
        assert_eq!(Mischief::find(mischief.code()), Some(mischief));
    }
    assert_eq!(Mischief::find("arson"), None);
}

fn paths() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/gateway.do".to_owned()),
        Just("/v3/alipay/trade/query".to_owned()),
        "/v3/alipay/[a-z/]{0,12}",
        "/alipay/bill/[0-9a-f]{0,12}",
        "/cashier/[a-z0-9]{0,12}",
        "/console/(resend|refund|misbehave)",
        "/[a-z.]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_request_to_any_address_is_answered(
        path in paths(),
        get in any::<bool>(),
        query in "[a-z_=&%+0-9]{0,60}",
        authorization in "(ALIPAY-SHA256withRSA )?[a-zA-Z_=,0-9\\-]{0,60}",
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..120),
            "(channel=[a-z]{0,8}&number=[A-Z0-9_]{0,12}&mischief=[a-z_]{0,12})".prop_map(String::into_bytes),
        ],
    ) {
        static SCENE: std::sync::OnceLock<Scene> = std::sync::OnceLock::new();
        let scene = SCENE.get_or_init(scene);
        let method = if get { Method::GET } else { Method::POST };
        let request = Request::builder().method(method).uri(format!("{path}?{query}"));
        let request = request.header(header::AUTHORIZATION, authorization).body(Bytes::from(body)).unwrap();
        let response = scene.loopback.exchange(request);
        prop_assert!(response.status().as_u16() < 500, "{}", response.status());
        // Whatever the mischief: nobody paid.
        prop_assert!(scene.loopback.sandbox().next_due().is_none());
    }
}
