//! Spring Security's `RoleHierarchyImplTests` (Apache-2.0): which roles are reached from which.
//!
//! Its circles stand in `circles.rs`. Names with blanks and `>` are no role names of ours. A list of authorities that
//! is missing, and the builder's checks of its arguments, cannot be said.

use rbac::RoleName;

use super::{Pair, marked, reached};
use crate::world::Build;

/// Where from, the hierarchy (senior, junior), what a user has, and what is reached, both in order of name.
type Reach = (&'static str, &'static [Pair], &'static [&'static str], &'static [&'static str]);

const DIAMOND: &[Pair] = &[("A", "B"), ("A", "C"), ("C", "D"), ("B", "D")];

const CASES: [Reach; 16] = [
    ("testRoleHierarchyWithNullOrEmptyAuthorities", &[("A", "B")], &[], &[]),
    ("testSimpleRoleHierarchy", &[("A", "B")], &["0"], &["0"]),
    ("testSimpleRoleHierarchy", &[("A", "B")], &["A"], &["A", "B"]),
    ("testSimpleRoleHierarchy", &[("A", "B")], &["A", "B"], &["A", "B"]),
    ("testTransitiveRoleHierarchies", &[("A", "B"), ("B", "C")], &["A"], &["A", "B", "C"]),
    ("testTransitiveRoleHierarchies", &[("A", "B"), ("B", "C"), ("C", "D")], &["A"], &["A", "B", "C", "D"]),
    ("testComplexRoleHierarchy", DIAMOND, &["A"], &["A", "B", "C", "D"]),
    ("testComplexRoleHierarchy", DIAMOND, &["B"], &["B", "D"]),
    ("testComplexRoleHierarchy", DIAMOND, &["C"], &["C", "D"]),
    ("testComplexRoleHierarchy", DIAMOND, &["D"], &["D"]),
    (
        "testJavadoc",
        &[("A", "B"), ("B", "AUTHENTICATED"), ("AUTHENTICATED", "UNAUTHENTICATED")],
        &["A"],
        &["A", "AUTHENTICATED", "B", "UNAUTHENTICATED"],
    ),
    (
        "testInterfaceJavadoc, singleLineLargeHierarchy",
        &[("HIGHEST", "HIGHER"), ("HIGHER", "LOW"), ("LOW", "LOWER")],
        &["HIGHEST"],
        &["HIGHER", "HIGHEST", "LOW", "LOWER"],
    ),
    (
        "testFromHierarchyWithTextBlock, testBuilderWithDefaultRolePrefix",
        &[("A", "B"), ("B", "C"), ("B", "D")],
        &["A"],
        &["A", "B", "C", "D"],
    ),
    (
        "testBuilderWithRepeatedRoleBuilder",
        &[("A", "B"), ("A", "C"), ("A", "D")],
        &["A"],
        &["A", "B", "C", "D"],
    ),
    ("testBuilderWithRolePrefix", &[("X_A", "X_B")], &["X_A"], &["X_A", "X_B"]),
    (
        "testWhitespaceRoleHierarchies, with other names",
        &[("A", "B"), ("B", "/C"), ("/C", "D")],
        &["A"],
        &["/C", "A", "B", "D"],
    ),
];

#[test]
fn the_same_roles_are_reached() {
    for (source, hierarchy, has, expected) in CASES {
        let mut rows = Build::default().users(&["user"]).roles(has);
        for (senior, junior) in hierarchy {
            rows = rows.roles(&[senior, junior]).inherit(senior, junior);
        }
        for role in has {
            rows = rows.assign("user", role);
        }
        assert_eq!(reached(&marked(rows.0), "user", ""), *expected, "{source}: {has:?}");
    }
}

#[test]
fn names_that_ours_refuses() {
    for (text, found) in [("ROLE A", ' '), ("ROLE>C", '>')] {
        let error = RoleName::new(text).unwrap_err().to_string();
        assert!(error.contains(&format!("holds `{found}`")), "{error}");
    }
    // testBuilderThrowIllegalArgumentExceptionWhenRoleEmpty, …WhenImpliedRolesEmpty
    assert!(RoleName::new("").is_err());
}
