//! The rule of the hub's limits: what may be claimed, and what has to be given back. No lock, no clock.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::HubLimits;
use crate::frame::{Failure, FailureCode};
use crate::ticket::SessionId;

/// Something that a connection or a session uses up while it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// A connection that has not shown a ticket or a token.
    Handshake,
    /// A login that is going on.
    Dialogue,
    /// A session of this user.
    Session { user: String },
    /// An observer of this session.
    Observer { session: SessionId },
}

/// Which limit is in the way of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Handshakes,
    Dialogues,
    Sessions,
    SessionsOfUser,
    Observers,
    Bytes,
}

/// What is in use.
#[derive(Debug)]
pub(super) struct Budget {
    limits: HubLimits,
    handshakes: u32,
    dialogues: u32,
    sessions: u32,
    by_user: HashMap<String, u32>,
    observers: HashMap<SessionId, u32>,
    bytes: u64,
}

impl Budget {
    pub(super) fn new(limits: HubLimits) -> Self {
        Self {
            limits,
            handshakes: 0,
            dialogues: 0,
            sessions: 0,
            by_user: HashMap::new(),
            observers: HashMap::new(),
            bytes: 0,
        }
    }

    /// Grants all of a claim, or nothing.
    pub(super) fn take(&mut self, claim: &Claim) -> Result<(), Full> {
        let limits = &self.limits;
        let bytes = self.bytes_of(claim);
        let (used, used_max, full) = match claim {
            Claim::Handshake => (self.handshakes, limits.handshakes_max, Full::Handshakes),
            Claim::Dialogue => (self.dialogues, limits.dialogues_max, Full::Dialogues),
            Claim::Session { user } => {
                if self.sessions >= limits.sessions_max {
                    return Err(Full::Sessions);
                }
                (of(&self.by_user, user), limits.sessions_per_user_max, Full::SessionsOfUser)
            }
            Claim::Observer { session } => {
                (of(&self.observers, session), limits.observers_per_session_max, Full::Observers)
            }
        };
        if used >= used_max {
            return Err(full);
        }
        // INVARIANT: `bytes` is never above `bytes_max`.
        if bytes > limits.bytes_max.saturating_sub(self.bytes) {
            return Err(Full::Bytes);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        match claim {
            Claim::Handshake => self.handshakes += 1,
            Claim::Dialogue => self.dialogues += 1,
            Claim::Session { user } => {
                self.sessions += 1;
                *self.by_user.entry(user.clone()).or_default() += 1;
            }
            Claim::Observer { session } => *self.observers.entry(*session).or_default() += 1,
        }
        Ok(())
    }

    /// Takes back what was granted.
    pub(super) fn give_back(&mut self, claim: &Claim) {
        self.bytes = self.bytes.saturating_sub(self.bytes_of(claim));
        match claim {
            Claim::Handshake => self.handshakes = self.handshakes.saturating_sub(1),
            Claim::Dialogue => self.dialogues = self.dialogues.saturating_sub(1),
            Claim::Session { user } => {
                self.sessions = self.sessions.saturating_sub(1);
                one_less(self.by_user.entry(user.clone()));
            }
            Claim::Observer { session } => one_less(self.observers.entry(*session)),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn bytes_of(&self, claim: &Claim) -> u64 {
        match claim {
            Claim::Handshake | Claim::Dialogue => 0,
            Claim::Session { .. } => self.limits.session_bytes(),
            Claim::Observer { .. } => self.limits.observer_bytes(),
        }
    }
}

impl Full {
    /// What the browser is told.
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::SessionsOfUser => Failure::with_text(
                FailureCode::Busy,
                "you have as many terminals open as you may have: close one, then try again",
            ),
            Self::Observers => Failure::with_text(
                FailureCode::Busy,
                "this terminal has as many observers as it may have: try again later",
            ),
            Self::Handshakes | Self::Dialogues | Self::Sessions | Self::Bytes => {
                Failure::new(FailureCode::Busy)
            }
        }
    }
}

fn of<K: Eq + std::hash::Hash>(counts: &HashMap<K, u32>, key: &K) -> u32 {
    counts.get(key).copied().unwrap_or(0)
}

/// Entries that count nothing are not kept, so the maps are as large as what is in use.
fn one_less<K>(entry: Entry<'_, K, u32>) {
    if let Entry::Occupied(mut entry) = entry {
        if *entry.get() <= 1 {
            entry.remove();
        } else {
            *entry.get_mut() -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> HubLimits {
        let mut limits = HubLimits::default();
        limits.sessions_max = 5;
        limits.sessions_per_user_max = 2;
        limits.observers_per_session_max = 3;
        limits.handshakes_max = 2;
        limits.dialogues_max = 1;
        limits.bytes_max = 4 * limits.session_bytes() + 2 * limits.observer_bytes();
        limits
    }

    fn claim() -> impl Strategy<Value = Claim> {
        prop_oneof![
            Just(Claim::Handshake),
            Just(Claim::Dialogue),
            prop::sample::select(vec!["a", "b", "c", "d"])
                .prop_map(|user| Claim::Session { user: user.to_owned() }),
            (0..3_u64).prop_map(|id| Claim::Observer { session: SessionId::new(id) }),
        ]
    }

    /// How often `like` is among the claims held.
    fn held_like(held: &[Claim], like: impl Fn(&Claim) -> bool) -> u32 {
        u32::try_from(held.iter().filter(|claim| like(claim)).count()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// A claim is granted exactly when every limit has room for it, and all of it comes back.
        #[test]
        fn limits_hold_and_everything_comes_back(steps in prop::collection::vec((claim(), 0..3_usize), 1..80)) {
            let limits = limits();
            let mut budget = Budget::new(limits.clone());
            let mut held: Vec<Claim> = Vec::new();
            for (claim, back) in steps {
                let session = |claim: &Claim| matches!(claim, Claim::Session { .. });
                let observer = |claim: &Claim| matches!(claim, Claim::Observer { .. });
                let bytes = |held: &[Claim]| {
                    u64::from(held_like(held, session)) * limits.session_bytes()
                        + u64::from(held_like(held, observer)) * limits.observer_bytes()
                };
                let same = held_like(&held, |other| *other == claim);
                let room = match claim {
                    Claim::Handshake => same < 2,
                    Claim::Dialogue => same < 1,
                    Claim::Session { .. } => same < 2 && held_like(&held, session) < 5,
                    Claim::Observer { .. } => same < 3,
                };
                let after: Vec<Claim> = held.iter().cloned().chain([claim.clone()]).collect();
                let expected = room && bytes(&after) <= limits.bytes_max;
                prop_assert_eq!(budget.take(&claim).is_ok(), expected, "{:?} with {:?}", claim, held);
                if expected { held.push(claim); }
                prop_assert_eq!(budget.bytes(), bytes(&held));
                if back == 0 && !held.is_empty() { budget.give_back(&held.remove(0)); }
            }
            for claim in &held { budget.give_back(claim); }
            let empty = (budget.handshakes, budget.dialogues, budget.sessions, budget.bytes);
            prop_assert_eq!(empty, (0, 0, 0, 0));
            prop_assert!(budget.by_user.is_empty() && budget.observers.is_empty());
        }
    }
}
