//! Tests of a policy as data: who may what, and who may not, in lines that everybody can read.
//!
//! Keep them in a file beside the policy. A program runs them before it saves a change, `cargo test` runs them over the
//! policy that is shipped.

mod json;
mod lines;

use std::collections::BTreeSet;
use std::fmt;

use crate::decide::{Decision, DenyReason};
use crate::error::Error;
use crate::import::bounded;
use crate::name::{DomainName, PermissionName, UserId};
use crate::policy::Policy;
use crate::time::UnixMillis;
use crate::view::View;

const WHAT: &str = "policy cases";
/// The most users or permissions of a list that a failure explains one by one.
const EXPLAINED_MAX: usize = 8;

/// Tests of a policy.
///
/// One a line; what follows a `#` at the beginning of a line is a comment:
///
/// ```text
/// # Everything from here on is asked at this moment.
/// at 2026-01-01T00:00:00Z
///
/// alice may course:edit
/// alice may order:refund in branch-1
/// bob may not order:refund in branch-1 at 2026-07-01T00:00:00Z because denied
/// who can order:refund: alice, carol
/// who can rbac:role:edit: nobody
/// what can bob: course:view
/// ```
///
/// A reason is one of `denied`, `not-granted`, `inactive`, `unknown-user`, `roles-to-choose`. A user who is not there
/// fails a case unless it says `because unknown-user`, so that a slip in a name is not taken for a no.
///
/// The same as JSON, a list of objects: `{"user": "alice", "may": "course:edit"}`, with `may_not`, `because`, `in` and
/// `at`; `{"who_can": "order:refund", "users": ["alice"]}`; `{"what_can": "bob", "permissions": []}`.
///
/// ```
/// use rbac::{Policy, PolicyCases, UnixMillis, import};
///
/// let rows = import::csv("kind,name,role\nuser,alice,\npermission,course:edit,\nrole,editor,\n\
///                         grant,course:*,editor\nassignment,alice,editor\n")?.rows;
/// let policy = Policy::compile(&rows)?;
/// let cases = PolicyCases::parse("alice may course:edit\nwho can course:edit: nobody")?;
/// let failures = cases.run(&policy, UnixMillis::EPOCH);
/// assert_eq!(failures.len(), 1);
/// assert!(failures[0].to_string().starts_with("line 2: `who can course:edit: nobody`: also `alice`"));
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyCases {
    cases: Vec<Case>,
}

/// A case that the policy answers otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// Where the case stands: `line 3`, or `case 3` in JSON.
    pub place: String,
    /// The case.
    pub case: String,
    /// What the policy says instead, and why.
    pub found: String,
}

/// All cases that a policy answers otherwise: an error for a test to return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    cases: usize,
    failures: Vec<Failure>,
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Case {
    place: String,
    text: String,
    domain: Option<DomainName>,
    at: Option<UnixMillis>,
    expected: Expected,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    May { user: UserId, permission: PermissionName },
    MayNot { user: UserId, permission: PermissionName, because: Option<Because> },
    WhoCan { permission: PermissionName, users: BTreeSet<UserId> },
    WhatCan { user: UserId, permissions: BTreeSet<PermissionName> },
}

/// A reason that a case can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Because {
    Denied,
    NotGranted,
    Inactive,
    UnknownUser,
    RolesToChoose,
}

impl PolicyCases {
    /// Reads cases, lines or JSON: what begins with `[` is JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), with the place, if a case is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = bounded(WHAT, text)?;
        let cases = if text.trim_start().starts_with('[') { json::read(text) } else { lines::read(text) };
        cases.map(|cases| Self { cases })
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.cases.len()
    }

    /// True if there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// Asks the policy all of them, at the moment that a case names or else now, and gives those that it answers
    /// otherwise.
    #[must_use]
    pub fn run(&self, policy: &Policy, now: UnixMillis) -> Vec<Failure> {
        let failure = |case: &Case| {
            let found = case.ask(policy, now).err()?;
            Some(Failure { place: case.place.clone(), case: case.text.clone(), found })
        };
        self.cases.iter().filter_map(failure).collect()
    }

    /// As [`run`](Self::run), for a test: `fn policy() -> Result<(), Box<dyn Error>>` and a `?` is all it needs.
    ///
    /// # Errors
    ///
    /// [`Failures`] if a case is answered otherwise, or if there is no case at all.
    pub fn check(&self, policy: &Policy, now: UnixMillis) -> Result<(), Failures> {
        let failures = self.run(policy, now);
        let good = failures.is_empty() && !self.is_empty();
        if good { Ok(()) } else { Err(Failures { cases: self.len(), failures }) }
    }
}

