//! The calls about money that goes back: refund, refund query, abnormal refund (manual: 申请退款, 查询单笔退款,
//! 发起异常退款).

use super::SandboxWechat;
use super::admission::Admitted;
use super::prepay::{fen, number};
use super::refusal::Refusal;
use super::reply::{Content, Done};
use super::trades::{self, By};
use crate::sandbox::book::{NewRefund, No, Refund, RefundStage, RefundTaken, Trade};
use crate::sandbox::fate::RefundFate;
use crate::sandbox::notices::About;
use crate::sandbox::side::Desk;
use crate::{CallbackUrl, Channel, Money, UnixMillis};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A payment can be refunded for so many seconds, a year.
const REFUND_SECS_MAX: u64 = 365 * 86_400;
const REASON_BYTES_MAX: usize = 80;

/// `POST /v3/refund/domestic/refunds`.
pub(super) fn refund(request: &Admitted, desk: &mut Desk<'_>) -> Result<Done, Refusal> {
    let body = &request.body;
    let trade = match (body.text("transaction_id"), body.text("out_trade_no")) {
        (Some(id), _) => trades::find(By::TransactionId(id), desk),
        (None, Some(number)) => trades::find(By::OutTradeNo(number), desk),
        (None, None) => return Err(Refusal::parameter("transaction_id", "send either number of the trade")),
    };
    let trade = trade.cloned().ok_or(Refusal::missing("订单不存在"))?;
    let out_refund_no = number(body.text("out_refund_no"), "out_refund_no", 1..=64)?;
    let amount = fen(body, "refund")?;
    check_terms(&trade, &out_refund_no, fen(body, "total")?, desk)?;
    let notify_url = body.text("notify_url").map(CallbackUrl::parse).transpose();
    let reason = body.text("reason").unwrap_or_default().to_owned();
    if reason.len() > REASON_BYTES_MAX {
        return Err(Refusal::parameter("reason", "it takes 80 bytes"));
    }
    let fate = RefundFate::find(&out_refund_no);
    let new = NewRefund {
        refund_no: out_refund_no.clone(),
        refund_id: format!("5030{}", desk.entropy.digits(24)),
        amount,
        reason,
        notify_url: notify_url
            .map_err(|_| Refusal::parameter("notify_url", "send an address without a query"))?,
        stage: fate.stage(),
    };
    let (taken, after) = desk.book.refund(&trade.key, new, desk.now).map_err(refused)?;
    let known = after.refund(&out_refund_no).ok_or(No::Unknown)?;
    // What was taken now is told as under way; its end comes by notify, or by a query.
    let told = if taken == RefundTaken::New { RefundStage::Processing } else { known.stage };
    let content = content(after, known, told);
    if taken == RefundTaken::New {
        desk.announce(&trade.key, About::Refund(out_refund_no));
        if fate == RefundFate::Unclear {
            return Err(Refusal::failed());
        }
    }
    Ok(Done { content: Content::Json(content), key: Some(trade.key) })
}

/// `GET /v3/refund/domestic/refunds/{out_refund_no}`.
pub(super) fn query(out_refund_no: &str, desk: &Desk<'_>) -> Result<Done, Refusal> {
    let found = find(desk, |refund| refund.refund_no == out_refund_no);
    let (trade, refund) = found.ok_or(Refusal::missing("退款单不存在"))?;
    let content = content(trade, refund, refund.stage);
    Ok(Done { content: Content::Json(content), key: Some(trade.key.clone()) })
}

/// `POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund`.
pub(super) fn abnormal(
    side: &SandboxWechat,
    refund_id: &str,
    request: &Admitted,
    desk: &mut Desk<'_>,
) -> Result<Done, Refusal> {
    let (trade, refund) =
        find(desk, |refund| refund.refund_id == refund_id).ok_or(Refusal::missing("退款单不存在"))?;
    let (key, number) = (trade.key.clone(), refund.refund_no.clone());
    if request.body.text("out_refund_no") != Some(&number) {
        return Err(Refusal::parameter("out_refund_no", "it is not the refund of this refund_id"));
    }
    if refund.stage != RefundStage::Abnormal {
        return Err(Refusal::request("退款单状态不是异常，不能发起异常退款"));
    }
    check_payout(side, request)?;
    let after = desk.book.move_refund(&key, &number, RefundStage::Succeeded, desk.now).map_err(refused)?;
    let known = after.refund(&number).ok_or(No::Unknown)?;
    let content = content(after, known, RefundStage::Processing);
    desk.announce(&key, About::Refund(number));
    Ok(Done { content: Content::Json(content), key: Some(key) })
}

