//! The books of a memory store, and each verb on them.

use crate::notify::{Channel, Checked, Notify};
use crate::refund::books::{self, RefundWrite};
use crate::settle::{self, Settlement, StoredOrder, Write};
use crate::store::{
    Creation, RefundRenewal, RefundSettlement, RefundStart, RefundStep, Step, StoredMovement, StoredRefund,
    Submission, Work, WorkId, lease_end,
};
use crate::submit;
use crate::{
    Order, OutTradeNo, Refund, RefundChecked, RefundNo, RefundNotify, RefundState, TradeEvent, TradeState,
    UnixMillis,
};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Debug, Default)]
pub(super) struct Books {
    accounts: HashMap<OutTradeNo, Account>,
    refund_orders: HashMap<RefundNo, OutTradeNo>,
    work: BTreeMap<i64, Work>,
    /// The highest number that was ever given to a piece of work; none is given twice.
    last_work: i64,
}

/// One order with its refunds.
#[derive(Debug)]
struct Account {
    stored: StoredOrder,
    refunds: Vec<StoredRefund>,
}

impl Books {
    pub(super) fn create(&mut self, order: &Order, at: UnixMillis) -> Creation {
        if let Some(account) = self.accounts.get(&order.out_trade_no) {
            return submit::taken(&account.stored.order, order);
        }
        let account = Account { stored: StoredOrder::new(order.clone(), at), refunds: Vec::new() };
        self.accounts.insert(order.out_trade_no.clone(), account);
        Creation::Created
    }

    pub(super) fn stored(&self, number: &OutTradeNo) -> Option<&StoredOrder> {
        self.accounts.get(number).map(|account| &account.stored)
    }

    pub(super) fn step(&mut self, number: &OutTradeNo, event: TradeEvent, at: UnixMillis) -> Step {
        let Some(stored) = self.stored(number) else { return Step::UnknownOrder };
        let (step, write) = submit::step(stored.state, event);
        self.write(number, write, at);
        step
    }

    pub(super) fn close_if(&mut self, number: &OutTradeNo, seen: UnixMillis, at: UnixMillis) -> Step {
        let Some(stored) = self.stored(number) else { return Step::UnknownOrder };
        let (step, write) = submit::close_if(stored, seen);
        self.write(number, write, at);
        step
    }

    pub(super) fn submit(&mut self, number: &OutTradeNo, channel: Channel, at: UnixMillis) -> Submission {
        let Some(stored) = self.stored(number) else { return Submission::UnknownOrder };
        let (submission, write) = submit::submit(stored, channel, at);
        self.write(number, write, at);
        submission
    }

    pub(super) fn settle(&mut self, notify: &Notify<Checked>, at: UnixMillis) -> Settlement {
        let number = notify.out_trade_no();
        let Some(stored) = self.stored(number) else { return Settlement::UnknownOrder };
        let verdict = settle::settle(stored, notify, at);
        self.write(number, verdict.write, at);
        verdict.settlement
    }

    fn write(&mut self, number: &OutTradeNo, write: Option<Write>, at: UnixMillis) {
        let (Some(write), Some(account)) = (write, self.accounts.get_mut(number)) else { return };
        account.stored.state = write.state;
        account.stored.submissions.extend(write.submission);
        account.stored.payments.extend(write.payment);
        account.stored.updated_at = at;
        if let Some(task) = write.task {
            self.last_work += 1;
            let (id, leased_until) = (WorkId(self.last_work), UnixMillis::from_millis(0));
            let work = Work { id, out_trade_no: number.clone(), task, leased_until, attempts: 0 };
            self.work.insert(self.last_work, work);
        }
    }

    pub(super) fn refund(&self, number: &RefundNo) -> Option<&StoredRefund> {
        let account = self.accounts.get(self.refund_orders.get(number)?)?;
        account.refunds.iter().find(|stored| stored.refund.refund_no == *number)
    }

    pub(super) fn begin_refund(&mut self, refund: &Refund, at: UnixMillis) -> RefundStart {
        let known = self.refund(&refund.refund_no);
        let account = self.accounts.get(&refund.out_trade_no);
        let refunds = account.map_or(&[][..], |account| &account.refunds);
        let start = books::begin(known, account.map(|account| &account.stored), refunds, refund);
        if let (RefundStart::Started, Some(account)) = (&start, self.accounts.get_mut(&refund.out_trade_no)) {
            account.refunds.push(StoredRefund::new(refund.clone(), at));
            self.refund_orders.insert(refund.refund_no.clone(), refund.out_trade_no.clone());
        }
        start
    }

    pub(super) fn settle_refund(
        &mut self,
        notify: &RefundNotify<RefundChecked>,
        at: UnixMillis,
    ) -> RefundSettlement {
        let number = notify.out_trade_no();
        let Some(account) = self.accounts.get(number) else { return RefundSettlement::UnknownRefund };
        let verdict = books::settle(&account.stored, &account.refunds, notify);
        self.write_refund((number, notify.refund_no()), verdict.write, at);
        verdict.settlement
    }

    pub(super) fn renew_refund(&mut self, number: &RefundNo, at: UnixMillis) -> RefundRenewal {
        let Some(stored) = self.refund(number) else { return RefundRenewal::UnknownRefund };
        let (renewal, write) = books::renew(stored, at);
        let order = stored.refund.out_trade_no.clone();
        self.write_refund((&order, number), write, at);
        renewal
    }

