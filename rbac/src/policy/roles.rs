//! The roles of a policy: what is said about each, and in bits what follows with all that it inherits.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::columns::columns;
use super::lists::{Lists, index, place};
use super::lookup::Lookup;
use super::problem::Problem;
use super::registry::Registry;
use crate::bits::{mask_of, members, word_of, words_for};
use crate::error::{Error, Repr, RolePath};
use crate::hierarchy;
use crate::name::RoleName;
use crate::rows::{Effect, PolicyRows, RoleRow};
use crate::scope::DataScope;
use crate::wildcard::{PermissionPattern, WildcardMode};

/// What is said about a role.
#[derive(Debug)]
pub(crate) struct RoleEntry {
    pub(crate) name: RoleName,
    pub(crate) enabled: bool,
    /// Only departments that exist are named.
    pub(crate) data_scope: DataScope,
}

/// What is allowed and denied, for 64 permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) allow: u64,
    pub(crate) deny: u64,
}

impl Said {
    #[inline]
    pub(crate) const fn and(self, more: Self) -> Self {
        Self { allow: self.allow | more.allow, deny: self.deny | more.deny }
    }

    #[inline]
    fn of(self, effect: Effect) -> u64 {
        match effect {
            Effect::Allow => self.allow,
            Effect::Deny => self.deny,
        }
    }
}

/// Where each role stands, by name, while rows are compiled.
#[derive(Debug)]
pub(super) struct RoleNames<'a> {
    names: Vec<&'a str>,
    lookup: Lookup,
}

impl<'a> RoleNames<'a> {
    pub(super) fn new(rows: &'a PolicyRows) -> Self {
        let names: Vec<&str> = rows.roles.keys().map(RoleName::as_str).collect();
        let lookup = Lookup::new(names.iter().copied());
        Self { names, lookup }
    }

    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.lookup.find(name, |at| self.names.get(place(at)).copied().unwrap_or_default())
    }
}

/// All roles, in order of name.
#[derive(Debug)]
pub(crate) struct Roles {
    entries: Vec<RoleEntry>,
    juniors: Lists<u32>,
    grants: Lists<(PermissionPattern, Effect)>,
    /// How many words a role has in `said`.
    words: usize,
    /// For each role a row: what it and all that it inherits allow and deny. Empty if the role is disabled.
    said: Vec<Said>,
    /// How many words a permission has in `allowing`.
    column_words: usize,
    /// For each permission the roles that allow it: the same bits the other way round.
    allowing: Vec<u64>,
}

impl Roles {
    /// The roles, and their numbers with juniors before seniors.
    pub(super) fn new(
        rows: &PolicyRows,
        names: &RoleNames<'_>,
        registry: &Registry,
        problems: &mut Vec<Problem>,
    ) -> Result<(Self, Vec<u32>), Error> {
        let juniors = read_inheritance(rows, names, problems);
        let juniors_first =
            hierarchy::juniors_first(&juniors).map_err(|circle| circle_error(rows, &circle))?;
        let entries: Vec<_> = rows.roles.iter().map(|(name, row)| entry(name, row, rows, problems)).collect();
        let words = words_for(registry.count());
        let mut roles = Self {
            juniors,
            grants: Lists::with_room(entries.len(), rows.grants.len()),
            words,
            said: vec![Said::default(); words.saturating_mul(entries.len())],
            column_words: words_for(entries.len()),
            allowing: Vec::new(),
            entries,
        };
        roles.read_grants(rows, names, registry, problems);
        roles.spread(&juniors_first);
        roles.allowing = columns(&roles.said, words, roles.entries.len());
        Ok((roles, juniors_first))
    }

    fn read_grants(
        &mut self,
        rows: &PolicyRows,
        names: &RoleNames<'_>,
        registry: &Registry,
        problems: &mut Vec<Problem>,
    ) {
        let mut expanded = HashMap::<_, _, RandomState>::default();
        for (row, &effect) in &rows.grants {
            let Some(role) = names.find(row.role.as_str()) else {
                let (role, pattern) = (row.role.clone(), row.pattern.clone());
                problems.push(Problem::GrantedRoleUnknown { role, pattern });
                continue;
            };
            let bits = expanded.entry(&row.pattern).or_insert_with(|| expand(&row.pattern, registry));
            if bits.is_empty()
                && let Some(permission) = row.pattern.exact()
            {
                problems.push(Problem::GrantedPermissionUnknown { role: row.role.clone(), permission });
                continue;
            }
            self.grants.push(role, (row.pattern.clone(), effect));
            for &bit in bits.iter() {
                if let Some(said) = self.said.get_mut(place(role) * self.words + word_of(bit)) {
                    match effect {
                        Effect::Allow => said.allow |= mask_of(bit),
                        Effect::Deny => said.deny |= mask_of(bit),
                    }
                }
            }
        }
        self.grants.finish(index(self.entries.len()));
    }

