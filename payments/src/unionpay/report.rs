//! The facts of a verified message, the same for notifies and for replies to queries.

use super::names;
use super::request::CURRENCY;
use crate::error::{Cause, Error};
use crate::form::Params;
use crate::notify::Report;
use crate::refund::RefundReport;
use crate::{Channel, Money, RefundStatus, TradeNo, TradeStatus};

/// `txnType` of a payment.
pub(super) const PAYMENT: &str = "01";
/// `txnType` of a refund.
pub(super) const REFUND: &str = "04";
/// `txnType` of an undo. It is not the refund's: the two are easily swapped.
pub(super) const UNDO: &str = "31";

/// One verified message and the name that errors give it.
pub(super) struct Facts<'a> {
    pub(super) what: &'static str,
    pub(super) fields: &'a Params,
}

impl Facts<'_> {
    /// The trade. UnionPay has no number of an application, so `app_id` repeats the merchant's number.
    pub(super) fn trade(
        &self,
        status: TradeStatus,
        trade_no: TradeNo,
        notify_id: Option<String>,
    ) -> Result<Report, Error> {
        if self.text(names::CURRENCY_CODE)? != CURRENCY {
            return Err(self.field(names::CURRENCY_CODE, None));
        }
        Ok(Report {
            channel: Channel::Unionpay,
            app_id: self.text(names::MER_ID)?.to_owned(),
            seller_id: self.text(names::MER_ID)?.to_owned(),
            out_trade_no: self.text(names::ORDER_ID)?.to_owned(),
            trade_no,
            amount: self.parsed(names::TXN_AMT, Money::parse_fen)?,
            status,
            notify_id,
            // A query about a payment that was refunded since still says that it was paid.
            money_came: status == TradeStatus::Paid,
            refund_asked: false,
            fields: self.fields.clone(),
        })
    }

    /// The refund or undo of this order.
    pub(super) fn refund(&self, status: RefundStatus, out_trade_no: &str) -> Result<RefundReport, Error> {
        if self.fields.get(names::CURRENCY_CODE).is_some_and(|code| code != CURRENCY) {
            return Err(self.field(names::CURRENCY_CODE, None));
        }
        let named = self.fields.get(names::ORIG_QRY_ID).is_some_and(|number| !number.is_empty());
        Ok(RefundReport {
            channel: Channel::Unionpay,
            seller_id: self.text(names::MER_ID)?.to_owned(),
            out_trade_no: out_trade_no.to_owned(),
            trade_no: if named { Some(self.parsed(names::ORIG_QRY_ID, TradeNo::parse)?) } else { None },
            refund_no: self.text(names::ORDER_ID)?.to_owned(),
            amount: self.parsed(names::TXN_AMT, Money::parse_fen)?,
            status,
            // `traceTime` has no year and `txnTime` is ours.
            succeeded_at: None,
        })
    }

    /// `queryId`, the gateway's number.
    pub(super) fn query_id(&self) -> Result<TradeNo, Error> {
        self.parsed(names::QUERY_ID, TradeNo::parse)
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&str, Error> {
        let value = self.fields.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty()).ok_or_else(|| self.field(name, None))
    }

    pub(super) fn field(&self, field: &'static str, source: Option<Error>) -> Error {
        Cause::Field { what: self.what, field, source: source.map(Box::new) }.into()
    }

    fn parsed<T>(&self, name: &'static str, parse: fn(&str) -> Result<T, Error>) -> Result<T, Error> {
        parse(self.text(name)?).map_err(|error| self.field(name, Some(error)))
    }
}
