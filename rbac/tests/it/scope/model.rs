//! What a scope is, said once more and slowly: a look at one row at a time.

use std::collections::BTreeSet;

use rbac::{DataScope, DepartmentId, Effect, PermissionName, PolicyRows, RoleName, UserId, View};

/// The enabled roles that are reached from some, through enabled ones only.
fn reached(rows: &PolicyRows, from: impl IntoIterator<Item = RoleName>) -> BTreeSet<RoleName> {
    let mut open: Vec<RoleName> = from.into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(role) = open.pop() {
        if rows.roles.get(&role).is_some_and(|row| row.enabled) && found.insert(role.clone()) {
            open.extend(
                rows.inheritance.iter().filter(|row| row.senior == role).map(|row| row.junior.clone()),
            );
        }
    }
    found
}

/// Whether a role, with what it inherits, is allowed the permission.
fn carries(rows: &PolicyRows, role: &RoleName, asked: &PermissionName) -> bool {
    let roles = reached(rows, [role.clone()]);
    rows.grants.iter().any(|(grant, effect)| {
        *effect == Effect::Allow && roles.contains(&grant.role) && grant.pattern.matches(asked)
    })
}

/// The ways up from a department, itself first. A department of a circle stands at the top.
fn is_below(rows: &PolicyRows, department: DepartmentId, top: DepartmentId) -> bool {
    let up =
        |at: DepartmentId| rows.departments.get(&at)?.parent.filter(|up| rows.departments.contains_key(up));
    let many = rows.departments.len();
    let in_circle =
        |at: DepartmentId| std::iter::successors(up(at), |&at| up(at)).take(many).any(|met| met == at);
    let next = |at: &DepartmentId| if in_circle(*at) { None } else { up(*at) };
    std::iter::successors(Some(department), next).any(|at| at == top)
}

/// Whether the user sees a row of this department in this view; `own` if it is the user's.
pub(super) fn opens(
    (rows, view): (&PolicyRows, View<'_>),
    user: &UserId,
    asked: &PermissionName,
    department: Option<DepartmentId>,
    own: bool,
) -> bool {
    // Whether there is anything to see is not the question here.
    if !view.decide(user, asked).unwrap().is_permit() {
        return false;
    }
    let held = rows.assignments.iter().filter(|(row, window)| {
        row.user == *user
            && window.holds(view.now())
            && row.domain.as_ref().is_none_or(|domain| Some(domain) == view.domain())
    });
    let known = |department: &DepartmentId| rows.departments.contains_key(department);
    let (department, home) = (department.filter(known), rows.users[user].department.filter(known));
    reached(rows, held.map(|(row, _)| row.role.clone())).iter().filter(|role| carries(rows, role, asked)).any(
        |role| match &rows.roles[role].data_scope {
            DataScope::Nothing => false,
            DataScope::Own => own,
            DataScope::OwnDepartment => department.is_some() && department == home,
            DataScope::OwnDepartmentAndBelow => {
                department.zip(home).is_some_and(|(department, home)| is_below(rows, department, home))
            }
            DataScope::Departments(named) => department.is_some_and(|department| named.contains(&department)),
            DataScope::All => true,
        },
    )
}
