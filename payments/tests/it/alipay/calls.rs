//! What each call sends, and what it reads in an honest reply.

use super::{HAND, content, no, notify_url, url};
use crate::support::{NOW, NUMBER, number, order, seller_id, stamp};
use payments::alipay::{
    AppPay, AuthCode, BarCodeOutcome, BarCodePay, Buyer, Cancel, CancelOutcome, Close, CloseAnswer, Create,
    PagePay, Precreate, QrProduct, Redirect, TradeQuery, WapPay,
};
use payments::{AppId, Call, Effect, ErrorKind, QueryOutcome, Stake, TradeStatus};
use serde_json::json;

pub(super) fn bar_code() -> BarCodePay {
    BarCodePay::new(order(NUMBER, "88.00"), AuthCode::parse("289821051157962364").unwrap(), notify_url())
}

pub(super) fn create() -> Create {
    Create::new(order(NUMBER, "88.00"), Buyer::parse("2088102534368455").unwrap(), notify_url())
}

pub(super) const PAID: &str = concat!(
    "{\"code\":\"10000\",\"msg\":\"Success\",\"out_trade_no\":\"COURSE_0001\",",
    "\"trade_no\":\"2026092222001\",\"total_amount\":\"88.00\",\"gmt_payment\":\"2026-09-22 00:00:00\",",
    "\"fund_bill_list\":[{\"amount\":\"88.00\",\"fund_channel\":\"PCREDIT\"}]}"
);

#[test]
fn the_buyer_carries_a_page_or_wap_payment() {
    let sold = order(NUMBER, "88.00");
    let back = url("https://shop.example/back");
    let page = PagePay::new(sold.clone(), notify_url(), back.clone()).expiring_at(NOW.plus_secs(60));
    let wap = WapPay::new(sold, notify_url(), back).quitting_to(url("https://shop.example/quit"));
    let page = page.redirect(&HAND.merchant, stamp()).unwrap();
    let wap = wap.redirect(&HAND.merchant, stamp()).unwrap();
    let (page, wap) = (HAND.admitted(&page.query()), HAND.admitted(&wap.query()));
    assert_eq!(
        (page["method"].as_str(), wap["method"].as_str()),
        ("alipay.trade.page.pay", "alipay.trade.wap.pay")
    );
    assert_eq!(content(&page)["product_code"], "FAST_INSTANT_TRADE_PAY");
    assert_eq!(content(&page)["time_expire"], NOW.plus_secs(60).china_text());
    assert_eq!(content(&wap)["product_code"], "QUICK_WAP_WAY");
    assert_eq!(content(&wap)["quit_url"], "https://shop.example/quit");
    for params in [&page, &wap] {
        assert_eq!(params["return_url"], "https://shop.example/back");
        assert_eq!(params["notify_url"], "https://shop.example/alipay/notify");
    }
}

/// The form says the same as the address, to a browser that decodes all five characters; it runs no script.
#[test]
fn a_form_says_what_the_address_says() {
    let pay = PagePay::new(order(NUMBER, "88.00"), notify_url(), url("https://shop.example/a&copy;b"));
    let pay = pay.redirect(&HAND.merchant, stamp()).unwrap();
    let form = pay.form();
    assert!(!form.contains("<script") && !form.contains("onload"));
    assert!(form.starts_with(&format!("<form id=\"{}\" method=\"post\"", Redirect::FORM_ID)));
    let decoded = |text: &str| {
        let text =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        text.replace("&amp;", "&")
    };
    let between =
        |text: &str, from: &str| text.split_once(from).unwrap().1.split_once('"').unwrap().0.to_owned();
    let inputs = form.lines().filter(|line| line.starts_with("<input"));
    let mut pairs: Vec<_> = inputs
        .map(|line| {
            let value = between(line, " value=\"");
            assert!(!value.contains(['<', '>', '\'']), "{line}");
            (between(line, " name=\""), decoded(&value))
        })
        .collect();
    pairs.push(("charset".to_owned(), "utf-8".to_owned()));
    assert_eq!(HAND.admitted(&crate::support::encoded(&pairs)), HAND.admitted(&pay.query()));
}

#[test]
fn an_application_gets_a_signed_text() {
    let pay = AppPay::new(order(NUMBER, "88.00"), notify_url());
    let params = HAND.admitted(&pay.order_string(&HAND.merchant, stamp()).unwrap());
    assert_eq!(params["method"], "alipay.trade.app.pay");
    assert_eq!(params.get("return_url"), None);
    let subject = order(NUMBER, "88.00").subject;
    let expected = json!({
        "out_trade_no": NUMBER, "product_code": "QUICK_MSECURITY_PAY", "subject": subject.as_str(),
        "total_amount": "88.00",
    });
    assert_eq!(content(&params), expected);
}

