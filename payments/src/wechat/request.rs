//! Signed requests as values.

use super::authorization::authorization;
use super::merchant::Merchant;
use crate::error::{Cause, Error, refused_value};
use crate::{OutTradeNo, Stamp};
use bytes::Bytes;
use http::{Method, Request, header};
use serde::Serialize;

/// WeChat Pay refuses requests without one.
const USER_AGENT: &str = concat!("gatehouse-payments/", env!("CARGO_PKG_VERSION"));
/// Names the key of WeChat Pay that we hold: replies are signed with it, secret fields encrypted with it.
const SERIAL: &str = "wechatpay-serial";
const NUMBER_CHARS_MAX: usize = 32;

pub(crate) fn get(merchant: &Merchant, path: &str, stamp: Stamp) -> Result<Request<Bytes>, Error> {
    let serial = merchant.keys.preferred(stamp.now).map(|(serial, _key)| serial);
    signed(merchant, (Method::GET, path), serial.as_deref(), Bytes::new(), stamp)
}

pub(crate) fn post(
    merchant: &Merchant,
    path: &str,
    body: &impl Serialize,
    stamp: Stamp,
) -> Result<Request<Bytes>, Error> {
    let serial = merchant.keys.preferred(stamp.now).map(|(serial, _key)| serial);
    post_for(merchant, path, serial.as_deref(), body, stamp)
}

/// A post whose body holds fields encrypted for the key of this serial.
pub(crate) fn post_for(
    merchant: &Merchant,
    path: &str,
    serial: Option<&str>,
    body: &impl Serialize,
    stamp: Stamp,
) -> Result<Request<Bytes>, Error> {
    let body = serde_json::to_vec(body).map_err(Cause::from)?;
    signed(merchant, (Method::POST, path), serial, Bytes::from(body), stamp)
}

fn signed(
    merchant: &Merchant,
    (method, path): (Method, &str),
    serial: Option<&str>,
    body: Bytes,
    stamp: Stamp,
) -> Result<Request<Bytes>, Error> {
    let authorization = authorization(merchant, (method.as_str(), path), &body, stamp)?;
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", merchant.endpoint.as_str()))
        .header(header::AUTHORIZATION, authorization)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, USER_AGENT);
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    if let Some(serial) = serial {
        request = request.header(SERIAL, serial);
    }
    Ok(request.body(body).map_err(Cause::from)?)
}

/// WeChat Pay takes 6 to 32 characters; the type here is wider, for other gateways.
pub(crate) fn wechat_number(number: &OutTradeNo) -> Result<&str, Error> {
    if number.as_str().len() > NUMBER_CHARS_MAX {
        return Err(refused_value("out trade no", number.as_str(), "WeChat Pay takes at most 32 characters"));
    }
    Ok(number.as_str())
}

/// A text of the buyer's, limited in bytes of UTF-8.
pub(crate) fn limited<'a>(
    what: &'static str,
    text: &'a str,
    bytes_max: usize,
    rule: &'static str,
) -> Result<&'a str, Error> {
    if text.len() > bytes_max { Err(refused_value(what, text, rule)) } else { Ok(text) }
}
