//! The rule of settlement: what one checked notify means for one stored order. Every store runs exactly this rule.

use crate::notify::{Channel, Checked, Notify, TradeStatus};
use crate::{Money, Order, TradeEvent, TradeNo, TradeState, Transition, UnixMillis, apply};

/// An order with its history, as a store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredOrder {
    /// What was sold.
    pub order: Order,
    /// Where it stands.
    pub state: TradeState,
    /// Every trade that paid for it, in order of arrival. More than one means: paid twice.
    pub payments: Vec<Payment>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When its state or its payments changed last.
    pub updated_at: UnixMillis,
}

/// One trade that paid.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payment {
    /// The gateway.
    pub channel: Channel,
    /// The gateway's number.
    pub trade_no: TradeNo,
    /// The message that told us; none if a query told us.
    pub notify_id: Option<String>,
    /// When we recorded it.
    pub settled_at: UnixMillis,
}

/// What settling one notify did. `Paid` is answered once in the life of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a settlement may ask for a refund"]
#[non_exhaustive]
pub enum Settlement {
    /// The money is here, for the first time: deliver.
    Paid,
    /// This payment, or this refund, was already recorded: only acknowledge.
    Duplicate,
    /// The money came after the order was closed: refund this trade.
    PaidAfterClose,
    /// Another trade had paid before: refund this trade. What became of the first is told by its own messages.
    PaidTwice {
        /// The trade that paid first.
        first: TradeNo,
    },
    /// The trade that paid first was refunded in full, also if this message is the first to tell that it had paid.
    Refunded,
    /// The message brings no money: the trade is unpaid, or it is a second one and was refunded. The order does not
    /// move.
    NotPaid {
        /// What the gateway says.
        status: TradeStatus,
    },
    /// No order has this number. Not acknowledged, so that the gateway tells again.
    UnknownOrder,
    /// The stored order costs something else than the message was checked against. Not acknowledged.
    AmountDiffers {
        /// The stored price.
        ordered: Money,
    },
}

/// What to answer the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ack {
    /// Everything is recorded: do not send this again.
    Success,
    /// Not recorded: send it again later.
    Fail,
}

impl Settlement {
    /// What to answer the gateway.
    #[must_use]
    pub fn ack(&self) -> Ack {
        match self {
            Self::UnknownOrder | Self::AmountDiffers { .. } => Ack::Fail,
            Self::Paid
            | Self::Duplicate
            | Self::PaidAfterClose
            | Self::PaidTwice { .. }
            | Self::Refunded
            | Self::NotPaid { .. } => Ack::Success,
        }
    }
}

/// The answer of the rule, and what a store has to write with it in one atomic step.
pub(crate) struct Verdict {
    pub(crate) settlement: Settlement,
    pub(crate) write: Option<Write>,
}

/// A change of one stored order.
pub(crate) struct Write {
    pub(crate) state: TradeState,
    pub(crate) payment: Option<Payment>,
}

impl StoredOrder {
    pub(crate) fn new(order: Order, at: UnixMillis) -> Self {
        Self { order, state: TradeState::Created, payments: Vec::new(), created_at: at, updated_at: at }
    }
}

pub(crate) fn settle(stored: &StoredOrder, notify: &Notify<Checked>, at: UnixMillis) -> Verdict {
    if stored.order.amount != notify.amount() {
        return only(Settlement::AmountDiffers { ordered: stored.order.amount });
    }
    match notify.status() {
        TradeStatus::Paid => settle_paid(stored, notify, at),
        TradeStatus::Closed => settle_closed(stored, notify, at),
        status @ TradeStatus::Waiting => only(Settlement::NotPaid { status }),
    }
}

fn settle_paid(stored: &StoredOrder, notify: &Notify<Checked>, at: UnixMillis) -> Verdict {
    if stored.payments.iter().any(|payment| is_of(payment, notify)) {
        return only(Settlement::Duplicate);
    }
    let (state, settlement) = match (apply(stored.state, TradeEvent::Paid), stored.payments.first()) {
        (Transition::Moved(state @ TradeState::PaidLate), _) => (state, Settlement::PaidAfterClose),
        (Transition::Moved(state), _) => (state, Settlement::Paid),
        (Transition::Same | Transition::Refused, Some(first)) => {
            (stored.state, Settlement::PaidTwice { first: first.trade_no.clone() })
        }
        // INVARIANT: a state that knows of money has a payment, so a store never comes here.
        (Transition::Same | Transition::Refused, None) => return only(Settlement::Duplicate),
    };
    Verdict { settlement, write: Some(Write { state, payment: Some(payment_by(notify, at)) }) }
}

/// A closed trade was refunded in full if it had paid this order, and never paid otherwise. The second case does
/// not close the order: the buyer may be paying through another trade.
fn settle_closed(stored: &StoredOrder, notify: &Notify<Checked>, at: UnixMillis) -> Verdict {
    let not_paid = Settlement::NotPaid { status: notify.status() };
    if !stored.payments.iter().any(|payment| is_of(payment, notify)) {
        return if notify.money_came() { settle_unseen(stored, notify, at) } else { only(not_paid) };
    }
    let paid_first = stored.payments.first().is_some_and(|first| is_of(first, notify));
    match apply(stored.state, TradeEvent::Refunded) {
        Transition::Moved(state) if paid_first => {
            Verdict { settlement: Settlement::Refunded, write: Some(Write { state, payment: None }) }
        }
        Transition::Same if paid_first => only(Settlement::Duplicate),
        _ => only(not_paid),
    }
}

/// Money that came and went back before anybody told us. The payment is recorded, so that the message about it,
/// still under way, is a duplicate and delivers nothing.
fn settle_unseen(stored: &StoredOrder, notify: &Notify<Checked>, at: UnixMillis) -> Verdict {
    let (state, settlement) = match apply(stored.state, TradeEvent::Paid) {
        // Paid and refunded in one step: every state that a payment leads to can be refunded.
        Transition::Moved(_) => (TradeState::Refunded, Settlement::Refunded),
        Transition::Same | Transition::Refused => {
            (stored.state, Settlement::NotPaid { status: notify.status() })
        }
    };
    Verdict { settlement, write: Some(Write { state, payment: Some(payment_by(notify, at)) }) }
}

fn payment_by(notify: &Notify<Checked>, at: UnixMillis) -> Payment {
    Payment {
        channel: notify.channel(),
        trade_no: notify.trade_no().clone(),
        notify_id: notify.notify_id().map(ToOwned::to_owned),
        settled_at: at,
    }
}

fn is_of(payment: &Payment, notify: &Notify<Checked>) -> bool {
    payment.channel == notify.channel() && payment.trade_no == *notify.trade_no()
}

fn only(settlement: Settlement) -> Verdict {
    Verdict { settlement, write: None }
}
