//! The guard against locking everybody out: is there a user left who may change the policy?
//!
//! Permissions that begin with `rbac:` are taken to guard the policy itself. An administrator is an active
//! user who is allowed all of them, by `*` or `rbac:*`, and denied none of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::{RoleName, UserId};
use crate::rows::{Effect, Grant, PolicyRows};

/// The first segment of the permissions that guard the policy itself.
const GUARDED: &str = "rbac";

/// True if at least one active user may do everything under `rbac:`.
pub(crate) fn has_administrator(rows: &PolicyRows) -> bool {
    let powerful = roles_with(rows, gives_power);
    let barred = roles_with(rows, bars_power);
    let barred_users: BTreeSet<&UserId> =
        rows.assignments.iter().filter(|row| barred.contains(&row.role)).map(|row| &row.user).collect();
    rows.assignments.iter().any(|row| {
        powerful.contains(&row.role)
            && !barred_users.contains(&row.user)
            && rows.users.get(&row.user).is_some_and(|user| user.active)
    })
}

fn gives_power(grant: &Grant, effect: Effect) -> bool {
    effect == Effect::Allow && matches!(grant.pattern.as_str(), "*" | "rbac:*")
}

fn bars_power(grant: &Grant, effect: Effect) -> bool {
    effect == Effect::Deny && matches!(grant.pattern.first_segment(), "*" | GUARDED)
}

/// The enabled roles that have such a grant or inherit it through enabled roles.
fn roles_with(rows: &PolicyRows, wanted: impl Fn(&Grant, Effect) -> bool) -> BTreeSet<&RoleName> {
    let enabled = |role: &RoleName| rows.roles.get(role).is_some_and(|row| row.enabled);
    let mut seniors: BTreeMap<&RoleName, Vec<&RoleName>> = BTreeMap::new();
    for row in &rows.inheritance {
        seniors.entry(&row.junior).or_default().push(&row.senior);
    }
    let mut found = BTreeSet::new();
    let mut open: Vec<&RoleName> = rows
        .grants
        .iter()
        .filter(|(grant, effect)| wanted(grant, **effect))
        .map(|(grant, _)| &grant.role)
        .collect();
    while let Some(role) = open.pop() {
        if enabled(role) && found.insert(role) {
            open.extend(seniors.get(role).into_iter().flatten());
        }
    }
    found
}
