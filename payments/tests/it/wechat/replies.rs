//! What is believed of a reply: signed content, signed refusals, and nothing else.

use super::world::{KEY_ID, Message, NOW, NUMBER, World, order, transaction, with, world};
use payments::sandbox::generate_key;
use payments::wechat::{App, Close, H5, Jsapi, Native, OpenId, REPLY_BYTES_MAX, TradeQuery};
use payments::{
    Call, CallbackUrl, CloseOutcome, ErrorKind, OutTradeNo, QueryOutcome, TradeNo, TradeStatus, UnixMillis,
};
use serde_json::{Value, json};

fn native() -> Native {
    Native::new(order(), notify_url())
}

fn notify_url() -> CallbackUrl {
    CallbackUrl::parse("https://shop.example/wechat/notify").unwrap()
}

fn query() -> TradeQuery {
    TradeQuery::new(OutTradeNo::parse(NUMBER).unwrap())
}

fn code_url(world: &World) -> Message {
    world.signed(200, json!({"code_url": "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"}).to_string())
}

#[test]
fn signed_content_is_read() {
    let world = world();
    let code = native().read(&world.merchant, &code_url(&world).reply(NOW)).unwrap();
    assert_eq!(code.as_str(), "weixin://wxpay/bizpayurl?pr=p4lpSuKzz");
    // The type of the signature is optional in a reply; if it is there it has to be ours.
    let bare = code_url(&world).with("wechatpay-signature-type", None);
    assert!(native().read(&world.merchant, &bare.reply(NOW)).is_ok());

    let prepay = world.reply(200, &json!({"prepay_id": "wx201410272009395522657a690389285100"}));
    let openid = OpenId::parse("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o").unwrap();
    let jsapi = Jsapi::new(order(), notify_url(), openid).read(&world.merchant, &prepay).unwrap();
    let app = App::new(order(), notify_url()).read(&world.merchant, &prepay).unwrap();
    assert_eq!((jsapi.as_str(), &jsapi), ("wx201410272009395522657a690389285100", &app));

    let h5 = H5::new(order(), notify_url(), "127.0.0.1".parse().unwrap());
    let url = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2";
    let link = h5.read(&world.merchant, &world.reply(200, &json!({"h5_url": url}))).unwrap();
    let back = CallbackUrl::parse("https://shop.example/back").unwrap();
    let whole = format!("{url}&redirect_url=https%3A%2F%2Fshop.example%2Fback");
    assert_eq!((link.as_str(), link.returning_to(&back)), (url, whole));

    for (name, value) in [
        ("h5_url", "javascript:alert(1)"),
        ("h5_url", "http://evil.example/"),
        ("h5_url", ""),
        ("prepay_id", "a\nb"),
        ("prepay_id", ""),
        ("code_url", ""),
        ("nothing", "x"),
    ] {
        let reply = world.reply(200, &json!({name: value}));
        let kinds = [
            h5.read(&world.merchant, &reply).unwrap_err().kind(),
            native().read(&world.merchant, &reply).unwrap_err().kind(),
            App::new(order(), notify_url()).read(&world.merchant, &reply).unwrap_err().kind(),
        ];
        assert_eq!(kinds, [ErrorKind::PeerMisbehaved; 3], "{name}={value}");
    }
}

#[test]
fn forged_replies_are_refused() {
    let world = world();
    let honest = code_url(&world);
    let kind = |message: &Message| native().read(&world.merchant, &message.reply(NOW)).unwrap_err().kind();
    for (name, forged) in honest.forgeries() {
        assert_eq!(kind(&forged), ErrorKind::Unverified, "{name}");
    }
    let other = generate_key().unwrap();
    for key in [&other, &world.merchant_key] {
        let forged = Message::signed(200, honest.body.clone(), key, KEY_ID, NOW);
        assert_eq!(kind(&forged), ErrorKind::Unverified);
    }
    assert_eq!(kind(&honest.unsigned()), ErrorKind::Unverified);
    let large = world.signed(200, vec![b' '; REPLY_BYTES_MAX + 1]);
    assert_eq!(kind(&large), ErrorKind::Unverified);
    let unknown = honest.with("wechatpay-serial", Some("5157F09EFDC096DE15EBE81A47057A7232F1B8E1"));
    let error = native().read(&world.merchant, &unknown.reply(NOW)).unwrap_err();
    assert_eq!(error.unknown_certificate(), Some("5157F09EFDC096DE15EBE81A47057A7232F1B8E1"));
}

