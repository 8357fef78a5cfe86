//! The rule of revocations: which tokens one of them refuses, how long it matters, and how two become one.
//!
//! This is the specification. The log in memory calls it; `redis/revoke.lua` says the same in Lua.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::claims::{Claims, TokenId};
use crate::error::{Error, ErrorKind};
use crate::jws;
use crate::time::UnixMillis;
use crate::token::verifier::Verifier;
use crate::user_id::{UserId, UserTag};

/// The first second whose tokens are accepted again: a token with `iat` before it is refused.
///
/// Tokens count in whole seconds, so nobody can tell whether a token of the very second of a revocation came before
/// or after it. All of that second are refused. A token for a new login is accepted if it is issued in a later
/// second: wait for [`Epoch::starts_at`], or issue it then.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{Epoch, UnixMillis};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let epoch = Epoch::after(UnixMillis::new(1_700_000_005_300)?, Duration::ZERO);
/// assert!(epoch.refuses(UnixMillis::new(1_700_000_005_000)?));
/// assert!(!epoch.refuses(UnixMillis::new(1_700_000_006_000)?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub(crate) u64);

impl Epoch {
    /// How far ahead of the log's clock an epoch may lie. Further ahead it is a mistake that would lock a user out.
    pub const AHEAD_MAX: Duration = Duration::from_secs(600);

    /// Refuses all tokens that were issued up to a time, and those of its second.
    ///
    /// `leeway` is how far an issuer's clock may be ahead of the clock that told this time.
    #[must_use]
    pub fn after(time: UnixMillis, leeway: Duration) -> Self {
        Self(time.saturating_add(leeway).as_secs() + 1)
    }

    /// When the first tokens are accepted.
    #[must_use]
    pub const fn starts_at(self) -> UnixMillis {
        UnixMillis::saturating_new(self.0.saturating_mul(1000))
    }

    /// Whether a token that was issued at this time is refused.
    #[must_use]
    pub const fn refuses(self, issued_at: UnixMillis) -> bool {
        issued_at.as_secs() < self.0
    }
}

/// What a revocation is about, as a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// One token.
    Token(TokenTag),
    /// All tokens of a user up to an epoch.
    User(UserTag),
}

/// The fingerprint of a token's `jti`, 128 bits: those of the `jti` itself if it is one of ours, else of its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TokenTag([u8; 16]);

impl TokenTag {
    pub(crate) fn of(id: &TokenId) -> Self {
        Self::parse(id.as_str()).unwrap_or_else(|| {
            let digest: [u8; 32] = Sha256::digest(id.as_str()).into();
            let mut tag = [0; 16];
            for (to, from) in tag.iter_mut().zip(digest) {
                *to = from;
            }
            Self(tag)
        })
    }

    /// Reads 22 characters of base64url and nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // The room is for what base64 may ask, two bytes more than it fills.
        let mut room = [0; 18];
        let filled = URL_SAFE_NO_PAD.decode_slice(text, &mut room).ok()?;
        room.get(..filled)?.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for TokenTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&jws::encode(self.0))
    }
}

/// One token, or all tokens of one user up to an [`Epoch`], called back. It holds fingerprints only.
///
/// Tokens and users are told apart by 128 bits of SHA-256: two that share them would be revoked together.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{Epoch, Revocation, TokenId, UnixMillis, UserId};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let now = UnixMillis::now();
/// let expires_at = now.saturating_add(Duration::from_secs(300));
/// let token = Revocation::of_token(&TokenId::random()?, expires_at);
/// assert!(token.until() > expires_at);
/// let epoch = Epoch::after(now, Duration::ZERO);
/// let user = Revocation::of_user(&UserId::new("alice")?, epoch, Duration::from_secs(3600));
/// assert_eq!(user.epoch(), Some(epoch));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    pub(crate) subject: Subject,
    /// Zero for a token.
    pub(crate) epoch: Epoch,
    pub(crate) until: UnixMillis,
}

