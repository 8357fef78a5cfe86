//! A user's record is touched only by those to whom the user's department is open.

use rbac::{Change, DataScope, DepartmentId, PolicyRows, Refusal};

use crate::edit::{
    active, add_department, add_role, add_user, allow, assign, built, by, extended, open, refusal, unassign,
    work_in,
};
use crate::world::name;

/// Departments 1 with 2 and 3 below, and 9. The clerk works in 2, has the staff of a scope, and may edit and assign.
fn company(scope: DataScope) -> PolicyRows {
    let people = [("clerk", 2), ("near", 2), ("below", 3), ("above", 1), ("far", 9)];
    let people =
        people.into_iter().flat_map(|(user, department)| [add_user(user), work_in(user, department)]);
    built(
        [
            add_department(1, None),
            add_department(2, Some(1)),
            add_department(3, Some(2)),
            add_department(9, None),
            add_role("staff"),
            add_role("empty"),
            allow("staff", "rbac:user:*"),
            add_user("free"),
        ]
        .into_iter()
        .chain((scope != DataScope::Nothing).then(|| open("staff", scope)))
        .chain(people)
        .chain([assign("clerk", "staff")]),
    )
}

fn reached(scope: DataScope) -> Vec<&'static str> {
    let rows = company(scope);
    let all = ["clerk", "near", "below", "above", "far", "free"];
    let reached = |user: &&str| {
        let renamed = Change::SetUserLabel { user: name(user), label: name("New") };
        let edit = refusal(&rows, by("clerk"), [renamed]);
        let give = refusal(&rows, by("clerk"), [assign(user, "empty")]);
        assert_eq!(edit, give);
        assert!(edit.is_none() || edit == Some(Refusal::OutOfReach(name(user))), "{edit:?}");
        edit.is_none()
    };
    all.into_iter().filter(reached).collect()
}

#[test]
fn a_scope_says_who_is_within_reach() {
    assert_eq!(reached(DataScope::Nothing), [""; 0]);
    assert_eq!(reached(DataScope::Own), ["clerk"]);
    assert_eq!(reached(DataScope::OwnDepartment), ["clerk", "near"]);
    assert_eq!(reached(DataScope::OwnDepartmentAndBelow), ["clerk", "near", "below"]);
    assert_eq!(reached(DataScope::Departments([DepartmentId::new(9)].into())), ["far"]);
    assert_eq!(reached(DataScope::All), ["clerk", "near", "below", "above", "far", "free"]);
}

/// RuoYi's CVE-2026-37669, second half: binding a role to any user, whatever the department.
#[test]
fn no_role_is_bound_to_a_user_of_another_department() {
    let rows = company(DataScope::OwnDepartmentAndBelow);
    for change in [assign("far", "empty"), assign("free", "empty"), assign("far", "staff")] {
        let refused = refusal(&rows, by("clerk"), [change]).unwrap();
        assert!(matches!(refused, Refusal::OutOfReach(_)), "{refused}");
    }
    let rows = extended(&rows, [assign("far", "empty")]);
    assert_eq!(
        refusal(&rows, by("clerk"), [unassign("far", "empty")]),
        Some(Refusal::OutOfReach(name("far")))
    );
}

/// What is said about a user out of reach is nothing but that, whatever the user has.
#[test]
fn a_refusal_tells_nothing_about_those_out_of_reach() {
    let rows = extended(
        &company(DataScope::OwnDepartmentAndBelow),
        [
            assign("far", "empty"),
            add_role("other"),
            add_department(10, Some(9)),
            allow("staff", "rbac:department:edit"),
        ],
    );
    let label = |label| Change::SetUserLabel { user: name("far"), label: name(label) };
    for change in [
        assign("far", "empty"),
        assign("far", "other"),
        unassign("far", "empty"),
        unassign("far", "other"),
        active("far", true),
        active("far", false),
        work_in("far", 9),
        add_user("far"),
        label(""),
        label("New"),
    ] {
        assert_eq!(
            refusal(&rows, by("clerk"), [change.clone()]),
            Some(Refusal::OutOfReach(name("far"))),
            "{change}"
        );
        // Also behind a change that does not fit.
        let behind = [add_user("near"), change];
        assert_eq!(refusal(&rows, by("clerk"), behind), Some(Refusal::OutOfReach(name("far"))));
    }
    let id = DepartmentId::new;
    for parent in [Some(id(9)), None, Some(id(10))] {
        let moved = Change::MoveDepartment { department: id(10), parent };
        assert_eq!(refusal(&rows, by("clerk"), [moved]), Some(Refusal::DepartmentOutOfReach(id(10))));
    }
    let remove = Change::RemoveDepartment { department: id(9) };
    assert_eq!(refusal(&rows, by("clerk"), [remove]), Some(Refusal::DepartmentOutOfReach(id(9))));
    assert_eq!(
        refusal(&rows, by("clerk"), [assign("near", "empty"), assign("near", "empty")]),
        Some(Refusal::AlreadyThere)
    );
}

