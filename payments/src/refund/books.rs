//! The rules of refunds in our books: what may go back at all, and what a message about a refund means for its order.
//! Every store runs exactly these rules.

use super::{Refund, RefundChecked, RefundNotify, RefundState, RefundTransition, apply_refund};
use crate::settle::{StoredOrder, Write};
use crate::store::{RefundRenewal, RefundSettlement, RefundStart, RefundStep, StoredRefund};
use crate::{Money, TradeEvent, TradeState, Transition, UnixMillis, apply};

/// The answer of the rule, and what a store has to write with it in one atomic step.
pub(crate) struct RefundVerdict {
    pub(crate) settlement: RefundSettlement,
    pub(crate) write: Option<RefundWrite>,
}

/// A change of one stored refund, and of its order if that moves too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundWrite {
    pub(crate) state: RefundState,
    pub(crate) order: Option<Write>,
}

/// Whether a refund may begin. `known` is the refund that has its number, wherever; `refunds` are those of the order.
/// On [`RefundStart::Started`] the store records it.
pub(crate) fn begin(
    known: Option<&StoredRefund>,
    order: Option<&StoredOrder>,
    refunds: &[StoredRefund],
    asked: &Refund,
) -> RefundStart {
    if let Some(known) = known {
        return if known.refund == *asked {
            RefundStart::Same(known.state)
        } else {
            RefundStart::Conflict { stored: Box::new(known.refund.clone()) }
        };
    }
    let Some(order) = order else { return RefundStart::UnknownOrder };
    if !order.paid_by(asked.channel, &asked.trade_no) {
        return RefundStart::UnknownTrade;
    }
    // A payment is settled only if it brings in exactly the price.
    let paid = order.order.amount;
    if asked.paid != paid {
        return RefundStart::PaidDiffers { paid };
    }
    let left = left(order, refunds, asked);
    if asked.amount.minor() > left {
        return RefundStart::Exceeds { left: Money::from_minor(left, paid.currency()).ok() };
    }
    RefundStart::Started
}

/// What can still go back of the trade, in minor units. A refund made at the gateway's own console is not among ours;
/// only one in full is told to us, by the order's state.
fn left(order: &StoredOrder, refunds: &[StoredRefund], asked: &Refund) -> i64 {
    if order.state == TradeState::Refunded && order.first_paid_by(asked.channel, &asked.trade_no) {
        return 0;
    }
    let taken = sum(refunds, asked, |state| state != RefundState::Closed);
    order.order.amount.minor().saturating_sub(taken)
}

/// The sum of the refunds of the same trade as `of` whose state counts, in minor units.
fn sum(refunds: &[StoredRefund], of: &Refund, counts: fn(RefundState) -> bool) -> i64 {
    let of_trade = |refund: &Refund| refund.channel == of.channel && refund.trade_no == of.trade_no;
    let counted = refunds.iter().filter(|stored| of_trade(&stored.refund) && counts(stored.state));
    counted.fold(0, |sum, stored| sum.saturating_add(stored.refund.amount.minor()))
}

/// What a checked message does to its refund and to the order.
pub(crate) fn settle(
    order: &StoredOrder,
    refunds: &[StoredRefund],
    notify: &RefundNotify<RefundChecked>,
) -> RefundVerdict {
    let only = |settlement| RefundVerdict { settlement, write: None };
    let is_meant = |stored: &&StoredRefund| {
        stored.refund.refund_no == *notify.refund_no() && stored.refund.channel == notify.channel()
    };
    let Some(stored) = refunds.iter().find(is_meant) else {
        return only(RefundSettlement::UnknownRefund);
    };
    if stored.refund.amount != notify.amount() {
        return only(RefundSettlement::AmountDiffers { asked: stored.refund.amount });
    }
    let state = match apply_refund(stored.state, notify.status()) {
        RefundTransition::Moved(state) => state,
        RefundTransition::Same => return only(RefundSettlement::Duplicate),
        RefundTransition::Refused => return only(RefundSettlement::Refused(stored.state)),
    };
    let write = order_after(order, refunds, stored, state);
    let moved_to = write.as_ref().map_or(order.state, |write| write.state);
    RefundVerdict {
        settlement: RefundSettlement::Moved { refund: state, order: moved_to },
        write: Some(RefundWrite { state, order: write }),
    }
}

/// What asking for a refund again does to it: an open one is as fresh as if it were asked for now.
pub(crate) fn renew(stored: &StoredRefund, at: UnixMillis) -> (RefundRenewal, Option<RefundWrite>) {
    if !stored.state.is_open() {
        return (RefundRenewal::Over(stored.state), None);
    }
    let write = RefundWrite { state: stored.state, order: None };
    (RefundRenewal::Renewed, (at > stored.updated_at).then_some(write))
}

