//! The statements over the tables. What has to be written has been decided before.

use super::backend::Backend;
use super::rows::{self, ORDER_COLUMNS, REFUND_COLUMNS, corrupt};
use super::sql;
use super::statement::Statement;
use crate::refund::books::RefundWrite;
use crate::settle::Write;
use crate::store::{StoredMovement, StoredRefund, Work};
use crate::{
    Channel, Error, Order, OutTradeNo, Refund, RefundNo, RefundState, StoredOrder, TradeState, UnixMillis,
};

/// What an order is joined with, so that one statement, and so one snapshot, reads all of it.
const JOINS: &str = "LEFT JOIN payments_payment p ON p.out_trade_no = o.out_trade_no \
     LEFT JOIN payments_submission s ON s.out_trade_no = o.out_trade_no";
/// Before the first place of a page.
const START: (i64, &str) = (-1, "");

/// Keeps the order as it is until the transaction ends. Every transaction locks its order first and only one order, so
/// that two never wait for each other.
pub(super) async fn lock<B: Backend>(
    connection: &mut B::Connection,
    number: &OutTradeNo,
) -> Result<(), Error> {
    if B::LOCK.is_empty() {
        return Ok(());
    }
    let text = format!("SELECT state FROM payments_order WHERE out_trade_no = ?{}", B::LOCK);
    let statement = Statement::new(&text).bind(number.as_str());
    B::rows(connection, statement).await.map(drop).map_err(sql)
}

pub(super) async fn order<B: Backend>(
    connection: &mut B::Connection,
    number: &OutTradeNo,
) -> Result<Option<StoredOrder>, Error> {
    let text = format!(
        "SELECT {ORDER_COLUMNS} FROM payments_order o {JOINS} WHERE o.out_trade_no = ? ORDER BY p.place, s.place"
    );
    let found = B::rows(connection, Statement::new(&text).bind(number.as_str())).await.map_err(sql)?;
    rows::orders::<B>(&found).map(|mut orders| orders.pop())
}

pub(super) async fn open_orders<B: Backend>(
    connection: &mut B::Connection,
    before: UnixMillis,
    after: Option<&StoredOrder>,
    limit: u32,
) -> Result<Vec<StoredOrder>, Error> {
    let text = format!(
        "SELECT {ORDER_COLUMNS} FROM (SELECT * FROM payments_order WHERE state IN (?, ?) \
         AND updated_at_millis < ? \
         AND (updated_at_millis > ? OR (updated_at_millis = ? AND out_trade_no > ?)) \
         ORDER BY updated_at_millis, out_trade_no LIMIT ?) o {JOINS} \
         ORDER BY o.updated_at_millis, o.out_trade_no, p.place, s.place"
    );
    let statement =
        Statement::new(&text).bind(TradeState::Pending.code()).bind(TradeState::Unknown.code()).bind(before);
    let statement = match after {
        Some(last) => page(statement, last.updated_at, last.order.out_trade_no.as_str()),
        None => page(statement, START.0, START.1),
    };
    let found = B::rows(connection, statement.bind(i64::from(limit))).await.map_err(sql)?;
    rows::orders::<B>(&found)
}

fn page<'a>(
    statement: Statement<'a>,
    at: impl Into<super::statement::Value> + Copy,
    number: &str,
) -> Statement<'a> {
    statement.bind(at).bind(at).bind(number)
}

pub(super) async fn insert_order<B: Backend>(
    connection: &mut B::Connection,
    order: &Order,
    at: UnixMillis,
) -> Result<(), Error> {
    let text = "INSERT INTO payments_order (out_trade_no, subject, amount_minor, currency, state, \
                created_at_millis, updated_at_millis) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let statement = Statement::new(text)
        .bind(order.out_trade_no.as_str())
        .bind(order.subject.as_str())
        .bind(order.amount.minor())
        .bind(order.amount.currency().code())
        .bind(TradeState::Created.code())
        .bind(at)
        .bind(at);
    B::execute(connection, statement).await.map(drop).map_err(sql)
}

/// Writes what the rule decided about `before`, which is still so.
pub(super) async fn write_order<B: Backend>(
    connection: &mut B::Connection,
    before: &StoredOrder,
    write: &Write,
    at: UnixMillis,
) -> Result<(), Error> {
    let number = before.order.out_trade_no.as_str();
    let text =
        "UPDATE payments_order SET state = ?, updated_at_millis = ? WHERE out_trade_no = ? AND state = ?";
    let update =
        Statement::new(text).bind(write.state.code()).bind(at).bind(number).bind(before.state.code());
    if B::execute(connection, update).await.map_err(sql)? != 1 {
        return Err(corrupt("state of order", number, None));
    }
    for statement in additions(before, write) {
        B::execute(connection, statement).await.map_err(sql)?;
    }
    Ok(())
}

