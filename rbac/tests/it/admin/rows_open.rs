//! Nobody opens rows that are not open to oneself: the first half of RuoYi's CVE-2026-37669, and its neighbours.

use rbac::{Change, DataScope, DepartmentId, Gainer, PolicyRows, Refusal};

use crate::edit::{
    active, add_department, add_role, add_user, allow, assign, built, by, deny, enabled, extended, inherit,
    open, refusal, revoke, unassign, work_in,
};
use crate::world::name;

const VIEW: &str = "order:view";

/// Departments 1 > 2 > 3 and 9. Ed works in 2, edits roles and departments, and sees orders of 2 and below. The role
/// `clerk` carries orders and opens nothing; Bob of 2 has it, and Far of 9.
fn company() -> PolicyRows {
    let people = [("ed", 2), ("bob", 2), ("far", 9)];
    built(people.into_iter().map(|(user, _)| add_user(user)).chain([
        add_department(1, None),
        add_department(2, Some(1)),
        add_department(3, Some(2)),
        add_department(9, None),
        add_role("editor"),
        add_role("clerk"),
        add_role("other"),
        allow("editor", "rbac:role:edit"),
        allow("editor", "rbac:department:edit"),
        allow("editor", "rbac:user:*"),
        allow("editor", VIEW),
        open("editor", DataScope::OwnDepartmentAndBelow),
        allow("clerk", VIEW),
        assign("ed", "editor"),
        assign("bob", "clerk"),
        work_in("ed", 2),
        work_in("bob", 2),
        work_in("far", 9),
    ]))
}

fn ed(rows: &PolicyRows, changes: impl IntoIterator<Item = Change>) -> Option<Refusal> {
    refusal(rows, by("ed"), changes)
}

fn role_sees(role: &str) -> Option<Refusal> {
    Some(Refusal::ScopeEscalation { gained_by: Gainer::Role(name(role)), permission: name(VIEW) })
}

fn user_sees(user: &str) -> Option<Refusal> {
    Some(Refusal::ScopeEscalation { gained_by: Gainer::User(name(user)), permission: name(VIEW) })
}

fn only(departments: &[i64]) -> DataScope {
    DataScope::Departments(departments.iter().copied().map(DepartmentId::new).collect())
}

#[test]
fn a_role_is_not_opened_further_than_the_editor_sees() {
    let rows = company();
    for scope in [
        DataScope::Own,
        DataScope::OwnDepartment,
        DataScope::OwnDepartmentAndBelow,
        only(&[2]),
        only(&[2, 3]),
        only(&[]),
    ] {
        assert_eq!(ed(&rows, [open("clerk", scope.clone())]), None, "{scope}");
    }
    for scope in [DataScope::All, only(&[1]), only(&[2, 9])] {
        assert_eq!(ed(&rows, [open("clerk", scope.clone())]), role_sees("clerk"), "{scope}");
    }
    assert_eq!(ed(&rows, [open("editor", DataScope::All)]), role_sees("editor").map(of_any));
}

/// The editor's own role carries more, and the first of them is named.
fn of_any(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::ScopeEscalation { gained_by, .. } => {
            Refusal::ScopeEscalation { gained_by, permission: name(VIEW) }
        }
        other => other,
    }
}

#[test]
fn who_has_the_role_elsewhere_counts() {
    let rows = extended(&company(), [assign("far", "clerk")]);
    // Bob's own department is Ed's, Far's is not.
    assert_eq!(ed(&rows, [open("clerk", DataScope::OwnDepartment)]), user_sees("far"));
    assert_eq!(ed(&rows, [open("clerk", DataScope::OwnDepartmentAndBelow)]), user_sees("far"));
    assert_eq!(ed(&rows, [open("clerk", DataScope::Own)]), None);
    // Far may come back.
    let away = extended(&rows, [active("far", false)]);
    assert_eq!(ed(&away, [open("clerk", DataScope::OwnDepartment)]), user_sees("far"));
}

#[test]
fn a_role_that_opens_more_is_not_bound_to_anybody() {
    let rows =
        extended(&company(), [add_role("auditor"), allow("auditor", VIEW), open("auditor", DataScope::All)]);
    assert_eq!(ed(&rows, [assign("bob", "auditor")]), user_sees("bob"));
    assert_eq!(ed(&rows, [assign("ed", "auditor")]), user_sees("ed"));
    assert_eq!(ed(&rows, [inherit("clerk", "auditor")]), role_sees("clerk"));
    let off = extended(&rows, [enabled("auditor", false), assign("bob", "auditor")]);
    assert_eq!(ed(&off, [enabled("auditor", true)]), role_sees("auditor"));
    let empty = extended(&rows, [revoke("auditor", VIEW)]);
    assert_eq!(ed(&empty, [assign("bob", "auditor")]), None);
    // What the role opens becomes open for what it is granted.
    assert_eq!(ed(&empty, [allow("auditor", VIEW)]), role_sees("auditor"));
    assert_eq!(ed(&empty, [inherit("auditor", "clerk")]), role_sees("auditor"));
}

