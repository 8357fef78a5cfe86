//! casbin's constraints: `constraint_test.go` (Apache-2.0), and what they miss.
//!
//! Left out: a largest number of users of a role, and roles that need another role first. Ours has neither.

use rbac::{Change, Duty, DutyKind, PolicyRows, Refusal};

use crate::edit::{add_role, add_user, apart, assign, built, checked, extended, inherit, refusal, system};
use crate::world::name;

fn people(more: impl IntoIterator<Item = Change>) -> PolicyRows {
    let users = ["alice", "bob"].map(add_user);
    let roles = ["role1", "role2", "role3", "senior"].map(add_role);
    built(users.into_iter().chain(roles).chain(more))
}

fn violated(rows: &PolicyRows, change: Change) -> bool {
    matches!(refusal(rows, system(), [change]), Some(Refusal::DutyViolated { .. }))
}

#[test]
fn two_roles_are_kept_apart() {
    let source = "TestConstraintSOD, TestConstraintRollback";
    let rows = people([apart("c", DutyKind::Static, &["role1", "role2"])]);
    let rows = checked(&rows, system(), [assign("alice", "role1")]).expect(source).rows;
    let rows = checked(&rows, system(), [assign("bob", "role2")]).expect(source).rows;
    let before = rows.clone();
    assert!(violated(&rows, assign("alice", "role2")), "{source}");
    assert_eq!(rows, before, "{source}");
    assert!(!violated(&rows, assign("alice", "role3")), "{source}");
}

/// `sodMax` of one is a cardinality of two: the standard names the first number that is too many.
#[test]
fn at_most_one_of_three_roles() {
    let roles = ["role1", "role2", "role3"].map(name).into();
    let duty = Duty::new(name(""), DutyKind::Static, 2, roles);
    let rows = people([Change::SetDuty { name: name("c"), duty }, assign("alice", "role1")]);
    for role in ["role2", "role3"] {
        assert!(violated(&rows, assign("alice", role)), "TestConstraintSODMax: {role}");
        assert!(!violated(&rows, assign("bob", role)), "TestConstraintSODMax: {role}");
    }
}

/// casbin counts direct assignments only, so a role that inherits both gets round its rule.
#[test]
fn inherited_roles_are_kept_apart_too() {
    let rows = people([
        apart("c", DutyKind::Static, &["role1", "role2"]),
        inherit("senior", "role2"),
        assign("alice", "role1"),
    ]);
    assert!(violated(&rows, assign("alice", "senior")));
    let rows = extended(&rows, [assign("bob", "senior")]);
    assert!(violated(&rows, inherit("senior", "role1")));
}
