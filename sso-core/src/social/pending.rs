//! Attempts that wait for their callback: the rule of a state that works once, and the store that keeps it.

pub(crate) mod memory;
#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::fmt::Debug;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::social::attempt::{BrowserDigest, PendingKey};
use crate::social::sign_in::SocialSignIn;
use crate::store::{At, BoxFuture};
use crate::time::UnixMillis;

/// How long a user has for the provider's page.
pub const PENDING_MILLIS: u64 = 600_000;
/// How long after the first callback a second one gets the first one's result: WeChat's client calls back twice,
/// with one state and two codes.
pub const REPLAY_MILLIS: u64 = 30_000;
/// How long one callback may take before another one of the same attempt may do the work again.
pub const LEASE_MILLIS: u64 = 10_000;

/// An attempt that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The browser that may finish it.
    pub browser: BrowserDigest,
    /// Where the application wants the user to go afterwards, see [`ReturnTo`].
    pub return_to: ReturnTo,
}

/// A place of the application's own: an absolute path, never another host. 1 to 1024 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// The longest path, in bytes.
    pub const BYTES_MAX: usize = 1024;

    /// A path from its text, query and fragment included.
    ///
    /// # Errors
    /// `InvalidInput` unless it begins with one `/` and holds visible ASCII characters and no `\`.
    pub fn new(path: &str) -> Result<Self, Error> {
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !path.starts_with('/') || path.starts_with("//") || path.len() > Self::BYTES_MAX || !plain {
            let words = "the place to return to must be a path of this site, such as `/account`";
            return Err(Error::new(ErrorKind::InvalidInput, words));
        }
        Ok(Self(path.to_owned()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a callback gets when it asks for its attempt.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Take {
    /// It is the first: redeem the code, then [`finish`](PendingStore::finish) or
    /// [`release`](PendingStore::release).
    First {
        /// Where the user goes afterwards.
        return_to: ReturnTo,
    },
    /// Another callback is at work: wait for a [`change`](PendingStore::changed), then ask again.
    Running,
    /// Another callback has finished: this is its result.
    Finished(Box<SocialSignIn>),
    /// It began in another browser. Nothing changed.
    OtherBrowser,
    /// There is no such attempt, or it is over.
    Unknown,
}

/// A store of attempts. Every verb is one atomic step at the time that it is given.
///
/// All stores give the same answers to the same commands; [`MemoryPendingStore`](crate::social::MemoryPendingStore)
/// is the specification.
///
/// # Errors
/// Every verb fails with `Unavailable` if the store does not answer in time, and with `Corrupt` if it holds
/// something that this crate did not write.
pub trait PendingStore: Send + Sync + Debug {
    /// Keeps a new attempt for [`PENDING_MILLIS`].
    ///
    /// # Errors
    /// Besides those of every verb, `Misuse` if the key is in use: the caller's random bytes are not random.
    fn begin<'a>(
        &'a self,
        key: &'a PendingKey,
        pending: &'a Pending,
        at: At,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Asks for an attempt on behalf of a browser.
    fn take<'a>(
        &'a self,
        key: &'a PendingKey,
        browser: &'a BrowserDigest,
        at: At,
    ) -> BoxFuture<'a, Result<Take, Error>>;

    /// Notes the result of an attempt that was taken, and answers with the first result that was noted. `None`
    /// if the attempt is over by now.
    fn finish<'a>(
        &'a self,
        key: &'a PendingKey,
        result: &'a SocialSignIn,
        at: At,
    ) -> BoxFuture<'a, Result<Option<SocialSignIn>, Error>>;

    /// Gives an attempt back that was taken and not finished, so that the next callback need not wait.
    fn release<'a>(&'a self, key: &'a PendingKey, at: At) -> BoxFuture<'a, Result<(), Error>>;

    /// Waits until an attempt may have changed; it may return too early. Whoever is at work on the attempt
    /// finishes, releases it or is dropped, and needs a client with a deadline to do so in time.
    fn changed<'a>(&'a self, key: &'a PendingKey) -> BoxFuture<'a, Result<(), Error>>;

    /// Hears that a callback was dropped in the middle of its work, as when the browser goes away. A store that
    /// has no way to act at once leaves it to the lease.
    fn abandoned(&self, key: &PendingKey) {
        let _: &PendingKey = key;
    }
}

/// An attempt as a store keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) pending: Pending,
    begun_at: UnixMillis,
    taken: Option<Taken>,
}

#[derive(Clone, Debug)]
struct Taken {
    first_at: UnixMillis,
    lease_until: UnixMillis,
    result: Option<Box<SocialSignIn>>,
}

impl Kept {
    pub(crate) fn new(pending: Pending, now: UnixMillis) -> Self {
        Self { pending, begun_at: now, taken: None }
    }