#[test]
fn the_window_is_300_seconds_both_ways() {
    let world = world();
    let now = NOW.as_millis() / 1000;
    let body = code_url(&world).body;
    let read = |secs: &str| {
        let message = Message::signed_text(200, body.clone(), &world.wechat_key, KEY_ID, secs);
        native().read(&world.merchant, &message.reply(NOW)).map_err(|error| error.kind())
    };
    for secs in [now - 299, now, now + 299] {
        assert!(read(&secs.to_string()).is_ok(), "{secs}");
    }
    for secs in [now - 300, now + 300, 0, now * 1000] {
        assert_eq!(read(&secs.to_string()).unwrap_err(), ErrorKind::Unverified, "{secs}");
    }
    for text in [&i64::MIN.to_string(), &u64::MAX.to_string(), "-1", "1e9", "NaN", &format!("+{now}")] {
        assert_eq!(read(text).unwrap_err(), ErrorKind::Unverified, "{text}");
    }
    // What is signed is the text, not the number.
    let zeros = format!("0{now}");
    assert!(read(&zeros).is_ok());
    let edge = Message::signed(200, body, &world.wechat_key, KEY_ID, UnixMillis::from_millis(0));
    assert!(native().read(&world.merchant, &edge.reply(UnixMillis::from_millis(299_999))).is_ok());
}

