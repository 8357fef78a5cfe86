//! A call that met an unknown certificate: repeated if that is harmless, and never believed too much.

use crate::alipay_mode::{DOWNLOAD, Mode};
use crate::support::{number, order, yuan};
use payments::alipay::{AuthCode, BarCodePay, Cancel, CancelOutcome, RefundCall};
use payments::{CallbackUrl, Channel, Outcome, Refund, RefundNo, RefundOutcome, TradeNo};

#[tokio::test]
async fn only_harmless_calls_are_repeated() {
    let mode = Mode::new();
    let (new_pem, _) = mode.alipay("new");
    let url = || CallbackUrl::parse("https://shop.example/notify").unwrap();
    let paying =
        BarCodePay::new(order("COURSE_0001", "88.00"), AuthCode::parse("285000000000000001").unwrap(), url());
    let trade = (Channel::Alipay, TradeNo::parse("2026112322001").unwrap());
    let refund_no = RefundNo::parse("REFUND_0001").unwrap();
    let refund = Refund::new(refund_no, number("COURSE_0001"), trade, yuan("88.00"), yuan("1.00"));
    let content = r#"{"code":"10000","out_trade_no":"COURSE_0001","trade_no":"2026112322001",
        "total_amount":"88.00","refund_fee":"1.00","fund_change":"Y","gmt_payment":"2026-11-23 10:00:00"}"#;
    let gateway = || {
        let (fake, client) = mode.gateway("new");
        for method in ["alipay.trade.pay", "alipay.trade.refund"] {
            fake.contents.lock().unwrap().insert(method.to_owned(), content.to_owned());
        }
        fake.certificates.lock().unwrap().insert(mode.sn("new"), new_pem.clone());
        (fake, client)
    };
    let ((fake, client), merchant) = (gateway(), mode.merchant());
    let unknown = merchant.call(&client, &paying).await.unwrap();
    assert!(matches!(unknown, Outcome::Unknown(_)));
    assert_eq!((fake.asked_for("alipay.trade.pay"), fake.asked_for(DOWNLOAD)), (1, 1));
    assert!(merchant.certificates().unwrap().knows(&mode.sn("new")));

    let ((fake, client), merchant) = (gateway(), mode.merchant());
    let known = merchant.call(&client, &RefundCall::new(refund)).await.unwrap();
    assert!(matches!(known, Outcome::Known(_)));
    assert_eq!((fake.asked_for("alipay.trade.refund"), fake.asked_for(DOWNLOAD)), (2, 1));
}

/// The first attempt may have acted, so a refusal of the second one proves nothing.
#[tokio::test]
async fn a_refused_repeat_leaves_the_outcome_open() {
    let mode = Mode::new();
    let (new_pem, _) = mode.alipay("new");
    let trade = (Channel::Alipay, TradeNo::parse("2026112322001").unwrap());
    let refund_no = RefundNo::parse("REFUND_0001").unwrap();
    let refund = Refund::new(refund_no, number("COURSE_0001"), trade, yuan("88.00"), yuan("1.00"));
    let (refund, cancel) = (RefundCall::new(refund), Cancel::new(number("COURSE_0001")));
    let (fake, client) = mode.gateway("new");
    for (method, code) in [
        ("alipay.trade.refund", "ACQ.SELLER_BALANCE_NOT_ENOUGH"),
        ("alipay.trade.cancel", "ACQ.TRADE_CANCEL_TIME_OUT"),
    ] {
        let content = format!(r#"{{"code":"40004","msg":"Business Failed","sub_code":"{code}"}}"#);
        fake.contents.lock().unwrap().insert(method.to_owned(), content);
    }
    fake.certificates.lock().unwrap().insert(mode.sn("new"), new_pem);
    let merchant = mode.merchant();
    let refunded = merchant.call(&client, &refund).await.unwrap();
    assert!(matches!(refunded, Outcome::Unknown(_)), "{refunded:?}");
    // A refusal that nothing precedes is final.
    let refunded = merchant.call(&client, &refund).await.unwrap().known().unwrap();
    assert!(matches!(refunded, RefundOutcome::Refused { .. }), "{refunded:?}");

    let merchant = mode.merchant();
    fake.later(60);
    let cancelled = merchant.call(&client, &cancel).await.unwrap();
    assert!(matches!(cancelled, Outcome::Unknown(_)), "{cancelled:?}");
    let cancelled = merchant.call(&client, &cancel).await.unwrap().known().unwrap();
    assert!(matches!(cancelled, CancelOutcome::Refused { .. }), "{cancelled:?}");
}
