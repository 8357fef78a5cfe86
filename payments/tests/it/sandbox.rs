//! The sandbox gateway against the merchant's side: the cashier, its pages, retries.

use crate::support::{
    NOW, NUMBER, Shop, encoded, number, order, page_pay, query_of, send, shop, stamp, text,
};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use payments::alipay::{RawNotify, SyncReturn};
use payments::sandbox::{AfterAttempt, CashierRefusal, Speed, retry_delays_secs};
use payments::{Channel, ErrorKind, Money, Order, OutTradeNo, Subject, TradeStatus, UnixMillis};
use proptest::prelude::*;

/// What a browser would send for a form: the hidden inputs, with their escapes undone.
fn inputs(html: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let text =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        text.replace("&amp;", "&")
    };
    let found = html.split("<input type=\"hidden\" name=\"").skip(1).map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"").unwrap();
        (plain(name), plain(rest.split_once('"').unwrap().0))
    });
    found.collect()
}

#[test]
fn a_browser_pays_over_the_form() {
    let shop = shop();
    let order = order(NUMBER, "88.00");
    let form = page_pay(order.clone()).redirect(&shop.merchant, stamp()).unwrap().form();
    assert!(form.contains("action=\"http://127.0.0.1:8070/gateway.do?charset=utf-8\""), "{form}");
    assert!(!form.contains("<1>") && form.contains("&quot;"), "{form}");

    let (page, sent) = send(&shop, Method::POST, "/gateway.do?charset=utf-8", &encoded(&inputs(&form)));
    assert_eq!(page.status(), StatusCode::OK, "{}", text(&page));
    assert!(sent.is_empty());
    assert!(text(&page).contains("Rust 入门课 + &quot;&lt;1&gt;&#39;") && text(&page).contains("88.00"));
    assert!(
        text(&page).contains("SANDBOX")
            && !text(&page).contains("<script")
            && !text(&page).contains("style=")
    );
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.ends_with("form-action 'self' http://127.0.0.1:8080")
    );

    let token = encoded(&inputs(text(&page)));
    let (answer, sent) = send(&shop, Method::POST, "/cashier/pay", &token);
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let location = answer.headers()[header::LOCATION].to_str().unwrap();
    let shown = SyncReturn::verify(location.split_once('?').unwrap().1, &shop.merchant, NOW).unwrap();
    assert_eq!(shown.out_trade_no, NUMBER);
    let [notify] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(notify.uri(), "https://shop.example/alipay/notify");
    assert_eq!(shop.checked(notify.body(), &order).status(), TradeStatus::Paid);

    let (again, sent) = send(&shop, Method::POST, "/cashier/pay", &token);
    assert_eq!((again.status(), sent.len()), (StatusCode::BAD_REQUEST, 0));
}

#[test]
fn a_buyer_refuses_and_comes_back() {
    let shop = shop();
    let query = query_of(&shop, order(NUMBER, "88.00"));
    let first = shop.gateway.page_pay(&query, NOW, [1; 32]).unwrap();
    let (page, sent) = send(&shop, Method::POST, "/cashier/refuse", &format!("token={}", first.token()));
    assert_eq!((page.status(), sent.len()), (StatusCode::OK, 0));
    assert!(text(&page).contains("href=\"http://127.0.0.1:8080/\""));
    assert!(shop.gateway.pay(first.token(), NOW).is_err());

    let second = shop.gateway.page_pay(&query, NOW, [2; 32]).unwrap();
    assert_eq!(second.view(), first.view());
    let third = shop.gateway.page_pay(&query, NOW, [3; 32]).unwrap();
    assert!(shop.gateway.pay(second.token(), NOW).is_err(), "an older page is replaced");
    assert!(shop.gateway.pay(third.token(), NOW).is_ok());
    assert_eq!(shop.gateway.page_pay(&query, NOW, [4; 32]).unwrap_err().sub_code, "ACQ.TRADE_HAS_SUCCESS");
}

