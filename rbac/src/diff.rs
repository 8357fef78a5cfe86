//! What a change of policy comes to: who gains and who loses what.

mod compare;
mod words;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use self::compare::Compare;
use crate::name::{DomainName, PermissionName, UserId};
use crate::policy::Policy;
use crate::scope::Scope;
use crate::subject::Subject;
use crate::time::UnixMillis;
use crate::words::{Lang, Say};

/// Who gains and who loses what between two policies, at one moment. Users to whom the same happens stand together.
///
/// [`Display`](std::fmt::Display) puts it in English, a line for each group; [`words`](Self::words) in any language.
///
/// # Examples
///
/// ```
/// use rbac::{Assignment, Effect, Grant, Policy, PolicyRows, RoleRow, UnixMillis, UserRow, Window};
///
/// let mut rows = PolicyRows::default();
/// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
/// rows.roles.insert("auditor".parse()?, RoleRow::new("Auditor".parse()?));
/// rows.assignments.insert(Assignment::new("alice".parse()?, "auditor".parse()?), Window::ALWAYS);
/// let before = Policy::compile(&rows)?;
/// rows.grants.insert(Grant::new("auditor".parse()?, "rbac:audit:view".parse()?), Effect::Allow);
/// let after = Policy::compile(&rows)?;
///
/// let diff = before.diff(&after, UnixMillis::EPOCH);
/// assert_eq!(diff.to_string(), "user `alice` gains `rbac:audit:view`");
/// assert!(after.diff(&after, UnixMillis::EPOCH).is_empty());
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct PolicyDiff {
    groups: Vec<DiffGroup>,
}

/// Users to whom the same happens in the same place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct DiffGroup {
    /// Where: in this domain, for those of the users who have roles of their own there before or afterwards; none for
    /// what holds when no domain is asked about.
    pub domain: Option<DomainName>,
    /// Who, in order of id; at least one.
    pub users: Vec<UserId>,
    /// What they may from now on, in order of name.
    pub gained: Vec<PermissionName>,
    /// What they may no longer, in order of name.
    pub lost: Vec<PermissionName>,
    /// What they may as before, but for other rows, in order of name.
    pub rescoped: Vec<ScopeChange>,
}

/// A permission that users have before and afterwards, for different rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ScopeChange {
    /// Which.
    pub permission: PermissionName,
    /// The rows that were open to them.
    pub before: Scope,
    /// The rows that are open to them from now on.
    pub after: Scope,
}

impl PolicyDiff {
    /// True if nobody gains or loses anything, and nobody's rows change.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The groups: first those without a domain, then by domain; within, by their first user.
    #[must_use]
    pub fn groups(&self) -> &[DiffGroup] {
        &self.groups
    }

    /// The difference in a language, a line for each group.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        self.said_in(lang)
    }
}

impl Policy {
    /// What changes from this policy to another one, for all users, at a moment.
    ///
    /// It looks at every user, so it takes tens of milliseconds with 100,000 of them: for previews and tests. What
    /// [sessions](crate::Session) make of it is not looked at.
    pub fn diff(&self, after: &Self, now: UnixMillis) -> PolicyDiff {
        let mut compare = Compare::new(self, after);
        let mut groups: BTreeMap<_, Vec<UserId>> = BTreeMap::new();
        for (old, new) in pairs(self, after, now) {
            for domain in places(old, new) {
                let change = compare.change(there(old, domain.as_ref()), there(new, domain.as_ref()));
                if let (Some(change), Some(user)) = (change, old.or(new).map(Subject::id)) {
                    groups.entry((domain, change)).or_default().push(user.clone());
                }
            }
        }
        let groups = groups.into_iter();
        let mut groups: Vec<DiffGroup> =
            groups.map(|((domain, change), users)| compare.group(domain, &change, users)).collect();
        groups.sort_unstable();
        PolicyDiff { groups }
    }
}

type Pair<'a> = (Option<Subject<'a>>, Option<Subject<'a>>);

/// All users of both policies in order of id, each with what is known before and afterwards.
fn pairs<'a>(before: &'a Policy, after: &'a Policy, now: UnixMillis) -> impl Iterator<Item = Pair<'a>> {
    let mut old = before.at(now).subjects().peekable();
    let mut new = after.at(now).subjects().peekable();
    std::iter::from_fn(move || match (old.peek(), new.peek()) {
        (None, None) => None,
        (Some(_), None) => Some((old.next(), None)),
        (None, Some(_)) => Some((None, new.next())),
        (Some(one), Some(other)) => match one.id().cmp(other.id()) {
            Ordering::Less => Some((old.next(), None)),
            Ordering::Greater => Some((None, new.next())),
            Ordering::Equal => Some((old.next(), new.next())),
        },
    })
}

/// Everywhere, and the domains that one of them has roles in.
fn places(old: Option<Subject<'_>>, new: Option<Subject<'_>>) -> Vec<Option<DomainName>> {
    let domains = [old, new].into_iter().flatten().flat_map(|subject| {
        let policy = subject.policy();
        let limited = policy.assigned().limited(subject.place()).iter();
        limited.filter_map(move |limited| policy.domain_name(limited.domain)).cloned().map(Some)
    });
    let mut places: Vec<_> = std::iter::once(None).chain(domains).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// The user in a domain; as everywhere if the user's policy does not have the domain.
fn there<'a>(subject: Option<Subject<'a>>, domain: Option<&DomainName>) -> Option<Subject<'a>> {
    let (subject, Some(domain)) = (subject?, domain) else { return subject };
    match subject.view().in_domain(domain) {
        Ok(view) => Subject::new(view, subject.place()),
        Err(_) => Some(subject),
    }
}
