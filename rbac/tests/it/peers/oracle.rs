//! casbin for Rust as the other opinion, on random worlds within what both say the same about: roles in less than ten
//! levels and without circles, allows and denies of single permissions, domains; no times, nothing switched off.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use casbin::{CoreApi, RbacApi};
use proptest::prelude::*;
use rbac::{Policy, PolicyRows, Window};
use tokio::runtime::Runtime;

use super::theirs::{DOMAINS, FLAT, enforcer, words};
use super::{now, view};
use crate::world::{Build, cases, name};

const USERS: [&str; 3] = ["u1", "u2", "u3"];
const ROLES: [&str; 6] = ["r1", "r2", "r3", "r4", "r5", "r6"];
const PERMISSIONS: [&str; 4] = ["a:x", "a:y", "b:x", "b:y"];
/// Everywhere, and two domains. To casbin everywhere is a domain like the others.
const PLACES: [&str; 3] = ["", "d1", "d2"];

/// casbin is asynchronous where it reads rows; the cases are not.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap());

/// Numbers of the names above.
#[derive(Clone, Debug)]
struct Facts {
    assigned: BTreeSet<(usize, usize, usize)>,
    inherited: BTreeSet<(usize, usize)>,
    /// A role or, after the last one, a user; the permission; whether it is denied.
    granted: BTreeSet<(usize, usize, bool)>,
}

fn facts() -> impl Strategy<Value = Facts> {
    let assigned = (0..USERS.len(), 0..ROLES.len(), 0..PLACES.len());
    let inherited = (0..ROLES.len(), 0..ROLES.len());
    let granted = (0..ROLES.len() + USERS.len(), 0..PERMISSIONS.len(), prop::bool::weighted(0.2));
    (
        prop::collection::btree_set(assigned, 0..8),
        prop::collection::btree_set(inherited, 0..9),
        prop::collection::btree_set(granted, 0..12),
    )
        .prop_map(|(assigned, mut inherited, granted)| {
            // No circles: a senior role has the lower number.
            inherited.retain(|(senior, junior)| senior < junior);
            // Ours has one effect a role and pattern; a deny wins there too.
            let denied = |role, it| granted.contains(&(role, it, true));
            let clear = |&&(role, it, deny): &&(usize, usize, bool)| deny || !denied(role, it);
            let granted = granted.iter().filter(clear).copied().collect();
            Facts { assigned, inherited, granted }
        })
}

impl Facts {
    /// Who is granted something: a role, or a user. To the user ours gives a role of the user's own.
    fn grantee(at: usize) -> (&'static str, Option<&'static str>) {
        match at.checked_sub(ROLES.len()) {
            None => (ROLES[at], None),
            Some(user) => (USERS[user], Some(USERS[user])),
        }
    }

    fn ours(&self) -> PolicyRows {
        let mut build =
            Build::default().users(&USERS).roles(&ROLES).permissions(&PERMISSIONS).domains(&PLACES[1..]);
        for &(user, role, place) in &self.assigned {
            let domain = (place > 0).then(|| PLACES[place]);
            build = build.assign_in(USERS[user], ROLES[role], domain, Window::ALWAYS);
        }
        for &(senior, junior) in &self.inherited {
            build = build.inherit(ROLES[senior], ROLES[junior]);
        }
        for &(grantee, permission, denied) in &self.granted {
            let role = match Self::grantee(grantee) {
                (role, None) => role.to_owned(),
                (_, Some(user)) => {
                    let own = format!("own/{user}");
                    build = build.roles(&[&own]).assign(user, &own);
                    own
                }
            };
            let it = PERMISSIONS[permission];
            build = if denied { build.deny(&role, it) } else { build.allow(&role, it) };
        }
        build.0
    }

    fn grants(&self) -> Vec<String> {
        let line = |&(grantee, permission, denied): &(usize, usize, bool)| {
            let effect = if denied { "deny" } else { "allow" };
            format!("p, {}, {}, {effect}", Self::grantee(grantee).0, PERMISSIONS[permission])
        };
        self.granted.iter().map(line).collect()
    }

    /// Links where they hold: those of everywhere in each domain too.
    fn links(&self, place: usize) -> Vec<[&'static str; 2]> {
        let here = self.assigned.iter().filter(|(_, _, at)| *at == 0 || *at == place);
        let users = here.map(|&(user, role, _)| [USERS[user], ROLES[role]]);
        users.chain(self.inherited.iter().map(|&(senior, junior)| [ROLES[senior], ROLES[junior]])).collect()
    }

    fn in_domains(&self) -> Vec<String> {
        let lines = (0..PLACES.len()).flat_map(|place| {
            self.links(place).into_iter().map(move |[one, two]| format!("g, {one}, {two}, {}", domain(place)))
        });
        self.grants().into_iter().chain(lines).collect()
    }

    fn flat(&self) -> Vec<String> {
        let lines = self.links(0).into_iter().map(|[one, two]| format!("g, {one}, {two}"));
        self.grants().into_iter().chain(lines).collect()
    }
}

fn domain(place: usize) -> &'static str {
    if place == 0 { "everywhere" } else { PLACES[place] }
}

proptest! {
    #![proptest_config(cases(64))]

    /// Each check, and each list of roles that are reached.
    #[test]
    fn both_decide_alike(facts in facts()) {
        let policy = Policy::compile(&facts.ours()).unwrap();
        let casbin = RUNTIME.block_on(enforcer(DOMAINS, &facts.in_domains()));
        for (place, user) in (0..PLACES.len()).flat_map(|place| USERS.map(|user| (place, user))) {
            let view = view(&policy, PLACES[place]).unwrap();
            for asked in PERMISSIONS {
                let theirs = casbin.enforce((user, domain(place), asked)).unwrap();
                let ours = view.decide(&name(user), &name(asked)).unwrap().is_permit();
                prop_assert_eq!(ours, theirs, "{} {} {}", user, domain(place), asked);
            }
            let reached: BTreeSet<String> =
                casbin.get_implicit_roles_for_user(user, Some(domain(place))).into_iter().collect();
            for role in ROLES {
                let ours = view.session(&name(user), [name(role)]).is_ok();
                prop_assert_eq!(ours, reached.contains(role), "{} {} {}", user, domain(place), role);
            }
        }
    }

    /// Who has a permission, and what a user has.
    #[test]
    fn both_list_alike(facts in facts()) {
        let policy = Policy::compile(&facts.ours()).unwrap();
        let casbin = RUNTIME.block_on(enforcer(FLAT, &facts.flat()));
        for asked in PERMISSIONS {
            let listed = RUNTIME.block_on(casbin.get_implicit_users_for_permission(words(&[asked])));
            // Roles that nobody has are users there.
            let theirs: BTreeSet<&str> = USERS.into_iter().filter(|user| listed.iter().any(|it| it == user)).collect();
            let who = policy.at(now()).who_can(policy.permission_str(asked).unwrap());
            let ours: BTreeSet<&str> = who.iter().map(|user| user.as_str()).collect();
            prop_assert_eq!(ours, theirs, "{}", asked);
        }
        for user in USERS {
            let rules = casbin.get_implicit_permissions_for_user(user, None);
            let of = |effect: &str| -> BTreeSet<String> {
                rules.iter().filter(|rule| rule[2] == effect).map(|rule| rule[1].clone()).collect()
            };
            let theirs: Vec<String> = of("allow").difference(&of("deny")).cloned().collect();
            let ours = policy.at(now()).what_can(&name(user));
            prop_assert_eq!(ours.iter().map(ToString::to_string).collect::<Vec<_>>(), theirs, "{}", user);
        }
    }
}
