//! The registered permissions: names, bits and ids. An id keeps its meaning along a line of policies.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::lists::{index, place};
use super::lookup::Lookup;
use crate::catalogue::{Catalogue, Permission};
use crate::error::Error;
use crate::name::PermissionName;
use crate::perm;
use crate::rows::PolicyRows;

/// A registered permission as a number, for checks without text.
///
/// Declared permissions ([`permissions!`](crate::permissions)) turn into one by themselves. One that was looked up
/// with [`Policy::permission`](crate::Policy::permission) stays good in all later policies of the same
/// [`Live`](crate::Live), so it may be kept. A policy of another line or without that catalogue, or one in which the
/// permission is gone, denies it to everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PermissionId {
    /// The fingerprint of a catalogue, or the number of a line.
    origin: u64,
    index: u32,
}

impl From<Permission> for PermissionId {
    #[inline]
    fn from(declared: Permission) -> Self {
        Self { origin: declared.fingerprint, index: declared.index }
    }
}

/// Policies that follow each other. It remembers each permission that was ever registered by rows, so that no two
/// of them ever share an id, whichever policies of the line are kept.
#[derive(Debug)]
struct Line {
    number: u64,
    slots: Mutex<HashMap<PermissionName, u32>>,
}

/// Tells lines apart, so that an id cannot be taken for another permission of another line. Catalogues have the
/// highest bit set, lines never do.
static LINES: AtomicU64 = AtomicU64::new(0);

/// No bit.
const NONE: u32 = u32::MAX;

/// The permissions of one policy: first the crate's own, then the application's catalogue, then those that only rows
/// register.
#[derive(Debug)]
pub(crate) struct Registry {
    line: Arc<Line>,
    /// The number of the line.
    number: u64,
    /// How many bits the crate's own permissions take.
    own: u32,
    /// The application's catalogue, and the bit behind its last one.
    fingerprint: u64,
    declared: u32,
    catalogue: Option<&'static Catalogue>,
    names: Vec<PermissionName>,
    /// Where each name stands.
    bits: Lookup,
    /// All bits in order of name, and the place of each bit in that order.
    sorted: Vec<u32>,
    ranks: Vec<u32>,
    /// The slot of each bit that only rows register, and the bit of each slot of the line.
    slots: Vec<u32>,
    slot_bits: Vec<u32>,
}

impl Registry {
    /// The permissions of these rows and catalogues, in the line of a policy before it or in a new one.
    pub(super) fn new(
        catalogue: Option<&'static Catalogue>,
        rows: &PolicyRows,
        before: Option<&Self>,
    ) -> Result<Self, Error> {
        let line = before.map_or_else(new_line, |before| Arc::clone(&before.line));
        let entries = catalogue.into_iter().flat_map(Catalogue::entries);
        let declared = perm::CATALOGUE.entries().chain(entries);
        let mut names =
            declared.map(|entry| PermissionName::new(entry.name)).collect::<Result<Vec<_>, _>>()?;
        let declared = names.len();
        let in_code = lookup(&names);
        let only_in_rows = |name: &&PermissionName| find(&in_code, &names, name.as_str()).is_none();
        let more: Vec<_> = rows.permissions.keys().filter(only_in_rows).cloned().collect();
        names.extend(more);
        let bits = lookup(&names);
        let (slots, slot_bits) = line.slots_of(&names, declared);
        let (sorted, ranks) = order(&names);
        Ok(Self {
            number: line.number,
            line,
            own: index(perm::CATALOGUE.entries().count()),
            fingerprint: catalogue.unwrap_or(perm::CATALOGUE).fingerprint(),
            declared: index(declared),
            catalogue,
            names,
            bits,
            sorted,
            ranks,
            slots,
            slot_bits,
        })
    }

    /// The bit of an id; none if it is not of this policy.
    #[inline]
    pub(crate) fn bit(&self, id: PermissionId) -> Option<u32> {
        // INVARIANT: an index of a catalogue is below its length, so it stays among the bits of that catalogue.
        if id.origin == perm::CATALOGUE.fingerprint() {
            return Some(id.index);
        }
        if id.origin == self.fingerprint {
            return Some(self.own.saturating_add(id.index));
        }
        let slot = (id.origin == self.number).then_some(id.index)?;
        self.slot_bits.get(place(slot)).copied().filter(|&bit| bit != NONE)
    }

    #[inline]
    pub(crate) fn bit_of(&self, name: &str) -> Option<u32> {
        find(&self.bits, &self.names, name)
    }

    #[inline]
    pub(super) fn id(&self, name: &str) -> Option<PermissionId> {
        let bit = self.bit_of(name)?;
        if bit < self.own {
            return Some(PermissionId { origin: perm::CATALOGUE.fingerprint(), index: bit });
        }
        if bit < self.declared {
            return Some(PermissionId { origin: self.fingerprint, index: bit - self.own });
        }
        let slot = self.slots.get(place(bit - self.declared)).copied()?;
        Some(PermissionId { origin: self.number, index: slot })
    }

    pub(crate) fn name(&self, bit: u32) -> Option<&PermissionName> {
        self.names.get(place(bit))
    }

