//! Calls as requests and replies. What is signed is checked by openssl, from the manual's rule written here again.

use super::bank::{
    Bank, Fields, MER_ID, NUMBER, QUERY_ID, REFUND_NO, fields, notify_url, order, paid, plain, queried,
    refund, refunded, reply, requested_at, return_url, submitted_at, trade, with, without,
};
use crate::support::{number, openssl, openssl_text, stamp, yuan};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};
use payments::unionpay::{
    AppPay, Device, EncryptionCertificate, EncryptionKey, FileDownload, FrontForm, GatewayPay, Query,
    RefundAnswer, RefundCall, RefundQuery, SigningKey, Undo,
};
use payments::{
    BillDay, Call, Channel, Effect, ErrorKind, Order, QueryOutcome, RefundOutcome, RefundStatus, Reply,
    Stake, TradeStatus,
};

/// The parameters of a request; the signature fits them by openssl, hashed twice.
fn sent(bank: &Bank, request: &Request<Bytes>) -> Fields {
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded; charset=utf-8");
    let params: Fields = form_urlencoded::parse(request.body()).into_owned().collect();
    assert_signed(bank, &params);
    params
}

fn assert_signed(bank: &Bank, params: &Fields) {
    let path = |name: &str| bank.authority.path(name);
    let text = plain(&without(params.clone(), &["signature"]));
    let hex = openssl_text(&["dgst", "-sha256", "-r"], text.as_bytes());
    let hex = hex.split(' ').next().unwrap();
    std::fs::write(path("signature"), STANDARD.decode(&params["signature"]).unwrap()).unwrap();
    let public = openssl(&["x509", "-pubkey", "-noout", "-in", &path("customer.crt")], b"");
    std::fs::write(path("public.pem"), public).unwrap();
    let arguments = ["dgst", "-sha256", "-verify", &path("public.pem"), "-signature", &path("signature")];
    assert!(openssl_text(&arguments, hex.as_bytes()).contains("Verified OK"));
    assert!(params.values().all(|value| !value.trim().is_empty()), "{params:?}");
}

/// The fields that every request has.
fn common(bank: &Bank) -> Fields {
    let serial =
        openssl_text(&["x509", "-serial", "-noout", "-in", &bank.authority.path("customer.crt")], b"");
    let serial =
        u128::from_str_radix(serial.trim().trim_start_matches("serial=").get(8..).unwrap(), 16).unwrap();
    let cert_id = bank.pem_of("customer").serial_decimal();
    // The whole number has 160 bits; its low 128 are compared.
    let low = cert_id
        .bytes()
        .fold(0_u128, |sum, digit| sum.wrapping_mul(10).wrapping_add(u128::from(digit - b'0')));
    assert_eq!(low, serial);
    fields(&[
        ("accessType", "0"),
        ("certId", &cert_id),
        ("encoding", "UTF-8"),
        ("merId", MER_ID),
        ("signMethod", "01"),
        ("version", "5.1.0"),
    ])
}

fn assert_sent(bank: &Bank, request: &Request<Bytes>, uri: &str, pairs: &[(&str, &str)]) {
    assert_eq!(request.uri(), uri);
    assert_eq!(without(sent(bank, request), &["signature"]), with(common(bank), pairs));
}

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

