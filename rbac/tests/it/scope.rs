//! Data scopes: the five of RuoYi, and the union over the roles that carry the permission.

mod model;
mod worlds;

use rbac::{
    Assignment, DataScope, DepartmentId, DepartmentRow, Effect, Grant, Inheritance, PermissionRow, Policy,
    PolicyRows, RoleRow, Scope, UnixMillis, UserRow, Window,
};

use crate::world::name;

const NOW: UnixMillis = UnixMillis::EPOCH;

fn id(number: i64) -> DepartmentId {
    DepartmentId::new(number)
}

/// Headquarters 1 with 2 and 3, below 2 the department 4; 9 stands alone. `ann` works in 2, `bob` nowhere.
fn company() -> PolicyRows {
    let mut rows = PolicyRows::default();
    for (department, parent) in [(1, None), (2, Some(1)), (3, Some(1)), (4, Some(2)), (9, None)] {
        rows.departments.insert(id(department), DepartmentRow::new(name(""), parent.map(id)));
    }
    for (user, department) in [("ann", Some(id(2))), ("bob", None)] {
        let mut row = UserRow::new(name(""));
        row.department = department;
        rows.users.insert(name(user), row);
    }
    for permission in ["order:list", "order:edit"] {
        rows.permissions.insert(name(permission), PermissionRow::new(name("")));
    }
    rows
}

/// One more role of both users, with a scope and grants.
fn with_role(mut rows: PolicyRows, role: &str, data_scope: DataScope, allowed: &[&str]) -> PolicyRows {
    let mut row = RoleRow::new(name(""));
    row.data_scope = data_scope;
    rows.roles.insert(name(role), row);
    for user in ["ann", "bob"] {
        rows.assignments.insert(Assignment::new(name(user), name(role)), Window::ALWAYS);
    }
    for pattern in allowed {
        rows.grants.insert(Grant::new(name(role), name(pattern)), Effect::Allow);
    }
    rows
}

fn scope(rows: &PolicyRows, user: &str, permission: &str) -> Scope {
    let policy = Policy::compile(rows).unwrap();
    let permission = policy.permission(&name(permission)).unwrap();
    let scope = policy.at(NOW).scope(&name(user), permission);
    let subject = policy.at(NOW).subject(&name(user)).unwrap();
    assert_eq!(subject.scope(permission), scope);
    scope
}

fn of(departments: &[i64]) -> Scope {
    Scope { departments: departments.iter().copied().map(id).collect(), ..Scope::default() }
}

#[test]
fn the_five_scopes_of_ruoyi() {
    let custom = DataScope::Departments([4, 9].map(id).into());
    let own = Scope { own: true, ..Scope::default() };
    for (data_scope, in_a_department, in_none) in [
        (DataScope::All, Scope::all(), Scope::all()),
        (custom, of(&[4, 9]), of(&[4, 9])),
        (DataScope::OwnDepartment, of(&[2]), of(&[])),
        (DataScope::OwnDepartmentAndBelow, of(&[2, 4]), of(&[])),
        (DataScope::Own, own.clone(), own),
        (DataScope::Nothing, of(&[]), of(&[])),
    ] {
        let rows = with_role(company(), "clerk", data_scope, &["order:list"]);
        assert_eq!(scope(&rows, "ann", "order:list"), in_a_department);
        assert_eq!(scope(&rows, "bob", "order:list"), in_none);
    }
}

/// The complaint about the plain union: a role opens rows for what it carries, and for nothing else.
#[test]
fn a_role_without_the_permission_opens_nothing_for_it() {
    let rows = with_role(company(), "auditor", DataScope::All, &["order:list"]);
    let rows = with_role(rows, "clerk", DataScope::Own, &["order:*"]);
    assert_eq!(scope(&rows, "ann", "order:list"), Scope::all());
    assert_eq!(scope(&rows, "ann", "order:edit"), Scope { own: true, ..Scope::default() });
}

#[test]
fn denied_is_no_rows() {
    let mut rows = with_role(company(), "auditor", DataScope::All, &["*"]);
    rows.grants.insert(Grant::new(name("auditor"), name("order:edit")), Effect::Deny);
    assert_eq!(scope(&rows, "ann", "order:edit"), Scope::default());
    rows.users.get_mut("ann").unwrap().active = false;
    assert_eq!(scope(&rows, "ann", "order:list"), Scope::default());
    assert_eq!(scope(&rows, "bob", "order:list"), Scope::all());
    let policy = Policy::compile(&rows).unwrap();
    let list = policy.permission(&name("order:list")).unwrap();
    assert_eq!(policy.at(NOW).scope(&name("nobody"), list), Scope::default());
}

#[test]
fn an_inherited_role_opens_what_it_carries_and_a_disabled_one_nothing() {
    let mut rows = with_role(company(), "boss", DataScope::Nothing, &[]);
    rows.roles.insert(name("clerk"), RoleRow::new(name("")));
    rows.roles.get_mut("clerk").unwrap().data_scope = DataScope::OwnDepartment;
    rows.grants.insert(Grant::new(name("clerk"), name("order:list")), Effect::Allow);
    rows.inheritance.insert(Inheritance::new(name("boss"), name("clerk")));
    assert_eq!(scope(&rows, "ann", "order:list"), of(&[2]));
    // The senior role carries what it inherits, so its own scope counts for that too.
    rows.roles.get_mut("boss").unwrap().data_scope = DataScope::Departments([id(9)].into());
    assert_eq!(scope(&rows, "ann", "order:list"), of(&[2, 9]));
    rows.roles.get_mut("clerk").unwrap().enabled = false;
    assert_eq!(scope(&rows, "ann", "order:list"), of(&[]));
    // What is inherited only through a disabled role opens nothing, even if another role gives the permission.
    rows.roles.get_mut("clerk").unwrap().enabled = true;
    rows.roles.get_mut("boss").unwrap().enabled = false;
    let rows = with_role(rows, "visitor", DataScope::Own, &["order:list"]);
    assert_eq!(scope(&rows, "ann", "order:list"), Scope { own: true, ..Scope::default() });
}

#[test]
fn a_scope_that_ends_is_gone_when_it_ends() {
    let mut rows = with_role(company(), "clerk", DataScope::Own, &["order:list"]);
    let deputy = with_role(rows.clone(), "deputy", DataScope::All, &["order:list"]);
    rows.roles = deputy.roles;
    rows.grants = deputy.grants;
    let noon = UnixMillis::new(43_200_000).unwrap();
    rows.assignments.insert(Assignment::new(name("ann"), name("deputy")), Window::until(noon).unwrap());
    let policy = Policy::compile(&rows).unwrap();
    let list = policy.permission(&name("order:list")).unwrap();
    assert_eq!(policy.at(NOW).scope(&name("ann"), list), Scope::all());
    assert_eq!(policy.at(noon).scope(&name("ann"), list), Scope { own: true, ..Scope::default() });
}

#[test]
fn scopes_are_put_into_words() {
    use rbac::Lang::{En, Zh};
    let both = Scope { own: true, ..of(&[2, 4]) };
    assert_eq!(both.words(En), "departments `2` `4` and own rows");
    assert_eq!(both.words(Zh), "部门 `2` `4` 的数据和本人数据");
    assert_eq!(
        (Scope::all().words(En), Scope::default().words(En)),
        ("all rows".to_owned(), "no rows".to_owned())
    );
    assert_eq!(Scope::default().words(Zh), "无数据");
}
