//! Circles of roles: casbin's `detector/default_detector_test.go` and `enforcer_test.go` (Apache-2.0), and the shapes
//! of Spring Security's `RoleHierarchyImplTests` (Apache-2.0).
//!
//! Ours refuses the inheritance that would close a circle and shows it. Rows with a circle that were written by hand do
//! not compile. That there is no graph at all cannot be said.

use rbac::{Change, ErrorKind, Inheritance, Policy, PolicyRows, Refusal, RoleName};

use super::Pair;
use crate::edit::{add_role, checked, inherit, system};
use crate::world::{Build, name};

/// Where from, the links, and how many of them are refused if they are added one by one.
type Shape = (&'static str, &'static [Pair], usize);

const CASBIN: [Shape; 12] = [
    ("NoCycle", &[("alice", "admin"), ("bob", "user"), ("admin", "superuser")], 0),
    ("SimpleCycle", &[("A", "B"), ("B", "A")], 1),
    ("ComplexCycle", &[("A", "B"), ("B", "C"), ("C", "A")], 1),
    ("SelfLoop", &[("A", "A")], 1),
    ("MultipleCycles", &[("A", "B"), ("B", "A"), ("C", "D"), ("D", "C")], 2),
    (
        "DisconnectedComponents",
        &[("alice", "admin"), ("admin", "superuser"), ("bob", "user"), ("carol", "moderator")],
        0,
    ),
    (
        "ComplexGraphWithCycle",
        &[("u1", "g1"), ("u2", "g1"), ("g1", "g2"), ("g2", "g3"), ("g3", "g1"), ("u3", "g4")],
        1,
    ),
    ("LongCycle", &[("A", "B"), ("B", "C"), ("C", "D"), ("D", "E"), ("E", "A")], 1),
    ("EmptyRoleManager", &[], 0),
    (
        "MultipleInheritance",
        &[("alice", "admin"), ("alice", "moderator"), ("admin", "superuser"), ("moderator", "user")],
        0,
    ),
    (
        "DiamondPattern",
        &[("alice", "admin"), ("alice", "moderator"), ("admin", "superuser"), ("moderator", "superuser")],
        0,
    ),
    (
        "DiamondPatternWithCycle",
        &[
            ("alice", "admin"),
            ("alice", "moderator"),
            ("admin", "superuser"),
            ("moderator", "superuser"),
            ("superuser", "alice"),
        ],
        1,
    ),
];

const CASBIN_POLICIES: [Shape; 2] = [
    ("rbac_policy.csv", &[("alice", "data2_admin")], 0),
    (
        "rbac_with_cycle_policy.csv, TestEnforcerRunDetections",
        &[("alice", "data2_admin"), ("data2_admin", "super_admin"), ("super_admin", "alice")],
        1,
    ),
];

const SPRING: [Shape; 6] = [
    ("testCyclesInRoleHierarchy 1", &[("A", "A")], 1),
    ("testCyclesInRoleHierarchy 2", &[("A", "B"), ("B", "A")], 1),
    ("testCyclesInRoleHierarchy 3", &[("A", "B"), ("B", "C"), ("C", "A")], 1),
    ("testCyclesInRoleHierarchy 4", &[("A", "B"), ("B", "C"), ("C", "E"), ("E", "D"), ("D", "B")], 1),
    ("testCyclesInRoleHierarchy 5", &[("C", "B"), ("B", "A"), ("A", "B")], 1),
    ("testNoCyclesInRoleHierarchy", &[("A", "B"), ("A", "C"), ("C", "D"), ("B", "D")], 0),
];

/// The path begins and ends with one role, and each step is one of the inheritances.
fn assert_circle(source: &str, path: &[RoleName], steps: impl Fn(&Inheritance) -> bool) {
    assert!(path.len() > 1 && path.first() == path.last(), "{source}: {path:?}");
    for step in path.windows(2) {
        let step = Inheritance::new(step[0].clone(), step[1].clone());
        assert!(steps(&step), "{source}: {step:?}");
    }
}

