//! The difference of two policies, against asking both about everybody.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rbac::{
    DataScope, DiffGroup, Lang, PermissionName, Policy, PolicyDiff, PolicyRows, Scope, UnixMillis, UserId,
};

use crate::world::{Build, at, cases, name, rows, window};

type Asked = BTreeSet<PermissionName>;

/// What a user may; nothing if there is no such user, and as everywhere if there is no such domain.
fn may(policy: &Policy, user: &UserId, domain: Option<&str>, now: UnixMillis) -> Asked {
    let view = policy.at(now);
    let there = domain.and_then(|domain| view.in_domain(&name(domain)).ok()).unwrap_or(view);
    there.what_can(user).into_iter().collect()
}

fn scope(
    policy: &Policy,
    user: &UserId,
    domain: Option<&str>,
    now: UnixMillis,
    asked: &PermissionName,
) -> Scope {
    let view = policy.at(now);
    let there = domain.and_then(|domain| view.in_domain(&name(domain)).ok()).unwrap_or(view);
    there.scope(user, policy.permission(asked).unwrap())
}

fn group<'a>(diff: &'a PolicyDiff, user: &UserId, domain: Option<&str>) -> Option<&'a DiffGroup> {
    let mut groups = diff.groups().iter().filter(|group| {
        group.domain.as_ref().map(|domain| domain.as_str()) == domain && group.users.contains(user)
    });
    let first = groups.next();
    assert!(groups.next().is_none(), "{user} stands twice in {diff:?}");
    first
}

fn has_roles_in(rows: &PolicyRows, user: &UserId, domain: &str) -> bool {
    let known = rows.domains.contains_key(domain) && rows.users.contains_key(user);
    known
        && rows.assignments.keys().any(|row| {
            row.user == *user
                && rows.roles.contains_key(&row.role)
                && row.domain.as_ref().is_some_and(|it| it.as_str() == domain)
        })
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_difference_is_what_all_answers_differ_in(before in rows(), after in rows(), moment in 0..300_u64) {
        let (old, new) = (Policy::compile(&before).unwrap(), Policy::compile(&after).unwrap());
        let (diff, now) = (old.diff(&new, at(moment)), at(moment));
        for user in ["admin", "alice", "bob", "carol"].map(name::<UserId>) {
            for domain in [None, Some("d1"), Some("d2"), Some("d3")] {
                let (had, has) = (may(&old, &user, domain, now), may(&new, &user, domain, now));
                let told = domain.is_none_or(|it| {
                    has_roles_in(&before, &user, it) || has_roles_in(&after, &user, it)
                });
                let (gained, lost, rescoped) = match group(&diff, &user, domain) {
                    Some(group) => (group.gained.clone(), group.lost.clone(), group.rescoped.clone()),
                    None => Default::default(),
                };
                for asked in has.intersection(&had).filter(|_| told) {
                    let (seen, sees) = (scope(&old, &user, domain, now, asked), scope(&new, &user, domain, now, asked));
                    let change = rescoped.iter().find(|change| change.permission == *asked);
                    let expected = (seen != sees).then_some((&seen, &sees));
                    prop_assert_eq!(change.map(|change| (&change.before, &change.after)), expected);
                }
                prop_assert!(rescoped.iter().all(|change| had.contains(&change.permission) && has.contains(&change.permission)));
                if told {
                    prop_assert_eq!(gained, has.difference(&had).cloned().collect::<Vec<_>>());
                    prop_assert_eq!(lost, had.difference(&has).cloned().collect::<Vec<_>>());
                } else {
                    prop_assert!(gained.is_empty() && lost.is_empty() && rescoped.is_empty());
                }
            }
        }
        prop_assert!(diff.groups().is_sorted());
        prop_assert!(old.diff(&old, now).is_empty());
        let back = new.diff(&old, now);
        let turned = |group: &DiffGroup| (group.domain.clone(), group.users.clone(), group.lost.clone(), group.gained.clone());
        let told = |group: &DiffGroup| (group.domain.clone(), group.users.clone(), group.gained.clone(), group.lost.clone());
        let (mut there, mut here): (Vec<_>, Vec<_>) =
            (back.groups().iter().map(turned).collect(), diff.groups().iter().map(told).collect());
        there.sort();
        here.sort();
        prop_assert_eq!(there, here);
    }
}

#[test]
fn users_to_whom_the_same_happens_stand_together() {
    let world =
        Build::default().permissions(&["a", "c"]).users(&["alice", "bob", "carol"]).roles(&["r", "s"]);
    let world = world.domains(&["d"]).assign("alice", "r").assign("bob", "r").allow("r", "a");
    let world = world.assign_in("carol", "s", Some("d"), window(None, None)).allow("s", "a");
    let before = Policy::compile(&world.0).unwrap();
    let mut after = world.permissions(&["b"]).allow("r", "b").allow("s", "c").0;
    after.permissions.remove("a");
    let diff = before.diff(&Policy::compile(&after).unwrap(), at(0));
    assert_eq!(
        diff.to_string(),
        "2 users gain `b`, lose `a`\nuser `carol` gains `c`, loses `a` in domain `d`"
    );
    assert_eq!(diff.words(Lang::Zh), "2 名用户获得 `b`，失去 `a`\n用户 `carol` 获得 `c`，失去 `a`（域 `d`）");
    assert_eq!(diff.groups().len(), 2);
}

#[test]
fn the_same_role_opens_other_rows_in_other_departments() {
    let world = Build::default().users(&["alice", "bob", "carol"]).roles(&["r"]).allow("r", "rbac:user:view");
    let world =
        world.assign("alice", "r").assign("bob", "r").assign("carol", "r").departments(&[(1, 0), (2, 0)]);
    let world = world.works_in("alice", 1).works_in("bob", 2).works_in("carol", 1);
    let before = Policy::compile(&world.0).unwrap();
    let wider = world.scope("r", DataScope::OwnDepartment);
    assert_eq!(
        before.diff(&Policy::compile(&wider.0).unwrap(), at(0)).to_string(),
        "2 users see departments `1` instead of no rows for `rbac:user:view`\n\
         user `bob` sees departments `2` instead of no rows for `rbac:user:view`",
    );
}

#[test]
fn other_rows_for_the_same_permission_are_told() {
    let world =
        Build::default().users(&["alice"]).roles(&["r"]).assign("alice", "r").allow("r", "rbac:user:view");
    let before = Policy::compile(&world.0).unwrap();
    let wider = world.scope("r", DataScope::All);
    let diff = before.diff(&Policy::compile(&wider.0).unwrap(), at(0));
    assert_eq!(diff.to_string(), "user `alice` sees all rows instead of no rows for `rbac:user:view`");
    assert_eq!(diff.words(Lang::Zh), "用户 `alice` 可见 全部数据（原为无数据，`rbac:user:view`）");
}
