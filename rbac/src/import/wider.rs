//! Roles of a policy that give more than the imported ones of the same name, and which assignments wait for that.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::{RoleName, UserId};
use crate::rows::{Assignment, Effect, PolicyRows};

/// What a policy's roles give beyond the imported ones of the same name.
pub(super) struct Wider<'a> {
    /// Each such role, with each grant or role that only the policy gives it.
    pub(super) beyond: Vec<(&'a RoleName, String)>,
    /// The roles that bring one of them along, and which.
    through: BTreeMap<&'a RoleName, &'a RoleName>,
    /// The users who would lack a denial, and the role that it comes with.
    undenied: BTreeMap<&'a UserId, &'a RoleName>,
}

impl<'a> Wider<'a> {
    pub(super) fn new(now: &'a PolicyRows, wanted: &'a PolicyRows) -> Self {
        let assigned = wanted.assignments.keys().map(|assignment| &assignment.role);
        let linked = wanted.inheritance.iter().flat_map(|it| [&it.senior, &it.junior]);
        let named: BTreeSet<&RoleName> = wanted.roles.keys().chain(assigned).chain(linked).collect();
        let (mut beyond, mut wider) = (Vec::new(), BTreeSet::new());
        for (grant, _) in now.grants.iter().filter(|(_, effect)| **effect == Effect::Allow) {
            let imported = wanted.grants.get(grant);
            if !named.contains(&grant.role) || imported == Some(&Effect::Allow) {
                continue;
            }
            // That the import denies it is a conflict of its own.
            if imported.is_none() {
                beyond.push((&grant.role, format!("allow {}", grant.pattern)));
            }
            wider.insert(&grant.role);
        }
        for inheritance in now.inheritance.difference(&wanted.inheritance) {
            if named.contains(&inheritance.senior) {
                beyond.push((&inheritance.senior, format!("inherit {}", inheritance.junior)));
                wider.insert(&inheritance.senior);
            }
        }
        let through = with_seniors(wanted, wider);
        let denying = wanted.grants.iter().filter(|(_, effect)| **effect == Effect::Deny);
        let denying = with_seniors(wanted, denying.map(|(grant, _)| &grant.role).collect());
        let new = wanted.assignments.keys().filter(|assignment| !now.assignments.contains_key(assignment));
        let waiting = new.filter(|it| through.contains_key(&it.role) && denying.contains_key(&it.role));
        let undenied = waiting.map(|assignment| (&assignment.user, &assignment.role)).collect();
        Self { beyond, through, undenied }
    }

    /// Why a new assignment has to wait, if it has to.
    pub(super) fn holds_back(&self, assignment: &Assignment) -> Option<String> {
        if let Some(role) = self.through.get(&assignment.role) {
            return Some(format!("it waits until role `{role}` gives no more here than in the import"));
        }
        let role = self.undenied.get(&assignment.user)?;
        Some(format!("it waits for that of role `{role}`, which denies something"))
    }
}

/// These roles and all that inherit them, each with the one that it comes from.
fn with_seniors<'a>(
    rows: &'a PolicyRows,
    from: BTreeSet<&'a RoleName>,
) -> BTreeMap<&'a RoleName, &'a RoleName> {
    let mut seniors: BTreeMap<&RoleName, Vec<&'a RoleName>> = BTreeMap::new();
    for inheritance in &rows.inheritance {
        seniors.entry(&inheritance.junior).or_default().push(&inheritance.senior);
    }
    let mut found: BTreeMap<_, _> = from.into_iter().map(|role| (role, role)).collect();
    let mut open: Vec<_> = found.iter().map(|(&role, &origin)| (role, origin)).collect();
    while let Some((role, origin)) = open.pop() {
        for &senior in seniors.get(role).into_iter().flatten() {
            if !found.contains_key(senior) {
                found.insert(senior, origin);
                open.push((senior, origin));
            }
        }
    }
    found
}
