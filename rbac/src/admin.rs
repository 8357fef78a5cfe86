//! Guarded changes: whether a draft may be carried out on these rows, as one pure rule for all stores.
//!
//! In this order, and the first "no" is the answer:
//!
//! 1. The draft holds changes, not too many, and is for the version that the policy is at.
//! 2. A user has the permission of [`perm`](crate::perm) that each change needs, now, in no domain; for an assignment in
//!    a domain it may be held there. If the draft is made in a [session](Draft::in_session), its roles count alone,
//!    here and in rules 7 and 8. Removing a permission that roles are granted by its name changes these roles, and
//!    needs the permission for that too. The program itself needs none. Users and departments must be within reach where
//!    they are (rule 7), before anything else is said about them.
//! 3. Each change fits the rows that those before it left: names exist, nothing comes twice, there is no circle.
//! 4. Nobody has too many roles of a static separation of duty: assigned and inherited ones, at whatever times, in each
//!    domain together with those that hold everywhere.
//! 5. If there was somebody in charge before, there is afterwards: an active user who has every permission of
//!    [`perm`](crate::perm) in no domain, by assignments without an end.
//! 6. A user does not lose a permission of [`perm`](crate::perm) by the own hand, now or later.
//! 7. Unless the user may [`escalate`](crate::perm::delegation::ESCALATE): all users that the changes touch are in
//!    departments that are open to the user for the permission needed, and so are the departments that come under
//!    others, move or go.
//! 8. And nobody gains what the user does not hold, nor would if what is switched off were on: see
//!    [`Refusal::Escalation`].
//!
//! Rules 4 to 8 look at what the draft comes to as a whole, so that the order of changes does not matter to them. A
//! rule that the rows broke before does not stand in the way of other changes.

mod acting;
mod between;
mod circle;
mod duties;
mod effort;
mod escalation;
mod gainers;
mod giver;
mod graph;
mod guard;
mod guarded;
mod holding;
mod needs;
mod preview;
mod reach;
mod refusal;
mod rights;
mod structure;
mod tree;
mod ways;
mod words;

use std::collections::BTreeSet;

use self::acting::Acting;
pub use self::between::{changes_between, revert};
pub use self::preview::{Preview, preview};
pub use self::refusal::{Gainer, Refusal, Refused};
use self::rights::Rights;
use crate::change::Change;
use crate::draft::{CHANGES_MAX, Draft};
use crate::name::PermissionName;
use crate::rows::{Amendment, PolicyRows};
use crate::store::PolicyVersion;
use crate::time::UnixMillis;

/// The most roles that changes can bring about. With as many permissions all bits take about 150 MB.
pub const ROLES_MAX: usize = 20_000;
/// The most permissions that changes can bring about.
pub const PERMISSIONS_MAX: usize = 20_000;

/// What a draft comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Amended {
    /// All rows afterwards.
    pub rows: PolicyRows,
    /// The rows that went or became others, as they were before.
    pub before: PolicyRows,
    /// The rows that came or became others, as they are afterwards.
    pub after: PolicyRows,
}

/// Whether the draft may be carried out on these rows, and what it comes to. Every store asks here, and nowhere else.
///
/// # Errors
///
/// The [`Refused`]; an expected "no".
///
/// # Examples
///
/// ```
/// use rbac::{Actor, Change, Draft, PolicyRows, PolicyVersion, Refusal, UnixMillis, admin};
///
/// let draft = Draft::new(Actor::System("setup".parse()?)).change(Change::RemoveUser { user: "alice".parse()? });
/// let refused = admin::check(&PolicyRows::default(), PolicyVersion::START, &draft, UnixMillis::EPOCH).unwrap_err();
/// assert_eq!(refused.why, Refusal::UnknownUser("alice".parse()?));
/// assert_eq!(refused.to_string(), "change 1: there is no user `alice`; add the user first");
/// # Ok::<(), rbac::Error>(())
/// ```
pub fn check(
    rows: &PolicyRows,
    version: PolicyVersion,
    draft: &Draft,
    at: UnixMillis,
) -> Result<Amended, Refused> {
    acceptable(version, draft)?;
    let before = Rights::new(rows);
    if let Some(acting) = Acting::of(draft) {
        guard::permitted(&before, acting, draft.changes(), at)?;
    }
    let amended = amended(rows, draft.changes())?;
    guard::kept(&before, &amended, draft, at)?;
    Ok(amended)
}

/// The permissions of [`perm`](crate::perm) that a draft rests on, whether its user has them or not: what each change
/// needs, and [`escalate`](crate::perm::delegation::ESCALATE) where only that lets the user do it. None for the program
/// itself. A program asks before it commits, to ask the user for a fresh proof of who they are, say.
///
/// # Examples
///
/// ```
/// use rbac::{Actor, Change, Draft, PolicyRows, UnixMillis, admin, perm};
///
/// let draft = Draft::new(Actor::User("ed".parse()?)).change(Change::RemoveRole { role: "old".parse()? });
/// let needed = admin::needed(&PolicyRows::default(), &draft, UnixMillis::EPOCH);
/// assert!(needed.iter().map(|name| name.as_str()).eq([perm::role::EDIT.name()]));
/// # Ok::<(), rbac::Error>(())
/// ```
#[must_use]
pub fn needed(rows: &PolicyRows, draft: &Draft, at: UnixMillis) -> BTreeSet<PermissionName> {
    let amended = amended(rows, draft.changes()).ok();
    guard::needed(&Rights::new(rows), amended.as_ref(), draft, at)
}

/// The rows that changes make of nothing: for tests, examples and imports. What they name is checked as in any draft,
/// but not who would have which right.
///
/// # Errors
///
/// The [`Refused`] with the change that does not fit those before it.
///
/// # Examples
///
/// ```
/// use rbac::{Change, admin};
///
/// let rows = admin::build([Change::AddRole { role: "editor".parse()?, label: "Editor".parse()? }])?;
/// assert_eq!(rows.roles.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn build(changes: impl IntoIterator<Item = Change>) -> Result<PolicyRows, Refused> {
    let changes: Vec<_> = changes.into_iter().collect();
    make(Amendment::new(PolicyRows::default()), &changes).map(Amendment::into_rows)
}

fn acceptable(version: PolicyVersion, draft: &Draft) -> Result<(), Refused> {
    if draft.changes().is_empty() {
        return Err(Refusal::Empty.whole());
    }
    if draft.changes().len() > CHANGES_MAX {
        return Err(Refusal::TooManyChanges { changes_max: CHANGES_MAX }.whole());
    }
    if draft.expected().is_some_and(|expected| expected != version) {
        return Err(Refusal::Changed { version }.whole());
    }
    Ok(())
}

/// What the changes come to, if each fits the rows that those before it left.
fn amended(rows: &PolicyRows, changes: &[Change]) -> Result<Amended, Refused> {
    let later = make(Amendment::new(rows.clone()), changes)?.into_rows();
    let (before, after) = rows.difference(&later);
    Ok(Amended { rows: later, before, after })
}

fn make(mut amendment: Amendment, changes: &[Change]) -> Result<Amendment, Refused> {
    for (at, change) in changes.iter().enumerate() {
        structure::check(&mut amendment, change).map_err(|refusal| refusal.of(at))?;
        amendment.make(change);
    }
    Ok(amendment)
}
