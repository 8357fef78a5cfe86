//! Static separation of duty over all that users are authorised for, on every change that can add to it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rbac::{DomainName, DutyKind, PolicyRows, Refusal, RoleName, UserId, Window};

use crate::edit::{
    active, add_domain, add_role, add_user, apart, assign, assign_in, assign_when, built, by, checked,
    enabled, extended, inherit, refusal, system, unassign,
};
use crate::world::{assignment, cases, change, name, sound_rows, window};

fn ledger() -> PolicyRows {
    built([
        add_user("alice"),
        add_user("bob"),
        add_role("payer"),
        add_role("approver"),
        add_role("senior"),
        add_role("clerk"),
        add_domain("d1"),
        add_domain("d2"),
        apart("pay", DutyKind::Static, &["payer", "approver"]),
        inherit("senior", "approver"),
        assign("alice", "payer"),
    ])
}

fn broken(user: &str, domain: Option<&str>) -> Option<Refusal> {
    Some(Refusal::DutyViolated {
        duty: name("pay"),
        user: name(user),
        domain: domain.map(name),
        roles: ["approver", "payer"].map(name).to_vec(),
    })
}

#[test]
fn inherited_roles_count() {
    let rows = ledger();
    assert_eq!(refusal(&rows, system(), [assign("alice", "approver")]), broken("alice", None));
    assert_eq!(refusal(&rows, system(), [assign("alice", "senior")]), broken("alice", None));
    assert_eq!(refusal(&rows, system(), [inherit("payer", "approver")]), broken("alice", None));
    assert_eq!(refusal(&rows, system(), [inherit("payer", "senior")]), broken("alice", None));
    assert_eq!(refusal(&rows, system(), [assign("bob", "senior")]), None);
    let swap = [unassign("alice", "payer"), assign("alice", "senior")];
    assert_eq!(refusal(&rows, system(), swap), None);
}

#[test]
fn neither_time_nor_a_switch_hides_a_role() {
    let rows = ledger();
    let some_day = assign_when("alice", "approver", window(Some(1_000), Some(2_000)));
    assert_eq!(refusal(&rows, system(), [some_day]), broken("alice", None));
    let off = [enabled("approver", false), assign("alice", "approver")];
    assert_eq!(refusal(&rows, system(), off), broken("alice", None));
    let way_off = [enabled("senior", false), assign("alice", "senior")];
    assert_eq!(refusal(&rows, system(), way_off), broken("alice", None));
    let asleep = [active("alice", false), assign("alice", "approver")];
    assert_eq!(refusal(&rows, system(), asleep), broken("alice", None));
}

#[test]
fn a_domain_counts_with_what_holds_everywhere() {
    let rows = ledger();
    let here = [assign_in("alice", "approver", "d1")];
    assert_eq!(refusal(&rows, system(), here), broken("alice", Some("d1")));
    let two_places = [assign_in("bob", "payer", "d1"), assign_in("bob", "approver", "d2")];
    assert_eq!(refusal(&rows, system(), two_places), None);
    let one_place = [assign_in("bob", "payer", "d1"), assign_in("bob", "senior", "d1")];
    assert_eq!(refusal(&rows, system(), one_place), broken("bob", Some("d1")));
}

#[test]
fn a_new_or_tighter_set_is_checked_against_all() {
    let rows = extended(
        &ledger(),
        [assign("alice", "clerk"), apart("rest", DutyKind::Static, &["clerk", "senior"])],
    );
    let wider = apart("rest", DutyKind::Static, &["clerk", "senior", "payer"]);
    assert!(matches!(refusal(&rows, system(), [wider]), Some(Refusal::DutyViolated { .. })));
    let dynamic = apart("rest", DutyKind::Dynamic, &["clerk", "senior", "payer"]);
    assert_eq!(refusal(&rows, system(), [dynamic.clone()]), None);
    let rows = extended(&rows, [dynamic]);
    let fixed = apart("rest", DutyKind::Static, &["clerk", "senior", "payer"]);
    assert!(matches!(refusal(&rows, system(), [fixed]), Some(Refusal::DutyViolated { .. })));
}

