//! One random walk over a memory store and, beside it, another store that has to answer alike.

use super::NOW;
use super::facts::{Said, order, refund, refund_said, said, trade};
use crate::notify::Channel;
use crate::refund::{Refund, RefundStatus};
use crate::store::{MemoryStore, OrderStore, StoredOrder, StoredRefund, Task, Work};
use crate::{Error, Order, RefundState, TradeState, UnixMillis};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeSet;
use std::sync::Arc;

const ORDERS: usize = 2;
const REFUNDS: usize = 3;
const TRADES: usize = 4;
const PRICES: [i64; 2] = [100, 99];
const PARTS: [i64; 4] = [30, 40, 60, 100];

/// What is done, and how many seconds after the beginning.
#[derive(Debug, Clone)]
pub(super) struct Command(u64, Verb);

#[derive(Debug, Clone)]
enum Verb {
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

pub(super) struct Walk {
    memory: Arc<dyn OrderStore>,
    other: Option<Arc<dyn OrderStore>>,
    /// Pieces as the two stores number them, in the order of taking.
    pieces: Vec<(Work, Work)>,
    tasks: [Vec<Task>; ORDERS],
    paid: [u32; ORDERS],
    owed: [u32; ORDERS],
    /// Which answers came, as the verb and the answer.
    pub(super) seen: BTreeSet<String>,
}

impl Walk {
    pub(super) fn new(other: Option<Arc<dyn OrderStore>>) -> Self {
        Self {
            memory: Arc::new(MemoryStore::new()),
            other,
            pieces: Vec::new(),
            tasks: [Vec::new(), Vec::new()],
            paid: [0; ORDERS],
            owed: [0; ORDERS],
            seen: BTreeSet::new(),
        }
    }

    /// One command on both stores: the same answer, and the same books after it.
    pub(super) async fn step(&mut self, command: &Command) -> Result<(), TestCaseError> {
        let at = NOW.plus_secs(command.0);
        match &command.1 {
            Verb::Take { lease_millis, limit } => self.take(at, *lease_millis, *limit).await?,
            Verb::Finish { piece } => self.finish(*piece).await?,
            Verb::Postpone { piece, secs } => self.postpone(*piece, NOW.plus_secs(*secs)).await?,
            verb => {
                let expected = answer(&*self.memory, at, verb).await.unwrap();
                if let Some(other) = &self.other {
                    prop_assert_eq!(&answer(&**other, at, verb).await.unwrap(), &expected, "{:?}", command);
                }
                self.count(verb, &expected);
                self.seen.insert(expected);
            }
        }
        for index in 0..ORDERS {
            self.compare(index).await?;
        }
        Ok(())
    }

    async fn take(&mut self, at: UnixMillis, lease_millis: u64, limit: u32) -> Result<(), TestCaseError> {
        let expected = self.memory.take_work(at, lease_millis, limit).await.unwrap();
        let taken = match &self.other {
            Some(other) => other.take_work(at, lease_millis, limit).await.unwrap(),
            None => expected.clone(),
        };
        prop_assert_eq!(taken.len(), expected.len());
        prop_assert!(expected.len() <= usize::try_from(limit).unwrap());
        for (ours, theirs) in expected.into_iter().zip(taken) {
            prop_assert_eq!(&Work { id: ours.id, ..theirs.clone() }, &ours);
            if !self.pieces.iter().any(|(known, _)| known.id == ours.id) {
                let index = usize::from(ours.out_trade_no == sold(1, 0).out_trade_no);
                self.tasks[index].push(ours.task.clone());
            }
            self.seen.insert(format!("Take {:?}", ours.task));
            self.pieces.push((ours, theirs));
        }
        Ok(())
    }

    /// Finishes a piece that was taken, perhaps once more, perhaps after somebody else took it.
    async fn finish(&mut self, piece: usize) -> Result<(), TestCaseError> {
        let Some((ours, theirs)) = self.pieces.iter().rev().nth(piece) else { return Ok(()) };
        let expected = self.memory.finish_work(ours).await.unwrap();
        if let Some(other) = &self.other {
            prop_assert_eq!(other.finish_work(theirs).await.unwrap(), expected);
        }
        self.seen.insert(format!("Finish {expected}"));
        Ok(())
    }

