//! Money that goes back: refund (04) of a part or the whole, undo (31) of the whole on its day (manual: 退货,
//! 消费撤销).

use super::admission::{Fields, Refusal, order_id, txn_time};
use super::message;
use super::opening::{amount, identity, product, query_id};
use super::trades::{clearing_day, find_refund};
use crate::form::Params;
use crate::sandbox::book::{Key, NewRefund, No, RefundStage, RefundTaken, Trade};
use crate::sandbox::fate::RefundFate;
use crate::sandbox::notices::About;
use crate::sandbox::side::Desk;
use crate::{CallbackUrl, Channel};

/// `04/00` and `31/00`. The reply says that it was taken; what became of it comes by notify or query.
pub(super) fn refund(fields: &Fields, desk: &mut Desk<'_>) -> Result<(Key, Params), Refusal> {
    fields.fitting("txnSubType", |value| value == "00")?;
    product(fields)?;
    let order_id = order_id(fields)?;
    let number = identity(order_id, txn_time(fields, desk.now)?);
    let amount = amount(fields)?;
    let notify_url = CallbackUrl::parse(fields.text("backUrl")).map_err(|_| Refusal::field("backUrl"))?;
    check_unused(&number, desk)?;
    let trade = paid(fields.text("origQryId"), desk)?;
    let undo = fields.text("txnType") == "31";
    if undo {
        check_undo(&trade, amount.minor(), desk)?;
    }
    let fate = RefundFate::find(order_id);
    let new = NewRefund {
        refund_no: number.clone(),
        refund_id: query_id(desk),
        amount,
        reason: format!("{} {}", fields.text("txnType"), fields.text("reqReserved")),
        notify_url: Some(notify_url),
        stage: if fate == RefundFate::Closed { RefundStage::Closed } else { RefundStage::Succeeded },
    };
    let refund_id = new.refund_id.clone();
    let (taken, _) = desk.book.refund(&trade.key, new, desk.now).map_err(refused)?;
    // Only good ends are told.
    if taken == RefundTaken::New && fate != RefundFate::Closed {
        desk.announce(&trade.key, About::Refund(number));
    }
    if fate == RefundFate::Unclear {
        return Err(Refusal::new("03", "交易通讯超时，请发起查询交易"));
    }
    let mut reply = message::done();
    reply.insert("queryId".to_owned(), refund_id);
    Ok((trade.key, reply))
}

/// A number and its time name one trade or one refund.
fn check_unused(number: &str, desk: &Desk<'_>) -> Result<(), Refusal> {
    let used =
        desk.book.find(&Key::new(Channel::Unionpay, number)).is_some() || find_refund(number, desk).is_some();
    if used { Err(Refusal::new("12", "重复交易[orderId]")) } else { Ok(()) }
}

fn paid(query_id: &str, desk: &Desk<'_>) -> Result<Trade, Refusal> {
    let named = |trade: &Trade| trade.key.channel == Channel::Unionpay && trade.trade_no == query_id;
    let trade = desk.book.find_by(named).filter(|trade| trade.paid_at.is_some()).cloned();
    trade.ok_or_else(|| Refusal::new("35", "原交易不存在或状态不正确[origQryId]"))
}

/// The whole, on its clearing day, if nothing went back before.
fn check_undo(trade: &Trade, fen: i64, desk: &Desk<'_>) -> Result<(), Refusal> {
    let today = trade.paid_at.is_some_and(|paid_at| clearing_day(paid_at) == clearing_day(desk.now));
    if !today || trade.refunded_fen() > 0 {
        return Err(Refusal::new("35", "原交易不存在或状态不正确[txnType]"));
    }
    if fen != trade.terms.amount.minor() {
        return Err(Refusal::new("36", "与原交易信息不符[txnAmt]"));
    }
    Ok(())
}

fn refused(no: No) -> Refusal {
    match no {
        No::Exceeds => Refusal::new("33", "交易金额超限[txnAmt]"),
        No::TooManyRefunds => Refusal::new("37", "已超过最大退货次数"),
        No::OtherTerms => Refusal::new("12", "重复交易[orderId]"),
        _ => Refusal::new("35", "原交易不存在或状态不正确[origQryId]"),
    }
}
