//! What is sent: method, path, body, and the five signed lines; values that WeChat Pay does not take.

use super::world::{APP, KEY_ID, MCHID, MERCHANT_SERIAL, NOW, NUMBER, World, order, stamp, world};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use payments::sign::Verifier as _;
use payments::wechat::{
    AbnormalPayout, AbnormalRefund, App, Certificates, Close, FundAccount, FundFlowBill, H5, Jsapi, Native,
    OpenId, RefundCall, RefundId, RefundQuery, TradeBill, TradeQuery,
};
use payments::{
    BillDay, Call, CallbackUrl, Channel, Effect, ErrorKind, Money, Order, OutTradeNo, Refund, RefundNo,
    Stake, Subject, TradeNo,
};
use serde_json::{Value, json};

fn notify_url() -> CallbackUrl {
    CallbackUrl::parse("https://shop.example/wechat/notify").unwrap()
}

pub(super) fn refund() -> Refund {
    let trade_no = TradeNo::parse("4200000925202101284997714292").unwrap();
    Refund::new(
        RefundNo::parse("REFUND_0001").unwrap(),
        OutTradeNo::parse(NUMBER).unwrap(),
        (Channel::Wechat, trade_no),
        Money::parse_yuan("88.00").unwrap(),
        Money::parse_yuan("8.80").unwrap(),
    )
}

fn request<C: Call<Merchant = payments::wechat::Merchant>>(world: &World, call: &C) -> Request<Bytes> {
    call.request(&world.merchant, stamp(NOW)).unwrap()
}

/// Reads the header as the gateway would and checks the signature over five lines of its own making.
fn assert_signed(world: &World, request: &Request<Bytes>) {
    let header = request.headers()["authorization"].to_str().unwrap();
    let fields = header.strip_prefix("WECHATPAY2-SHA256-RSA2048 ").unwrap();
    let field = |name: &str| {
        let mut named = fields.split(',').filter_map(|pair| pair.split_once('='));
        let value = named.find(|(known, _)| *known == name).unwrap().1;
        value.strip_prefix('"').unwrap().strip_suffix('"').unwrap().to_owned()
    };
    assert_eq!((field("mchid").as_str(), field("serial_no").as_str()), (MCHID, MERCHANT_SERIAL));
    assert_eq!(field("timestamp"), (NOW.as_millis() / 1000).to_string());
    assert_eq!(field("nonce_str").len(), 32);
    let path = request.uri().path_and_query().unwrap();
    let mut lines = format!("{}\n{path}\n{}\n{}\n", request.method(), field("timestamp"), field("nonce_str"))
        .into_bytes();
    lines.extend_from_slice(request.body());
    lines.push(b'\n');
    let signature = STANDARD.decode(field("signature")).unwrap();
    assert!(world.merchant_key.public_key().unwrap().verify(&lines, &signature));
}

fn assert_get(world: &World, request: &Request<Bytes>, path: &str) {
    assert_eq!(request.method(), "GET");
    assert_eq!(request.uri().to_string(), format!("https://api.mch.weixin.qq.com{path}"));
    assert!(request.body().is_empty());
    assert_signed(world, request);
}

fn assert_post(world: &World, request: &Request<Bytes>, path: &str, body: &Value) {
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri().to_string(), format!("https://api.mch.weixin.qq.com{path}"));
    assert_eq!(serde_json::from_slice::<Value>(request.body()).unwrap(), *body);
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_signed(world, request);
}

