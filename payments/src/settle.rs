//! The rule of settlement: what one checked notify means for one stored order. Every store runs exactly this rule.

use crate::notify::{Channel, Checked, Notify, TradeStatus};
use crate::store::Task;
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
    /// The channels that the buyer was sent to, and when first.
    pub submissions: Vec<(Channel, UnixMillis)>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When its state, its payments or its submissions changed last.
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
    /// move. With [`TradeStatus::Paid`] the trade was paid unseen and a refund was asked for since: whether the money
    /// is still here is for a person to look up at the gateway.
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

/// A change of one stored order, and the work that follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) state: TradeState,
    pub(crate) submission: Option<(Channel, UnixMillis)>,
    pub(crate) payment: Option<Payment>,
    pub(crate) task: Option<Task>,
}

impl Write {
    /// The order moves and nothing else happens.
    pub(crate) fn state(state: TradeState) -> Self {
        Self { state, submission: None, payment: None, task: None }
    }

    fn payment(state: TradeState, notify: &Notify<Checked>, at: UnixMillis) -> Self {
        Self { payment: Some(payment_by(notify, at)), ..Self::state(state) }
    }

    /// The order moved to this state because money of its first trade went back.
    pub(crate) fn refunded(state: TradeState) -> Self {
        let task = (state == TradeState::Refunded).then_some(Task::Withdraw);
        Self { task, ..Self::state(state) }
    }
}

impl StoredOrder {
    pub(crate) fn new(order: Order, at: UnixMillis) -> Self {
        Self {
            order,
            state: TradeState::Created,
            payments: Vec::new(),
            submissions: Vec::new(),
            created_at: at,
            updated_at: at,
        }
    }

    /// Whether this trade paid first, and so decides whether the order is refunded.
    pub(crate) fn first_paid_by(&self, channel: Channel, trade_no: &TradeNo) -> bool {
        self.payments.first().is_some_and(|first| first.is_of(channel, trade_no))
    }

    pub(crate) fn paid_by(&self, channel: Channel, trade_no: &TradeNo) -> bool {
        self.payments.iter().any(|payment| payment.is_of(channel, trade_no))
    }
}

impl Payment {
    fn is_of(&self, channel: Channel, trade_no: &TradeNo) -> bool {
        self.channel == channel && self.trade_no == *trade_no
    }
}

pub(crate) fn settle(stored: &StoredOrder, notify: &Notify<Checked>, at: UnixMillis) -> Verdict {
    if stored.order.amount != notify.amount() {
        return only(Settlement::AmountDiffers { ordered: stored.order.amount });
    }
    match notify.status() {
        TradeStatus::Paid => settle_paid(stored, notify, at),
        TradeStatus::Closed => settle_closed(stored, notify, at),
        status @ (TradeStatus::Waiting | TradeStatus::Failed) => only(Settlement::NotPaid { status }),
    }
}

fn settle_paid(stored: &StoredOrder, notify: &Notify<Checked>, at: UnixMillis) -> Verdict {
    let (channel, trade_no) = (notify.channel(), notify.trade_no());
    if stored.paid_by(channel, trade_no) {
        return only(Settlement::Duplicate);
    }
    // Nobody told of the payment before a refund was asked for: the money may be gone, so nothing is delivered.
    if notify.refund_asked() {
        return only(Settlement::NotPaid { status: notify.status() });
    }
    let give_back = Task::GiveBack { channel, trade_no: trade_no.clone() };
    let (state, settlement, task) = match (apply(stored.state, TradeEvent::Paid), stored.payments.first()) {
        (Transition::Moved(state @ TradeState::PaidLate), _) => {
            (state, Settlement::PaidAfterClose, give_back)
        }
        (Transition::Moved(state), _) => (state, Settlement::Paid, Task::Deliver),
        (Transition::Same | Transition::Refused, Some(first)) => {
            (stored.state, Settlement::PaidTwice { first: first.trade_no.clone() }, give_back)
        }
        // INVARIANT: a state that knows of money has a payment, so a store never comes here.
        (Transition::Same | Transition::Refused, None) => return only(Settlement::Duplicate),
    };
    Verdict { settlement, write: Some(Write { task: Some(task), ..Write::payment(state, notify, at) }) }
}

/// A closed trade was refunded in full if it had paid this order, and never paid otherwise. The second case does
/// not close the order: the buyer may be paying through another trade.
///
/// Our own refund may have told the same before: then the order is refunded already and this is a duplicate.
fn settle_closed(stored: &StoredOrder, notify: &Notify<Checked>, at: UnixMillis) -> Verdict {
    let not_paid = Settlement::NotPaid { status: notify.status() };
    if !stored.paid_by(notify.channel(), notify.trade_no()) {
        return if notify.money_came() { settle_unseen(stored, notify, at) } else { only(not_paid) };
    }
    let paid_first = stored.first_paid_by(notify.channel(), notify.trade_no());
    match apply(stored.state, TradeEvent::Refunded) {
        Transition::Moved(state) if paid_first => {
            Verdict { settlement: Settlement::Refunded, write: Some(Write::refunded(state)) }
        }
        Transition::Same if paid_first => only(Settlement::Duplicate),
        _ => only(not_paid),
    }
}

/// Money that came and went back before anybody told us. The payment is recorded, so that the message about it,
/// still under way, is a duplicate and delivers nothing; so there is nothing to withdraw either.
fn settle_unseen(stored: &StoredOrder, notify: &Notify<Checked>, at: UnixMillis) -> Verdict {
    let (state, settlement) = match apply(stored.state, TradeEvent::Paid) {
        // Paid and refunded in one step: every state that a payment leads to can be refunded.
        Transition::Moved(_) => (TradeState::Refunded, Settlement::Refunded),
        Transition::Same | Transition::Refused => {
            (stored.state, Settlement::NotPaid { status: notify.status() })
        }
    };
    Verdict { settlement, write: Some(Write::payment(state, notify, at)) }
}

fn payment_by(notify: &Notify<Checked>, at: UnixMillis) -> Payment {
    Payment {
        channel: notify.channel(),
        trade_no: notify.trade_no().clone(),
        notify_id: notify.notify_id().map(ToOwned::to_owned),
        settled_at: at,
    }
}

fn only(settlement: Settlement) -> Verdict {
    Verdict { settlement, write: None }
}
