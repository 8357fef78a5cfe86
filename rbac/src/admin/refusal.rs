//! Why a change is not made.

use crate::name::{DepartmentId, DomainName, DutyName, PermissionName, RoleName, UserId};
use crate::store::PolicyVersion;
use crate::wildcard::PermissionPattern;

/// Why a draft is not carried out. An expected "no": nothing is broken, and nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such user; add the user first.
    UnknownUser(UserId),
    /// There is no such role; add the role first.
    UnknownRole(RoleName),
    /// The permission is not registered; add it first.
    UnknownPermission(PermissionName),
    /// There is no such domain; add it first.
    UnknownDomain(DomainName),
    /// There is no such department; add it first.
    UnknownDepartment(DepartmentId),
    /// It is so already.
    AlreadyThere,
    /// What should be taken away is not there.
    NotThere,
    /// The draft holds no change.
    Empty,
    /// The draft holds more changes than one may.
    TooManyChanges {
        /// The limit.
        changes_max: usize,
    },
    /// So many roles with so many grants and open rows change that comparing them would take too long.
    TooMuchToCompare {
        /// The limit.
        comparisons_max: usize,
    },
    /// Somebody else changed the policy since it was looked at; look again.
    Changed {
        /// The version now.
        version: PolicyVersion,
    },
    /// Roles would inherit each other: the senior role, the way down from its junior, the senior again.
    Cycle(Vec<RoleName>),
    /// Departments would belong to each other: the department, the way up from its parent, the department again.
    DepartmentCycle(Vec<DepartmentId>),
    /// The department is still used: by a user, a department below it, or a role's data scope. Empty it first.
    DepartmentInUse(DepartmentId),
    /// The role is part of a separation of duty; change that first.
    RoleInDuty {
        /// The role.
        role: RoleName,
        /// The set.
        duty: DutyName,
    },
    /// The set has less than two roles, or its cardinality is not from 2 up to their number.
    DutyShape(DutyName),
    /// A user would have too many roles of a set whose duties are separated.
    DutyViolated {
        /// The set.
        duty: DutyName,
        /// Who.
        user: UserId,
        /// Where; everywhere if none.
        domain: Option<DomainName>,
        /// The roles of the set that the user would have, inherited ones among them.
        roles: Vec<RoleName>,
    },
    /// Nobody would be left who is active, without an end, and holds every permission that guards the policy itself.
    /// Make another administrator first.
    LastAdministrator,
    /// The actor would lose this permission over the policy by the own hand. Let another administrator do it.
    SelfLockOut(PermissionName),
    /// The actor is not an active user, or lacks the permission that such a change needs.
    NotPermitted(PermissionName),
    /// The actor would give what the actor does not hold: these permissions (at most eight are named).
    ///
    /// Whatever a user or a role would gain counts: by a grant, by a deny that is lifted, by a role that is switched on,
    /// by a user who is let in again, by an assignment that only begins later. The actor holds what the actor may do
    /// now; for as long as that lasts it may be given on for any time, but not to the actor, for whom each moment is
    /// compared with the same moment before.
    ///
    /// What disabled roles would give counts too, and what inactive users would have: others may switch them on later.
    ///
    /// A permission that is newly registered is no gain: a `*` was given for all that it would ever match.
    Escalation {
        /// Who or what would gain.
        gained_by: Gainer,
        /// What the actor lacks.
        permissions: Vec<PermissionName>,
    },
    /// The actor would grant a pattern that reaches further than the patterns the actor holds, now or later.
    PatternEscalation {
        /// The role.
        role: RoleName,
        /// The pattern.
        pattern: PermissionPattern,
    },
    /// The actor would open rows that are not open to the actor, for this permission.
    ScopeEscalation {
        /// Who or what would gain.
        gained_by: Gainer,
        /// For which permission.
        permission: PermissionName,
    },
    /// The user's department is not within the rows that are open to the actor for the permission needed.
    OutOfReach(UserId),
    /// The department would move, go, or gain or lose one below it, and is not within the rows that are open to the actor
    /// for the permission needed. The last department goes only if all rows are open.
    DepartmentOutOfReach(DepartmentId),
    /// There are as many roles as there may be.
    TooManyRoles {
        /// The limit.
        roles_max: usize,
    },
    /// There are as many permissions as there may be.
    TooManyPermissions {
        /// The limit.
        permissions_max: usize,
    },
}

/// Who would gain by a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gainer {
    /// A user.
    User(UserId),
    /// A role, and whoever has it or will have it.
    Role(RoleName),
}

/// A refusal, and the change of the draft that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Refused {
    /// The place of the change in the draft, from 0; none if it is about the draft as a whole.
    pub at: Option<usize>,
    /// Why.
    pub why: Refusal,
}

impl Refusal {
    /// The refusal of the draft as a whole.
    pub(super) const fn whole(self) -> Refused {
        Refused { at: None, why: self }
    }

    /// The refusal of one change, by its place in the draft.
    pub(super) const fn of(self, at: usize) -> Refused {
        Refused { at: Some(at), why: self }
    }
}
