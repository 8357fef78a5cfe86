//! The permissions that guard the policy itself: which of them each role gives, as a few bits.

use super::graph::{Graph, Rule};
use crate::catalogue::Permission;
use crate::name::PermissionName;
use crate::perm;
use crate::rows::Effect;

/// What the names of these permissions begin with.
const PREFIX: &str = "rbac:";

/// A permission over the policy itself that the rules ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guard {
    UserEdit,
    UserAssign,
    RoleEdit,
    PermissionEdit,
    DomainEdit,
    DepartmentEdit,
    DutyEdit,
    Escalate,
}

impl Guard {
    const fn permission(self) -> Permission {
        match self {
            Self::UserEdit => perm::user::EDIT,
            Self::UserAssign => perm::user::ASSIGN,
            Self::RoleEdit => perm::role::EDIT,
            Self::PermissionEdit => perm::permission::EDIT,
            Self::DomainEdit => perm::domain::EDIT,
            Self::DepartmentEdit => perm::department::EDIT,
            Self::DutyEdit => perm::duty::EDIT,
            Self::Escalate => perm::delegation::ESCALATE,
        }
    }

    pub(super) fn name(self) -> PermissionName {
        PermissionName::declared(self.permission().name())
    }
}

/// The names of all permissions that guard the policy, also of those that are only for looking.
pub(super) fn names() -> impl Iterator<Item = PermissionName> {
    perm::CATALOGUE.entries().map(|entry| PermissionName::declared(entry.name))
}

/// Some of these permissions, each a bit in the order of their declaration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Guards(u64);

impl Guards {
    /// An administrator has all of them.
    pub(super) fn all() -> Self {
        Self(names().enumerate().fold(0, |bits, (place, _)| bits | 1 << place))
    }

    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn has(self, guard: Guard) -> bool {
        self.0 >> guard.permission().index & 1 == 1
    }

    /// The first one that is here and not there.
    pub(super) fn first_without(self, other: Self) -> Option<PermissionName> {
        let lost = self.0 & !other.0;
        names().enumerate().find(|(place, _)| lost >> place & 1 == 1).map(|(_, name)| name)
    }
}

/// What a role says about these permissions, with all that it inherits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    allow: u64,
    deny: u64,
}

impl Says {
    /// What both say.
    pub(super) const fn and(self, other: Self) -> Self {
        Self { allow: self.allow | other.allow, deny: self.deny | other.deny }
    }

    /// Only the denying part.
    pub(super) const fn denying(self) -> Self {
        Self { allow: 0, ..self }
    }

    /// A deny beats every allow.
    pub(super) const fn granted(self) -> Guards {
        Guards(self.allow & !self.deny)
    }

    fn of_rule(rule: &Rule<'_>, names: &[PermissionName]) -> Self {
        if rule.what.is_exact && !rule.what.pattern.as_str().starts_with(PREFIX) {
            return Self::default();
        }
        let matched =
            |(place, name): (usize, &PermissionName)| u64::from(rule.what.pattern.matches(name)) << place;
        let bits = names.iter().enumerate().map(matched).fold(0, |bits, bit| bits | bit);
        match rule.effect {
            Effect::Allow => Self { allow: bits, deny: 0 },
            Effect::Deny => Self { allow: 0, deny: bits },
        }
    }
}

/// What each role says, in the places of the graph. A disabled role says nothing and passes nothing on.
pub(super) fn said_by_roles(graph: &Graph<'_>) -> Vec<Says> {
    let names: Vec<PermissionName> = names().collect();
    let own = |rules: &[Rule<'_>]| {
        rules.iter().map(|rule| Says::of_rule(rule, &names)).fold(Says::default(), Says::and)
    };
    let enabled = |enabled: bool, says: Says| if enabled { says } else { Says::default() };
    let mut said: Vec<Says> =
        graph.nodes().iter().map(|node| enabled(node.enabled, own(&node.rules))).collect();
    // What a role says can only grow, by a few bits, so this ends soon, also in a circle.
    let mut open: Vec<usize> = (0..said.len()).collect();
    while let Some(place) = open.pop() {
        let Some(&from) = said.get(place) else { continue };
        for &senior in graph.seniors(place) {
            let grown = said.get(senior).copied().unwrap_or_default().and(from);
            if let Some(says) =
                said.get_mut(senior).filter(|says| **says != grown && graph.is_enabled(senior))
            {
                *says = grown;
                open.push(senior);
            }
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::{Guard, Guards, names};

    #[test]
    fn a_bit_is_the_permission_that_it_is_asked_by() {
        let last = names().last().unwrap();
        assert_eq!(Guard::Escalate.name(), last);
        let all = Guards::all();
        assert!(
            all.has(Guard::Escalate) && all.has(Guard::UserEdit) && !Guards::default().has(Guard::UserEdit)
        );
        let without = Guards(all.0 & !(1 << (names().count() - 1)));
        assert!(!without.has(Guard::Escalate) && without.has(Guard::DutyEdit));
        assert_eq!(all.first_without(without), Some(last));
        assert_eq!(without.first_without(all), None);
    }
}