#[test]
fn a_query_tells_what_became_of_a_trade() {
    let bank = Bank::new();
    let call = Query::new(trade());
    assert_eq!(call.effect(), Effect::Reads);
    let request = call.request(&bank.merchant, stamp()).unwrap();
    assert_sent(
        &bank,
        &request,
        "http://127.0.0.1:8070/gateway/api/queryTrans.do",
        &[
            ("bizType", "000000"),
            ("orderId", NUMBER),
            ("txnSubType", "00"),
            ("txnTime", &submitted_at().china_digits()),
            ("txnType", "00"),
        ],
    );
    let read = |fields| call.read(&bank.merchant, &bank.reply(fields));
    for (code, status) in [
        ("00", TradeStatus::Paid),
        ("A6", TradeStatus::Paid),
        ("03", TradeStatus::Waiting),
        ("04", TradeStatus::Waiting),
        ("05", TradeStatus::Waiting),
        ("64", TradeStatus::Failed),
    ] {
        let outcome = read(queried(code)).unwrap();
        let QueryOutcome::Trade(notify) = outcome else { panic!("{outcome:?}") };
        assert_eq!((notify.status(), notify.notify_id()), (status, None));
        assert_eq!(notify.trade_no().as_str(), QUERY_ID);
        assert!(notify.check(&bank.merchant.expected(&order())).is_ok());
    }
    // Before a bank is asked there is no number.
    let early = read(without(queried("05"), &["queryId"])).unwrap();
    let QueryOutcome::Trade(early) = early else { panic!("{early:?}") };
    assert_eq!(early.trade_no().as_str(), NUMBER);

    let unknown = with(without(paid(), &["queryId", "txnAmt", "currencyCode"]), &[("respCode", "34")]);
    assert!(matches!(read(unknown), Ok(QueryOutcome::NotFound)));
    for (fields, kind) in [
        (without(queried("00"), &["origRespCode"]), ErrorKind::PeerMisbehaved),
        (without(queried("00"), &["queryId"]), ErrorKind::PeerMisbehaved),
        (with(queried("00"), &[("queryId", "")]), ErrorKind::PeerMisbehaved),
        (with(queried("00"), &[("txnType", "04")]), ErrorKind::PeerMisbehaved),
        (with(queried("00"), &[("orderId", "COURSE0002")]), ErrorKind::Unverified),
        (with(queried("00"), &[("txnTime", "20220908132207")]), ErrorKind::Unverified),
        (with(queried("00"), &[("respCode", "05")]), ErrorKind::Unavailable),
        (with(queried("00"), &[("respCode", "37")]), ErrorKind::Unavailable),
        (with(queried("00"), &[("respCode", "10")]), ErrorKind::Misuse),
    ] {
        assert_eq!(read(fields).unwrap_err().kind(), kind);
    }
}

#[test]
fn replies_are_read_as_they_are_written() {
    let bank = Bank::new();
    let call = Query::new(trade());
    let read = |reply: &Reply| call.read(&bank.merchant, reply).map_err(|error| error.kind());
    let signed = bank.signed(with(queried("00"), &[("tokenPayData", "{token=1&trId=2}"), ("reserved", "")]));
    assert!(signed["accNo"].contains('+') && signed["accNo"].contains("=="));
    let body = plain(&signed);
    assert!(read(&reply(&body, bank.now())).is_ok());
    // Any order of the parameters.
    let mut turned: Vec<(&String, &String)> = signed.iter().collect();
    turned.reverse();
    let turned: Vec<String> = turned.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert!(read(&reply(&turned.join("&"), bank.now())).is_ok());

    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&signed).finish();
    for (body, kind) in [
        (encoded, ErrorKind::Unverified),
        (format!("{body}&orderId={NUMBER}"), ErrorKind::Unverified),
        (format!("{body}&x={}", "a".repeat(65_536)), ErrorKind::Unverified),
        (format!("{body}&{{=1"), ErrorKind::Unverified),
        (plain(&without(signed.clone(), &["signature"])), ErrorKind::Unverified),
        (plain(&bank.signed_by("customer", queried("00"))), ErrorKind::Unverified),
        ("Invalid request.".to_owned(), ErrorKind::Unverified),
        (String::new(), ErrorKind::Unverified),
    ] {
        assert_eq!(read(&reply(&body, bank.now())).unwrap_err(), kind, "{body}");
    }
    let unsigned = call.read(&bank.merchant, &reply("Invalid request.", bank.now())).unwrap_err();
    assert_eq!(unsigned.gateway_code(), Some("Invalid request."));
    for (status, kind) in [(502, ErrorKind::Unavailable), (302, ErrorKind::PeerMisbehaved)] {
        let mut broken = reply(&body, bank.now());
        *broken.response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        assert_eq!(read(&broken).unwrap_err(), kind);
    }
}