    pub(super) fn drop_refund(&mut self, number: &RefundNo, at: UnixMillis) -> RefundStep {
        let Some(stored) = self.refund(number) else { return RefundStep::UnknownRefund };
        let (step, write) = books::give_up(stored, at);
        let order = stored.refund.out_trade_no.clone();
        self.write_refund((&order, number), write, at);
        step
    }

    fn write_refund(
        &mut self,
        (order, number): (&OutTradeNo, &RefundNo),
        write: Option<RefundWrite>,
        at: UnixMillis,
    ) {
        let (Some(write), Some(account)) = (write, self.accounts.get_mut(order)) else { return };
        if let Some(stored) = account.refunds.iter_mut().find(|stored| stored.refund.refund_no == *number) {
            stored.state = write.state;
            stored.updated_at = at;
        }
        self.write(order, write.order, at);
    }

    pub(super) fn refunds_of(&self, number: &OutTradeNo) -> Vec<StoredRefund> {
        let mut refunds = self.accounts.get(number).map_or_else(Vec::new, |account| account.refunds.clone());
        refunds.sort_by(|one, other| {
            (one.created_at, &one.refund.refund_no).cmp(&(other.created_at, &other.refund.refund_no))
        });
        refunds
    }

    pub(super) fn open_orders(
        &self,
        before: UnixMillis,
        after: Option<&StoredOrder>,
        limit: u32,
    ) -> Vec<StoredOrder> {
        let place = |stored: &StoredOrder| (stored.updated_at, stored.order.out_trade_no.clone());
        let after = after.map(place);
        let is_open = |stored: &StoredOrder| {
            matches!(stored.state, TradeState::Pending | TradeState::Unknown) && stored.updated_at < before
        };
        let open = self.accounts.values().map(|account| &account.stored).filter(|stored| is_open(stored));
        let rest = open.filter(|stored| after.as_ref().is_none_or(|after| place(stored) > *after));
        let mut rest: Vec<_> = rest.cloned().collect();
        rest.sort_by_key(place);
        rest.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        rest
    }

    pub(super) fn open_refunds(
        &self,
        before: UnixMillis,
        after: Option<&StoredRefund>,
        limit: u32,
    ) -> Vec<StoredRefund> {
        let place = |stored: &StoredRefund| (stored.updated_at, stored.refund.refund_no.clone());
        let after = after.map(place);
        let refunds = self.accounts.values().flat_map(|account| &account.refunds);
        let open = refunds.filter(|stored| stored.state.is_open() && stored.updated_at < before);
        let rest = open.filter(|stored| after.as_ref().is_none_or(|after| place(stored) > *after));
        let mut rest: Vec<_> = rest.cloned().collect();
        rest.sort_by_key(place);
        rest.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        rest
    }

    pub(super) fn movements(
        &self,
        channel: Channel,
        from: UnixMillis,
        to: UnixMillis,
    ) -> Vec<StoredMovement> {
        let mut movements: Vec<_> =
            self.accounts.values().flat_map(|account| account.movements(channel)).collect();
        movements.retain(|movement| (from..to).contains(&movement.at));
        movements.sort_by(StoredMovement::by_numbers);
        movements
    }

    /// The earliest piece of each order, if its lease is free: work of one order is done in its order.
    pub(super) fn take_work(&mut self, now: UnixMillis, lease_millis: u64, limit: u32) -> Vec<Work> {
        let (mut orders, mut taken) = (HashSet::new(), Vec::new());
        for work in self.work.values_mut() {
            if taken.len() == usize::try_from(limit).unwrap_or(usize::MAX) {
                break;
            }
            if orders.insert(work.out_trade_no.clone()) && work.leased_until <= now {
                work.leased_until = lease_end(now, lease_millis);
                taken.push(work.clone());
            }
        }
        taken
    }

    pub(super) fn finish_work(&mut self, done: &Work) -> bool {
        self.leased(done).is_some() && self.work.remove(&done.id.0).is_some()
    }

    pub(super) fn postpone_work(&mut self, failed: &Work, until: UnixMillis) -> bool {
        let Some(work) = self.leased(failed) else { return false };
        work.leased_until = until;
        work.attempts = work.attempts.saturating_add(1);
        true
    }

    /// The piece, if nobody took it since it was given out so.
    fn leased(&mut self, taken: &Work) -> Option<&mut Work> {
        self.work.get_mut(&taken.id.0).filter(|work| work.leased_until == taken.leased_until)
    }
}

impl Account {
    fn movements(&self, channel: Channel) -> impl Iterator<Item = StoredMovement> {
        let order = &self.stored.order;
        let payments = self.stored.payments.iter().filter(move |payment| payment.channel == channel);
        let payments = payments.map(|payment| StoredMovement {
            out_trade_no: order.out_trade_no.clone(),
            trade_no: payment.trade_no.clone(),
            refund_no: None,
            amount: order.amount,
            at: payment.settled_at,
        });
        let is_meant = move |stored: &&StoredRefund| {
            stored.refund.channel == channel && stored.state == RefundState::Succeeded
        };
        let refunds = self.refunds.iter().filter(is_meant).map(|stored| StoredMovement {
            out_trade_no: order.out_trade_no.clone(),
            trade_no: stored.refund.trade_no.clone(),
            refund_no: Some(stored.refund.refund_no.clone()),
            amount: stored.refund.amount,
            at: stored.updated_at,
        });
        payments.chain(refunds)
    }
}
