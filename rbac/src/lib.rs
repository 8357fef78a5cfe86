//! Role-based access control that explains itself.
//!
//! Users have roles, roles have grants and inherit other roles (INCITS 359). The rows of all that are
//! compiled into one immutable [`Policy`], which answers every question: may this user, why, who may, what
//! may this user do. A check is a few bit tests, and neither more rows nor deeper hierarchies make it slower.
//!
//! ```
//! use rbac::{Change, Effect, Policy, PolicyRows, admin};
//!
//! let mut rows = PolicyRows::default();
//! for change in [
//!     Change::AddPermission { permission: "course:edit".parse()?, label: "Edit a course".parse()? },
//!     Change::AddRole { role: "editor".parse()?, label: "Editor".parse()? },
//!     Change::Grant { role: "editor".parse()?, pattern: "course:*".parse()?, effect: Effect::Allow },
//!     Change::AddUser { user: "alice".parse()? },
//!     Change::Assign { user: "alice".parse()?, role: "editor".parse()? },
//! ] {
//!     admin::apply(&mut rows, &change)?;
//! }
//! let policy = Policy::compile(&rows)?;
//! assert!(policy.decide(&"alice".parse()?, &"course:edit".parse()?)?.is_permit());
//! println!("{}", policy.explain(&"alice".parse()?, &"course:edit".parse()?)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The rule
//!
//! Denied unless granted. An inactive user is denied before anything else is looked at. A denying grant
//! beats every allowing one, at any depth. A disabled role gives, denies and passes on nothing. A superuser
//! is a user of an ordinary role that is granted `*`. A row that names what does not exist is left out and
//! reported; it never breaks another answer.
//!
//! # The nouns
//!
//! - [`UserId`], [`RoleName`], [`PermissionName`], [`PermissionPattern`]: names, one type each.
//! - [`PolicyRows`]: what was said; [`Change`]: one edit of it; [`admin::check`]: whether it may be made.
//! - [`Policy`]: the compiled answers; [`Subject`] and [`PermissionId`]: a check in nanoseconds.
//! - [`Decision`] and [`Explanation`]: the answer, and what it rests on.
//! - [`PolicyStore`]: where rows live: [`MemoryStore`], and `SqliteStore` with feature `sqlite`.
//! - [`Live`]: the policy in use, replaced as a whole when the store has a newer one.
//!
//! # Missing on purpose
//!
//! No web framework, no clock, no login. Whether the actor of a change may make it is for the application
//! to ask first, with the policy itself. Only one kind of lock-out is guarded against: the last active user
//! who may do everything under `rbac:` stays (see [`Refusal::LastAdministrator`]), so give the permissions
//! that guard your policy pages names such as `rbac:manage`.

mod bits;
mod change;
mod decide;
mod error;
mod explain;
mod hierarchy;
mod live;
mod lockout;
mod name;
mod policy;
mod rows;
mod store;
mod wildcard;

pub mod admin;

pub use crate::admin::Refusal;
pub use crate::change::Change;
pub use crate::decide::{Decision, DenyReason, UnknownPermission};
pub use crate::error::{Error, ErrorKind};
pub use crate::explain::{Explanation, Trail};
pub use crate::live::Live;
pub use crate::name::{
    LABEL_BYTES_MAX, Label, PERMISSION_BYTES_MAX, PERMISSION_SEGMENTS_MAX, PermissionName,
    ROLE_NAME_BYTES_MAX, RoleName, USER_ID_BYTES_MAX, UserId,
};
pub use crate::policy::{PermissionId, Policy, Problem, Subject};
pub use crate::rows::{
    Assignment, Effect, Grant, Inheritance, PermissionRow, PolicyRows, RoleRow, UnreadableRow, UserRow,
};
#[cfg(feature = "sqlite")]
pub use crate::store::SqliteStore;
pub use crate::store::{
    AT_MILLIS_MAX, Applied, AuditEntry, BoxFuture, HISTORY_ENTRIES_MAX, MemoryStore, PolicyStore,
    PolicyVersion, Snapshot,
};
pub use crate::wildcard::PermissionPattern;

#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
