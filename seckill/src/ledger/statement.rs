//! From orders to statements and from rows to orders. What has to be written has been decided before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{Pool, QueryBuilder};

use super::backend::Row;
use super::fault::LedgerFault;
use super::order::Order;
use super::{Backend, Place};
use crate::error::Error;
use crate::ids::{ReservationId, SaleId};
use crate::orders::{OrderEvent, OrderLines, state};
use crate::text;
use crate::time::UnixMillis;

/// Rows of one statement: their values stay below the limit of every database.
const ROWS: usize = 128;

/// In the order of [`Row`]. `lines` alone is a reserved word of MySQL.
const COLUMNS: &str = "reservation, line_items, state, shard, pay_until, seq, updated_at";

/// Raises the highest step of each shard. The rows stay locked until the transaction ends, so writers of
/// one shard take turns; shards are in order, so that two writers never wait for each other.
pub(super) async fn raise<B: Backend>(
    connection: &mut B::Connection,
    events: &[OrderEvent],
) -> Result<(), Error> {
    let mut highest: BTreeMap<(&SaleId, u16), u64> = BTreeMap::new();
    for event in events {
        let number = highest.entry((&event.sale, event.shard)).or_default();
        *number = event.sequence.max(*number);
    }
    for ((sale, shard), highest) in highest {
        let mut query = QueryBuilder::new("INSERT INTO gh_seckill_shards (sale, shard, highest) VALUES (");
        B::bind_text(&mut query, sale.as_str());
        query.push(", ");
        B::bind_number(&mut query, i64::from(shard));
        query.push(", ");
        B::bind_number(&mut query, number(highest));
        query.push(")").push(B::RAISE);
        B::execute(connection, &mut query).await.map_err(LedgerFault::database("take orders"))?;
    }
    Ok(())
}

/// What is recorded of the reservations of `events`.
pub(super) async fn recorded<B: Backend>(
    connection: &mut B::Connection,
    events: &[OrderEvent],
) -> Result<HashMap<ReservationId, Order>, Error> {
    let names: BTreeSet<String> =
        events.iter().filter_map(OrderEvent::order).map(|order| order.reservation.to_string()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let mut recorded = HashMap::with_capacity(names.len());
    for names in names.chunks(ROWS) {
        let mut query = QueryBuilder::new("SELECT ");
        query.push(COLUMNS).push(" FROM gh_seckill_orders WHERE reservation IN (");
        for (place, name) in names.iter().enumerate() {
            query.push(if place == 0 { "" } else { ", " });
            B::bind_text(&mut query, name);
        }
        query.push(")");
        for order in orders::<B>(connection, &mut query).await? {
            recorded.insert(order.reservation.clone(), order);
        }
    }
    Ok(recorded)
}

/// Writes orders, new ones and changed ones.
pub(super) async fn write<B: Backend>(
    connection: &mut B::Connection,
    orders: &[&Order],
) -> Result<(), Error> {
    for orders in orders.chunks(ROWS) {
        let mut query = QueryBuilder::new("INSERT INTO gh_seckill_orders (sale, buyer, request, ");
        query.push(COLUMNS).push(") VALUES ");
        for (place, order) in orders.iter().enumerate() {
            query.push(if place == 0 { "(" } else { ", (" });
            values::<B>(&mut query, order);
            query.push(")");
        }
        query.push(B::OVERWRITE);
        B::execute(connection, &mut query).await.map_err(LedgerFault::database("write orders"))?;
    }
    Ok(())
}

fn values<B: Backend>(query: &mut QueryBuilder<B>, order: &Order) {
    let id = &order.reservation;
    // A buyer may have bytes that not every database takes as text.
    let buyer = text::escape(id.buyer().as_str(), text::in_list);
    let state = order.state.letter().to_string();
    let (name, lines) = (id.to_string(), order.lines.to_string());
    for text in [id.sale().as_str(), &buyer, id.request().as_str(), &name, &lines, &state] {
        B::bind_text(query, text);
        query.push(", ");
    }
    B::bind_number(query, i64::from(order.shard));
    for value in [order.pay_until.millis(), order.sequence, order.updated_at.millis()] {
        query.push(", ");
        B::bind_number(query, number(value));
    }
}

/// Orders of a sale after a place.
pub(super) async fn page<B: Backend>(
    pool: &Pool<B>,
    sale: &SaleId,
    after: &Place,
    max: u16,
) -> Result<Vec<Order>, Error> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS).push(" FROM gh_seckill_orders WHERE sale = ");
    B::bind_text(&mut query, sale.as_str());
    query.push(" AND pay_until >= ");
    B::bind_number(&mut query, number(after.pay_until.millis()));
    query.push(" AND (pay_until > ");
    B::bind_number(&mut query, number(after.pay_until.millis()));
    query.push(" OR reservation > ");
    B::bind_text(&mut query, &after.reservation);
    query.push(") ORDER BY pay_until, reservation LIMIT ");
    B::bind_number(&mut query, i64::from(max));
    let mut connection = pool.acquire().await.map_err(LedgerFault::database("read orders"))?;
    orders::<B>(&mut connection, &mut query).await
}

/// The highest step of a shard.
pub(super) async fn highest<B: Backend>(pool: &Pool<B>, sale: &SaleId, shard: u16) -> Result<u64, Error> {
    let failed = |error| LedgerFault::database("read how far it is")(error);
    let mut query = QueryBuilder::new("SELECT highest FROM gh_seckill_shards WHERE sale = ");
    B::bind_text(&mut query, sale.as_str());
    query.push(" AND shard = ");
    B::bind_number(&mut query, i64::from(shard));
    let mut connection = pool.acquire().await.map_err(failed)?;
    let highest = B::number(&mut connection, &mut query).await.map_err(failed)?.unwrap_or_default();
    u64::try_from(highest).map_err(|_| LedgerFault::Row { reservation: Error::shown(sale.as_str()) }.into())
}

async fn orders<B: Backend>(
    connection: &mut B::Connection,
    query: &mut QueryBuilder<B>,
) -> Result<Vec<Order>, Error> {
    let rows = B::rows(connection, query).await.map_err(LedgerFault::database("read orders"))?;
    rows.iter().map(order).collect()
}

fn order(row: &Row) -> Result<Order, Error> {
    let (name, lines, letter, shard, pay_until, sequence, updated_at) = row;
    let read = || {
        let millis = |number: &i64| UnixMillis::new(u64::try_from(*number).ok()?).ok();
        Some(Order {
            reservation: ReservationId::parse(name).ok()?,
            shard: u16::try_from(*shard).ok()?,
            lines: OrderLines::read(lines)?,
            state: state(letter)?,
            pay_until: millis(pay_until)?,
            sequence: u64::try_from(*sequence).ok()?,
            updated_at: millis(updated_at)?,
        })
    };
    read().ok_or_else(|| LedgerFault::Row { reservation: Error::shown(name) }.into())
}

/// Steps and times are far below the limit of both types.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
