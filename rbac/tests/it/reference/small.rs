//! All small worlds, one after the other: nothing is left to chance.

use rbac::{
    DomainRow, Duty, DutyKind, Effect, Grant, Inheritance, PermissionName, PermissionRow, Policy, PolicyRows,
    RoleRow, UnixMillis, UserId, UserRow, Window,
};

use super::{Point, assert_agree};
use crate::world::{assignment, at, name, window};

/// The number of ways to fill each place; a world is one digit for each.
struct Worlds(&'static [usize]);

impl Worlds {
    fn each(&self, mut world: impl FnMut(&[usize])) {
        let mut digits = vec![0; self.0.len()];
        loop {
            world(&digits);
            let Some(at) = (0..digits.len()).rev().find(|&at| digits[at] + 1 < self.0[at]) else { return };
            digits[at] += 1;
            digits[at + 1..].fill(0);
        }
    }
}

/// As many users as there are ways to have roles; each world has all of them.
fn empty(users: usize, roles: &[&str]) -> PolicyRows {
    let mut rows = PolicyRows::default();
    rows.users.extend((0..users).map(|at| (user(at), UserRow::new(name("")))));
    rows.roles.extend(roles.iter().map(|role| (name(role), RoleRow::new(name("")))));
    rows.permissions.extend(["p", "p:x"].map(|it| (name(it), PermissionRow::new(name("")))));
    rows
}

fn user(at: usize) -> UserId {
    name(&format!("u{at}"))
}

/// User `u5` has the first and the third role, as the bits of 5 say.
fn assign_subsets(rows: &mut PolicyRows, roles: &[&str]) {
    for subset in 0..1 << roles.len() {
        for (_, role) in roles.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1) {
            rows.assignments.insert(assignment(user(subset).as_str(), role, None), Window::ALWAYS);
        }
    }
}

fn compare(rows: &PolicyRows, points: &[Point], asked: &[&str]) {
    let policy = Policy::compile(rows).unwrap();
    assert_eq!(policy.problems(), []);
    let users: Vec<UserId> = rows.users.keys().cloned().collect();
    let asked: Vec<PermissionName> = asked.iter().map(|asked| name(asked)).collect();
    for point in points {
        assert_agree(rows, &policy, point, &users, &asked);
    }
}

const EVERYWHERE: [Point; 1] = [Point { now: UnixMillis::EPOCH, domain: None }];

/// Three roles, each enabled or not; each inheritance downwards or none; each role says nothing, allows or denies;
/// users with any of them: 8 * 8 * 27 worlds of 8 users.
#[test]
fn all_hierarchies_of_three_roles() {
    let roles = ["a", "b", "c"];
    Worlds(&[2, 2, 2, 2, 2, 2, 3, 3, 3]).each(|world| {
        let mut rows = empty(8, &roles);
        assign_subsets(&mut rows, &roles);
        for (at, role) in roles.iter().enumerate() {
            rows.roles.get_mut(*role).unwrap().enabled = world[at] == 0;
            let effect = [None, Some(Effect::Allow), Some(Effect::Deny)][world[6 + at]];
            rows.grants.extend(effect.map(|effect| (Grant::new(name(role), name("p")), effect)));
        }
        for (at, (senior, junior)) in [("a", "b"), ("a", "c"), ("b", "c")].into_iter().enumerate() {
            if world[3 + at] == 1 {
                rows.inheritance.insert(Inheritance::new(name(senior), name(junior)));
            }
        }
        compare(&rows, &EVERYWHERE, &["p"]);
    });
}

/// Two roles, each assigned or not, everywhere or in one of two domains, always, from or until a moment: a user for
/// each way, active or not, a few of them in one world. One role allows, the other says nothing, allows or denies.
#[test]
fn all_places_and_times_of_two_roles() {
    let places = [None, Some("d"), Some("e")];
    let windows =
        [Window::ALWAYS, window(Some(100), None), window(None, Some(100)), window(Some(100), Some(200))];
    let held = || places.iter().flat_map(|place| windows.map(|window| Some((*place, window)))).chain([None]);
    let ways: Vec<_> = held().flat_map(|first| held().map(move |second| [first, second])).collect();
    let points: Vec<Point> = [None, Some(name("d")), Some(name("e"))]
        .into_iter()
        .flat_map(|domain| [99, 100, 200].map(|now| Point { now: at(now), domain: domain.clone() }))
        .collect();
    let few: Vec<_> = ways.chunks(13).collect();
    assert_eq!((few.len(), few[12].len()), (13, 13));
    Worlds(&[13, 2, 3]).each(|world| {
        let ways = few[world[0]];
        let mut rows = empty(2 * ways.len(), &["a", "b"]);
        rows.domains.extend(["d", "e"].map(|domain| (name(domain), DomainRow::new(name("")))));
        for (at, way) in ways.iter().enumerate() {
            for user in [user(at), user(ways.len() + at)] {
                for (role, held) in ["a", "b"].into_iter().zip(way) {
                    let row = held.map(|(place, window)| (assignment(user.as_str(), role, place), window));
                    rows.assignments.extend(row);
                }
            }
            rows.users.get_mut(user(ways.len() + at).as_str()).unwrap().active = false;
        }
        rows.grants.insert(Grant::new(name("a"), name(["p", "*"][world[1]])), Effect::Allow);
        let effect = [None, Some(Effect::Allow), Some(Effect::Deny)][world[2]];
        rows.grants.extend(effect.map(|effect| (Grant::new(name("b"), name("p:*")), effect)));
        compare(&rows, &points, &["p", "p:x"]);
    });
}

/// Three roles in a dynamic separation of duty of two or three of them, some disabled, a fourth inheriting them or
/// not; users with any of the four.
#[test]
fn all_duties_of_four_roles() {
    let roles = ["a", "b", "c", "d"];
    Worlds(&[2, 2, 2, 2, 2, 2, 2]).each(|world| {
        let mut rows = empty(16, &roles);
        assign_subsets(&mut rows, &roles);
        for (at, junior) in ["a", "b", "c"].into_iter().enumerate() {
            rows.roles.get_mut(junior).unwrap().enabled = world[at] == 0;
            if world[3 + at] == 1 {
                rows.inheritance.insert(Inheritance::new(name("d"), name(junior)));
            }
        }
        rows.grants.insert(Grant::new(name("c"), name("p")), Effect::Allow);
        let cardinality = u32::try_from(world[6]).unwrap() + 2;
        let set = ["a", "b", "c"].map(name).into();
        rows.duties.insert(name("s"), Duty::new(name(""), DutyKind::Dynamic, cardinality, set));
        compare(&rows, &EVERYWHERE, &["p"]);
    });
}
