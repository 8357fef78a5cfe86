//! After the payment: seat, enrolment, or a debt; after the refund: the enrolment goes. And the rounds that end
//! checkouts which nobody paid.

use payments::store::{Task, Work};
use payments::{OutTradeNo, StoredOrder, TradeNo, TradeState};
use seckill::{Confirm, ErrorKind, ReservationId};

use super::{close_unsent, release};
use crate::app::App;
use crate::clock;
use crate::http::problem::Problem;
use crate::school::checkout::Checkout;

/// Does what follows from a settlement. The store gives each piece at least once and in the order of the order's
/// history, so every step here may be repeated.
pub(crate) async fn follow(app: &App, work: &Work) -> Result<(), Problem> {
    let Some((checkout, order)) = found(app, &work.out_trade_no).await? else {
        tracing::error!(order = work.out_trade_no.as_str(), task = ?work.task, "an order without a checkout");
        return Ok(());
    };
    match &work.task {
        Task::Deliver => match order.payments.first() {
            Some(first) => deliver(app, &checkout, &first.trade_no).await?,
            None => tracing::error!(order = checkout.out_trade_no, "a paid order without a payment"),
        },
        // Paid late: the seat may still be had. Paid twice: the second payment buys nothing.
        Task::GiveBack { trade_no, .. } if late(&order, trade_no) => {
            deliver(app, &checkout, trade_no).await?
        }
        Task::GiveBack { trade_no, .. } => owe(app, &checkout, trade_no).await?,
        Task::Withdraw => withdraw(app, &checkout).await?,
        task => {
            let words = format!("this version does not know the task {task:?}");
            return Err(Problem::conflict("unknown_task", words));
        }
    }
    app.school.finish_checkout(&checkout.out_trade_no).await?;
    Ok(())
}

async fn found(app: &App, number: &OutTradeNo) -> Result<Option<(Checkout, StoredOrder)>, Problem> {
    let checkout = app.school.checkout(number.as_str()).await?;
    let order = app.orders.find(number).await?;
    Ok(checkout.zip(order))
}

/// Whether this payment is the only one of an order that was closed before.
fn late(order: &StoredOrder, trade_no: &TradeNo) -> bool {
    let first = order.payments.first().is_some_and(|first| first.trade_no == *trade_no);
    first && order.state == TradeState::PaidLate
}

/// Makes the seat the buyer's, if it is still to be had.
async fn deliver(app: &App, checkout: &Checkout, paid_by: &TradeNo) -> Result<(), Problem> {
    let sale = app.sale(&checkout.course_slug)?;
    match sale.confirm(&ReservationId::parse(&checkout.reservation_id)?).await {
        Ok(Confirm::Confirmed | Confirm::AlreadyPaid | Confirm::Retaken) => {
            let at = clock::to_column(clock::now_millis());
            if app.school.enrol(checkout, at).await? {
                tracing::info!(order = checkout.out_trade_no, "enrolled");
                return Ok(());
            }
            owe(app, checkout, paid_by).await
        }
        // `InvalidInput`: the sale has no such reservation any more.
        Ok(_) => owe(app, checkout, paid_by).await,
        Err(cause) if cause.kind() == ErrorKind::InvalidInput => owe(app, checkout, paid_by).await,
        Err(cause) => Err(cause.into()),
    }
}

/// Records money that bought nothing; the back office gives it back.
async fn owe(app: &App, checkout: &Checkout, trade: &TradeNo) -> Result<(), Problem> {
    let order = checkout.out_trade_no.as_str();
    tracing::error!(trade = trade.as_str(), order, "a payment bought nothing: a refund is due");
    app.school.add_refund_due(trade.as_str(), order, clock::to_column(clock::now_millis())).await?;
    Ok(())
}

/// The money went back in full, so the course is taken back. The seat stays out of the sale until somebody adds one.
async fn withdraw(app: &App, checkout: &Checkout) -> Result<(), Problem> {
    app.school.withdraw_enrolment(&checkout.out_trade_no).await?;
    tracing::info!(order = checkout.out_trade_no, "enrolment withdrawn: the money went back");
    Ok(())
}

/// Ends a checkout whose time is over: its seat goes back. An order that was never sent to a gateway is closed with it;
/// every other one is closed by the reconciler, at its gateway first.
pub(crate) async fn tidy(app: &App, checkout: &Checkout) -> Result<(), Problem> {
    let number = OutTradeNo::parse(&checkout.out_trade_no)?;
    let Some(order) = app.orders.find(&number).await? else { return Ok(()) };
    let overdue = checkout.is_over()?;
    match order.state {
        state if state.is_open() && !overdue => return Ok(()),
        state if state.is_open() => {
            if release(app, checkout).await? {
                close_unsent(app, &order).await?;
            }
        }
        TradeState::Closed | TradeState::Failed => {}
        // Money came: the work that follows from it ends the checkout.
        _ => return Ok(()),
    }
    app.school.finish_checkout(&checkout.out_trade_no).await?;
    Ok(())
}
