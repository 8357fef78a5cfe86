//! Checkout: the order's page, the way to the gateway, the way back, and the gateway's notify.

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use payments::alipay::{CallbackUrl, PagePay, RawNotify, ack_response};
use payments::{Ack, Nonce, Order, OutTradeNo, Stamp, TradeState, UnixMillis};

use super::chrome::{Chrome, page as render};
use super::courses::{CourseView, find};
use super::input;
use super::problem::{PageResult, Problem};
use super::visitor::Visitor;
use crate::app::{App, Shared};
use crate::clock;
use crate::http::NOTIFY_PATH;
use crate::purchase;
use crate::school::checkout::Checkout;

/// An order as pages and the API show it.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct OrderView {
    pub(crate) out_trade_no: String,
    pub(crate) course: String,
    /// Yuan, two places.
    pub(crate) amount: String,
    pub(crate) state: &'static str,
    /// Milliseconds since the epoch.
    pub(crate) expires_at: i64,
    pub(crate) payable: bool,
    pub(crate) enrolled: bool,
    #[serde(skip)]
    pub(crate) words: &'static str,
    #[serde(skip)]
    pub(crate) tone: &'static str,
}

/// The visitor's own order; somebody else's is not found.
pub(crate) async fn own(
    app: &App,
    visitor: &Visitor,
    number: &str,
) -> Result<(Checkout, OrderView), Problem> {
    let checkout = app.school.checkout(number).await?.filter(|found| found.account_id == visitor.account.id);
    let checkout = checkout.ok_or_else(Problem::not_found)?;
    let order = app.orders.find(&OutTradeNo::parse(number)?).await?.ok_or_else(Problem::not_found)?;
    let delivery = delivery(app, &checkout).await?;
    let view = view(&checkout, &order.order, order.state, delivery);
    Ok((checkout, view))
}

/// What a paid order has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Enrolled,
    RefundDue,
    NotYet,
}

async fn delivery(app: &App, checkout: &Checkout) -> Result<Delivery, Problem> {
    if app.school.is_enrolled_by(&checkout.out_trade_no).await? {
        return Ok(Delivery::Enrolled);
    }
    let owed = app.school.is_refund_due(&checkout.out_trade_no).await?;
    Ok(if owed { Delivery::RefundDue } else { Delivery::NotYet })
}

fn view(checkout: &Checkout, order: &Order, state: TradeState, delivery: Delivery) -> OrderView {
    let (name, words, tone) = match (state, delivery) {
        (TradeState::Created, _) => ("created", "Waiting for your payment.", "wait"),
        (TradeState::Pending, _) => ("pending", "Waiting for the gateway's word.", "wait"),
        (TradeState::Paid | TradeState::PaidLate, Delivery::Enrolled) => {
            ("paid", "Paid. You are enrolled.", "good")
        }
        (TradeState::Paid | TradeState::PaidLate, Delivery::RefundDue) => {
            ("refund_due", "Paid, but the seat was gone. The school owes you this sum and knows it.", "bad")
        }
        (TradeState::Paid | TradeState::PaidLate, Delivery::NotYet) => {
            ("settling", "Paid. Your seat is being entered.", "wait")
        }
        (TradeState::Closed, _) => ("closed", "Closed without payment.", ""),
        (TradeState::Refunded, _) => ("refunded", "Paid back.", ""),
        _ => ("other", "Not known yet. The school is asking the gateway.", "wait"),
    };
    OrderView {
        out_trade_no: checkout.out_trade_no.clone(),
        course: checkout.course_slug.clone(),
        amount: order.amount.yuan_text(),
        state: name,
        expires_at: checkout.expires_at,
        payable: matches!(state, TradeState::Created | TradeState::Pending),
        enrolled: delivery == Delivery::Enrolled,
        words,
        tone,
    }
}

#[derive(Template)]
#[template(path = "checkout.html")]
struct CheckoutPage {
    chrome: Chrome,
    course: CourseView,
    order: OrderView,
}

