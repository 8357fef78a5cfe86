//! How often somebody may guess: buckets by user, by target and by source, in bounded memory.

mod buckets;

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::Target;
use crate::error::{Error, Inner};
use buckets::{Bucket, Buckets};

/// Limits the logins that fail. Time is given as a duration since any fixed moment.
///
/// Every attempt takes a token of three buckets: of the user of this service, of the target, and of the
/// address it comes from. A login that succeeds puts its tokens back; one that fails does not, so that
/// attempts side by side do not slip through. Buckets fill again with time.
///
/// ```
/// use std::time::Duration;
/// use webssh_core::{Admission, Attempt, TargetPolicy, Throttle, Throttled, ThrottleConfig};
///
/// let policy = TargetPolicy::new(["lab.example.org:22"])?;
/// let Admission::Allowed(target) = policy.admit("lab.example.org", 22, "alice")? else { panic!("listed") };
/// let attempt = Attempt { user: "alice@school", target: &target, source: "198.51.100.7".parse().unwrap() };
///
/// let mut throttle = Throttle::new(ThrottleConfig { user_failures_max: 2, ..ThrottleConfig::default() })?;
/// let now = Duration::from_secs(1000);
/// for _ in 0..2 {
///     assert_eq!(throttle.check(now, &attempt), Throttled::Allowed);
///     throttle.failed(now, &attempt);
/// }
/// assert!(matches!(throttle.check(now, &attempt), Throttled::Wait(_)));
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Throttle {
    config: ThrottleConfig,
    buckets: Buckets,
}

/// The sizes of the buckets and how they fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleConfig {
    /// Failures of one user in a row, wherever they go. 1 to 1000.
    pub user_failures_max: u32,
    /// Failures at one target in a row, whoever tries. 1 to 1000. A stranger can use them up and keep
    /// others out for a while, so it is larger.
    pub target_failures_max: u32,
    /// Failures from one address in a row; of IPv6, from one network of 64 bits. 1 to 1000. A whole school
    /// may stand behind one address.
    pub source_failures_max: u32,
    /// Seconds after which one more failure is allowed. 1 to 86400.
    pub refill_secs: u32,
    /// Buckets that are kept; a full one takes no place. 100 to 10000000, of about 200 bytes each.
    pub buckets_max: u32,
}

/// Five for a user, thirty for a target or a source, one more every 30 seconds, 65536 buckets.
impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            user_failures_max: 5,
            target_failures_max: 30,
            source_failures_max: 30,
            refill_secs: 30,
            buckets_max: 65_536,
        }
    }
}

/// Who tries to log in where.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::exhaustive_structs,
    reason = "three parts, all of them needed; a new one must break callers"
)]
pub struct Attempt<'a> {
    /// The user of this service; not the account on the server, which is part of the target.
    pub user: &'a str,
    /// The server and the account on it.
    pub target: &'a Target,
    /// The address of the browser, as a trusted proxy tells it.
    pub source: IpAddr,
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Throttled {
    /// Go on, then say how it went.
    Allowed,
    /// Not before this time has passed. Nothing was taken.
    Wait(Duration),
}

impl Throttle {
    /// Starts with full buckets.
    ///
    /// # Errors
    /// `InvalidInput` when a number is outside its documented range.
    pub fn new(config: ThrottleConfig) -> Result<Self, Error> {
        let failures = 1..=1000;
        let rules = [
            ("user_failures_max", failures.contains(&config.user_failures_max), "1 to 1000"),
            ("target_failures_max", failures.contains(&config.target_failures_max), "1 to 1000"),
            ("source_failures_max", failures.contains(&config.source_failures_max), "1 to 1000"),
            ("refill_secs", (1..=86_400).contains(&config.refill_secs), "1 to 86400"),
            ("buckets_max", (100..=10_000_000).contains(&config.buckets_max), "100 to 10000000"),
        ];
        if let Some((name, _, rule)) = rules.into_iter().find(|(_, holds, _)| !holds) {
            return Err(Inner::Limit { name, rule }.into());
        }
        let buckets_max = usize::try_from(config.buckets_max).unwrap_or(usize::MAX);
        Ok(Self { config, buckets: Buckets::new(secs(config.refill_secs), buckets_max) })
    }

    /// Asks before an attempt, and takes one token of each bucket. [`failed`](Self::failed) or
    /// [`succeeded`](Self::succeeded) has to follow; an attempt that is forgotten counts as failed.
    pub fn check(&mut self, now: Duration, attempt: &Attempt<'_>) -> Throttled {
        let buckets = self.of(attempt);
        let wait = buckets.iter().map(|bucket| self.buckets.wait(now, bucket)).max().unwrap_or_default();
        if !wait.is_zero() {
            return Throttled::Wait(wait);
        }
        for bucket in &buckets {
            self.buckets.take(now, bucket);
        }
        Throttled::Allowed
    }

    /// The server refused the credentials: the tokens stay spent. Says how long the next attempt has to
    /// wait, which is zero as long as tokens are left.
    pub fn failed(&mut self, now: Duration, attempt: &Attempt<'_>) -> Duration {
        let buckets = self.of(attempt);
        buckets.iter().map(|bucket| self.buckets.wait(now, bucket)).max().unwrap_or_default()
    }

    /// The login succeeded, or it ended before the credentials were judged: the tokens of this attempt go
    /// back. Those of earlier failures stay spent: logging in to one's own server buys no guess elsewhere.
    pub fn succeeded(&mut self, now: Duration, attempt: &Attempt<'_>) {
        for bucket in &self.of(attempt) {
            self.buckets.give_back(now, bucket);
        }
    }

    /// How many buckets are not full, as far as it was looked at.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.buckets.len()
    }

    fn of(&self, attempt: &Attempt<'_>) -> [Bucket; 3] {
        let source = match attempt.source.to_canonical() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().into_iter().take(8).collect(),
        };
        let target = attempt.target.to_string();
        let bucket = |name: &[u8], part: &[u8], tokens| {
            let key = Sha256::new().chain_update(name).chain_update(part).finalize().into();
            Bucket { key, tokens }
        };
        [
            bucket(b"user\0", attempt.user.as_bytes(), self.config.user_failures_max),
            bucket(b"target\0", target.as_bytes(), self.config.target_failures_max),
            bucket(b"source\0", &source, self.config.source_failures_max),
        ]
    }
}

fn secs(number: u32) -> Duration {
    Duration::from_secs(number.into())
}
