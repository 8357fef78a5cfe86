//! Where the rows live: the trait, and the values that cross it.

mod memory;
#[cfg(feature = "sqlite")]
mod sql;

use std::fmt;
use std::pin::Pin;

pub use self::memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use self::sql::SqliteStore;
use crate::admin::Refusal;
use crate::change::Change;
use crate::error::{Error, Repr};
use crate::name::UserId;
use crate::rows::PolicyRows;

/// The latest instant a store accepts: the end of the year 9999, in milliseconds since 1970-01-01 in UTC.
pub const AT_MILLIS_MAX: u64 = 253_402_300_799_999;
/// The most entries of the audit trail that one call gives.
pub const HISTORY_ENTRIES_MAX: u16 = 1_000;

/// A boxed future, so that an application can hold an `Arc<dyn PolicyStore>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How many changes a policy has seen. It rises by one with every change that is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyVersion(u64);

impl PolicyVersion {
    /// Before the first change.
    pub const START: Self = Self(0);

    /// The version with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The version after one more change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for PolicyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// All rows at one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The version.
    pub version: PolicyVersion,
    /// The rows as they were then.
    pub rows: PolicyRows,
}

impl Snapshot {
    /// Rows and their version.
    #[must_use]
    pub const fn new(version: PolicyVersion, rows: PolicyRows) -> Self {
        Self { version, rows }
    }
}

/// What became of a change. Both variants there will ever be: a match need no third arm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Applied {
    /// It is made and recorded; this is the version that it made.
    Done(PolicyVersion),
    /// It is not made, and why.
    Refused(Refusal),
}

/// One change that was made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The version that the change made.
    pub version: PolicyVersion,
    /// Who made it, as the application said.
    pub actor: UserId,
    /// When, in milliseconds since 1970-01-01 in UTC, as the application said.
    pub at_millis: u64,
    /// The change in words: [`Change`]'s own text.
    pub change: String,
}

impl AuditEntry {
    /// An entry with these values.
    #[must_use]
    pub const fn new(version: PolicyVersion, actor: UserId, at_millis: u64, change: String) -> Self {
        Self { version, actor, at_millis, change }
    }
}

/// Keeps the rows of one policy. Each verb is atomic.
///
/// [`MemoryStore`] is the specification: any other store gives the same answers to the same calls.
pub trait PolicyStore: fmt::Debug + Send + Sync {
    /// All rows and their version, as they stood together at one moment.
    ///
    /// A row that cannot be read goes to [`PolicyRows::unreadable`] and breaks nothing else.
    ///
    /// # Errors
    ///
    /// The store cannot be reached, or what it holds contradicts itself.
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, Error>>;

    /// Makes a change if [`admin::check`](crate::admin::check) allows it on the rows as they are now; raises
    /// the version and records actor, time and change with it, all or nothing.
    ///
    /// `at_millis` is the time now, in milliseconds since 1970-01-01 in UTC.
    ///
    /// # Errors
    ///
    /// The store cannot be reached, what it holds contradicts itself, or `at_millis` is above
    /// [`AT_MILLIS_MAX`].
    fn apply<'a>(
        &'a self,
        actor: &'a UserId,
        change: &'a Change,
        at_millis: u64,
    ) -> BoxFuture<'a, Result<Applied, Error>>;

    /// The version now: a cheap question, to see whether a new [`load`](Self::load) is due.
    ///
    /// # Errors
    ///
    /// The store cannot be reached, or what it holds contradicts itself.
    fn version(&self) -> BoxFuture<'_, Result<PolicyVersion, Error>>;

    /// The latest changes, newest first: at most `entries`, and at most [`HISTORY_ENTRIES_MAX`].
    ///
    /// # Errors
    ///
    /// The store cannot be reached, or what it holds contradicts itself.
    fn history(&self, entries: u16) -> BoxFuture<'_, Result<Vec<AuditEntry>, Error>>;
}

/// Refuses an instant that not every store could keep.
pub(crate) fn check_time(at_millis: u64) -> Result<(), Error> {
    if at_millis <= AT_MILLIS_MAX { Ok(()) } else { Err(Repr::Time { at_millis }.into()) }
}
