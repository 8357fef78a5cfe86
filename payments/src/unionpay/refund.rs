//! Money that goes back: a refund (04/00) of a part or the whole at any time, an undo (31/00) of the whole on the
//! day of the payment. Both name the payment by its `queryId` and have an order number of their own.

use super::codes::{DUPLICATE, is_good, refusal};
use super::merchant::Merchant;
use super::names;
use super::reply::{self, Asked, REPLY_BYTES_MAX, WHAT};
use super::report::{Facts, REFUND, UNDO};
use super::request::{
    BACK_PATH, CHANNEL_COMPUTER, CURRENCY, GATEWAY_PRODUCT, post, refund_number, trade_number,
};
use crate::error::{Error, ErrorKind, quoted, refused_value};
use crate::{
    Call, CallbackUrl, Channel, Effect, Refund, RefundNotify, RefundRef, RefundStatus, Reply, Stake, Stamp,
    Verified,
};
use bytes::Bytes;
use http::Request;

/// What UnionPay answers to a refund or an undo.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefundAnswer {
    /// It took it and works on it. The result comes by notify, or by [`RefundQuery`](super::RefundQuery).
    Accepted(Box<RefundNotify<Verified>>),
    /// This number was used before (code 12): ask what became of it.
    Duplicate,
    /// It refuses it and no money moves.
    Refused {
        /// The code, such as `36`.
        code: String,
        /// The gateway's words, escaped and cut.
        message: String,
    },
}

/// Gives a part or the whole of a payment back (`退货`).
///
/// The order's number goes along in `reqReserved`, which UnionPay repeats in the notify: without it a notify would
/// not say which order it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundCall {
    refund: RefundRef,
    notify_url: CallbackUrl,
}

/// Takes a payment back on its day, before it is cleared (`消费撤销`): always the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    refund: RefundRef,
    notify_url: CallbackUrl,
}

impl RefundCall {
    /// A refund; `refund.refund.trade_no` is the `queryId` of the payment.
    #[must_use]
    pub fn new(refund: RefundRef, notify_url: CallbackUrl) -> Self {
        Self { refund, notify_url }
    }
}

impl Undo {
    /// An undo of the whole payment; it takes the numbers of a refund.
    #[must_use]
    pub fn new(refund: RefundRef, notify_url: CallbackUrl) -> Self {
        Self { refund, notify_url }
    }
}

impl Call for RefundCall {
    type Merchant = Merchant;
    type Output = RefundAnswer;

    fn effect(&self) -> Effect {
        effect(&self.refund)
    }

    fn refusal_code<'a>(&self, answer: &'a RefundAnswer) -> Option<&'a str> {
        refusal_code(answer)
    }

    fn request(&self, merchant: &Merchant, _stamp: Stamp) -> Result<Request<Bytes>, Error> {
        request(merchant, REFUND, &self.refund, &self.notify_url)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<RefundAnswer, Error> {
        read(merchant, REFUND, &self.refund, reply)
    }
}

impl Call for Undo {
    type Merchant = Merchant;
    type Output = RefundAnswer;

    fn effect(&self) -> Effect {
        effect(&self.refund)
    }

    fn refusal_code<'a>(&self, answer: &'a RefundAnswer) -> Option<&'a str> {
        refusal_code(answer)
    }

    fn request(&self, merchant: &Merchant, _stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let refund = &self.refund.refund;
        if refund.amount != refund.paid {
            let rule = "an undo takes back the whole payment; refund a part of it instead";
            return Err(refused_value("amount of an undo", &refund.amount.to_string(), rule));
        }
        request(merchant, UNDO, &self.refund, &self.notify_url)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<RefundAnswer, Error> {
        read(merchant, UNDO, &self.refund, reply)
    }
}

/// "Used before" is no refusal: it says that an earlier attempt arrived.
fn refusal_code(answer: &RefundAnswer) -> Option<&str> {
    match answer {
        RefundAnswer::Refused { code, .. } => Some(code),
        RefundAnswer::Accepted(_) | RefundAnswer::Duplicate => None,
    }
}

fn effect(refund: &RefundRef) -> Effect {
    let refund = &refund.refund;
    Effect::Once(Stake::Refund(refund.out_trade_no.clone(), refund.refund_no.clone()))
}

/// The numbers of a refund as UnionPay takes them: all that it may refuse.
pub(super) struct Numbers<'a> {
    refund: &'a str,
    trade: &'a str,
}

impl<'a> Numbers<'a> {
    pub(super) fn of(refund: &'a Refund) -> Result<Self, Error> {
        if refund.channel != Channel::Unionpay {
            let rule = "only a payment that came through UnionPay goes back through it";
            return Err(refused_value("channel", refund.channel.code(), rule));
        }
        Ok(Self { refund: refund_number(&refund.refund_no)?, trade: trade_number(&refund.out_trade_no)? })
    }
}

fn request(
    merchant: &Merchant,
    txn_type: &str,
    asked: &RefundRef,
    notify_url: &CallbackUrl,
) -> Result<Request<Bytes>, Error> {
    let (refund, numbers) = (&asked.refund, Numbers::of(&asked.refund)?);
    post(
        merchant,
        &merchant.endpoint.at(BACK_PATH),
        &[
            ("backUrl", notify_url.as_str()),
            ("bizType", GATEWAY_PRODUCT),
            ("channelType", CHANNEL_COMPUTER),
            ("currencyCode", CURRENCY),
            ("orderId", numbers.refund),
            ("origQryId", refund.trade_no.as_str()),
            ("reqReserved", numbers.trade),
            ("txnAmt", &refund.amount.fen_text()),
            ("txnSubType", "00"),
            ("txnTime", &asked.requested_at.china_digits()),
            ("txnType", txn_type),
        ],
    )
}

fn read(merchant: &Merchant, txn_type: &str, sent: &RefundRef, reply: &Reply) -> Result<RefundAnswer, Error> {
    let refund = &sent.refund;
    let (requested_at, amount) = (sent.requested_at.china_digits(), refund.amount.fen_text());
    let always = [(names::ORDER_ID, refund.refund_no.as_str()), (names::TXN_TIME, &requested_at)];
    let mostly = [
        (names::TXN_TYPE, txn_type),
        (names::TXN_AMT, &amount),
        (names::ORIG_QRY_ID, refund.trade_no.as_str()),
    ];
    let asked = Asked { always: &always, mostly: &mostly };
    let mut fields = reply::read(merchant, reply, REPLY_BYTES_MAX, &asked)?;
    let code = reply::code(&fields)?;
    if is_good(code) {
        // "Good" is about the taking; the amount and the payment are those that were compared above.
        fields.extend(mostly.map(|(name, value)| (name.to_owned(), value.to_owned())));
        fields.insert(names::MER_ID.to_owned(), merchant.mer_id.as_str().to_owned());
        let facts = Facts { what: WHAT, fields: &fields };
        let report = facts.refund(RefundStatus::Processing, refund.out_trade_no.as_str())?;
        return Ok(RefundAnswer::Accepted(Box::new(RefundNotify::verified(report))));
    }
    if code == DUPLICATE {
        return Ok(RefundAnswer::Duplicate);
    }
    let error = refusal(&fields);
    if error.kind() != ErrorKind::InvalidInput {
        return Err(error);
    }
    let message = fields.get(names::RESP_MSG).map(String::as_str).unwrap_or_default();
    Ok(RefundAnswer::Refused { code: quoted(code), message: quoted(message) })
}
