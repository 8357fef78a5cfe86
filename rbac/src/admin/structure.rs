//! Whether a change fits the rows as they are: what it names exists, is not so already, and makes no circle.
//!
//! A row that is there may always be taken away, even if it names what is gone: so a damaged policy can be mended.

use super::{PERMISSIONS_MAX, ROLES_MAX, Refusal, circle};
use crate::change::Change;
use crate::name::{DepartmentId, DomainName, DutyName, PermissionName, RoleName, UserId};
use crate::rows::{Amendment, Assignment, Duty, Effect, Grant, Inheritance, PolicyRows};
use crate::scope::DataScope;
use crate::time::Window;
use crate::wildcard::PermissionPattern;

type Fits = Result<(), Refusal>;

/// Whether the change can be made to these rows, whoever makes it.
pub(super) fn check(amendment: &mut Amendment, change: &Change) -> Fits {
    match change {
        Change::Inherit { senior, junior } => inherit(amendment, senior, junior),
        Change::RemoveDepartment { department } => {
            known_department(amendment.rows(), *department)?;
            let in_use = amendment.is_in_use(*department);
            unless(in_use, || Refusal::DepartmentInUse(*department))
        }
        _ => fits(amendment.rows(), change),
    }
}

fn fits(rows: &PolicyRows, change: &Change) -> Fits {
    match change {
        Change::AddUser { .. }
        | Change::SetUserLabel { .. }
        | Change::SetUserActive { .. }
        | Change::SetUserDepartment { .. }
        | Change::RemoveUser { .. } => user(rows, change),
        Change::AddRole { .. }
        | Change::SetRoleLabel { .. }
        | Change::SetRoleEnabled { .. }
        | Change::SetDataScope { .. }
        | Change::RemoveRole { .. } => role(rows, change),
        Change::AddDepartment { .. } | Change::SetDepartmentLabel { .. } | Change::MoveDepartment { .. } => {
            department(rows, change)
        }
        Change::AddPermission { .. }
        | Change::SetPermissionLabel { .. }
        | Change::RemovePermission { .. }
        | Change::AddDomain { .. }
        | Change::SetDomainLabel { .. }
        | Change::RemoveDomain { .. } => name(rows, change),
        _ => relation(rows, change),
    }
}

fn user(rows: &PolicyRows, change: &Change) -> Fits {
    match change {
        Change::AddUser { user, .. } => absent(rows.users.contains_key(user)),
        Change::SetUserLabel { user, label } => {
            known_user(rows, user)?;
            absent(rows.users.get(user).is_some_and(|row| row.label == *label))
        }
        Change::SetUserActive { user, active } => {
            known_user(rows, user)?;
            absent(rows.users.get(user).is_some_and(|row| row.active == *active))
        }
        Change::SetUserDepartment { user, department } => {
            known_user(rows, user)?;
            department.map_or(Ok(()), |department| known_department(rows, department))?;
            absent(rows.users.get(user).is_some_and(|row| row.department == *department))
        }
        Change::RemoveUser { user } => known_user(rows, user),
        _ => Ok(()),
    }
}

fn role(rows: &PolicyRows, change: &Change) -> Fits {
    match change {
        Change::AddRole { role, .. } => {
            absent(rows.roles.contains_key(role))?;
            unless(rows.roles.len() >= ROLES_MAX, || Refusal::TooManyRoles { roles_max: ROLES_MAX })
        }
        Change::SetRoleLabel { role, label } => {
            known_role(rows, role)?;
            absent(rows.roles.get(role).is_some_and(|row| row.label == *label))
        }
        Change::SetRoleEnabled { role, enabled } => {
            known_role(rows, role)?;
            absent(rows.roles.get(role).is_some_and(|row| row.enabled == *enabled))
        }
        Change::SetDataScope { role, scope } => {
            known_role(rows, role)?;
            if let DataScope::Departments(departments) = scope {
                departments.iter().try_for_each(|&department| known_department(rows, department))?;
            }
            absent(rows.roles.get(role).is_some_and(|row| row.data_scope == *scope))
        }
        Change::RemoveRole { role } => {
            known_role(rows, role)?;
            let needing = rows.duties.iter().find(|(_, duty)| duty.roles.contains(role));
            let in_duty = |(duty, _): (&DutyName, &Duty)| Refusal::RoleInDuty {
                role: role.clone(),
                duty: duty.clone(),
            };
            needing.map_or(Ok(()), |found| Err(in_duty(found)))
        }
        _ => Ok(()),
    }
}

fn department(rows: &PolicyRows, change: &Change) -> Fits {
    match change {
        Change::AddDepartment { department, parent, .. } => {
            absent(rows.departments.contains_key(department))?;
            parent.map_or(Ok(()), |parent| known_department(rows, parent))
        }
        Change::SetDepartmentLabel { department, label } => {
            known_department(rows, *department)?;
            absent(rows.departments.get(department).is_some_and(|row| row.label == *label))
        }
        Change::MoveDepartment { department, parent } => {
            known_department(rows, *department)?;
            parent.map_or(Ok(()), |parent| known_department(rows, parent))?;
            absent(rows.departments.get(department).is_some_and(|row| row.parent == *parent))?;
            let circle = parent.and_then(|parent| circle::of_departments(rows, *department, parent));
            circle.map_or(Ok(()), |way| Err(Refusal::DepartmentCycle(way)))
        }
        _ => Ok(()),
    }
}

