//! Buying a seat: reservation and order here, what follows from a payment in `settle`; every repeat is safe.

mod settle;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use payments::store::Creation;
use payments::{
    CloseOutcome, Order, OutTradeNo, Outcome as Answer, StoredOrder, Subject, TradeRef, UnixMillis,
};
use seckill::{
    BuyerId, ErrorKind, Outcome, Quantity, Refusal, Release, RequestId, Reservation, ReservationId,
    ReservationState, Reserve, SaleId,
};
use sha2::{Digest, Sha256};

pub(crate) use self::settle::{follow, tidy};
use crate::app::{App, Shared};
use crate::clock;
use crate::http::problem::Problem;
use crate::school::account::Account;
use crate::school::checkout::Checkout;
use crate::school::course::Course;

/// One wish for a seat, as a browser or a program sends it.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Wish {
    /// Chosen by the client, the same for every retry of one wish.
    pub(crate) request_id: String,
    /// Whether the answer to an earlier try may have been lost. Such a wish is never refused unasked.
    #[serde(default)]
    pub(crate) again: bool,
}

/// Reserves a seat and makes the order that pays for it. The same request id again gives the same checkout.
///
/// It runs to its end even if the browser leaves: a seat is never held without a checkout to pay or cancel it by.
pub(crate) async fn reserve(
    app: &Shared,
    account: &Account,
    course: &Course,
    wish: &Wish,
) -> Result<Checkout, Problem> {
    let request = Reserve::new(BuyerId::new(&account.id)?, Quantity::ONE, RequestId::new(&wish.request_id)?);
    let request = if wish.again { request.again() } else { request };
    let (app, account, course) = (Arc::clone(app), account.clone(), course.clone());
    let buying = tokio::spawn(async move { reserve_now(&app, &account, &course, &request).await });
    buying.await.map_err(|cause| Problem::broken("purchase", false, &cause))?
}

async fn reserve_now(
    app: &App,
    account: &Account,
    course: &Course,
    request: &Reserve,
) -> Result<Checkout, Problem> {
    if app.school.is_enrolled(&account.id, &course.slug).await? {
        return Err(Problem::conflict("already_enrolled", "you are enrolled in this course already"));
    }
    match app.sale(&course.slug)?.reserve(request).await? {
        Outcome::Reserved(reservation) => open_checkout(app, account, course, &reservation).await,
        Outcome::Refused(refusal) => Err(refused(&refusal)),
        _ => Err(Problem::conflict("refused", "the sale refused this request")),
    }
}

async fn open_checkout(
    app: &App,
    account: &Account,
    course: &Course,
    reservation: &Reservation,
) -> Result<Checkout, Problem> {
    if !matches!(reservation.state, ReservationState::Held | ReservationState::Paid) {
        return Err(Problem::conflict(
            "reservation_over",
            "this reservation is over; load the page and try again",
        ));
    }
    let checkout = Checkout {
        out_trade_no: out_trade_no(&reservation.id),
        account_id: account.id.clone(),
        course_slug: course.slug.clone(),
        reservation_id: reservation.id.to_string(),
        expires_at: clock::to_column(reservation.pay_until.millis()),
        created_at: clock::to_column(clock::now_millis()),
    };
    open_order(app, course, &checkout).await?;
    app.school.add_checkout(&checkout).await?;
    Ok(checkout)
}

async fn open_order(app: &App, course: &Course, checkout: &Checkout) -> Result<(), Problem> {
    let number = OutTradeNo::parse(&checkout.out_trade_no)?;
    let subject = Subject::parse(&format!("{} {}", course.title_en, course.title_zh))?;
    let order = Order::new(number, subject, course.price()?);
    match app.orders.create(&order, UnixMillis::from_millis(clock::now_millis())).await? {
        Creation::Created | Creation::Same => Ok(()),
        Creation::Conflict { .. } => {
            Err(Problem::conflict("price_changed", "the price changed meanwhile; start again"))
        }
    }
}

fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::NotOpen { opens_at } => Problem::conflict(
            "not_open",
            format!("the sale opens at {} (milliseconds since the epoch)", opens_at.millis()),
        ),
        Refusal::Closed => Problem::conflict("closed", "the sale is over"),
        Refusal::Paused => {
            Problem::conflict("paused", "the sale is paused; try again in a moment").after(PAUSED_RETRY)
        }
        Refusal::SoldOut => Problem::conflict(
            "sold_out",
            "every seat is sold or held; one comes back when a buyer does not pay in time",
        ),
        Refusal::LimitReached { limit, .. } => Problem::conflict(
            "limit_reached",
            format!("a buyer may hold {limit} of this course; pay or give back the one you hold"),
        ),
        Refusal::TooMany { max } => Problem::conflict(
            "too_many",
            format!("you have reserved {max} times in this sale, and no buyer may more often"),
        ),
        Refusal::NotEligible => Problem::new(
            StatusCode::FORBIDDEN,
            "not_eligible",
            "this sale is not for everybody; ask the school to let you in",
        ),
        Refusal::Busy { retry_after } => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "too many people ask at this moment, so nothing was decided; try again",
        )
        .after(*retry_after),
        _ => Problem::conflict("refused", "the sale refused this request"),
    }
}

/// When a buyer should look at a paused sale again.
const PAUSED_RETRY: Duration = Duration::from_secs(5);

/// Gives a held seat back. Answers false when it is paid for.
async fn release(app: &App, checkout: &Checkout) -> Result<bool, Problem> {
    let sale = app.sale(&checkout.course_slug)?;
    match sale.release(&ReservationId::parse(&checkout.reservation_id)?).await {
        Ok(Release::AlreadyPaid) => Ok(false),
        Ok(_) => Ok(true),
        // The sale has lost it; then there is nothing to give back.
        Err(cause) if cause.kind() == ErrorKind::InvalidInput => Ok(true),
        Err(cause) => Err(cause.into()),
    }
}

/// The buyer lets the seat go: it goes back, and the order is closed, at the gateways first. Where a gateway does not
/// answer, the order stays open and the reconciler closes it.
pub(crate) async fn give_up(app: &App, checkout: &Checkout) -> Result<(), Problem> {
    if !release(app, checkout).await? {
        return Ok(());
    }
    let number = OutTradeNo::parse(&checkout.out_trade_no)?;
    let Some(order) = app.orders.find(&number).await? else { return Ok(()) };
    if close_at_gateways(app, &order).await? {
        let step = app.orders.close(&number, UnixMillis::from_millis(clock::now_millis())).await?;
        tracing::debug!(order = checkout.out_trade_no, ?step, "order closed");
    }
    Ok(())
}

/// Answers whether no gateway takes a payment any more, or none but one that ends trades by their time alone.
async fn close_at_gateways(app: &App, order: &StoredOrder) -> Result<bool, Problem> {
    let number = &order.order.out_trade_no;
    for (channel, submitted_at) in &order.submissions {
        let trade = TradeRef { out_trade_no: number.clone(), submitted_at: *submitted_at };
        let closed = app.till.desk.gateway(*channel)?.close(&trade).await;
        match closed {
            Ok(Answer::Known(CloseOutcome::AlreadyPaid)) => {
                let asked = app.till.desk.ask(number, *channel).await;
                tracing::info!(order = number.as_str(), ?asked, "paid before it was given up");
                app.till.wake();
                return Ok(false);
            }
            Ok(Answer::Known(_)) => {}
            unanswered => {
                tracing::warn!(order = number.as_str(), ?unanswered, "not closed at its gateway yet");
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Closes an order that no gateway has heard of.
async fn close_unsent(app: &App, order: &StoredOrder) -> Result<(), Problem> {
    if order.submissions.is_empty() {
        let now = UnixMillis::from_millis(clock::now_millis());
        let step = app.orders.close(&order.order.out_trade_no, now).await?;
        tracing::debug!(order = order.order.out_trade_no.as_str(), ?step, "order closed");
    }
    Ok(())
}

/// Returns the seats of a course that were not paid in time.
pub(crate) async fn sweep(app: &App, course: &Course) -> Result<(), Problem> {
    let sale = app.sale(&course.slug)?;
    while sale.sweep().await?.more {}
    Ok(())
}

/// The sale of a course.
pub(crate) fn sale_id(slug: &str) -> Result<SaleId, Problem> {
    Ok(SaleId::new(slug)?)
}

/// The order number of a reservation: always the same, and in the letters and digits that gateways take.
fn out_trade_no(reservation: &ReservationId) -> String {
    let digest = Sha256::digest(reservation.to_string().as_bytes());
    let hex: String = digest.iter().take(14).map(|byte| format!("{byte:02x}")).collect();
    format!("PW{hex}")
}