#[test]
fn an_expired_trade_takes_no_money() {
    let shop = shop();
    let pay = page_pay(order(NUMBER, "88.00")).expiring_at(NOW.plus_secs(60));
    let query = pay.redirect(&shop.merchant, stamp()).unwrap().query();
    let cashier = shop.gateway.page_pay(&query, NOW, [1; 32]).unwrap();
    let refusal = shop.gateway.pay(cashier.token(), NOW.plus_secs(60)).unwrap_err();
    assert_eq!(refusal, CashierRefusal::Closed);
    let draft = shop.gateway.draft(&number(NUMBER), NOW.plus_secs(60)).unwrap();
    assert_eq!(shop.verify(draft.signed().unwrap().body()).unwrap().status(), TradeStatus::Closed);
}

#[test]
fn a_trade_that_was_never_payable_leaves_nothing() {
    let shop = shop();
    let pay = page_pay(order(NUMBER, "88.00")).expiring_at(NOW);
    let query = pay.redirect(&shop.merchant, stamp()).unwrap().query();
    let refusal = shop.gateway.page_pay(&query, NOW, [1; 32]).unwrap_err();
    assert_eq!(refusal.sub_code, "ACQ.TRADE_HAS_CLOSE");
    assert!(shop.gateway.draft(&number(NUMBER), NOW).is_none());
    // The number is still free for other terms.
    assert!(shop.gateway.page_pay(&query_of(&shop, order(NUMBER, "88.00")), NOW, [2; 32]).is_ok());
}

#[test]
fn nothing_prints_the_token() {
    let shop = shop();
    let cashier = shop.gateway.page_pay(&query_of(&shop, order(NUMBER, "88.00")), NOW, [1; 32]).unwrap();
    let printed = format!("{:?} {cashier:?}", shop.gateway);
    assert!(printed.contains(NUMBER) && printed.contains("redacted"), "{printed}");
    assert!(!printed.contains(cashier.token()), "{printed}");
}

#[test]
fn alipay_is_narrower_than_our_types() {
    let shop = shop();
    let build = |number: &str, subject: &str| {
        let order = Order::new(
            OutTradeNo::parse(number).unwrap(),
            Subject::parse(subject).unwrap(),
            Money::parse_yuan("88.00").unwrap(),
        );
        page_pay(order).redirect(&shop.merchant, stamp()).map_err(|error| error.kind())
    };
    assert_eq!(build("COURSE-0001", "Rust").unwrap_err(), ErrorKind::InvalidInput);
    for subject in ["a&b", "a=b", "a/b"] {
        assert_eq!(build(NUMBER, subject).unwrap_err(), ErrorKind::InvalidInput);
    }
    assert!(build(NUMBER, "Rust").is_ok());
}

