//! From rows to a policy: drop what names nothing, order the roles, spread the grants upwards.

use std::collections::HashMap;
use std::mem;
use std::ops::Bound;

use super::catalogue::Catalogue;
use super::{Policy, Problem, RoleEntry, UserEntry};
use crate::bits::BitSet;
use crate::error::{Error, Repr, RolePath};
use crate::hierarchy;
use crate::name::{RoleName, UserId};
use crate::rows::{Effect, PolicyRows, RoleRow, UserRow};
use crate::store::PolicyVersion;
use crate::wildcard::PermissionPattern;

pub(super) fn compile(
    version: PolicyVersion,
    rows: &PolicyRows,
    mut catalogue: Catalogue,
) -> Result<Policy, Error> {
    catalogue.register(rows.permissions.keys());
    let mut draft = Draft::new(rows);
    draft.read_inheritance(rows);
    draft.read_grants(rows, &catalogue);
    draft.read_assignments(rows);
    draft.problems.extend(rows.unreadable.iter().cloned().map(Problem::Unreadable));

    let juniors: Vec<_> = draft.roles.iter_mut().map(|role| mem::take(&mut role.juniors)).collect();
    let order = hierarchy::juniors_first(&juniors).map_err(|circle| draft.circle(&circle))?;
    spread(&mut draft.roles, juniors, &order);

    let user_index = draft.users.iter().enumerate().map(|(at, user)| (user.id.clone(), at)).collect();
    Ok(Policy {
        version,
        catalogue,
        users: draft.users,
        user_index,
        roles: draft.roles,
        problems: draft.problems,
    })
}

/// Users and roles in order of name, filled row by row.
struct Draft<'a> {
    users: Vec<UserEntry>,
    roles: Vec<RoleEntry>,
    user_at: HashMap<&'a UserId, usize>,
    role_at: HashMap<&'a RoleName, usize>,
    problems: Vec<Problem>,
}

impl<'a> Draft<'a> {
    fn new(rows: &'a PolicyRows) -> Self {
        let user = |(id, row): (&UserId, &UserRow)| UserEntry {
            id: id.clone(),
            active: row.active,
            roles: Vec::new(),
        };
        let role = |(name, row): (&RoleName, &RoleRow)| RoleEntry {
            name: name.clone(),
            enabled: row.enabled,
            grants: Vec::new(),
            juniors: Vec::new(),
            members: Vec::new(),
            allow: BitSet::default(),
            deny: BitSet::default(),
        };
        Self {
            users: rows.users.iter().map(user).collect(),
            roles: rows.roles.iter().map(role).collect(),
            user_at: rows.users.keys().enumerate().map(|(at, id)| (id, at)).collect(),
            role_at: rows.roles.keys().enumerate().map(|(at, name)| (name, at)).collect(),
            problems: Vec::new(),
        }
    }

    fn read_inheritance(&mut self, rows: &PolicyRows) {
        for row in &rows.inheritance {
            let unknown = match (self.role_at.get(&row.senior), self.role_at.get(&row.junior)) {
                (Some(&senior), Some(&junior)) => {
                    if let Some(role) = self.roles.get_mut(senior) {
                        role.juniors.push(junior);
                    }
                    continue;
                }
                (None, _) => row.senior.clone(),
                (_, None) => row.junior.clone(),
            };
            let (senior, junior) = (row.senior.clone(), row.junior.clone());
            self.problems.push(Problem::InheritanceUnknown { senior, junior, unknown });
        }
    }

    fn read_grants(&mut self, rows: &PolicyRows, catalogue: &Catalogue) {
        for (row, &effect) in &rows.grants {
            let found = self.role_at.get(&row.role).and_then(|&at| self.roles.get_mut(at));
            let Some(role) = found else {
                let (role, pattern) = (row.role.clone(), row.pattern.clone());
                self.problems.push(Problem::GrantedRoleUnknown { role, pattern });
                continue;
            };
            if let Some(permission) = row.pattern.exact()
                && !rows.permissions.contains_key(&permission)
            {
                let role = row.role.clone();
                self.problems.push(Problem::GrantedPermissionUnknown { role, permission });
                continue;
            }
            role.grants.push((row.pattern.clone(), effect));
            let bits = match effect {
                Effect::Allow => &mut role.allow,
                Effect::Deny => &mut role.deny,
            };
            expand(&row.pattern, rows, catalogue).for_each(|index| bits.insert(index));
        }
    }

    fn read_assignments(&mut self, rows: &PolicyRows) {
        for row in &rows.assignments {
            let (user, role) = (row.user.clone(), row.role.clone());
            match (self.user_at.get(&row.user), self.role_at.get(&row.role)) {
                (Some(&user_at), Some(&role_at)) => {
                    if let Some(user) = self.users.get_mut(user_at) {
                        user.roles.push(role_at);
                    }
                    if let Some(role) = self.roles.get_mut(role_at) {
                        role.members.push(user_at);
                    }
                }
                (None, _) => self.problems.push(Problem::AssignedUserUnknown { user, role }),
                (_, None) => self.problems.push(Problem::AssignedRoleUnknown { user, role }),
            }
        }
    }

    fn circle(&self, indices: &[usize]) -> Error {
        let roles = indices.iter().filter_map(|&at| self.roles.get(at));
        Repr::Cycle(RolePath(roles.map(|role| role.name.clone()).collect())).into()
    }
}

/// The bits of all registered permissions that a pattern matches.
fn expand<'a>(
    pattern: &'a PermissionPattern,
    rows: &'a PolicyRows,
    catalogue: &'a Catalogue,
) -> impl Iterator<Item = usize> + 'a {
    let start = pattern.literal_start();
    rows.permissions
        .range::<str, _>((Bound::Included(start), Bound::Unbounded))
        .map(|(name, _)| name)
        .take_while(move |name| name.as_str().starts_with(start))
        .filter(|name| pattern.matches(name))
        .filter_map(|name| catalogue.index_of(name))
}

/// Gives every role what its juniors have. A disabled role has nothing, so nothing passes through it.
fn spread(roles: &mut [RoleEntry], juniors: Vec<Vec<usize>>, juniors_first: &[usize]) {
    for (role, own) in roles.iter_mut().zip(juniors) {
        role.juniors = own;
    }
    for &at in juniors_first {
        let Some((mut allow, mut deny)) = roles.get_mut(at).map(take_bits) else {
            continue;
        };
        let own = roles.get(at).filter(|role| role.enabled).map(|role| role.juniors.as_slice());
        for junior in own.into_iter().flatten().filter_map(|&junior| roles.get(junior)) {
            allow.union(&junior.allow);
            deny.union(&junior.deny);
        }
        if let Some(role) = roles.get_mut(at).filter(|role| role.enabled) {
            (role.allow, role.deny) = (allow, deny);
        }
    }
}

fn take_bits(role: &mut RoleEntry) -> (BitSet, BitSet) {
    (mem::take(&mut role.allow), mem::take(&mut role.deny))
}
