//! Checkout: the order's page, and the way back from a gateway. The ways to pay stand in `pay`.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use payments::store::StoredRefund;
use payments::{OutTradeNo, RefundState, StoredOrder, TradeState};

use super::chrome::{Chrome, page as render};
use super::courses::{CourseView, find};
use super::pay::WayView;
use super::problem::{PageResult, Problem};
use super::visitor::Visitor;
use super::words::refund_words;
use crate::app::{App, Shared};
use crate::purchase;
use crate::school::checkout::Checkout;

/// An order as its buyer's pages and the API show it.
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
    /// Money that goes back, the oldest first.
    pub(crate) refunds: Vec<BuyerRefund>,
    #[serde(skip)]
    pub(crate) words: &'static str,
    #[serde(skip)]
    pub(crate) tone: &'static str,
}

/// A refund as its buyer sees it.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct BuyerRefund {
    /// Yuan, two places.
    amount: String,
    state: &'static str,
    reason: String,
    #[serde(skip)]
    words: String,
    #[serde(skip)]
    tone: &'static str,
}

/// The visitor's own order; somebody else's is not found.
pub(crate) async fn own(
    app: &App,
    visitor: &Visitor,
    number: &str,
) -> Result<(Checkout, OrderView), Problem> {
    let checkout = app.school.checkout(number).await?.filter(|found| found.account_id == visitor.account.id);
    let checkout = checkout.ok_or_else(Problem::not_found)?;
    let number = OutTradeNo::parse(number)?;
    let order = app.orders.find(&number).await?.ok_or_else(Problem::not_found)?;
    let refunds = app.orders.refunds_of(&number).await?;
    let delivery = delivery(app, &checkout, &refunds).await?;
    let view = view((&checkout, checkout.is_over()?), &order, &refunds, delivery);
    Ok((checkout, view))
}

/// What a paid order has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Enrolled,
    RefundDue,
    NotYet,
}

async fn delivery(app: &App, checkout: &Checkout, refunds: &[StoredRefund]) -> Result<Delivery, Problem> {
    if app.school.is_enrolled_by(&checkout.out_trade_no).await? {
        return Ok(Delivery::Enrolled);
    }
    let owed = !owed(app, &checkout.out_trade_no, refunds).await?.is_empty();
    Ok(if owed { Delivery::RefundDue } else { Delivery::NotYet })
}

/// The payments of an order that bought nothing and that nobody has begun to give back, by the gateways' numbers.
pub(crate) async fn owed(app: &App, number: &str, refunds: &[StoredRefund]) -> Result<Vec<String>, Problem> {
    let mut due = app.school.refunds_due_of(number).await?;
    let begun = |trade: &str| {
        refunds.iter().any(|stored| {
            stored.refund.trade_no.as_str() == trade
                && stored.refund.amount == stored.refund.paid
                && stored.state != RefundState::Closed
        })
    };
    due.retain(|trade| !begun(trade));
    Ok(due)
}

/// The checkout comes with whether its time to pay is over.
fn view(
    (checkout, over): (&Checkout, bool),
    order: &StoredOrder,
    refunds: &[StoredRefund],
    delivery: Delivery,
) -> OrderView {
    let (state, words, tone) = match (order.state, delivery) {
        (TradeState::Created, _) if !over => ("created", "Waiting for your payment. 等待付款", "wait"),
        (TradeState::Pending, _) if !over => {
            ("pending", "Waiting for the gateway's word. 等待支付结果", "wait")
        }
        (TradeState::Created | TradeState::Pending, _) => {
            ("pending", "The time to pay is over; the order is being closed. 已超时，正在关闭", "wait")
        }
        (TradeState::Unknown, _) => {
            ("unknown", "Not known yet. The school is asking the gateway. 正在查询支付结果", "wait")
        }
        (state, Delivery::Enrolled) if is_paid(state) => {
            ("paid", "Paid. You are enrolled. 已付款，报名成功", "good")
        }
        (state, Delivery::RefundDue) if is_paid(state) => (
            "refund_due",
            "Paid, but the seat was gone. The school owes you this sum and knows it. 名额已失，学校将退款",
            "bad",
        ),
        (state, Delivery::NotYet) if is_paid(state) && refunds.is_empty() => {
            ("settling", "Paid. Your seat is being entered. 已付款，正在报名", "wait")
        }
        (state, Delivery::NotYet) if is_paid(state) => {
            ("refunding", "Your money is on its way back. 正在退款", "wait")
        }
        (TradeState::Refunded, _) => ("refunded", "Paid back in full. 已全额退款", ""),
        (TradeState::Failed, _) => ("failed", "The payment failed. 付款失败", "bad"),
        _ => ("closed", "Closed without payment. 已关闭，未付款", ""),
    };
    OrderView {
        out_trade_no: checkout.out_trade_no.clone(),
        course: checkout.course_slug.clone(),
        amount: order.order.amount.yuan_text(),
        state,
        expires_at: checkout.expires_at,
        payable: order.state.is_open() && !over,
        enrolled: delivery == Delivery::Enrolled,
        refunds: refunds.iter().map(BuyerRefund::of).collect(),
        words,
        tone,
    }
}

fn is_paid(state: TradeState) -> bool {
    matches!(state, TradeState::Paid | TradeState::PaidLate | TradeState::PartiallyRefunded)
}

impl BuyerRefund {
    fn of(stored: &StoredRefund) -> Self {
        let (words, tone) = refund_words(stored.state);
        Self {
            amount: stored.refund.amount.yuan_text(),
            state: stored.state.code(),
            reason: stored.refund.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
            words: words.both(),
            tone,
        }
    }
}

#[derive(Template)]
#[template(path = "checkout.html")]
struct CheckoutPage {
    chrome: Chrome,
    course: CourseView,
    order: OrderView,
    ways: Vec<WayView>,
}

/// `GET /checkout/{no}`
pub(crate) async fn page(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> PageResult {
    let (checkout, order) = own(&app, &visitor, &number).await?;
    let course = CourseView::of(find(&app, &checkout.course_slug).await?, order.enrolled)?;
    let ways = WayView::all(&app.till.channels());
    render(&CheckoutPage { chrome: visitor.chrome("courses"), course, order, ways })
}

/// `POST /checkout/{no}/cancel`: gives the seat back.
pub(crate) async fn cancel(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> PageResult {
    let (checkout, _) = own(&app, &visitor, &number).await?;
    purchase::give_up(&app, &checkout).await?;
    Ok(Redirect::to(&format!("/checkout/{number}")).into_response())
}

/// `GET` or `POST /checkout/{no}/return`: the gateway sent the browser back; UnionPay does so with a form. What comes
/// with it is believed by nobody, so this shows the order as it is; the page turns over when the notify comes.
pub(crate) async fn came_back(Path(number): Path<String>) -> PageResult {
    let number = OutTradeNo::parse(&number).map_err(Problem::from)?;
    Ok(Redirect::to(&format!("/checkout/{}", number.as_str())).into_response())
}