#[test]
fn what_was_broken_by_hand_stands_in_nobodys_way() {
    let mut rows = ledger();
    rows.assignments.insert(assignment("alice", "approver", None), Window::ALWAYS);
    assert_eq!(refusal(&rows, system(), [add_user("carol")]), None);
    assert_eq!(refusal(&rows, system(), [assign("alice", "clerk")]), None);
    assert_eq!(refusal(&rows, system(), [inherit("clerk", "payer"), assign("bob", "clerk")]), None);
    assert_eq!(refusal(&rows, system(), [unassign("alice", "approver")]), None);
    assert_eq!(
        refusal(&rows, system(), [assign("bob", "payer"), assign("bob", "approver")]),
        broken("bob", None)
    );
}

#[test]
fn what_is_broken_does_not_get_worse() {
    let mut rows = extended(&ledger(), [apart("pay", DutyKind::Static, &["payer", "approver", "clerk"])]);
    rows.assignments.insert(assignment("alice", "approver", None), Window::ALWAYS);
    let worse = refusal(&rows, system(), [assign("alice", "clerk")]);
    assert!(matches!(worse, Some(Refusal::DutyViolated { roles, .. }) if roles.len() == 3));
}

#[test]
fn no_permission_lifts_the_rule() {
    let rows =
        extended(&ledger(), [add_role("root"), crate::edit::allow("root", "*"), assign("bob", "root")]);
    assert_eq!(refusal(&rows, by("bob"), [assign("alice", "approver")]), broken("alice", None));
}

/// The formula of INCITS 359, written down once more: which sets a user breaks, and by which roles.
fn breaches(rows: &PolicyRows) -> BTreeSet<(String, UserId, Option<DomainName>, BTreeSet<RoleName>)> {
    let mut found = BTreeSet::new();
    let places: Vec<Option<DomainName>> = rows.domains.keys().cloned().map(Some).chain([None]).collect();
    for user in rows.users.keys() {
        for domain in &places {
            let here = |row: &&rbac::Assignment| {
                row.user == *user && (row.domain.is_none() || row.domain == *domain)
            };
            let mut roles: BTreeSet<RoleName> =
                rows.assignments.keys().filter(here).map(|row| row.role.clone()).collect();
            loop {
                let seniors = rows.inheritance.iter().filter(|row| roles.contains(&row.senior));
                let more: Vec<_> = seniors.map(|row| row.junior.clone()).collect();
                let before = roles.len();
                roles.extend(more);
                if roles.len() == before {
                    break;
                }
            }
            for (set, duty) in rows.duties.iter().filter(|(_, duty)| duty.kind == DutyKind::Static) {
                let had: BTreeSet<RoleName> = duty.roles.intersection(&roles).cloned().collect();
                if had.len() >= usize::try_from(duty.cardinality).unwrap() {
                    found.insert((set.to_string(), user.clone(), domain.clone(), had));
                }
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn no_draft_breaks_a_set_and_none_is_refused_that_breaks_none(
        before in sound_rows(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let fits = rbac::admin::build(
            rbac::admin::changes_between(&PolicyRows::default(), &before).into_iter().chain(changes.clone()),
        );
        let outcome = checked(&before, system(), changes);
        let was = breaches(&before);
        let is_old = |(set, user, domain, roles): &(String, UserId, Option<DomainName>, BTreeSet<RoleName>)| {
            was.iter().any(|(old, who, place, had)| {
                (old, who, place) == (set, user, domain) && roles.is_subset(had)
            })
        };
        match outcome {
            Ok(amended) => prop_assert!(breaches(&amended.rows).iter().all(is_old)),
            Err(refused) if matches!(refused.why, Refusal::DutyViolated { .. }) => {
                prop_assert!(!breaches(&fits.unwrap()).iter().all(is_old));
            }
            Err(_) => {}
        }
    }
}
