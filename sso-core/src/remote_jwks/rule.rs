//! When a remote key set is loaded, from what has happened so far. No clock, no network.

use std::time::Duration;

use crate::remote_jwks::{KeysReady, RemoteJwksLimits};
use crate::time::UnixMillis;

/// What has happened so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    loaded_at: Option<UnixMillis>,
    tried_at: Option<UnixMillis>,
    attempts: u64,
    failures_in_a_row: u32,
}

/// What to do about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Go on with the keys that are there, if any.
    Use,
    /// Load the keys, unless somebody does: those that are there will do.
    TryToLoad,
    /// Load the keys: there are none that will do.
    Load,
}

impl History {
    /// How many attempts have ended.
    pub(crate) fn attempts(&self) -> u64 {
        self.attempts
    }

    /// An attempt has ended.
    pub(crate) fn note(&mut self, is_loaded: bool, now: UnixMillis) {
        self.attempts += 1;
        self.tried_at = Some(now);
        if is_loaded {
            self.loaded_at = Some(now);
            self.failures_in_a_row = 0;
        } else {
            self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        }
    }

    /// What to do for a token whose key is among the keys or not.
    pub(crate) fn plan(&self, limits: &RemoteJwksLimits, is_known: bool, now: UnixMillis) -> Plan {
        let readiness = self.readiness(limits, now);
        let is_resting = self.tried_at.is_some_and(|tried_at| now.since(tried_at) < self.rest(limits));
        match (readiness, is_known) {
            (Some(KeysReady::Fresh), true) => Plan::Use,
            _ if is_resting => Plan::Use,
            (Some(KeysReady::Stale { .. }), true) => Plan::TryToLoad,
            _ => Plan::Load,
        }
    }

    /// How current the keys are; nothing if there are none to be used.
    pub(crate) fn readiness(&self, limits: &RemoteJwksLimits, now: UnixMillis) -> Option<KeysReady> {
        let since = self.loaded_at?;
        match now.since(since) {
            age if age < limits.max_age => Some(KeysReady::Fresh),
            age if age < limits.stale_max => Some(KeysReady::Stale { since }),
            _ => None,
        }
    }

    /// How long to wait after the last attempt.
    fn rest(&self, limits: &RemoteJwksLimits) -> Duration {
        let Some(doublings) = self.failures_in_a_row.checked_sub(1) else {
            return limits.cooldown;
        };
        Duration::from_secs(1).saturating_mul(1 << doublings.min(16)).min(limits.cooldown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> UnixMillis {
        UnixMillis::saturating_new((1_700_000_000 + secs) * 1000)
    }

    fn plan(history: &History, is_known: bool, secs: u64) -> Plan {
        history.plan(&RemoteJwksLimits::default(), is_known, at(secs))
    }

    #[test]
    fn keys_are_loaded_at_first_when_old_and_for_an_unknown_name_but_not_within_the_cool_down() {
        let mut history = History::default();
        assert_eq!(plan(&history, false, 0), Plan::Load);
        history.note(true, at(0));
        assert_eq!((plan(&history, true, 599), plan(&history, true, 600)), (Plan::Use, Plan::TryToLoad));
        assert_eq!((plan(&history, false, 29), plan(&history, false, 30)), (Plan::Use, Plan::Load));
    }

    #[test]
    fn failures_are_followed_by_longer_and_longer_rests() {
        let mut history = History::default();
        for (failures, rest) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (60, 30)] {
            while history.failures_in_a_row < failures {
                history.note(false, at(0));
            }
            assert_eq!((plan(&history, true, rest - 1), plan(&history, true, rest)), (Plan::Use, Plan::Load));
        }
    }

    #[test]
    fn old_keys_are_used_for_a_day_without_their_issuer() {
        let mut history = History::default();
        history.note(true, at(0));
        history.note(false, at(700));
        let ready = |secs| history.readiness(&RemoteJwksLimits::default(), at(secs));
        assert_eq!(ready(599), Some(KeysReady::Fresh));
        assert_eq!(ready(600), Some(KeysReady::Stale { since: at(0) }));
        assert_eq!(ready(86_399), Some(KeysReady::Stale { since: at(0) }));
        assert_eq!(ready(86_400), None);
        assert_eq!(plan(&history, true, 86_400), Plan::Load);
    }
}
