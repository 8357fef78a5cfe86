//! What can break: one opaque [`Error`], with a kind for machines and words for people.

use std::fmt;

use crate::name::{NameFault, RoleName};
use crate::store::PolicyVersion;
#[cfg(feature = "_sql")]
use crate::store::Trouble;
use crate::time::UnixMillis;

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
    /// An error of kind `Unavailable`, and transient, for what an application brings itself: a store, a hint.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Repr::Outside { source: source.into() }.into()
    }

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
            #[cfg(feature = "_sql")]
            Repr::Database { trouble, .. } | Repr::Migrate { trouble, .. } => trouble.is_transient(),
            Repr::Outside { .. } | Repr::Stale { .. } => true,
            #[cfg(feature = "tokio")]
            Repr::LookLate { .. } | Repr::Clock { .. } => true,
            #[cfg(feature = "redis")]
            Repr::HintLate { .. } => true,
            #[cfg(feature = "redis")]
            Repr::Hint { fault, .. } => *fault == HintFault::Unreachable,
            _ => false,
        }
    }

    /// Two writers met in a database, and this one has to begin again.
    #[cfg(feature = "_sql")]
    pub(crate) fn is_clash(&self) -> bool {
        matches!(&*self.0, Repr::Database { trouble: Trouble::Clash, .. })
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

    #[error("nothing is between `{from}` and `{until}`; let a window end after it begins")]
    EmptyWindow { from: UnixMillis, until: UnixMillis },

    #[error("cannot read the {what}, {place}: {fault}")]
    Unreadable { what: &'static str, place: String, fault: String },
    #[error(
        "a scope of `{departments}` departments is more than the `{departments_max}` that a condition takes; \
         open all rows to the role, or join a table of departments"
    )]
    TooManyDepartments { departments: usize, departments_max: usize },

    #[error(
        "placeholders from `${first}` on for `{binds}` values are not all within `$1` and `${max}`; \
         begin at a lower number, from 1 on"
    )]
    Placeholder { first: u16, binds: usize, max: u16 },

    #[error("the change is stored as version `{version}`, but the policy was not reloaded; refresh it")]
    NotReloaded { version: PolicyVersion, source: Error },

    #[error("could not read the policy text: {fault}")]
    PolicyText { fault: String },
    #[error("what the application brought does not answer, try again")]
    Outside { source: Box<dyn std::error::Error + Send + Sync> },

    #[error(
        "the policy was last confirmed at `{confirmed_at}`, more than {max_millis} ms from now, `{now}`; \
         check whether the store can be reached"
    )]
    Stale { confirmed_at: UnixMillis, now: UnixMillis, max_millis: u64 },

    #[error("`{verb}` stands behind no assignment; say it right after `assign`")]
    NoAssignment { verb: &'static str },

    #[error("`{verb}` makes a window of no length; let the assignment end after it begins")]
    Said { verb: &'static str, source: Error },

    #[cfg(feature = "tokio")]
    #[error("the clock of this machine shows a time before 1970 or after 9999; set the clock")]
    Clock { source: Box<dyn std::error::Error + Send + Sync> },

    #[cfg(feature = "tokio")]
    #[error("the store took more than {limit:?} to answer; check it, or allow it more time")]
    LookLate { limit: std::time::Duration },

    #[cfg(feature = "tokio")]
    #[error("the policy was not compiled to its end; report this with its cause")]
    Compiling { source: tokio::task::JoinError },

    #[cfg(feature = "tokio")]
    #[error("no tokio runtime runs here; call `watch` from inside one")]
    NoRuntime { source: tokio::runtime::TryCurrentError },

    #[cfg(feature = "redis")]
    #[error("prefix `{shown}` of the channel has another shape; use 1 to 32 of a-z A-Z 0-9 - _ . :")]
    HintPrefix { shown: String },

    #[cfg(feature = "redis")]
    #[error("a hint over redis has no address; give one")]
    HintNowhere,

    #[cfg(feature = "redis")]
    #[error("could not {doing}: redis took too long, check whether it can be reached")]
    HintLate { doing: &'static str },

    #[cfg(feature = "redis")]
    #[error("could not {doing}: {fault}")]
    Hint { doing: &'static str, fault: HintFault, source: redis::RedisError },

    #[error("{what} `{shown}` is refused; {rule}")]
    Word { what: &'static str, shown: String, rule: &'static str },

    #[cfg(feature = "_sql")]
    #[error("could not {doing}: {}", trouble.words())]
    Database { doing: &'static str, trouble: Trouble, source: sqlx::Error },

    #[cfg(feature = "_sql")]
    #[error("could not migrate the policy tables: {}", trouble.words())]
    Migrate { trouble: Trouble, source: sqlx::migrate::MigrateError },

    #[cfg(feature = "_sql")]
    #[error("table `rbac_version` holds no usable version; restore its only row")]
    NoVersion,

    #[cfg(feature = "_sql")]
    #[error(
        "row `{version}` of table `rbac_audit` has no usable `{column}`; restore it, or ask for the entries below it"
    )]
    AuditRow { version: i64, column: &'static str, source: Option<Error> },
}

impl Repr {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name { .. }
            | Self::Time { .. }
            | Self::EmptyWindow { .. }
            | Self::PolicyText { .. }
            | Self::Word { .. } => ErrorKind::InvalidInput,
            Self::TooManyDepartments { .. } | Self::Placeholder { .. } => ErrorKind::InvalidInput,
            Self::Unreadable { .. } => ErrorKind::InvalidInput,
            Self::Cycle(_) => ErrorKind::Corrupt,
            Self::NotReloaded { source, .. } => source.kind(),
            Self::Outside { .. } | Self::Stale { .. } => ErrorKind::Unavailable,
            Self::NoAssignment { .. } => ErrorKind::Misuse,
            Self::Said { source, .. } => source.kind(),
            #[cfg(feature = "tokio")]
            Self::LookLate { .. } | Self::Clock { .. } => ErrorKind::Unavailable,
            #[cfg(feature = "tokio")]
            Self::Compiling { .. } => ErrorKind::Corrupt,
            #[cfg(feature = "tokio")]
            Self::NoRuntime { .. } => ErrorKind::Misuse,
            #[cfg(feature = "redis")]
            Self::HintPrefix { .. } => ErrorKind::InvalidInput,
            #[cfg(feature = "redis")]
            Self::HintNowhere => ErrorKind::Misuse,
            #[cfg(feature = "redis")]
            Self::HintLate { .. } => ErrorKind::Unavailable,
            #[cfg(feature = "redis")]
            Self::Hint { fault, .. } => fault.kind(),
            #[cfg(feature = "_sql")]
            Self::NoVersion | Self::AuditRow { .. } => ErrorKind::Corrupt,
            #[cfg(feature = "_sql")]
            Self::Database { trouble, .. } | Self::Migrate { trouble, .. } => trouble.kind(),
        }
    }
}

/// What an error of Redis comes down to, with its remedy.
#[cfg(feature = "redis")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HintFault {
    Unreachable,
    Rights,
    Address,
}

#[cfg(feature = "redis")]
impl HintFault {
    fn kind(self) -> ErrorKind {
        match self {
            Self::Unreachable => ErrorKind::Unavailable,
            Self::Rights | Self::Address => ErrorKind::Misuse,
        }
    }
}

#[cfg(feature = "redis")]
impl fmt::Display for HintFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "redis cannot be reached, check it and its address",
            Self::Rights => "redis refuses this client, check its user, password and rights",
            Self::Address => "the address has another shape, write `redis://host:port/`",
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
