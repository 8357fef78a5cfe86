//! Certificate mode of Alipay: numbers, rotation, downloads that are limited, and certificates that lie.

mod attacks;
mod files;
mod learning;
mod repeats;

use crate::support::number;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::PrivateKey;
use payments::alipay::TradeQuery;
use payments::sign::Signer;
use std::collections::BTreeMap;

const QUERY: &str = "alipay.trade.query";

fn query() -> TradeQuery {
    TradeQuery::new(number("COURSE_0001"))
}

fn paid() -> String {
    r#"{"code":"10000","msg":"Success","out_trade_no":"COURSE_0001","trade_no":"2026112322001",
        "total_amount":"88.00","trade_status":"TRADE_SUCCESS"}"#
        .to_owned()
}

/// A notify signed with this key, naming this certificate.
fn notify(key: &PrivateKey, sn: Option<&str>) -> String {
    let mut params: BTreeMap<&str, &str> = BTreeMap::from([
        ("app_id", "9021000122682882"),
        ("notify_id", "1"),
        ("notify_type", "trade_status_sync"),
        ("out_trade_no", "COURSE_0001"),
        ("seller_id", "2088721003899159"),
        ("total_amount", "88.00"),
        ("trade_no", "2026112322001"),
        ("trade_status", "TRADE_SUCCESS"),
    ]);
    params.extend(sn.map(|sn| ("alipay_cert_sn", sn)));
    let text: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let sign = STANDARD.encode(key.sign(text.join("&").as_bytes()).unwrap());
    params.extend([("sign", sign.as_str()), ("sign_type", "RSA2")]);
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}
