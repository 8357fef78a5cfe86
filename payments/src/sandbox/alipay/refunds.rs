//! The calls about money that goes back: refund, refund query.

use super::admission::Admitted;
use super::opening::number;
use super::refusal::SandboxRefusal;
use super::reply::good;
use super::{status_word, succeeded, trades};
use crate::sandbox::book::{Key, NewRefund, No, RefundStage, RefundTaken, Trade};
use crate::sandbox::notices::About;
use crate::sandbox::side::Desk;
use crate::{Currency, Money};
use serde_json::{Map, Value};

/// `alipay.trade.refund`: done at once, or refused. A repeat moves no money and says so.
pub(super) fn refund(request: &Admitted, desk: &mut Desk<'_>) -> Result<Map<String, Value>, SandboxRefusal> {
    let trade = trades::named(request, desk)?;
    if status_word(&trade, desk.now, desk.speed) == "TRADE_FINISHED" {
        let remedy = "the time for refunds is over";
        return Err(SandboxRefusal::business("ACQ.TRADE_HAS_FINISHED", remedy));
    }
    let amount = request.biz.text("refund_amount").unwrap_or_default();
    let amount = Money::parse_yuan(&amount)
        .map_err(|_| SandboxRefusal::parameter("refund_amount is yuan, two places"))?;
    let refund_no = match request.biz.text("out_request_no") {
        Some(_) => number(&request.biz, "out_request_no")?,
        // Without a number of its own a refund is the only one, of everything.
        None if amount == trade.terms.amount => trade.out_trade_no.clone(),
        None => return Err(SandboxRefusal::parameter("a partial refund needs an out_request_no")),
    };
    let new = NewRefund {
        refund_no: refund_no.clone(),
        refund_id: desk.entropy.digits(28),
        amount,
        reason: request.biz.text("refund_reason").unwrap_or_default(),
        notify_url: None,
        stage: RefundStage::Succeeded,
    };
    let taken = match desk.book.refund(&trade.key, new, desk.now) {
        Ok((taken, _)) => taken,
        Err(No::OtherTerms) => {
            let remedy = "this out_request_no was used for another amount";
            return Err(SandboxRefusal::business("ACQ.DISCORDANT_REPEAT_REQUEST", remedy));
        }
        Err(no) => return Err(no.into()),
    };
    if taken == RefundTaken::New {
        desk.announce(&trade.key, About::Refund(refund_no));
    }
    let after = desk.book.find(&trade.key).ok_or(No::Unknown)?;
    let moved = if taken == RefundTaken::New { "Y" } else { "N" };
    Ok(good([
        ("out_trade_no", &after.out_trade_no),
        ("trade_no", &after.trade_no),
        ("fund_change", moved),
        // Everything that went back so far, not this refund alone.
        ("refund_fee", &total(after)),
        ("buyer_user_id", "2088000000000001"),
    ]))
}

/// `alipay.trade.fastpay.refund.query`: a refund that is not there is a good answer without refund members.
pub(super) fn query(request: &Admitted, desk: &mut Desk<'_>) -> Result<Map<String, Value>, SandboxRefusal> {
    let trade = trades::named(request, desk)?;
    let refund_no = request
        .biz
        .text("out_request_no")
        .ok_or_else(|| SandboxRefusal::parameter("send the out_request_no of the refund"))?;
    let Some(refund) = trade.refund(&refund_no).filter(|refund| succeeded(refund.stage)) else {
        return Ok(good([]));
    };
    let mut content = good([
        ("out_trade_no", &trade.out_trade_no),
        ("trade_no", &trade.trade_no),
        ("out_request_no", &refund.refund_no),
        ("total_amount", &trade.terms.amount.yuan_text()),
        ("refund_amount", &refund.amount.yuan_text()),
        ("refund_status", "REFUND_SUCCESS"),
    ]);
    if !refund.reason.is_empty() {
        content.insert("refund_reason".to_owned(), Value::from(refund.reason.as_str()));
    }
    if let Some(ended_at) = refund.ended_at {
        content.insert("gmt_refund_pay".to_owned(), Value::from(ended_at.china_text()));
    }
    Ok(content)
}

/// Gives back what is left, for a cancelled trade. False if nothing was left.
pub(super) fn rest(key: &Key, desk: &mut Desk<'_>) -> bool {
    let Some((number, amount)) =
        desk.book.find(key).and_then(|trade| Some((trade.out_trade_no.clone(), trade.refundable()?)))
    else {
        return false;
    };
    let refund_id = desk.entropy.digits(28);
    let (reason, stage) = ("cancel".to_owned(), RefundStage::Succeeded);
    let refund_no = format!("{number}_cancel");
    let new = NewRefund { refund_no: refund_no.clone(), refund_id, amount, reason, notify_url: None, stage };
    let taken = desk.book.refund(key, new, desk.now).is_ok();
    if taken {
        desk.announce(key, About::Refund(refund_no));
    }
    taken
}

fn total(trade: &Trade) -> String {
    Money::from_minor(trade.refunded_fen(), Currency::Cny)
        .map_or_else(|_| "0.00".to_owned(), Money::yuan_text)
}
