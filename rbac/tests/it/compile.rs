//! Compiling: depth, circles, rows that name nothing, ids, and the rules worth a sentence each.

mod advice;
mod lists;

use proptest::prelude::*;
use rbac::{
    DataScope, Decision, DenyReason, DepartmentId, DutyKind, ErrorKind, Inheritance, Lang, Policy,
    PolicyRows, Problem, UnixMillis, UnreadableRow,
};

use crate::world::{Build, cases, name, sound_rows, window};

const NOW: UnixMillis = UnixMillis::EPOCH;

fn reason(rows: &PolicyRows, user: &str, asked: &str) -> Option<DenyReason> {
    match Policy::compile(rows).unwrap().at(NOW).decide(&name(user), &name(asked)).unwrap() {
        Decision::Permit => None,
        Decision::Deny(reason) => Some(reason),
    }
}

fn why(rows: &PolicyRows, user: &str, asked: &str, lang: Lang) -> String {
    Policy::compile(rows).unwrap().at(NOW).explain(&name(user), &name(asked)).unwrap().words(lang)
}

#[test]
fn a_chain_of_1000_roles_permits_and_is_explained() {
    let roles: Vec<String> = (0..1000).map(|at| format!("r{at}")).collect();
    let mut world =
        Build::default().permissions(&["a"]).users(&["alice"]).assign("alice", "r0").allow("r999", "a");
    for role in &roles {
        world = world.roles(&[role]);
    }
    for step in roles.windows(2) {
        world = world.inherit(&step[0], &step[1]);
    }
    let policy = Policy::compile(&world.0).unwrap();
    let why = policy.at(NOW).explain(&name("alice"), &name("a")).unwrap();
    assert_eq!(why.decision(), &Decision::Permit);
    assert!(why.because().unwrap().roles().map(ToString::to_string).eq(roles));
    assert_eq!(policy.at(NOW).what_can(&name("alice")), [name("a")]);
    let closed = world.inherit("r999", "r0");
    let error = Policy::compile(&closed.0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("`r999`"));
}

#[test]
fn circles_of_every_shape_are_corrupt_and_shown() {
    let shapes: [(&[(&str, &str)], &str); 5] = [
        (&[("a", "a")], "`a` → `a`"),
        (&[("a", "b"), ("b", "a")], "`a` → `b` → `a`"),
        (&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")], "`b` → `c` → `d` → `b`"),
        (&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "a")], "`a` → `b` → `d` → `a`"),
        (&[("a", "b"), ("c", "d"), ("d", "c")], "`c` → `d` → `c`"),
    ];
    for (edges, shown) in shapes {
        let mut rows = Build::default().roles(&["a", "b", "c", "d"]).0;
        let edge = |(senior, junior): &(&str, &str)| Inheritance::new(name(senior), name(junior));
        rows.inheritance.extend(edges.iter().map(edge));
        let error = Policy::compile(&rows).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(&format!(": {shown};")), "{error}");
    }
    let diamond = Build::default().roles(&["a", "b", "c", "d"]);
    let diamond = diamond.inherit("a", "b").inherit("a", "c").inherit("b", "d").inherit("c", "d");
    assert!(Policy::compile(&diamond.0).is_ok());
}

#[test]
fn bad_rows_are_reported_by_name_and_break_nothing() {
    let sound = || {
        let world = Build::default().permissions(&["a"]).users(&["alice"]).roles(&["editor", "other"]);
        world.allow("editor", "a").assign("alice", "editor").departments(&[(1, 0), (2, 1)])
    };
    let (gone, department) = (|| name("gone"), DepartmentId::new);
    let bad = [
        (
            sound().inherit("editor", "gone"),
            Problem::InheritanceUnknown { senior: name("editor"), junior: gone(), unknown: gone() },
        ),
        (
            sound().inherit("gone", "editor"),
            Problem::InheritanceUnknown { senior: gone(), junior: name("editor"), unknown: gone() },
        ),
        (
            sound().allow("editor", "b"),
            Problem::GrantedPermissionUnknown { role: name("editor"), permission: name("b") },
        ),
        (sound().deny("gone", "*"), Problem::GrantedRoleUnknown { role: name("gone"), pattern: name("*") }),
        (
            sound().assign("alice", "gone"),
            Problem::AssignedRoleUnknown { user: name("alice"), role: name("gone") },
        ),
        (
            sound().assign("aaron", "editor"),
            Problem::AssignedUserUnknown { user: name("aaron"), role: name("editor") },
        ),
        (
            sound().assign("zoe", "editor"),
            Problem::AssignedUserUnknown { user: name("zoe"), role: name("editor") },
        ),
        (
            sound().assign_in("alice", "other", Some("d"), window(None, None)),
            Problem::AssignedDomainUnknown { user: name("alice"), role: name("other"), domain: name("d") },
        ),
        (
            sound().works_in("alice", 9),
            Problem::UserDepartmentUnknown { user: name("alice"), department: department(9) },
        ),
        (
            sound().scope("editor", DataScope::Departments([1, 9].map(department).into())),
            Problem::ScopeDepartmentUnknown { role: name("editor"), department: department(9) },
        ),
        (
            sound().departments(&[(3, 9)]),
            Problem::DepartmentParentUnknown { department: department(3), parent: department(9) },
        ),
        (
            sound().departments(&[(4, 3), (3, 5), (5, 4)]),
            Problem::DepartmentCircle { departments: [3, 5, 4].map(department).into() },
        ),
        (
            sound().duty("s", DutyKind::Dynamic, 2, &["editor", "gone"]),
            Problem::DutyRoleUnknown { duty: name("s"), role: name("gone") },
        ),
        (
            sound().duty("s", DutyKind::Dynamic, 1, &["editor", "other"]),
            Problem::DutyShape { duty: name("s") },
        ),
    ];
    for (world, problem) in bad {
        let policy = Policy::compile(&world.0).unwrap();
        assert_eq!(policy.problems(), std::slice::from_ref(&problem));
        assert_eq!(reason(&world.0, "alice", "a"), None, "{problem}");
        assert_eq!(policy.at(NOW).who_can(policy.permission(&name("a")).unwrap()), [name("alice")]);
    }
    let mut rows = sound().0;
    let unreadable = UnreadableRow::new("rbac_user".to_owned(), "written by hand".to_owned());
    rows.unreadable.insert(unreadable.clone());
    assert_eq!(Policy::compile(&rows).unwrap().problems(), [Problem::Unreadable(unreadable)]);
}