fn name(rows: &PolicyRows, change: &Change) -> Fits {
    match change {
        Change::AddPermission { permission, .. } => {
            absent(rows.permissions.contains_key(permission))?;
            let full = || Refusal::TooManyPermissions { permissions_max: PERMISSIONS_MAX };
            unless(rows.permissions.len() >= PERMISSIONS_MAX, full)
        }
        Change::SetPermissionLabel { permission, label } => {
            known_permission(rows, permission)?;
            absent(rows.permissions.get(permission).is_some_and(|row| row.label == *label))
        }
        Change::RemovePermission { permission } => known_permission(rows, permission),
        Change::AddDomain { domain, .. } => absent(rows.domains.contains_key(domain)),
        Change::SetDomainLabel { domain, label } => {
            known_domain(rows, domain)?;
            absent(rows.domains.get(domain).is_some_and(|row| row.label == *label))
        }
        Change::RemoveDomain { domain } => known_domain(rows, domain),
        _ => Ok(()),
    }
}

fn relation(rows: &PolicyRows, change: &Change) -> Fits {
    match change {
        Change::Assign { assignment, window } => assign(rows, assignment, *window),
        Change::Unassign { assignment } => {
            taken(rows.assignments.contains_key(assignment), || known_parts(rows, assignment))
        }
        Change::Grant { role, pattern, effect } => grant(rows, role, pattern, *effect),
        Change::Revoke { role, pattern } => {
            let there = rows.grants.contains_key(&Grant::new(role.clone(), pattern.clone()));
            taken(there, || known_role(rows, role))
        }
        Change::Disinherit { senior, junior } => {
            let there = rows.inheritance.contains(&Inheritance::new(senior.clone(), junior.clone()));
            taken(there, || known_role(rows, senior).and_then(|()| known_role(rows, junior)))
        }
        Change::SetDuty { name, duty } => {
            duty.roles.iter().try_for_each(|role| known_role(rows, role))?;
            unless(!well_formed(duty), || Refusal::DutyShape(name.clone()))?;
            absent(rows.duties.get(name) == Some(duty))
        }
        Change::RemoveDuty { name } => taken(rows.duties.contains_key(name), || Ok(())),
        _ => Ok(()),
    }
}

fn assign(rows: &PolicyRows, assignment: &Assignment, window: Window) -> Fits {
    known_parts(rows, assignment)?;
    absent(rows.assignments.get(assignment) == Some(&window))
}

/// The permission itself need not be registered: the program may declare it in code, where no store can see it. A
/// grant that names what nobody declares is reported by [`Policy::problems`](crate::Policy::problems).
fn grant(rows: &PolicyRows, role: &RoleName, pattern: &PermissionPattern, effect: Effect) -> Fits {
    known_role(rows, role)?;
    absent(rows.grants.get(&Grant::new(role.clone(), pattern.clone())) == Some(&effect))
}

fn inherit(amendment: &mut Amendment, senior: &RoleName, junior: &RoleName) -> Fits {
    let rows = amendment.rows();
    known_role(rows, senior)?;
    known_role(rows, junior)?;
    absent(rows.inheritance.contains(&Inheritance::new(senior.clone(), junior.clone())))?;
    // Nothing comes round through a role that nobody inherits, so building a hierarchy from below is cheap.
    if senior != junior && !amendment.is_inherited(senior) {
        return Ok(());
    }
    let circle = circle::of_roles(amendment.rows(), senior, junior);
    circle.map_or(Ok(()), |way| Err(Refusal::Cycle(way)))
}

fn well_formed(duty: &Duty) -> bool {
    let roles = u32::try_from(duty.roles.len()).unwrap_or(u32::MAX);
    duty.cardinality >= 2 && duty.cardinality <= roles
}

fn known_parts(rows: &PolicyRows, assignment: &Assignment) -> Fits {
    known_user(rows, &assignment.user)?;
    known_role(rows, &assignment.role)?;
    assignment.domain.iter().try_for_each(|domain| known_domain(rows, domain))
}

fn known_user(rows: &PolicyRows, user: &UserId) -> Fits {
    unless(!rows.users.contains_key(user), || Refusal::UnknownUser(user.clone()))
}

fn known_role(rows: &PolicyRows, role: &RoleName) -> Fits {
    unless(!rows.roles.contains_key(role), || Refusal::UnknownRole(role.clone()))
}

fn known_permission(rows: &PolicyRows, permission: &PermissionName) -> Fits {
    unless(!rows.permissions.contains_key(permission), || Refusal::UnknownPermission(permission.clone()))
}

fn known_domain(rows: &PolicyRows, domain: &DomainName) -> Fits {
    unless(!rows.domains.contains_key(domain), || Refusal::UnknownDomain(domain.clone()))
}

fn known_department(rows: &PolicyRows, department: DepartmentId) -> Fits {
    unless(!rows.departments.contains_key(&department), || Refusal::UnknownDepartment(department))
}

fn absent(there: bool) -> Fits {
    unless(there, || Refusal::AlreadyThere)
}

/// Of a row that is not there say first what it names wrongly.
fn taken(there: bool, known: impl FnOnce() -> Fits) -> Fits {
    if there { Ok(()) } else { known().and(Err(Refusal::NotThere)) }
}

fn unless(against: bool, refusal: impl FnOnce() -> Refusal) -> Fits {
    if against { Err(refusal()) } else { Ok(()) }
}
