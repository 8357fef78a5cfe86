//! Giving money back: in full or in part, under a number that the form brings, so that a double click is one refund.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use payments::desk::RefundAnswer;
use payments::store::RefundStart;
use payments::{Channel, Money, OutTradeNo, Refund, RefundNo, StoredOrder, Subject, TradeNo};
use rbac::Permission;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::office::desk::Desk;
use super::office::fields::Fields;
use super::office::look::Look;
use super::office::text::with;
use super::orders::{self, Message};
use super::problem::{PageResult, Problem};
use super::proof;
use super::visitor::Visitor;
use super::words::{Told, said};
use crate::app::{App, Shared};
use crate::perm;
use crate::till::rounds;

/// What giving money back needs.
pub(crate) const REFUND: Permission = perm::PAYMENT_REFUND;

/// Said of a payment of another order.
const UNKNOWN_TRADE: &str = "this order was not paid by that trade";

/// Which money, how much of it, and why.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RefundInput {
    channel: String,
    trade_no: String,
    /// Yuan, up to two places.
    amount: String,
    reason: String,
}

/// What a refund came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Given {
    /// Where it stands: `told`, `refused`, `unknown`.
    pub(crate) answer: &'static str,
    /// In the language of whoever asked.
    pub(crate) words: String,
}

/// Gives money back, if the visitor may and has proved lately who they are.
pub(crate) async fn give(
    app: &App,
    visitor: &Visitor,
    number: &str,
    refund_no: &str,
    input: &RefundInput,
) -> Result<Given, Problem> {
    visitor.must(REFUND)?;
    let (order, trade) = paid_by(app, number, &input.channel, &input.trade_no).await?;
    let amount = Money::parse_yuan(input.amount.trim())?;
    let (refund_no, number) = (RefundNo::parse(refund_no)?, order.order.out_trade_no);
    let refund = Refund::new(refund_no, number, trade, order.order.amount, amount)
        .because(Subject::parse(input.reason.trim())?);
    proof::must_be_fresh(visitor)?;
    tracing::info!(
        actor = visitor.account.id,
        order = refund.out_trade_no.as_str(),
        refund = refund.refund_no.as_str(),
        yuan = refund.amount.yuan_text(),
        "refund asked for"
    );
    let answer = app.till.desk.refund(&refund).await;
    app.till.wake();
    given(answer.map_err(Problem::gateway)?, visitor.look)
}

/// The order, and the payment of it that is meant.
async fn paid_by(
    app: &App,
    number: &str,
    channel: &str,
    trade_no: &str,
) -> Result<(StoredOrder, (Channel, TradeNo)), Problem> {
    let order = app.orders.find(&OutTradeNo::parse(number)?).await?.ok_or_else(Problem::not_found)?;
    let (channel, trade_no) = (Channel::parse(channel)?, TradeNo::parse(trade_no)?);
    let known =
        order.payments.iter().any(|payment| payment.channel == channel && payment.trade_no == trade_no);
    if !known {
        return Err(Problem::conflict("refused", UNKNOWN_TRADE));
    }
    Ok((order, (channel, trade_no)))
}

fn given(answer: RefundAnswer, look: Look) -> Result<Given, Problem> {
    let (w, lang) = (look.text().till, look.lang);
    let given = |answer, words: String| Ok(Given { answer, words });
    let refused = |words: &str| Err(Problem::conflict("refused", words));
    match answer {
        RefundAnswer::Told(receipt) => {
            let (words, _) = rounds::told(&receipt);
            given("told", with(w.gateway_says, words.in_lang(lang)))
        }
        RefundAnswer::Refused { code, message } => {
            given("refused", with(w.gateway_refuses, format!("{code} {message}")))
        }
        RefundAnswer::NotFound => given("refused", w.gateway_knows_not.to_owned()),
        RefundAnswer::Unknown(unknown) => given("unknown", with(w.gateway_silent, unknown.cause())),
        RefundAnswer::NotStarted(start) => not_started(&start, look),
        RefundAnswer::UnknownTrade => refused(said(UNKNOWN_TRADE, "此订单不是用该交易支付的").in_lang(lang)),
        other => given("unknown", format!("{other:?}")),
    }
}

fn not_started(start: &RefundStart, look: Look) -> Result<Given, Problem> {
    let lang = look.lang;
    let refused = |words: Told| Err(Problem::conflict("refused", words.in_lang(lang)));
    match start {
        // The second of two clicks.
        RefundStart::Started | RefundStart::Same(_) => {
            Ok(Given { answer: "told", words: look.text().till.refund_twice.to_owned() })
        }
        RefundStart::Exceeds { left: Some(left) } => {
            let left = left.yuan_text();
            refused(Told::new(
                format!("that is more than is left: ¥{left} can still go back"),
                format!("超出可退余额：还可退 ¥{left}"),
            ))
        }
        RefundStart::Exceeds { left: None } => {
            refused(Told::new("all of this payment went back already", "此笔付款已全部退回"))
        }
        RefundStart::Conflict { .. } => refused(Told::new(
            "another refund has this number; load the page again",
            "退款单号已被占用，请刷新页面",
        )),
        other => refused(Told::new(
            format!("the refund could not begin: {other:?}"),
            format!("退款未能开始：{other:?}"),
        )),
    }
}

