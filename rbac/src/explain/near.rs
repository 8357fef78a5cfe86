//! What is missing for a permit: single steps, each of which would do.

use std::cmp::Reverse;
use std::fmt;

use super::trail::own_grant;
use crate::decide::DenyReason;
use crate::moment;
use crate::name::{DomainName, DutyName, PermissionName, RoleName};
use crate::policy::{Limited, Through};
use crate::rows::{DutyKind, Effect};
use crate::subject::Subject;
use crate::time::UnixMillis;
use crate::wildcard::PermissionPattern;
use crate::words::{Lang, Say};

/// The most steps that an explanation proposes.
pub const NEAR_MISSES_MAX: usize = 8;

/// A step after which the user would be permitted, all else being as it is.
///
/// Whether the step may be made is another question: that of [`admin::check`](crate::admin::check).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NearMiss {
    /// Switch the user on.
    ActivateUser,
    /// Open a session in which only this role is active.
    ChooseRoles {
        /// The separation of duty that all roles together break.
        duty: DutyName,
        /// A role of the user that is enough.
        role: RoleName,
    },
    /// Revoke the only grant that denies it.
    LiftDeny {
        /// The role that the grant stands in.
        role: RoleName,
        /// What it denies.
        pattern: PermissionPattern,
    },
    /// Wait: the user's role begins.
    Begins {
        /// The role.
        role: RoleName,
        /// When.
        at: UnixMillis,
    },
    /// Assign the role once more: the user's has ended.
    Expired {
        /// The role.
        role: RoleName,
        /// When it ended.
        at: UnixMillis,
    },
    /// Ask in another domain: there the user is permitted.
    OtherDomain {
        /// A role that the user has there.
        role: RoleName,
        /// Where.
        domain: DomainName,
    },
    /// Switch on a role that the user has or inherits.
    EnableRole {
        /// The role.
        role: RoleName,
    },
    /// Assign a role, where it was asked. Roles that allow less come first; none that would break a separation of
    /// duty is proposed.
    AssignRole {
        /// The role.
        role: RoleName,
    },
}

impl NearMiss {
    /// The step in a language.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        self.said_in(lang)
    }
}

impl fmt::Display for NearMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f, Lang::En)
    }
}

impl Say for NearMiss {
    fn say(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result {
        match lang {
            Lang::En => self.say_en(f),
            Lang::Zh => self.say_zh(f),
        }
    }
}

impl NearMiss {
    fn say_en(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ActivateUser => f.write_str("activate the user"),
            Self::ChooseRoles { role, .. } => write!(f, "open a session with role `{role}`"),
            Self::LiftDeny { role, pattern } => {
                write!(f, "revoke the deny of `{pattern}` from role `{role}`")
            }
            Self::Begins { role, at } => {
                write!(f, "wait until {}, when role `{role}` begins", moment::text(*at))
            }
            Self::Expired { role, at } => {
                write!(f, "extend role `{role}`, which ended at {}", moment::text(*at))
            }
            Self::OtherDomain { role, domain } => {
                write!(f, "ask in domain `{domain}`, where the user has role `{role}`")
            }
            Self::EnableRole { role } => write!(f, "enable role `{role}`"),
            Self::AssignRole { role } => write!(f, "assign role `{role}`"),
        }
    }

    fn say_zh(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ActivateUser => f.write_str("启用该用户"),
            Self::ChooseRoles { role, .. } => write!(f, "以角色 `{role}` 开启会话"),
            Self::LiftDeny { role, pattern } => write!(f, "撤销角色 `{role}` 对 `{pattern}` 的拒绝"),
            Self::Begins { role, at } => write!(f, "等到 {} 角色 `{role}` 生效", moment::text(*at)),
            Self::Expired { role, at } => {
                write!(f, "延长已于 {} 到期的角色 `{role}`", moment::text(*at))
            }
            Self::OtherDomain { role, domain } => write!(f, "改在域 `{domain}` 操作（那里有角色 `{role}`）"),
            Self::EnableRole { role } => write!(f, "启用角色 `{role}`"),
            Self::AssignRole { role } => write!(f, "分配角色 `{role}`"),
        }
    }
}