    async fn postpone(&mut self, piece: usize, until: UnixMillis) -> Result<(), TestCaseError> {
        let Some((ours, theirs)) = self.pieces.iter().rev().nth(piece) else { return Ok(()) };
        let expected = self.memory.postpone_work(ours, until).await.unwrap();
        if let Some(other) = &self.other {
            prop_assert_eq!(other.postpone_work(theirs, until).await.unwrap(), expected);
        }
        self.seen.insert(format!("Postpone {expected}"));
        Ok(())
    }

    fn count(&mut self, verb: &Verb, answer: &str) {
        if let Verb::Settle { order, .. } = verb {
            self.paid[*order] += u32::from(answer == "Settle Paid");
            let owed = answer == "Settle PaidAfterClose" || answer.starts_with("Settle PaidTwice");
            self.owed[*order] += u32::from(owed);
        }
    }

    async fn compare(&self, index: usize) -> Result<(), TestCaseError> {
        let number = sold(index, 0).out_trade_no;
        let (order, refunds) = books(&*self.memory, &number).await.unwrap();
        if let Some(other) = &self.other {
            prop_assert_eq!(books(&**other, &number).await.unwrap(), (order.clone(), refunds.clone()));
        }
        promises(order.as_ref(), &refunds)
    }

    /// All the work that is left comes out in order, and is what the answers announced.
    pub(super) async fn end(&mut self) -> Result<(), TestCaseError> {
        let late = NOW.plus_secs(1_000);
        loop {
            let before = self.pieces.len();
            self.take(late, 1, 9).await?;
            for (ours, theirs) in &self.pieces[before..] {
                prop_assert!(self.memory.finish_work(ours).await.unwrap());
                if let Some(other) = &self.other {
                    prop_assert!(other.finish_work(theirs).await.unwrap());
                }
            }
            if before == self.pieces.len() {
                break;
            }
        }
        for (index, tasks) in self.tasks.iter().enumerate() {
            let state =
                self.memory.find(&sold(index, 0).out_trade_no).await.unwrap().map(|order| order.state);
            let count =
                |wanted: fn(&Task) -> bool| u32::try_from(tasks.iter().filter(|task| wanted(task)).count());
            prop_assert!(self.paid[index] <= 1, "money is announced once");
            prop_assert_eq!(count(|task| *task == Task::Deliver), Ok(self.paid[index]));
            prop_assert_eq!(count(|task| matches!(task, Task::GiveBack { .. })), Ok(self.owed[index]));
            let withdrawn = count(|task| *task == Task::Withdraw).unwrap();
            prop_assert!(withdrawn <= u32::from(state == Some(TradeState::Refunded)), "withdrawn once");
            if self.paid[index] == 1 && state == Some(TradeState::Refunded) {
                prop_assert_eq!(withdrawn, 1, "what was delivered is taken back");
            }
            let deliver = tasks.iter().position(|task| *task == Task::Deliver);
            let withdraw = tasks.iter().position(|task| *task == Task::Withdraw);
            prop_assert!(withdraw.is_none() || deliver < withdraw, "delivered before it is withdrawn");
        }
        Ok(())
    }
}

/// What holds for every order at every moment.
fn promises(order: Option<&StoredOrder>, refunds: &[StoredRefund]) -> Result<(), TestCaseError> {
    let Some(order) = order else {
        prop_assert!(refunds.is_empty());
        return Ok(());
    };
    let no_money = order.state.is_open() || matches!(order.state, TradeState::Closed | TradeState::Failed);
    prop_assert_eq!(order.payments.is_empty(), no_money);
    let gone = |refund: &&StoredRefund| refund.state == RefundState::Succeeded;
    let first = order.payments.first().map(|first| (first.channel, first.trade_no.clone()));
    let of_first = |refund: &&StoredRefund| {
        first.as_ref() == Some(&(refund.refund.channel, refund.refund.trade_no.clone()))
    };
    let back: i64 =
        refunds.iter().filter(gone).filter(of_first).map(|refund| refund.refund.amount.minor()).sum();
    let price = order.order.amount.minor();
    prop_assert!(back < price || order.state == TradeState::Refunded, "{back} of {price}: {:?}", order.state);
    prop_assert_eq!(
        order.state == TradeState::PartiallyRefunded,
        back > 0 && order.state != TradeState::Refunded
    );
    Ok(())
}

async fn books(
    store: &dyn OrderStore,
    number: &crate::OutTradeNo,
) -> Result<(Option<StoredOrder>, Vec<StoredRefund>), Error> {
    Ok((store.find(number).await?, store.refunds_of(number).await?))
}

fn sold(index: usize, price: usize) -> Order {
    order(&format!("WALK_{index:04}"), PRICES[price])
}

fn name(refund: usize) -> crate::RefundNo {
    crate::RefundNo::parse(&format!("WALK_R{refund}")).unwrap()
}

/// The answer as text, so that answers of different verbs compare alike.
async fn answer(store: &dyn OrderStore, at: UnixMillis, verb: &Verb) -> Result<String, Error> {
    let number = |index| sold(index, 0).out_trade_no;
    Ok(match verb {
        Verb::Create { order, price } => {
            format!("Create {:?}", store.create(&sold(*order, *price), at).await?)
        }
        Verb::Submit { order, channel } => {
            format!("Submit {:?}", store.submit(&number(*order), *channel, at).await?)
        }
        Verb::Unknown { order } => format!("Unknown {:?}", store.mark_unknown(&number(*order), at).await?),
        Verb::Fail { order } => format!("Fail {:?}", store.fail(&number(*order), at).await?),
        Verb::Close { order } => format!("Close {:?}", store.close(&number(*order), at).await?),
        Verb::CloseIf { order, stale } => {
            let seen = store.find(&number(*order)).await?.map_or(NOW, |stored| stored.updated_at);
            let seen = UnixMillis::from_millis(seen.as_millis() - u64::from(*stale));
            format!("CloseIf {:?}", store.close_if(&number(*order), seen, at).await?)
        }
        Verb::Settle { order, trade: index, said: word, price } => {
            let notify = said(&sold(*order, *price), trade(*index), *word);
            format!("Settle {:?}", store.settle(&notify, at).await?)
        }
        Verb::Begin { refund, order, trade: index, part, price } => {
            let asked = asked(*refund, *order, *index, *part, *price);
            let start = store.begin_refund(&asked, at).await?;
            format!("Begin {start:?}")
        }
        Verb::SettleRefund { refund, status, other_amount } => {
            let answer = settle_refund(store, at, (*refund, *status, *other_amount)).await?;
            format!("SettleRefund {answer}")
        }
        Verb::Renew { refund } => format!("Renew {:?}", store.renew_refund(&name(*refund), at).await?),
        Verb::Drop { refund, late } => {
            let at = if *late { at.plus_secs(310) } else { at };
            format!("Drop {:?}", store.drop_refund(&name(*refund), at).await?)
        }
        Verb::OpenOrders { limit } => {
            let (mut all, mut last) = (Vec::new(), None);
            for _page in 0..9 {
                let page = store.open_orders(at, last.as_ref(), *limit).await?;
                if page.is_empty() {
                    break;
                }
                last = page.last().cloned();
                all.extend(page);
            }
            format!("OpenOrders {} {all:?}", some(&all))
        }
        Verb::OpenRefunds { limit } => {
            let (mut all, mut last) = (Vec::new(), None);
            for _page in 0..9 {
                let page = store.open_refunds(at, last.as_ref(), *limit).await?;
                if page.is_empty() {
                    break;
                }
                last = page.last().cloned();
                all.extend(page);
            }
            format!("OpenRefunds {} {all:?}", some(&all))
        }
        Verb::Movements { channel } => {
            let all = store.movements(*channel, NOW.plus_secs(1), at).await?;
            format!("Movements {} {all:?}", some(&all))
        }
        Verb::Take { .. } | Verb::Finish { .. } | Verb::Postpone { .. } => {
            unreachable!("they number their work in their own ways")
        }
    })
}

fn some<T>(all: &[T]) -> &'static str {
    if all.is_empty() { "none" } else { "some" }
}

fn asked(number: usize, order: usize, trade_index: usize, part: usize, price: usize) -> Refund {
    let out_trade_no = sold(order, 0).out_trade_no;
    refund(name(number).as_str(), &out_trade_no, trade(trade_index), PRICES[price], PARTS[part])
}

/// A message about the refund as it is stored, or about one that is not.
async fn settle_refund(
    store: &dyn OrderStore,
    at: UnixMillis,
    (number, status, other_amount): (usize, RefundStatus, bool),
) -> Result<String, Error> {
    let mut about = match store.find_refund(&name(number)).await? {
        Some(stored) => stored.refund,
        None => asked(number, 0, 0, 0, 0),
    };
    if other_amount {
        about.amount = super::fen(77);
    }
    Ok(format!("{:?}", store.settle_refund(&refund_said(&about, status), at).await?))
}