    /// Whether nothing can be done with it any more.
    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        let (from, millis) = match &self.taken {
            Some(taken) => (taken.first_at, REPLAY_MILLIS),
            None => (self.begun_at, PENDING_MILLIS),
        };
        now >= from.saturating_add(Duration::from_millis(millis))
    }

    /// What a callback gets, and what is kept from now on.
    pub(crate) fn take(&mut self, browser: &BrowserDigest, now: UnixMillis) -> Take {
        if self.is_over(now) {
            return Take::Unknown;
        }
        if self.pending.browser != *browser {
            return Take::OtherBrowser;
        }
        let lease_until = now.saturating_add(Duration::from_millis(LEASE_MILLIS));
        match &mut self.taken {
            Some(Taken { result: Some(result), .. }) => return Take::Finished(result.clone()),
            Some(taken) if now < taken.lease_until => return Take::Running,
            Some(taken) => taken.lease_until = lease_until,
            none => *none = Some(Taken { first_at: now, lease_until, result: None }),
        }
        Take::First { return_to: self.pending.return_to.clone() }
    }

    /// The first result that was noted, perhaps this one.
    pub(crate) fn finish(&mut self, result: &SocialSignIn, now: UnixMillis) -> Option<SocialSignIn> {
        if self.is_over(now) {
            return None;
        }
        let taken = self.taken.as_mut()?;
        Some(taken.result.get_or_insert_with(|| Box::new(result.clone())).as_ref().clone())
    }

    /// Whether nobody is at work on it.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.taken
            .as_ref()
            .is_none_or(|taken| taken.result.is_some() || taken.lease_until == UnixMillis::EPOCH)
    }

    /// Ends the lease.
    pub(crate) fn release(&mut self) {
        if let Some(taken) = &mut self.taken {
            taken.lease_until = UnixMillis::EPOCH;
        }
    }
}

pub(crate) fn reused_state() -> Error {
    Error::new(ErrorKind::Misuse, "this state is in use: take random bytes for each attempt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::social::attempt::BrowserSecret;
    use crate::social::refused::SocialRefused;

    fn at(millis: u64) -> UnixMillis {
        UnixMillis::saturating_new(millis)
    }

    fn browser(byte: u8) -> BrowserDigest {
        BrowserSecret::new([byte; 32]).digest()
    }

    fn kept() -> Kept {
        Kept::new(Pending { browser: browser(1), return_to: ReturnTo::new("/").unwrap() }, at(0))
    }

    fn first() -> Take {
        Take::First { return_to: ReturnTo::new("/").unwrap() }
    }

    #[test]
    fn an_attempt_is_taken_once_and_then_replayed_for_a_while() {
        let (mut kept, denied) = (kept(), SocialSignIn::Refused(SocialRefused::Denied));
        assert_eq!(kept.take(&browser(2), at(1)), Take::OtherBrowser);
        assert_eq!(kept.take(&browser(1), at(1)), first());
        assert_eq!(kept.take(&browser(1), at(LEASE_MILLIS)), Take::Running);
        assert_eq!(kept.finish(&denied, at(9)), Some(denied.clone()));
        let other = SocialSignIn::Refused(SocialRefused::CodeUsed);
        assert_eq!(kept.finish(&other, at(10)), Some(denied.clone()));
        assert_eq!(kept.take(&browser(2), at(11)), Take::OtherBrowser);
        assert_eq!(kept.take(&browser(1), at(REPLAY_MILLIS)), Take::Finished(Box::new(denied)));
        assert_eq!(kept.take(&browser(1), at(REPLAY_MILLIS + 1)), Take::Unknown);
        assert_eq!(kept.finish(&other, at(REPLAY_MILLIS + 1)), None);
    }

    #[test]
    fn an_attempt_waits_ten_minutes() {
        assert_eq!(kept().take(&browser(1), at(PENDING_MILLIS - 1)), first());
        assert_eq!(kept().take(&browser(1), at(PENDING_MILLIS)), Take::Unknown);
        assert_eq!(kept().finish(&SocialSignIn::Refused(SocialRefused::Denied), at(1)), None);
    }

    #[test]
    fn a_lease_that_is_given_back_or_runs_out_is_free() {
        let mut kept = kept();
        assert_eq!(kept.take(&browser(1), at(1)), first());
        kept.release();
        assert_eq!(kept.take(&browser(1), at(2)), first());
        assert_eq!(kept.take(&browser(1), at(LEASE_MILLIS + 1)), Take::Running);
        assert_eq!(kept.take(&browser(1), at(LEASE_MILLIS + 2)), first());
        // The window counts from the first callback, however often the work begins anew.
        assert_eq!(kept.take(&browser(1), at(REPLAY_MILLIS + 1)), Take::Unknown);
    }

    #[test]
    fn the_place_to_return_to_is_on_this_site() {
        for good in ["/", "/account?tab=1#top", "/a//b"] {
            assert!(ReturnTo::new(good).is_ok(), "{good}");
        }
        for bad in ["", "account", "//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/\n"]
        {
            assert!(ReturnTo::new(bad).is_err(), "{bad}");
        }
    }
}