#[test]
fn a_qr_code() {
    let call = Precreate::new(order(NUMBER, "88.00"), notify_url());
    let params = HAND.asked(&call);
    assert_eq!(params["method"], "alipay.trade.precreate");
    assert_eq!(params["notify_url"], notify_url().as_str());
    assert_eq!(content(&params)["product_code"], "FACE_TO_FACE_PAYMENT");
    let other = content(&HAND.asked(&call.clone().under(QrProduct::OrderCode)));
    assert_eq!(other["product_code"], "QR_CODE_OFFLINE");
    assert_eq!(call.effect(), Effect::Idempotent(Stake::Trade(number(NUMBER))));

    let good = r#"{"code":"10000","out_trade_no":"COURSE_0001","qr_code":"https:\/\/qr.alipay.com\/bax0"}"#;
    assert_eq!(HAND.read(&call, "alipay.trade.precreate", good).unwrap(), "https://qr.alipay.com/bax0");
    let none = r#"{"code":"10000","out_trade_no":"COURSE_0001","qr_code":""}"#;
    let error = HAND.read(&call, "alipay.trade.precreate", none).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PeerMisbehaved);
    let paid = HAND.read(&call, "alipay.trade.precreate", &no("40004", "ACQ.TRADE_HAS_SUCCESS")).unwrap_err();
    assert_eq!((paid.kind(), paid.gateway_code()), (ErrorKind::InvalidInput, Some("ACQ.TRADE_HAS_SUCCESS")));
    assert!(!paid.to_string().contains('\n'), "{paid}");
}

#[test]
fn a_trade_for_a_known_buyer() {
    let params = HAND.asked(&create());
    assert_eq!(params["method"], "alipay.trade.create");
    assert_eq!(content(&params)["product_code"], "JSAPI_PAY");
    assert_eq!(content(&params)["buyer_id"], "2088102534368455");
    assert_eq!(content(&params)["op_app_id"], "9021000122682882");
    let open = Create::new(order(NUMBER, "88.00"), Buyer::parse("074a1CcTG1Lelx").unwrap(), notify_url());
    let open = content(&HAND.asked(&open.within(AppId::parse("2021000000000001").unwrap())));
    assert_eq!((&open["buyer_open_id"], &open["buyer_id"]), (&json!("074a1CcTG1Lelx"), &json!(null)));
    assert_eq!(open["op_app_id"], "2021000000000001");

    let good = r#"{"code":"10000","out_trade_no":"COURSE_0001","trade_no":"2026092222001"}"#;
    let trade_no = HAND.read(&create(), "alipay.trade.create", good).unwrap();
    assert_eq!(trade_no.as_str(), "2026092222001");
}

#[test]
fn a_payment_at_the_counter() {
    let call = bar_code();
    let params = HAND.asked(&call);
    assert_eq!(params["method"], "alipay.trade.pay");
    let told = content(&params);
    assert_eq!((&told["scene"], &told["auth_code"]), (&json!("bar_code"), &json!("289821051157962364")));
    assert_eq!(told["product_code"], "FACE_TO_FACE_PAYMENT");
    assert!(!format!("{call:?}").contains("2898210"));
    assert_eq!(call.effect(), Effect::Once(Stake::Trade(number(NUMBER))));

    let read = |content: &str| HAND.read(&call, "alipay.trade.pay", content);
    let BarCodeOutcome::Paid(notify) = read(PAID).unwrap() else { panic!("not paid") };
    assert_eq!(
        (notify.status(), notify.field("gmt_payment")),
        (TradeStatus::Paid, Some("2026-09-22 00:00:00"))
    );
    let expected = HAND.merchant.expected(&order(NUMBER, "88.00"));
    assert_eq!(expected.seller_id, seller_id());
    assert!(notify.check(&expected).is_ok());

    let waits = r#"{"code":"10003","msg":" order success pay inprocess","trade_no":"2026092222001"}"#;
    assert!(matches!(read(waits).unwrap(), BarCodeOutcome::BuyerConfirms));
    for code in ["ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_FINISHED"] {
        assert!(matches!(read(&no("40004", code)).unwrap(), BarCodeOutcome::AlreadyPaid));
    }
    for sub_code in ["ACQ.BUYER_BALANCE_NOT_ENOUGH", "ACQ.PAYMENT_AUTH_CODE_INVALID", "ACQ.TRADE_HAS_CLOSE"] {
        let BarCodeOutcome::Refused { code, message } = read(&no("40004", sub_code)).unwrap() else {
            panic!("{sub_code} is no refusal")
        };
        assert_eq!((code.as_str(), message.as_str()), (sub_code, "买家\\n余额不足"));
    }
    for (sub_code, kind) in [
        ("ACQ.ACCESS_FORBIDDEN", ErrorKind::Misuse),
        ("ACQ.CONTEXT_INCONSISTENT", ErrorKind::InvalidInput),
        ("ACQ.SYSTEM_ERROR", ErrorKind::Unavailable),
    ] {
        assert_eq!(read(&no("40004", sub_code)).unwrap_err().kind(), kind, "{sub_code}");
    }
}

