//! Roles of a policy that give more than the imported ones of the same name, and which assignments wait for that.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::{RoleName, UserId};
use crate::rows::{Assignment, Effect, PolicyRows};
use crate::scope::DataScope;
use crate::time::Window;

/// What a policy's roles give beyond the imported ones of the same name.
pub(super) struct Wider<'a> {
    /// Each such role, with each grant or role that only the policy gives it.
    pub(super) beyond: Vec<(&'a RoleName, String)>,
    /// The roles that bring one of them along, and which.
    through: BTreeMap<&'a RoleName, &'a RoleName>,
    /// The users who would lack a denial, and the role that it comes with.
    undenied: BTreeMap<&'a UserId, &'a RoleName>,
    /// The users who are active here and not in the import.
    awake: BTreeSet<&'a UserId>,
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
        for (role, here) in now.roles.iter().filter(|(role, _)| named.contains(role)) {
            match wanted.roles.get(role) {
                // What is said otherwise is a conflict of its own.
                Some(row) => {
                    let is_within =
                        (row.enabled || !here.enabled) && row.data_scope.includes(&here.data_scope);
                    if !is_within {
                        wider.insert(role);
                    }
                }
                None if here.data_scope == DataScope::Nothing => {}
                None => {
                    beyond.push((role, format!("open {}", here.data_scope)));
                    wider.insert(role);
                }
            }
        }
        let through = with_seniors(wanted, wider);
        let undenied = undenied(now, wanted, &through);
        let is_awake = |user: &UserId| now.users.get(user).is_some_and(|here| here.active);
        let asleep = wanted.users.iter().filter(|(_, row)| !row.active).map(|(user, _)| user);
        let awake = asleep.filter(|user| is_awake(user)).collect();
        Self { beyond, through, undenied, awake }
    }

    /// Why a new assignment has to wait, if it has to.
    pub(super) fn holds_back(&self, assignment: &Assignment) -> Option<String> {
        if self.awake.contains(&assignment.user) {
            return Some("it waits until the user is inactive here too".to_owned());
        }
        if let Some(role) = self.through.get(&assignment.role) {
            return Some(format!("it waits until role `{role}` gives no more here than in the import"));
        }
        let role = self.undenied.get(&assignment.user)?;
        Some(format!("it waits for that of role `{role}`, which denies something"))
    }
}

/// The users who would lack a denial of the import: the assignment that brings it waits or holds at other times here, or
/// the role that it comes by is disabled here.
fn undenied<'a>(
    now: &PolicyRows,
    wanted: &'a PolicyRows,
    waiting: &BTreeMap<&RoleName, &RoleName>,
) -> BTreeMap<&'a UserId, &'a RoleName> {
    let denying = wanted.grants.iter().filter(|(_, effect)| **effect == Effect::Deny);
    let denying = with_seniors(wanted, denying.map(|(grant, _)| &grant.role).collect());
    let is_off = |role: &RoleName| now.roles.get(role).is_some_and(|here| !here.enabled);
    let on = wanted.roles.iter().filter(|(_, row)| row.enabled).map(|(role, _)| role);
    let off = with_seniors(wanted, on.filter(|role| is_off(role)).collect());
    let lacks = |(assignment, window): &(&'a Assignment, &Window)| {
        let role = &assignment.role;
        let is_new_or_other = match now.assignments.get(*assignment) {
            None => waiting.contains_key(role),
            Some(here) => here != *window,
        };
        denying.contains_key(role) && (off.contains_key(role) || is_new_or_other)
    };
    let lacking = wanted.assignments.iter().filter(lacks);
    lacking.map(|(assignment, _)| (&assignment.user, &assignment.role)).collect()
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
