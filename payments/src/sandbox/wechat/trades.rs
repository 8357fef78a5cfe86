//! The calls about an open trade: query by either number, close (manual: 查询订单, 关闭订单); and a trade as messages
//! tell of it.

use super::SandboxWechat;
use super::admission::Admitted;
use super::refusal::Refusal;
use super::reply::{Content, Done};
use crate::sandbox::book::{Key, No, Stage, Trade};
use crate::sandbox::side::Desk;
use crate::{Channel, Money, UnixMillis};
use serde_json::{Value, json};

/// The buyer of every trade whose product does not name one.
const BUYER: &str = "oSandboxBuyer0000000000000001";

/// How a query names a trade.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'a> {
    OutTradeNo(&'a str),
    TransactionId(&'a str),
}

pub(super) fn query(
    side: &SandboxWechat,
    request: &Admitted,
    by: By<'_>,
    desk: &Desk<'_>,
) -> Result<Done, Refusal> {
    check_merchant(side, request.query.get("mchid").map(String::as_str))?;
    let trade = find(by, desk).ok_or(No::Unknown)?;
    let content = transaction(side, trade, trade.terms.amount, desk.now);
    Ok(Done { content: Content::Json(content), key: Some(trade.key.clone()) })
}

/// Only what waits can be closed.
pub(super) fn close(
    side: &SandboxWechat,
    request: &Admitted,
    out_trade_no: &str,
    desk: &mut Desk<'_>,
) -> Result<Done, Refusal> {
    check_merchant(side, request.body.text("mchid"))?;
    let key = Key::new(Channel::Wechat, out_trade_no);
    desk.book.close(&key, desk.now)?;
    Ok(Done { content: Content::Nothing, key: Some(key) })
}

/// The trade of a number. The gateway's own number exists from the payment on.
pub(super) fn find<'a>(by: By<'_>, desk: &'a Desk<'_>) -> Option<&'a Trade> {
    match by {
        By::OutTradeNo(number) => desk.book.find(&Key::new(Channel::Wechat, number)),
        By::TransactionId(id) => desk.book.find_by(|trade| {
            trade.key.channel == Channel::Wechat && trade.trade_no == id && trade.paid_at.is_some()
        }),
    }
}

fn check_merchant(side: &SandboxWechat, mchid: Option<&str>) -> Result<(), Refusal> {
    if mchid == Some(side.merchant.mchid.as_str()) {
        Ok(())
    } else {
        Err(Refusal::parameter("mchid", "it is not the mchid of the signature"))
    }
}

/// A trade in a reply or a notify. `total` is its amount, unless a test wants a wrong one.
pub(super) fn transaction(side: &SandboxWechat, trade: &Trade, total: Money, now: UnixMillis) -> Value {
    let (state, words) = state(trade, now);
    let fixed = |name: &str| trade.terms.fixed.get(name).map(String::as_str).unwrap_or_default();
    let mut content = json!({
        "appid": side.merchant.app_id.as_str(),
        "mchid": side.merchant.mchid.as_str(),
        "out_trade_no": trade.out_trade_no,
        "attach": fixed("attach"),
        "trade_state": state,
        "trade_state_desc": words,
        "promotion_detail": [],
        "amount": { "total": total.minor(), "currency": "CNY" },
        "payer": {},
    });
    let (Some(paid_at), Some(members)) = (trade.paid_at, content.as_object_mut()) else { return content };
    let openid = Some(fixed("payer")).filter(|payer| !payer.is_empty()).unwrap_or(BUYER);
    let amount = json!({
        "total": total.minor(),
        "payer_total": total.minor(),
        "currency": "CNY",
        "payer_currency": "CNY",
    });
    for (name, value) in [
        ("transaction_id", Value::from(trade.trade_no.as_str())),
        ("trade_type", Value::from(fixed("trade_type"))),
        ("bank_type", Value::from("OTHERS")),
        ("success_time", Value::from(paid_at.china_rfc3339())),
        ("amount", amount),
        ("payer", json!({ "openid": openid })),
    ] {
        members.insert(name.to_owned(), value);
    }
    content
}

/// `REFUND` as soon as a refund was asked for, of a part or the whole, done or not.
fn state(trade: &Trade, now: UnixMillis) -> (&'static str, &'static str) {
    match trade.stage(now) {
        Stage::Paid if !trade.refunds.is_empty() => ("REFUND", "订单发生过退款，退款详情请查询退款单"),
        Stage::Paid => ("SUCCESS", "支付成功"),
        Stage::Waiting => ("NOTPAY", "订单未支付"),
        Stage::Closed => ("CLOSED", "订单已关闭"),
        Stage::Failed => ("PAYERROR", "支付失败"),
    }
}
