//! Static separation of duty: the formulas of INCITS 359, written out, on all small worlds.

use std::collections::BTreeSet;

use super::DutyBreach;
use crate::name::{DomainName, DutyName, RoleName, UserId};
use crate::policy::Policy;
use crate::rows::{Assignment, DomainRow, Duty, DutyKind, Inheritance, PolicyRows, RoleRow, UserRow};
use crate::time::{UnixMillis, Window};
use crate::words::Lang;

/// A set of small numbers: bit `n` for the number `n`.
type Set = u32;

const ROLES: usize = 4;

fn members(set: Set) -> impl Iterator<Item = usize> {
    (0..ROLES).filter(move |at| set >> at & 1 == 1)
}

fn role(at: usize) -> RoleName {
    format!("r{at}").parse().unwrap()
}

fn user(assigned: Set) -> UserId {
    format!("u{assigned:02}").parse().unwrap()
}

fn domain() -> DomainName {
    "d".parse().unwrap()
}

fn roles(set: Set) -> Vec<RoleName> {
    members(set).map(role).collect()
}

/// Every hierarchy of the roles in which seniors have lower numbers: its edges.
fn hierarchies() -> impl Iterator<Item = Vec<(usize, usize)>> {
    let pairs: Vec<(usize, usize)> =
        (0..ROLES).flat_map(|senior| (senior + 1..ROLES).map(move |junior| (senior, junior))).collect();
    (0..1_u32 << pairs.len()).map(move |set| {
        pairs.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, pair)| *pair).collect()
    })
}

/// Every set of two roles or more, with every cardinality that it can have.
fn duties() -> Vec<(DutyName, Set, u32)> {
    let name = |set: Set, n: u32| format!("s{set:02}-{n}").parse().unwrap();
    (0..1 << ROLES).flat_map(|set: Set| (2..=set.count_ones()).map(move |n| (name(set, n), set, n))).collect()
}

/// One user for each set of roles; the last `in_domain` roles are assigned in the domain only.
fn world(edges: &[(usize, usize)], in_domain: Set) -> PolicyRows {
    let mut rows = PolicyRows::default();
    rows.domains.insert(domain(), DomainRow::new("".parse().unwrap()));
    for at in 0..ROLES {
        let mut row = RoleRow::new("".parse().unwrap());
        // Neither what is switched off nor what has not begun gets round the rule.
        row.enabled = at % 2 == 0;
        rows.roles.insert(role(at), row);
    }
    let later = Window::new(Some(UnixMillis::MAX), None).unwrap();
    for assigned in 0..1 << ROLES {
        let mut row = UserRow::new("".parse().unwrap());
        row.active = assigned % 3 == 0;
        rows.users.insert(user(assigned), row);
        for at in members(assigned) {
            let here = in_domain >> at & 1 == 1;
            let row = if here {
                Assignment::in_domain(user(assigned), role(at), domain())
            } else {
                Assignment::new(user(assigned), role(at))
            };
            rows.assignments.insert(row, if at == 1 { later } else { Window::ALWAYS });
        }
    }
    rows.inheritance
        .extend(edges.iter().map(|&(senior, junior)| Inheritance::new(role(senior), role(junior))));
    for (name, set, cardinality) in duties() {
        let duty =
            Duty::new("".parse().unwrap(), DutyKind::Static, cardinality, members(set).map(role).collect());
        rows.duties.insert(name, duty);
    }
    // A dynamic set is none of its business.
    let every = (0..ROLES).map(role).collect();
    rows.duties.insert("a".parse().unwrap(), Duty::new("".parse().unwrap(), DutyKind::Dynamic, 2, every));
    rows
}

/// `senior ≥ junior`: reflexive and transitive.
fn is_senior(edges: &[(usize, usize)], senior: usize, junior: usize) -> bool {
    senior == junior || edges.iter().any(|&(from, to)| from == senior && is_senior(edges, to, junior))
}