/// A request that was sent before this many seconds is not on its way any more: far longer than a call and its
/// repeats take, and longer than the clocks of two processes differ.
pub(crate) const REQUEST_SECS_MAX: u64 = 300;

/// What giving a refund up does to it. Only one that no gateway is known to have, and that no request on its way can
/// bring there, is ours to give up; its order does not move, as no money did.
pub(crate) fn give_up(stored: &StoredRefund, at: UnixMillis) -> (RefundStep, Option<RefundWrite>) {
    let until = stored.updated_at.plus_secs(REQUEST_SECS_MAX);
    match stored.state {
        RefundState::Requested if at < until => (RefundStep::TooSoon { until }, None),
        RefundState::Requested => {
            let write = RefundWrite { state: RefundState::Closed, order: None };
            (RefundStep::Moved, Some(write))
        }
        RefundState::Closed => (RefundStep::Same, None),
        RefundState::Processing | RefundState::Succeeded | RefundState::Abnormal => {
            (RefundStep::Refused(stored.state), None)
        }
    }
}

/// Money that went back from the first trade moves the order. Money of another trade bought nothing, so its way back
/// changes nothing; and a full refund that the gateway told of before has moved the order already.
fn order_after(
    order: &StoredOrder,
    refunds: &[StoredRefund],
    moved: &StoredRefund,
    state: RefundState,
) -> Option<Write> {
    let first = order.first_paid_by(moved.refund.channel, &moved.refund.trade_no);
    if state != RefundState::Succeeded || !first {
        return None;
    }
    let others = sum(refunds, &moved.refund, |state| state == RefundState::Succeeded);
    // The moved one is not among them: it is succeeded only now.
    let gone = others.saturating_add(moved.refund.amount.minor());
    let whole = gone >= order.order.amount.minor();
    let event = if whole { TradeEvent::Refunded } else { TradeEvent::PartlyRefunded };
    match apply(order.state, event) {
        Transition::Moved(state) => Some(Write::refunded(state)),
        Transition::Same | Transition::Refused => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refund::{ExpectedRefund, RefundReport, RefundStatus};
    use crate::settle::{Payment, Verdict};
    use crate::{Channel, Order, OutTradeNo, RefundNo, SellerId, Subject, TradeNo, UnixMillis};

    const AT: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);

    fn fen(minor: i64) -> Money {
        Money::from_minor(minor, crate::Currency::Cny).unwrap()
    }

    /// An order of 100 fen, paid by the trades `1` and `2`.
    fn paid(state: TradeState) -> StoredOrder {
        let number = OutTradeNo::parse("COURSE_0001").unwrap();
        let mut stored = StoredOrder::new(Order::new(number, Subject::parse("a").unwrap(), fen(100)), AT);
        stored.state = state;
        for trade in ["1", "2"] {
            let trade_no = TradeNo::parse(trade).unwrap();
            let payment = Payment { channel: Channel::Wechat, trade_no, notify_id: None, settled_at: AT };
            stored.payments.push(payment);
        }
        stored
    }

    fn refund(number: &str, trade: &str, minor: i64) -> Refund {
        let trade = (Channel::Wechat, TradeNo::parse(trade).unwrap());
        let order = OutTradeNo::parse("COURSE_0001").unwrap();
        Refund::new(RefundNo::parse(number).unwrap(), order, trade, fen(100), fen(minor))
    }

    fn stored(number: &str, trade: &str, minor: i64, state: RefundState) -> StoredRefund {
        StoredRefund { state, ..StoredRefund::new(refund(number, trade, minor), AT) }
    }

    fn said(refund: &Refund, status: RefundStatus) -> RefundNotify<RefundChecked> {
        let seller_id = SellerId::parse("1900000001").unwrap();
        let expected = ExpectedRefund {
            channel: refund.channel,
            seller_id: seller_id.clone(),
            out_trade_no: refund.out_trade_no.clone(),
            refund_no: refund.refund_no.clone(),
            amount: refund.amount,
        };
        let report = RefundReport {
            channel: refund.channel,
            seller_id: seller_id.as_str().to_owned(),
            out_trade_no: refund.out_trade_no.as_str().to_owned(),
            trade_no: Some(refund.trade_no.clone()),
            refund_no: refund.refund_no.as_str().to_owned(),
            amount: refund.amount,
            status,
            succeeded_at: None,
        };
        RefundNotify::verified(report).check(&expected).unwrap()
    }

    #[test]
    fn a_trade_never_gives_back_more_than_it_brought_in() {
        let order = paid(TradeState::Paid);
        let there = [
            stored("REFUND_1", "1", 30, RefundState::Requested),
            stored("REFUND_2", "1", 30, RefundState::Succeeded),
            stored("REFUND_3", "1", 90, RefundState::Closed),
            stored("REFUND_4", "2", 99, RefundState::Abnormal),
        ];
        let ask = |trade: &str, minor| begin(None, Some(&order), &there, &refund("REFUND_9", trade, minor));
        assert_eq!(ask("1", 40), RefundStart::Started);
        assert_eq!(ask("1", 41), RefundStart::Exceeds { left: Some(fen(40)) });
        assert_eq!(ask("2", 1), RefundStart::Started);
        assert_eq!(ask("2", 2), RefundStart::Exceeds { left: Some(fen(1)) });
        assert_eq!(ask("3", 1), RefundStart::UnknownTrade);
        let full = [stored("REFUND_1", "1", 100, RefundState::Processing)];
        let none = begin(None, Some(&order), &full, &refund("REFUND_9", "1", 1));
        assert_eq!(none, RefundStart::Exceeds { left: None });
    }

    #[test]
    fn the_number_and_the_facts_of_the_order_are_asked_first() {
        let order = paid(TradeState::Refunded);
        let known = stored("REFUND_1", "1", 30, RefundState::Abnormal);
        let again = begin(Some(&known), Some(&order), &[], &refund("REFUND_1", "1", 30));
        assert_eq!(again, RefundStart::Same(RefundState::Abnormal));
        let other = begin(Some(&known), None, &[], &refund("REFUND_1", "1", 31));
        assert!(matches!(other, RefundStart::Conflict { stored } if stored.amount == fen(30)));
        let ask = |order: Option<&StoredOrder>, refund: &Refund| begin(None, order, &[], refund);
        assert_eq!(ask(None, &refund("REFUND_2", "1", 1)), RefundStart::UnknownOrder);
        // The gateway told that all the money of the first trade is gone; the second trade has all of its own.
        assert_eq!(ask(Some(&order), &refund("REFUND_2", "1", 1)), RefundStart::Exceeds { left: None });
        assert_eq!(ask(Some(&order), &refund("REFUND_2", "2", 100)), RefundStart::Started);
        let wrong = Refund { paid: fen(99), ..refund("REFUND_2", "2", 1) };
        assert_eq!(ask(Some(&order), &wrong), RefundStart::PaidDiffers { paid: fen(100) });
    }

    #[test]
    fn only_what_no_gateway_has_is_given_up() {
        let quiet = AT.plus_secs(REQUEST_SECS_MAX);
        for state in RefundState::ALL {
            let there = stored("REFUND_1", "1", 30, state);
            let soon = give_up(&there, UnixMillis::from_millis(quiet.as_millis() - 1));
            assert_eq!(soon.1, None, "{state:?}");
            let too_soon = soon.0 == RefundStep::TooSoon { until: quiet };
            assert_eq!(too_soon, state == RefundState::Requested, "{state:?}");
            let (step, write) = give_up(&there, quiet);
            assert_eq!(write.is_some(), state == RefundState::Requested, "{state:?}");
            assert_eq!(step == RefundStep::Same, state == RefundState::Closed, "{state:?}");
            if let Some(write) = write {
                assert_eq!((step, write.state, write.order), (RefundStep::Moved, RefundState::Closed, None));
            }
        }
        // The amount is free again, and money that goes back after all still counts.
        let order = paid(TradeState::Paid);
        let there = [stored("REFUND_1", "1", 100, RefundState::Closed)];
        assert_eq!(begin(None, Some(&order), &there, &refund("REFUND_2", "1", 100)), RefundStart::Started);
        let told = settle(&order, &there, &said(&there[0].refund, RefundStatus::Succeeded));
        let (refund, order) = (RefundState::Succeeded, TradeState::Refunded);
        assert_eq!(told.settlement, RefundSettlement::Moved { refund, order });
    }

    #[test]
    fn only_an_open_refund_is_asked_for_again_and_is_then_fresh() {
        for state in RefundState::ALL {
            let there = stored("REFUND_1", "1", 30, state);
            let (renewal, write) = renew(&there, AT.plus_secs(1));
            if state.is_open() {
                assert_eq!(
                    (renewal, write),
                    (RefundRenewal::Renewed, Some(RefundWrite { state, order: None }))
                );
            } else {
                assert_eq!((renewal, write), (RefundRenewal::Over(state), None));
            }
            assert_eq!(renew(&there, AT).1, None, "time does not go back");
        }
    }

    #[test]
    fn only_money_of_the_first_trade_moves_the_order() {
        let order = paid(TradeState::Paid);
        let there = [
            stored("REFUND_1", "1", 60, RefundState::Processing),
            stored("REFUND_2", "2", 100, RefundState::Processing),
            stored("REFUND_3", "1", 40, RefundState::Succeeded),
        ];
        let tell = |number: usize, status| settle(&order, &there, &said(&there[number].refund, status));
        let moved = |refund, order| RefundSettlement::Moved { refund, order };
        let whole = tell(0, RefundStatus::Succeeded);
        assert_eq!(whole.settlement, moved(RefundState::Succeeded, TradeState::Refunded));
        assert_eq!(whole.write.unwrap().order, Some(Write::refunded(TradeState::Refunded)));
        let second = tell(1, RefundStatus::Succeeded);
        assert_eq!(second.settlement, moved(RefundState::Succeeded, TradeState::Paid));
        assert_eq!(second.write.unwrap().order, None);
        assert_eq!(tell(0, RefundStatus::Closed).settlement, moved(RefundState::Closed, TradeState::Paid));
        assert_eq!(tell(2, RefundStatus::Succeeded).settlement, RefundSettlement::Duplicate);
        let late = tell(2, RefundStatus::Processing).settlement;
        assert_eq!(late, RefundSettlement::Refused(RefundState::Succeeded));
    }

    #[test]
    fn a_message_about_something_else_changes_nothing() {
        let order = paid(TradeState::Paid);
        let there = [stored("REFUND_1", "1", 60, RefundState::Processing)];
        let tell =
            |refund: &Refund| settle(&order, &there, &said(refund, RefundStatus::Succeeded)).settlement;
        assert_eq!(tell(&refund("REFUND_2", "1", 60)), RefundSettlement::UnknownRefund);
        let elsewhere = Refund { channel: Channel::Alipay, ..refund("REFUND_1", "1", 60) };
        assert_eq!(tell(&elsewhere), RefundSettlement::UnknownRefund);
        assert_eq!(tell(&refund("REFUND_1", "1", 59)), RefundSettlement::AmountDiffers { asked: fen(60) });
    }

    #[test]
    fn a_closed_refund_that_succeeds_counts_even_beyond_the_price() {
        let order = paid(TradeState::PartiallyRefunded);
        let there = [
            stored("REFUND_1", "1", 60, RefundState::Closed),
            stored("REFUND_2", "1", 70, RefundState::Succeeded),
        ];
        let verdict = settle(&order, &there, &said(&there[0].refund, RefundStatus::Succeeded));
        let order = TradeState::Refunded;
        assert_eq!(verdict.settlement, RefundSettlement::Moved { refund: RefundState::Succeeded, order });
    }

    /// The refund's own reply and the notify that closes the trade may come in either order.
    #[test]
    fn both_orders_of_arrival_end_alike() {
        use crate::form::Params;
        use crate::notify::{ExpectedOrder, Notify, Report, TradeStatus};
        let closed = || {
            let order = paid(TradeState::Paid).order;
            let (app, seller) = ("wx2421b1c4370ec43b", "1900000001");
            let report = Report {
                channel: Channel::Wechat,
                app_id: app.to_owned(),
                seller_id: seller.to_owned(),
                out_trade_no: order.out_trade_no.as_str().to_owned(),
                trade_no: TradeNo::parse("1").unwrap(),
                amount: order.amount,
                status: TradeStatus::Closed,
                notify_id: None,
                money_came: true,
                refund_asked: false,
                fields: Params::new(),
            };
            let expected = ExpectedOrder {
                channel: Channel::Wechat,
                app_id: crate::AppId::parse(app).unwrap(),
                seller_id: SellerId::parse(seller).unwrap(),
                out_trade_no: order.out_trade_no,
                amount: order.amount,
            };
            Notify::verified(report).check(&expected).unwrap()
        };
        // A part that went back by us, the rest by hand at the gateway's console; or all of it by us.
        for minor in [30, 100] {
            let ends: Vec<_> = [true, false]
                .into_iter()
                .map(|reply_first| {
                    let (mut order, mut refund) =
                        (paid(TradeState::Paid), stored("REFUND_1", "1", minor, RefundState::Processing));
                    let mut tasks = Vec::new();
                    for reply in [reply_first, !reply_first] {
                        let write = if reply {
                            let refunds = std::slice::from_ref(&refund);
                            let verdict =
                                settle(&order, refunds, &said(&refund.refund, RefundStatus::Succeeded));
                            let write = verdict.write.unwrap();
                            refund.state = write.state;
                            write.order
                        } else {
                            let Verdict { write, .. } = crate::settle::settle(&order, &closed(), AT);
                            write
                        };
                        if let Some(write) = write {
                            order.state = write.state;
                            tasks.extend(write.task);
                        }
                    }
                    (order.state, refund.state, tasks)
                })
                .collect();
            assert_eq!(ends[0], ends[1], "{minor}");
            assert_eq!(ends[0].0, TradeState::Refunded);
            assert_eq!(ends[0].2, [crate::store::Task::Withdraw]);
        }
    }
}
