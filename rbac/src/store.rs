//! Where the rows live: the trait, and the values that cross it.

mod memory;
mod revision;
#[cfg(feature = "_sql")]
mod sql;

use std::fmt;
use std::pin::Pin;

pub use self::memory::{MEMORY_ENTRIES_MAX, MemoryStore};
pub use self::revision::{Mark, PolicyVersion, Revision};
#[cfg(feature = "mysql")]
pub use self::sql::MysqlStore;
#[cfg(feature = "postgres")]
pub use self::sql::PostgresStore;
#[cfg(feature = "sqlite")]
pub use self::sql::SqliteStore;
#[cfg(feature = "_sql")]
pub(crate) use self::sql::Trouble;
#[cfg(feature = "_sql")]
pub use self::sql::{Backend, SqlStore};

use crate::admin::Refused;
use crate::draft::{Actor, Draft};
use crate::error::Error;
use crate::name::{Reason, UserId};
use crate::rows::PolicyRows;
use crate::time::UnixMillis;

/// The most entries of the audit trail that one call gives.
pub const HISTORY_ENTRIES_MAX: u16 = 1_000;

/// A boxed future, so that an application can hold an `Arc<dyn PolicyStore>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// All rows at one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The version.
    pub version: PolicyVersion,
    /// What tells it from the same version of another history.
    pub mark: Mark,
    /// The rows as they were then.
    pub rows: PolicyRows,
}

impl Snapshot {
    /// Rows and their version.
    #[must_use]
    pub const fn new(revision: Revision, rows: PolicyRows) -> Self {
        let Revision { version, mark } = revision;
        Self { version, mark, rows }
    }

    /// The version and its history.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        Revision::new(self.version, self.mark)
    }
}

/// What became of a draft. Both variants there will ever be: a match need no third arm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Applied {
    /// It is carried out and recorded; this is the version that it made.
    Done(PolicyVersion),
    /// Nothing of it is carried out, and why.
    Refused(Refused),
}

/// One draft that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The version that it made.
    pub version: PolicyVersion,
    /// Who.
    pub actor: Actor,
    /// When, as the application said.
    pub at: UnixMillis,
    /// Why, as the actor said.
    pub reason: Reason,
    /// The changes in words, in their order.
    pub changes: Vec<String>,
    /// The rows that went or became others, as they were before.
    pub before: PolicyRows,
    /// The rows that came or became others, as they were afterwards.
    pub after: PolicyRows,
}

impl AuditEntry {
    /// True if this user made the draft.
    #[must_use]
    pub fn is_by(&self, user: &UserId) -> bool {
        matches!(&self.actor, Actor::User(actor) if actor == user)
    }
}

/// Which part of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryQuery {
    /// Only entries of lower versions: where the page before ended.
    pub below: Option<PolicyVersion>,
    /// Only entries of this user.
    pub actor: Option<UserId>,
    /// At most so many; never more than [`HISTORY_ENTRIES_MAX`].
    pub entries_max: u16,
}

impl HistoryQuery {
    /// The latest entries, at most so many.
    #[must_use]
    pub const fn latest(entries_max: u16) -> Self {
        Self { below: None, actor: None, entries_max }
    }

    /// Only entries of lower versions.
    #[must_use]
    pub const fn below(mut self, version: PolicyVersion) -> Self {
        self.below = Some(version);
        self
    }

    /// Only entries of this user.
    #[must_use]
    pub fn by(mut self, actor: UserId) -> Self {
        self.actor = Some(actor);
        self
    }
}

/// Keeps the rows of one policy. Each verb is atomic.
///
/// The memory store is the specification: any other store gives the same answers to the same calls.
pub trait PolicyStore: fmt::Debug + Send + Sync {
    /// All rows and their version, as they stood together at one moment.
    ///
    /// A row that cannot be read goes to [`PolicyRows::unreadable`] and breaks nothing else.
    ///
    /// # Errors
    ///
    /// The store cannot be reached, or what it holds contradicts itself.
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, Error>>;

    /// Carries a draft out if [`admin::check`](crate::admin::check) allows it on the rows as they are now; raises
    /// the version, draws a new [`Mark`] and records the draft with the rows before and after, all or nothing. Two drafts never overlap,
    /// whichever processes they come from, so no two can together break a rule that each of them keeps.
    ///
    /// # Errors
    ///
    /// The store cannot be reached, or what it holds contradicts itself.
    fn commit<'a>(&'a self, draft: &'a Draft, at: UnixMillis) -> BoxFuture<'a, Result<Applied, Error>>;

    /// The version now and its history: a cheap question, to see whether a new [`load`](Self::load) is due.
    ///
    /// # Errors
    ///
    /// The store cannot be reached, or what it holds contradicts itself.
    fn revision(&self) -> BoxFuture<'_, Result<Revision, Error>>;

    /// The version now.
    ///
    /// # Errors
    ///
    /// As [`revision`](Self::revision).
    fn version(&self) -> BoxFuture<'_, Result<PolicyVersion, Error>> {
        Box::pin(async { Ok(self.revision().await?.version) })
    }

    /// The audit trail, newest first.
    ///
    /// # Errors
    ///
    /// The store cannot be reached, or what it holds contradicts itself.
    fn history<'a>(&'a self, query: &'a HistoryQuery) -> BoxFuture<'a, Result<Vec<AuditEntry>, Error>>;
}