/// `GET /checkout/{no}`
pub(crate) async fn page(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> PageResult {
    let (checkout, order) = own(&app, &visitor, &number).await?;
    let course = CourseView::of(find(&app, &checkout.course_slug).await?, order.enrolled)?;
    render(&CheckoutPage { chrome: visitor.chrome(&app, "courses")?, course, order })
}

/// `POST /checkout/{no}/pay`: signs the page-pay request and sends the browser to the gateway.
pub(crate) async fn pay(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> PageResult {
    let (checkout, order) = own(&app, &visitor, &number).await?;
    if !order.payable {
        return Ok(Redirect::to(&format!("/checkout/{number}")).into_response());
    }
    let number = OutTradeNo::parse(&checkout.out_trade_no).map_err(Problem::from)?;
    let stored = app.orders.find(&number).await.map_err(Problem::from)?.ok_or_else(Problem::not_found)?;
    let now = UnixMillis::from_millis(clock::now_millis());
    let stamp = Stamp { now, nonce: Nonce::from_bytes(random()?) };
    let back = format!("{}/checkout/{}/return", app.public_url, checkout.out_trade_no);
    let told = format!("{}{NOTIFY_PATH}", app.notify_base);
    let call = PagePay::new(stored.order, url(&told)?, url(&back)?).expiring_at(expiry(&checkout));
    let redirect = call.redirect(&app.merchant, stamp).map_err(Problem::from)?;
    app.orders.mark_pending(&number, now).await.map_err(Problem::from)?;
    Ok(Redirect::to(&redirect.url()).into_response())
}

fn url(text: &str) -> Result<CallbackUrl, Problem> {
    Ok(CallbackUrl::parse(text)?)
}

/// The gateway takes no money after the seat goes back.
fn expiry(checkout: &Checkout) -> UnixMillis {
    UnixMillis::from_millis(u64::try_from(checkout.expires_at).unwrap_or(0))
}

fn random() -> Result<[u8; 16], Problem> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|cause| Problem::broken("random source", true, &cause))?;
    Ok(bytes)
}

/// `POST /checkout/{no}/cancel`: gives the seat back.
pub(crate) async fn cancel(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> PageResult {
    let (checkout, _) = own(&app, &visitor, &number).await?;
    purchase::release(&app, &checkout).await?;
    Ok(Redirect::to(&format!("/checkout/{number}")).into_response())
}

/// `GET /checkout/{no}/return`: the gateway sent the browser back. Only a notify can pay an order, so this shows
/// the order as it is; the page turns over when the notify comes.
pub(crate) async fn came_back(Path(number): Path<String>) -> PageResult {
    let number = OutTradeNo::parse(&number).map_err(Problem::from)?;
    Ok(Redirect::to(&format!("/checkout/{}", number.as_str())).into_response())
}

/// `POST /api/v1/notify/alipay`: verified, checked against the order, settled once, then acknowledged.
pub(crate) async fn notify(State(app): State<Shared>, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(cause) => return input::problem(cause.status(), cause.body_text()).into_response(),
    };
    match settle(&app, &body).await {
        Ok(ack) => ack_response(ack).map(Body::from),
        Err(problem) => problem.into_response(),
    }
}

async fn settle(app: &App, body: &[u8]) -> Result<Ack, Problem> {
    let refused = |words: String| {
        tracing::warn!(words = words.escape_debug().to_string(), "notify refused");
        Problem::bad_request("notify_refused", words)
    };
    let raw = RawNotify::parse(body).map_err(|cause| refused(cause.to_string()))?;
    let verified = raw.verify(&app.merchant).map_err(|cause| refused(cause.to_string()))?;
    let number = OutTradeNo::parse(verified.out_trade_no()).map_err(|cause| refused(cause.to_string()))?;
    let order =
        app.orders.find(&number).await?.ok_or_else(|| refused("this order is not ours".to_owned()))?;
    let expected = app.merchant.expected(&order.order);
    let checked = verified.check(&expected).map_err(|mismatch| refused(mismatch.to_string()))?;
    let (settled, ack) = purchase::settle(app, &checked).await?;
    tracing::info!(?settled, ?ack, "notify answered");
    Ok(ack)
}
