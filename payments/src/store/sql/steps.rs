//! The verbs that change something: each one transaction that locks its order, runs the rule and writes its verdict.

use super::backend::Backend;
use super::{SqlStore, sql, tables};
use crate::refund::books::{self, RefundWrite};
use crate::settle::{StoredOrder, Write};
use crate::store::{BoxFuture, Creation, RefundSettlement, RefundStart, Step, StoredRefund, Work, lease_end};
use crate::submit;
use crate::{
    Error, Order, OutTradeNo, Refund, RefundChecked, RefundNo, RefundNotify, TradeEvent, UnixMillis,
};
use sqlx::pool::PoolConnection;

/// How often a step is tried when other writers are first: each time one of them has finished its own.
const ATTEMPTS_MAX: u32 = 16;
/// How many more pieces of work are looked at than wanted: those that other workers take meanwhile.
const WORK_SPARE: u32 = 64;

impl<B: Backend> SqlStore<B> {
    pub(super) async fn connection(&self) -> Result<PoolConnection<B>, Error> {
        self.pool.acquire().await.map_err(sql)
    }

    pub(super) async fn create_once(&self, order: &Order, at: UnixMillis) -> Result<Creation, Error> {
        let mut connection = self.connection().await?;
        if let Some(stored) = tables::order::<B>(&mut connection, &order.out_trade_no).await? {
            return Ok(submit::taken(&stored.order, order));
        }
        // Of two that come here at once the unique key refuses one, which then finds the order of the other.
        tables::insert_order::<B>(&mut connection, order, at).await?;
        Ok(Creation::Created)
    }