/// `POST /admin/orders/{no}/refunds`
pub(crate) async fn refund(
    desk: Desk,
    client: Client,
    Path(number): Path<String>,
    body: Bytes,
) -> PageResult {
    desk.must(REFUND)?;
    proof::with(desk, client, Fields::parse(&body), |desk, fields| by_form(desk, number, fields)).await
}

async fn by_form(desk: Desk, number: String, fields: Fields) -> PageResult {
    let (app, visitor) = (&desk.app, &desk.visitor);
    if fields.one("confirm") != "yes" {
        let words = visitor.look.text().till.tick_to_confirm;
        return told(app, visitor, &number, Err(Problem::conflict("refused", words))).await;
    }
    let field = |name| fields.one(name).to_owned();
    let input = RefundInput {
        channel: field("channel"),
        trade_no: field("trade_no"),
        amount: field("amount"),
        reason: field("reason"),
    };
    let given = give(app, visitor, &number, fields.one("refund_no"), &input).await;
    told(app, visitor, &number, given).await
}

/// `POST /admin/orders/{no}/refunds/{refund}/ask`: asks for an open refund again, under its number.
pub(crate) async fn ask(
    State(app): State<Shared>,
    visitor: Visitor,
    Path((number, refund_no)): Path<(String, String)>,
) -> PageResult {
    visitor.must(REFUND)?;
    let refund_no = RefundNo::parse(&refund_no).map_err(Problem::from)?;
    let stored = app.orders.find_refund(&refund_no).await.map_err(Problem::from)?;
    let stored = stored.filter(|stored| stored.refund.out_trade_no.as_str() == number);
    let refund = stored.ok_or_else(Problem::not_found)?.refund;
    let answer = app.till.desk.refund(&refund).await.map_err(Problem::gateway)?;
    app.till.wake();
    told(&app, &visitor, &number, given(answer, visitor.look)).await
}

/// `POST /admin/orders/{no}/give-back`: gives a payment back that bought nothing. Twice is once.
pub(crate) async fn give_back(
    desk: Desk,
    client: Client,
    Path(number): Path<String>,
    body: Bytes,
) -> PageResult {
    desk.must(REFUND)?;
    proof::with(desk, client, Fields::parse(&body), |desk, fields| back_by_form(desk, number, fields)).await
}

async fn back_by_form(desk: Desk, number: String, fields: Fields) -> PageResult {
    let (app, visitor) = (&desk.app, &desk.visitor);
    let trade = (fields.one("channel"), fields.one("trade_no"));
    let (order, (channel, trade_no)) = paid_by(app, &number, trade.0, trade.1).await?;
    let due = app.school.refunds_due_of(&number).await.map_err(Problem::from)?;
    if !due.iter().any(|trade| *trade == trade_no.as_str()) {
        let words = "this payment bought what it was for: refund it with a reason".to_owned();
        return told(app, visitor, &number, Err(Problem::conflict("refused", words))).await;
    }
    proof::must_be_fresh(visitor)?;
    tracing::info!(actor = visitor.account.id, order = number, trade = trade_no.as_str(), "given back");
    let answer = app.till.desk.give_back(&order.order.out_trade_no, channel, &trade_no).await;
    app.till.wake();
    told(app, visitor, &number, given(answer.map_err(Problem::gateway)?, visitor.look)).await
}

/// The order's page again: after a success by a redirect, so that reloading it does nothing; a refusal above it.
async fn told(app: &App, visitor: &Visitor, number: &str, given: Result<Given, Problem>) -> PageResult {
    let (status, message) = match given {
        Ok(given) if given.answer == "told" => {
            // The number is plain letters by now: the store has found it.
            return Ok(Redirect::to(&format!("/admin/orders/{number}")).into_response());
        }
        Ok(given) => (None, Message { words: given.words, tone: "wait" }),
        Err(problem) if matches!(problem.code, "refused" | "gateway_refused" | "invalid") => {
            (Some(problem.status), Message { words: problem.detail, tone: "bad" })
        }
        Err(problem) => return Err(problem.into()),
    };
    let mut reply = orders::show(app, visitor, number, message).await?;
    if let Some(status) = status {
        *reply.status_mut() = status;
    }
    Ok(reply)
}
