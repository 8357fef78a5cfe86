//! A bounded map of revocations, made for one look a verification.

use std::collections::HashMap;

use crate::claims::Claims;
use crate::error::{Error, ErrorKind};
use crate::revocation::LogPage;
use crate::revocation::rule::{Epoch, Revocation, Subject, TokenTag};
use crate::revocation::view::RevocationCheck;
use crate::time::UnixMillis;
use crate::user_id::UserTag;

/// All that a view knows. Entries that have ended may stay for a while: no valid token is left that they refuse.
pub(super) struct Known {
    tokens: HashMap<TokenTag, UnixMillis>,
    users: HashMap<UserTag, (Epoch, UnixMillis)>,
    entries_max: usize,
    sweep_at: usize,
}

impl Known {
    /// How many entries there are at least between two sweeps.
    const SWEEP_EVERY_MIN: usize = 1024;

    pub(super) fn new(entries_max: usize) -> Self {
        let sweep_at = Self::SWEEP_EVERY_MIN.min(entries_max);
        Self { tokens: HashMap::new(), users: HashMap::new(), entries_max, sweep_at }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len() + self.users.len()
    }

    pub(super) fn check(&self, claims: &Claims) -> RevocationCheck {
        // A fingerprint costs more than the look, so it is only made if there is anything to find.
        if !self.tokens.is_empty() && self.tokens.contains_key(&TokenTag::of(claims.id())) {
            return RevocationCheck::TokenRevoked;
        }
        if !self.users.is_empty()
            && let Some((epoch, _)) = self.users.get(&claims.subject().tag())
            && epoch.refuses(claims.issued_at())
        {
            return RevocationCheck::UserRevoked(*epoch);
        }
        RevocationCheck::Clear
    }

    /// Takes a page in. What is known already only grows.
    pub(super) fn learn(&mut self, page: &LogPage, now: UnixMillis) -> Result<(), Error> {
        for revocation in &page.revocations {
            self.insert(revocation);
            if self.len() > self.sweep_at {
                self.sweep(now);
            }
            if self.len() > self.entries_max {
                self.forget(revocation);
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    format!("a view holds {} revocations and may hold no more: raise its limit", self.len()),
                ));
            }
        }
        Ok(())
    }

    fn insert(&mut self, revocation: &Revocation) {
        match revocation.subject {
            Subject::Token(tag) => {
                let until = self.tokens.entry(tag).or_insert(revocation.until);
                *until = revocation.until.max(*until);
            }
            Subject::User(tag) => {
                let kept = self.users.entry(tag).or_insert((revocation.epoch, revocation.until));
                let known = Revocation { epoch: kept.0, until: kept.1, ..*revocation };
                let both = known.and(revocation);
                *kept = (both.epoch, both.until);
            }
        }
    }

    fn forget(&mut self, revocation: &Revocation) {
        match revocation.subject {
            Subject::Token(tag) => drop(self.tokens.remove(&tag)),
            Subject::User(tag) => drop(self.users.remove(&tag)),
        }
    }

    /// Drops what has ended, so seldom that it costs each entry a constant.
    fn sweep(&mut self, now: UnixMillis) {
        self.tokens.retain(|_, until| *until > now);
        self.users.retain(|_, (_, until)| *until > now);
        self.sweep_at = (2 * self.len()).max(Self::SWEEP_EVERY_MIN).min(self.entries_max);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::claims::{Lifetime, TokenId};
    use crate::user_id::UserId;

    fn at(secs: u64) -> UnixMillis {
        UnixMillis::new(secs * 1000).unwrap()
    }

    fn page(revocations: Vec<Revocation>) -> LogPage {
        LogPage { end: None, revocations, next: None }
    }

    fn token(number: u64, expires_at: UnixMillis) -> Revocation {
        Revocation::of_token(&id(number), expires_at)
    }

    fn id(number: u64) -> TokenId {
        TokenId::new(u128::from(number).to_be_bytes())
    }

    fn claims(number: u64, issued_at: UnixMillis) -> Claims {
        let life = Lifetime::starting(issued_at, Duration::from_secs(60)).unwrap();
        Claims::new(UserId::new("alice").unwrap(), "web", "api", id(number), life).unwrap()
    }

    #[test]
    fn an_older_epoch_that_comes_late_changes_nothing() {
        let mut known = Known::new(10);
        let user = |epoch| {
            let alice = UserId::new("alice").unwrap();
            Revocation::of_user(&alice, Epoch(epoch), Duration::from_secs(60))
        };
        known.learn(&page(vec![user(20), user(10)]), at(0)).unwrap();
        assert_eq!(known.check(&claims(1, at(19))), RevocationCheck::UserRevoked(Epoch(20)));
        assert_eq!(known.check(&claims(1, at(20))), RevocationCheck::Clear);
        assert_eq!(known.len(), 1);
    }

    #[test]
    fn a_full_view_says_so_keeps_what_it_knows_and_takes_more_when_some_have_ended() {
        let mut known = Known::new(2);
        known.learn(&page(vec![token(1, at(10)), token(2, at(1000))]), at(0)).unwrap();
        known.learn(&page(vec![token(1, at(10))]), at(0)).unwrap();
        let full = known.learn(&page(vec![token(3, at(1000))]), at(0)).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::Unavailable);
        assert_eq!(known.check(&claims(1, at(0))), RevocationCheck::TokenRevoked);
        assert_eq!(known.check(&claims(3, at(0))), RevocationCheck::Clear);
        known.learn(&page(vec![token(3, at(1000))]), at(310)).unwrap();
        assert_eq!(known.check(&claims(3, at(0))), RevocationCheck::TokenRevoked);
    }

    #[test]
    fn what_has_ended_does_not_pile_up() {
        let mut known = Known::new(100_000);
        for number in 0..20_000 {
            known.learn(&page(vec![token(number, at(number))]), at(number)).unwrap();
        }
        assert!(known.len() <= Known::SWEEP_EVERY_MIN + 1, "{}", known.len());
    }
}
