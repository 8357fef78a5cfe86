//! Sessions and dynamic separation of duty: the formulas of INCITS 359, written out, on all small worlds.

mod life;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use rbac::{
    Assignment, Decision, DenyReason, Duty, DutyKind, DutyName, Effect, Grant, Inheritance, PermissionId,
    PermissionName, PermissionRow, Policy, PolicyRows, RoleName, RoleRow, SessionRefusal, UnixMillis, UserId,
    UserRow, View, Window,
};

use crate::world::name;

/// A set of small numbers: bit `n` for the number `n`.
type Set = u32;

fn members(set: Set, of: usize) -> impl Iterator<Item = usize> {
    (0..of).filter(move |at| set >> at & 1 == 1)
}

/// The most roles of a world.
const ROLES_MAX: usize = 4;

/// All choices of enabled roles among three.
const EIGHT: [Set; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

/// Names are parsed once: they are asked for a million times.
static ROLES: LazyLock<[RoleName; ROLES_MAX]> = LazyLock::new(|| ["r0", "r1", "r2", "r3"].map(name));
static PERMISSIONS: LazyLock<[PermissionName; ROLES_MAX]> =
    LazyLock::new(|| ["do:p0", "do:p1", "do:p2", "do:p3"].map(name));
static USERS: LazyLock<Vec<UserId>> =
    LazyLock::new(|| (0..1 << ROLES_MAX).map(|assigned| name(&format!("u{assigned}"))).collect());

fn role(at: usize) -> RoleName {
    ROLES[at].clone()
}

/// What role `at` alone is granted.
fn permission(at: usize) -> PermissionName {
    PERMISSIONS[at].clone()
}

/// The user who is assigned exactly the roles of the set.
fn user(assigned: Set) -> UserId {
    USERS[usize::try_from(assigned).unwrap()].clone()
}

/// So many roles, each senior to those of `edges`, and one user for each set of assigned roles.
#[derive(Clone, Copy, Debug)]
struct World<'a> {
    roles: usize,
    /// Which pair of a senior and a junior is an edge.
    edges: &'a [(usize, usize)],
    enabled: Set,
    /// The set of roles, and how many of them are too many.
    duty: (Set, u32),
    /// For each role what comes with it.
    comes_with: [Set; ROLES_MAX],
}

/// All pairs in which an edge may stand, so that there is no circle.
fn pairs(roles: usize) -> Vec<(usize, usize)> {
    (0..roles).flat_map(|senior| (senior + 1..roles).map(move |junior| (senior, junior))).collect()
}

/// Every order of the roles, each with the fewest edges: those that no way round makes superfluous.
fn hierarchies(roles: usize) -> Vec<Vec<(usize, usize)>> {
    let pairs = pairs(roles);
    let all = (0..1_u32 << pairs.len()).map(|set| members(set, pairs.len()).map(|at| pairs[at]).collect());
    all.filter(|edges: &Vec<_>| !edges.iter().any(|&(senior, junior)| has_way_round(edges, senior, junior)))
        .collect()
}

fn has_way_round(edges: &[(usize, usize)], senior: usize, junior: usize) -> bool {
    let reaches = |from| edges.contains(&(from, junior)) || has_way_round(edges, from, junior);
    edges.iter().any(|&(from, to)| from == senior && to != junior && reaches(to))
}

/// Every set of two roles or more, with every cardinality that it can have.
fn duties(roles: usize) -> Vec<(Set, u32)> {
    (0..1_u32 << roles).flat_map(|set: Set| (2..=set.count_ones()).map(move |n| (set, n))).collect()
}

impl World<'_> {
    fn rows(&self, kind: DutyKind) -> PolicyRows {
        let mut rows = PolicyRows::default();
        for at in 0..self.roles {
            let mut row = RoleRow::new(name(""));
            row.enabled = self.enabled >> at & 1 == 1;
            rows.roles.insert(role(at), row);
            rows.permissions.insert(permission(at), PermissionRow::new(name("")));
            rows.grants.insert(Grant::new(role(at), name(permission(at).as_str())), Effect::Allow);
        }
        rows.inheritance
            .extend(self.edges.iter().map(|&(senior, junior)| Inheritance::new(role(senior), role(junior))));
        for assigned in 0..1 << self.roles {
            rows.users.insert(user(assigned), UserRow::new(name("")));
            let assign = |at| (Assignment::new(user(assigned), role(at)), Window::ALWAYS);
            rows.assignments.extend(members(assigned, self.roles).map(assign));
        }
        let roles: BTreeSet<RoleName> = members(self.duty.0, self.roles).map(role).collect();
        rows.duties.insert(duty(), Duty::new(name(""), kind, self.duty.1, roles));
        rows
    }

    /// `senior ≥ junior` as the roles stand: reflexive and transitive. A disabled role passes nothing on.
    fn is_senior(&self, senior: usize, junior: usize) -> bool {
        let enabled = self.enabled >> senior & 1 == 1;
        enabled
            && (senior == junior
                || self.edges.iter().any(|&(from, to)| from == senior && self.is_senior(to, junior)))
    }

    /// authorized_permissions and authorized_roles in one: all roles that come with these.
    fn closed(&self, roles: Set) -> Set {
        members(roles, self.roles).fold(0, |set, senior| set | self.comes_with[senior])
    }

    /// DSD: for every subset of the set's roles with as many as the cardinality, not all are active.
    fn breaks(&self, active: Set) -> bool {
        let (set, cardinality) = self.duty;
        (0..1_u32 << self.roles).any(|part: Set| {
            part & !set == 0 && part.count_ones() >= cardinality && part & !self.closed(active) == 0
        })
    }
}

fn duty() -> DutyName {
    name("apart")
}

