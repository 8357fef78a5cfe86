//! What fits the rows: names that exist, nothing twice, no circles, limits; and what goes along.

use proptest::prelude::*;
use rbac::{
    Change, DataScope, DepartmentId, Draft, Duty, DutyKind, Lang, PolicyRows, PolicyVersion, Refusal, Window,
    admin,
};

use crate::edit::{
    add_department, add_domain, add_permission, add_role, add_user, allow, apart, assign, assign_in, built,
    checked, deny, disinherit, draft, enabled, extended, inherit, open, refusal, remove_role, revoke, system,
    unassign, work_in,
};
use crate::world::{assignment, at, cases, change, name, rows, sound_rows};

fn why(rows: &PolicyRows, change: Change) -> Option<Refusal> {
    refusal(rows, system(), [change])
}

fn small() -> PolicyRows {
    built([
        add_user("alice"),
        add_role("r1"),
        add_role("r2"),
        add_role("r3"),
        add_domain("d1"),
        add_permission("a:x"),
        add_department(1, None),
        add_department(2, Some(1)),
        inherit("r1", "r2"),
        inherit("r2", "r3"),
        apart("s1", DutyKind::Static, &["r1", "r3"]),
    ])
}

#[test]
fn what_is_named_must_exist() {
    let rows = small();
    let ghost = || DepartmentId::new(9);
    for (change, expected) in [
        (assign("bob", "r1"), Refusal::UnknownUser(name("bob"))),
        (assign("alice", "boss"), Refusal::UnknownRole(name("boss"))),
        (assign_in("alice", "r1", "d9"), Refusal::UnknownDomain(name("d9"))),
        (unassign("bob", "r1"), Refusal::UnknownUser(name("bob"))),
        (allow("boss", "a:x"), Refusal::UnknownRole(name("boss"))),
        (inherit("r1", "boss"), Refusal::UnknownRole(name("boss"))),
        (disinherit("boss", "r1"), Refusal::UnknownRole(name("boss"))),
        (work_in("alice", 9), Refusal::UnknownDepartment(ghost())),
        (open("r1", DataScope::Departments([ghost()].into())), Refusal::UnknownDepartment(ghost())),
        (add_department(3, Some(9)), Refusal::UnknownDepartment(ghost())),
        (apart("s2", DutyKind::Static, &["r1", "boss"]), Refusal::UnknownRole(name("boss"))),
        (Change::RemovePermission { permission: name("a:y") }, Refusal::UnknownPermission(name("a:y"))),
        (Change::RemoveDomain { domain: name("d9") }, Refusal::UnknownDomain(name("d9"))),
        (Change::RemoveDepartment { department: ghost() }, Refusal::UnknownDepartment(ghost())),
        (unassign("alice", "r1"), Refusal::NotThere),
        (revoke("r1", "a:x"), Refusal::NotThere),
        (disinherit("r1", "r3"), Refusal::NotThere),
        (Change::RemoveDuty { name: name("s9") }, Refusal::NotThere),
        (add_user("alice"), Refusal::AlreadyThere),
        (add_role("r1"), Refusal::AlreadyThere),
        (inherit("r1", "r2"), Refusal::AlreadyThere),
        (apart("s1", DutyKind::Static, &["r1", "r3"]), Refusal::AlreadyThere),
        (enabled("r1", true), Refusal::AlreadyThere),
        (Change::SetDomainLabel { domain: name("d1"), label: name("") }, Refusal::AlreadyThere),
    ] {
        assert_eq!(why(&rows, change.clone()), Some(expected), "{change}");
    }
}

