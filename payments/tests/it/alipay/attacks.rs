//! No call believes a reply that the gateway did not sign, or signed for another call.

use super::calls::{PAID, bar_code, create};
use super::refunds::{FOUND, GIVEN_BACK, refund};
use super::{HAND, no, notify_url, reply, root};
use crate::support::{NOW, NUMBER, number, order};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Response, StatusCode};
use payments::alipay::{BillUrl, Cancel, Close, Merchant, Precreate, RefundCall, RefundQuery, TradeQuery};
use payments::sandbox::generate_key;
use payments::sign::Signer as _;
use payments::{BillDay, Call, ErrorKind, PrivateKey, Reply};
use std::sync::LazyLock;

static STRANGER: LazyLock<PrivateKey> = LazyLock::new(|| generate_key().unwrap());

/// Every attack on one call; `good` is an honest content of its reply, and holds [`NUMBER`] if `numbered`.
fn attack<C: Call<Merchant = Merchant>>(call: &C, method: &str, good: &str, numbered: bool) {
    let kind = |body: String| {
        let answer = call.read(&HAND.merchant, &reply(body.clone()));
        answer.err().unwrap_or_else(|| panic!("{method} believes {body}")).kind()
    };
    let unverified = |body: String| assert_eq!(kind(body.clone()), ErrorKind::Unverified, "{method}: {body}");
    let (root, sign, honest) = (root(method), HAND.sign(good), HAND.body(method, good));
    assert!(HAND.read(call, method, good).is_ok(), "{method}");

    // Changed, written again in other bytes, unsigned, signed by somebody else.
    unverified(honest.replacen("\"10000\"", "\"10000\" ", 1));
    unverified(honest.replacen("10000", "10003", 1));
    unverified(format!("{{\"{root}\":{good}}}"));
    unverified(format!("{{\"{root}\":{good},\"sign\":\"\"}}"));
    unverified(format!("{{\"{root}\":{good},\"sign\":null}}"));
    let stranger = STANDARD.encode(STRANGER.sign(good.as_bytes()).unwrap());
    unverified(honest.replace(&sign, &stranger));
    // Wrapped: a second content beside the signed one, before it and after it, also under an escaped name.
    let forged = good.replacen(NUMBER, "COURSE_0002", 1);
    unverified(format!("{{\"{root}\":{forged},\"{root}\":{good},\"sign\":\"{sign}\"}}"));
    unverified(format!("{{\"{root}\":{good},\"sign\":\"{sign}\",\"{root}\":{forged}}}"));
    unverified(format!("{{\"{root}\":{good},\"sign\":\"{sign}\",\"s\\u0069gn\":\"{sign}\"}}"));
    unverified(format!("{{\"x\":{{\"{root}\":{good},\"sign\":\"{sign}\"}}}}"));
    // The reply to another method, or an error beside it.
    unverified(format!("{{\"alipay_other_response\":{good},\"sign\":\"{sign}\"}}"));
    unverified(format!("{{\"error_response\":{good},\"sign\":\"{sign}\"}}"));
    unverified(format!("{{\"error_response\":{}}}", no("40002", "isv.invalid-app-id")));
    unverified(String::new());
    unverified("[]".to_owned());
    unverified(format!("{honest}x"));
    unverified(format!("{}{honest}", " ".repeat(1_048_577)));
    // Signed for another order.
    if numbered {
        assert_eq!(kind(HAND.body(method, &forged)), ErrorKind::PeerMisbehaved, "{method}");
    }
    // Signed, and no content of a reply.
    assert_eq!(kind(HAND.body(method, "{}")), ErrorKind::PeerMisbehaved);
    assert_eq!(kind(HAND.body(method, "[]")), ErrorKind::PeerMisbehaved);
    assert_eq!(
        kind(HAND.body(method, &good.replacen("{", "{\"code\":\"10000\",", 1))),
        ErrorKind::PeerMisbehaved
    );
    // What happened is not known.
    for (code, sub_code) in [("20000", "isp.unknow-error"), ("40004", "ACQ.SYSTEM_ERROR"), ("20000", "")] {
        assert_eq!(kind(HAND.body(method, &no(code, sub_code))), ErrorKind::Unavailable, "{method}");
    }
    let mut down = Response::new(Bytes::from(honest));
    *down.status_mut() = StatusCode::BAD_GATEWAY;
    assert!(call.read(&HAND.merchant, &Reply::new(down, NOW)).err().unwrap().is_transient());
}

#[test]
fn of_every_call() {
    let closed =
        r#"{"code":"10000","out_trade_no":"COURSE_0001","trade_no":"1","retry_flag":"N","action":"close"}"#;
    let qr = r#"{"code":"10000","out_trade_no":"COURSE_0001","qr_code":"https:\/\/qr.alipay.com\/bax0"}"#;
    let bill = r#"{"code":"10000","bill_download_url":"https:\/\/dwbillcenter.alipay.com\/x?token=t"}"#;
    let queried = PAID.replacen("\"code\"", "\"trade_status\":\"TRADE_SUCCESS\",\"code\"", 1);
    attack(&TradeQuery::new(number(NUMBER)), "alipay.trade.query", &queried, true);
    attack(&Precreate::new(order(NUMBER, "88.00"), notify_url()), "alipay.trade.precreate", qr, true);
    attack(&create(), "alipay.trade.create", closed, true);
    attack(&bar_code(), "alipay.trade.pay", PAID, true);
    attack(&Close::new(number(NUMBER)), "alipay.trade.close", closed, true);
    attack(&Cancel::new(number(NUMBER)), "alipay.trade.cancel", closed, true);
    attack(&RefundCall::new(refund("8.00")), "alipay.trade.refund", GIVEN_BACK, true);
    attack(&RefundQuery::new(refund("8.00")), "alipay.trade.fastpay.refund.query", FOUND, true);
    let bill_url = BillUrl::new(BillDay::parse("2026-09-22").unwrap());
    attack(&bill_url, "alipay.data.dataservice.bill.downloadurl.query", bill, false);
}
