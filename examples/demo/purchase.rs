//! Buying a seat: reservation, order, settlement, enrolment, in an order that every crash and repeat survives.

use payments::store::Creation;
use payments::{Ack, Checked, Notify, Order, OutTradeNo, Settlement, Subject, TradeState, UnixMillis};
use seckill::{
    BuyerId, Confirm, ErrorKind, Outcome, Quantity, Refusal, Release, RequestId, ReservationId, SaleId,
};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::clock;
use crate::http::problem::Problem;
use crate::school::account::Account;
use crate::school::checkout::Checkout;
use crate::school::course::Course;

/// Reserves a seat and makes the order that pays for it. The same request id again gives the same checkout.
pub(crate) async fn reserve(
    app: &App,
    account: &Account,
    course: &Course,
    request_id: &str,
) -> Result<Checkout, Problem> {
    if app.school.is_enrolled(&account.id, &course.slug).await? {
        return Err(Problem::conflict("already_enrolled", "you are enrolled in this course already"));
    }
    let request = RequestId::new(request_id)?;
    let sale = app.sale(&course.slug)?;
    match sale.reserve(BuyerId::new(&account.id)?, Quantity::ONE, request).await? {
        Outcome::Reserved(reservation) => {
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
        Outcome::Refused(refusal) => Err(refused(&refusal)),
        _ => Err(Problem::conflict("refused", "the sale refused this request")),
    }
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
        Refusal::SoldOut => Problem::conflict(
            "sold_out",
            "every seat is sold or held; one comes back when a buyer does not pay in time",
        ),
        Refusal::LimitReached { limit, .. } => Problem::conflict(
            "limit_reached",
            format!("a buyer may hold {limit} of this course; pay or give back the one you hold"),
        ),
        _ => Problem::conflict("refused", "the sale refused this request"),
    }
}

/// Reservations that one sweep returns.
const SWEEP_MAX: u32 = 256;

/// What a settled notify led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The buyer is enrolled, now or since before.
    Enrolled,
    /// The money bought nothing: the seat is gone, or was paid for before.
    RefundDue,
    /// The notify changed nothing that the school acts on.
    Noted,
}

/// Settles a checked notify: order, then seat, then enrolment. Every step is idempotent and the caller acknowledges
/// last, so the gateway's next notify repairs whatever a crash cut off.
pub(crate) async fn settle(app: &App, notify: &Notify<Checked>) -> Result<(Settled, Ack), Problem> {
    let settlement = app.orders.settle(notify, UnixMillis::from_millis(clock::now_millis())).await?;
    tracing::info!(order = notify.out_trade_no().as_str(), ?settlement, "notify settled");
    let settled = match settlement {
        Settlement::Paid | Settlement::PaidAfterClose | Settlement::Duplicate => deliver(app, notify).await?,
        Settlement::PaidTwice { .. } => owe(app, notify).await?,
        _ => Settled::Noted,
    };
    Ok((settled, settlement.ack()))
}

/// Makes the seat the buyer's, if the order is paid and the seat is still to be had.
async fn deliver(app: &App, notify: &Notify<Checked>) -> Result<Settled, Problem> {
    let number = notify.out_trade_no();
    let order = app.orders.find(number).await?;
    let paid = order.is_some_and(|order| matches!(order.state, TradeState::Paid | TradeState::PaidLate));
    let checkout = app.school.checkout(number.as_str()).await?.filter(|_| paid);
    let Some(checkout) = checkout else {
        return Ok(Settled::Noted);
    };
    let sale = app.sale(&checkout.course_slug)?;
    match sale.confirm(&ReservationId::parse(&checkout.reservation_id)?).await {
        Ok(Confirm::Confirmed | Confirm::AlreadyPaid | Confirm::Retaken) => {
            let at = clock::to_column(clock::now_millis());
            app.school.enrol(&checkout.account_id, &checkout.course_slug, &checkout.out_trade_no, at).await?;
            Ok(Settled::Enrolled)
        }
        // `InvalidInput`: the sale has no such reservation any more.
        Ok(_) => owe(app, notify).await,
        Err(cause) if cause.kind() == ErrorKind::InvalidInput => owe(app, notify).await,
        Err(cause) => Err(cause.into()),
    }
}

/// Records money that bought nothing.
async fn owe(app: &App, notify: &Notify<Checked>) -> Result<Settled, Problem> {
    let (trade, order) = (notify.trade_no().as_str(), notify.out_trade_no().as_str());
    tracing::error!(trade, order, "a payment bought nothing: a refund is due");
    app.school.add_refund_due(trade, order, clock::to_column(clock::now_millis())).await?;
    Ok(Settled::RefundDue)
}

/// Gives a held seat back and closes its order. Answers false when the seat is paid for.
pub(crate) async fn cancel(app: &App, checkout: &Checkout) -> Result<bool, Problem> {
    let sale = app.sale(&checkout.course_slug)?;
    let released = sale.release(&ReservationId::parse(&checkout.reservation_id)?).await?;
    if released == Release::AlreadyPaid {
        return Ok(false);
    }
    close_order(app, checkout).await?;
    Ok(true)
}

/// Returns what was not paid in time: seats in the sale, orders in the books.
pub(crate) async fn sweep(app: &App, course: &Course, since: i64) -> Result<(), Problem> {
    let sale = app.sale(&course.slug)?;
    while sale.sweep(SWEEP_MAX).await?.more {}
    let now = clock::to_column(clock::now_millis());
    for checkout in app.school.checkouts_expired(since, now).await? {
        if checkout.course_slug == course.slug {
            close_order(app, &checkout).await?;
        }
    }
    Ok(())
}

async fn close_order(app: &App, checkout: &Checkout) -> Result<(), Problem> {
    let number = OutTradeNo::parse(&checkout.out_trade_no)?;
    let step = app.orders.close(&number, UnixMillis::from_millis(clock::now_millis())).await?;
    tracing::debug!(order = checkout.out_trade_no, ?step, "order closed");
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