#[test]
fn circles_are_shown() {
    let rows = small();
    let path = ["r3", "r1", "r2", "r3"].map(name).to_vec();
    assert_eq!(why(&rows, inherit("r3", "r1")), Some(Refusal::Cycle(path)));
    assert_eq!(why(&rows, inherit("r1", "r1")), Some(Refusal::Cycle(["r1", "r1"].map(name).to_vec())));
    let under = |department: i64, parent: i64| Change::MoveDepartment {
        department: DepartmentId::new(department),
        parent: Some(DepartmentId::new(parent)),
    };
    let circle = [1, 2, 1].map(DepartmentId::new).to_vec();
    assert_eq!(why(&rows, under(1, 2)), Some(Refusal::DepartmentCycle(circle)));
    assert_eq!(
        why(&rows, under(1, 1)),
        Some(Refusal::DepartmentCycle([1, 1].map(DepartmentId::new).to_vec()))
    );
    let words = refusal(&rows, system(), [inherit("r3", "r1")]).unwrap();
    assert!(words.to_string().contains("`r3` → `r1` → `r2` → `r3`"));
    assert!(words.words(Lang::Zh).contains("`r3` → `r1` → `r2` → `r3`"));
}

#[test]
fn a_chain_of_a_thousand_roles_closes_no_circle_until_it_does() {
    let role = |number: u32| format!("r{number:04}");
    let roles = (0..1_000).map(|number| add_role(&role(number)));
    let chain = (1..1_000).map(|number| inherit(&role(number - 1), &role(number)));
    let rows = built(roles.chain(chain));
    match why(&rows, inherit("r0999", "r0000")) {
        Some(Refusal::Cycle(path)) => assert_eq!(path.len(), 1_001),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_set_must_make_sense_and_keeps_its_roles() {
    let rows = small();
    let set = |cardinality, roles: &[&str]| {
        let roles = roles.iter().map(|role| name(role)).collect();
        let duty = Duty::new(name(""), DutyKind::Dynamic, cardinality, roles);
        Change::SetDuty { name: name("s2"), duty }
    };
    for bad in [set(1, &["r1", "r2"]), set(3, &["r1", "r2"]), set(2, &["r1"]), set(0, &[])] {
        assert_eq!(why(&rows, bad), Some(Refusal::DutyShape(name("s2"))));
    }
    assert_eq!(why(&rows, set(2, &["r1", "r2"])), None);
    let in_duty = Refusal::RoleInDuty { role: name("r1"), duty: name("s1") };
    assert_eq!(why(&rows, remove_role("r1")), Some(in_duty));
    let both = [Change::RemoveDuty { name: name("s1") }, remove_role("r1")];
    assert_eq!(refusal(&rows, system(), both), None);
}

#[test]
fn a_department_in_use_stays() {
    let rows = extended(
        &small(),
        [
            add_department(3, None),
            add_department(4, None),
            work_in("alice", 3),
            open("r1", DataScope::Departments([DepartmentId::new(4)].into())),
        ],
    );
    let remove = |number| Change::RemoveDepartment { department: DepartmentId::new(number) };
    for used in [1, 3, 4] {
        assert_eq!(why(&rows, remove(used)), Some(Refusal::DepartmentInUse(DepartmentId::new(used))));
    }
    assert_eq!(why(&rows, remove(2)), None);
    let emptied = [
        Change::SetUserDepartment { user: name("alice"), department: None },
        remove(3),
        open("r1", DataScope::All),
        remove(4),
        remove(2),
        remove(1),
    ];
    assert!(checked(&rows, system(), emptied).unwrap().rows.departments.is_empty());
    let user_gone = [Change::RemoveUser { user: name("alice") }, remove(3)];
    assert_eq!(refusal(&rows, system(), user_gone), None);
    let role_gone = [Change::RemoveDuty { name: name("s1") }, remove_role("r1"), remove(4)];
    assert_eq!(refusal(&rows, system(), role_gone), None);
}

#[test]
fn what_goes_takes_along_what_refers_to_it() {
    let rows = extended(
        &small(),
        [
            Change::RemoveDuty { name: name("s1") },
            assign("alice", "r2"),
            assign_in("alice", "r1", "d1"),
            allow("r2", "a:x"),
            deny("r2", "a:*"),
        ],
    );
    let after = checked(&rows, system(), [remove_role("r2")]).unwrap();
    assert!(after.rows.grants.is_empty() && after.rows.inheritance.is_empty());
    assert_eq!(after.rows.assignments.len(), 1);
    assert_eq!((after.before.inheritance.len(), after.before.grants.len()), (2, 2));
    let after = checked(&rows, system(), [Change::RemoveDomain { domain: name("d1") }]).unwrap().rows;
    assert_eq!(after.assignments.keys().collect::<Vec<_>>(), [&assignment("alice", "r2", None)]);
    let after =
        checked(&rows, system(), [Change::RemovePermission { permission: name("a:x") }]).unwrap().rows;
    assert_eq!(after.grants.keys().map(|row| row.pattern.to_string()).collect::<Vec<_>>(), ["a:*"]);
    let after = checked(&rows, system(), [Change::RemoveUser { user: name("alice") }]).unwrap().rows;
    assert!(after.assignments.is_empty());
}

#[test]
fn a_deny_outlasts_the_name_that_it_denies() {
    let rows = extended(&small(), [allow("r1", "a:x"), deny("r2", "a:x")]);
    let remove = Change::RemovePermission { permission: name("a:x") };
    let after = checked(&rows, system(), [remove]).unwrap().rows;
    let left: Vec<_> = after.grants.iter().map(|(row, effect)| (row.role.as_str(), *effect)).collect();
    assert_eq!(left, [("r2", rbac::Effect::Deny)]);
}

#[test]
fn what_a_draft_adds_goes_along_too() {
    let remove = |permission: &str| Change::RemovePermission { permission: name(permission) };
    let changes = [add_permission("a:y"), remove("a:x"), allow("r2", "a:y"), remove("a:y")];
    assert!(checked(&small(), system(), changes).unwrap().rows.grants.is_empty());
    let changes = [remove_role("r2"), add_role("r4"), assign("alice", "r4"), remove_role("r4")];
    assert!(checked(&small(), system(), changes).unwrap().rows.assignments.is_empty());
}

#[test]
fn leftovers_do_not_come_back_to_life() {
    let mut rows = built([add_role("r1"), add_user("bob"), work_in_nowhere()]);
    rows.assignments.insert(assignment("alice", "r1", None), Window::ALWAYS);
    rows.assignments.insert(assignment("bob", "boss", None), Window::ALWAYS);
    rows.assignments.insert(assignment("bob", "r1", Some("d1")), Window::ALWAYS);
    rows.grants.insert(rbac::Grant::new(name("boss"), name("*")), rbac::Effect::Allow);
    rows.inheritance.insert(rbac::Inheritance::new(name("r1"), name("boss")));
    rows.users.get_mut("bob").unwrap().department = Some(DepartmentId::new(7));
    rows.roles.get_mut("r1").unwrap().data_scope = DataScope::Departments([DepartmentId::new(7)].into());
    let came = [add_user("alice"), add_role("boss"), add_domain("d1"), add_department(7, None)];
    let after = checked(&rows, system(), came).unwrap().rows;
    assert!(after.assignments.is_empty() && after.grants.is_empty() && after.inheritance.is_empty());
    assert_eq!(after.users["bob"].department, None);
    assert_eq!(after.roles["r1"].data_scope, DataScope::Departments([].into()));
}

fn work_in_nowhere() -> Change {
    Change::SetUserLabel { user: name("bob"), label: name("Bob") }
}

#[test]
fn a_draft_is_looked_at_as_a_whole() {
    let rows = small();
    let empty = Draft::new(system());
    let check = |draft: &Draft| admin::check(&rows, PolicyVersion::new(3), draft, at(0)).err();
    let refused = check(&empty).unwrap();
    assert_eq!((refused.at, refused.why), (None, Refusal::Empty));
    let old = draft(system(), [add_user("bob")]).expect(PolicyVersion::new(2));
    assert_eq!(check(&old).unwrap().why, Refusal::Changed { version: PolicyVersion::new(3) });
    assert_eq!(check(&old.expect(PolicyVersion::new(3))), None);
    let second = draft(system(), [add_user("bob"), add_user("bob"), add_user("carol")]);
    let refused = check(&second).unwrap();
    assert_eq!((refused.at, refused.why), (Some(1), Refusal::AlreadyThere));
    let many = draft(system(), vec![add_user("bob"); rbac::CHANGES_MAX + 1]);
    assert_eq!(check(&many).unwrap().why, Refusal::TooManyChanges { changes_max: rbac::CHANGES_MAX });
}

#[test]
fn there_are_no_more_roles_and_permissions_than_may_be() {
    let roles = (0..admin::ROLES_MAX).map(|number| add_role(&format!("r{number}")));
    let permissions = (0..admin::PERMISSIONS_MAX).map(|number| add_permission(&format!("p:{number}")));
    let rows = built(roles.chain(permissions));
    let full = Refusal::TooManyRoles { roles_max: admin::ROLES_MAX };
    assert_eq!(why(&rows, add_role("one-more")), Some(full));
    let full = Refusal::TooManyPermissions { permissions_max: admin::PERMISSIONS_MAX };
    assert_eq!(why(&rows, add_permission("one:more")), Some(full));
    assert_eq!(refusal(&rows, system(), [remove_role("r7"), add_role("one-more")]), None);
}

#[test]
fn a_circle_written_by_hand_can_be_taken_apart() {
    let mut rows = small();
    rows.inheritance.insert(rbac::Inheritance::new(name("r3"), name("r1")));
    rows.departments.get_mut(&DepartmentId::new(1)).unwrap().parent = Some(DepartmentId::new(2));
    assert!(rbac::Policy::compile(&rows).is_err());
    let top = Change::MoveDepartment { department: DepartmentId::new(1), parent: None };
    let after = checked(&rows, system(), [disinherit("r3", "r1"), top]).unwrap().rows;
    assert_eq!(after, small());
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn the_differences_are_the_difference(before in rows(), changes in prop::collection::vec(change(), 1..12)) {
        let Ok(amended) = checked(&before, system(), changes) else { return Ok(()) };
        prop_assert_eq!(before.difference(&amended.rows), (amended.before.clone(), amended.after.clone()));
        prop_assert_eq!(before.clone().replaced(&amended.before, &amended.after), amended.rows);
        let back = before.clone().replaced(&amended.before, &amended.after).replaced(&amended.after, &amended.before);
        prop_assert_eq!(back, before);
    }

    #[test]
    fn one_draft_comes_to_what_its_changes_come_to_one_by_one(
        before in rows(),
        changes in prop::collection::vec(change(), 1..12),
    ) {
        let mut rows = before.clone();
        let mut broken = None;
        for (place, change) in changes.iter().enumerate() {
            match checked(&rows, system(), [change.clone()]) {
                Ok(amended) => rows = amended.rows,
                Err(refused) => {
                    broken = Some((place, refused.why));
                    break;
                }
            }
        }
        match (checked(&before, system(), changes), broken) {
            (Ok(amended), None) => prop_assert_eq!(amended.rows, rows),
            // Rules about the whole may be broken on the way and kept in the end.
            (Ok(_), Some((_, why))) => {
                let of_the_whole = matches!(why, Refusal::LastAdministrator | Refusal::DutyViolated { .. });
                prop_assert!(of_the_whole);
            }
            (Err(_), Some(_)) => {}
            (Err(refused), None) => panic!("{refused}"),
        }
    }

    #[test]
    fn changes_never_leave_what_policies_complain_about(
        before in sound_rows(),
        changes in prop::collection::vec(change(), 1..30),
    ) {
        let mut rows = before;
        for change in changes {
            if let Ok(amended) = checked(&rows, system(), [change]) {
                rows = amended.rows;
            }
        }
        let policy = rbac::Policy::compile(&rows).unwrap();
        let bad = policy.problems().iter().filter(|problem| {
            !matches!(problem, rbac::Problem::GrantedPermissionUnknown { .. })
        });
        prop_assert_eq!(bad.count(), 0);
    }
}