fn additions(before: &StoredOrder, write: &Write) -> Vec<Statement<'static>> {
    let number = before.order.out_trade_no.as_str();
    let submission = write.submission.map(|(channel, at)| {
        Statement::new(
            "INSERT INTO payments_submission (out_trade_no, place, channel, submitted_at_millis) \
             VALUES (?, ?, ?, ?)",
        )
        .bind(number)
        .bind(before.submissions.len())
        .bind(channel.code())
        .bind(at)
    });
    let payment = write.payment.as_ref().map(|payment| {
        Statement::new(
            "INSERT INTO payments_payment (out_trade_no, place, channel, trade_no, notify_id, \
             settled_at_millis) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(number)
        .bind(before.payments.len())
        .bind(payment.channel.code())
        .bind(payment.trade_no.as_str())
        .bind(payment.notify_id.as_deref())
        .bind(payment.settled_at)
    });
    let work = write.task.as_ref().map(|task| {
        let (task, channel, trade_no) = rows::task_columns(task);
        Statement::new(
            "INSERT INTO payments_work (out_trade_no, task, channel, trade_no, leased_until_millis) \
             VALUES (?, ?, ?, ?, 0)",
        )
        .bind(number)
        .bind(task)
        .bind(channel)
        .bind(trade_no)
    });
    [submission, payment, work].into_iter().flatten().collect()
}

pub(super) async fn refund<B: Backend>(
    connection: &mut B::Connection,
    number: &RefundNo,
) -> Result<Option<StoredRefund>, Error> {
    let text = format!("SELECT {REFUND_COLUMNS} FROM payments_refund WHERE refund_no = ?");
    let found = refunds::<B>(connection, Statement::new(&text).bind(number.as_str())).await?;
    Ok(found.into_iter().next())
}

pub(super) async fn refunds_of<B: Backend>(
    connection: &mut B::Connection,
    number: &OutTradeNo,
) -> Result<Vec<StoredRefund>, Error> {
    let text = format!(
        "SELECT {REFUND_COLUMNS} FROM payments_refund WHERE out_trade_no = ? \
         ORDER BY created_at_millis, refund_no"
    );
    refunds::<B>(connection, Statement::new(&text).bind(number.as_str())).await
}

pub(super) async fn open_refunds<B: Backend>(
    connection: &mut B::Connection,
    before: UnixMillis,
    after: Option<&StoredRefund>,
    limit: u32,
) -> Result<Vec<StoredRefund>, Error> {
    let text = format!(
        "SELECT {REFUND_COLUMNS} FROM payments_refund WHERE state IN (?, ?, ?) AND updated_at_millis < ? \
         AND (updated_at_millis > ? OR (updated_at_millis = ? AND refund_no > ?)) \
         ORDER BY updated_at_millis, refund_no LIMIT ?"
    );
    let statement = Statement::new(&text)
        .bind(RefundState::Requested.code())
        .bind(RefundState::Processing.code())
        .bind(RefundState::Abnormal.code())
        .bind(before);
    let statement = match after {
        Some(last) => page(statement, last.updated_at, last.refund.refund_no.as_str()),
        None => page(statement, START.0, START.1),
    };
    refunds::<B>(connection, statement.bind(i64::from(limit))).await
}

async fn refunds<B: Backend>(
    connection: &mut B::Connection,
    statement: Statement<'_>,
) -> Result<Vec<StoredRefund>, Error> {
    B::rows(connection, statement).await.map_err(sql)?.iter().map(rows::refund::<B>).collect()
}

