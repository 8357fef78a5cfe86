//! What may be asked of a store, and random walks of it.

use super::facts::Said;
use crate::notify::Channel;
use crate::refund::RefundStatus;
use proptest::prelude::*;

pub(super) const ORDERS: usize = 2;
const REFUNDS: usize = 3;
const TRADES: usize = 4;
pub(super) const PRICES: [i64; 2] = [100, 99];
pub(super) const PARTS: [i64; 4] = [30, 40, 60, 100];

/// What is done, and how many seconds after the beginning.
#[derive(Debug, Clone)]
pub(super) struct Command(pub(super) u64, pub(super) Verb);

#[derive(Debug, Clone)]
pub(super) enum Verb {
    Create {
        order: usize,
        price: usize,
    },
    Submit {
        order: usize,
        channel: Channel,
    },
    Unknown {
        order: usize,
    },
    Fail {
        order: usize,
    },
    Close {
        order: usize,
    },
    CloseIf {
        order: usize,
        stale: bool,
    },
    Settle {
        order: usize,
        trade: usize,
        said: Said,
        price: usize,
    },
    Begin {
        refund: usize,
        order: usize,
        trade: usize,
        part: usize,
        price: usize,
    },
    SettleRefund {
        refund: usize,
        status: RefundStatus,
        other_amount: bool,
    },
    Renew {
        refund: usize,
    },
    /// Long after the last request, or perhaps not.
    Drop {
        refund: usize,
        late: bool,
    },
    OpenOrders {
        limit: u32,
    },
    OpenRefunds {
        limit: u32,
    },
    Movements {
        channel: Channel,
    },
    Take {
        lease_millis: u64,
        limit: u32,
    },
    Finish {
        piece: usize,
    },
    Postpone {
        piece: usize,
        secs: u64,
    },
}

/// Commands; every other walk begins with an order that is paid.
pub(super) fn commands() -> impl Strategy<Value = Vec<Command>> {
    let paid = [
        Verb::Create { order: 0, price: 0 },
        Verb::Settle { order: 0, trade: 0, said: Said::Paid, price: 0 },
    ];
    let paid = paid.map(|verb| Command(1, verb)).to_vec();
    let begin = prop_oneof![Just(Vec::new()), Just(paid)];
    (begin, proptest::collection::vec(command(), 8..48)).prop_map(|(begin, rest)| [begin, rest].concat())
}

fn command() -> impl Strategy<Value = Command> {
    let price = || prop_oneof![9 => Just(0_usize), 1 => Just(1)];
    let channel = || proptest::sample::select(Channel::ALL.to_vec());
    let said = prop_oneof![
        6 => Just(Said::Paid),
        2 => Just(Said::Refunded),
        1 => Just(Said::Unpaid),
        1 => Just(Said::RefundAsked),
        1 => Just(Said::Waiting),
        1 => Just(Said::Failed),
    ];
    let status = prop_oneof![
        1 => Just(RefundStatus::Processing),
        4 => Just(RefundStatus::Succeeded),
        1 => Just(RefundStatus::Abnormal),
        2 => Just(RefundStatus::Closed),
    ];
    // Most of what happens is about the trade that paid first.
    let trade = || prop_oneof![3 => Just(0_usize), 1 => 0..TRADES];
    let verb = prop_oneof![
        4 => (0..ORDERS, price()).prop_map(|(order, price)| Verb::Create { order, price }),
        2 => (0..ORDERS, channel()).prop_map(|(order, channel)| Verb::Submit { order, channel }),
        1 => (0..ORDERS).prop_map(|order| Verb::Unknown { order }),
        1 => (0..ORDERS).prop_map(|order| Verb::Fail { order }),
        1 => (0..ORDERS).prop_map(|order| Verb::Close { order }),
        2 => (0..ORDERS, any::<bool>()).prop_map(|(order, stale)| Verb::CloseIf { order, stale }),
        8 => (0..ORDERS, trade(), said, price())
            .prop_map(|(order, trade, said, price)| Verb::Settle { order, trade, said, price }),
        8 => (0..REFUNDS, 0..ORDERS, trade(), 0..PARTS.len(), price())
            .prop_map(|(refund, order, trade, part, price)| Verb::Begin { refund, order, trade, part, price }),
        8 => (0..REFUNDS, status, prop::bool::weighted(0.1))
            .prop_map(|(refund, status, other_amount)| Verb::SettleRefund { refund, status, other_amount }),
        1 => (0..REFUNDS).prop_map(|refund| Verb::Renew { refund }),
        2 => (0..REFUNDS, prop::bool::weighted(0.8)).prop_map(|(refund, late)| Verb::Drop { refund, late }),
        1 => (1..3_u32).prop_map(|limit| Verb::OpenOrders { limit }),
        1 => (1..3_u32).prop_map(|limit| Verb::OpenRefunds { limit }),
        1 => channel().prop_map(|channel| Verb::Movements { channel }),
        4 => (0..5_000_u64, 1..3_u32)
            .prop_map(|(lease_millis, limit)| Verb::Take { lease_millis, limit }),
        4 => (0..3_usize).prop_map(|piece| Verb::Finish { piece }),
        1 => (0..3_usize, 0..8_u64).prop_map(|(piece, secs)| Verb::Postpone { piece, secs }),
    ];
    (0..8_u64, verb).prop_map(|(secs, verb)| Command(secs, verb))
}
