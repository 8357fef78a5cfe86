//! What happens to one user in one place, worked out once for all users who are in the same situation.

use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::{DiffGroup, ScopeChange};
use crate::bits::{BitSet, mask_of, members, word_of};
use crate::name::{DepartmentId, DomainName, PermissionName, UserId};
use crate::policy::Policy;
use crate::policy::lists::{index, place};
use crate::scope::{DataScope, Scope};
use crate::subject::{Standing, Subject};

/// What happens, in common bits.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Change {
    gained: Vec<u32>,
    lost: Vec<u32>,
    rescoped: Vec<(u32, Scope, Scope)>,
}

/// All that the answers about a user in a place depend on, in one policy; none if nothing is permitted anyway.
#[derive(PartialEq, Eq, Hash)]
struct Situation {
    roles: Vec<u32>,
    department: Option<DepartmentId>,
}

/// Two policies. A common bit is one of the policy afterwards, or behind those one of a permission that is gone.
pub(super) struct Compare<'a> {
    before: &'a Policy,
    names: Vec<&'a PermissionName>,
    /// The common bit of each bit of the policy before; none if they are the same anyway.
    moved: Option<Vec<u32>>,
    scoped: bool,
    known: HashMap<[Option<Situation>; 2], Rc<Change>, RandomState>,
}

impl<'a> Compare<'a> {
    pub(super) fn new(before: &'a Policy, after: &'a Policy) -> Self {
        let mut names = after.registry().names();
        let mut moved = Vec::new();
        for name in before.registry().names() {
            let next = index(names.len());
            let bit = after.registry().bit_of(name.as_str()).unwrap_or(next);
            if bit == next {
                names.push(name);
            }
            moved.push(bit);
        }
        let same = (0..).zip(&moved).all(|(bit, &to)| bit == to);
        let moved = (!same).then_some(moved);
        let scoped = opens_rows(before) || opens_rows(after);
        Self { before, names, moved, scoped, known: HashMap::default() }
    }

    /// What happens to a user between two places; none if nothing.
    pub(super) fn change(
        &mut self,
        old: Option<Subject<'_>>,
        new: Option<Subject<'_>>,
    ) -> Option<Rc<Change>> {
        let both = [situation(old), situation(new)];
        let change = match self.known.get(&both) {
            Some(change) => Rc::clone(change),
            None => {
                let change = Rc::new(self.work_out(old, new));
                self.known.insert(both, Rc::clone(&change));
                change
            }
        };
        let nothing = change.gained.is_empty() && change.lost.is_empty() && change.rescoped.is_empty();
        (!nothing).then_some(change)
    }

    fn work_out(&self, old: Option<Subject<'_>>, new: Option<Subject<'_>>) -> Change {
        let had = self.common(words(old));
        let has = words(new);
        let mut change =
            Change { gained: without(&has, &had), lost: without(&had, &has), rescoped: Vec::new() };
        if let (true, Some(old), Some(new)) = (self.scoped, old, new) {
            let holds = |bit: &u32| has.get(word_of(*bit)).is_some_and(|word| word & mask_of(*bit) != 0);
            for bit in members(had).filter(holds) {
                let name = self.names.get(place(bit)).map_or("", |name| name.as_str());
                let Some(bit_before) = self.before.registry().bit_of(name) else { continue };
                let (seen, sees) = (old.scope_of(bit_before), new.scope_of(bit));
                if seen != sees {
                    change.rescoped.push((bit, seen, sees));
                }
            }
        }
        change
    }

    /// Words of the policy before as common ones.
    fn common(&self, words: Vec<u64>) -> Vec<u64> {
        let Some(moved) = &self.moved else { return words };
        let mut bits = BitSet::with_room(self.names.len());
        for &bit in members(words).filter_map(|bit| moved.get(place(bit))) {
            bits.insert(bit);
        }
        bits.into_words()
    }

    /// The change with its names.
    pub(super) fn group(&self, domain: Option<DomainName>, change: &Change, users: Vec<UserId>) -> DiffGroup {
        let name = |bit: &u32| self.names.get(place(*bit)).copied().cloned();
        let named = |bits: &[u32]| {
            let mut names: Vec<PermissionName> = bits.iter().filter_map(name).collect();
            names.sort_unstable();
            names
        };
        let rescoped = change.rescoped.iter().filter_map(|(bit, before, after)| {
            let (before, after) = (before.clone(), after.clone());
            name(bit).map(|permission| ScopeChange { permission, before, after })
        });
        let mut rescoped: Vec<ScopeChange> = rescoped.collect();
        rescoped.sort_unstable();
        DiffGroup { domain, users, gained: named(&change.gained), lost: named(&change.lost), rescoped }
    }
}

fn opens_rows(policy: &Policy) -> bool {
    policy.role_table().entries().iter().any(|role| role.data_scope != DataScope::Nothing)
}

fn situation(subject: Option<Subject<'_>>) -> Option<Situation> {
    let able = |subject: &Subject<'_>| matches!(subject.standing(), Standing::Plain | Standing::Limited);
    let subject = subject.filter(able)?;
    let mut roles: Vec<u32> = subject.held_roles().collect();
    roles.sort_unstable();
    roles.dedup();
    Some(Situation { roles, department: subject.department() })
}

fn words(subject: Option<Subject<'_>>) -> Vec<u64> {
    subject.map(|subject| subject.permitted().collect()).unwrap_or_default()
}

/// The bits of some words that others lack.
fn without(words: &[u64], others: &[u64]) -> Vec<u32> {
    let others = others.iter().copied().chain(std::iter::repeat(0));
    members(words.iter().zip(others).map(|(word, other)| word & !other)).collect()
}
