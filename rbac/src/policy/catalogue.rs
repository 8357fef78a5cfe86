//! The registered permissions and their ids. An id keeps its meaning along a line of policies.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bits::BitSet;
use crate::name::PermissionName;

/// A registered permission as a number, for checks without text.
///
/// It stays good in all later policies of the same [`Live`](crate::Live), so it may be looked up once and
/// kept. A policy of another line, or one in which the permission is gone, denies it to everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PermissionId {
    line: u64,
    index: usize,
}

/// All permissions ever registered in a line of policies, and which of them are registered now.
#[derive(Clone, Debug)]
pub(super) struct Catalogue {
    line: u64,
    names: Vec<PermissionName>,
    indices: HashMap<PermissionName, usize>,
    registered: BitSet,
}

/// Tells lines apart, so that an id cannot be taken for another permission of another line.
static LINES: AtomicU64 = AtomicU64::new(0);

impl Catalogue {
    /// A new line without permissions.
    pub(super) fn new() -> Self {
        Self {
            line: LINES.fetch_add(1, Ordering::Relaxed),
            names: Vec::new(),
            indices: HashMap::new(),
            registered: BitSet::default(),
        }
    }

    /// Makes these the registered permissions. Old ones keep their index, new ones get the next.
    pub(super) fn register<'a>(&mut self, names: impl IntoIterator<Item = &'a PermissionName>) {
        self.registered = BitSet::default();
        for name in names {
            let index = *self.indices.entry(name.clone()).or_insert_with(|| {
                self.names.push(name.clone());
                self.names.len() - 1
            });
            self.registered.insert(index);
        }
    }

    pub(super) fn id(&self, name: &PermissionName) -> Option<PermissionId> {
        let index = self.indices.get(name).copied().filter(|&index| self.registered.contains(index))?;
        Some(PermissionId { line: self.line, index })
    }

    /// The bit of a permission, if the id belongs to this line. No role has the bit of one that is gone.
    #[inline]
    pub(super) fn index(&self, id: PermissionId) -> Option<usize> {
        (id.line == self.line).then_some(id.index)
    }

    /// The bit of a registered permission.
    pub(super) fn index_of(&self, name: &PermissionName) -> Option<usize> {
        self.id(name).map(|id| id.index)
    }

    pub(super) fn name(&self, index: usize) -> Option<&PermissionName> {
        self.names.get(index)
    }

    pub(super) fn registered(&self) -> Vec<PermissionName> {
        let mut names: Vec<_> =
            self.registered.iter().filter_map(|index| self.name(index)).cloned().collect();
        names.sort_unstable();
        names
    }

    pub(super) fn registered_count(&self) -> usize {
        self.registered.iter().count()
    }
}