/// Where the money goes instead. A card of the buyer's is named in fields that only the gateway can read.
fn check_payout(side: &SandboxWechat, request: &Admitted) -> Result<(), Refusal> {
    let body = &request.body;
    match body.text("type") {
        Some("MERCHANT_BANK_CARD") => return Ok(()),
        Some("USER_BANK_CARD") => {}
        _ => return Err(Refusal::parameter("type", "it is USER_BANK_CARD or MERCHANT_BANK_CARD")),
    }
    if body.text("bank_type").is_none() {
        return Err(Refusal::parameter("bank_type", "name the buyer's bank"));
    }
    let serial = request.asked.as_deref().unwrap_or_default();
    let platform = side.platform();
    let key = platform.key_of(serial).ok_or_else(|| {
        Refusal::parameter("Wechatpay-Serial", "name the key that the secret fields are encrypted for")
    })?;
    for name in ["bank_account", "real_name"] {
        let sealed = body.text(name).and_then(|text| STANDARD.decode(text).ok());
        let opened = sealed.and_then(|sealed| key.decrypt_oaep_sha1(&sealed).ok());
        if opened.is_none_or(|text| text.is_empty()) {
            return Err(Refusal::parameter(name, "encrypt it by RSA-OAEP for the key of Wechatpay-Serial"));
        }
    }
    Ok(())
}

fn check_terms(trade: &Trade, out_refund_no: &str, total: Money, desk: &Desk<'_>) -> Result<(), Refusal> {
    if total != trade.terms.amount {
        return Err(Refusal::request("订单金额或退款金额与之前请求不一致，请核实后再试"));
    }
    let elsewhere = find(desk, |refund| refund.refund_no == out_refund_no);
    if elsewhere.is_some_and(|(other, _)| other.key != trade.key) {
        return Err(Refusal::request("商户退款单号已用于其他订单"));
    }
    let over = |paid_at: UnixMillis| paid_at.as_millis().saturating_add(desk.speed.millis(REFUND_SECS_MAX));
    if trade.paid_at.is_some_and(|paid_at| desk.now.as_millis() >= over(paid_at)) {
        return Err(Refusal::request("订单已超过可退款的最大期限"));
    }
    Ok(())
}

fn refused(no: No) -> Refusal {
    match no {
        No::OtherTerms => Refusal::request("订单金额或退款金额与之前请求不一致，请核实后再试"),
        other => other.into(),
    }
}

/// Refund numbers are the merchant's, over all its trades.
fn find<'a>(desk: &'a Desk<'_>, fits: impl Fn(&Refund) -> bool) -> Option<(&'a Trade, &'a Refund)> {
    let own = |trade: &Trade| trade.key.channel == Channel::Wechat && trade.refunds.iter().any(&fits);
    let trade = desk.book.find_by(own)?;
    Some((trade, trade.refunds.iter().find(|refund| fits(refund))?))
}

/// A refund in a reply.
fn content(trade: &Trade, refund: &Refund, told: RefundStage) -> Value {
    let mut content = json!({
        "refund_id": refund.refund_id,
        "out_refund_no": refund.refund_no,
        "transaction_id": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": refund.created_at.china_rfc3339(),
        "status": word(told),
        "funds_account": "AVAILABLE",
        "promotion_detail": [],
        "amount": amount(trade, refund.amount),
    });
    let ended_at = refund.ended_at.filter(|_| told == RefundStage::Succeeded);
    if let (Some(ended_at), Some(members)) = (ended_at, content.as_object_mut()) {
        members.insert("success_time".to_owned(), Value::from(ended_at.china_rfc3339()));
    }
    content
}

/// A refund in a notify: it names the merchant, and its state by another name.
pub(super) fn notice(side: &SandboxWechat, trade: &Trade, refund: &Refund, amount_told: Money) -> Value {
    let mut content = json!({
        "mchid": side.merchant.mchid.as_str(),
        "out_trade_no": trade.out_trade_no,
        "transaction_id": trade.trade_no,
        "out_refund_no": refund.refund_no,
        "refund_id": refund.refund_id,
        "refund_status": word(refund.stage),
        "user_received_account": "支付用户零钱",
        "amount": amount(trade, amount_told),
    });
    let ended_at = refund.ended_at.filter(|_| refund.stage == RefundStage::Succeeded);
    if let (Some(ended_at), Some(members)) = (ended_at, content.as_object_mut()) {
        members.insert("success_time".to_owned(), Value::from(ended_at.china_rfc3339()));
    }
    content
}

fn amount(trade: &Trade, refund: Money) -> Value {
    let total = trade.terms.amount.minor();
    json!({
        "total": total,
        "refund": refund.minor(),
        "payer_total": total,
        "payer_refund": refund.minor(),
        "settlement_refund": refund.minor(),
        "settlement_total": total,
        "discount_refund": 0,
        "currency": "CNY",
    })
}

/// The gateway's word for a state.
pub(super) const fn word(stage: RefundStage) -> &'static str {
    match stage {
        RefundStage::Processing => "PROCESSING",
        RefundStage::Succeeded => "SUCCESS",
        RefundStage::Closed => "CLOSED",
        RefundStage::Abnormal => "ABNORMAL",
    }
}