#[test]
fn a_trade_is_closed() {
    let call = Close::new(number(NUMBER));
    let params = HAND.asked(&call);
    assert_eq!(
        (params["method"].as_str(), content(&params)),
        ("alipay.trade.close", json!({"out_trade_no": NUMBER}))
    );
    let read = |content: &str| HAND.read(&call, "alipay.trade.close", content);
    let good = r#"{"code":"10000","out_trade_no":"COURSE_0001","trade_no":"2026092222001"}"#;
    assert_eq!(read(good).unwrap(), CloseAnswer::Closed);
    assert_eq!(read(&no("40004", "ACQ.TRADE_NOT_EXIST")).unwrap(), CloseAnswer::NotFound);
    for code in ["ACQ.TRADE_STATUS_ERROR", "ACQ.REASON_TRADE_STATUS_INVALID", "ACQ.TRADE_HAS_FINISHED"] {
        assert_eq!(read(&no("40004", code)).unwrap(), CloseAnswer::NotWaiting, "{code}");
    }
    assert_eq!(read(&no("40004", "ACQ.PARTNER_ERROR")).unwrap_err().kind(), ErrorKind::Misuse);
}

#[test]
fn a_trade_is_cancelled() {
    let call = Cancel::new(number(NUMBER));
    assert_eq!(HAND.asked(&call)["method"], "alipay.trade.cancel");
    let done = |members: &str| {
        let content = format!("{{\"code\":\"10000\",\"out_trade_no\":\"{NUMBER}\",{members}}}");
        HAND.read(&call, "alipay.trade.cancel", &content)
    };
    for (members, outcome) in [
        (r#""retry_flag":"N","action":"close""#, CancelOutcome::Closed),
        (r#""retry_flag":"N","action":"refund""#, CancelOutcome::Refunded),
        (r#""retry_flag":"N""#, CancelOutcome::NotFound),
        (r#""retry_flag":"Y""#, CancelOutcome::Retry),
        (r#""retry_flag":"Y","action":"close""#, CancelOutcome::Retry),
    ] {
        assert_eq!(done(members).unwrap(), outcome, "{members}");
    }
    assert_eq!(done(r#""action":"dream""#).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    let refused = HAND.read(&call, "alipay.trade.cancel", &no("40004", "ACQ.TRADE_CANCEL_TIME_OUT")).unwrap();
    assert!(matches!(refused, CancelOutcome::Refused { code, .. } if code == "ACQ.TRADE_CANCEL_TIME_OUT"));
    let busy = HAND.read(&call, "alipay.trade.cancel", &no("40004", "AQC.SYSTEM_ERROR")).unwrap_err();
    assert!(busy.is_transient());
}

#[test]
fn a_trade_is_asked_about() {
    let call = TradeQuery::new(number(NUMBER));
    let read = |content: &str| HAND.read(&call, "alipay.trade.query", content);
    let told = |status: &str| {
        format!(
            "{{\"code\":\"10000\",\"out_trade_no\":\"{NUMBER}\",\"trade_no\":\"1\",\"total_amount\":\"88.00\",\
             \"trade_status\":\"{status}\",\"buyer_user_id\":\"2088\",\"hb_fq_pay_info\":{{\"n\":1}}}}"
        )
    };
    for (word, status) in [
        ("WAIT_BUYER_PAY", TradeStatus::Waiting),
        ("TRADE_SUCCESS", TradeStatus::Paid),
        ("TRADE_FINISHED", TradeStatus::Paid),
        ("TRADE_CLOSED", TradeStatus::Closed),
    ] {
        let QueryOutcome::Trade(notify) = read(&told(word)).unwrap() else { panic!("no trade") };
        assert_eq!((notify.status(), notify.field("trade_status")), (status, Some(word)));
    }
    assert_eq!(read(&told("TRADE_DREAMT")).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    assert!(matches!(read(&no("40004", "ACQ.TRADE_NOT_EXIST")).unwrap(), QueryOutcome::NotFound));
}

#[test]
fn what_alipay_does_not_take_is_refused_before_it_is_sent() {
    let kind = |error: payments::Error| {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    };
    let dashed = order("COURSE-0001", "88.00");
    kind(Precreate::new(dashed.clone(), notify_url()).request(&HAND.merchant, stamp()).unwrap_err());
    kind(AppPay::new(dashed, notify_url()).order_string(&HAND.merchant, stamp()).unwrap_err());
    kind(Close::new(number("COURSE-0001")).request(&HAND.merchant, stamp()).unwrap_err());
    for subject in ["a/b", "a=b", "a&b"] {
        let mut sold = order(NUMBER, "88.00");
        sold.subject = payments::Subject::parse(subject).unwrap();
        kind(Precreate::new(sold.clone(), notify_url()).request(&HAND.merchant, stamp()).unwrap_err());
        let wap = WapPay::new(sold, notify_url(), notify_url());
        kind(wap.redirect(&HAND.merchant, stamp()).unwrap_err());
    }
}
