//! Static separation of duty (INCITS 359: SSD): who is authorised for too many roles of a set, and where. Pure.
//!
//! The dynamic kind is about what is active together: see [`Subject`](crate::Subject) and [`Session`](crate::Session).

use std::fmt;

use crate::name::{DomainName, DutyName, RoleName, UserId};
use crate::policy::Policy;
use crate::rows::DutyKind;
use crate::words::{Lang, Say};

/// A user who is authorised for too many roles of a static set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DutyBreach {
    /// Who.
    pub user: UserId,
    /// Where; everywhere if none.
    pub domain: Option<DomainName>,
    /// The set.
    pub duty: DutyName,
    /// The roles of the set that the user has there, inherited ones among them, in order of name.
    pub roles: Vec<RoleName>,
}

impl DutyBreach {
    /// The breach in a language.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        self.said_in(lang)
    }
}

impl Say for DutyBreach {
    fn say(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result {
        let Self { user, domain, duty, roles } = self;
        match (lang, domain) {
            (Lang::En, None) => write!(f, "user `{user}` has roles")?,
            (Lang::Zh, None) => write!(f, "用户 `{user}` 拥有角色")?,
            (Lang::En, Some(domain)) => write!(f, "in domain `{domain}`, user `{user}` has roles")?,
            (Lang::Zh, Some(domain)) => write!(f, "在域 `{domain}` 内，用户 `{user}` 拥有角色")?,
        }
        roles.iter().try_for_each(|role| write!(f, " `{role}`"))?;
        match lang {
            Lang::En => write!(f, ", too many of separation of duties `{duty}`"),
            Lang::Zh => write!(f, "，违反职责分离 `{duty}`"),
        }
    }
}

impl fmt::Display for DutyBreach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f, Lang::En)
    }
}

impl Policy {
    /// All users who are authorised for too many roles of a static set, in order of user, place and set.
    ///
    /// Changes that are checked keep it empty. Rows that were written by hand or brought in from elsewhere may not.
    ///
    /// Authorised are the roles that are assigned and those that they inherit, at whatever times, whether enabled or
    /// not, of active users and of others: what is switched off can be switched on. In a domain, what is assigned
    /// everywhere counts too; a set that is broken everywhere is not said again for each domain.
    ///
    /// The cost grows with the users and with the assignments of roles that a set is about; without a static set there
    /// is none.
    #[must_use]
    pub fn duty_breaches(&self) -> Vec<DutyBreach> {
        if !self.duties().sets().iter().any(|set| set.kind == DutyKind::Static) {
            return Vec::new();
        }
        let mut breaches = Vec::new();
        let mut held = Vec::new();
        for (at, user) in (0..).zip(self.users()) {
            held.clear();
            held.extend(concerned(self, at));
            if !held.is_empty() {
                breaches_of(self, user, &held, &mut breaches);
            }
        }
        breaches
    }
}

/// A role, and the domain in which it is assigned.
#[derive(Clone, Copy, Debug)]
struct Held {
    role: u32,
    domain: Option<u32>,
}

/// What is assigned to a user and could break a set.
fn concerned(policy: &Policy, user: u32) -> impl Iterator<Item = Held> {
    let everywhere = policy.assigned().permanent(user).iter().map(|&role| Held { role, domain: None });
    let limited = policy.assigned().limited(user).iter();
    let all = everywhere.chain(limited.map(|limited| Held { role: limited.role, domain: limited.domain }));
    all.filter(|held| policy.duties().concern(held.role))
}

/// Everywhere first, then domain by domain.
fn breaches_of(policy: &Policy, user: &UserId, held: &[Held], breaches: &mut Vec<DutyBreach>) {
    let mut domains: Vec<u32> = held.iter().filter_map(|held| held.domain).collect();
    domains.sort_unstable();
    domains.dedup();
    let first = breaches.len();
    for domain in std::iter::once(None).chain(domains.into_iter().map(Some)) {
        let here = held.iter().filter(|held| held.domain.is_none() || held.domain == domain);
        for breach in policy.duties().breaches(DutyKind::Static, here.map(|held| held.role)) {
            let Some(set) = policy.duties().set(breach.set) else { continue };
            let everywhere = |said: &DutyBreach| said.domain.is_none() && said.duty == set.name;
            if breaches.iter().skip(first).any(everywhere) {
                continue;
            }
            breaches.push(DutyBreach {
                user: user.clone(),
                domain: policy.domain_name(domain).cloned(),
                duty: set.name.clone(),
                roles: breach.roles.iter().filter_map(|&role| policy.role_name(role)).cloned().collect(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