#[test]
fn a_refund_is_asked_for_once() {
    let bank = Bank::new();
    let call = RefundCall::new(refund(yuan("30.00")), notify_url());
    let Effect::Once(Stake::Refund(order, number)) = call.effect() else { panic!("{:?}", call.effect()) };
    assert_eq!((order.as_str(), number.as_str()), (NUMBER, REFUND_NO));
    let request = call.request(&bank.merchant, stamp()).unwrap();
    let expected = [
        ("backUrl", "https://shop.example/unionpay/notify"),
        ("bizType", "000201"),
        ("channelType", "07"),
        ("currencyCode", "156"),
        ("orderId", REFUND_NO),
        ("origQryId", QUERY_ID),
        ("reqReserved", NUMBER),
        ("txnAmt", "3000"),
        ("txnSubType", "00"),
        ("txnTime", &requested_at().china_digits()),
        ("txnType", "04"),
    ];
    assert_sent(&bank, &request, "http://127.0.0.1:8070/gateway/api/backTransReq.do", &expected);
    assert_eq!(call.request(&bank.merchant, stamp()).unwrap().body(), request.body());

    let answer = |pairs: &[(&str, &str)]| call.read(&bank.merchant, &bank.reply(with(refunded(), pairs)));
    // "Good" says that it was taken; the money is not back yet.
    let taken = answer(&[]).unwrap();
    assert_eq!(call.refusal_code(&taken), None);
    let RefundAnswer::Accepted(notify) = taken else { panic!("{taken:?}") };
    assert_eq!(notify.status(), RefundStatus::Processing);
    assert!(notify.check(&bank.merchant.expected_refund(&refund(yuan("30.00")).refund)).is_ok());
    assert!(matches!(answer(&[("respCode", "12")]), Ok(RefundAnswer::Duplicate)));
    let refused = answer(&[("respCode", "36"), ("respMsg", "与原交易信息不符[2040004]")]).unwrap();
    assert_eq!(call.refusal_code(&refused), Some("36"));
    let RefundAnswer::Refused { code, message } = refused else { panic!("{refused:?}") };
    assert_eq!((code.as_str(), message.as_str()), ("36", "与原交易信息不符[2040004]"));
    for (name, value, kind) in [
        ("respCode", "05", ErrorKind::Unavailable),
        ("respCode", "99", ErrorKind::Unavailable),
        ("respCode", "32", ErrorKind::Misuse),
        ("orderId", "REFUND0002", ErrorKind::Unverified),
        ("txnAmt", "3001", ErrorKind::Unverified),
        ("origQryId", "782209081322060674029", ErrorKind::Unverified),
        ("txnType", "31", ErrorKind::Unverified),
    ] {
        assert_eq!(answer(&[(name, value)]).unwrap_err().kind(), kind, "{name} {value}");
    }
}

