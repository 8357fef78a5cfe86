//! Compiling: depth, circles, rows that name nothing, ids, and the rules worth a sentence each.

use proptest::prelude::*;
use rbac::{
    DataScope, Decision, DenyReason, DepartmentId, DutyKind, Effect, ErrorKind, Inheritance, Lang, NearMiss,
    Policy, PolicyRows, Problem, UnixMillis, UnreadableRow, perm,
};

use crate::world::{Build, at, cases, name, sound_rows, window};

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
fn every_no_says_why_and_what_is_missing() {
    let world = Build::default().permissions(&["a", "b"]).users(&["alice", "carol", "dave"]).inactive("bob");
    let world = world.roles(&["editor", "reader"]).disabled("off").allow("editor", "*").allow("reader", "a");
    let world = world.allow("off", "a").assign("bob", "editor").assign("carol", "off").domains(&["d"]);
    let world = world.assign_in("dave", "reader", None, window(Some(100), None));
    let world = world.assign_in("dave", "editor", Some("d"), window(None, None)).0;
    let expected = [
        (
            "alice",
            "user `alice` may not `a`: no role of the user is allowed it; \
             it would be permitted after one of: assign role `reader`, assign role `editor`",
        ),
        (
            "bob",
            "user `bob` may not `a`: the user is not active; it would be permitted after one of: activate the user",
        ),
        (
            "carol",
            "user `carol` may not `a`: no role of the user is allowed it; it would be permitted after one of: \
             enable role `off`, assign role `reader`, assign role `editor`",
        ),
        (
            "dave",
            "user `dave` may not `a`: no role of the user is allowed it; it would be permitted after one of: \
             wait until 1970-01-01T00:00:00.100Z, when role `reader` begins, \
             ask in domain `d`, where the user has role `editor`, assign role `reader`, assign role `editor`",
        ),
        ("eve", "user `eve` may not `a`: there is no such user"),
    ];
    for (user, words) in expected {
        assert_eq!(why(&world, user, "a", Lang::En), words);
    }
    let policy = Policy::compile(&world).unwrap();
    let slip = policy.at(NOW).decide(&name("alice"), &name("c")).unwrap_err();
    assert!(slip.to_string().contains("`c` is not registered"));
    let there = policy.at(NOW).in_domain(&name("d")).unwrap().explain(&name("dave"), &name("a")).unwrap();
    assert_eq!(
        there.to_string(),
        "user `dave` may `a` in domain `d`: `dave` → `editor` in domain `d` → allow `*`"
    );
    let denied = policy.at(NOW).subject_str("alice").unwrap().check(policy.permission(&name("a")).unwrap());
    assert_eq!(denied.unwrap_err().words(Lang::Zh), "`a` 被拒绝：用户的角色均未获授权");
}

#[test]
fn roles_that_must_not_meet_have_to_be_chosen() {
    let world =
        Build::default().permissions(&["pay"]).users(&["alice"]).roles(&["teller", "auditor", "chief"]);
    let world = world.allow("teller", "pay").inherit("chief", "auditor").assign("alice", "teller");
    let world = world.duty("bank", DutyKind::Dynamic, 2, &["teller", "auditor"]);
    assert_eq!(reason(&world.0, "alice", "pay"), None);
    let both = world.clone().assign("alice", "chief").0;
    assert_eq!(reason(&both, "alice", "pay"), Some(DenyReason::RolesToChoose { duty: name("bank") }));
    let policy = Policy::compile(&both).unwrap();
    let explained = policy.at(NOW).explain(&name("alice"), &name("pay")).unwrap();
    let choose = NearMiss::ChooseRoles { duty: name("bank"), role: name("teller") };
    assert_eq!(explained.near_misses(), [choose]);
    assert!(policy.at(NOW).what_can(&name("alice")).is_empty());
    assert!(policy.at(NOW).who_can(policy.permission(&name("pay")).unwrap()).is_empty());

    let later = world.assign_in("alice", "chief", None, window(Some(100), None)).0;
    let policy = Policy::compile(&later).unwrap();
    let pay = policy.permission(&name("pay")).unwrap();
    assert!(policy.at(at(99)).subject_str("alice").unwrap().can(pay));
    assert!(!policy.at(at(100)).subject_str("alice").unwrap().can(pay));
}

#[test]
fn no_role_is_proposed_that_static_duties_forbid() {
    let world =
        Build::default().permissions(&["a"]).users(&["alice"]).roles(&["r", "s", "t"]).allow("s", "a");
    let world = world.allow("t", "a").assign("alice", "r").duty("apart", DutyKind::Static, 2, &["r", "s"]);
    let policy = Policy::compile(&world.0).unwrap();
    let explained = policy.at(NOW).explain(&name("alice"), &name("a")).unwrap();
    assert_eq!(explained.near_misses(), [NearMiss::AssignRole { role: name("t") }]);
}

