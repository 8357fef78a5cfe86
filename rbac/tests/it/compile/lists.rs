//! Lists and tables of a policy: in order, whole, and of any size.

use rbac::{Effect, Policy, perm};

use super::NOW;
use crate::world::{Build, name, window};

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
