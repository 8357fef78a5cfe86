//! The order store: atomic verbs of the domain. The memory store is the specification of them all.

mod answers;
#[cfg(test)]
mod contract;
mod memory;
#[cfg(feature = "_sql")]
mod sql;

use crate::notify::{Channel, Checked, Notify};
use crate::{
    Error, Order, OutTradeNo, Refund, RefundChecked, RefundNo, RefundNotify, Settlement, StoredOrder,
    UnixMillis,
};
use std::pin::Pin;

use self::answers::lease_end;
pub use self::answers::{
    Creation, RefundRenewal, RefundSettlement, RefundStart, RefundStep, Step, StoredMovement, StoredRefund,
    Submission, Task, Work, WorkId,
};
pub use self::memory::MemoryStore;
#[cfg(feature = "mysql")]
pub use self::sql::MysqlStore;
#[cfg(feature = "postgres")]
pub use self::sql::PostgresStore;
#[cfg(feature = "sqlite")]
pub use self::sql::SqliteStore;
#[cfg(feature = "_sql")]
pub(crate) use self::sql::Trouble;
#[cfg(feature = "_sql")]
pub use self::sql::{Backend, SqlStore};

/// A future that can be sent to another thread; it keeps [`OrderStore`] usable as `Arc<dyn OrderStore>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps orders. Each method is one atomic step, also between processes that share the store.
///
/// Every method fails with `Unavailable` if the store does not answer and with `Corrupt` if a row cannot be read;
/// a failed step has changed nothing, or has changed everything it names.
///
/// ```
/// use payments::store::{Creation, MemoryStore, OrderStore};
/// use payments::{Money, Order, OutTradeNo, Subject, UnixMillis};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), payments::Error> {
/// let store = MemoryStore::new();
/// let number = OutTradeNo::parse("COURSE_0001")?;
/// let order = Order::new(number.clone(), Subject::parse("Rust 入门课")?, Money::parse_yuan("88.00")?);
/// let now = UnixMillis::from_millis(1_790_000_000_000);
/// assert_eq!(store.create(&order, now).await?, Creation::Created);
/// assert_eq!(store.find(&number).await?.map(|stored| stored.order), Some(order));
/// # Ok(())
/// # }
/// ```
pub trait OrderStore: Send + Sync + std::fmt::Debug {
    /// Records an order in state `Created`. The same order again is answered with `Same`.
    fn create<'a>(&'a self, order: &'a Order, at: UnixMillis) -> BoxFuture<'a, Result<Creation, Error>>;

    /// The order of this number.
    fn find<'a>(&'a self, number: &'a OutTradeNo) -> BoxFuture<'a, Result<Option<StoredOrder>, Error>>;

    /// The buyer is sent to this gateway. The moment of the first submission to a channel is kept and answered: it
    /// is a part of the trade's identity at UnionPay, so every repeat and query takes it from here. A repeat moves
    /// `updated_at` of the order, at most once a second: the buyer is back, so the order is not given up.
    fn submit<'a>(
        &'a self,
        number: &'a OutTradeNo,
        channel: Channel,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Submission, Error>>;

    /// A call that may have created or paid a trade was not answered.
    fn mark_unknown<'a>(
        &'a self,
        number: &'a OutTradeNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Step, Error>>;

    /// The gateway says that the payment failed and will not come any more.
    fn fail<'a>(&'a self, number: &'a OutTradeNo, at: UnixMillis) -> BoxFuture<'a, Result<Step, Error>>;

    /// The merchant gives the order up. A payment that arrives later is reported as such.
    fn close<'a>(&'a self, number: &'a OutTradeNo, at: UnixMillis) -> BoxFuture<'a, Result<Step, Error>>;

    /// As [`OrderStore::close`], but only if the order did not change since it was seen with this `updated_at`:
    /// [`Step::Changed`] otherwise. For jobs that decide over what they read some time ago.
    fn close_if<'a>(
        &'a self,
        number: &'a OutTradeNo,
        seen: UnixMillis,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Step, Error>>;