fn each_world(roles: usize, enabled: &[Set], test: impl Fn(&World<'_>, View<'_>)) -> usize {
    let mut seen = 0;
    for edges in hierarchies(roles) {
        for (duty, enabled) in
            duties(roles).into_iter().flat_map(|duty| enabled.iter().map(move |&it| (duty, it)))
        {
            let mut world = World { roles, edges: &edges, enabled, duty, comes_with: [0; ROLES_MAX] };
            for (senior, junior) in
                (0..roles).flat_map(|senior| (0..roles).map(move |junior| (senior, junior)))
            {
                world.comes_with[senior] |= Set::from(world.is_senior(senior, junior)) << junior;
            }
            let policy = Policy::compile(&world.rows(DutyKind::Dynamic)).unwrap();
            test(&world, policy.at(UnixMillis::EPOCH));
            seen += 1;
        }
    }
    seen
}

/// session_roles ⊆ authorised roles, DSD over what is active, and the session's permissions are those of its roles.
fn sessions_follow_the_formulas(world: &World<'_>, view: View<'_>) {
    let all = 1 << world.roles;
    let ids: Vec<PermissionId> =
        (0..world.roles).map(|at| view.policy().permission(&permission(at)).unwrap()).collect();
    for (assigned, chosen) in
        (0..all).flat_map(|assigned: Set| (0..all).map(move |chosen: Set| (assigned, chosen)))
    {
        let strangers = chosen & !world.closed(assigned);
        // One role that is not the user's is enough to be refused.
        if strangers.count_ones() > 1 {
            continue;
        }
        let opened = view.session(&user(assigned), members(chosen, world.roles).map(role));
        match opened {
            Ok(session) => {
                assert!(strangers == 0 && !world.breaks(chosen), "{world:?} {assigned} {chosen}");
                let active = session.resume(view).unwrap();
                let subject = active.subject();
                let can = ids.iter().map(|&id| subject.can(id));
                let expected = world.closed(chosen);
                assert!(
                    can.zip(0..).all(|(can, at)| can == (expected >> at & 1 == 1)),
                    "{world:?} {assigned} {chosen}"
                );
            }
            Err(SessionRefusal::NotAuthorised { role: refused }) => {
                let first = members(strangers, world.roles).next().map(role);
                assert_eq!(first, Some(refused), "{world:?} {assigned} {chosen}");
            }
            Err(SessionRefusal::DutyViolated { duty: broken, roles }) => {
                assert!(strangers == 0 && world.breaks(chosen), "{world:?} {assigned} {chosen}");
                let together = members(world.closed(chosen) & world.duty.0, world.roles).map(role);
                assert_eq!((broken, roles), (duty(), together.collect()), "{world:?} {assigned} {chosen}");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// Without a session all roles are active; if that is too many, everything is denied until some are chosen.
fn without_a_session_all_roles_are_active(world: &World<'_>, view: View<'_>) {
    for assigned in 0..1 << world.roles {
        let subject = view.subject(&user(assigned)).unwrap();
        for at in 0..world.roles {
            let decision = view.decide(&user(assigned), &permission(at)).unwrap();
            let expected = if world.breaks(assigned) {
                Decision::Deny(DenyReason::RolesToChoose { duty: duty() })
            } else if world.closed(assigned) >> at & 1 == 1 {
                Decision::Permit
            } else {
                Decision::Deny(DenyReason::NotGranted)
            };
            let id = view.policy().permission(&permission(at)).unwrap();
            assert_eq!(subject.can(id), expected.is_permit(), "{world:?} {assigned} {at}");
            assert_eq!(decision, expected, "{world:?} {assigned} {at}");
        }
        let can = subject.permissions().len();
        let open = if world.breaks(assigned) { 0 } else { world.closed(assigned).count_ones() };
        assert_eq!(can, usize::try_from(open).unwrap(), "{world:?} {assigned}");
    }
}

#[test]
fn all_sessions_of_three_roles_follow_the_formulas() {
    // 7 orders, 5 sets, 8 choices of what is enabled.
    assert_eq!(each_world(3, &EIGHT, sessions_follow_the_formulas), 7 * 5 * 8);
}

#[test]
fn all_sessions_of_four_enabled_roles_follow_the_formulas() {
    assert_eq!(each_world(4, &[15], sessions_follow_the_formulas), 40 * 17);
}

#[test]
fn without_a_session_the_formulas_hold_for_all_roles() {
    assert_eq!(each_world(3, &EIGHT, without_a_session_all_roles_are_active), 7 * 5 * 8);
    assert_eq!(each_world(4, &[15], without_a_session_all_roles_are_active), 40 * 17);
}

/// r1 ≥ r2 ⇒ authorised permissions of r2 ⊆ those of r1, and authorised users of r1 ⊆ those of r2.
#[test]
fn a_senior_role_contains_its_juniors() {
    each_world(4, &[15], |world, view| {
        if world.duty != (3, 2) {
            return;
        }
        let only = |at: usize| user(1 << at);
        for (senior, junior) in
            pairs(4).into_iter().filter(|&(senior, junior)| world.is_senior(senior, junior))
        {
            let permissions = |at: usize| {
                let opened = view.session(&only(at), [role(at)]).ok();
                opened.map(|session| {
                    session.resume(view).unwrap().subject().permissions().into_iter().collect::<BTreeSet<_>>()
                })
            };
            if let (Some(more), Some(less)) = (permissions(senior), permissions(junior)) {
                assert!(less.is_subset(&more), "{world:?} {senior} {junior}");
            }
            // Whoever may activate the senior role may activate the junior one.
            for assigned in 0..16 {
                let may = |at: usize| view.session(&user(assigned), [role(at)]).is_ok();
                assert!(!may(senior) || may(junior), "{world:?} {assigned} {senior} {junior}");
            }
        }
    });
}