pub(super) async fn insert_refund<B: Backend>(
    connection: &mut B::Connection,
    refund: &Refund,
    at: UnixMillis,
) -> Result<(), Error> {
    let text =
        format!("INSERT INTO payments_refund ({REFUND_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    let statement = Statement::new(&text)
        .bind(refund.refund_no.as_str())
        .bind(refund.out_trade_no.as_str())
        .bind(refund.channel.code())
        .bind(refund.trade_no.as_str())
        .bind(refund.paid.minor())
        .bind(refund.amount.minor())
        .bind(refund.amount.currency().code())
        .bind(refund.reason.as_ref().map(crate::Subject::as_str))
        .bind(RefundState::Requested.code())
        .bind(at)
        .bind(at);
    B::execute(connection, statement).await.map(drop).map_err(sql)
}

/// Writes what the rule decided about the refund `before`, which is still so.
pub(super) async fn write_refund<B: Backend>(
    connection: &mut B::Connection,
    before: &StoredRefund,
    write: &RefundWrite,
    at: UnixMillis,
) -> Result<(), Error> {
    let number = before.refund.refund_no.as_str();
    let text =
        "UPDATE payments_refund SET state = ?, updated_at_millis = ? WHERE refund_no = ? AND state = ?";
    let update =
        Statement::new(text).bind(write.state.code()).bind(at).bind(number).bind(before.state.code());
    if B::execute(connection, update).await.map_err(sql)? != 1 {
        return Err(corrupt("state of refund", number, None));
    }
    Ok(())
}

pub(super) async fn movements<B: Backend>(
    connection: &mut B::Connection,
    channel: Channel,
    (from, to): (UnixMillis, UnixMillis),
) -> Result<Vec<StoredMovement>, Error> {
    let text = "SELECT p.out_trade_no, p.trade_no, NULL, o.amount_minor, o.currency, p.settled_at_millis \
                FROM payments_payment p JOIN payments_order o ON o.out_trade_no = p.out_trade_no \
                WHERE p.channel = ? AND p.settled_at_millis >= ? AND p.settled_at_millis < ? \
                UNION ALL \
                SELECT r.out_trade_no, r.trade_no, r.refund_no, r.amount_minor, r.currency, \
                r.updated_at_millis FROM payments_refund r \
                WHERE r.channel = ? AND r.state = ? AND r.updated_at_millis >= ? AND r.updated_at_millis < ?";
    let statement = Statement::new(text)
        .bind(channel.code())
        .bind(from)
        .bind(to)
        .bind(channel.code())
        .bind(RefundState::Succeeded.code())
        .bind(from)
        .bind(to);
    let found = B::rows(connection, statement).await.map_err(sql)?;
    let mut movements: Vec<_> = found.iter().map(rows::movement::<B>).collect::<Result<_, _>>()?;
    movements.sort_by(StoredMovement::by_numbers);
    Ok(movements)
}

/// The earliest piece of each order whose lease is free, as it was leased or put off last.
pub(super) async fn free_work<B: Backend>(
    connection: &mut B::Connection,
    now: UnixMillis,
    limit: u32,
) -> Result<Vec<Work>, Error> {
    let text = "SELECT w.id, w.out_trade_no, w.task, w.channel, w.trade_no, w.leased_until_millis, w.attempts \
                FROM payments_work w WHERE w.leased_until_millis <= ? AND NOT EXISTS \
                (SELECT 1 FROM payments_work e WHERE e.out_trade_no = w.out_trade_no AND e.id < w.id) \
                ORDER BY w.id LIMIT ?";
    let statement = Statement::new(text).bind(now).bind(i64::from(limit));
    B::rows(connection, statement).await.map_err(sql)?.iter().map(rows::work::<B>).collect()
}

/// Takes one piece, unless somebody took or finished it since it was seen.
pub(super) async fn lease<B: Backend>(
    connection: &mut B::Connection,
    seen: &Work,
    until: UnixMillis,
) -> Result<bool, Error> {
    let text = "UPDATE payments_work SET leased_until_millis = ? WHERE id = ? AND leased_until_millis = ?";
    let update = Statement::new(text).bind(until).bind(seen.id.0).bind(seen.leased_until);
    B::execute(connection, update).await.map(|count| count == 1).map_err(sql)
}

pub(super) async fn delete_work<B: Backend>(
    connection: &mut B::Connection,
    work: &Work,
) -> Result<bool, Error> {
    let text = "DELETE FROM payments_work WHERE id = ? AND leased_until_millis = ?";
    let delete = Statement::new(text).bind(work.id.0).bind(work.leased_until);
    B::execute(connection, delete).await.map(|count| count == 1).map_err(sql)
}

/// Puts one piece off, unless somebody took or finished it since.
pub(super) async fn postpone<B: Backend>(
    connection: &mut B::Connection,
    work: &Work,
    until: UnixMillis,
) -> Result<bool, Error> {
    let text = "UPDATE payments_work SET leased_until_millis = ?, attempts = attempts + 1 \
                WHERE id = ? AND leased_until_millis = ?";
    let update = Statement::new(text).bind(until).bind(work.id.0).bind(work.leased_until);
    B::execute(connection, update).await.map(|count| count == 1).map_err(sql)
}
