//! Role-based access control that explains itself.
//!
//! Users have roles, roles have grants and inherit other roles (INCITS 359). The rows of all that are compiled into
//! one immutable [`Policy`], which answers every question: may this user, why, who may, what may this user do, which
//! rows does the user see. A check is a few bit tests, and neither more rows nor deeper hierarchies make it slower.
//!
//! ```
//! use rbac::{
//!     Actor, Assignment, Change, Draft, Effect, Policy, PolicyRows, PolicyVersion, UnixMillis, Window, admin,
//! };
//!
//! rbac::permissions! {
//!     mod may {
//!         course("课程", "Courses") { EDIT = "course:edit" ("编辑课程", "Change courses") }
//!     }
//! }
//!
//! let draft = Draft::new(Actor::System("setup".parse()?)).changes_of([
//!     Change::AddRole { role: "editor".parse()?, label: "Editor".parse()? },
//!     Change::Grant { role: "editor".parse()?, pattern: "course:*".parse()?, effect: Effect::Allow },
//!     Change::AddUser { user: "alice".parse()?, label: "Alice".parse()? },
//!     Change::Assign { assignment: Assignment::new("alice".parse()?, "editor".parse()?), window: Window::ALWAYS },
//! ]);
//! let now = UnixMillis::new(1_767_225_600_000)?;
//! let amended = admin::check(&PolicyRows::default(), PolicyVersion::START, &draft, now)?;
//!
//! let policy = Policy::compile_with(may::CATALOGUE, &amended.rows)?;
//! let alice = policy.at(now).subject_str("alice").ok_or("added above")?;
//! assert!(alice.can(may::course::EDIT));
//! println!("{}", policy.at(now).explain(&"alice".parse()?, &"course:edit".parse()?)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The rule
//!
//! Denied unless granted. An inactive user is denied before anything else is looked at. A denying grant beats every
//! allowing one, at any depth. A disabled role gives, denies and passes on nothing. An assignment takes part while its
//! [`Window`] holds, and in its domain if it has one. A superuser is a user of an ordinary role that is granted `*`. A
//! row that names what does not exist is left out and reported; it never breaks another answer. Who opens no rows sees
//! none.
//!
//! # The nouns
//!
//! - [`UserId`], [`RoleName`], [`PermissionName`], [`PermissionPattern`], [`DomainName`]: names, one type each, so that
//!   a user called `admin` is never taken for the role.
//! - [`permissions!`]: the permissions of a program as constants, with labels; [`perm`]: those that guard the policy.
//! - [`PolicyRows`]: what was said; [`Change`] and [`Draft`]: edits of it; [`admin::check`]: whether they may be made,
//!   and by whom. Nobody gives what they do not hold.
//! - [`Policy`], at a moment a [`View`], of a user a [`Subject`]: checks are bit tests; [`Explanation`]: what an
//!   answer rests on, and what would change it; [`PolicyDiff`]: who gains and who loses by a change.
//! - [`Duty`]: roles that nobody may have together (static) or use together (dynamic, with a [`Session`]).
//! - [`DataScope`] and [`Scope`]: which rows, as a SQL condition with bound values ([`Scope::predicate`]).
//! - [`PolicyStore`]: where rows live, with an audit trail: [`MemoryStore`], and SQLite, PostgreSQL and MySQL or
//!   MariaDB with the features of these names.
//! - [`Live`]: the policy in use, replaced as a whole when the store has a newer one; features `tokio` (a watcher) and
//!   `redis` (wake-ups between processes).
//!
//! # Missing on purpose
//!
//! No web framework, no clock, no login, no conditions in a language of their own: what depends on a record belongs to
//! a data scope or to the program.

mod bits;
mod cases;
mod catalogue;
mod change;
mod codec;
mod decide;
mod diff;
mod draft;
mod duty;
mod error;
mod explain;
mod hierarchy;
mod hint;
mod live;
mod moment;
mod name;
mod policy;
mod predicate;
mod rows;
mod scope;
mod session;
mod store;
mod subject;
mod time;
mod view;
mod wildcard;
mod words;

pub mod admin;
pub mod export;
pub mod import;
pub mod perm;

pub use crate::admin::{Amended, Gainer, Preview, Refusal, Refused};
pub use crate::cases::{Failure, Failures, PolicyCases};
pub use crate::catalogue::{CATALOGUE_PERMISSIONS_MAX, Catalogue, Entry, Module, Permission, Text};
pub use crate::change::Change;
pub use crate::decide::{Decision, Denied, DenyReason, UnknownDomain, UnknownPermission};
pub use crate::diff::{DiffGroup, PolicyDiff, ScopeChange};
pub use crate::draft::{Actor, CHANGES_MAX, Draft};
pub use crate::duty::DutyBreach;
pub use crate::error::{Error, ErrorKind};
pub use crate::explain::{Explanation, NEAR_MISSES_MAX, NearMiss, Trail};
#[cfg(feature = "redis")]
pub use crate::hint::redis::RedisHint;
pub use crate::hint::{ChangeHint, Wake, Wakeups};
pub use crate::live::{AtLeast, Live, LiveBuilder, LiveCounts, Transaction, WatchObserver, WatchStep};
#[cfg(feature = "tokio")]
pub use crate::live::{Clock, SystemClock, WatchOptions, Watcher};
pub use crate::name::{
    DOMAIN_NAME_BYTES_MAX, DUTY_NAME_BYTES_MAX, DepartmentId, DomainName, DutyName, LABEL_BYTES_MAX, Label,
    PERMISSION_BYTES_MAX, PERMISSION_SEGMENTS_MAX, PermissionName, REASON_BYTES_MAX, ROLE_NAME_BYTES_MAX,
    Reason, RoleName, USER_ID_BYTES_MAX, UserId,
};
pub use crate::policy::{PermissionId, Policy, Problem};
#[cfg(feature = "_sql")]
pub use crate::predicate::PredicateDatabase;
pub use crate::predicate::{
    Bind, Column, Dialect, IDENTIFIER_BYTES_MAX, PREDICATE_DEPARTMENTS_MAX, Predicate, ScopeColumns,
};
pub use crate::rows::{
    Assignment, DepartmentRow, DomainRow, Duty, DutyKind, Effect, Grant, Inheritance, PermissionRow,
    PolicyRows, RoleRow, UnreadableRow, UserRow,
};
pub use crate::scope::{DataScope, Scope};
pub use crate::session::{ActiveSession, Session, SessionRefusal};
#[cfg(feature = "mysql")]
pub use crate::store::MysqlStore;
#[cfg(feature = "postgres")]
pub use crate::store::PostgresStore;
#[cfg(feature = "sqlite")]
pub use crate::store::SqliteStore;
pub use crate::store::{
    Applied, AuditEntry, BoxFuture, HISTORY_ENTRIES_MAX, HistoryQuery, MEMORY_ENTRIES_MAX, Mark, MemoryStore,
    PolicyStore, PolicyVersion, Revision, Snapshot,
};
#[cfg(feature = "_sql")]
pub use crate::store::{Backend, SqlStore};
pub use crate::subject::Subject;
pub use crate::time::{UnixMillis, Window};
pub use crate::view::View;
pub use crate::wildcard::{PermissionPattern, WildcardMode};
pub use crate::words::Lang;

#[cfg(all(doctest, feature = "kubernetes"))]
#[doc = include_str!("../docs/coming-from.md")]
struct ComingFromPage;

#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../docs/consistency.md")]
struct ConsistencyPage;

#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
