//! The asynchronous notify of a trade (manual: 异步通知), and the answer to it.

use super::merchant::Merchant;
use super::signed_form::{Rule, SignedForm};
use crate::error::{Cause, Error};
use crate::form::Params;
use crate::notify::{Channel, Notify, Report, TradeStatus, Verified};
use crate::settle::Ack;
use crate::{Money, TradeNo, UnixMillis};
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use std::fmt;

/// The whole body of the answer that stops the gateway's retries: these seven characters and nothing else.
pub const ACK_SUCCESS: &str = "success";
/// The answer that makes the gateway send again; any other text does the same.
pub const ACK_FAIL: &str = "fail";

const WHAT: &str = "alipay notify";
/// The type of every message about a trade.
pub(super) const SYNC_TYPE: &str = "trade_status_sync";

/// The answer to a notify: status 200, the exact body.
#[must_use]
pub fn ack_response(ack: Ack) -> Response<Bytes> {
    let body = match ack {
        Ack::Success => ACK_SUCCESS,
        Ack::Fail => ACK_FAIL,
    };
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A notify as it arrived: decoded, and not trusted. It shows nothing but can be verified.
///
/// A partial refund is told in the same form: the trade stays [`TradeStatus::Paid`], and the verified notify has the
/// fields `refund_fee` (all refunds so far, in yuan), `gmt_refund` and `out_biz_no` (the number of the refund).
/// Alipay sends nothing about a refund alone: ask with [`RefundQuery`](super::RefundQuery).
pub struct RawNotify(SignedForm);

impl RawNotify {
    /// Decodes the body of the POST, at most [`FORM_BYTES_MAX`](super::FORM_BYTES_MAX) bytes.
    ///
    /// # Errors
    /// `InvalidInput` if it is too long, not UTF-8, or names a parameter twice; `Unverified` if it has no signature
    /// or another algorithm than RSA2.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        SignedForm::parse(WHAT, body).map(Self)
    }

    /// Verifies the signature with Alipay's public key, or with a certificate that is valid at this moment, then reads
    /// the trade.
    ///
    /// # Errors
    /// `Unverified` if the signature does not fit; `PeerMisbehaved` if what Alipay signed is no trade message.
    ///
    /// In certificate mode it is also [`Error::unknown_certificate`] if it names a certificate that this process does
    /// not know. Do not download that one, because anybody can send a notify: answer with a failure and make one cheap
    /// call, such as a query of any trade, through [`Merchant::call`]. If Alipay has a new certificate, its reply makes
    /// it known, and the next attempt of the notify verifies.
    pub fn verify(self, merchant: &Merchant, received_at: UnixMillis) -> Result<Notify<Verified>, Error> {
        self.0.verify(merchant, Rule::Payment, received_at).and_then(report).map(Notify::verified)
    }
}

impl fmt::Debug for RawNotify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawNotify").field("params", &self.0.len()).finish_non_exhaustive()
    }
}

/// A sync return is signed with the same key and the same rule; only the type of the message tells them apart.
fn report(params: Params) -> Result<Report, Error> {
    if text(&params, "notify_type")? != SYNC_TYPE {
        return Err(field("notify_type", None));
    }
    let status = status(text(&params, "trade_status")?).ok_or_else(|| field("trade_status", None))?;
    Ok(Report {
        channel: Channel::Alipay,
        app_id: text(&params, "app_id")?.to_owned(),
        seller_id: text(&params, "seller_id")?.to_owned(),
        out_trade_no: text(&params, "out_trade_no")?.to_owned(),
        trade_no: parsed(&params, "trade_no", TradeNo::parse)?,
        amount: parsed(&params, "total_amount", Money::parse_yuan)?,
        status,
        notify_id: Some(text(&params, "notify_id")?.to_owned()),
        money_came: status == TradeStatus::Paid || shows_payment(&params),
        refund_asked: false,
        fields: params,
    })
}

/// `TRADE_CLOSED` alone does not tell a trade that was never paid from one that was refunded; these fields do.
fn shows_payment(params: &Params) -> bool {
    let times = ["gmt_payment", "gmt_refund"].iter().any(|name| params.contains_key(*name));
    // `Money` holds no zero, so `0.00` is no refund.
    times || params.get("refund_fee").is_some_and(|fee| Money::parse_yuan(fee).is_ok())
}

/// `TRADE_FINISHED` is paid too: it says that no refund is possible any more.
pub(super) fn status(word: &str) -> Option<TradeStatus> {
    match word {
        "WAIT_BUYER_PAY" => Some(TradeStatus::Waiting),
        "TRADE_SUCCESS" | "TRADE_FINISHED" => Some(TradeStatus::Paid),
        "TRADE_CLOSED" => Some(TradeStatus::Closed),
        _ => None,
    }
}

fn text<'a>(params: &'a Params, name: &'static str) -> Result<&'a str, Error> {
    params.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| field(name, None))
}

fn parsed<T>(params: &Params, name: &'static str, parse: fn(&str) -> Result<T, Error>) -> Result<T, Error> {
    parse(text(params, name)?).map_err(|error| field(name, Some(Box::new(error))))
}

fn field(field: &'static str, source: Option<Box<Error>>) -> Error {
    Cause::Field { what: WHAT, field, source }.into()
}
