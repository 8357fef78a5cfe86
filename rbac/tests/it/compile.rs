//! Compiling: depth, circles, rows that name nothing, ids, and the rules worth a sentence each.

use rbac::{
    Assignment, Change, Decision, DenyReason, Effect, ErrorKind, Grant, Inheritance, Policy, PolicyRows,
    Problem, Refusal, RoleRow, UnreadableRow, admin,
};

use crate::world::{add_permission, add_role, add_user, assign, built, grant, inherit, name};

fn reason(rows: &PolicyRows, user: &str, asked: &str) -> Option<DenyReason> {
    match Policy::compile(rows).unwrap().decide(&name(user), &name(asked)).unwrap() {
        Decision::Permit => None,
        Decision::Deny(reason) => Some(reason),
    }
}

/// Role `r0` inherits `r1`, and so on; the last one is granted `a`.
fn chain_of(roles: usize) -> PolicyRows {
    let mut rows = built([add_permission("a"), add_user("alice")]);
    let role = |at: usize| name::<rbac::RoleName>(&format!("r{at}"));
    rows.roles.extend((0..roles).map(|at| (role(at), RoleRow::new(name(""), true))));
    rows.inheritance.extend((1..roles).map(|at| Inheritance::new(role(at - 1), role(at))));
    rows.grants.insert(Grant::new(role(roles - 1), name("a")), Effect::Allow);
    rows.assignments.insert(Assignment::new(name("alice"), role(0)));
    rows
}

#[test]
fn a_chain_of_1000_roles_permits_and_is_explained() {
    let mut rows = chain_of(1000);
    let policy = Policy::compile(&rows).unwrap();
    let why = policy.explain(&name("alice"), &name("a")).unwrap();
    assert_eq!(why.decision(), &Decision::Permit);
    assert_eq!(why.because().unwrap().roles().count(), 1000);
    assert_eq!(policy.what_can(&name("alice")), [name("a")]);

    let closing = inherit("r999", "r0");
    let Refusal::Cycle(path) = admin::check(&rows, &closing).unwrap_err() else { panic!("no cycle") };
    assert_eq!((path.len(), &path[0], &path[1000]), (1001, &name("r999"), &name("r999")));
    rows.inheritance.insert(Inheritance::new(name("r999"), name("r0")));
    assert_eq!(Policy::compile(&rows).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn circles_of_every_shape_are_refused_and_shown() {
    let shapes: [(&[(&str, &str)], &str); 5] = [
        (&[("a", "a")], "`a` → `a`"),
        (&[("a", "b"), ("b", "a")], "`a` → `b` → `a`"),
        (&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")], "`b` → `c` → `d` → `b`"),
        (&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "a")], "`a` → `b` → `d` → `a`"),
        (&[("a", "b"), ("c", "d"), ("d", "c")], "`c` → `d` → `c`"),
    ];
    for (edges, shown) in shapes {
        let mut rows = built(["a", "b", "c", "d"].map(add_role));
        let edge = |(senior, junior): &(&str, &str)| Inheritance::new(name(senior), name(junior));
        rows.inheritance.extend(edges.iter().map(edge));
        let error = Policy::compile(&rows).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(&format!(": {shown};")), "{error}");

        // The change that would close the circle is refused too, whichever edge comes last.
        for (last, (senior, junior)) in edges.iter().enumerate() {
            let mut open = rows.clone();
            open.inheritance.remove(&edge(&edges[last]));
            if Policy::compile(&open).is_ok() {
                let refusal = admin::check(&open, &inherit(senior, junior)).unwrap_err();
                assert!(matches!(refusal, Refusal::Cycle(path) if path.first() == path.last()));
            }
        }
    }
}

#[test]
fn a_diamond_is_no_circle() {
    let rows = built(["a", "b", "c", "d"].map(add_role).into_iter().chain([
        inherit("a", "b"),
        inherit("a", "c"),
        inherit("b", "d"),
        inherit("c", "d"),
    ]));
    assert!(Policy::compile(&rows).is_ok());
}

#[test]
fn bad_rows_are_reported_and_break_nothing() {
    let mut rows = built([
        add_permission("a"),
        add_user("alice"),
        add_role("editor"),
        grant("editor", "a", Effect::Allow),
        assign("alice", "editor"),
    ]);
    rows.assignments.insert(Assignment::new(name("alice"), name("gone")));
    rows.assignments.insert(Assignment::new(name("ghost"), name("editor")));
    rows.grants.insert(Grant::new(name("gone"), name("*")), Effect::Deny);
    rows.grants.insert(Grant::new(name("editor"), name("b")), Effect::Allow);
    rows.inheritance.insert(Inheritance::new(name("editor"), name("gone")));
    rows.inheritance.insert(Inheritance::new(name("gone"), name("editor")));
    let unreadable = UnreadableRow::new("rbac_user".to_owned(), "written by hand".to_owned());
    rows.unreadable.insert(unreadable.clone());

    let policy = Policy::compile(&rows).unwrap();
    assert_eq!(policy.decide(&name("alice"), &name("a")).unwrap(), Decision::Permit);
    let unknown = || name("gone");
    let expected = [
        Problem::InheritanceUnknown { senior: name("editor"), junior: unknown(), unknown: unknown() },
        Problem::InheritanceUnknown { senior: unknown(), junior: name("editor"), unknown: unknown() },
        Problem::GrantedPermissionUnknown { role: name("editor"), permission: name("b") },
        Problem::GrantedRoleUnknown { role: unknown(), pattern: name("*") },
        Problem::AssignedRoleUnknown { user: name("alice"), role: unknown() },
        Problem::AssignedUserUnknown { user: name("ghost"), role: name("editor") },
        Problem::Unreadable(unreadable),
    ];
    assert_eq!(policy.problems(), expected);
}

