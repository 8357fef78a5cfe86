//! Orders in memory: the pure rules under one lock. It is the specification of every other store.

mod books;

use self::books::Books;
use super::{
    BoxFuture, Creation, OrderStore, RefundRenewal, RefundSettlement, RefundStart, RefundStep, Step,
    StoredMovement, StoredRefund, Submission, Work,
};
use crate::notify::{Channel, Checked, Notify};
use crate::{
    Error, Order, OutTradeNo, Refund, RefundChecked, RefundNo, RefundNotify, Settlement, StoredOrder,
    TradeEvent, UnixMillis,
};
use std::sync::{Mutex, PoisonError};

/// Orders of one process, for tests and small tools. It forgets everything when it is dropped.
///
/// ```
/// # use payments::store::{MemoryStore, OrderStore, Submission};
/// # use payments::{Channel, Money, Order, OutTradeNo, Subject, UnixMillis};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), payments::Error> {
/// let store = MemoryStore::new();
/// let number = OutTradeNo::parse("COURSE_0001")?;
/// let order = Order::new(number.clone(), Subject::parse("Rust 入门课")?, Money::parse_yuan("88.00")?);
/// let now = UnixMillis::from_millis(1_790_000_000_000);
/// store.create(&order, now).await?;
/// // The buyer comes to the same gateway twice: the trade keeps the moment of the first visit.
/// for visit in [now, now.plus_secs(60)] {
///     let submission = store.submit(&number, Channel::Unionpay, visit).await?;
///     assert_eq!(submission, Submission::Submitted { at: now });
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    books: Mutex<Books>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The step happens when the future is polled, as in a database.
    fn with<'a, T: Send + 'a>(
        &'a self,
        step: impl FnOnce(&mut Books) -> T + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Error>> {
        Box::pin(async move {
            // A panic elsewhere cannot leave the books half changed, so a poisoned lock is taken over.
            Ok(step(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner)))
        })
    }
}

impl OrderStore for MemoryStore {
    fn create<'a>(&'a self, order: &'a Order, at: UnixMillis) -> BoxFuture<'a, Result<Creation, Error>> {
        self.with(move |books| books.create(order, at))
    }

    fn find<'a>(&'a self, number: &'a OutTradeNo) -> BoxFuture<'a, Result<Option<StoredOrder>, Error>> {
        self.with(move |books| books.stored(number).cloned())
    }

    fn submit<'a>(
        &'a self,
        number: &'a OutTradeNo,
        channel: Channel,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Submission, Error>> {
        self.with(move |books| books.submit(number, channel, at))
    }

    fn mark_unknown<'a>(
        &'a self,
        number: &'a OutTradeNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Step, Error>> {
        self.with(move |books| books.step(number, TradeEvent::OutcomeUnknown, at))
    }

    fn fail<'a>(&'a self, number: &'a OutTradeNo, at: UnixMillis) -> BoxFuture<'a, Result<Step, Error>> {
        self.with(move |books| books.step(number, TradeEvent::Failed, at))
    }

    fn close<'a>(&'a self, number: &'a OutTradeNo, at: UnixMillis) -> BoxFuture<'a, Result<Step, Error>> {
        self.with(move |books| books.step(number, TradeEvent::Closed, at))
    }

    fn close_if<'a>(
        &'a self,
        number: &'a OutTradeNo,
        seen: UnixMillis,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Step, Error>> {
        self.with(move |books| books.close_if(number, seen, at))
    }

    fn settle<'a>(
        &'a self,
        notify: &'a Notify<Checked>,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Settlement, Error>> {
        self.with(move |books| books.settle(notify, at))
    }

    fn begin_refund<'a>(
        &'a self,
        refund: &'a Refund,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundStart, Error>> {
        self.with(move |books| books.begin_refund(refund, at))
    }

    fn settle_refund<'a>(
        &'a self,
        notify: &'a RefundNotify<RefundChecked>,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundSettlement, Error>> {
        self.with(move |books| books.settle_refund(notify, at))
    }

    fn renew_refund<'a>(
        &'a self,
        number: &'a RefundNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundRenewal, Error>> {
        self.with(move |books| books.renew_refund(number, at))
    }

    fn drop_refund<'a>(
        &'a self,
        number: &'a RefundNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundStep, Error>> {
        self.with(move |books| books.drop_refund(number, at))
    }

    fn find_refund<'a>(&'a self, number: &'a RefundNo) -> BoxFuture<'a, Result<Option<StoredRefund>, Error>> {
        self.with(move |books| books.refund(number).cloned())
    }

    fn refunds_of<'a>(&'a self, number: &'a OutTradeNo) -> BoxFuture<'a, Result<Vec<StoredRefund>, Error>> {
        self.with(move |books| books.refunds_of(number))
    }

    fn open_orders<'a>(
        &'a self,
        before: UnixMillis,
        after: Option<&'a StoredOrder>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<StoredOrder>, Error>> {
        self.with(move |books| books.open_orders(before, after, limit))
    }

    fn open_refunds<'a>(
        &'a self,
        before: UnixMillis,
        after: Option<&'a StoredRefund>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<StoredRefund>, Error>> {
        self.with(move |books| books.open_refunds(before, after, limit))
    }

    fn movements<'a>(
        &'a self,
        channel: Channel,
        from: UnixMillis,
        to: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<StoredMovement>, Error>> {
        self.with(move |books| books.movements(channel, from, to))
    }

    fn take_work<'a>(
        &'a self,
        now: UnixMillis,
        lease_millis: u64,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Work>, Error>> {
        self.with(move |books| books.take_work(now, lease_millis, limit))
    }

    fn finish_work<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result<bool, Error>> {
        self.with(move |books| books.finish_work(work))
    }

    fn postpone_work<'a>(&'a self, work: &'a Work, until: UnixMillis) -> BoxFuture<'a, Result<bool, Error>> {
        self.with(move |books| books.postpone_work(work, until))
    }
}