/// Adds the links one by one, and counts those that are refused because they would close a circle.
fn refused(source: &str, links: &[Pair]) -> usize {
    let mut rows = Build::default();
    for (senior, junior) in links {
        rows = rows.roles(&[senior, junior]);
    }
    let (mut rows, mut count) = (rows.0, 0);
    for (senior, junior) in links {
        match checked(&rows, system(), [inherit(senior, junior)]) {
            Ok(amended) => rows = amended.rows,
            Err(refused) => {
                let Refusal::Cycle(path) = refused.why else { panic!("{source}: {refused}") };
                let closing = Inheritance::new(name(senior), name(junior));
                assert_eq!((&path[0], &path[1]), (&closing.senior, &closing.junior), "{source}");
                assert_circle(source, &path, |step| *step == closing || rows.inheritance.contains(step));
                count += 1;
            }
        }
    }
    assert!(Policy::compile(&rows).is_ok(), "{source}");
    count
}

fn by_hand(links: &[Pair]) -> PolicyRows {
    let mut rows = Build::default();
    for (senior, junior) in links {
        rows = rows.roles(&[senior, junior]).inherit(senior, junior);
    }
    rows.0
}

#[test]
fn circles_are_refused_and_everything_else_is_not() {
    for (source, links, expected) in CASBIN.into_iter().chain(CASBIN_POLICIES).chain(SPRING) {
        assert_eq!(refused(source, links), expected, "{source}");
        match Policy::compile(&by_hand(links)) {
            Ok(_) => assert_eq!(expected, 0, "{source}"),
            Err(error) => {
                assert!(expected > 0, "{source}: {error}");
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{source}");
                let words = error.to_string();
                let shown: Vec<RoleName> = words.split('`').skip(1).step_by(2).map(name).collect();
                assert_circle(source, &shown, |step| links.iter().any(|link| is(step, link)));
            }
        }
    }
}

fn is(step: &Inheritance, (senior, junior): &Pair) -> bool {
    step.senior.as_str() == *senior && step.junior.as_str() == *junior
}

/// LargeGraphNoCycle, LargeGraphWithCycle: a hundred in a row, then closed.
#[test]
fn a_hundred_links_are_no_circle_until_they_are_closed() {
    let role = |at: usize| format!("u{at}");
    let mut rows = Build::default();
    for at in 0..100 {
        rows = rows.roles(&[&role(at)]);
    }
    for at in 0..99 {
        rows = rows.inherit(&role(at), &role(at + 1));
    }
    assert!(Policy::compile(&rows.0).is_ok());
    let refused = checked(&rows.0, system(), [inherit("u99", "u0")]).unwrap_err();
    let Refusal::Cycle(path) = &refused.why else { panic!("{refused}") };
    assert_eq!(path.len(), 101);
    assert!(Policy::compile(&rows.inherit("u99", "u0").0).is_err());
}

/// PerformanceLargeGraph: a tree of ten thousand roles, three below each.
#[test]
fn ten_thousand_roles_in_a_tree_are_no_circle() {
    const ROLES: usize = 10_000;
    let role = |at: usize| format!("r{at}");
    let mut rows = PolicyRows::default();
    for at in 0..ROLES {
        rows.roles.insert(name(&role(at)), rbac::RoleRow::new(name("")));
        for below in (at * 3 + 1..=at * 3 + 3).filter(|&below| below < ROLES) {
            rows.inheritance.insert(Inheritance::new(name(&role(below)), name(&role(at))));
        }
    }
    assert!(Policy::compile(&rows).is_ok());
    let more: [Change; 2] = [add_role("one-more"), inherit("r0", "r9999")];
    let refused = checked(&rows, system(), more).unwrap_err();
    assert!(matches!(refused.why, Refusal::Cycle(_)), "{refused}");
}
