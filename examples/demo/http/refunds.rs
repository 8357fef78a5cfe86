//! Giving money back: in full or in part, under a number that the form brings, so that a double click is one refund.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use payments::desk::RefundAnswer;
use payments::store::RefundStart;
use payments::{Channel, Money, OutTradeNo, Refund, RefundNo, StoredOrder, Subject, TradeNo};
use rbac::Permission;
use serde::{Deserialize, Serialize};

use super::input::Form;
use super::orders::{self, Message};
use super::problem::{PageResult, Problem};
use super::visitor::Visitor;
use crate::app::{App, Shared};
use crate::perm;
use crate::till::rounds;

/// What giving money back needs.
pub(crate) const REFUND: Permission = perm::PAYMENT_REFUND;

/// Which money, how much of it, and why.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RefundInput {
    channel: String,
    trade_no: String,
    /// Yuan, up to two places.
    amount: String,
    reason: String,
}

/// The same from the page, confirmed.
#[derive(Debug, Deserialize)]
pub(crate) struct RefundForm {
    refund_no: String,
    channel: String,
    trade_no: String,
    amount: String,
    reason: String,
    #[serde(default)]
    confirm: String,
}

/// Which payment bought nothing.
#[derive(Debug, Deserialize)]
pub(crate) struct GiveBackForm {
    channel: String,
    trade_no: String,
}

/// What a refund came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Given {
    /// Where it stands: `told`, `refused`, `unknown`.
    pub(crate) answer: &'static str,
    pub(crate) words: String,
}

/// Gives money back, if the visitor may.
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
    tracing::info!(
        actor = visitor.account.id,
        order = refund.out_trade_no.as_str(),
        refund = refund.refund_no.as_str(),
        yuan = refund.amount.yuan_text(),
        "refund asked for"
    );
    let answer = app.till.desk.refund(&refund).await;
    app.till.wake();
    given(answer.map_err(Problem::gateway)?)
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
        return Err(Problem::conflict("refused", "this order was not paid by that trade"));
    }
    Ok((order, (channel, trade_no)))
}

fn given(answer: RefundAnswer) -> Result<Given, Problem> {
    let given = |answer, words: String| Ok(Given { answer, words });
    let refused = |words: String| Err(Problem::conflict("refused", words));
    match answer {
        RefundAnswer::Told(receipt) => {
            let (words, _) = rounds::told(&receipt);
            given("told", format!("The gateway says: {words}"))
        }
        RefundAnswer::Refused { code, message } => given(
            "refused",
            format!("the gateway refuses: {code} {message}; the refund stays recorded, ask again later"),
        ),
        RefundAnswer::NotFound => given(
            "refused",
            "the gateway knows neither this refund nor its payment; ask the gateway's people".to_owned(),
        ),
        RefundAnswer::Unknown(unknown) => given(
            "unknown",
            format!("the gateway did not answer ({}); it is asked again until it does", unknown.cause()),
        ),
        RefundAnswer::NotStarted(start) => not_started(&start),
        RefundAnswer::UnknownTrade => refused("this order was not paid by that trade".to_owned()),
        other => given("unknown", format!("{other:?}")),
    }
}

fn not_started(start: &RefundStart) -> Result<Given, Problem> {
    let refused = |words: String| Err(Problem::conflict("refused", words));
    match start {
        // The second of two clicks.
        RefundStart::Started | RefundStart::Same(_) => Ok(Given {
            answer: "told",
            words: "this refund was asked for before; nothing was done twice".into(),
        }),
        RefundStart::Exceeds { left: Some(left) } => {
            refused(format!("that is more than is left: ¥{} can still go back", left.yuan_text()))
        }
        RefundStart::Exceeds { left: None } => refused("all of this payment went back already".to_owned()),
        RefundStart::Conflict { .. } => {
            refused("another refund has this number; load the page again".to_owned())
        }
        other => refused(format!("the refund could not begin: {other:?}")),
    }
}

/// `POST /admin/orders/{no}/refunds`
pub(crate) async fn refund(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
    Form(form): Form<RefundForm>,
) -> PageResult {
    visitor.must(REFUND)?;
    if form.confirm != "yes" {
        let words = "tick the box to confirm; money that went back does not come again".to_owned();
        return told(&app, &visitor, &number, Err(Problem::conflict("refused", words))).await;
    }
    let RefundForm { refund_no, channel, trade_no, amount, reason, .. } = form;
    let input = RefundInput { channel, trade_no, amount, reason };
    let given = give(&app, &visitor, &number, &refund_no, &input).await;
    told(&app, &visitor, &number, given).await
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
    told(&app, &visitor, &number, given(answer)).await
}

/// `POST /admin/orders/{no}/give-back`: gives a payment back that bought nothing. Twice is once.
pub(crate) async fn give_back(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
    Form(form): Form<GiveBackForm>,
) -> PageResult {
    visitor.must(REFUND)?;
    let (order, (channel, trade_no)) = paid_by(&app, &number, &form.channel, &form.trade_no).await?;
    let due = app.school.refunds_due_of(&number).await.map_err(Problem::from)?;
    if !due.iter().any(|trade| *trade == trade_no.as_str()) {
        let words = "this payment bought what it was for: refund it with a reason".to_owned();
        return told(&app, &visitor, &number, Err(Problem::conflict("refused", words))).await;
    }
    tracing::info!(actor = visitor.account.id, order = number, trade = trade_no.as_str(), "given back");
    let answer = app.till.desk.give_back(&order.order.out_trade_no, channel, &trade_no).await;
    app.till.wake();
    told(&app, &visitor, &number, given(answer.map_err(Problem::gateway)?)).await
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