    /// All names, by bit.
    pub(crate) fn names(&self) -> Vec<&PermissionName> {
        self.names.iter().collect()
    }

    /// The number of bits.
    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn catalogue(&self) -> Option<&'static Catalogue> {
        self.catalogue
    }

    /// All bits in order of name.
    pub(crate) fn sorted(&self) -> &[u32] {
        &self.sorted
    }

    /// All names that start with a text, with their bits.
    pub(super) fn starting_with<'a>(
        &'a self,
        start: &'a str,
    ) -> impl Iterator<Item = (&'a PermissionName, u32)> {
        let text = |bit: u32| self.name(bit).map_or("", PermissionName::as_str);
        let first = self.sorted.partition_point(|&bit| text(bit) < start);
        let rest = self.sorted.iter().skip(first).map_while(move |&bit| Some((self.name(bit)?, bit)));
        rest.take_while(move |(name, _)| name.as_str().starts_with(start))
    }

    /// The names of some bits, in order of name.
    pub(crate) fn names_of(&self, bits: impl Iterator<Item = u32>) -> Vec<PermissionName> {
        let mut ranks: Vec<u32> = bits.filter_map(|bit| self.ranks.get(place(bit)).copied()).collect();
        ranks.sort_unstable();
        let sorted = ranks.into_iter().filter_map(|rank| self.sorted.get(place(rank)));
        sorted.filter_map(|&bit| self.name(bit)).cloned().collect()
    }
}

fn lookup(names: &[PermissionName]) -> Lookup {
    Lookup::new(names.iter().map(PermissionName::as_str))
}

#[inline]
fn find(lookup: &Lookup, names: &[PermissionName], name: &str) -> Option<u32> {
    lookup.find(name, |bit| names.get(place(bit)).map_or("", PermissionName::as_str))
}

fn new_line() -> Arc<Line> {
    let number = LINES.fetch_add(1, Ordering::Relaxed);
    Arc::new(Line { number, slots: Mutex::default() })
}

impl Line {
    /// The slots of the names from a first one on, the next ones for those that are new; and the bits of all slots, one
    /// that was declared meanwhile among them.
    fn slots_of(&self, names: &[PermissionName], first: usize) -> (Vec<u32>, Vec<u32>) {
        let mut known = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slots = Vec::with_capacity(names.len().saturating_sub(first));
        for name in names.iter().skip(first) {
            let next = index(known.len());
            slots.push(*known.entry(name.clone()).or_insert(next));
        }
        let mut slot_bits = vec![NONE; known.len()];
        for (bit, name) in names.iter().enumerate() {
            let entry = known.get(name).and_then(|&slot| slot_bits.get_mut(place(slot)));
            entry.into_iter().for_each(|entry| *entry = index(bit));
        }
        (slots, slot_bits)
    }
}

fn order(names: &[PermissionName]) -> (Vec<u32>, Vec<u32>) {
    let mut sorted: Vec<(&PermissionName, u32)> =
        names.iter().enumerate().map(|(bit, name)| (name, index(bit))).collect();
    sorted.sort_unstable();
    let sorted: Vec<u32> = sorted.into_iter().map(|(_, bit)| bit).collect();
    let mut ranks = vec![0; sorted.len()];
    for (rank, &bit) in sorted.iter().enumerate() {
        if let Some(entry) = ranks.get_mut(place(bit)) {
            *entry = index(rank);
        }
    }
    (sorted, ranks)
}

#[cfg(test)]
mod tests {
    use crate::name::Label;
    use crate::policy::Policy;
    use crate::rows::{PermissionRow, PolicyRows};
    use crate::store::Revision;

    fn policy(names: &[&str], before: Option<&Policy>) -> Policy {
        let mut rows = PolicyRows::default();
        let row = |name: &&str| (name.parse().unwrap(), PermissionRow::new(Label::default()));
        rows.permissions.extend(names.iter().map(row));
        Policy::compile_at(Revision::default(), None, &rows, before).unwrap()
    }

    #[test]
    fn an_id_keeps_its_meaning_along_a_line_and_is_never_given_twice() {
        let first = policy(&["b", "d"], None);
        let [b, d] = ["b", "d"].map(|name| first.permission(&name.parse().unwrap()).unwrap());
        let named = |policy: &Policy, id| policy.name(id).map(ToString::to_string);
        // Two heirs of one policy, each with a newcomer before the others in order of name.
        let left = policy(&["a", "b", "d"], Some(&first));
        let right = policy(&["b", "c"], Some(&first));
        for heir in [&left, &right] {
            assert_eq!(named(heir, b), Some("b".to_owned()));
        }
        assert_eq!((named(&left, d), named(&right, d)), (Some("d".to_owned()), None));
        let [a, c] = [(&left, "a"), (&right, "c")]
            .map(|(heir, name)| heir.permission(&name.parse().unwrap()).unwrap());
        assert_ne!(a, c);
        assert_eq!((named(&right, a), named(&left, c), named(&first, a)), (None, None, None));
        let last = policy(&["a", "b", "c", "d"], Some(&right));
        let all = [a, b, c, d].map(|id| named(&last, id).unwrap());
        assert_eq!(all, ["a", "b", "c", "d"]);
    }
}