#[test]
fn no_step_is_proposed_that_would_not_do() {
    let near = |world: &Build, user: &str| {
        let policy = Policy::compile(&world.0).unwrap();
        policy.at(NOW).explain(&name(user), &name("a")).unwrap().near_misses().to_vec()
    };
    let base = || Build::default().permissions(&["a"]).users(&["alice"]);
    // A role that the user's others must not meet, by assignment and by enabling.
    let world = base().roles(&["r", "s"]).disabled("t").allow("s", "a").allow("t", "a").assign("alice", "r");
    let world = world.assign("alice", "t");
    let free = [NearMiss::EnableRole { role: name("t") }, NearMiss::AssignRole { role: name("s") }];
    assert_eq!(near(&world, "alice"), free);
    let apart = |set: &[&str]| world.clone().duty("apart", DutyKind::Dynamic, 2, set);
    assert_eq!(near(&apart(&["r", "s"]), "alice"), free[..1]);
    assert_eq!(near(&apart(&["r", "t"]), "alice"), free[1..]);
    // A disabled role that denies as well, by itself or by what it inherits.
    let world = base().disabled("t").roles(&["u"]).allow("t", "a").assign("alice", "t");
    assert_eq!(near(&world, "alice"), [NearMiss::EnableRole { role: name("t") }]);
    assert_eq!(near(&world.clone().deny("t", "*"), "alice"), []);
    assert_eq!(near(&world.inherit("t", "u").deny("u", "*"), "alice"), []);
    // Two denies: lifting one is not enough. One deny, and nothing that allows.
    let world =
        base().roles(&["r", "s"]).allow("r", "a").deny("s", "a").assign("alice", "r").assign("alice", "s");
    assert_eq!(near(&world, "alice").len(), 1);
    assert_eq!(near(&world.deny("r", "*"), "alice"), []);
    assert_eq!(near(&base().roles(&["s"]).deny("s", "a").assign("alice", "s"), "alice"), []);
    // Another domain where the role that gives it has ended, and a beginning that a deny meets.
    let world = base().domains(&["d"]).roles(&["r", "s"]).allow("r", "a");
    let ended = world.clone().assign_in("alice", "r", Some("d"), window(None, Some(100)));
    let policy = Policy::compile(&ended.0).unwrap();
    let later = policy.at(at(100)).explain(&name("alice"), &name("a")).unwrap();
    assert_eq!(later.near_misses(), [NearMiss::AssignRole { role: name("r") }]);
    let both = ended.roles(&["t"]).allow("t", "a").assign_in("alice", "t", Some("d"), window(None, None));
    let later = Policy::compile(&both.0).unwrap().at(at(100)).explain(&name("alice"), &name("a")).unwrap();
    let elsewhere = later.near_misses().iter().filter(|it| matches!(it, NearMiss::OtherDomain { .. }));
    assert!(elsewhere.eq(&[NearMiss::OtherDomain { role: name("t"), domain: name("d") }]));
    let world = world.assign_in("alice", "r", None, window(Some(100), None)).deny("s", "a");
    assert_eq!(near(&world, "alice")[0], NearMiss::Begins { role: name("r"), at: at(100) });
    let ended = NearMiss::Expired { role: name("r"), at: at(100) };
    assert_eq!(ended.to_string(), "extend role `r`, which ended at 1970-01-01T00:00:00.100Z");
    assert_eq!(ended.words(Lang::Zh), "延长已于 1970-01-01T00:00:00.100Z 到期的角色 `r`");
    let world = world.assign_in("alice", "s", None, window(Some(50), None));
    assert_eq!(near(&world, "alice"), [NearMiss::AssignRole { role: name("r") }]);
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

#[test]
fn lists_are_in_order_and_whole() {
    let world = Build::default().permissions(&["b", "a"]).users(&["bob", "alice"]).roles(&["z", "y", "x"]);
    let world = world.inherit("z", "y").assign("bob", "z").domains(&["e", "d"]);
    let world = world.assign_in("bob", "x", Some("d"), window(None, None)).allow("y", "a");
    let policy = Policy::compile(&world.0).unwrap();
    let texts = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>();
    assert_eq!(texts(&mut policy.users().map(ToString::to_string)), ["alice", "bob"]);
    assert_eq!(texts(&mut policy.roles().map(ToString::to_string)), ["x", "y", "z"]);
    assert_eq!(texts(&mut policy.domains().map(ToString::to_string)), ["d", "e"]);
    assert!(policy.permissions().is_sorted());
    assert_eq!(policy.permissions().len(), 2 + perm::CATALOGUE.entries().count());
    let there = policy.at(NOW).in_domain(&name("d")).unwrap().subject_str("bob").unwrap();
    assert_eq!(texts(&mut there.roles().map(ToString::to_string)), ["x", "z"]);
    assert_eq!(
        texts(&mut policy.at(NOW).subject_str("bob").unwrap().roles().map(ToString::to_string)),
        ["z"]
    );
    assert_eq!(
        policy.at(NOW).subjects().map(rbac::Subject::id).collect::<Vec<_>>(),
        policy.users().collect::<Vec<_>>()
    );
    assert!(format!("{policy:?}").contains("users: 2"));
}

#[test]
fn a_table_of_roles_tells_own_inherited_and_wildcard_grants() {
    let world = Build::default().permissions(&["a:x", "b"]).roles(&["top", "low"]).inherit("top", "low");
    let world = world.allow("low", "a:*").allow("low", "b").deny("top", "b");
    let policy = Policy::compile(&world.0).unwrap();
    let trail = |role: &str, asked: &str, effect| {
        let trail = policy.trail(&name(role), policy.permission(&name(asked)).unwrap(), effect)?;
        Some((trail.granted_role().to_string(), trail.pattern().to_string()))
    };
    let said = |role: &str, pattern: &str| Some((role.to_owned(), pattern.to_owned()));
    assert_eq!(trail("top", "a:x", Effect::Allow), said("low", "a:*"));
    assert_eq!(trail("low", "b", Effect::Allow), said("low", "b"));
    assert_eq!(trail("top", "b", Effect::Deny), said("top", "b"));
    assert_eq!(trail("top", "b", Effect::Allow), said("low", "b"));
    assert_eq!(trail("low", "b", Effect::Deny), None);
}

#[test]
fn a_pattern_of_another_mode_spreads_as_that_mode_says() {
    use rbac::{Grant, PermissionPattern, WildcardMode};
    let world = Build::default().permissions(&["course", "course:edit", "Course:view", "order"]);
    let mut rows = world.users(&["alice"]).roles(&["r"]).assign("alice", "r").0;
    for (text, mode, expected) in [
        ("course", WildcardMode::Shiro, &["Course:view", "course", "course:edit"][..]),
        ("co*", WildcardMode::SaToken, &["course", "course:edit"]),
        ("course:*", WildcardMode::Strict, &["course:edit"]),
    ] {
        let pattern = PermissionPattern::with_mode(text, mode).unwrap();
        rows.grants.clear();
        rows.grants.insert(Grant::new(name("r"), pattern), Effect::Allow);
        let expected: Vec<rbac::PermissionName> = expected.iter().map(|it| name(it)).collect();
        assert_eq!(Policy::compile(&rows).unwrap().at(NOW).what_can(&name("alice")), expected);
    }
}

/// More roles and permissions than fit into one word, and rows that share no order.
#[test]
fn large_worlds_answer_as_their_rows_say() {
    let text = |kind: &str, at: u32| format!("{kind}{at}");
    let has = |user: u32, role: u32| (user * 7 + role * 13).is_multiple_of(61);
    let gets = |role: u32, permission: u32| (role * 11 + permission * 5).is_multiple_of(37);
    let mut world = Build::default();
    for at in 0..200 {
        world = world.users(&[&text("u", at)]).roles(&[&text("r", at)]).permissions(&[&text("p", at)]);
    }
    for one in 0..200 {
        for other in 0..200 {
            if has(one, other) {
                world = world.assign(&text("u", one), &text("r", other));
            }
            if gets(one, other) {
                world = world.allow(&text("r", one), &text("p", other));
            }
        }
    }
    let policy = Policy::compile(&world.0).unwrap();
    let view = policy.at(NOW);
    for permission in 0..200 {
        let id = policy.permission(&name(&text("p", permission))).unwrap();
        let may = |user: u32| (0..200).any(|role| has(user, role) && gets(role, permission));
        let mut expected: Vec<String> =
            (0..200).filter(|&user| may(user)).map(|user| text("u", user)).collect();
        expected.sort();
        assert!(view.who_can(id).iter().map(ToString::to_string).eq(expected.iter().cloned()));
        for user in (0..200).step_by(7) {
            assert_eq!(view.subject_str(&text("u", user)).unwrap().can(id), may(user));
        }
    }
    for user in view.subjects() {
        let can = |it: &rbac::PermissionName| user.can(policy.permission(it).unwrap());
        assert_eq!(user.permissions(), policy.permissions().into_iter().filter(can).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn sound_rows_have_no_problems(rows in sound_rows()) {
        let policy = Policy::compile(&rows).unwrap();
        prop_assert_eq!(policy.problems(), []);
    }
}