#[test]
fn payments_are_opened() {
    let world = world();
    let common = json!({
        "appid": APP, "mchid": MCHID, "description": order().subject.as_str(), "out_trade_no": NUMBER,
        "notify_url": notify_url().as_str(), "amount": {"total": 8800, "currency": "CNY"},
    });
    let path = |product: &str| format!("/v3/pay/transactions/{product}");

    let native = request(&world, &Native::new(order(), notify_url()));
    assert_post(&world, &native, &path("native"), &common);
    assert_eq!(native.headers()["wechatpay-serial"], KEY_ID);
    assert_eq!(native.headers()["accept"], "application/json");
    assert!(!native.headers()["user-agent"].is_empty());

    let mut app = App::new(order(), notify_url());
    app.expires_at = Some(NOW);
    let mut body = common.clone();
    body["time_expire"] = json!(NOW.china_rfc3339());
    assert_post(&world, &request(&world, &app), &path("app"), &body);

    let openid = OpenId::parse("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o").unwrap();
    let mut body = common.clone();
    body["payer"] = json!({"openid": openid.as_str()});
    assert_post(&world, &request(&world, &Jsapi::new(order(), notify_url(), openid)), &path("jsapi"), &body);

    let h5 = H5::new(order(), notify_url(), "2001:db8::1".parse().unwrap());
    let mut body = common;
    body["scene_info"] = json!({"payer_client_ip": "2001:db8::1", "h5_info": {"type": "Wap"}});
    assert_post(&world, &request(&world, &h5), &path("h5"), &body);
    assert_eq!(h5.effect(), Effect::Idempotent(Stake::Trade(order().out_trade_no)));
}

#[test]
fn questions_and_refunds() {
    let world = world();
    let number = OutTradeNo::parse(NUMBER).unwrap();
    let query = TradeQuery::new(number.clone());
    assert_get(
        &world,
        &request(&world, &query),
        &format!("/v3/pay/transactions/out-trade-no/{NUMBER}?mchid={MCHID}"),
    );
    assert_eq!(query.effect(), Effect::Reads);
    let by_id = TradeQuery::of_transaction(TradeNo::parse("4200000925").unwrap());
    assert_get(
        &world,
        &request(&world, &by_id),
        &format!("/v3/pay/transactions/id/4200000925?mchid={MCHID}"),
    );
    let path = format!("/v3/pay/transactions/out-trade-no/{NUMBER}/close");
    assert_post(&world, &request(&world, &Close::new(number.clone())), &path, &json!({"mchid": MCHID}));

    let refund = refund().because(Subject::parse("课程取消").unwrap());
    let body = json!({
        "transaction_id": "4200000925202101284997714292", "out_refund_no": "REFUND_0001",
        "reason": "课程取消", "notify_url": notify_url().as_str(),
        "amount": {"refund": 880, "total": 8800, "currency": "CNY"},
    });
    let call = RefundCall::new(refund.clone(), notify_url());
    assert_post(&world, &request(&world, &call), "/v3/refund/domestic/refunds", &body);
    assert_eq!(call.effect(), Effect::Idempotent(Stake::Refund(number.clone(), refund.refund_no.clone())));
    let query = RefundQuery::new(refund.refund_no, number);
    assert_get(&world, &request(&world, &query), "/v3/refund/domestic/refunds/REFUND_0001");
}

#[test]
fn bills_and_certificates() {
    let world = world();
    let day = BillDay::parse("2026-09-21").unwrap();
    assert_get(
        &world,
        &request(&world, &TradeBill::new(day)),
        "/v3/bill/tradebill?bill_date=2026-09-21&bill_type=ALL&tar_type=GZIP",
    );
    assert_get(
        &world,
        &request(&world, &FundFlowBill::new(day, FundAccount::Operation)),
        "/v3/bill/fundflowbill?bill_date=2026-09-21&account_type=OPERATION&tar_type=GZIP",
    );
    assert_get(&world, &request(&world, &Certificates), "/v3/certificates");
}

