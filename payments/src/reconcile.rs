//! Finds out what nobody told us: asks about orders and refunds that stay open, closes what is not paid, and lays
//! the day's bill beside our books. It reports everything as values and stops for nothing but the store.

use crate::desk::{Desk, RefundAnswer};
use crate::error::Error;
use crate::settle::StoredOrder;
use crate::store::StoredRefund;
use crate::{RefundNo, UnixMillis};

mod day;
mod diff;
mod orders;
#[cfg(test)]
mod tests;

pub use self::diff::{AmountDiffers, BillReport, MIDNIGHT_SECS, StateDiffers, diff};
pub use self::orders::{ChannelAnswer, Closing, OrderFinding};

/// How patient a [`Reconciler`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// Orders and refunds that changed less than this ago are left alone: the notify is under way.
    pub ask_after_secs: u64,
    /// Orders that the buyer was sent to pay, or that changed, last more than this ago and are not paid are closed. Let it be longer than the
    /// gateways let a buyer pay: what is closed here can no longer be paid there.
    pub close_after_secs: u64,
    /// How many orders, and how many refunds, one run looks at; the next run goes on from there.
    pub entries_max: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { ask_after_secs: 60, close_after_secs: 2 * 3_600, entries_max: 500 }
    }
}

/// Asks about what stays open. Any number of them may run at once, in any number of processes.
///
/// ```no_run
/// # async fn example(desk: payments::desk::Desk, day: payments::BillDay) -> Result<(), payments::Error> {
/// use payments::Channel;
/// use payments::reconcile::{Cursor, Reconciler};
///
/// let reconciler = Reconciler::new(desk);
/// let mut cursor = Cursor::default();
/// loop {
///     let report = reconciler.run(cursor).await;
///     for finding in &report.orders {
///         println!("{} {:?} {:?}", finding.out_trade_no, finding.asked, finding.closing);
///     }
///     cursor = report.next;
/// #   break;
///     // wait a minute
/// }
///
/// // After ten in the morning, for the day before:
/// if let Some(report) = reconciler.compare_day(Channel::Alipay, day).await? {
///     println!("clean: {}, missing here: {:?}", report.is_clean(), report.missing_here);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Reconciler {
    desk: Desk,
    patience: Patience,
}

/// Where the next run goes on; the default begins with the oldest.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    order: Option<StoredOrder>,
    refund: Option<StoredRefund>,
}

/// What one run found.
#[derive(Debug)]
#[must_use = "mismatches and errors are told here and nowhere else"]
#[non_exhaustive]
pub struct ReconcileReport {
    /// One entry for each open order that was looked at.
    pub orders: Vec<OrderFinding>,
    /// One entry for each open refund that was looked at.
    pub refunds: Vec<RefundFinding>,
    /// Where the next run goes on.
    pub next: Cursor,
    /// The store did not give the next page, so that this run looked at less than it should.
    pub stopped_by: Option<Error>,
}

/// What was found about one open refund.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefundFinding {
    /// The refund.
    pub refund_no: RefundNo,
    /// What became of it. After an error it stays open and is asked about again in a later run.
    pub answer: Result<RefundAnswer, Error>,
}

/// Entries of one page.
const PAGE_MAX: u32 = 100;

impl Reconciler {
    /// A reconciler with the usual [`Patience`].
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        Self { desk, patience: Patience::default() }
    }

    /// The same reconciler with other patience.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Looks once at open orders and refunds, the oldest first, one after the other. What goes wrong with one of
    /// them is in its finding; the others are looked at all the same.
    pub async fn run(&self, from: Cursor) -> ReconcileReport {
        let next = Cursor::default();
        let mut report = ReconcileReport { orders: Vec::new(), refunds: Vec::new(), next, stopped_by: None };
        if let Err(error) = self.run_orders(from.order, &mut report).await {
            report.stopped_by = Some(error);
        }
        if let Err(error) = self.run_refunds(from.refund, &mut report).await {
            report.stopped_by = Some(error);
        }
        report
    }

    async fn run_orders(
        &self,
        mut last: Option<StoredOrder>,
        report: &mut ReconcileReport,
    ) -> Result<(), Error> {
        let before = ago(self.desk.now(), self.patience.ask_after_secs);
        let mut left = self.patience.entries_max;
        while left > 0 {
            let limit = left.min(PAGE_MAX);
            report.next.order.clone_from(&last);
            let page = self.desk.store().open_orders(before, last.as_ref(), limit).await?;
            for stored in &page {
                report.orders.push(self.look_at(stored).await);
            }
            left -= limit;
            // A page that is not full is the last: the next run begins with the oldest again.
            last = page.into_iter().nth(place_of_last(limit));
            report.next.order.clone_from(&last);
            if last.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn run_refunds(
        &self,
        mut last: Option<StoredRefund>,
        report: &mut ReconcileReport,
    ) -> Result<(), Error> {
        let before = ago(self.desk.now(), self.patience.ask_after_secs);
        let mut left = self.patience.entries_max;
        while left > 0 {
            let limit = left.min(PAGE_MAX);
            report.next.refund.clone_from(&last);
            let page = self.desk.store().open_refunds(before, last.as_ref(), limit).await?;
            for stored in &page {
                let answer = self.desk.resume_refund(stored).await;
                report.refunds.push(RefundFinding { refund_no: stored.refund.refund_no.clone(), answer });
            }
            left -= limit;
            last = page.into_iter().nth(place_of_last(limit));
            report.next.refund.clone_from(&last);
            if last.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// Where the last entry of a full page is.
fn place_of_last(limit: u32) -> usize {
    usize::try_from(limit.saturating_sub(1)).unwrap_or(usize::MAX)
}

fn ago(now: UnixMillis, secs: u64) -> UnixMillis {
    UnixMillis::from_millis(now.as_millis().saturating_sub(secs.saturating_mul(1000)))
}