impl Revocation {
    /// Calls one token back. `expires_at` is its `exp`.
    #[must_use]
    pub fn of_token(id: &TokenId, expires_at: UnixMillis) -> Self {
        let until = expires_at.saturating_add(Verifier::LEEWAY_MAX);
        Self { subject: Subject::Token(TokenTag::of(id)), epoch: Epoch(0), until }
    }

    /// Calls all tokens of a user back that were issued before an epoch. `token_life` is the longest life that any
    /// issuer gives a token.
    #[must_use]
    pub fn of_user(user: &UserId, epoch: Epoch, token_life: Duration) -> Self {
        let until = epoch.starts_at().saturating_add(token_life).saturating_add(Verifier::LEEWAY_MAX);
        Self { subject: Subject::User(user.tag()), epoch, until }
    }

    /// Until when it matters: until then, some verifier may accept a token that it refuses.
    #[must_use]
    pub fn until(&self) -> UnixMillis {
        self.until
    }

    /// The epoch of a user; `None` for a token.
    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        match self.subject {
            Subject::User(_) => Some(self.epoch),
            Subject::Token(_) => None,
        }
    }

    /// Whether it refuses the token of these claims.
    #[must_use]
    pub fn refuses(&self, claims: &Claims) -> bool {
        match self.subject {
            Subject::Token(tag) => tag == TokenTag::of(claims.id()),
            Subject::User(tag) => self.epoch.refuses(claims.issued_at()) && tag == claims.subject().tag(),
        }
    }

    /// Both revocations of one subject in one. The order in which they come does not matter.
    pub(crate) fn and(self, other: &Self) -> Self {
        let (epoch, until) = (self.epoch.max(other.epoch), self.until.max(other.until));
        Self { subject: self.subject, epoch, until }
    }
}

/// What a log does with a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Nothing: no token is left.
    Expired,
    /// Nothing: its epoch is a mistake.
    TooFarAhead,
    /// Nothing: what is kept, this, says as much.
    Already(Revocation),
    /// Keep this in place of what is kept, at the end of the log.
    Keep(Revocation),
}

impl Revocation {
    /// The same, of a user with an epoch behind this second at least, and for so much longer.
    fn raised_behind(self, now: UnixMillis) -> Self {
        let least = Epoch::after(now, Duration::ZERO);
        if matches!(self.subject, Subject::Token(_)) || self.epoch >= least {
            return self;
        }
        let later = least.starts_at().since(self.epoch.starts_at());
        Self { epoch: least, until: self.until.saturating_add(later), ..self }
    }
}

/// Judges a revocation, given what is kept of its subject.
pub(crate) fn judge(kept: Option<&Revocation>, new: &Revocation, now: UnixMillis) -> Judgement {
    if new.until <= now {
        return Judgement::Expired;
    }
    if new.epoch.starts_at() > now.saturating_add(Epoch::AHEAD_MAX) {
        return Judgement::TooFarAhead;
    }
    let new = new.raised_behind(now);
    let Some(kept) = kept.filter(|kept| kept.until > now) else {
        return Judgement::Keep(new);
    };
    let both = new.and(kept);
    if both == *kept { Judgement::Already(both) } else { Judgement::Keep(both) }
}

/// The one way in which a revocation is the caller's fault.
pub(crate) fn too_far_ahead() -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        "this epoch lies more than ten minutes ahead and would lock the user out: give the time of the revocation",
    )
}

/// How many entries there may be in all for one more of this kind. Tokens leave a tenth to users: whoever has a
/// million tokens called back must not stand in the way of the one revocation that would help.
pub(crate) fn room(subject: &Subject, entries_max: usize) -> usize {
    match subject {
        Subject::Token(_) => entries_max - entries_max / 10,
        Subject::User(_) => entries_max,
    }
}