#[test]
fn an_undo_takes_the_whole() {
    let bank = Bank::new();
    let whole = Undo::new(refund(yuan("88.00")), notify_url());
    let params = sent(&bank, &whole.request(&bank.merchant, stamp()).unwrap());
    assert_eq!((params["txnType"].as_str(), params["txnAmt"].as_str()), ("31", "8800"));
    let taken =
        whole.read(&bank.merchant, &bank.reply(with(refunded(), &[("txnType", "31"), ("txnAmt", "8800")])));
    assert!(matches!(taken, Ok(RefundAnswer::Accepted(_))));
    let part = Undo::new(refund(yuan("30.00")), notify_url());
    assert_eq!(part.request(&bank.merchant, stamp()).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn money_of_another_gateway_does_not_go_back_here() {
    let bank = Bank::new();
    let mut other = refund(yuan("30.00"));
    other.refund.channel = Channel::Alipay;
    let error = RefundCall::new(other, notify_url()).request(&bank.merchant, stamp()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_query_tells_what_became_of_a_refund() {
    let bank = Bank::new();
    let call = RefundQuery::new(refund(yuan("30.00")));
    let params = sent(&bank, &call.request(&bank.merchant, stamp()).unwrap());
    assert_eq!((params["orderId"].as_str(), params["txnType"].as_str()), (REFUND_NO, "00"));
    assert_eq!(params["txnTime"], requested_at().china_digits());
    let read = |pairs: &[(&str, &str)]| call.read(&bank.merchant, &bank.reply(with(refunded(), pairs)));
    for (code, txn_type, status) in [
        ("00", "04", RefundStatus::Succeeded),
        ("00", "31", RefundStatus::Succeeded),
        ("05", "04", RefundStatus::Processing),
        ("36", "04", RefundStatus::Closed),
    ] {
        let outcome = read(&[("origRespCode", code), ("txnType", txn_type)]).unwrap();
        let RefundOutcome::Refund(notify) = outcome else { panic!("{outcome:?}") };
        assert_eq!(notify.status(), status);
        assert!(notify.check(&bank.merchant.expected_refund(&refund(yuan("30.00")).refund)).is_ok());
    }
    assert!(matches!(read(&[("respCode", "34")]), Ok(RefundOutcome::NotFound)));
    let payment = read(&[("origRespCode", "00"), ("txnType", "01")]).unwrap_err();
    assert_eq!(payment.kind(), ErrorKind::PeerMisbehaved);
}

/// What is encrypted for UnionPay is decrypted by openssl with the key of the certificate.
#[test]
fn a_card_number_is_for_unionpay_alone() {
    let bank = Bank::new();
    let call = EncryptionCertificate;
    let params = sent(&bank, &call.request(&bank.merchant, stamp()).unwrap());
    assert_eq!((params["txnType"].as_str(), params["certType"].as_str()), ("95", "01"));
    assert!((8..=40).contains(&params["orderId"].len()));

    let told = fields(&[
        ("certType", "01"),
        ("encoding", "UTF-8"),
        ("encryptPubKeyCert", &bank.pem("unionpay")),
        ("merId", MER_ID),
        ("respCode", "00"),
        ("signMethod", "01"),
        ("txnType", "95"),
        ("version", "5.1.0"),
    ]);
    let key = call.read(&bank.merchant, &bank.reply(told.clone())).unwrap();
    assert_eq!(key.cert_id(), bank.pem_of("unionpay").serial_decimal());
    let account = key.encrypt("6226388000000095").unwrap();
    assert_ne!(account, key.encrypt("6226388000000095").unwrap());
    assert!(!format!("{account:?}").contains(account.as_str()));
    std::fs::write(bank.authority.path("field"), STANDARD.decode(account.as_str()).unwrap()).unwrap();
    let decrypt = ["pkeyutl", "-decrypt", "-inkey", &bank.authority.path("unionpay.key")];
    let input = ["-in", &bank.authority.path("field"), "-pkeyopt", "rsa_padding_mode:pkcs1"];
    assert_eq!(openssl_text(&[&decrypt[..], &input[..]].concat(), b""), "6226388000000095");
    assert!(key.encrypt(&"9".repeat(245)).is_ok() && key.encrypt(&"9".repeat(246)).is_err());

    let pay = GatewayPay::new(order(), Device::Computer, notify_url(), return_url(), submitted_at());
    let form = pay.from_account(account.clone()).form(&bank.merchant).unwrap();
    assert!(form.fields().any(|field| field == ("accNo", account.as_str())));
    assert!(form.fields().any(|field| field == ("encryptCertId", key.cert_id())));

    for (name, value) in
        [("encryptPubKeyCert", "x"), ("encryptPubKeyCert", ""), ("certType", "02"), ("respCode", "10")]
    {
        assert!(
            call.read(&bank.merchant, &bank.reply(with(told.clone(), &[(name, value)]))).is_err(),
            "{name}"
        );
    }
    let nobodys = call.read(&bank.merchant, &bank.reply(without(told, &["merId"]))).unwrap_err();
    assert_eq!(nobodys.kind(), ErrorKind::PeerMisbehaved);
    assert!(EncryptionKey::of(&bank.pem_of("unionpay")).is_ok());
}

#[test]
fn a_day_is_asked_for_at_the_host_of_files() {
    let bank = Bank::new();
    let call = FileDownload::new(BillDay::parse("2022-09-08").unwrap());
    assert_eq!(call.effect(), Effect::Reads);
    let request = call.request(&bank.merchant, stamp()).unwrap();
    assert_sent(
        &bank,
        &request,
        "http://127.0.0.1:8070/",
        &[
            ("bizType", "000000"),
            ("fileType", "00"),
            ("settleDate", "0908"),
            ("txnSubType", "01"),
            ("txnTime", &stamp().now.china_digits()),
            ("txnType", "76"),
        ],
    );
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let bank = Bank::new();
    let key = bank.authority.key("customer");
    assert!(SigningKey::new(key.clone(), &bank.pem_of("customer")).is_ok());
    let error = SigningKey::new(key, &bank.pem_of("unionpay")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
