//! Requests of strangers to the sandbox gateways: every one is answered.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{Method, Request};
use payments::sandbox::{
    MerchantRegistration, Sandbox, SandboxAlipay, SandboxKeys, SandboxUnionpay, SandboxWechat, UnionpayKeys,
    UnionpayRegistration, WechatRegistration, generate_key,
};
use payments::{AppId, SellerId, UnixMillis};

use crate::engine::Target;

const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let public_key = generate_key().unwrap().public_key().unwrap();
    let (app_id, seller_id) =
        (AppId::parse("9021000122682882").unwrap(), SellerId::parse("2088721003899159").unwrap());
    let registration = MerchantRegistration { app_id, seller_id, public_key: public_key.clone() };
    let wechat = WechatRegistration::new(
        AppId::parse("wxd678efh567hg6787").unwrap(),
        SellerId::parse("1230000109").unwrap(),
        "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C",
        public_key.clone(),
        *b"0123456789abcdef0123456789abcdef",
    );
    let keys = SandboxKeys::generate().unwrap();
    let wechat = SandboxWechat::of_public_key("PUB_KEY_ID_0000000000", &keys, wechat.unwrap()).unwrap();
    let unionpay = UnionpayRegistration { mer_id: SellerId::parse("777290058110048").unwrap(), public_key };
    let unionpay = SandboxUnionpay::new(UnionpayKeys::generate().unwrap(), unionpay, NOW).unwrap();
    let alipay = SandboxAlipay::new(keys, registration);
    let sandbox = Sandbox::new("http://127.0.0.1:8070").unwrap();
    sandbox.with_alipay(alipay).with_wechat(wechat).with_unionpay(unionpay)
});

/// One request, in lines: method, address, the `Authorization` header, and the body.
fn asked(input: &[u8]) -> String {
    let mut lines = input.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, address, header, body) = (line(), line(), line(), line());
    let request = Request::builder()
        .method(Method::from_bytes(method).unwrap_or(Method::POST))
        .uri(address)
        .header("authorization", header)
        .header("content-type", "application/json")
        .body(Bytes::copy_from_slice(body));
    let Ok(request) = request else { return "no request".to_owned() };
    let answer = SANDBOX.handle(&request, NOW, [7; 32]);
    assert!(answer.status() != http::StatusCode::INTERNAL_SERVER_ERROR, "a stranger broke the sandbox");
    answer.status().as_u16().to_string()
}

pub(crate) fn all() -> Vec<Target> {
    let seeds: [&[u8]; 6] = [
        b"POST\n/gateway.do?charset=utf-8\n\napp_id=9021000122682882&method=alipay.trade.query&sign=x",
        b"GET\n/gateway.do?app_id=1&sign_type=RSA2\n\n",
        b"POST\n/v3/pay/transactions/native\nWECHATPAY2-SHA256-RSA2048 mchid=\"1230000109\",nonce_str=\"a\",timestamp=\"1790000000\",serial_no=\"1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C\",signature=\"YQ==\"\n{}",
        b"POST\n/gateway/api/queryTrans.do\n\nversion=5.1.0&merId=777290058110048&orderId=COURSE0001&signature=x",
        b"POST\n/cashier/pay\n\ntoken=0",
        b"GET\n/nowhere\n\n",
    ];
    vec![Target {
        name: "sandbox_request",
        seeds: seeds.iter().map(|seed| seed.to_vec()).collect(),
        words: &[
            "sign",
            "biz_content",
            "timestamp=\"",
            "orderId",
            "txnType",
            "{",
            "}",
            "%",
            "&",
            "/v3/",
            "token",
        ],
        bytes_max: 2048,
        run: asked,
        reaches: &["404"],
    }]
}
