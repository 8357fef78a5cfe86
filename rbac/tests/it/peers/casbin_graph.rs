//! casbin's graph of roles: `role_manager_test.go`, `rbac_api_test.go` (Apache-2.0).
//!
//! Users and roles are one kind of name there. Left out: names that match by a function.

use rbac::{Change, PolicyRows};

use super::{EMPTY, NOBODY, World, assigned, marked, reached, reaching};
use crate::edit::{disinherit, extended, unassign};
use crate::world::assignment;

const TREE: World = World {
    assigned: &[("u1", "g1", ""), ("u2", "g1", ""), ("u3", "g2", ""), ("u4", "g2", ""), ("u4", "g3", "")],
    inherited: &[("g1", "g3")],
    ..EMPTY
};

/// The users whose assigned, and whose reached roles are these.
fn assert_roles(source: &str, rows: &PolicyRows, domain: &str, expected: &[(&str, &[&str], &[&str])]) {
    for (user, direct, all) in expected {
        assert_eq!(assigned(rows, user, domain), *direct, "{source}: {user} {domain}");
        assert_eq!(reached(rows, user, domain), *all, "{source}: {user} {domain}");
    }
}

pub(super) fn unassign_in(user: &str, role: &str, domain: &str) -> Change {
    Change::Unassign { assignment: assignment(user, role, Some(domain)) }
}

#[test]
fn links_are_followed_and_go_one_by_one() {
    let rows = marked(TREE.rows());
    let expected: [(&str, &[&str], &[&str]); 4] = [
        ("u1", &["g1"], &["g1", "g3"]),
        ("u2", &["g1"], &["g1", "g3"]),
        ("u3", &["g2"], &["g2"]),
        ("u4", &["g2", "g3"], &["g2", "g3"]),
    ];
    assert_roles("TestRole", &rows, "", &expected);
    assert_eq!(rows.inheritance.iter().map(|row| row.junior.as_str()).collect::<Vec<_>>(), ["g3"]);
    let rows = extended(&rows, [disinherit("g1", "g3"), unassign("u4", "g2")]);
    let expected: [(&str, &[&str], &[&str]); 4] = [
        ("u1", &["g1"], &["g1"]),
        ("u2", &["g1"], &["g1"]),
        ("u3", &["g2"], &["g2"]),
        ("u4", &["g3"], &["g3"]),
    ];
    assert_roles("TestRole", &rows, "", &expected);
    assert!(rows.inheritance.is_empty());
}

#[test]
fn links_of_domains_are_kept_apart() {
    let world = World {
        assigned: &[
            ("u1", "g1/domain1", "domain1"),
            ("u2", "g1/domain1", "domain1"),
            ("u3", "admin/domain2", "domain2"),
            ("u4", "admin/domain2", "domain2"),
            ("u4", "admin/domain1", "domain1"),
        ],
        inherited: &[("g1/domain1", "admin/domain1")],
        ..EMPTY
    };
    let reach =
        |rows: &PolicyRows, domain: &str| ["u1", "u2", "u3", "u4"].map(|user| reached(rows, user, domain));
    let rows = marked(world.rows());
    let (one, two) = (vec!["admin/domain1", "g1/domain1"], vec!["admin/domain2"]);
    assert_eq!(reach(&rows, "domain1"), [one.clone(), one, vec![], vec!["admin/domain1"]], "TestDomainRole");
    assert_eq!(reach(&rows, "domain2"), [vec![], vec![], two.clone(), two.clone()], "TestDomainRole");
    let gone = [disinherit("g1/domain1", "admin/domain1"), unassign_in("u4", "admin/domain2", "domain2")];
    let rows = extended(&rows, gone);
    let group = vec!["g1/domain1"];
    let first = [group.clone(), group, vec![], vec!["admin/domain1"]];
    assert_eq!(reach(&rows, "domain1"), first, "TestDomainRole");
    assert_eq!(reach(&rows, "domain2"), [vec![], vec![], two, vec![]], "TestDomainRole");
}

#[test]
fn nothing_is_left_of_a_cleared_graph() {
    let rows = marked(TREE.rows());
    let cleared = rbac::admin::changes_between(&rows, &PolicyRows::default());
    let rows = extended(&rows, cleared);
    for user in ["u1", "u2", "u3", "u4"] {
        assert_eq!(reached(&rows, user, ""), NOBODY, "TestClear: {user}");
    }
}

/// casbin stops after one, two or three links, as it is told, and says "no" to whatever lies beyond. Ours has no limit.
#[test]
fn no_level_is_the_last() {
    let world = World {
        assigned: &[("level0", "level1", "")],
        inherited: &[("level1", "level2"), ("level2", "level3"), ("level3", "level4")],
        ..EMPTY
    };
    let rows = marked(world.rows());
    let levels = ["level1", "level2", "level3", "level4"];
    let sources = "TestMaxHierarchyLevel, TestMaxHierarchyLevelConsistency";
    assert_eq!(reached(&rows, "level0", ""), levels, "{sources}");
    assert_eq!(reaching(&rows, "level4", ""), ["level0"], "{sources}");
}
