//! A reply to a call: verified, and an answer to what was asked, before anything in it is read.

use super::codes::is_good;
use super::merchant::Merchant;
use super::message::Message;
use super::names;
use crate::Reply;
use crate::error::{Cause, Error};
use crate::form::Params;

/// The longest reply that is read, in bytes; only settlement files are longer.
pub(super) const REPLY_BYTES_MAX: usize = 65_536;

pub(super) const WHAT: &str = "unionpay reply";

/// What a reply must repeat of the request. UnionPay signs all replies of all merchants with the same key, so a
/// reply to another call looks as genuine as ours.
pub(super) struct Asked<'a> {
    /// The names are those of [`names`]. Repeated in every reply that says "done", and never different.
    pub(super) always: &'a [(&'static str, &'a str)],
    /// Repeated by most replies, and never different.
    pub(super) mostly: &'a [(&'static str, &'a str)],
}

/// Verifies a reply of at most `bytes_max` bytes. What it says is in `respCode`.
pub(super) fn read(
    merchant: &Merchant,
    reply: &Reply,
    bytes_max: usize,
    asked: &Asked<'_>,
) -> Result<Params, Error> {
    let status = reply.response.status();
    if status != http::StatusCode::OK {
        return Err(Cause::Status(status.as_u16()).into());
    }
    let message = Message::of_reply(reply.response.body(), bytes_max)?;
    let fields = message.verify(&merchant.trust, reply.received_at)?;
    let done = is_good(code(&fields)?);
    let always = asked.always.iter().map(|pair| (pair, done));
    let mostly = asked.mostly.iter().map(|pair| (pair, false));
    let mer_id = (names::MER_ID, merchant.mer_id.as_str());
    for ((name, sent), needed) in always.chain(mostly).chain([(&mer_id, false)]) {
        match fields.get(*name) {
            Some(found) if found != sent => {
                return Err(Cause::Unverified { what: WHAT, why: "it answers another call" }.into());
            }
            None if needed => return Err(missing(name)),
            _ => {}
        }
    }
    Ok(fields)
}

/// What the reply says about the call.
pub(super) fn code(fields: &Params) -> Result<&str, Error> {
    text(fields, names::RESP_CODE)
}

/// A field that has to be there.
pub(super) fn text<'a>(fields: &'a Params, name: &'static str) -> Result<&'a str, Error> {
    fields.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| missing(name))
}

pub(super) fn missing(field: &'static str) -> Error {
    Cause::Field { what: WHAT, field, source: None }.into()
}
