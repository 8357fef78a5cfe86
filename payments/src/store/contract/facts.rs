//! Verified facts without a gateway: what the contract says to a store.

use crate::form::Params;
use crate::notify::{Channel, Checked, ExpectedOrder, Notify, Report, TradeStatus};
use crate::refund::{ExpectedRefund, Refund, RefundChecked, RefundNotify, RefundReport, RefundStatus};
use crate::{AppId, Currency, Money, Order, OutTradeNo, RefundNo, SellerId, Subject, TradeNo};

/// What a message says about a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Paid,
    /// Paid, and part of it or all may have gone back.
    RefundAsked,
    /// Closed, and money once came.
    Refunded,
    /// Closed, and no money ever came.
    Unpaid,
    Waiting,
    Failed,
}

const APP: &str = "2421b1c4370ec43b";
const SELLER: &str = "1900000001";

pub(super) fn fen(minor: i64) -> Money {
    Money::from_minor(minor, Currency::Cny).unwrap()
}

pub(super) fn order(number: &str, minor: i64) -> Order {
    Order::new(OutTradeNo::parse(number).unwrap(), Subject::parse("Rust 入门课").unwrap(), fen(minor))
}

/// The trades that may pay, over all channels.
pub(super) fn trade(index: usize) -> (Channel, TradeNo) {
    let channel = Channel::ALL[index % Channel::ALL.len()];
    // Two channels may give the same number.
    (channel, TradeNo::parse(&format!("T{}", index / 2)).unwrap())
}

pub(super) fn refund(
    number: &str,
    order: &OutTradeNo,
    trade: (Channel, TradeNo),
    paid: i64,
    amount: i64,
) -> Refund {
    Refund::new(RefundNo::parse(number).unwrap(), order.clone(), trade, fen(paid), fen(amount))
}

pub(super) fn said(order: &Order, trade: (Channel, TradeNo), said: Said) -> Notify<Checked> {
    let refund_asked = said == Said::RefundAsked;
    let (status, money_came) = match said {
        Said::Paid | Said::RefundAsked => (TradeStatus::Paid, true),
        Said::Refunded => (TradeStatus::Closed, true),
        Said::Unpaid => (TradeStatus::Closed, false),
        Said::Waiting => (TradeStatus::Waiting, false),
        Said::Failed => (TradeStatus::Failed, false),
    };
    let (channel, trade_no) = trade;
    let number = order.out_trade_no.clone();
    let report = Report {
        channel,
        app_id: APP.to_owned(),
        seller_id: SELLER.to_owned(),
        out_trade_no: number.as_str().to_owned(),
        // Long, and not of one alphabet; a query has none.
        notify_id: (channel != Channel::Unionpay).then(|| format!("{trade_no}-号-{}", "x".repeat(700))),
        trade_no,
        amount: order.amount,
        status,
        money_came,
        refund_asked,
        fields: Params::new(),
    };
    let expected = ExpectedOrder {
        channel,
        app_id: AppId::parse(APP).unwrap(),
        seller_id: SellerId::parse(SELLER).unwrap(),
        out_trade_no: number,
        amount: order.amount,
    };
    Notify::verified(report).check(&expected).unwrap()
}

pub(super) fn refund_said(refund: &Refund, status: RefundStatus) -> RefundNotify<RefundChecked> {
    let report = RefundReport {
        channel: refund.channel,
        seller_id: SELLER.to_owned(),
        out_trade_no: refund.out_trade_no.as_str().to_owned(),
        trade_no: Some(refund.trade_no.clone()),
        refund_no: refund.refund_no.as_str().to_owned(),
        amount: refund.amount,
        status,
        succeeded_at: None,
    };
    let expected = ExpectedRefund {
        channel: refund.channel,
        seller_id: SellerId::parse(SELLER).unwrap(),
        out_trade_no: refund.out_trade_no.clone(),
        refund_no: refund.refund_no.clone(),
        amount: refund.amount,
    };
    RefundNotify::verified(report).check(&expected).unwrap()
}
