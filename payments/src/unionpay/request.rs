//! The common fields of every request, and the signature over all of them.

use super::merchant::Merchant;
use super::message::{self, SIGN_METHOD, VERSION};
use crate::error::{Cause, Error, refused_value};
use crate::form::{self, Params};
use crate::{OutTradeNo, RefundNo};
use bytes::Bytes;
use http::{Method, Request, header};

pub(super) const FRONT_PATH: &str = "/gateway/api/frontTransReq.do";
pub(super) const APP_PATH: &str = "/gateway/api/appTransReq.do";
pub(super) const BACK_PATH: &str = "/gateway/api/backTransReq.do";
pub(super) const QUERY_PATH: &str = "/gateway/api/queryTrans.do";

/// Renminbi in ISO 4217 numbers.
pub(super) const CURRENCY: &str = "156";
/// The gateway product (`网关支付`).
pub(super) const GATEWAY_PRODUCT: &str = "000201";
/// Calls that belong to no product.
pub(super) const NO_PRODUCT: &str = "000000";
/// A browser on a computer, and our own server.
pub(super) const CHANNEL_COMPUTER: &str = "07";
/// A telephone.
pub(super) const CHANNEL_TELEPHONE: &str = "08";

/// Signed parameters of one request: the common fields and the given ones. Blank ones are not sent and not signed.
pub(super) fn signed(merchant: &Merchant, fields: &[(&str, &str)]) -> Result<Params, Error> {
    let common = [
        ("accessType", "0"),
        ("certId", merchant.cert_id.as_str()),
        ("encoding", "UTF-8"),
        ("merId", merchant.mer_id.as_str()),
        ("signMethod", SIGN_METHOD),
        ("version", VERSION),
    ];
    let all = common.iter().chain(fields).filter(|(_, value)| !value.trim().is_empty());
    let mut params: Params = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    message::sign(&*merchant.signer, &mut params)?;
    Ok(params)
}

/// The signed request as it is posted from server to server.
pub(super) fn post(merchant: &Merchant, url: &str, fields: &[(&str, &str)]) -> Result<Request<Bytes>, Error> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
        .body(Bytes::from(form::encode(&signed(merchant, fields)?)))
        .map_err(Cause::from)?;
    Ok(request)
}

/// The number of an order as UnionPay takes it.
pub(super) fn trade_number(number: &OutTradeNo) -> Result<&str, Error> {
    order_id("out trade no", number.as_str())
}

/// The number of a refund as UnionPay takes it: an order number of its own.
pub(super) fn refund_number(number: &RefundNo) -> Result<&str, Error> {
    order_id("refund no", number.as_str())
}

/// `orderId`: 8 to 40 letters and digits; the types here are wider, for other gateways.
fn order_id<'a>(what: &'static str, text: &'a str) -> Result<&'a str, Error> {
    let fits = (8..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fits {
        Ok(text)
    } else {
        Err(refused_value(what, text, "UnionPay takes 8 to 40 letters and digits, without `-` and `_`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_unionpay_takes() {
        for text in ["COURSE01", &"9".repeat(40)] {
            assert_eq!(trade_number(&OutTradeNo::parse(text).unwrap()).unwrap(), text);
            assert_eq!(refund_number(&RefundNo::parse(text).unwrap()).unwrap(), text);
        }
        for text in ["COURSE1", "COURSE_0001", "COURSE-0001", &"9".repeat(41)] {
            assert!(trade_number(&OutTradeNo::parse(text).unwrap()).is_err(), "{text}");
            assert!(refund_number(&RefundNo::parse(text).unwrap()).is_err(), "{text}");
        }
    }
}
