//! `00/00`: asks what became of a trade or a refund. UnionPay notifies final results only, and mostly good ones, so
//! every order that stays open has to be asked about.

use super::codes::{NOT_FOUND, is_good, refund_status, refusal, trade_status};
use super::merchant::Merchant;
use super::names;
use super::reply::{self, Asked, REPLY_BYTES_MAX, WHAT};
use super::report::{Facts, PAYMENT, REFUND, UNDO};
use super::request::{NO_PRODUCT, QUERY_PATH, post, refund_number, trade_number};
use crate::error::Error;
use crate::form::Params;
use crate::{
    Call, Effect, Notify, QueryOutcome, RefundNotify, RefundOutcome, RefundRef, Reply, Stamp, TradeNo,
    TradeRef, TradeStatus, UnixMillis,
};
use bytes::Bytes;
use http::Request;

/// Asks for the trade of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    trade: TradeRef,
}

impl Query {
    /// A query for this trade.
    #[must_use]
    pub fn new(trade: TradeRef) -> Self {
        Self { trade }
    }
}

impl Call for Query {
    type Merchant = Merchant;
    type Output = QueryOutcome;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, _stamp: Stamp) -> Result<Request<Bytes>, Error> {
        request(merchant, trade_number(&self.trade.out_trade_no)?, self.trade.submitted_at)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<QueryOutcome, Error> {
        let number = self.trade.out_trade_no.as_str();
        let Some(fields) = read(merchant, reply, number, self.trade.submitted_at)? else {
            return Ok(QueryOutcome::NotFound);
        };
        let facts = Facts { what: WHAT, fields: &fields };
        if facts.text(names::TXN_TYPE)? != PAYMENT {
            return Err(facts.field(names::TXN_TYPE, None));
        }
        let status = trade_status(facts.text(names::ORIG_RESP_CODE)?);
        // A trade that never reached a bank may have no number yet; its order number stands in. A paid one has it: it
        // is what the notify of the same payment is known by, and what is refunded.
        let trade_no = if status == TradeStatus::Paid || fields.contains_key(names::QUERY_ID) {
            facts.query_id()?
        } else {
            TradeNo::parse(number)?
        };
        let report = facts.trade(status, trade_no, None)?;
        Ok(QueryOutcome::Trade(Box::new(Notify::verified(report))))
    }
}

/// Asks for one refund or undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundQuery {
    refund: RefundRef,
}

impl RefundQuery {
    /// A query for this refund.
    #[must_use]
    pub fn new(refund: RefundRef) -> Self {
        Self { refund }
    }
}

impl Call for RefundQuery {
    type Merchant = Merchant;
    type Output = RefundOutcome;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, _stamp: Stamp) -> Result<Request<Bytes>, Error> {
        request(merchant, refund_number(&self.refund.refund.refund_no)?, self.refund.requested_at)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<RefundOutcome, Error> {
        let refund = &self.refund.refund;
        let number = refund.refund_no.as_str();
        let Some(fields) = read(merchant, reply, number, self.refund.requested_at)? else {
            return Ok(RefundOutcome::NotFound);
        };
        let facts = Facts { what: WHAT, fields: &fields };
        if !matches!(facts.text(names::TXN_TYPE)?, REFUND | UNDO) {
            return Err(facts.field(names::TXN_TYPE, None));
        }
        let status = refund_status(facts.text(names::ORIG_RESP_CODE)?);
        // The reply is about the refund that was asked for by its number, so the order is the caller's own.
        let report = facts.refund(status, refund.out_trade_no.as_str())?;
        Ok(RefundOutcome::Refund(Box::new(RefundNotify::verified(report))))
    }
}

fn request(merchant: &Merchant, order_id: &str, txn_time: UnixMillis) -> Result<Request<Bytes>, Error> {
    post(
        merchant,
        &merchant.endpoint.at(QUERY_PATH),
        &[
            ("bizType", NO_PRODUCT),
            ("orderId", order_id),
            ("txnSubType", "00"),
            ("txnTime", &txn_time.china_digits()),
            ("txnType", "00"),
        ],
    )
}

/// The verified fields; none if UnionPay has nothing under this number and time.
fn read(
    merchant: &Merchant,
    reply: &Reply,
    order_id: &str,
    txn_time: UnixMillis,
) -> Result<Option<Params>, Error> {
    let txn_time = txn_time.china_digits();
    let always = [
        (names::MER_ID, merchant.mer_id.as_str()),
        (names::ORDER_ID, order_id),
        (names::TXN_TIME, &txn_time),
    ];
    let asked = Asked { always: &always, mostly: &[] };
    let fields = reply::read(merchant, reply, REPLY_BYTES_MAX, &asked)?;
    match reply::code(&fields)? {
        code if is_good(code) => Ok(Some(fields)),
        NOT_FOUND => Ok(None),
        _ => Err(refusal(&fields)),
    }
}
