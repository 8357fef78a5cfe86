//! From rows to values. A value that cannot be read names its column; nothing is guessed.

use super::backend::Backend;
use super::sql;
use crate::error::{Cause, quoted};
use crate::store::{StoredMovement, StoredRefund, Task, Work, WorkId};
use crate::{
    Channel, Currency, Error, Money, Order, OutTradeNo, Payment, Refund, RefundNo, RefundState, StoredOrder,
    Subject, TradeNo, TradeState, UnixMillis,
};
use std::cmp::Ordering;
use std::marker::PhantomData;

/// The columns of [`orders`], in its order: an order with one of its payments and one of its submissions.
pub(super) const ORDER_COLUMNS: &str = "o.out_trade_no, o.subject, o.amount_minor, o.currency, o.state, \
     o.created_at_millis, o.updated_at_millis, p.place, p.channel, p.trade_no, p.notify_id, \
     p.settled_at_millis, s.place, s.channel, s.submitted_at_millis";
/// The columns of [`refund`], in its order.
pub(super) const REFUND_COLUMNS: &str = "refund_no, out_trade_no, channel, trade_no, paid_minor, amount_minor, \
     currency, reason, state, created_at_millis, updated_at_millis";

/// One row, read from left to right.
struct Columns<'a, B: Backend> {
    row: &'a B::Row,
    next: usize,
    _backend: PhantomData<B>,
}

impl<'a, B: Backend> Columns<'a, B> {
    fn of(row: &'a B::Row) -> Self {
        Self { row, next: 0, _backend: PhantomData }
    }

