//! The common parameters of every request to the form gateway, the signature over all of them, and what the calls
//! about an order have in common.

use super::canonical::{REQUEST_UNSIGNED, canonical};
use super::merchant::Merchant;
use crate::error::{Cause, Error, refused_value};
use crate::form::{self, Params};
use crate::{Order, OutTradeNo, UnixMillis, sign};
use bytes::Bytes;
use http::{Method, Request, header};
use serde::Serialize;

pub(crate) const PAGE_PAY: &str = "alipay.trade.page.pay";
pub(crate) const PAGE_PAY_PRODUCT: &str = "FAST_INSTANT_TRADE_PAY";
pub(crate) const WAP_PAY: &str = "alipay.trade.wap.pay";
/// Several kits send `QUICK_WAP_PAY`; the manual says this.
pub(crate) const WAP_PAY_PRODUCT: &str = "QUICK_WAP_WAY";
pub(crate) const APP_PAY: &str = "alipay.trade.app.pay";
pub(crate) const APP_PAY_PRODUCT: &str = "QUICK_MSECURITY_PAY";
pub(crate) const PRECREATE: &str = "alipay.trade.precreate";
pub(crate) const CREATE: &str = "alipay.trade.create";
pub(crate) const CREATE_PRODUCT: &str = "JSAPI_PAY";
pub(crate) const BAR_CODE_PAY: &str = "alipay.trade.pay";
pub(crate) const FACE_TO_FACE_PRODUCT: &str = "FACE_TO_FACE_PAYMENT";
pub(crate) const TRADE_QUERY: &str = "alipay.trade.query";
pub(crate) const TRADE_CLOSE: &str = "alipay.trade.close";
pub(crate) const TRADE_CANCEL: &str = "alipay.trade.cancel";
pub(crate) const TRADE_REFUND: &str = "alipay.trade.refund";
pub(crate) const REFUND_QUERY: &str = "alipay.trade.fastpay.refund.query";
pub(crate) const CERT_DOWNLOAD: &str = "alipay.open.app.alipaycert.download";
pub(crate) const BILL_URL: &str = "alipay.data.dataservice.bill.downloadurl.query";

/// Signed parameters of one request: common ones, the merchant's own, `biz_content`, and the given extra ones.
pub(crate) fn signed_params(
    merchant: &Merchant,
    method: &str,
    biz_content: &impl Serialize,
    extra: &[(&str, &str)],
    now: UnixMillis,
) -> Result<Params, Error> {
    let biz_content = serde_json::to_string(biz_content).map_err(Cause::from)?;
    let (biz_content, encrypted) = match &merchant.content_key {
        // Encrypted first, signed afterwards.
        Some(key) => (key.encrypt(&biz_content)?, Some(("encrypt_type", "AES"))),
        None => (biz_content, None),
    };
    let timestamp = now.china_text();
    let common = [
        ("app_id", merchant.app_id.as_str()),
        ("biz_content", &biz_content),
        ("charset", "utf-8"),
        ("format", "JSON"),
        ("method", method),
        ("sign_type", "RSA2"),
        ("timestamp", &timestamp),
        ("version", "1.0"),
    ];
    let mut params = merchant.common.clone();
    let all = common.iter().chain(extra).chain(&encrypted);
    params.extend(all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let sign = sign::sign_text(&*merchant.signer, &canonical(&params, REQUEST_UNSIGNED))?;
    params.insert("sign".to_owned(), sign);
    Ok(params)
}

/// The signed request of a call from server to server.
pub(crate) fn post(
    merchant: &Merchant,
    method: &str,
    biz_content: &impl Serialize,
    extra: &[(&str, &str)],
    now: UnixMillis,
) -> Result<Request<Bytes>, Error> {
    let mut params = signed_params(merchant, method, biz_content, extra, now)?;
    // The charset stands in the address: the gateway needs it to read the body.
    params.remove("charset");
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}?charset=utf-8", merchant.endpoint.as_str()))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
        .body(Bytes::from(form::encode(&params)))
        .map_err(Cause::from)?;
    Ok(request)
}

/// What every payment tells about its order; `more` is what its product asks for besides.
#[derive(Serialize)]
pub(crate) struct OrderContent<'a, M> {
    out_trade_no: &'a str,
    product_code: &'a str,
    subject: &'a str,
    total_amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_expire: Option<String>,
    #[serde(flatten)]
    more: M,
}

/// A product that asks for nothing besides.
#[derive(Serialize)]
pub(crate) struct NothingMore {}

/// The content of a payment of this order.
pub(crate) fn order_content<'a, M: Serialize>(
    order: &'a Order,
    product_code: &'a str,
    expires_at: Option<UnixMillis>,
    more: M,
) -> Result<OrderContent<'a, M>, Error> {
    let subject = order.subject.as_str();
    if subject.contains(['/', '=', '&']) {
        return Err(refused_value("subject", subject, "Alipay takes none of `/`, `=` and `&`"));
    }
    Ok(OrderContent {
        out_trade_no: alipay_number(&order.out_trade_no)?,
        product_code,
        subject,
        total_amount: order.amount.yuan_text(),
        time_expire: expires_at.map(UnixMillis::china_text),
        more,
    })
}

/// The content of a call that names an order and nothing else.
#[derive(Serialize)]
pub(crate) struct NumberContent<'a> {
    out_trade_no: &'a str,
}

/// Names the order of this number.
pub(crate) fn number_content(number: &OutTradeNo) -> Result<NumberContent<'_>, Error> {
    alipay_number(number).map(|out_trade_no| NumberContent { out_trade_no })
}

/// Alipay takes letters, digits and `_` in a number; the type here is wider, for other gateways.
pub(crate) fn alipay_number(number: &OutTradeNo) -> Result<&str, Error> {
    if number.as_str().contains('-') {
        return Err(refused_value(
            "out trade no",
            number.as_str(),
            "Alipay takes letters, digits and `_` only",
        ));
    }
    Ok(number.as_str())
}
