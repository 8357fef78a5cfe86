//! What can break: one opaque [`Error`], with a kind for machines and words for people.

use std::fmt;

use crate::name::{NameFault, RoleName};
use crate::store::PolicyVersion;

/// Something broke. An expected "no" is never one of these: it is a [`Decision`](crate::Decision),
/// a [`Refusal`](crate::Refusal) or an [`UnknownPermission`](crate::UnknownPermission).
///
/// # Examples
///
/// ```
/// use rbac::{ErrorKind, PermissionName};
///
/// let error = PermissionName::new("course:*").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert!(error.to_string().contains("`course:*`"));
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Repr>);

/// Whose fault an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller gave a text or a number outside its documented shape.
    InvalidInput,
    /// The store cannot be reached now, or not fast enough.
    Unavailable,
    /// What is stored contradicts itself: a circle of roles, a missing version.
    Corrupt,
    /// The program uses the crate wrongly, for instance before it has migrated the tables.
    Misuse,
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind()
    }

    /// True if the same call may well succeed a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match &*self.0 {
            Repr::NotReloaded { source, .. } => source.is_transient(),
            #[cfg(feature = "sqlite")]
            Repr::Database { fault, .. } => *fault == DatabaseFault::Busy,
            _ => false,
        }
    }
}

impl From<Repr> for Error {
    fn from(repr: Repr) -> Self {
        Self(Box::new(repr))
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Repr {
    #[error("{what} `{shown}` {fault}; {rule}")]
    Name { what: &'static str, shown: String, fault: NameFault, rule: &'static str },

    #[error("roles inherit each other in a circle: {0}; remove one of these inheritances")]
    Cycle(RolePath),

    #[error("time `{at_millis}` is after the year 9999; give milliseconds since 1970-01-01 in UTC")]
    Time { at_millis: u64 },

    #[error("the change is stored as version `{version}`, but the policy was not reloaded; refresh it")]
    NotReloaded { version: PolicyVersion, source: Error },

    #[cfg(feature = "sqlite")]
    #[error("could not {doing}: {fault}")]
    Database { doing: &'static str, fault: DatabaseFault, source: sqlx::Error },

    #[cfg(feature = "sqlite")]
    #[error("could not migrate the policy tables: {fault}")]
    Migrate { fault: DatabaseFault, source: sqlx::migrate::MigrateError },

    #[cfg(feature = "sqlite")]
    #[error("table `rbac_version` holds no usable version; restore its only row")]
    NoVersion,

    #[cfg(feature = "sqlite")]
    #[error("table `rbac_audit` holds an unusable row at version `{version}`; restore or delete it")]
    AuditRow { version: i64 },
}

impl Repr {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name { .. } | Self::Time { .. } => ErrorKind::InvalidInput,
            Self::Cycle(_) => ErrorKind::Corrupt,
            Self::NotReloaded { source, .. } => source.kind(),
            #[cfg(feature = "sqlite")]
            Self::NoVersion | Self::AuditRow { .. } => ErrorKind::Corrupt,
            #[cfg(feature = "sqlite")]
            Self::Database { fault, .. } | Self::Migrate { fault, .. } => fault.kind(),
        }
    }
}

/// What a database error comes down to, with its remedy.
#[cfg(feature = "sqlite")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseFault {
    Busy,
    Unreachable,
    Damaged,
    NoTables,
    OtherTables,
    Closed,
}

#[cfg(feature = "sqlite")]
impl DatabaseFault {
    fn kind(self) -> ErrorKind {
        match self {
            Self::Busy | Self::Unreachable => ErrorKind::Unavailable,
            Self::Damaged => ErrorKind::Corrupt,
            Self::NoTables | Self::OtherTables | Self::Closed => ErrorKind::Misuse,
        }
    }
}

#[cfg(feature = "sqlite")]
impl fmt::Display for DatabaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "the database is busy, try again",
            Self::Unreachable => {
                "the database cannot be read or written, check the file, its rights and the disk"
            }
            Self::Damaged => "the database holds what it must not hold, check or restore it",
            Self::NoTables => "the policy tables are missing, call `migrate` when the program starts",
            Self::OtherTables => "the policy tables belong to another version of this crate, use that one",
            Self::Closed => "the connection pool is closed, keep it open as long as the store is in use",
        })
    }
}

/// Roles in a row, each inheriting the next.
#[derive(Debug)]
pub(crate) struct RolePath(pub(crate) Vec<RoleName>);

impl fmt::Display for RolePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_path(f, &self.0)
    }
}

/// Writes `a` → `b` → `c`.
pub(crate) fn write_path(f: &mut fmt::Formatter<'_>, roles: &[RoleName]) -> fmt::Result {
    for (at, role) in roles.iter().enumerate() {
        let arrow = if at == 0 { "" } else { " → " };
        write!(f, "{arrow}`{role}`")?;
    }
    Ok(())
}