    /// One change of one order; none if there is no such order.
    pub(super) fn change<'a, T: Send + 'a>(
        &'a self,
        number: &'a OutTradeNo,
        at: UnixMillis,
        rule: impl Fn(&StoredOrder) -> (T, Option<Write>) + Copy + Send + Sync + 'a,
    ) -> BoxFuture<'a, Result<Option<T>, Error>> {
        again(move || Box::pin(self.change_once(number, at, rule)))
    }

    async fn change_once<T>(
        &self,
        number: &OutTradeNo,
        at: UnixMillis,
        rule: impl Fn(&StoredOrder) -> (T, Option<Write>) + Send,
    ) -> Result<Option<T>, Error> {
        if let Some(answer) = self.unchanged(number, &rule).await? {
            return Ok(answer);
        }
        let mut tx = B::begin(&self.pool).await.map_err(sql)?;
        tables::lock::<B>(&mut tx, number).await?;
        let Some(stored) = tables::order::<B>(&mut tx, number).await? else { return Ok(None) };
        // Decided again: what was read before the lock may be old.
        let (answer, write) = rule(&stored);
        if let Some(write) = write {
            tables::write_order::<B>(&mut tx, &stored, &write, at).await?;
        }
        tx.commit().await.map_err(sql)?;
        Ok(Some(answer))
    }

    /// The answer, if it needs no write: one read, no lock. The inner option is empty if there is no such order.
    async fn unchanged<T>(
        &self,
        number: &OutTradeNo,
        rule: &(impl Fn(&StoredOrder) -> (T, Option<Write>) + Send),
    ) -> Result<Option<Option<T>>, Error> {
        let mut connection = self.connection().await?;
        let stored = tables::order::<B>(&mut connection, number).await?;
        Ok(match stored.as_ref().map(rule) {
            None => Some(None),
            Some((answer, None)) => Some(Some(answer)),
            Some((_, Some(_))) => None,
        })
    }

    pub(super) async fn step(
        &self,
        number: &OutTradeNo,
        event: TradeEvent,
        at: UnixMillis,
    ) -> Result<Step, Error> {
        let step = self.change(number, at, move |stored| submit::step(stored.state, event)).await?;
        Ok(step.unwrap_or(Step::UnknownOrder))
    }

    pub(super) async fn begin_refund_once(
        &self,
        refund: &Refund,
        at: UnixMillis,
    ) -> Result<RefundStart, Error> {
        let number = &refund.out_trade_no;
        let mut tx = B::begin(&self.pool).await.map_err(sql)?;
        tables::lock::<B>(&mut tx, number).await?;
        let known = tables::refund::<B>(&mut tx, &refund.refund_no).await?;
        let order = tables::order::<B>(&mut tx, number).await?;
        let refunds = tables::refunds_of::<B>(&mut tx, number).await?;
        let start = books::begin(known.as_ref(), order.as_ref(), &refunds, refund);
        if start == RefundStart::Started {
            tables::insert_refund::<B>(&mut tx, refund, at).await?;
        }
        tx.commit().await.map_err(sql)?;
        Ok(start)
    }

    pub(super) async fn settle_refund_once(
        &self,
        notify: &RefundNotify<RefundChecked>,
        at: UnixMillis,
    ) -> Result<RefundSettlement, Error> {
        let number = notify.out_trade_no();
        let mut tx = B::begin(&self.pool).await.map_err(sql)?;
        tables::lock::<B>(&mut tx, number).await?;
        let Some(order) = tables::order::<B>(&mut tx, number).await? else {
            return Ok(RefundSettlement::UnknownRefund);
        };
        let refunds = tables::refunds_of::<B>(&mut tx, number).await?;
        let verdict = books::settle(&order, &refunds, notify);
        let moved = refunds.iter().find(|stored| stored.refund.refund_no == *notify.refund_no());
        if let (Some(write), Some(stored)) = (&verdict.write, moved) {
            tables::write_refund::<B>(&mut tx, stored, write, at).await?;
            if let Some(write) = &write.order {
                tables::write_order::<B>(&mut tx, &order, write, at).await?;
            }
        }
        tx.commit().await.map_err(sql)?;
        Ok(verdict.settlement)
    }

    /// One change of one refund that does not move its order; none if there is no such refund.
    pub(super) fn change_refund<'a, T: Send + 'a>(
        &'a self,
        number: &'a RefundNo,
        at: UnixMillis,
        rule: fn(&StoredRefund, UnixMillis) -> (T, Option<RefundWrite>),
    ) -> BoxFuture<'a, Result<Option<T>, Error>> {
        again(move || Box::pin(self.change_refund_once(number, at, rule)))
    }

    /// The order of a refund never changes, so it is read before the lock; all else is read after it.
    async fn change_refund_once<T>(
        &self,
        number: &RefundNo,
        at: UnixMillis,
        rule: fn(&StoredRefund, UnixMillis) -> (T, Option<RefundWrite>),
    ) -> Result<Option<T>, Error> {
        let mut connection = self.connection().await?;
        let seen = tables::refund::<B>(&mut connection, number).await?;
        drop(connection);
        let Some(seen) = seen else { return Ok(None) };
        if let (answer, None) = rule(&seen, at) {
            return Ok(Some(answer));
        }
        let mut tx = B::begin(&self.pool).await.map_err(sql)?;
        tables::lock::<B>(&mut tx, &seen.refund.out_trade_no).await?;
        let Some(stored) = tables::refund::<B>(&mut tx, number).await? else { return Ok(None) };
        let (answer, write) = rule(&stored, at);
        if let Some(write) = write {
            tables::write_refund::<B>(&mut tx, &stored, &write, at).await?;
        }
        tx.commit().await.map_err(sql)?;
        Ok(Some(answer))
    }

    /// The earliest piece of an order stays the earliest until it is finished, so what is seen first needs no lock.
    pub(super) async fn take_work_once(
        &self,
        now: UnixMillis,
        lease_millis: u64,
        limit: u32,
    ) -> Result<Vec<Work>, Error> {
        let mut connection = self.connection().await?;
        let free = tables::free_work::<B>(&mut connection, now, limit.saturating_add(WORK_SPARE)).await?;
        drop(connection);
        if free.is_empty() {
            return Ok(Vec::new());
        }
        let (until, mut taken) = (lease_end(now, lease_millis), Vec::new());
        let mut tx = B::begin(&self.pool).await.map_err(sql)?;
        // In the order of their numbers, so that two workers never wait for each other.
        for seen in free {
            if u32::try_from(taken.len()) == Ok(limit) {
                break;
            }
            if tables::lease::<B>(&mut tx, &seen, until).await? {
                taken.push(Work { leased_until: until, ..seen });
            }
        }
        tx.commit().await.map_err(sql)?;
        Ok(taken)
    }
}

/// Tries again while other writers were first. Each attempt reads and decides anew.
pub(super) fn again<'a, T: Send + 'a>(
    attempt: impl Fn() -> BoxFuture<'a, Result<T, Error>> + Send + 'a,
) -> BoxFuture<'a, Result<T, Error>> {
    Box::pin(async move {
        for _ in 1..ATTEMPTS_MAX {
            match attempt().await {
                Err(error) if error.is_clash() => {}
                answer => return answer,
            }
        }
        attempt().await
    })
}