#[test]
fn a_grant_to_a_role_opens_the_rows_of_the_roles_above_it() {
    let rows = extended(
        &company(),
        [add_role("head"), open("head", DataScope::All), inherit("head", "other"), assign("far", "head")],
    );
    assert_eq!(ed(&rows, [allow("other", VIEW)]), role_sees("head"));
    // The head sees all orders by another way already.
    let knowing = extended(&rows, [allow("head", "order:*")]);
    assert_eq!(ed(&knowing, [allow("other", VIEW)]), None);
}

#[test]
fn a_lifted_deny_opens_rows() {
    let rows = extended(
        &company(),
        [
            add_role("auditor"),
            allow("auditor", VIEW),
            open("auditor", DataScope::All),
            add_role("barred"),
            deny("barred", VIEW),
            assign("bob", "auditor"),
            assign("bob", "barred"),
        ],
    );
    assert_eq!(ed(&rows, [unassign("bob", "barred")]), user_sees("bob"));
    assert_eq!(ed(&rows, [revoke("barred", VIEW)]), user_sees("bob"));
    assert_eq!(ed(&rows, [unassign("bob", "auditor"), unassign("bob", "barred")]), None);
}

#[test]
fn a_lifted_deny_opens_the_rows_of_a_role_without_members() {
    let rows = extended(
        &company(),
        [
            crate::edit::add_permission(VIEW),
            add_role("auditor"),
            allow("auditor", "order:*"),
            deny("auditor", VIEW),
            open("auditor", DataScope::All),
        ],
    );
    assert_eq!(ed(&rows, [revoke("auditor", VIEW)]), role_sees("auditor"));
}

#[test]
fn moving_users_and_departments_opens_rows() {
    let local = [open("clerk", DataScope::OwnDepartmentAndBelow)];
    let rows = extended(&company(), local);
    assert_eq!(ed(&rows, [work_in("bob", 3)]), None);
    // Reach comes first: department 9 is not Ed's at all.
    assert_eq!(ed(&rows, [work_in("bob", 9)]), Some(Refusal::OutOfReach(name("bob"))));
    let under = |department: i64, parent: i64| Change::MoveDepartment {
        department: DepartmentId::new(department),
        parent: Some(DepartmentId::new(parent)),
    };
    // The rows of 9 would come to those who see 2 and below, Ed among them.
    let keeper = [
        add_role("keeper"),
        allow("keeper", "rbac:department:edit"),
        open("keeper", DataScope::All),
        assign("ed", "keeper"),
    ];
    let kept = extended(&rows, keeper);
    assert_eq!(ed(&kept, [under(9, 3)]), user_sees("bob"));
    let alone = extended(&kept, [unassign("bob", "clerk")]);
    assert!(matches!(
        ed(&alone, [under(9, 2)]),
        Some(Refusal::ScopeEscalation { gained_by: Gainer::User(user), .. }) if user == name("ed")
    ));
    assert_eq!(ed(&kept, [under(3, 1)]), None);
    assert_eq!(ed(&rows, [add_department(4, Some(3))]), None);
    assert_eq!(ed(&rows, [add_department(4, Some(3)), open("clerk", only(&[4]))]), None);
    // Nobody saw the rows of a new department before, and it is Ed's to fill.
    assert_eq!(ed(&rows, [add_department(4, Some(3)), work_in("bob", 4)]), None);
    let elsewhere = ed(&kept, [add_department(4, Some(9)), work_in("bob", 4)]);
    assert_eq!(elsewhere, Some(Refusal::OutOfReach(name("bob"))));
}

#[test]
fn who_sees_all_rows_opens_all_rows() {
    let rows = extended(&company(), [open("editor", DataScope::All), assign("far", "clerk")]);
    for scope in [DataScope::All, DataScope::OwnDepartment, only(&[1, 9]), DataScope::Own] {
        assert_eq!(ed(&rows, [open("clerk", scope)]), None);
    }
    // But only for what the open role carries.
    let apart = extended(
        &rows,
        [
            add_role("viewer"),
            allow("viewer", "bill:view"),
            assign("ed", "viewer"),
            allow("clerk", "bill:view"),
        ],
    );
    let refused = ed(&apart, [open("clerk", DataScope::All)]);
    let bills =
        Refusal::ScopeEscalation { gained_by: Gainer::Role(name("clerk")), permission: name("bill:view") };
    assert_eq!(refused, Some(bills));
}

#[test]
fn narrowing_opens_nothing() {
    let rows = extended(&company(), [open("clerk", DataScope::All), assign("far", "clerk")]);
    for scope in [DataScope::Nothing, DataScope::Own, DataScope::OwnDepartment, only(&[1]), only(&[9])] {
        assert_eq!(ed(&rows, [open("clerk", scope.clone())]), None, "{scope}");
    }
}
