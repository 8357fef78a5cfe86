//! The explanation of a decision: the way from the user over roles to the grant, as data and in words.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use crate::decide::{Decision, DenyReason, UnknownPermission};
use crate::name::{PermissionName, RoleName, UserId};
use crate::policy::{Policy, RoleEntry, UserEntry};
use crate::rows::Effect;
use crate::wildcard::PermissionPattern;

/// The most roles that an explanation proposes.
const REMEDIES_MAX: usize = 8;

/// A decision and what it rests on. [`Display`](fmt::Display) puts it in one sentence.
///
/// # Examples
///
/// ```
/// use rbac::{Change, Effect, Policy, PolicyRows, admin};
///
/// let mut rows = PolicyRows::default();
/// for change in [
///     Change::AddPermission { permission: "course:edit".parse()?, label: "Edit".parse()? },
///     Change::AddRole { role: "author".parse()?, label: "Author".parse()? },
///     Change::AddRole { role: "editor".parse()?, label: "Editor".parse()? },
///     Change::Inherit { senior: "editor".parse()?, junior: "author".parse()? },
///     Change::Grant { role: "author".parse()?, pattern: "course:*".parse()?, effect: Effect::Allow },
///     Change::AddUser { user: "alice".parse()? },
///     Change::Assign { user: "alice".parse()?, role: "editor".parse()? },
/// ] {
///     admin::apply(&mut rows, &change)?;
/// }
/// let why = Policy::compile(&rows)?.explain(&"alice".parse()?, &"course:edit".parse()?)?;
/// assert_eq!(
///     why.to_string(),
///     "user `alice` may `course:edit`: `alice` → `editor` → `author` → allow `course:*`",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    user: UserId,
    permission: PermissionName,
    decision: Decision,
    because: Option<Trail>,
    overruled: Option<Trail>,
    remedies: Vec<RoleName>,
}

/// The shortest way from a user to a grant: an assigned role, the roles inherited, the grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    first: RoleName,
    inherited: Vec<RoleName>,
    pattern: PermissionPattern,
    effect: Effect,
}

impl Trail {
    /// The roles from the assigned one down to the one the grant stands in; at least one.
    pub fn roles(&self) -> impl Iterator<Item = &RoleName> {
        std::iter::once(&self.first).chain(&self.inherited)
    }

    /// The role that the grant stands in.
    #[must_use]
    pub fn granted_role(&self) -> &RoleName {
        self.inherited.last().unwrap_or(&self.first)
    }

    /// The pattern of the grant.
    #[must_use]
    pub const fn pattern(&self) -> &PermissionPattern {
        &self.pattern
    }

    /// Whether the grant allows or denies.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, user: &UserId) -> fmt::Result {
        write!(f, "`{user}`")?;
        for role in self.roles() {
            write!(f, " → `{role}`")?;
        }
        write!(f, " → {} `{}`", self.effect, self.pattern)
    }
}

impl Explanation {
    /// The decision, the same as [`Policy::decide`] gives.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The way to the grant that decided: an allowing one of a permit, a denying one of an explicit deny,
    /// none of any other deny.
    #[must_use]
    pub const fn because(&self) -> Option<&Trail> {
        self.because.as_ref()
    }

    /// The way to an allowing grant that an explicit deny beat, if there is one.
    #[must_use]
    pub const fn overruled(&self) -> Option<&Trail> {
        self.overruled.as_ref()
    }

    /// If nothing was granted: up to 8 roles any of which would change that, in order of name.
    #[must_use]
    pub fn remedies(&self) -> &[RoleName] {
        &self.remedies
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let may = if self.decision.is_permit() { "may" } else { "may not" };
        write!(f, "user `{}` {may} `{}`: ", self.user, self.permission)?;
        if let Some(trail) = &self.because {
            trail.write(f, &self.user)?;
        } else if let Decision::Deny(reason) = &self.decision {
            write!(f, "{reason}")?;
        }
        if let Some(trail) = &self.overruled {
            f.write_str(", which overrules ")?;
            trail.write(f, &self.user)?;
        }
        if !self.remedies.is_empty() {
            f.write_str("; roles that are: ")?;
            for (at, role) in self.remedies.iter().enumerate() {
                write!(f, "{}`{role}`", if at == 0 { "" } else { ", " })?;
            }
        }
        Ok(())
    }
}

