//! WeChat Pay behind the one interface: every scene, the second entrance, lost replies.

use super::requests::refund;
use super::world::{APP, MCHID, Message, NOW, NUMBER, Wire, World, order, transaction, world};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use payments::desk::{Checkout, Desk};
use payments::sign::Verifier as _;
use payments::store::MemoryStore;
use payments::wechat::Wechat;
use payments::{
    Ack, CallbackUrl, Channel, CloseOutcome, ErrorKind, Gateway, Incoming, Order, OutTradeNo, Outcome,
    PayRequest, PayWith, QueryOutcome, RefundOutcome, RefundRef, Scene, Subject, TradeRef, TransportError,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn pay_request(scene: Scene) -> PayRequest {
    PayRequest::new(order(), scene, CallbackUrl::parse("https://shop.example/wechat/notify").unwrap(), NOW)
}

/// Answers by the path; signed by the world's key.
fn gateway(world: &World) -> (Wechat, Arc<Wire>) {
    let key = world.wechat_key.clone();
    let wire = Wire::new(NOW, move |request| {
        let (status, body) = answer(request);
        Ok(Message::signed(status, body.into_bytes(), &key, super::world::KEY_ID, NOW).response())
    });
    (Wechat::new(world.merchant.clone(), wire.client()), wire)
}

fn answer(request: &Request<Bytes>) -> (u16, String) {
    let path = request.uri().path();
    let body = match path.rsplit('/').next().unwrap() {
        "native" => json!({"code_url": "weixin://wxpay/bizpayurl?pr=1"}),
        "h5" => json!({"h5_url": "https://wx.tenpay.com/x?prepay_id=wx1"}),
        "jsapi" | "app" => json!({"prepay_id": "wx201410272009395522657a690389285100"}),
        "close" => return (204, String::new()),
        "tradebill" => return (400, json!({"code": "NO_STATEMENT_EXIST", "message": "x"}).to_string()),
        NUMBER => transaction(),
        _ => json!({
            "refund_id": "5000", "out_refund_no": "REFUND_0001", "out_trade_no": NUMBER, "status": "PROCESSING",
            "transaction_id": "4200000925202101284997714292", "amount": {"refund": 880, "total": 8800, "currency": "CNY"},
        }),
    };
    (200, body.to_string())
}

type Answer = fn(&World) -> Result<Response<Bytes>, TransportError>;

async fn pay(gateway: &dyn Gateway, request: &PayRequest) -> PayWith {
    match gateway.pay(request).await.unwrap() {
        Outcome::Known(with) => with,
        Outcome::Unknown(unknown) => panic!("{unknown:?}"),
    }
}

#[tokio::test]
async fn every_scene() {
    let world = world();
    let (gateway, wire) = gateway(&world);
    let PayWith::QrCode { text } = pay(&gateway, &pay_request(Scene::Qr)).await else { panic!("no code") };
    assert_eq!(text, "weixin://wxpay/bizpayurl?pr=1");
    let scene = Scene::H5 { payer_ip: "127.0.0.1".parse().unwrap() };
    let back = CallbackUrl::parse("https://shop.example/back").unwrap();
    let request = pay_request(scene).returning_to(back).expiring_at(NOW.plus_secs(600));
    let PayWith::Redirect { url } = pay(&gateway, &request).await else { panic!("no redirect") };
    assert_eq!(url, "https://wx.tenpay.com/x?prepay_id=wx1&redirect_url=https%3A%2F%2Fshop.example%2Fback");
    let sent: Value = serde_json::from_slice(wire.sent.lock().unwrap()[1].body()).unwrap();
    assert_eq!(sent["time_expire"], NOW.plus_secs(600).china_rfc3339());

    let bar = Scene::BarCode { auth_code: "134567890123456789".to_owned() };
    let nobody = Scene::Jsapi { openid: String::new() };
    for scene in [Scene::Page, Scene::Wap, bar, nobody] {
        let error = gateway.pay(&pay_request(scene)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(wire.uris().len(), 2);
}

/// What the telephone gets is signed by the merchant: four lines.
#[tokio::test]
async fn parameters_for_the_telephone() {
    let world = world();
    let (gateway, _wire) = gateway(&world);
    let fits = |lines: String, sign: &Value| {
        let signature = STANDARD.decode(sign.as_str().unwrap()).unwrap();
        assert!(world.merchant_key.public_key().unwrap().verify(lines.as_bytes(), &signature), "{lines}");
    };
    let id = "wx201410272009395522657a690389285100";
    let (secs, nonce) = ((NOW.as_millis() / 1000).to_string(), "09".repeat(16));

    let scene = Scene::Jsapi { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".to_owned() };
    let PayWith::Invoke { json } = pay(&gateway, &pay_request(scene)).await else { panic!("no parameters") };
    let mut params: Value = serde_json::from_str(&json).unwrap();
    fits(format!("{APP}\n{secs}\n{nonce}\nprepay_id={id}\n"), &params["paySign"].take());
    let package = format!("prepay_id={id}");
    assert_eq!(
        params,
        json!({"appId": APP, "timeStamp": secs, "nonceStr": nonce, "package": package, "signType": "RSA", "paySign": null})
    );

    let PayWith::Invoke { json } = pay(&gateway, &pay_request(Scene::App)).await else {
        panic!("no parameters")
    };
    let mut params: Value = serde_json::from_str(&json).unwrap();
    fits(format!("{APP}\n{secs}\n{nonce}\n{id}\n"), &params["sign"].take());
    assert_eq!(
        params,
        json!({
            "appid": APP, "partnerid": MCHID, "prepayid": id, "package": "Sign=WXPay", "noncestr": nonce,
            "timestamp": secs, "sign": null,
        })
    );
}

#[tokio::test]
async fn the_rest_of_the_interface() {
    let world = world();
    let (gateway, _wire) = gateway(&world);
    let gateway: Arc<dyn Gateway> = Arc::new(gateway);
    assert_eq!(gateway.channel(), Channel::Wechat);
    let trade = TradeRef { out_trade_no: order().out_trade_no, submitted_at: NOW };
    let QueryOutcome::Trade(found) = gateway.query(&trade).await.unwrap() else { panic!("no trade") };
    found.check(&gateway.expected(&order())).unwrap();
    assert!(matches!(gateway.close(&trade).await.unwrap(), Outcome::Known(CloseOutcome::Closed)));

    let asked = RefundRef { refund: refund(), requested_at: NOW };
    let url = CallbackUrl::parse("https://shop.example/wechat/refund").unwrap();
    let Outcome::Known(RefundOutcome::Refund(told)) = gateway.refund(&asked, &url).await.unwrap() else {
        panic!("no refund")
    };
    told.check(&gateway.expected_refund(&asked.refund)).unwrap();
    assert!(matches!(gateway.query_refund(&asked).await.unwrap(), RefundOutcome::Refund(_)));
    assert_eq!(gateway.bill(payments::BillDay::of(NOW)).await.unwrap(), None);

    let request = world.notify("TRANSACTION.SUCCESS", "transaction", &transaction()).request();
    assert!(matches!(gateway.read_notify(&request, NOW).unwrap(), Incoming::Trade(_)));
    assert_eq!(gateway.ack(Ack::Fail).status(), 500);
}

/// The first entrance is down: the same signed request goes to the second one.
#[tokio::test]
async fn the_second_entrance() {
    let world = world();
    let key = world.wechat_key.clone();
    let wire = Wire::new(NOW, move |request| {
        if request.uri().host() == Some("api.mch.weixin.qq.com") {
            return Err(TransportError::new(false, "no route"));
        }
        let (status, body) = answer(request);
        Ok(Message::signed(status, body.into_bytes(), &key, super::world::KEY_ID, NOW).response())
    });
    let gateway = Wechat::new(world.merchant, wire.client());
    assert!(matches!(pay(&gateway, &pay_request(Scene::Qr)).await, PayWith::QrCode { .. }));
    let path = "/v3/pay/transactions/native";
    assert_eq!(
        wire.uris(),
        [format!("https://api.mch.weixin.qq.com{path}"), format!("https://api2.mch.weixin.qq.com{path}")]
    );
}

/// "More than is left" may be the work of the attempt whose reply was lost.
#[tokio::test]
async fn a_refusal_after_a_lost_reply_proves_nothing() {
    let world = world();
    let (key, lost) = (world.wechat_key.clone(), AtomicBool::new(false));
    let wire = Wire::new(NOW, move |_| {
        if !lost.swap(true, Ordering::Relaxed) {
            return Err(TransportError::new(true, "the reply was lost"));
        }
        let body = br#"{"code":"NOT_ENOUGH"}"#.to_vec();
        Ok(Message::signed(403, body, &key, super::world::KEY_ID, NOW).response())
    });
    let gateway = Wechat::new(world.merchant, wire.client());
    let url = CallbackUrl::parse("https://shop.example/wechat/refund").unwrap();
    let asked = RefundRef { refund: refund(), requested_at: NOW };
    let Outcome::Unknown(unknown) = gateway.refund(&asked, &url).await.unwrap() else { panic!("a guess") };
    assert_eq!(unknown.cause().gateway_code(), Some("NOT_ENOUGH"));
    assert_eq!(wire.uris().len(), 2);
}

/// A lost, a forged and an unsigned reply to a call that acts leave its outcome unknown; a signed refusal does not.
#[tokio::test]
async fn outcomes_that_are_not_known() {
    let world = world();
    let outcome = async |answer: Answer| {
        let key = world.wechat_key.clone();
        let copy = World {
            merchant_key: world.merchant_key.clone(),
            wechat_key: key,
            merchant: world.merchant.clone(),
        };
        let wire = Wire::new(NOW, move |_| answer(&copy));
        let gateway = Wechat::new(world.merchant.clone(), wire.once());
        let url = CallbackUrl::parse("https://shop.example/wechat/refund").unwrap();
        gateway.refund(&RefundRef { refund: refund(), requested_at: NOW }, &url).await
    };
    let unknown: [Answer; 4] = [
        |_| Err(TransportError::new(true, "the reply was lost")),
        |world| Ok(world.signed(500, r#"{"code":"SYSTEM_ERROR"}"#).response()),
        |world| Ok(world.signed(403, r#"{"code":"NOT_ENOUGH"}"#).unsigned().response()),
        |world| {
            Ok(world.signed(403, r#"{"code":"NOT_ENOUGH"}"#).with("wechatpay-nonce", Some("x")).response())
        },
    ];
    for answer in unknown {
        assert!(matches!(outcome(answer).await.unwrap(), Outcome::Unknown(_)));
    }
    let refused =
        outcome(|world| Ok(world.signed(403, r#"{"code":"NOT_ENOUGH"}"#).response())).await.unwrap();
    assert!(matches!(refused, Outcome::Known(RefundOutcome::Refused { .. })));
    let unsent = outcome(|_| Err(TransportError::new(false, "no route"))).await.unwrap_err();
    assert!(unsent.is_transient());
}

#[tokio::test]
async fn what_wechat_pay_does_not_take_is_not_recorded() {
    let world = world();
    let (gateway, wire) = gateway(&world);
    let url = CallbackUrl::parse("https://shop.example/wechat/notify").unwrap();
    let desk = Desk::new(Arc::new(MemoryStore::new()), wire.clone());
    let desk = desk.with_gateway(Arc::new(gateway), url).unwrap();
    let number = OutTradeNo::parse(&"N".repeat(33)).unwrap();
    let long = Order::new(number, order().subject, order().amount);
    for (sold, scene) in [
        (&long, Scene::Qr),
        (&long, Scene::App),
        (&long, Scene::H5 { payer_ip: "127.0.0.1".parse().unwrap() }),
        (&order(), Scene::Page),
        (&order(), Scene::Jsapi { openid: String::new() }),
    ] {
        let error = desk.checkout(&Checkout::new(Channel::Wechat, sold.clone(), scene)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(desk.store().find(&sold.out_trade_no).await.unwrap(), None);
    }
    let _code = desk.checkout(&Checkout::new(Channel::Wechat, order(), Scene::Qr)).await.unwrap();
    let _paid = desk.ask(&order().out_trade_no, Channel::Wechat).await.unwrap();
    wire.sent.lock().unwrap().clear();
    let wordy = refund().because(Subject::parse(&"退".repeat(27)).unwrap());
    assert_eq!(desk.refund(&wordy).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(desk.store().find_refund(&wordy.refund_no).await.unwrap(), None);
    assert!(wire.uris().is_empty());
}
