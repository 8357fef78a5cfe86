//! The order of sending: first in, first out, but for buyers who are in the air already. No clock is read here.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use tokio::time::Instant;

use crate::error::Error;
use crate::reservation::Reserve;

/// A request and what the lane knows about it.
pub(super) struct Waiting {
    pub(super) request: Reserve,
    pub(super) place: Place,
}

/// What the lane knows about a request.
pub(super) struct Place {
    /// Its number in the order of asking.
    pub(super) ticket: u64,
    /// A keyed hash of the buyer. Two buyers who share one are sent one after the other, which harms nobody.
    pub(super) buyer: u64,
    pub(super) seat: usize,
    pub(super) deadline: Instant,
    /// The error of the call that may have decided it.
    pub(super) doubt: Option<Error>,
}

/// Requests that wait to be sent.
///
/// INVARIANT: a buyer is claimed while exactly one of his requests is in the air or in `front`.
#[derive(Default)]
pub(super) struct Queue {
    /// Sent before anything else, oldest first: what was in the air or waited for it.
    front: BTreeMap<u64, Waiting>,
    /// As they were asked.
    asked: VecDeque<Waiting>,
    /// Those of claimed buyers, met on the way to others: each list in the order of asking, never empty.
    held: HashMap<u64, VecDeque<Waiting>, Plain>,
    claimed: HashSet<u64, Plain>,
    len: usize,
}

type Plain = BuildHasherDefault<Hashed>;

/// The hasher of what is a hash already.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Queue {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether [`next`](Self::next) is worth a call.
    pub(super) fn is_ready(&self) -> bool {
        !self.front.is_empty() || !self.asked.is_empty()
    }

    /// Lets a request in.
    pub(super) fn push(&mut self, waiting: Waiting) {
        self.len += 1;
        self.asked.push_back(waiting);
    }

    /// The next request that may be sent; its buyer is claimed.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        if let Some((_, waiting)) = self.front.pop_first() {
            self.len -= 1;
            return Some(waiting);
        }
        // Each request is held once at most, so a buyer with many holds up nobody for long.
        while let Some(waiting) = self.asked.pop_front() {
            let buyer = waiting.place.buyer;
            if self.claimed.insert(buyer) {
                self.len -= 1;
                return Some(waiting);
            }
            self.held.entry(buyer).or_default().push_back(waiting);
        }
        None
    }

    /// Takes back a request that was not decided. Its buyer stays claimed.
    pub(super) fn again(&mut self, waiting: Waiting) {
        self.len += 1;
        self.front.insert(waiting.place.ticket, waiting);
    }

    /// A request of this buyer is answered: the next one may go.
    pub(super) fn release(&mut self, buyer: u64) {
        // INVARIANT: while others of the buyer are held the claim passes on, so that none overtakes them.
        if !self.held.is_empty()
            && let Some(held) = self.held.get_mut(&buyer)
            && let Some(waiting) = held.pop_front()
        {
            if held.is_empty() {
                self.held.remove(&buyer);
            }
            self.front.insert(waiting.place.ticket, waiting);
            return;
        }
        self.claimed.remove(&buyer);
    }
}

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