#[test]
fn addresses_and_methods() {
    let shop = shop();
    for (method, address, status) in [
        (Method::GET, "/cashier.css", StatusCode::OK),
        (Method::GET, "/", StatusCode::OK),
        (Method::POST, "/", StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/elsewhere", StatusCode::NOT_FOUND),
        (Method::GET, "/cashier/pay", StatusCode::METHOD_NOT_ALLOWED),
        (Method::PUT, "/gateway.do", StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, "/cashier/pay", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(send(&shop, method, address, "").0.status(), status, "{address}");
    }
}

#[test]
fn retries_follow_the_table_and_keep_their_number() {
    let shop = shop();
    let query = query_of(&shop, order(NUMBER, "88.00"));
    let cashier = shop.gateway.page_pay(&query, NOW, [1; 32]).unwrap();
    shop.gateway.pay(cashier.token(), NOW).unwrap();
    let id = |body: &[u8]| shop.verify(body).unwrap().notify_id().unwrap().to_owned();
    let (ok, mut now, mut ids) = (StatusCode::OK, NOW, Vec::new());
    let refusals = [
        None,
        Some((ok, &b"fail"[..])),
        Some((ok, b"SUCCESS")),
        Some((StatusCode::CREATED, b"success")),
        Some((ok, b"success\n")),
    ];
    for (secs, answer) in retry_delays_secs(Channel::Alipay).iter().zip(refusals.into_iter().cycle()) {
        let mut due = shop.gateway.due(now);
        assert_eq!(due.len(), 1);
        assert!(shop.gateway.due(now).is_empty(), "an attempt under way is not made twice");
        let delivery = due.remove(0);
        ids.push(id(delivery.request.body()));
        now = now.plus_secs(*secs);
        let at = now.plus_secs(0);
        let before = UnixMillis::from_millis(at.as_millis() - secs * 1000);
        assert_eq!(shop.gateway.answered(delivery.id, answer, before), AfterAttempt::Again(at));
        assert_eq!(shop.gateway.next_due(), Some(at));
        assert!(shop.gateway.due(UnixMillis::from_millis(at.as_millis() - 1)).is_empty());
    }
    let last = shop.gateway.due(now).remove(0);
    ids.push(id(last.request.body()));
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(shop.gateway.answered(last.id, None, now), AfterAttempt::GivenUp);
    assert_eq!(shop.gateway.answered(last.id, None, now), AfterAttempt::Unknown);
    assert_eq!(shop.gateway.next_due(), None);
    assert_eq!(retry_delays_secs(Channel::Alipay).iter().sum::<u64>(), 24 * 3600 + 24 * 60);
}

#[test]
fn an_attempt_that_never_comes_back_is_made_again() {
    let shop = shop();
    let cashier = shop.gateway.page_pay(&query_of(&shop, order(NUMBER, "88.00")), NOW, [1; 32]).unwrap();
    shop.gateway.pay(cashier.token(), NOW).unwrap();
    let lost = shop.gateway.due(NOW).remove(0);
    assert!(shop.gateway.due(NOW.plus_secs(60)).is_empty());
    let again = shop.gateway.due(NOW.plus_secs(60 + 240)).remove(0);
    assert_eq!(lost.id, again.id);
    let acknowledged = Some((StatusCode::OK, &b"success"[..]));
    assert_eq!(shop.gateway.answered(again.id, acknowledged, NOW.plus_secs(301)), AfterAttempt::Acknowledged);
    assert_eq!(shop.gateway.next_due(), None);
}

#[test]
fn a_fast_clock_shortens_the_waits() {
    let Shop { gateway, merchant, app_key } = shop();
    let shop = Shop { gateway: gateway.sped_up(Speed::times(1000)), merchant, app_key };
    let cashier = shop.gateway.page_pay(&query_of(&shop, order(NUMBER, "88.00")), NOW, [1; 32]).unwrap();
    shop.gateway.pay(cashier.token(), NOW).unwrap();
    let delivery = shop.gateway.due(NOW).remove(0);
    let after = UnixMillis::from_millis(NOW.as_millis() + 240);
    assert_eq!(shop.gateway.answered(delivery.id, None, NOW), AfterAttempt::Again(after));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever subject a shop may send, the gateway reads the same subject, and the notify carries it back.
    #[test]
    fn any_subject_makes_the_round_trip(subject in "[^/=&\\p{C}]{1,40}") {
        static SHOP: std::sync::OnceLock<Shop> = std::sync::OnceLock::new();
        let shop = SHOP.get_or_init(shop);
        prop_assume!(!subject.trim().is_empty());
        let digits: String = subject.bytes().map(|byte| format!("{byte:02x}")).collect();
        let number = OutTradeNo::parse(&format!("prop_{}", digits.get(..50).unwrap_or(&digits))).unwrap();
        let order = Order::new(number, Subject::parse(&subject).unwrap(), Money::parse_yuan("0.01").unwrap());
        if shop.gateway.draft(&order.out_trade_no, NOW).is_none() {
            let body = shop.pay(&order);
            let notify = shop.checked(&body, &order);
            prop_assert_eq!(notify.field("subject"), Some(subject.as_str()));
        }
    }

    #[test]
    fn any_request_is_answered(query in "[a-z_=&%+0-9]{0,80}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
        static SHOP: std::sync::OnceLock<Shop> = std::sync::OnceLock::new();
        let shop = SHOP.get_or_init(shop);
        for address in ["/gateway.do", "/cashier/pay", "/cashier/refuse"] {
            let request = Request::post(format!("{address}?{query}")).body(Bytes::from(body.clone())).unwrap();
            let response = shop.gateway.handle(&request, NOW, [5; 32]);
            prop_assert!(shop.gateway.due(NOW).is_empty());
            // An API call is refused with status 200 and a code, a page with status 400.
            prop_assert!(response.status() == StatusCode::OK || response.status() == StatusCode::BAD_REQUEST);
        }
        prop_assert!(RawNotify::parse(query.as_bytes()).is_err());
    }
}