#[test]
fn refusals_have_kinds() {
    let world = world();
    for (status, code, kind) in [
        (400, "PARAM_ERROR", ErrorKind::InvalidInput),
        (400, "OUT_TRADE_NO_USED", ErrorKind::InvalidInput),
        (401, "SIGN_ERROR", ErrorKind::Misuse),
        (403, "NO_AUTH", ErrorKind::Misuse),
        (403, "FREQUENCY_LIMITED", ErrorKind::Unavailable),
        (429, "FREQUENCY_LIMITED", ErrorKind::Unavailable),
        (500, "SYSTEM_ERROR", ErrorKind::Unavailable),
        (202, "USERPAYING", ErrorKind::Unavailable),
        (302, "MOVED", ErrorKind::PeerMisbehaved),
    ] {
        let reply = world.reply(status, &json!({"code": code, "message": "参数错误\n`x`", "detail": {}}));
        let error = native().read(&world.merchant, &reply).unwrap_err();
        assert_eq!((error.kind(), error.gateway_code()), (kind, Some(code)), "{status} {code}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    // The status is not signed: an error body is no success, whatever stands above it.
    let swapped = world.reply(200, &json!({"code": "PARAM_ERROR", "message": "x"}));
    assert_eq!(native().read(&world.merchant, &swapped).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
}

#[test]
fn an_unsigned_error_is_a_hint() {
    let world = world();
    let error = |status: u16, body: &str| {
        let message = world.signed(status, body).unsigned();
        query().read(&world.merchant, &message.reply(NOW)).unwrap_err()
    };
    let missing = error(404, r#"{"code":"ORDER_NOT_EXIST","message":"订单不存在"}"#);
    assert_eq!((missing.kind(), missing.gateway_code()), (ErrorKind::Unverified, Some("ORDER_NOT_EXIST")));
    for status in [400, 401, 403, 404] {
        assert_eq!(error(status, "").kind(), ErrorKind::Unverified);
    }
    for status in [429, 500, 502, 503] {
        assert!(error(status, "<html>").is_transient(), "{status}");
    }
    for status in [200, 204] {
        let error = error(status, &transaction().to_string());
        assert_eq!((error.kind(), error.gateway_code()), (ErrorKind::Unverified, None));
    }
    // A signature that is there and wrong is worse than none.
    let forged = world.signed(404, r#"{"code":"ORDER_NOT_EXIST"}"#).with("wechatpay-nonce", Some("x"));
    let error = query().read(&world.merchant, &forged.reply(NOW)).unwrap_err();
    assert_eq!((error.kind(), error.gateway_code()), (ErrorKind::Unverified, None));
    let unsigned_close = world.signed(204, "").unsigned();
    let close = Close::new(OutTradeNo::parse(NUMBER).unwrap());
    assert_eq!(
        close.read(&world.merchant, &unsigned_close.reply(NOW)).unwrap_err().kind(),
        ErrorKind::Unverified
    );
    let refused = world.signed(400, r#"{"code":"ORDER_CLOSED"}"#).unsigned();
    assert_eq!(close.read(&world.merchant, &refused.reply(NOW)).unwrap_err().kind(), ErrorKind::Unverified);
}

fn told(world: &World, transaction: &Value) -> Result<QueryOutcome, ErrorKind> {
    query().read(&world.merchant, &world.reply(200, transaction)).map_err(|error| error.kind())
}

#[test]
fn states_of_a_trade() {
    let world = world();
    let expected = world.merchant.expected(&order());
    for (word, status) in [
        ("SUCCESS", TradeStatus::Paid),
        ("REFUND", TradeStatus::Paid),
        ("NOTPAY", TradeStatus::Waiting),
        ("USERPAYING", TradeStatus::Waiting),
        ("CLOSED", TradeStatus::Closed),
        ("REVOKED", TradeStatus::Closed),
        ("PAYERROR", TradeStatus::Failed),
    ] {
        let QueryOutcome::Trade(trade) =
            told(&world, &with(transaction(), &[("trade_state", json!(word))])).unwrap()
        else {
            panic!("no trade")
        };
        assert_eq!((trade.status(), trade.notify_id()), (status, None), "{word}");
        // The price of the order counts, not what the buyer paid after a coupon.
        assert_eq!(trade.amount(), order().amount);
        assert_eq!(trade.field("amount.payer_total"), Some("8000"));
        assert_eq!(trade.field("payer.openid"), Some("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"));
        assert_eq!(trade.field("attach"), None);
        assert!(!format!("{trade:?}").contains("oUpF8"));
        trade.check(&expected).unwrap();
    }
    // An unpaid trade has no number of WeChat Pay's and names only the payer's currency.
    let unpaid = json!({
        "appid": expected.app_id.as_str(), "mchid": expected.seller_id.as_str(), "out_trade_no": NUMBER,
        "trade_state": "NOTPAY", "amount": {"payer_currency": "CNY", "total": 8800},
    });
    let QueryOutcome::Trade(unpaid) = told(&world, &unpaid).unwrap() else { panic!("no trade") };
    assert_eq!((unpaid.status(), unpaid.trade_no().as_str()), (TradeStatus::Waiting, NUMBER));
    let missing = world.reply(404, &json!({"code": "ORDER_NOT_EXIST", "message": "订单不存在"}));
    assert!(matches!(query().read(&world.merchant, &missing).unwrap(), QueryOutcome::NotFound));
}

#[test]
fn signed_nonsense_is_the_gateways_fault() {
    let world = world();
    for (name, value) in [
        ("trade_state", json!("DREAMT")),
        ("transaction_id", Value::Null),
        ("transaction_id", json!("a b")),
        ("out_trade_no", json!("COURSE_0002")),
        ("amount", Value::Null),
        ("amount.total", Value::Null),
        ("amount.total", json!(0)),
        ("amount.total", json!(-1)),
        ("amount.total", json!(88.0)),
        ("amount.total", json!("8800")),
        ("amount.total", json!(u64::MAX)),
        ("amount.currency", json!("USD")),
        ("mchid", Value::Null),
        ("appid", json!(7)),
    ] {
        let answer = told(&world, &with(transaction(), &[(name, value)]));
        assert_eq!(answer.unwrap_err(), ErrorKind::PeerMisbehaved, "{name}");
    }
    for body in ["", "[]", "{", "null", r#"{"out_trade_no":"COURSE_0001","out_trade_no":"COURSE_0001"}"#] {
        let reply = world.signed(200, body).reply(NOW);
        assert_eq!(query().read(&world.merchant, &reply).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    }
    let by_id = TradeQuery::of_transaction(TradeNo::parse("4200000925202101284997714292").unwrap());
    assert!(by_id.read(&world.merchant, &world.reply(200, &transaction())).is_ok());
    let other = with(transaction(), &[("transaction_id", json!("4200000000"))]);
    assert_eq!(
        by_id.read(&world.merchant, &world.reply(200, &other)).unwrap_err().kind(),
        ErrorKind::PeerMisbehaved
    );
}

#[test]
fn closing() {
    let world = world();
    let close = Close::new(OutTradeNo::parse(NUMBER).unwrap());
    let read =
        |message: &Message| close.read(&world.merchant, &message.reply(NOW)).map_err(|error| error.kind());
    assert_eq!(read(&world.signed(204, "")), Ok(CloseOutcome::Closed));
    for (status, code, outcome) in [
        (400, "ORDER_CLOSED", CloseOutcome::Closed),
        (400, "ORDERPAID", CloseOutcome::AlreadyPaid),
        (404, "ORDER_NOT_EXIST", CloseOutcome::NotFound),
    ] {
        let refused = world.signed(status, json!({"code": code, "message": "x"}).to_string());
        assert_eq!(read(&refused), Ok(outcome), "{code}");
    }
    // Any other signed message is not the word that the trade is closed.
    for (status, body) in [(200, ""), (204, "{}"), (200, "{\"code\":\"ORDERPAID\"}"), (204, "x")] {
        assert_eq!(read(&world.signed(status, body)), Err(ErrorKind::PeerMisbehaved), "{status} {body}");
    }
    let busy = world.signed(500, r#"{"code":"SYSTEM_ERROR"}"#);
    assert_eq!(read(&busy), Err(ErrorKind::Unavailable));
}
