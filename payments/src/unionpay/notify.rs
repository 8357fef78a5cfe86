//! Notifies: what UnionPay posts to `backUrl` when a payment, a refund or an undo has a final result.
//!
//! HTTP 200 means received. Anything else makes UnionPay repeat the notify up to five times, 1, 2, 4 and 5 minutes
//! apart; after that only a query tells.

use super::codes::{refund_status, trade_status};
use super::merchant::Merchant;
use super::message::Message;
use super::names;
use super::report::{Facts, PAYMENT, REFUND, UNDO};
use crate::error::{Cause, Error};
use crate::{Ack, Incoming, Notify, RefundNotify, UnixMillis};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use std::fmt;

const WHAT: &str = "unionpay notify";

/// A notify as it arrived: well-formed, and nothing more.
///
/// ```no_run
/// # fn example(body: &[u8], merchant: &payments::unionpay::Merchant, now: payments::UnixMillis)
/// # -> Result<(), payments::Error> {
/// use payments::{Incoming, unionpay::RawNotify};
/// match RawNotify::parse(body)?.verify(merchant, now)? {
///     Incoming::Trade(notify) => println!("about order {}", notify.out_trade_no()),
///     Incoming::Refund(notify) => println!("about refund {}", notify.refund_no()),
///     _ => {}
/// }
/// # Ok(())
/// # }
/// ```
pub struct RawNotify(Message);

impl RawNotify {
    /// Reads the body of the POST, at most [`FORM_BYTES_MAX`](super::FORM_BYTES_MAX) bytes.
    ///
    /// # Errors
    /// `InvalidInput` if it is too long, not UTF-8, or names a parameter twice; `Unverified` if it has no signature,
    /// or another version or method than ours.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        Message::of_form(body).map(Self)
    }

    /// Verifies the certificate at this moment and the signature, then reads what it is about. A payment's
    /// `notify_id` repeats its `queryId`, because UnionPay does not number its notifies.
    ///
    /// # Errors
    /// `Unverified` if the certificate is not UnionPay's or the signature does not fit; `PeerMisbehaved` if what
    /// UnionPay signed is no message about a payment, a refund or an undo.
    pub fn verify(self, merchant: &Merchant, at: UnixMillis) -> Result<Incoming, Error> {
        let fields = self.0.verify(&merchant.trust, at)?;
        // Replies are signed by the same key. "Done" in a reply is about the call, not about the money.
        if [names::ORIG_RESP_CODE, names::TN, names::FILE_CONTENT]
            .iter()
            .any(|name| fields.contains_key(*name))
        {
            return Err(Cause::Unverified { what: WHAT, why: "it is a reply to a call" }.into());
        }
        let facts = Facts { what: WHAT, fields: &fields };
        let code = facts.text(names::RESP_CODE)?;
        match facts.text(names::TXN_TYPE)? {
            PAYMENT => {
                let query_id = facts.query_id()?;
                let notify_id = Some(query_id.as_str().to_owned());
                let report = facts.trade(trade_status(code), query_id, notify_id)?;
                Ok(Incoming::Trade(Box::new(Notify::verified(report))))
            }
            REFUND | UNDO => {
                // A refund that was asked for elsewhere has no order of ours in it, and matches none.
                let order = fields.get(names::REQ_RESERVED).map(String::as_str).unwrap_or_default();
                let report = facts.refund(refund_status(code), order)?;
                Ok(Incoming::Refund(Box::new(RefundNotify::verified(report))))
            }
            _ => Err(facts.field(names::TXN_TYPE, None)),
        }
    }
}

impl fmt::Debug for RawNotify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawNotify").field("params", &self.0.len()).finish_non_exhaustive()
    }
}

/// The answer that UnionPay understands: only the status counts.
#[must_use]
pub fn ack_response(ack: Ack) -> Response<Bytes> {
    let (status, body) = match ack {
        Ack::Success => (StatusCode::OK, "ok"),
        Ack::Fail => (StatusCode::INTERNAL_SERVER_ERROR, "fail"),
    };
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
