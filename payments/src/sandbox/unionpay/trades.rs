//! A payment or a refund as messages tell of it, and the query that asks (manual: 交易状态查询).

use super::admission::{Fields, Refusal, order_id};
use super::message;
use super::opening::identity;
use crate::form::Params;
use crate::sandbox::book::{Key, Refund, RefundStage, Stage, Trade};
use crate::sandbox::side::Desk;
use crate::{Channel, Money, UnixMillis};

const OPEN: (&str, &str) = ("05", "交易已受理，请稍后查询交易结果");
const FAILED: (&str, &str) = ("01", "交易失败");
const GOOD: (&str, &str) = ("00", "成功[0000000]");

/// What a refund is here: kind and reserved text stand in its reason, its time in its number.
pub(super) struct Parts<'a> {
    pub(super) txn_type: &'a str,
    pub(super) reserved: &'a str,
    pub(super) order_id: &'a str,
    pub(super) txn_time: String,
}

/// `00/00`: `respCode` is about the query, `origRespCode` about the trade.
pub(super) fn query(fields: &Fields, desk: &Desk<'_>) -> Result<(Key, Params), Refusal> {
    fields.fitting("txnSubType", |value| value == "00")?;
    fields.fitting("bizType", |value| matches!(value, "000000" | "000201"))?;
    let number = identity(order_id(fields)?, fields.text("txnTime"));
    let key = Key { channel: Channel::Unionpay, number };
    let opened = desk.book.find(&key).filter(|trade| trade.opened_at.is_some());
    let (key, mut content, (code, words)) = match (opened, find_refund(&key.number, desk)) {
        (Some(trade), _) => (key, payment(trade, trade.terms.amount), code_of(trade, desk.now)),
        (None, Some((trade, refund))) => {
            (trade.key.clone(), self::refund(trade, refund, refund.amount), refund_code(refund.stage))
        }
        // An application that never opened its `tn` has no trade either.
        (None, None) => return Err(Refusal::new("34", "查无此交易[2600000]")),
    };
    content.extend(message::done());
    content.insert("origRespCode".to_owned(), code.to_owned());
    content.insert("origRespMsg".to_owned(), words.to_owned());
    Ok((key, content))
}

/// The fields of a payment. `amount` is its own, unless a test wants a wrong one.
pub(super) fn payment(trade: &Trade, amount: Money) -> Params {
    let mut content = Params::new();
    let (order_id, txn_time) = trade.key.number.split_once('.').unwrap_or_default();
    for (name, value) in [
        ("accessType", "0"),
        ("bizType", "000201"),
        ("currencyCode", "156"),
        ("orderId", order_id),
        ("queryId", &trade.trade_no),
        ("reqReserved", trade.terms.fixed.get("reqReserved").map(String::as_str).unwrap_or_default()),
        ("txnAmt", &amount.fen_text()),
        ("txnSubType", "01"),
        ("txnTime", txn_time),
        ("txnType", "01"),
    ] {
        content.insert(name.to_owned(), value.to_owned());
    }
    if let Some(paid_at) = trade.paid_at {
        settled(&mut content, &trade.trade_no, paid_at, amount);
    }
    content.retain(|_, value| !value.is_empty());
    content
}

/// The fields of a refund or an undo.
pub(super) fn refund(trade: &Trade, refund: &Refund, amount: Money) -> Params {
    let parts = parts(refund);
    let mut content = Params::new();
    for (name, value) in [
        ("accessType", "0"),
        ("bizType", "000201"),
        ("currencyCode", "156"),
        ("orderId", parts.order_id),
        ("origQryId", &trade.trade_no),
        ("queryId", &refund.refund_id),
        ("reqReserved", parts.reserved),
        ("txnAmt", &amount.fen_text()),
        ("txnSubType", "00"),
        ("txnTime", &parts.txn_time),
        ("txnType", parts.txn_type),
    ] {
        content.insert(name.to_owned(), value.to_owned());
    }
    if let Some(ended_at) = refund.ended_at {
        settled(&mut content, &refund.refund_id, ended_at, amount);
    }
    content.retain(|_, value| !value.is_empty());
    content
}

/// A refund made by hand in the console has no time of the merchant's.
pub(super) fn parts(refund: &Refund) -> Parts<'_> {
    let (txn_type, reserved) = refund.reason.split_once(' ').unwrap_or(("04", ""));
    let (order_id, txn_time) = match refund.refund_no.split_once('.') {
        Some((order_id, txn_time)) => (order_id, txn_time.to_owned()),
        None => (refund.refund_no.as_str(), refund.created_at.china_digits()),
    };
    Parts { txn_type, reserved, order_id, txn_time }
}

/// The refund of this number and time.
pub(super) fn find_refund<'a>(number: &str, desk: &'a Desk<'_>) -> Option<(&'a Trade, &'a Refund)> {
    let trade = desk
        .book
        .find_by(|trade| trade.key.channel == Channel::Unionpay && trade.refund(number).is_some())?;
    Some((trade, trade.refund(number)?))
}

/// How the network booked it.
fn settled(content: &mut Params, query_id: &str, at: UnixMillis, amount: Money) {
    let digits = at.china_digits();
    let tail = |count: usize| digits.chars().skip(digits.len().saturating_sub(count)).collect::<String>();
    let trace_no: String = query_id.chars().skip(15).take(6).collect();
    for (name, value) in [
        ("settleAmt", amount.fen_text()),
        ("settleCurrencyCode", "156".to_owned()),
        ("settleDate", clearing_date(at)),
        ("traceNo", trace_no),
        ("traceTime", tail(10)),
    ] {
        content.insert(name.to_owned(), value);
    }
}

/// The clearing day ends at 23:00.
pub(super) fn clearing_day(at: UnixMillis) -> crate::BillDay {
    crate::BillDay::of(at.plus_secs(3_600))
}

fn clearing_date(at: UnixMillis) -> String {
    clearing_day(at).digits().chars().skip(4).collect()
}

fn code_of(trade: &Trade, now: UnixMillis) -> (&'static str, &'static str) {
    match trade.stage(now) {
        Stage::Paid => GOOD,
        Stage::Waiting => OPEN,
        Stage::Closed | Stage::Failed => FAILED,
    }
}

const fn refund_code(stage: RefundStage) -> (&'static str, &'static str) {
    match stage {
        RefundStage::Succeeded => GOOD,
        RefundStage::Processing => OPEN,
        RefundStage::Closed | RefundStage::Abnormal => FAILED,
    }
}
