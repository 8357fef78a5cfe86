//! Payments: the form for a browser, and the token of an application.

use super::{assert_sent, assert_signed, common};
use crate::support::{number, stamp};
use crate::unionpay::bank::{
    Bank, Fields, NUMBER, notify_url, order, paid, return_url, submitted_at, with, without,
};
use payments::unionpay::{AppPay, Device, FrontForm, GatewayPay};
use payments::{Call, Effect, ErrorKind, Order, Stake};

#[test]
fn the_form_of_a_payment() {
    let bank = Bank::new();
    let txn_time = submitted_at().china_digits();
    for (device, channel) in [(Device::Computer, "07"), (Device::Telephone, "08")] {
        let pay = GatewayPay::new(order(), device, notify_url(), return_url(), submitted_at());
        let form = pay.form(&bank.merchant).unwrap();
        assert_eq!(form.action(), "http://127.0.0.1:8070/gateway/api/frontTransReq.do");
        let params: Fields = form.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_signed(&bank, &params);
        let expected = with(
            common(&bank),
            &[
                ("backUrl", notify_url().as_str()),
                ("bizType", "000201"),
                ("channelType", channel),
                ("currencyCode", "156"),
                ("frontUrl", return_url().as_str()),
                ("orderId", NUMBER),
                ("txnAmt", "8800"),
                ("txnSubType", "01"),
                ("txnTime", &txn_time),
                ("txnType", "01"),
            ],
        );
        assert_eq!(without(params, &["signature"]), expected);
        let late = pay.expiring_at(submitted_at().plus_secs(900)).form(&bank.merchant).unwrap();
        assert!(late.fields().any(|field| field == ("payTimeout", "20220908133706")));
    }
}

#[test]
fn the_element_escapes_every_value_and_holds_no_script() {
    let bank = Bank::new();
    let pay = GatewayPay::new(order(), Device::Computer, notify_url(), return_url(), submitted_at());
    let html = pay.form(&bank.merchant).unwrap().html();
    assert!(html.contains("value=\"https://shop.example/r&amp;copy=&#39;back&#39;\""), "{html}");
    assert!(html.starts_with(&format!("<form id=\"{}\" method=\"post\"", FrontForm::ID)), "{html}");
    assert!(!html.contains("script") && !html.contains("onload"));
    assert_eq!(html.matches("type=\"hidden\"").count(), pay.form(&bank.merchant).unwrap().fields().count());
}

#[test]
fn numbers_that_unionpay_does_not_take_are_refused() {
    let bank = Bank::new();
    for text in ["COURSE_0001", "COURSE-0001", "COURSE1", &"9".repeat(41)] {
        let order = Order::new(number(text), order().subject, order().amount);
        let pay = GatewayPay::new(order, Device::Computer, notify_url(), return_url(), submitted_at());
        assert_eq!(pay.form(&bank.merchant).unwrap_err().kind(), ErrorKind::InvalidInput, "{text}");
    }
}

#[test]
fn an_application_gets_its_token() {
    let bank = Bank::new();
    let call = AppPay::new(order(), notify_url(), submitted_at());
    assert_eq!(call.effect(), Effect::Once(Stake::Trade(number(NUMBER))));
    let request = call.request(&bank.merchant, stamp()).unwrap();
    assert_sent(
        &bank,
        &request,
        "http://127.0.0.1:8070/gateway/api/appTransReq.do",
        &[
            ("backUrl", notify_url().as_str()),
            ("bizType", "000201"),
            ("channelType", "08"),
            ("currencyCode", "156"),
            ("orderId", NUMBER),
            ("txnAmt", "8800"),
            ("txnSubType", "01"),
            ("txnTime", &submitted_at().china_digits()),
            ("txnType", "01"),
        ],
    );
    // The same numbers again, byte for byte.
    assert_eq!(call.request(&bank.merchant, stamp()).unwrap().body(), request.body());

    let good = with(without(paid(), &["queryId", "txnAmt"]), &[("tn", "782209081322060674028")]);
    let token = call.read(&bank.merchant, &bank.reply(good.clone())).unwrap();
    assert_eq!(
        (token.as_str(), token.to_string().as_str()),
        ("782209081322060674028", "782209081322060674028")
    );
    for (name, value, kind) in [
        ("tn", "<script>", ErrorKind::PeerMisbehaved),
        ("orderId", "COURSE0002", ErrorKind::Unverified),
        ("txnTime", "20220908132207", ErrorKind::Unverified),
        ("merId", "898340183980105", ErrorKind::Unverified),
        ("txnType", "04", ErrorKind::Unverified),
        ("respCode", "03", ErrorKind::Unavailable),
        ("respCode", "11", ErrorKind::Misuse),
        ("respCode", "12", ErrorKind::InvalidInput),
    ] {
        let error = call.read(&bank.merchant, &bank.reply(with(good.clone(), &[(name, value)]))).unwrap_err();
        assert_eq!(error.kind(), kind, "{name} {value}: {error}");
    }
    let unnamed = bank.reply(without(good, &["orderId"]));
    assert_eq!(call.read(&bank.merchant, &unnamed).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
}