#[test]
fn a_user_called_admin_has_nothing_of_the_role_admin() {
    let world = Build::default().permissions(&["a"]).roles(&["admin"]).allow("admin", "*").users(&["admin"]);
    assert_eq!(reason(&world.0, "admin", "a"), Some(DenyReason::NotGranted));
    assert_eq!(reason(&world.assign("admin", "admin").0, "admin", "a"), None);
}

#[test]
fn a_deny_deep_below_beats_the_superuser_role() {
    let world = Build::default().permissions(&["order:refund"]).users(&["alice"]);
    let world = world.roles(&["root", "clerk", "trainee"]).allow("root", "*").inherit("clerk", "trainee");
    let world = world.deny("trainee", "order:*").assign("alice", "root").assign("alice", "clerk");
    let denied = DenyReason::ExplicitDeny { role: name("trainee") };
    assert_eq!(reason(&world.0, "alice", "order:refund"), Some(denied));
    assert_eq!(
        why(&world.0, "alice", "order:refund", Lang::En),
        "user `alice` may not `order:refund`: `alice` → `clerk` → `trainee` → deny `order:*`, \
         which overrules `alice` → `root` → allow `*`; it would be permitted after one of: \
         revoke the deny of `order:*` from role `trainee`",
    );
    assert_eq!(
        why(&world.0, "alice", "order:refund", Lang::Zh),
        "用户 `alice` 不可 `order:refund`：`alice` → `clerk` → `trainee` → 拒绝 `order:*`，\
         优先于 `alice` → `root` → 允许 `*`；以下任一项即可获准：撤销角色 `trainee` 对 `order:*` 的拒绝",
    );
}

#[test]
fn a_disabled_role_gives_denies_and_passes_on_nothing() {
    let world = Build::default().permissions(&["a", "b"]).users(&["alice"]).roles(&["top", "middle", "low"]);
    let world = world.inherit("top", "middle").inherit("middle", "low").allow("low", "a").deny("middle", "b");
    let world = world.allow("top", "b").assign("alice", "top");
    assert_eq!(reason(&world.0, "alice", "a"), None);
    assert_eq!(reason(&world.0, "alice", "b"), Some(DenyReason::ExplicitDeny { role: name("middle") }));
    let off = world.disabled("middle").0;
    assert_eq!(reason(&off, "alice", "a"), Some(DenyReason::NotGranted));
    assert_eq!(reason(&off, "alice", "b"), None);
}

#[test]
fn an_id_of_another_line_is_denied() {
    let world = Build::default().permissions(&["a"]).users(&["alice"]).roles(&["root"]).allow("root", "*");
    let rows = world.assign("alice", "root").0;
    let (one, other) = (Policy::compile(&rows).unwrap(), Policy::compile(&rows).unwrap());
    let id = one.permission(&name("a")).unwrap();
    assert_eq!(one.name(id), Some(&name("a")));
    assert!(one.at(NOW).subject_str("alice").unwrap().can(id));
    assert_eq!((one.permission_str("a"), one.permission_str("a:*")), (Some(id), None));
    let stranger = other.at(NOW).subject_str("alice").unwrap();
    assert!(!stranger.can(id) && other.at(NOW).who_can(id).is_empty() && other.name(id).is_none());
    let denied = stranger.check(id).unwrap_err();
    assert_eq!((denied.reason(), denied.permission()), (&DenyReason::ForeignPermission, None));
    assert_eq!(denied.to_string(), "denied: this policy does not know the permission");
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn sound_rows_have_no_problems(rows in sound_rows()) {
        let policy = Policy::compile(&rows).unwrap();
        prop_assert_eq!(policy.problems(), []);
    }
}