    fn column(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    fn maybe_text(&mut self) -> Result<Option<String>, Error> {
        B::text(self.row, self.column()).map_err(sql)
    }

    fn maybe_number(&mut self) -> Result<Option<i64>, Error> {
        B::number(self.row, self.column()).map_err(sql)
    }

    fn maybe<T>(
        &mut self,
        what: &'static str,
        parse: fn(&str) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.maybe_text()? else { return Ok(None) };
        parse(&text).map(Some).map_err(|error| corrupt(what, &text, Some(error)))
    }

    fn value<T>(&mut self, what: &'static str, parse: fn(&str) -> Result<T, Error>) -> Result<T, Error> {
        self.maybe(what, parse)?.ok_or_else(|| corrupt(what, "", None))
    }

    fn maybe_moment(&mut self, what: &'static str) -> Result<Option<UnixMillis>, Error> {
        let Some(millis) = self.maybe_number()? else { return Ok(None) };
        let moment = u64::try_from(millis).map(UnixMillis::from_millis);
        moment.map(Some).map_err(|_| corrupt(what, &millis.to_string(), None))
    }

    fn moment(&mut self, what: &'static str) -> Result<UnixMillis, Error> {
        self.maybe_moment(what)?.ok_or_else(|| corrupt(what, "", None))
    }

    fn minor(&mut self, what: &'static str) -> Result<i64, Error> {
        self.maybe_number()?.ok_or_else(|| corrupt(what, "", None))
    }

    /// An amount in minor units, and the currency in the column after it.
    fn money(&mut self) -> Result<Money, Error> {
        let minor = self.minor("amount")?;
        money(minor, self.value("currency", Currency::parse)?)
    }
}

fn money(minor: i64, currency: Currency) -> Result<Money, Error> {
    Money::from_minor(minor, currency).map_err(|error| corrupt("amount", &minor.to_string(), Some(error)))
}

/// Orders with all their payments and submissions, each pair of them a row, in order of the orders and places.
pub(super) fn orders<B: Backend>(rows: &[B::Row]) -> Result<Vec<StoredOrder>, Error> {
    let mut orders: Vec<StoredOrder> = Vec::new();
    for row in rows {
        let mut columns = Columns::<B>::of(row);
        let stored = order(&mut columns)?;
        if orders.last().is_none_or(|last| last.order.out_trade_no != stored.order.out_trade_no) {
            orders.push(stored);
        }
        let Some(last) = orders.last_mut() else { continue };
        push(&mut last.payments, payment(&mut columns)?)?;
        push(&mut last.submissions, submission(&mut columns)?)?;
    }
    Ok(orders)
}

/// Puts an item at its place. It comes once for each item of the other kind; a gap is no work of ours.
fn push<T>(items: &mut Vec<T>, item: Placed<T>) -> Result<(), Error> {
    let Some((place, item)) = item else { return Ok(()) };
    let index = usize::try_from(place).map_err(|_| corrupt("place", &place.to_string(), None))?;
    match index.cmp(&items.len()) {
        Ordering::Less => Ok(()),
        Ordering::Equal => {
            items.push(item);
            Ok(())
        }
        Ordering::Greater => Err(corrupt("place", &place.to_string(), None)),
    }
}

fn order<B: Backend>(columns: &mut Columns<'_, B>) -> Result<StoredOrder, Error> {
    let number = columns.value("out_trade_no", OutTradeNo::parse)?;
    let subject = columns.value("subject", Subject::parse)?;
    let order = Order::new(number, subject, columns.money()?);
    let state = columns.value("state", TradeState::parse)?;
    let created_at = columns.moment("created_at_millis")?;
    let updated_at = columns.moment("updated_at_millis")?;
    Ok(StoredOrder { state, updated_at, ..StoredOrder::new(order, created_at) })
}

/// A payment or a submission with its place among those of its order.
type Placed<T> = Option<(i64, T)>;

fn payment<B: Backend>(columns: &mut Columns<'_, B>) -> Result<Placed<Payment>, Error> {
    let place = columns.maybe_number()?;
    let channel = columns.maybe("channel", Channel::parse)?;
    let trade_no = columns.maybe("trade_no", TradeNo::parse)?;
    let notify_id = columns.maybe_text()?;
    let settled_at = columns.maybe_moment("settled_at_millis")?;
    let (Some(place), Some(channel), Some(trade_no), Some(settled_at)) =
        (place, channel, trade_no, settled_at)
    else {
        return Ok(None);
    };
    Ok(Some((place, Payment { channel, trade_no, notify_id, settled_at })))
}

fn submission<B: Backend>(columns: &mut Columns<'_, B>) -> Result<Placed<(Channel, UnixMillis)>, Error> {
    let place = columns.maybe_number()?;
    let channel = columns.maybe("channel", Channel::parse)?;
    let at = columns.maybe_moment("submitted_at_millis")?;
    let (Some(place), Some(channel), Some(at)) = (place, channel, at) else { return Ok(None) };
    Ok(Some((place, (channel, at))))
}

pub(super) fn refund<B: Backend>(row: &B::Row) -> Result<StoredRefund, Error> {
    let mut columns = Columns::<B>::of(row);
    let refund_no = columns.value("refund_no", RefundNo::parse)?;
    let out_trade_no = columns.value("out_trade_no", OutTradeNo::parse)?;
    let channel = columns.value("channel", Channel::parse)?;
    let trade_no = columns.value("trade_no", TradeNo::parse)?;
    let paid = columns.minor("paid_minor")?;
    let amount = columns.money()?;
    let paid = money(paid, amount.currency())?;
    let reason = columns.maybe("reason", Subject::parse)?;
    let refund = Refund { reason, ..Refund::new(refund_no, out_trade_no, (channel, trade_no), paid, amount) };
    Ok(StoredRefund {
        refund,
        state: columns.value("state", RefundState::parse)?,
        created_at: columns.moment("created_at_millis")?,
        updated_at: columns.moment("updated_at_millis")?,
    })
}

/// Columns: order, trade, refund, amount, currency, moment.
pub(super) fn movement<B: Backend>(row: &B::Row) -> Result<StoredMovement, Error> {
    let mut columns = Columns::<B>::of(row);
    Ok(StoredMovement {
        out_trade_no: columns.value("out_trade_no", OutTradeNo::parse)?,
        trade_no: columns.value("trade_no", TradeNo::parse)?,
        refund_no: columns.maybe("refund_no", RefundNo::parse)?,
        amount: columns.money()?,
        at: columns.moment("moment")?,
    })
}

/// A piece of work. Columns: id, order, task, channel, trade, lease, attempts.
pub(super) fn work<B: Backend>(row: &B::Row) -> Result<Work, Error> {
    let mut columns = Columns::<B>::of(row);
    let id = WorkId(columns.minor("id")?);
    let out_trade_no = columns.value("out_trade_no", OutTradeNo::parse)?;
    let word = columns.value("task", |word| Ok(word.to_owned()))?;
    let channel = columns.maybe("channel", Channel::parse)?;
    let trade_no = columns.maybe("trade_no", TradeNo::parse)?;
    let leased_until = columns.moment("leased_until_millis")?;
    let attempts = columns.minor("attempts")?;
    let attempts = u32::try_from(attempts).map_err(|_| corrupt("attempts", &attempts.to_string(), None))?;
    let task = match (word.as_str(), channel, trade_no) {
        (DELIVER, None, None) => Task::Deliver,
        (GIVE_BACK, Some(channel), Some(trade_no)) => Task::GiveBack { channel, trade_no },
        (WITHDRAW, None, None) => Task::Withdraw,
        _ => return Err(corrupt("task", &word, None)),
    };
    Ok(Work { id, out_trade_no, task, leased_until, attempts })
}

const DELIVER: &str = "deliver";
const GIVE_BACK: &str = "give_back";
const WITHDRAW: &str = "withdraw";

/// The word, the channel and the trade that a task is stored as.
pub(super) fn task_columns(task: &Task) -> (&'static str, Option<&'static str>, Option<&str>) {
    match task {
        Task::Deliver => (DELIVER, None, None),
        Task::GiveBack { channel, trade_no } => (GIVE_BACK, Some(channel.code()), Some(trade_no.as_str())),
        Task::Withdraw => (WITHDRAW, None, None),
    }
}

pub(super) fn corrupt(what: &'static str, input: &str, source: Option<Error>) -> Error {
    Cause::Corrupt { what, input: quoted(input), source: source.map(Box::new) }.into()
}
