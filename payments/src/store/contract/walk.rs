//! One random walk over a memory store and, beside it, another store that has to answer alike.

use super::NOW;
use super::answer::{answer, sold};
use super::commands::{Command, ORDERS, Verb};
use crate::store::{MemoryStore, OrderStore, StoredOrder, StoredRefund, Task, Work};
use crate::{Error, RefundState, TradeState, UnixMillis};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeSet;
use std::sync::Arc;

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
