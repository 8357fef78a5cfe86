//! A memory store that fails at a chosen call, before or after it has done its part.

use super::unavailable;
use crate::error::Error;
use crate::notify::{Channel, Checked, Notify};
use crate::settle::{Settlement, StoredOrder};
use crate::store::{
    BoxFuture, Creation, MemoryStore, OrderStore, RefundRenewal, RefundSettlement, RefundStart, RefundStep,
    Step, StoredMovement, StoredRefund, Submission, Work,
};
use crate::{Order, OutTradeNo, Refund, RefundChecked, RefundNo, RefundNotify, UnixMillis};
use std::sync::Mutex;

#[derive(Debug, Default)]
pub(crate) struct FlakyStore {
    inner: MemoryStore,
    /// How many calls go well first, and whether the one that fails has acted.
    fault: Mutex<Option<(u32, bool)>>,
}

impl FlakyStore {
    pub(crate) fn fail_after(&self, calls: u32, acted: bool) {
        *self.fault.lock().unwrap() = Some((calls, acted));
    }

    pub(crate) fn heal(&self) {
        *self.fault.lock().unwrap() = None;
    }

    /// Whether this call fails, and if so whether it acts.
    fn fails(&self) -> Option<bool> {
        let mut fault = self.fault.lock().unwrap();
        let (calls, acted) = (*fault)?;
        *fault = calls.checked_sub(1).map(|calls| (calls, acted));
        fault.is_none().then_some(acted)
    }
}

macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        fn $name<'a>(&'a self, $($arg: $type),*) -> BoxFuture<'a, Result<$answer, Error>> {
            Box::pin(async move {
                match self.fails() {
                    None => self.inner.$name($($arg),*).await,
                    Some(true) => self.inner.$name($($arg),*).await.and(Err(unavailable())),
                    Some(false) => Err(unavailable()),
                }
            })
        }
    )*};
}

impl OrderStore for FlakyStore {
    forward! {
        create(order: &'a Order, at: UnixMillis) -> Creation;
        find(number: &'a OutTradeNo) -> Option<StoredOrder>;
        submit(number: &'a OutTradeNo, channel: Channel, at: UnixMillis) -> Submission;
        mark_unknown(number: &'a OutTradeNo, at: UnixMillis) -> Step;
        fail(number: &'a OutTradeNo, at: UnixMillis) -> Step;
        close(number: &'a OutTradeNo, at: UnixMillis) -> Step;
        close_if(number: &'a OutTradeNo, seen: UnixMillis, at: UnixMillis) -> Step;
        settle(notify: &'a Notify<Checked>, at: UnixMillis) -> Settlement;
        begin_refund(refund: &'a Refund, at: UnixMillis) -> RefundStart;
        settle_refund(notify: &'a RefundNotify<RefundChecked>, at: UnixMillis) -> RefundSettlement;
        renew_refund(number: &'a RefundNo, at: UnixMillis) -> RefundRenewal;
        drop_refund(number: &'a RefundNo, at: UnixMillis) -> RefundStep;
        find_refund(number: &'a RefundNo) -> Option<StoredRefund>;
        refunds_of(number: &'a OutTradeNo) -> Vec<StoredRefund>;
        open_orders(before: UnixMillis, after: Option<&'a StoredOrder>, limit: u32) -> Vec<StoredOrder>;
        open_refunds(before: UnixMillis, after: Option<&'a StoredRefund>, limit: u32) -> Vec<StoredRefund>;
        movements(channel: Channel, from: UnixMillis, to: UnixMillis) -> Vec<StoredMovement>;
        take_work(now: UnixMillis, lease_millis: u64, limit: u32) -> Vec<Work>;
        finish_work(work: &'a Work) -> bool;
        postpone_work(work: &'a Work, until: UnixMillis) -> bool;
    }
}
