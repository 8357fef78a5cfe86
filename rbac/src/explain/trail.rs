//! The shortest way from a user to a grant.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use crate::name::{DomainName, PermissionName, RoleName, UserId};
use crate::policy::{PermissionId, Policy};
use crate::rows::Effect;
use crate::subject::Subject;
use crate::time::Window;
use crate::wildcard::PermissionPattern;
use crate::words::Lang;

/// The shortest way from a user to a grant: an assigned role, the roles inherited, the grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    first: RoleName,
    inherited: Vec<RoleName>,
    pattern: PermissionPattern,
    effect: Effect,
    domain: Option<DomainName>,
    window: Window,
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

    /// The domain that the first role is assigned in; none if it is assigned everywhere.
    #[must_use]
    pub const fn domain(&self) -> Option<&DomainName> {
        self.domain.as_ref()
    }

    /// When the first role is assigned.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, user: &UserId, lang: Lang) -> fmt::Result {
        write!(f, "`{user}` → `{}`", self.first)?;
        match (lang, &self.domain) {
            (_, None) => {}
            (Lang::En, Some(domain)) => write!(f, " in domain `{domain}`")?,
            (Lang::Zh, Some(domain)) => write!(f, "（域 `{domain}`）")?,
        }
        for role in &self.inherited {
            write!(f, " → `{role}`")?;
        }
        let effect = match (lang, self.effect) {
            (Lang::En, effect) => effect.as_str(),
            (Lang::Zh, Effect::Allow) => "允许",
            (Lang::Zh, Effect::Deny) => "拒绝",
        };
        write!(f, " → {effect} `{}`", self.pattern)
    }
}

/// The shortest way from a user to a grant of this effect; breadth first, only through roles that carry it. What is
/// denied is looked for in all roles that hold, what is allowed only in the active ones.
pub(crate) fn find_trail(subject: Subject<'_>, bit: u32, effect: Effect) -> Option<Trail> {
    let policy = subject.policy();
    let how = |role| held_how(subject, role);
    match effect {
        Effect::Allow => trail_from(policy, subject.active_roles(), bit, effect, how),
        Effect::Deny => trail_from(policy, subject.held_roles(), bit, effect, how),
    }
}

fn trail_from(
    policy: &Policy,
    roles: impl IntoIterator<Item = u32>,
    bit: u32,
    effect: Effect,
    how: impl FnOnce(u32) -> (Option<DomainName>, Window),
) -> Option<Trail> {
    let mut walk = Walk { policy, bit, effect, seniors: HashMap::new(), open: VecDeque::new() };
    roles.into_iter().for_each(|role| walk.meet(role, None));
    let (last, pattern) = walk.find(policy.registry().name(bit)?)?;
    let mut way = walk.way_to(last);
    let first = way.pop()?;
    let (domain, window) = how(first);
    let inherited = way.into_iter().rev().filter_map(|role| policy.role_name(role)).cloned().collect();
    let first = policy.role_name(first)?.clone();
    Some(Trail { first, inherited, pattern: pattern.clone(), effect, domain, window })
}

impl Policy {
    /// The shortest way from a role to a grant of this effect on a permission: the role alone if the grant stands in
    /// it. None if nothing is said, if the role is disabled, or if the role or permission is unknown.
    ///
    /// For tables of roles and permissions: what is allowed or denied, by the role itself or by an inherited one
    /// ([`Trail::granted_role`]), by name or by a wildcard ([`Trail::pattern`]).
    #[must_use]
    pub fn trail(
        &self,
        role: &RoleName,
        permission: impl Into<PermissionId>,
        effect: Effect,
    ) -> Option<Trail> {
        let (bit, role) = (self.registry().bit(permission.into())?, self.role_table().find(role.as_str())?);
        trail_from(self, [role], bit, effect, |_| (None, Window::ALWAYS))
    }
}

/// A search down the hierarchy.
struct Walk<'a> {
    policy: &'a Policy,
    bit: u32,
    effect: Effect,
    /// The role that each role was met from; none for those it began with.
    seniors: HashMap<u32, Option<u32>>,
    open: VecDeque<u32>,
}

impl<'a> Walk<'a> {
    fn meet(&mut self, role: u32, senior: Option<u32>) {
        if self.policy.role_table().carries(role, self.bit, self.effect) && !self.seniors.contains_key(&role)
        {
            self.seniors.insert(role, senior);
            self.open.push_back(role);
        }
    }

    fn find(&mut self, permission: &PermissionName) -> Option<(u32, &'a PermissionPattern)> {
        let policy = self.policy;
        while let Some(role) = self.open.pop_front() {
            if let Some(pattern) = own_grant(policy, role, permission, self.effect) {
                return Some((role, pattern));
            }
            policy.role_table().juniors().of(role).iter().for_each(|&junior| self.meet(junior, Some(role)));
        }
        None
    }

    /// From the role up to the one that is assigned.
    fn way_to(&self, role: u32) -> Vec<u32> {
        std::iter::successors(Some(role), |role| self.seniors.get(role).copied().flatten()).collect()
    }
}

/// The most particular grant of this effect that stands in the role itself.
pub(super) fn own_grant<'a>(
    policy: &'a Policy,
    role: u32,
    permission: &PermissionName,
    effect: Effect,
) -> Option<&'a PermissionPattern> {
    let grants = policy.role_table().grants(role).iter();
    let fitting = grants.filter(|(pattern, own)| *own == effect && pattern.matches(permission));
    fitting.map(|(pattern, _)| pattern).max_by_key(|pattern| pattern.literal_start().len())
}

/// How a user has a role here and now: everywhere and for ever if that is among the ways.
fn held_how(subject: Subject<'_>, role: u32) -> (Option<DomainName>, Window) {
    let policy = subject.policy();
    let (now, domain) = (subject.view().now(), subject.view().domain_place());
    if policy.assigned().permanent(subject.place()).contains(&role) {
        return (None, Window::ALWAYS);
    }
    let mut limited = policy.assigned().limited(subject.place()).iter();
    let held = limited.find(|limited| limited.role == role && limited.holds(now, domain));
    held.map_or((None, Window::ALWAYS), |held| (policy.domain_name(held.domain).cloned(), held.window))
}