#[test]
fn nobody_is_fetched_from_or_sent_to_another_department() {
    let rows = company(DataScope::OwnDepartmentAndBelow);
    let out = |user| Some(Refusal::OutOfReach(name(user)));
    assert_eq!(refusal(&rows, by("clerk"), [work_in("near", 3)]), None);
    assert_eq!(refusal(&rows, by("clerk"), [work_in("near", 9)]), out("near"));
    assert_eq!(refusal(&rows, by("clerk"), [work_in("far", 2)]), out("far"));
    let nowhere = Change::SetUserDepartment { user: name("near"), department: None };
    assert_eq!(refusal(&rows, by("clerk"), [nowhere]), out("near"));
    assert_eq!(refusal(&rows, by("clerk"), [add_user("new")]), out("new"));
    assert_eq!(refusal(&rows, by("clerk"), [add_user("new"), work_in("new", 2)]), None);
    assert_eq!(refusal(&rows, by("clerk"), [add_user("new"), work_in("new", 9)]), out("new"));
    assert_eq!(refusal(&rows, by("clerk"), [active("far", false)]), out("far"));
    assert_eq!(refusal(&rows, by("clerk"), [crate::edit::remove_user("below")]), None);
}

#[test]
fn departments_move_only_within_reach() {
    let rows = extended(
        &company(DataScope::OwnDepartmentAndBelow),
        [allow("staff", "rbac:department:edit"), add_department(4, Some(3)), add_department(10, Some(9))],
    );
    let clerk = |changes: Vec<Change>| refusal(&rows, by("clerk"), changes);
    let id = DepartmentId::new;
    let out = |department| Some(Refusal::DepartmentOutOfReach(id(department)));
    let under = |department, parent: Option<i64>| Change::MoveDepartment {
        department: id(department),
        parent: parent.map(id),
    };
    let remove = |department| Change::RemoveDepartment { department: id(department) };
    assert_eq!(clerk(vec![under(4, Some(2))]), None);
    assert_eq!(clerk(vec![under(4, None)]), None);
    assert_eq!(clerk(vec![under(4, Some(9))]), out(9));
    assert_eq!(clerk(vec![under(2, None)]), out(1));
    assert_eq!(clerk(vec![under(10, Some(3))]), out(10));
    assert_eq!(clerk(vec![add_department(11, Some(4))]), None);
    assert_eq!(clerk(vec![add_department(11, None), add_department(12, Some(11))]), None);
    assert_eq!(clerk(vec![add_department(11, Some(10))]), out(10));
    assert_eq!(clerk(vec![remove(4)]), None);
    // Taken away and put in again elsewhere it would have moved.
    assert_eq!(clerk(vec![remove(10), add_department(10, Some(3))]), out(10));
    let all = extended(&rows, [open("staff", DataScope::All)]);
    assert_eq!(refusal(&all, by("clerk"), [remove(10), under(2, Some(9))]), None);
}

#[test]
fn the_last_department_goes_only_for_those_who_see_all() {
    let rows = |scope: DataScope| {
        let scope = (scope != DataScope::Nothing).then(|| open("staff", scope));
        let rows = [
            add_user("clerk"),
            add_role("staff"),
            add_department(1, None),
            allow("staff", "rbac:role:edit"),
            allow("staff", "rbac:department:edit"),
            assign("clerk", "staff"),
        ];
        built(rows.into_iter().chain(scope))
    };
    let one = DepartmentId::new(1);
    let gone = [open("staff", DataScope::Nothing), Change::RemoveDepartment { department: one }];
    let out = Some(Refusal::DepartmentOutOfReach(one));
    assert_eq!(refusal(&rows(DataScope::Departments([one].into())), by("clerk"), gone.clone()), out);
    assert_eq!(refusal(&rows(DataScope::Nothing), by("clerk"), gone[1..].to_vec()), out);
    assert_eq!(refusal(&rows(DataScope::All), by("clerk"), gone), None);
}

#[test]
fn without_departments_everybody_is_within_reach() {
    let rows = built([
        add_user("clerk"),
        add_user("bob"),
        add_role("staff"),
        add_role("empty"),
        allow("staff", "rbac:user:*"),
        assign("clerk", "staff"),
    ]);
    assert_eq!(refusal(&rows, by("clerk"), [assign("bob", "empty")]), None);
    assert_eq!(refusal(&rows, by("clerk"), [add_user("new")]), None);
}

#[test]
fn whoever_may_escalate_reaches_everybody() {
    let rows = extended(&company(DataScope::Nothing), [allow("staff", "rbac:escalate")]);
    assert_eq!(refusal(&rows, by("clerk"), [assign("far", "empty")]), None);
}