    /// Gives every role what its juniors have. A disabled role has nothing, so nothing passes through it.
    fn spread(&mut self, juniors_first: &[u32]) {
        let mut sum = vec![Said::default(); self.words];
        for &role in juniors_first {
            let (juniors, enabled) = (self.juniors.of(role), self.is_enabled(role));
            if juniors.is_empty() && enabled {
                continue;
            }
            sum.fill(Said::default());
            if enabled {
                for &part in juniors.iter().chain([&role]) {
                    sum.iter_mut().zip(self.row(part)).for_each(|(sum, &more)| *sum = sum.and(more));
                }
            }
            let from = place(role) * self.words;
            if let Some(row) = self.said.get_mut(from..from + self.words) {
                row.copy_from_slice(&sum);
            }
        }
    }

    pub(crate) fn entry(&self, role: u32) -> Option<&RoleEntry> {
        self.entries.get(place(role))
    }

    /// All, in order of name.
    pub(crate) fn entries(&self) -> &[RoleEntry] {
        &self.entries
    }

    /// The number of a role.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.entries.binary_search_by(|role| role.name.as_str().cmp(name)).ok().map(index)
    }

    pub(crate) fn is_enabled(&self, role: u32) -> bool {
        self.entry(role).is_some_and(|role| role.enabled)
    }

    /// The roles that each role inherits by itself.
    pub(crate) fn juniors(&self) -> &Lists<u32> {
        &self.juniors
    }

    /// What stands in the role itself, whether it is enabled or not.
    pub(crate) fn grants(&self, role: u32) -> &[(PermissionPattern, Effect)] {
        self.grants.of(role)
    }

    /// What the role and all that it inherits say about a word of permissions.
    #[inline]
    pub(crate) fn said(&self, role: u32, word: usize) -> Said {
        self.said.get(place(role) * self.words + word).copied().unwrap_or_default()
    }

    /// The same for all permissions.
    pub(crate) fn row(&self, role: u32) -> &[Said] {
        let from = place(role) * self.words;
        self.said.get(from..from + self.words).unwrap_or_default()
    }

    /// How many words the rows have.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// True if the role, enabled, or one that it inherits has such a grant for the permission.
    pub(crate) fn carries(&self, role: u32, bit: u32, effect: Effect) -> bool {
        self.said(role, word_of(bit)).of(effect) & mask_of(bit) != 0
    }

    /// All roles that allow a permission, whatever they or others deny, in order.
    pub(crate) fn allowing(&self, bit: u32) -> impl Iterator<Item = u32> {
        let from = place(bit) * self.column_words;
        let column = self.allowing.get(from..from + self.column_words).unwrap_or_default();
        members(column.iter().copied())
    }
}

fn entry(name: &RoleName, row: &RoleRow, rows: &PolicyRows, problems: &mut Vec<Problem>) -> RoleEntry {
    let mut data_scope = row.data_scope.clone();
    if let DataScope::Departments(departments) = &mut data_scope {
        departments.retain(|&department| {
            let known = rows.departments.contains_key(&department);
            if !known {
                problems.push(Problem::ScopeDepartmentUnknown { role: name.clone(), department });
            }
            known
        });
    }
    RoleEntry { name: name.clone(), enabled: row.enabled, data_scope }
}

fn read_inheritance(rows: &PolicyRows, names: &RoleNames<'_>, problems: &mut Vec<Problem>) -> Lists<u32> {
    let mut juniors = Lists::with_room(rows.roles.len(), rows.inheritance.len());
    for row in &rows.inheritance {
        let unknown = match (names.find(row.senior.as_str()), names.find(row.junior.as_str())) {
            (Some(senior), Some(junior)) => {
                juniors.push(senior, junior);
                continue;
            }
            (None, _) => row.senior.clone(),
            (_, None) => row.junior.clone(),
        };
        let (senior, junior) = (row.senior.clone(), row.junior.clone());
        problems.push(Problem::InheritanceUnknown { senior, junior, unknown });
    }
    juniors.finish(index(rows.roles.len()));
    juniors
}

fn circle_error(rows: &PolicyRows, circle: &[u32]) -> Error {
    let names: Vec<&RoleName> = rows.roles.keys().collect();
    let named = circle.iter().filter_map(|&at| names.get(place(at)).copied().cloned());
    Repr::Cycle(RolePath(named.collect())).into()
}

/// The bits of all registered permissions that a pattern matches.
fn expand(pattern: &PermissionPattern, registry: &Registry) -> Vec<u32> {
    if pattern.mode() != WildcardMode::Shiro && !pattern.as_str().contains('*') {
        return registry.bit_of(pattern.as_str()).into_iter().collect();
    }
    let near = registry.starting_with(pattern.literal_start());
    near.filter(|(name, _)| pattern.matches(name)).map(|(_, bit)| bit).collect()
}