/// The steps against a reason, the nearest first.
pub(super) fn near_misses(
    subject: Subject<'_>,
    bit: u32,
    permission: &PermissionName,
    reason: &DenyReason,
) -> Vec<NearMiss> {
    let search = Search { subject, bit, permission };
    let mut found = match reason {
        DenyReason::InactiveUser => search.activated(),
        DenyReason::RolesToChoose { duty } => search.to_choose(duty),
        DenyReason::ExplicitDeny { .. } => search.to_lift(),
        DenyReason::NotGranted => search.missing(),
        DenyReason::UnknownUser | DenyReason::ForeignPermission => Vec::new(),
    };
    found.truncate(NEAR_MISSES_MAX);
    found
}

#[derive(Clone, Copy)]
struct Search<'a> {
    subject: Subject<'a>,
    bit: u32,
    permission: &'a PermissionName,
}

impl Search<'_> {
    fn activated(self) -> Vec<NearMiss> {
        let permitted = self.subject.as_if_active().has(self.bit);
        permitted.then_some(NearMiss::ActivateUser).into_iter().collect()
    }

    fn to_choose(self, duty: &DutyName) -> Vec<NearMiss> {
        let policy = self.subject.policy();
        let authorised = policy.closure(self.subject.held_roles(), Through::Enabled);
        let enough = authorised.iter().filter(|&role| self.subject.choosing(&[role]).has(self.bit));
        let named = enough.filter_map(|role| policy.role_name(role).cloned());
        named.map(|role| NearMiss::ChooseRoles { duty: duty.clone(), role }).collect()
    }

    fn to_lift(self) -> Vec<NearMiss> {
        let policy = self.subject.policy();
        let roles = policy.role_table();
        if !self.subject.active_roles().any(|role| roles.carries(role, self.bit, Effect::Allow)) {
            return Vec::new();
        }
        let held = policy.closure(self.subject.held_roles(), Through::Enabled);
        let denying = held.iter().flat_map(|role| {
            let grants = roles.grants(role).iter();
            let denying = grants
                .filter(|(pattern, effect)| *effect == Effect::Deny && pattern.matches(self.permission));
            denying.map(move |(pattern, _)| (role, pattern))
        });
        match denying.take(2).collect::<Vec<_>>().as_slice() {
            [(role, pattern)] => policy
                .role_name(*role)
                .map(|role| NearMiss::LiftDeny { role: role.clone(), pattern: (*pattern).clone() })
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }

    fn missing(self) -> Vec<NearMiss> {
        let policy = self.subject.policy();
        let limited = policy.assigned().limited(self.subject.place()).iter();
        let mut found: Vec<NearMiss> = limited.filter_map(|&limited| self.not_now_or_here(limited)).collect();
        found.extend(self.to_enable());
        found.sort_unstable();
        found.dedup();
        found.extend(self.to_assign(NEAR_MISSES_MAX.saturating_sub(found.len())));
        found
    }

    /// A role that the user has at another time or in another domain.
    fn not_now_or_here(self, limited: Limited) -> Option<NearMiss> {
        let (view, policy) = (self.subject.view(), self.subject.policy());
        let role = policy.role_name(limited.role)?.clone();
        if !policy.role_table().carries(limited.role, self.bit, Effect::Allow) {
            return None;
        }
        let here = limited.domain.is_none() || limited.domain == view.domain_place();
        if !here {
            let there = Subject::new(view.in_place(limited.domain), self.subject.place())?;
            let domain = policy.domain_name(limited.domain)?.clone();
            let permitted = limited.window.holds(view.now()) && there.has(self.bit);
            return permitted.then_some(NearMiss::OtherDomain { role, domain });
        }
        if let Some(at) = limited.window.not_before().filter(|&from| view.now() < from) {
            let then = Subject::new(view.at_moment(at), self.subject.place())?;
            return then.has(self.bit).then_some(NearMiss::Begins { role, at });
        }
        let at = limited.window.not_after().filter(|&until| until <= view.now())?;
        self.would_do(limited.role).then_some(NearMiss::Expired { role, at })
    }

    /// Disabled roles that the user would have a permit by.
    fn to_enable(self) -> Vec<NearMiss> {
        let policy = self.subject.policy();
        let active = policy.closure(self.subject.active_roles(), Through::Enabled);
        let below = active.iter().flat_map(|role| policy.role_table().juniors().of(role).iter().copied());
        let mut disabled: Vec<u32> = self.subject.active_roles().chain(below).collect();
        disabled.retain(|&role| !policy.role_table().is_enabled(role) && self.would_do_enabled(role));
        disabled.sort_unstable();
        disabled.dedup();
        let named = disabled.into_iter().filter_map(|role| policy.role_name(role).cloned());
        named.map(|role| NearMiss::EnableRole { role }).collect()
    }

    /// Roles that the user would have a permit by, those that allow least first.
    fn to_assign(self, most: usize) -> Vec<NearMiss> {
        let policy = self.subject.policy();
        let roles = policy.role_table();
        let allowed = |role: u32| roles.row(role).iter().map(|said| said.allow.count_ones()).sum::<u32>();
        let mut candidates: Vec<(u32, u32)> =
            roles.allowing(self.bit).map(|role| (allowed(role), role)).collect();
        candidates.sort_unstable_by_key(|&candidate| Reverse(candidate));
        let mut found = Vec::new();
        while let Some((_, role)) = candidates.pop().filter(|_| found.len() < most) {
            if self.would_do(role) && self.keeps_static_duties(role) {
                found.extend(policy.role_name(role).map(|role| NearMiss::AssignRole { role: role.clone() }));
            }
        }
        found
    }

    /// True if one more role is enough. Nothing is denied so far.
    fn would_do(self, role: u32) -> bool {
        let roles = self.subject.policy().role_table();
        roles.carries(role, self.bit, Effect::Allow)
            && !roles.carries(role, self.bit, Effect::Deny)
            && self.keeps_dynamic_duties(&[role], None)
    }

    /// The same of a disabled role, if it were enabled.
    fn would_do_enabled(self, role: u32) -> bool {
        let policy = self.subject.policy();
        let juniors = policy.role_table().juniors().of(role);
        let says = |effect| {
            own_grant(policy, role, self.permission, effect).is_some()
                || juniors.iter().any(|&junior| policy.role_table().carries(junior, self.bit, effect))
        };
        says(Effect::Allow) && !says(Effect::Deny) && self.keeps_dynamic_duties(juniors, Some(role))
    }

    fn keeps_dynamic_duties(self, more: &[u32], enabled: Option<u32>) -> bool {
        let active = self.subject.active_roles().chain(more.iter().copied());
        self.subject.policy().duties().breaches_with(DutyKind::Dynamic, active, enabled).is_empty()
    }

    /// True if the user, with one more role, breaks no separation of duty that is not broken already.
    fn keeps_static_duties(self, role: u32) -> bool {
        let (policy, view) = (self.subject.policy(), self.subject.view());
        let assigned = policy.assigned();
        let limited = assigned.limited(self.subject.place()).iter();
        let limited = limited.filter(|it| it.domain.is_none() || it.domain == view.domain_place());
        let permanent = assigned.permanent(self.subject.place()).iter().copied();
        let ever: Vec<u32> = permanent.chain(limited.map(|limited| limited.role)).collect();
        let breaches = |more: Option<u32>| {
            let roles = ever.iter().copied().chain(more);
            policy.duties().breaches(DutyKind::Static, roles).len()
        };
        breaches(Some(role)) == breaches(None)
    }
}