#[test]
fn secret_fields_are_for_wechat_pay_alone() {
    let world = world();
    let stuck = |payout| {
        let refund_id = RefundId::parse("50000000382019052709732678859").unwrap();
        AbnormalRefund::new(
            RefundNo::parse("REFUND_0001").unwrap(),
            OutTradeNo::parse(NUMBER).unwrap(),
            refund_id,
            payout,
        )
    };
    let payout = AbnormalPayout::UserBankCard {
        bank_type: "ICBC_DEBIT".to_owned(),
        account: "6222020200099999999".to_owned().into(),
        real_name: "张三".to_owned().into(),
    };
    assert!(!format!("{:?}", stuck(payout.clone())).contains("6222"));
    let sent = request(&world, &stuck(payout));
    assert_eq!(
        sent.uri().path(),
        "/v3/refund/domestic/refunds/50000000382019052709732678859/apply-abnormal-refund"
    );
    assert_eq!(sent.headers()["wechatpay-serial"], KEY_ID);
    assert_signed(&world, &sent);
    let body: Value = serde_json::from_slice(sent.body()).unwrap();
    assert_eq!(
        (body["type"].as_str(), body["bank_type"].as_str()),
        (Some("USER_BANK_CARD"), Some("ICBC_DEBIT"))
    );
    let opened = |name: &str| {
        let sealed = body[name].as_str().unwrap();
        world.merchant.open_field(sealed, &world.wechat_key).unwrap().to_string()
    };
    assert_eq!(
        (opened("bank_account").as_str(), opened("real_name").as_str()),
        ("6222020200099999999", "张三")
    );
    let stolen = world.merchant.open_field(body["bank_account"].as_str().unwrap(), &world.merchant_key);
    assert_eq!(stolen.unwrap_err().kind(), ErrorKind::Unverified);
    assert_eq!(
        world.merchant.open_field("%", &world.wechat_key).unwrap_err().kind(),
        ErrorKind::PeerMisbehaved
    );

    let sent = request(&world, &stuck(AbnormalPayout::MerchantBankCard));
    let body: Value = serde_json::from_slice(sent.body()).unwrap();
    assert_eq!(body, json!({"out_refund_no": "REFUND_0001", "type": "MERCHANT_BANK_CARD"}));
    assert!(matches!(stuck(AbnormalPayout::MerchantBankCard).effect(), Effect::Once(Stake::Refund(..))));

    let sealed = world.merchant.seal_field(&"x".repeat(214), NOW).unwrap();
    assert_eq!(sealed.serial, KEY_ID);
    assert_eq!(world.merchant.seal_field(&"x".repeat(215), NOW).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn values_that_wechat_pay_does_not_take() {
    let world = world();
    let long = OutTradeNo::parse(&"1".repeat(33)).unwrap();
    let longest = OutTradeNo::parse(&"1".repeat(32)).unwrap();
    let sold = |number: &OutTradeNo, subject: &str| {
        let subject = Subject::parse(subject).unwrap();
        Native::new(Order::new(number.clone(), subject, Money::parse_yuan("1").unwrap()), notify_url())
    };
    let kind = |call: &Native| call.request(&world.merchant, stamp(NOW)).map_err(|error| error.kind());
    assert!(kind(&sold(&longest, "Rust")).is_ok());
    assert_eq!(kind(&sold(&long, "Rust")).unwrap_err(), ErrorKind::InvalidInput);
    // 127 bytes, not characters: 42 of three bytes and one more fit.
    assert!(kind(&sold(&longest, &format!("{}x", "课".repeat(42)))).is_ok());
    assert_eq!(kind(&sold(&longest, &"课".repeat(43))).unwrap_err(), ErrorKind::InvalidInput);
    assert!(TradeQuery::new(long.clone()).request(&world.merchant, stamp(NOW)).is_err());
    assert!(Close::new(long).request(&world.merchant, stamp(NOW)).is_err());

    let reason = |text: &str| {
        let refund = refund().because(Subject::parse(text).unwrap());
        RefundCall::new(refund, notify_url()).request(&world.merchant, stamp(NOW))
    };
    assert!(reason(&"x".repeat(80)).is_ok());
    assert_eq!(reason(&"课".repeat(27)).unwrap_err().kind(), ErrorKind::InvalidInput);
    for text in ["", "a b", "课", &"x".repeat(129)] {
        assert!(OpenId::parse(text).is_err(), "{text}");
    }
    assert!(RefundId::parse("a/b").is_err());
}
