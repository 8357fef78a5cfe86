//! Calling access tokens back before they end: what is revoked, the log that all servers share, and the view of
//! it that every verification asks.
//!
//! The rule is in `rule`, the logs in `memory` and `redis`, the view of a process in `view`.

pub(crate) mod memory;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod revoker;
pub(crate) mod rule;
#[cfg(feature = "redis")]
pub(crate) mod view;

use crate::claims::Claims;
use crate::error::Error;
use crate::revocation::rule::Revocation;
use crate::store::{At, BoxFuture};

/// Who knows, without waiting, whether a token has been called back. Every verification asks it.
pub trait RevocationView: Send + Sync + std::fmt::Debug {
    /// Whether the token of these claims is to be refused.
    fn is_revoked(&self, claims: &Claims) -> bool;
}

/// What a revocation came to, with what the log keeps of its subject now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum RevokeOutcome {
    /// This call revoked it. What is kept may be more than what was asked for.
    Revoked(Revocation),
    /// It had been revoked before, and for at least as much: nothing has changed.
    Already(Revocation),
    /// There is no valid token left that it could revoke.
    Expired,
}

/// A log of revocations, one for all servers.
///
/// Every verb is one atomic step. A log keeps one entry a token and one a user, drops it when the last token that
/// it revokes has ended, and lists what it keeps in the order in which it came or last grew.
/// [`MemoryRevocations`](crate::MemoryRevocations) is the specification.
///
/// # Errors
/// Every verb fails with `Unavailable` if the log does not answer in time, and with `Corrupt` if it holds
/// something that this crate did not write.
pub trait RevocationStore: Send + Sync + std::fmt::Debug {
    /// Writes a revocation down. A revocation never becomes less: an older epoch does not replace a newer one.
    ///
    /// The log's clock has a say: the epoch of a user becomes at least the second after the log's, and the
    /// revocation is kept so much longer. So a caller whose clock is behind revokes all that was issued before.
    ///
    /// # Errors
    /// Besides those of every verb, `InvalidInput` if the revocation is for a time too far ahead
    /// ([`Epoch::AHEAD_MAX`](crate::Epoch::AHEAD_MAX)), `Unavailable` if the log is full.
    fn revoke<'a>(
        &'a self,
        revocation: &'a Revocation,
        at: At,
    ) -> BoxFuture<'a, Result<RevokeOutcome, Error>>;

    /// Reads what has been added since a point of the log, or all of it, a page at a time.
    fn read<'a>(&'a self, since: ReadFrom<'a>, at: At) -> BoxFuture<'a, Result<LogPage, Error>>;

    /// Calls `wake` whenever something may have been added, for as long as the future is polled. It is a hint and
    /// nothing more: who misses it reads a little later. A store that gives no hints waits forever.
    fn listen<'a>(&'a self, wake: &'a (dyn Fn() + Send + Sync)) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            wake();
            std::future::pending().await
        })
    }
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom<'a> {
    /// At the beginning.
    Start,
    /// Behind a point that was the log's end. If the log does not know the point, because it has lost its end or
    /// everything, reading begins at the start.
    Point(&'a LogPoint),
    /// Behind the last entry of a page.
    Page(u64),
}

/// A point of a log's history: how many entries there were, and the random mark of the last one.
///
/// The mark tells a log that has gone on from one that has lost its end and gone on differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPoint {
    /// The number of the last entry.
    pub number: u64,
    /// Its mark, drawn at random.
    pub mark: String,
}

/// A page of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The end of the log when this page was read; `None` if nothing is in it.
    pub end: Option<LogPoint>,
    /// Revocations that may still matter, oldest first.
    pub revocations: Vec<Revocation>,
    /// There is more: go on with [`ReadFrom::Page`] of this.
    pub next: Option<u64>,
}

impl LogPage {
    /// How many entries a page looks at.
    pub const ENTRIES_MAX: usize = 500;
    /// How many points of its history a log remembers. Who is further behind reads all of it.
    pub const POINTS_MAX: usize = 1024;
}