impl Policy {
    /// Explains a decision.
    ///
    /// # Errors
    ///
    /// [`UnknownPermission`] if the permission is not registered.
    pub fn explain(
        &self,
        user: &UserId,
        permission: &PermissionName,
    ) -> Result<Explanation, UnknownPermission> {
        let decision = self.decide(user, permission)?;
        let find = |effect| {
            let index = self.permission_index(permission)?;
            trail(self, self.user(user)?, permission, index, effect)
        };
        let (because, overruled) = match &decision {
            Decision::Permit => (find(Effect::Allow), None),
            Decision::Deny(DenyReason::ExplicitDeny { .. }) => (find(Effect::Deny), find(Effect::Allow)),
            Decision::Deny(_) => (None, None),
        };
        let remedies = match decision {
            Decision::Deny(DenyReason::NotGranted) => remedies(self, permission),
            _ => Vec::new(),
        };
        let (user, permission) = (user.clone(), permission.clone());
        Ok(Explanation { user, permission, decision, because, overruled, remedies })
    }
}

/// The shortest way from a user to a grant of this effect; breadth first, only through roles that carry it.
pub(crate) fn trail(
    policy: &Policy,
    user: &UserEntry,
    permission: &PermissionName,
    index: usize,
    effect: Effect,
) -> Option<Trail> {
    let mut senior_of: HashMap<usize, Option<usize>> = HashMap::new();
    let mut queue = VecDeque::new();
    let mut visit = |role: usize, senior: Option<usize>, queue: &mut VecDeque<usize>| {
        if policy.role(role).is_some_and(|entry| entry.carries(index, effect)) {
            senior_of.entry(role).or_insert_with(|| {
                queue.push_back(role);
                senior
            });
        }
    };
    user.roles.iter().for_each(|&role| visit(role, None, &mut queue));
    while let Some(at) = queue.pop_front() {
        let role = policy.role(at)?;
        if let Some(pattern) = own_grant(role, permission, effect) {
            return finish(policy, &senior_of, at, pattern.clone(), effect);
        }
        role.juniors.iter().for_each(|&junior| visit(junior, Some(at), &mut queue));
    }
    None
}

/// The most particular grant of this effect that stands in the role itself.
fn own_grant<'a>(
    role: &'a RoleEntry,
    permission: &PermissionName,
    effect: Effect,
) -> Option<&'a PermissionPattern> {
    let fitting = role.grants.iter().filter(|(pattern, own)| *own == effect && pattern.matches(permission));
    fitting.map(|(pattern, _)| pattern).max_by_key(|pattern| pattern.literal_start().len())
}

fn finish(
    policy: &Policy,
    senior_of: &HashMap<usize, Option<usize>>,
    last: usize,
    pattern: PermissionPattern,
    effect: Effect,
) -> Option<Trail> {
    let mut first = policy.role(last)?.name.clone();
    let mut inherited = Vec::new();
    let mut at = last;
    while let Some(Some(senior)) = senior_of.get(&at) {
        inherited.push(std::mem::replace(&mut first, policy.role(*senior)?.name.clone()));
        at = *senior;
    }
    inherited.reverse();
    Some(Trail { first, inherited, pattern, effect })
}

/// Roles that are allowed it and not denied it.
fn remedies(policy: &Policy, permission: &PermissionName) -> Vec<RoleName> {
    let Some(index) = policy.permission_index(permission) else {
        return Vec::new();
    };
    let helpful =
        |role: &&RoleEntry| role.carries(index, Effect::Allow) && !role.carries(index, Effect::Deny);
    let roles = policy.role_entries().iter().filter(helpful);
    roles.map(|role| role.name.clone()).take(REMEDIES_MAX).collect()
}