/// A log that takes no more of a kind.
pub(crate) fn full(entries_max: usize) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "the log holds {entries_max} revocations or more: revoke users instead of tokens, or raise the limit"
        ),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> UnixMillis {
        UnixMillis::new(millis).unwrap()
    }

    fn user(epoch_secs: u64, until: u64) -> Revocation {
        let subject = Subject::User(UserId::new("alice").unwrap().tag());
        Revocation { subject, epoch: Epoch(epoch_secs), until: at(until) }
    }

    #[test]
    fn all_tokens_of_the_second_of_a_revocation_are_refused_and_none_of_the_next() {
        for millis in [5000, 5001, 5999] {
            let epoch = Epoch::after(at(millis), Duration::ZERO);
            assert!(epoch.refuses(at(5000)) && epoch.refuses(at(4000)), "{millis}");
            assert!(!epoch.refuses(at(6000)), "{millis}");
            assert_eq!(epoch.starts_at(), at(6000));
        }
        assert!(Epoch::after(at(5500), Duration::from_millis(500)).refuses(at(6000)));
    }

    #[test]
    fn an_older_epoch_never_replaces_a_newer_one() {
        let newer = user(10, 90_000);
        assert_eq!(judge(Some(&newer), &user(9, 89_000), at(1000)), Judgement::Already(newer));
        assert_eq!(judge(Some(&newer), &newer, at(1000)), Judgement::Already(newer));
        assert_eq!(judge(Some(&newer), &user(9, 95_000), at(1000)), Judgement::Keep(user(10, 95_000)));
        assert_eq!(judge(Some(&newer), &user(11, 91_000), at(1000)), Judgement::Keep(user(11, 91_000)));
    }

    #[test]
    fn what_has_ended_is_not_kept_and_what_lies_far_ahead_is_refused() {
        assert_eq!(judge(None, &user(1, 5000), at(5000)), Judgement::Expired);
        assert_eq!(judge(None, &user(6, 5001), at(5000)), Judgement::Keep(user(6, 5001)));
        assert_eq!(judge(None, &user(606, 900_000), at(5000)), Judgement::TooFarAhead);
        assert_eq!(judge(None, &user(605, 900_000), at(5000)), Judgement::Keep(user(605, 900_000)));
        // What is kept of an ended one does not come back.
        assert_eq!(judge(Some(&user(9, 5000)), &user(8, 9000), at(5000)), Judgement::Keep(user(8, 9000)));
    }

    #[test]
    fn a_clock_that_is_behind_revokes_all_that_was_issued_before() {
        // The log's second counts whole, and what is refused anew is kept as long as it lives.
        assert_eq!(judge(None, &user(2, 7000), at(5999)), Judgement::Keep(user(6, 11_000)));
        assert_eq!(judge(None, &user(6, 7000), at(5999)), Judgement::Keep(user(6, 7000)));
        let kept = user(6, 11_000);
        assert_eq!(judge(Some(&kept), &user(2, 7000), at(5999)), Judgement::Already(kept));
        assert_eq!(judge(Some(&kept), &user(2, 7000), at(6000)), Judgement::Keep(user(7, 12_000)));
        let forever = Revocation { until: UnixMillis::MAX, ..user(2, 0) };
        let raised = Revocation { until: UnixMillis::MAX, ..user(6, 0) };
        assert_eq!(judge(None, &forever, at(5999)), Judgement::Keep(raised));
        let token = Revocation { subject: Subject::Token(TokenTag([0; 16])), ..user(0, 7000) };
        assert_eq!(judge(None, &token, at(5999)), Judgement::Keep(token));
    }

    #[test]
    fn a_revocation_outlives_the_most_lenient_verifier() {
        let id = TokenId::new([1; 16]);
        assert_eq!(Revocation::of_token(&id, at(1000)).until(), at(301_000));
        let alice = UserId::new("alice").unwrap();
        let of_user = Revocation::of_user(&alice, Epoch(10), Duration::from_secs(100));
        assert_eq!(of_user.until(), at(410_000));
    }

    proptest! {
        #[test]
        fn the_order_of_revocations_does_not_matter(a in (0..9_u64, 0..9_u64), b in (0..9_u64, 0..9_u64)) {
            let (a, b) = (user(a.0, a.1), user(b.0, b.1));
            prop_assert_eq!(a.and(&b), b.and(&a));
            prop_assert_eq!(a.and(&b).and(&a), a.and(&b));
        }
    }
}
