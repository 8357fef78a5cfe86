//! The queue of notifies: what is due, what follows an attempt, and the mischief done to them. No clock here.

use super::book::{Key, Trade};
use super::mischief::{Mischief, Switches};
use super::retry::{Speed, retry_delays_secs};
use crate::UnixMillis;
use std::collections::{BTreeMap, VecDeque};

/// The most notifies that wait; after that the oldest is given up.
pub const NOTICES_MAX: usize = 10_000;
/// The most deliveries that are given at once.
const DELIVERIES_MAX: usize = 32;
/// How long an attempt may be on its way before it counts as failed, in seconds.
const ATTEMPT_SECS_MAX: u64 = 60;
/// How long the first notify of a trade is held back to be overtaken, in seconds.
const HELD_SECS: u64 = 30;
/// The most lines of the delivery log.
const LOG_LINES_MAX: usize = 1_000;

/// The number of one attempt at delivery, for [`Sandbox::answered`](super::Sandbox::answered).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(u64);

/// A notify to be posted now.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// To be given back with the merchant's answer.
    pub id: DeliveryId,
    /// The request, signed.
    pub request: http::Request<bytes::Bytes>,
}

/// What follows one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AfterAttempt {
    /// The merchant has it.
    Acknowledged,
    /// It is sent again at this moment.
    Again(UnixMillis),
    /// The table is at its end, or the message was mischief: it is not sent again.
    GivenUp,
    /// No attempt under way has this number.
    Unknown,
}

/// What a notify is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum About {
    /// The buyer paid.
    Payment,
    /// The trade was closed without a payment.
    Closed,
    /// The refund of this number moved.
    Refund(String),
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Trick {
    /// Nothing.
    Honest,
    /// Signed by somebody else.
    Forged,
    /// Another amount than was paid, rightly signed.
    WrongAmount,
    /// A probe signature.
    Probe,
}

/// One message, with the trade as it stood when it happened.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) about: About,
    pub(super) trade: Trade,
    pub(super) trick: Trick,
    /// The message's number: the same over its retries and its duplicates. 32 hexadecimal digits.
    pub(super) event_id: String,
    /// When it happened.
    pub(super) made_at: UnixMillis,
    attempt: usize,
    due_at: UnixMillis,
    sent: bool,
}

/// One line of the delivery log.
#[derive(Debug, Clone)]
pub(super) struct LogLine {
    pub(super) key: Key,
    pub(super) at: UnixMillis,
    pub(super) about: About,
    pub(super) trick: Trick,
    pub(super) attempt: usize,
    /// The merchant's status; none if it could not be reached.
    pub(super) status: Option<u16>,
    pub(super) acknowledged: bool,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Notices {
    next_id: u64,
    queue: BTreeMap<u64, Notice>,
    log: VecDeque<LogLine>,
}

impl Notices {
    /// Something happened to a trade: the gateway tells the merchant, as the switches allow.
    pub(super) fn announce(
        &mut self,
        trade: &Trade,
        about: &About,
        event_id: &str,
        switches: &Switches,
        speed: Speed,
        now: UnixMillis,
    ) {
        let on = |mischief| switches.has(Some(&trade.key), mischief);
        if on(Mischief::Lost) {
            return;
        }
        let first = !self.knows(&trade.key);
        let held = on(Mischief::Reordered) && first;
        let wait = if held { speed.millis(HELD_SECS) } else { 0 };
        let due_at = UnixMillis::from_millis(now.as_millis().saturating_add(wait));
        let mut push = |trick| {
            let (about, trade, event_id) = (about.clone(), trade.clone(), event_id.to_owned());
            let made_at = now;
            self.push(Notice { about, trade, trick, event_id, made_at, attempt: 0, due_at, sent: false });
        };
        let tricks = [
            (Mischief::Probe, Trick::Probe),
            (Mischief::Forged, Trick::Forged),
            (Mischief::WrongAmount, Trick::WrongAmount),
            (Mischief::Duplicate, Trick::Honest),
        ];
        tricks.into_iter().filter(|(mischief, _)| on(*mischief)).for_each(|(_, trick)| push(trick));
        push(Trick::Honest);
    }

    /// What is due now, and counts as under way from here on.
    pub(super) fn due(&mut self, now: UnixMillis) -> Vec<(DeliveryId, Notice)> {
        self.fail_the_lost(now);
        let due = self.queue.iter_mut().filter(|(_, notice)| !notice.sent && notice.due_at <= now);
        due.take(DELIVERIES_MAX)
            .map(|(id, notice)| {
                notice.sent = true;
                notice.due_at = now.plus_secs(ATTEMPT_SECS_MAX);
                (DeliveryId(*id), notice.clone())
            })
            .collect()
    }

    /// The earliest moment at which [`Notices::due`] has something.
    pub(super) fn next_due(&self) -> Option<UnixMillis> {
        self.queue.values().map(|notice| notice.due_at).min()
    }

    /// An attempt that is under way.
    pub(super) fn under_way(&self, id: DeliveryId) -> Option<&Notice> {
        self.queue.get(&id.0).filter(|notice| notice.sent)
    }

    /// The merchant answered, or could not be reached.
    pub(super) fn answered(
        &mut self,
        id: DeliveryId,
        status: Option<u16>,
        acknowledged: bool,
        speed: Speed,
        now: UnixMillis,
    ) -> AfterAttempt {
        let Some(notice) = self.queue.get_mut(&id.0).filter(|notice| notice.sent) else {
            return AfterAttempt::Unknown;
        };
        let (key, about) = (notice.trade.key.clone(), notice.about.clone());
        let (trick, attempt) = (notice.trick, notice.attempt);
        let delay = retry_delays_secs(key.channel).get(attempt).filter(|_| trick == Trick::Honest);
        let after = match delay {
            _ if acknowledged => AfterAttempt::Acknowledged,
            Some(secs) => AfterAttempt::Again(UnixMillis::from_millis(
                now.as_millis().saturating_add(speed.millis(*secs)),
            )),
            None => AfterAttempt::GivenUp,
        };
        if let AfterAttempt::Again(at) = after {
            (notice.sent, notice.due_at) = (false, at);
            notice.attempt += 1;
        } else {
            self.queue.remove(&id.0);
        }
        if self.log.len() == LOG_LINES_MAX {
            self.log.pop_front();
        }
        self.log.push_back(LogLine { key, at: now, about, trick, attempt, status, acknowledged });
        after
    }

    /// Takes one message out: it cannot be sent.
    pub(super) fn drop_one(&mut self, id: DeliveryId) {
        self.queue.remove(&id.0);
    }

    /// The delivery log of a trade, the oldest line first.
    pub(super) fn log_of<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = &'a LogLine> {
        self.log.iter().filter(move |line| line.key == *key)
    }

    /// True while a message about this trade waits.
    pub(super) fn waits(&self, key: &Key) -> bool {
        self.queue.values().any(|notice| notice.trade.key == *key)
    }

    fn knows(&self, key: &Key) -> bool {
        self.waits(key) || self.log.iter().any(|line| line.key == *key)
    }

    fn push(&mut self, notice: Notice) {
        if self.queue.len() >= NOTICES_MAX {
            self.queue.pop_first();
        }
        self.queue.insert(self.next_id, notice);
        self.next_id += 1;
    }

    /// A program that took a message and never came back with an answer lost it.
    fn fail_the_lost(&mut self, now: UnixMillis) {
        let lost: Vec<u64> = self
            .queue
            .iter()
            .filter(|(_, notice)| notice.sent && notice.due_at <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in lost {
            self.answered(DeliveryId(id), None, false, Speed::REAL, now);
        }
    }
}