    /// Records what a checked notify says. [`Settlement::Paid`] is answered once for an order, however often and
    /// in how many processes the notify arrives.
    ///
    /// A crash right after `Paid` loses the answer, not the work: let delivery follow [`OrderStore::take_work`].
    fn settle<'a>(
        &'a self,
        notify: &'a Notify<Checked>,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Settlement, Error>>;

    /// Records that money shall go back, before the gateway is asked. The refunds of one trade never exceed what it
    /// brought in, however many are asked for at once; closed ones do not count.
    fn begin_refund<'a>(
        &'a self,
        refund: &'a Refund,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundStart, Error>>;

    /// Records what a checked message says about a refund, and moves the order with it.
    fn settle_refund<'a>(
        &'a self,
        notify: &'a RefundNotify<RefundChecked>,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundSettlement, Error>>;

    /// An open refund is about to be asked for again at its gateway: moves its `updated_at`, so that nobody gives it up
    /// while the request is on its way. Do not ask if the answer is [`RefundRenewal::Over`].
    fn renew_refund<'a>(
        &'a self,
        number: &'a RefundNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundRenewal, Error>>;

    /// Gives up a refund that is only requested: it becomes closed, and its amount may go back under another number.
    /// Not within five minutes after it was last asked for: the request may still be on its way. Ask the gateway first, or let [`Desk::drop_refund`](crate::desk::Desk::drop_refund) do it. Money that goes back
    /// after all is still recorded by [`OrderStore::settle_refund`].
    fn drop_refund<'a>(
        &'a self,
        number: &'a RefundNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundStep, Error>>;

    /// The refund of this number.
    fn find_refund<'a>(&'a self, number: &'a RefundNo) -> BoxFuture<'a, Result<Option<StoredRefund>, Error>>;

    /// The refunds of an order, the oldest first.
    fn refunds_of<'a>(&'a self, number: &'a OutTradeNo) -> BoxFuture<'a, Result<Vec<StoredRefund>, Error>>;

    /// Orders that are pending or unknown and changed last before `before`, the oldest first, at most `limit`;
    /// `after` is the last one of the page before.
    fn open_orders<'a>(
        &'a self,
        before: UnixMillis,
        after: Option<&'a StoredOrder>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<StoredOrder>, Error>>;

    /// Refunds that are requested, processing or abnormal and changed last before `before`, the oldest first.
    fn open_refunds<'a>(
        &'a self,
        before: UnixMillis,
        after: Option<&'a StoredRefund>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<StoredRefund>, Error>>;

    /// Every payment and every succeeded refund of a channel that was recorded in `from..to`, in order of the
    /// numbers: what a bill is compared with.
    fn movements<'a>(
        &'a self,
        channel: Channel,
        from: UnixMillis,
        to: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<StoredMovement>, Error>>;

    /// Takes up to `limit` pieces of work whose lease is free, for `lease_millis`. Settling records the work in the
    /// same transaction, so that a gateway can be acknowledged at once and nothing is lost by a crash.
    ///
    /// A piece that is not finished comes again when its lease ends, so do each in a way that can be repeated. The
    /// pieces of one order come one after the other: the next one when the one before is finished. Fewer than there
    /// are may be given while others take at the same moment.
    fn take_work<'a>(
        &'a self,
        now: UnixMillis,
        lease_millis: u64,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Work>, Error>>;

    /// This work is done: it is forgotten. False if it was done before, or if its lease ended and somebody took it
    /// again: then it is theirs.
    fn finish_work<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result<bool, Error>>;

    /// This work failed: it comes again, and what follows it in its order waits, from `until` on. One more attempt is
    /// counted. False as for [`OrderStore::finish_work`].
    fn postpone_work<'a>(&'a self, work: &'a Work, until: UnixMillis) -> BoxFuture<'a, Result<bool, Error>>;
}