#[test]
fn a_user_called_admin_has_nothing_of_the_role_admin() {
    let mut rows = built([
        add_permission("a"),
        add_role("admin"),
        grant("admin", "*", Effect::Allow),
        add_user("admin"),
    ]);
    assert_eq!(reason(&rows, "admin", "a"), Some(DenyReason::NotGranted));
    admin::apply(&mut rows, &assign("admin", "admin")).unwrap();
    assert_eq!(reason(&rows, "admin", "a"), None);
}

#[test]
fn a_deny_deep_below_beats_the_superuser_role() {
    let rows = built([
        add_permission("order:refund"),
        add_user("alice"),
        add_role("root"),
        grant("root", "*", Effect::Allow),
        add_role("clerk"),
        add_role("trainee"),
        inherit("clerk", "trainee"),
        grant("trainee", "order:*", Effect::Deny),
        assign("alice", "root"),
        assign("alice", "clerk"),
    ]);
    let denied = DenyReason::ExplicitDeny { role: name("trainee") };
    assert_eq!(reason(&rows, "alice", "order:refund"), Some(denied));
    let why = Policy::compile(&rows).unwrap().explain(&name("alice"), &name("order:refund")).unwrap();
    assert_eq!(
        why.to_string(),
        "user `alice` may not `order:refund`: `alice` → `clerk` → `trainee` → deny `order:*`, \
         which overrules `alice` → `root` → allow `*`",
    );
}

#[test]
fn every_no_says_why_in_one_sentence() {
    let rows = built([
        add_permission("a"),
        add_user("alice"),
        add_user("bob"),
        Change::SetUserActive { user: name("bob"), active: false },
        add_role("editor"),
        add_role("reader"),
        grant("editor", "a", Effect::Allow),
        grant("reader", "*", Effect::Allow),
    ]);
    let policy = Policy::compile(&rows).unwrap();
    let why = |user: &str| policy.explain(&name(user), &name("a")).unwrap().to_string();
    assert_eq!(
        why("alice"),
        "user `alice` may not `a`: no role of the user is allowed it; roles that are: `editor`, `reader`"
    );
    assert_eq!(why("bob"), "user `bob` may not `a`: the user is not active");
    assert_eq!(why("eve"), "user `eve` may not `a`: there is no such user");
    let slip = policy.decide(&name("alice"), &name("b")).unwrap_err();
    assert!(slip.to_string().contains("`b` is not registered"));
}

#[test]
fn a_disabled_role_gives_denies_and_passes_on_nothing() {
    let mut rows = built([
        add_permission("a"),
        add_permission("b"),
        add_user("alice"),
        add_role("top"),
        add_role("middle"),
        add_role("low"),
        inherit("top", "middle"),
        inherit("middle", "low"),
        grant("low", "a", Effect::Allow),
        grant("middle", "b", Effect::Deny),
        grant("top", "b", Effect::Allow),
        assign("alice", "top"),
    ]);
    assert_eq!(reason(&rows, "alice", "a"), None);
    assert_eq!(reason(&rows, "alice", "b"), Some(DenyReason::ExplicitDeny { role: name("middle") }));
    let off = Change::SetRoleEnabled { role: name("middle"), enabled: false };
    admin::apply(&mut rows, &off).unwrap();
    assert_eq!(reason(&rows, "alice", "a"), Some(DenyReason::NotGranted));
    assert_eq!(reason(&rows, "alice", "b"), None);
}

#[test]
fn an_id_of_another_policy_is_denied() {
    let rows = built([
        add_permission("a"),
        add_user("alice"),
        add_role("root"),
        grant("root", "*", Effect::Allow),
        assign("alice", "root"),
    ]);
    let (one, other) = (Policy::compile(&rows).unwrap(), Policy::compile(&rows).unwrap());
    let id = one.permission(&name("a")).unwrap();
    assert!(one.subject(&name("alice")).unwrap().can(id));
    assert!(!other.subject(&name("alice")).unwrap().can(id));
    assert!(other.who_can(id).is_empty());
}

#[test]
fn lists_are_in_order_and_whole() {
    let rows = built([
        add_permission("b"),
        add_permission("a"),
        add_user("bob"),
        add_user("alice"),
        add_role("z"),
        add_role("y"),
        inherit("z", "y"),
        assign("bob", "z"),
    ]);
    let policy = Policy::compile(&rows).unwrap();
    assert_eq!(policy.users().map(|user| user.id().as_str()).collect::<Vec<_>>(), ["alice", "bob"]);
    assert_eq!(policy.roles().map(rbac::RoleName::as_str).collect::<Vec<_>>(), ["y", "z"]);
    assert_eq!(policy.permissions(), [name("a"), name("b")]);
    assert_eq!(policy.roles_of(&name("bob")).collect::<Vec<_>>(), [&name::<rbac::RoleName>("z")]);
    assert_eq!(policy.roles_of(&name("eve")).count(), 0);
    assert!(format!("{policy:?}").contains("users: 2"));
}
