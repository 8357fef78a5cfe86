//! The calls about an open trade: query, close, cancel.

use super::admission::{Admitted, Biz};
use super::refusal::SandboxRefusal;
use super::reply::good;
use super::{refunds, status_word};
use crate::Channel;
use crate::sandbox::book::{Key, No, Trade};
use crate::sandbox::side::Desk;
use serde_json::{Map, Value};

/// The trade that a call names, by the gateway's number or the merchant's.
pub(super) fn key_of(biz: &Biz, desk: &Desk<'_>) -> Option<Key> {
    let trade_no = biz.text("trade_no");
    let named =
        |trade: &Trade| trade.key.channel == Channel::Alipay && Some(&trade.trade_no) == trade_no.as_ref();
    if trade_no.is_some() {
        return desk.book.find_by(named).map(|trade| trade.key.clone());
    }
    let key = Key::new(Channel::Alipay, &biz.text("out_trade_no")?);
    desk.book.find(&key).map(|_| key)
}

/// The trade that a call names, as far as the gateway knows it: a QR code that nobody scanned is no trade.
pub(super) fn named(request: &Admitted, desk: &Desk<'_>) -> Result<Trade, SandboxRefusal> {
    named_in(&request.biz, desk)
}

/// The same for the members alone.
pub(super) fn named_in(biz: &Biz, desk: &Desk<'_>) -> Result<Trade, SandboxRefusal> {
    if !["trade_no", "out_trade_no"].iter().any(|name| biz.text(name).is_some()) {
        return Err(SandboxRefusal::parameter("send out_trade_no or trade_no"));
    }
    let trade = key_of(biz, desk).and_then(|key| desk.book.find(&key).cloned());
    trade.filter(|trade| trade.opened_at.is_some()).ok_or_else(|| No::Unknown.into())
}

/// `alipay.trade.query`.
pub(super) fn query(request: &Admitted, desk: &mut Desk<'_>) -> Result<Map<String, Value>, SandboxRefusal> {
    let trade = named(request, desk)?;
    Ok(found(&trade, desk))
}

/// What the gateway knows about a trade.
pub(super) fn found(trade: &Trade, desk: &Desk<'_>) -> Map<String, Value> {
    let mut content = good([
        ("out_trade_no", &trade.out_trade_no),
        ("trade_no", &trade.trade_no),
        ("total_amount", &trade.terms.amount.yuan_text()),
        ("trade_status", status_word(trade, desk.now, desk.speed)),
    ]);
    if let Some(paid_at) = trade.paid_at {
        content.insert("send_pay_date".to_owned(), Value::from(paid_at.china_text()));
        content.insert("buyer_user_id".to_owned(), Value::from("2088000000000001"));
    }
    content
}

/// `alipay.trade.close`: only what waits can be closed.
pub(super) fn close(request: &Admitted, desk: &mut Desk<'_>) -> Result<Map<String, Value>, SandboxRefusal> {
    let trade = named(request, desk)?;
    match desk.book.close(&trade.key, desk.now) {
        Ok(trade) => Ok(good([("out_trade_no", &trade.out_trade_no), ("trade_no", &trade.trade_no)])),
        Err(No::Paid | No::Closed | No::Failed) => Err(No::NotPaid.into()),
        Err(no) => Err(no.into()),
    }
}

/// `alipay.trade.cancel`: closes what waits, gives back what was paid. A cancelled QR code opens nothing any more.
pub(super) fn cancel(request: &Admitted, desk: &mut Desk<'_>) -> Result<Map<String, Value>, SandboxRefusal> {
    let Some(key) = key_of(&request.biz, desk) else {
        let number = request.biz.text("out_trade_no").unwrap_or_default();
        return Ok(good([("out_trade_no", &number), ("retry_flag", "N")]));
    };
    let action = match desk.book.close(&key, desk.now) {
        Ok(_) => Some("close"),
        Err(No::Paid) => refunds::rest(&key, desk).then_some("refund"),
        Err(_) => None,
    };
    let trade = desk.book.find(&key).ok_or(No::Unknown)?;
    let mut content =
        good([("out_trade_no", &trade.out_trade_no), ("trade_no", &trade.trade_no), ("retry_flag", "N")]);
    content.extend(action.map(|action| ("action".to_owned(), Value::from(action))));
    Ok(content)
}