impl Failures {
    /// Each of them.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`: {}", self.place, self.case, self.found)
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cases == 0 {
            return f.write_str("there are no policy cases; check that the file is the right one");
        }
        write!(f, "the policy fails {} of {} cases", self.failures.len(), self.cases)?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n{failure}"))
    }
}

impl std::error::Error for Failures {}

impl Because {
    const ALL: [(&'static str, Self); 5] = [
        ("denied", Self::Denied),
        ("not-granted", Self::NotGranted),
        ("inactive", Self::Inactive),
        ("unknown-user", Self::UnknownUser),
        ("roles-to-choose", Self::RolesToChoose),
    ];

    fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(word, _)| *word == text).map(|(_, because)| *because);
        found.ok_or_else(|| {
            let words = Self::ALL.map(|(word, _)| word).join(", ");
            format!("`{}` is no reason; use one of {words}", crate::name::shown(text))
        })
    }

    const fn is(self, reason: &DenyReason) -> bool {
        match self {
            Self::Denied => matches!(reason, DenyReason::ExplicitDeny { .. }),
            Self::NotGranted => matches!(reason, DenyReason::NotGranted),
            Self::Inactive => matches!(reason, DenyReason::InactiveUser),
            Self::UnknownUser => matches!(reason, DenyReason::UnknownUser),
            Self::RolesToChoose => matches!(reason, DenyReason::RolesToChoose { .. }),
        }
    }
}

impl Case {
    /// Nothing if the policy answers as expected, else its answer.
    fn ask(&self, policy: &Policy, now: UnixMillis) -> Result<(), String> {
        let mut view = policy.at(self.at.unwrap_or(now));
        if let Some(domain) = &self.domain {
            view = view.in_domain(domain).map_err(|unknown| unknown.to_string())?;
        }
        match &self.expected {
            Expected::May { user, permission } => decided(view, user, permission, Decision::is_permit),
            Expected::MayNot { user, permission, because } => {
                decided(view, user, permission, |decision| match (decision, because) {
                    (Decision::Permit, _) => false,
                    (Decision::Deny(reason), Some(because)) => because.is(reason),
                    (Decision::Deny(reason), None) => !Because::UnknownUser.is(reason),
                })
            }
            Expected::WhoCan { permission, users } => {
                let Some(id) = policy.permission(permission) else {
                    return Err(format!("permission `{permission}` is not registered"));
                };
                let found: BTreeSet<UserId> = view.who_can(id).into_iter().collect();
                compared(users, &found, |user| explained(view, user, permission))
            }
            Expected::WhatCan { user, permissions } => {
                if view.subject(user).is_none() {
                    return Err(format!("there is no user `{user}`"));
                }
                let found: BTreeSet<PermissionName> = view.what_can(user).into_iter().collect();
                compared(permissions, &found, |permission| explained(view, user, permission))
            }
        }
    }
}

fn decided(
    view: View<'_>,
    user: &UserId,
    permission: &PermissionName,
    expected: impl FnOnce(&Decision) -> bool,
) -> Result<(), String> {
    let decision = view.decide(user, permission).map_err(|unknown| unknown.to_string())?;
    if expected(&decision) { Ok(()) } else { Err(explained(view, user, permission)) }
}

fn explained(view: View<'_>, user: &UserId, permission: &PermissionName) -> String {
    match view.explain(user, permission) {
        Ok(explanation) => explanation.to_string(),
        Err(unknown) => unknown.to_string(),
    }
}

/// Nothing if both are the same, else what is missing and what is too much, the first of it with the reason.
fn compared<T: Ord + fmt::Display>(
    wanted: &BTreeSet<T>,
    found: &BTreeSet<T>,
    why: impl Fn(&T) -> String,
) -> Result<(), String> {
    let missing = wanted.difference(found).map(|name| ("not", name));
    let more = found.difference(wanted).map(|name| ("also", name));
    let all: Vec<_> = missing.chain(more).collect();
    if all.is_empty() {
        return Ok(());
    }
    let explained = |(word, name): &(&str, &T)| format!("{word} `{name}` ({})", why(name));
    let mut text = all.iter().take(EXPLAINED_MAX).map(explained).collect::<Vec<_>>().join("; ");
    if all.len() > EXPLAINED_MAX {
        text.push_str(&format!("; and {} more", all.len() - EXPLAINED_MAX));
    }
    Err(text)
}