/// authorized_users, asked the other way round: the roles that a user of these is an authorised user of.
fn authorised(edges: &[(usize, usize)], assigned: Set) -> Set {
    (0..ROLES)
        .filter(|&at| members(assigned).any(|held| is_senior(edges, held, at)))
        .fold(0, |set, at| set | 1 << at)
}

/// SSD: for every subset of the set with as many roles as the cardinality, nobody is an authorised user of all.
fn breaks(authorised: Set, set: Set, cardinality: u32) -> bool {
    (0..1 << ROLES)
        .any(|part: Set| part & !set == 0 && part.count_ones() >= cardinality && part & !authorised == 0)
}

fn expected(edges: &[(usize, usize)], in_domain: Set) -> Vec<DutyBreach> {
    let mut all = Vec::new();
    for assigned in 0..1 << ROLES {
        let (everywhere, here) = (authorised(edges, assigned & !in_domain), authorised(edges, assigned));
        let mut of = |domain: Option<DomainName>, had: Set, said: Set| {
            for (duty, set, cardinality) in duties() {
                if breaks(had, set, cardinality) && !breaks(said, set, cardinality) {
                    let (user, roles) = (user(assigned), roles(had & set));
                    all.push(DutyBreach { user, domain: domain.clone(), duty, roles });
                }
            }
        };
        of(None, everywhere, 0);
        of(Some(domain()), here, everywhere);
    }
    all
}

#[test]
fn breaches_are_those_of_the_formula_in_all_hierarchies() {
    for edges in hierarchies() {
        for in_domain in [0, 0b0001, 0b1100, 0b1111] {
            let policy = Policy::compile(&world(&edges, in_domain)).unwrap();
            assert_eq!(policy.duty_breaches(), expected(&edges, in_domain), "{edges:?} {in_domain}");
        }
    }
}

#[test]
fn another_domain_does_not_count_and_nothing_is_said_twice() {
    let mut rows = world(&[], 0);
    rows.duties.retain(|name, _| name.as_str() == "s03-2");
    rows.assignments.clear();
    rows.domains.insert("e".parse().unwrap(), DomainRow::new("".parse().unwrap()));
    let in_domain =
        |at: usize, domain: &str| Assignment::in_domain(user(1), role(at), domain.parse().unwrap());
    for row in [in_domain(0, "d"), in_domain(1, "e")] {
        rows.assignments.insert(row, Window::ALWAYS);
    }
    let breaches = |rows: &PolicyRows| Policy::compile(rows).unwrap().duty_breaches();
    assert_eq!(breaches(&rows), []);
    rows.assignments.insert(in_domain(1, "d"), Window::ALWAYS);
    let domains =
        |rows: &PolicyRows| breaches(rows).into_iter().map(|breach| breach.domain).collect::<Vec<_>>();
    assert_eq!(domains(&rows), [Some(domain())]);
    for at in [0, 1] {
        rows.assignments.insert(Assignment::new(user(1), role(at)), Window::ALWAYS);
    }
    assert_eq!(domains(&rows), [None]);
    let words = breaches(&rows).iter().map(|breach| breach.words(Lang::En)).collect::<String>();
    assert_eq!(words, "user `u01` has roles `r0` `r1`, too many of separation of duties `s03-2`");
    rows.duties.clear();
    assert_eq!(breaches(&rows), []);
}

#[test]
fn what_makes_no_sense_breaks_nothing() {
    let mut rows = world(&[], 0);
    let every: BTreeSet<RoleName> = (0..ROLES).map(role).collect();
    let duty = |cardinality| Duty::new("".parse().unwrap(), DutyKind::Static, cardinality, every.clone());
    rows.duties = [("zero".parse().unwrap(), duty(0)), ("one".parse().unwrap(), duty(1))].into();
    let policy = Policy::compile(&rows).unwrap();
    assert_eq!(policy.duty_breaches(), []);
    assert_eq!(policy.problems().len(), 2);
}
