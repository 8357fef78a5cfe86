//! After the payment: order, seat, enrolment, or a debt; and the rounds that finish what a crash cut off.

use payments::{Ack, Checked, Notify, OutTradeNo, Settlement, TradeNo, TradeState, UnixMillis};
use seckill::{Confirm, ErrorKind, ReservationId};

use super::release;
use crate::app::App;
use crate::clock;
use crate::http::problem::Problem;
use crate::school::checkout::Checkout;

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
/// last; the checkout is opened first, so that [`tidy`] finishes whatever a crash cuts off.
pub(crate) async fn settle(app: &App, notify: &Notify<Checked>) -> Result<(Settled, Ack), Problem> {
    let number = notify.out_trade_no();
    app.school.reopen_checkout(number.as_str()).await?;
    let settlement = app.orders.settle(notify, UnixMillis::from_millis(clock::now_millis())).await?;
    tracing::info!(order = number.as_str(), ?settlement, "notify settled");
    let settled = match app.school.checkout(number.as_str()).await? {
        Some(checkout) => tidy(app, &checkout).await?,
        None => Settled::Noted,
    };
    let ack = match settlement {
        Settlement::UnknownOrder => Ack::Fail,
        other => other.ack(),
    };
    Ok((settled, ack))
}

/// Takes one open checkout as far as it goes: a paid one to its enrolment or debts, an overdue one to its end.
pub(crate) async fn tidy(app: &App, checkout: &Checkout) -> Result<Settled, Problem> {
    let Some(order) = app.orders.find(&OutTradeNo::parse(&checkout.out_trade_no)?).await? else {
        return Ok(Settled::Noted);
    };
    let overdue = checkout.expires_at <= clock::to_column(clock::now_millis());
    let settled = match order.state {
        TradeState::Created | TradeState::Pending if !overdue => return Ok(Settled::Noted),
        TradeState::Created | TradeState::Pending => {
            release(app, checkout).await?;
            Settled::Noted
        }
        TradeState::Paid | TradeState::PaidLate => {
            let mut payments = order.payments.iter().map(|payment| &payment.trade_no);
            let settled = match payments.next() {
                Some(first) => deliver(app, checkout, first).await?,
                None => Settled::Noted,
            };
            // The first payment bought the seat; every other one is owed.
            for second in payments {
                owe(app, checkout, second).await?;
            }
            settled
        }
        _ => Settled::Noted,
    };
    app.school.finish_checkout(&checkout.out_trade_no).await?;
    Ok(settled)
}

/// Makes the seat the buyer's, if it is still to be had.
async fn deliver(app: &App, checkout: &Checkout, paid_by: &TradeNo) -> Result<Settled, Problem> {
    let sale = app.sale(&checkout.course_slug)?;
    match sale.confirm(&ReservationId::parse(&checkout.reservation_id)?).await {
        Ok(Confirm::Confirmed | Confirm::AlreadyPaid | Confirm::Retaken) => {
            let at = clock::to_column(clock::now_millis());
            if app.school.enrol(checkout, at).await? {
                return Ok(Settled::Enrolled);
            }
            owe(app, checkout, paid_by).await
        }
        // `InvalidInput`: the sale has no such reservation any more.
        Ok(_) => owe(app, checkout, paid_by).await,
        Err(cause) if cause.kind() == ErrorKind::InvalidInput => owe(app, checkout, paid_by).await,
        Err(cause) => Err(cause.into()),
    }
}

/// Records money that bought nothing.
async fn owe(app: &App, checkout: &Checkout, trade: &TradeNo) -> Result<Settled, Problem> {
    let order = checkout.out_trade_no.as_str();
    tracing::error!(trade = trade.as_str(), order, "a payment bought nothing: a refund is due");
    app.school.add_refund_due(trade.as_str(), order, clock::to_column(clock::now_millis())).await?;
    Ok(Settled::RefundDue)
}
