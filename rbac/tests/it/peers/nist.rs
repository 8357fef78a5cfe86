//! Administrative functions of INCITS 359 on hierarchies: AddInheritance and DeleteInheritance, on all hierarchies of
//! four roles.
//!
//! The formulas of separation of duty, of sessions and of containment stand with their own tests.

use rbac::{PolicyRows, Refusal};

use super::{marked, reached};
use crate::edit::{checked, disinherit, inherit, refusal, system};
use crate::world::Build;

const ROLES: [&str; 4] = ["r0", "r1", "r2", "r3"];

type Edges = Vec<(usize, usize)>;

/// Every hierarchy in which seniors have lower numbers, superfluous edges and all.
fn hierarchies() -> impl Iterator<Item = Edges> {
    let pairs: Edges =
        (0..4).flat_map(|senior| (senior + 1..4).map(move |junior| (senior, junior))).collect();
    (0..1_u32 << pairs.len()).map(move |set| {
        pairs.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, &pair)| pair).collect()
    })
}

/// `senior ≥ junior`: reflexive and transitive.
fn is_senior(edges: &[(usize, usize)], senior: usize, junior: usize) -> bool {
    senior == junior || edges.iter().any(|&(from, to)| from == senior && is_senior(edges, to, junior))
}

fn rows(edges: &[(usize, usize)]) -> PolicyRows {
    let mut build = Build::default().users(&ROLES).roles(&ROLES);
    for role in ROLES {
        build = build.assign(role, role);
    }
    for &(senior, junior) in edges {
        build = build.inherit(ROLES[senior], ROLES[junior]);
    }
    marked(build.0)
}

/// Each user has the role of the same name, and reaches what the formula says.
fn assert_reached(rows: &PolicyRows, edges: &[(usize, usize)]) {
    for (senior, user) in ROLES.iter().enumerate() {
        let juniors = (0..4).filter(|&junior| is_senior(edges, senior, junior)).map(|at| ROLES[at]);
        assert_eq!(reached(rows, user, ""), juniors.collect::<Vec<_>>(), "{edges:?}");
    }
}

#[test]
fn an_inheritance_is_added_unless_the_junior_is_senior() {
    for edges in hierarchies() {
        let rows = rows(&edges);
        for (senior, junior) in (0..4).flat_map(|senior| (0..4).map(move |junior| (senior, junior))) {
            let refused = refusal(&rows, system(), [inherit(ROLES[senior], ROLES[junior])]);
            let case = format!("{edges:?} {senior} {junior}: {refused:?}");
            if edges.contains(&(senior, junior)) {
                assert_eq!(refused, Some(Refusal::AlreadyThere), "{case}");
            } else if is_senior(&edges, junior, senior) {
                assert!(matches!(refused, Some(Refusal::Cycle(_))), "{case}");
            } else {
                assert_eq!(refused, None, "{case}");
            }
        }
    }
}

/// What is said is kept apart from what follows: a way round stays when an edge goes.
#[test]
fn an_inheritance_goes_alone() {
    for edges in hierarchies() {
        let all = rows(&edges);
        assert_reached(&all, &edges);
        for &(senior, junior) in &edges {
            let after = checked(&all, system(), [disinherit(ROLES[senior], ROLES[junior])]).unwrap().rows;
            let left: Edges = edges.iter().copied().filter(|&edge| edge != (senior, junior)).collect();
            assert_eq!(after.inheritance.len(), left.len());
            assert_reached(&after, &left);
        }
    }
}
