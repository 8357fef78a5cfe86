//! A throttle of guesses at passwords: per account, per address, per known device, with a growing wait.

pub(crate) mod device;
pub(crate) mod guess;
pub(crate) mod memory;
pub(crate) mod policy;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod rule;

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::store::{At, BoxFuture};
use crate::throttle::guess::{CounterKey, Guess};
use crate::throttle::policy::ThrottlePolicy;
use crate::time::UnixMillis;

/// Which counter slows a guess down. For logs: clients are told how long to wait, not why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ThrottledBy {
    /// The account has had too many failures, from anywhere.
    Account,
    /// The network address has had too many failures, with any account.
    Address,
    /// This device has had too many failures with its own account.
    Device,
}

impl ThrottledBy {
    const fn code(self) -> u8 {
        match self {
            Self::Account => b'a',
            Self::Address => b'n',
            Self::Device => b'd',
        }
    }
}

/// A guess that comes too early: how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// When the next guess may come.
    pub until: UnixMillis,
    /// How long that is from now, on the clock of the store.
    pub left: Duration,
    /// The counter that has the longest wait.
    pub by: ThrottledBy,
}

impl Wait {
    /// The wait from now until a time.
    #[must_use]
    pub const fn new(until: UnixMillis, now: UnixMillis, by: ThrottledBy) -> Self {
        Self { until, left: until.since(now), by }
    }

    /// Whole seconds, rounded up: the value of a `Retry-After` header beside status 429 (RFC 6585, section 4).
    #[must_use]
    pub const fn retry_after_secs(&self) -> u64 {
        self.left.as_secs() + if self.left.subsec_nanos() > 0 { 1 } else { 0 }
    }
}

/// What becomes of a guess.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum MayGuess {
    /// Check the password now. The guess is counted as a failure until [`Throttle::succeeded`] takes that back.
    Now(Attempt),
    /// Do not check it; answer 429. Nothing was counted.
    Wait(Wait),
}

/// A guess that has been admitted and charged.
///
/// INVARIANT: only [`Throttle::admit`] makes one, so that no password is found right before it was counted.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Attempt(Guess);

/// Counters of failed guesses.
///
/// Each verb is one atomic step over all counters that it concerns. All stores give the same answers to the same
/// commands; [`MemoryThrottleStore`](crate::MemoryThrottleStore) is the specification.
///
/// # Errors
/// Every verb fails with `Unavailable` if the store does not answer in time or is full, and with `Corrupt` if it
/// holds something that this crate did not write.
pub trait ThrottleStore: Send + Sync + std::fmt::Debug {
    /// The longest wait of the counters that a guess is [charged](Guess::charged) to; if none asks it to wait,
    /// `None`, and all of them have one failure more.
    fn admit<'a>(
        &'a self,
        guess: &'a Guess,
        policy: &'a ThrottlePolicy,
        at: At,
    ) -> BoxFuture<'a, Result<Option<Wait>, Error>>;

    /// Takes back what a guess was charged, as it was right: one counter is [cleared](Guess::cleared), one may be
    /// [relieved](Guess::relieved) of one failure.
    fn succeed<'a>(
        &'a self,
        guess: &'a Guess,
        policy: &'a ThrottlePolicy,
        at: At,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Clears a counter.
    fn forgive<'a>(&'a self, counter: &'a CounterKey) -> BoxFuture<'a, Result<(), Error>>;
}

/// Slows guesses at passwords down.
///
/// Ask before a password is checked: the guess is charged at once, so a thousand guesses at the same time count as
/// a thousand, and none slips through between the question and the answer. Unknown accounts have counters as
/// known ones do: an answer tells nobody which accounts exist. If the store fails, so does the question: check no
/// password then.
///
/// ```
/// use std::sync::Arc;
/// use sso_core::{
///     MayGuess, Guess, MemoryThrottleStore, PasswordCheck, PasswordHasher, PasswordParams, PasswordSalt, Throttle,
///     ThrottlePolicy,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let throttle = Throttle::new(Arc::new(MemoryThrottleStore::new()), ThrottlePolicy::default());
/// let hasher = PasswordHasher::new(PasswordParams::default());
/// let kept = hasher.hash("correct horse", PasswordSalt::random()?)?;
///
/// let guess = Guess::new("alice", "192.0.2.7".parse()?);
/// match throttle.admit(&guess).await? {
///     MayGuess::Wait(wait) => println!("429, Retry-After: {}", wait.retry_after_secs()),
///     MayGuess::Now(attempt) => match hasher.verify(Some(&kept), "correct horse")? {
///         PasswordCheck::Mismatch => println!("401"),
///         PasswordCheck::Match | PasswordCheck::MatchRehash => throttle.succeeded(attempt).await?,
///     },
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Throttle {
    store: Arc<dyn ThrottleStore>,
    policy: ThrottlePolicy,
}

impl Throttle {
    /// Counters in this store, at these paces. One [`ThrottlePolicy`] should be in force on all servers.
    #[must_use]
    pub fn new(store: Arc<dyn ThrottleStore>, policy: ThrottlePolicy) -> Self {
        Self { store, policy }
    }

    /// Says whether a guess may be made now, and counts it as failed if so. One round trip to the store.
    ///
    /// # Errors
    /// Those of the store. After a transient error the outcome is unknown: the guess may have been counted.
    pub async fn admit(&self, guess: &Guess) -> Result<MayGuess, Error> {
        Ok(match self.store.admit(guess, &self.policy, At::Server).await? {
            Some(wait) => MayGuess::Wait(wait),
            None => MayGuess::Now(Attempt(guess.clone())),
        })
    }

    /// Says that a guess was right.
    ///
    /// The failures of its account are forgotten, or those of its device if that was known: what strangers have
    /// done to the account goes on to slow them down. The address is relieved of this guess alone, or else an
    /// attacker could clear it with an account of his own.
    ///
    /// # Errors
    /// Those of the store. Sign the user in nevertheless if the error is transient: what is left counted is
    /// forgotten with time.
    pub async fn succeeded(&self, attempt: Attempt) -> Result<(), Error> {
        self.store.succeed(&attempt.0, &self.policy, At::Server).await
    }

    /// Clears a counter for the application's own reasons: a password that was reset by mail, say.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn forgive(&self, counter: &CounterKey) -> Result<(), Error> {
        self.store.forgive(counter).await
    }
}
