//! Separation of duty, compiled: for each role the members of all sets that having it comes to.

use super::lists::{Lists, index, place};
use super::problem::Problem;
use super::roles::{RoleNames, Roles};
use crate::bits::{mask_of, word_of, words_for};
use crate::name::DutyName;
use crate::rows::{DutyKind, PolicyRows};

/// One set.
#[derive(Debug)]
pub(crate) struct DutySet {
    pub(crate) name: DutyName,
    pub(crate) kind: DutyKind,
    pub(crate) cardinality: u32,
    /// The roles of the set that exist. The first one has this bit, the others the bits behind it.
    pub(crate) roles: Vec<u32>,
    first_bit: u32,
}

/// A set of which somebody has too many roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    /// The number of the set.
    pub(crate) set: u32,
    /// The roles of the set that are had, inherited ones among them.
    pub(crate) roles: Vec<u32>,
}

/// All sets, compiled. A bit is one membership of one role in one set.
#[derive(Debug, Default)]
pub(crate) struct Duties {
    sets: Vec<DutySet>,
    words: usize,
    any_dynamic: bool,
    /// For each role a row of words: the memberships of the role and of all that it inherits.
    authorised: Vec<u64>,
    /// The same along enabled roles only: those that are active with it.
    active: Vec<u64>,
}

impl Duties {
    pub(super) fn new(
        rows: &PolicyRows,
        names: &RoleNames<'_>,
        roles: &Roles,
        juniors_first: &[u32],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut duties = Self::default();
        let mut bits = 0;
        for (name, row) in &rows.duties {
            if row.cardinality < 2 {
                problems.push(Problem::DutyShape { duty: name.clone() });
                continue;
            }
            let mut members = Vec::new();
            for role in &row.roles {
                match names.find(role.as_str()) {
                    Some(at) => members.push(at),
                    None => {
                        problems.push(Problem::DutyRoleUnknown { duty: name.clone(), role: role.clone() })
                    }
                }
            }
            let first_bit = bits;
            bits += index(members.len());
            let (kind, cardinality) = (row.kind, row.cardinality);
            duties.any_dynamic |= kind == DutyKind::Dynamic;
            duties.sets.push(DutySet { name: name.clone(), kind, cardinality, roles: members, first_bit });
        }
        duties.words = words_for(place(bits));
        duties.authorised = duties.closed(roles.juniors(), juniors_first, |_| true);
        duties.active = duties.closed(roles.juniors(), juniors_first, |role| roles.is_enabled(role));
        duties
    }

    /// The rows of all roles, closed over the inheritance that passes only through certain roles.
    fn closed(&self, juniors: &Lists<u32>, juniors_first: &[u32], passes: impl Fn(u32) -> bool) -> Vec<u64> {
        let mut rows = vec![0; place(juniors.count()).saturating_mul(self.words)];
        for set in &self.sets {
            for (bit, &role) in (set.first_bit..).zip(&set.roles) {
                if let Some(word) = rows.get_mut(place(role) * self.words + word_of(bit)) {
                    *word |= mask_of(bit);
                }
            }
        }
        let mut sum = vec![0; self.words];
        for &role in juniors_first {
            sum.fill(0);
            if passes(role) {
                for &part in juniors.of(role).iter().chain([&role]) {
                    union(&mut sum, self.row(&rows, part));
                }
            }
            let from = place(role) * self.words;
            if let Some(row) = rows.get_mut(from..from + self.words) {
                row.copy_from_slice(&sum);
            }
        }
        rows
    }

    fn row<'a>(&self, rows: &'a [u64], role: u32) -> &'a [u64] {
        let from = place(role) * self.words;
        rows.get(from..from + self.words).unwrap_or_default()
    }

    pub(crate) fn set(&self, at: u32) -> Option<&DutySet> {
        self.sets.get(place(at))
    }

    pub(crate) fn sets(&self) -> &[DutySet] {
        &self.sets
    }

    /// True if a role of a set comes with having this one, so that it matters here at all.
    pub(crate) fn concern(&self, role: u32) -> bool {
        self.row(&self.authorised, role).iter().any(|&word| word != 0)
    }

    #[inline]
    pub(crate) fn any_dynamic(&self) -> bool {
        self.any_dynamic
    }

    /// The sets of a kind of which these roles and what they inherit are too many: for static ones all that the roles
    /// authorise for, for dynamic ones what is active with them.
    pub(crate) fn breaches(&self, kind: DutyKind, roles: impl IntoIterator<Item = u32>) -> Vec<Breach> {
        self.breaches_with(kind, roles, None)
    }

    /// The same with one more role that counts by itself, whether it is enabled or not.
    pub(crate) fn breaches_with(
        &self,
        kind: DutyKind,
        roles: impl IntoIterator<Item = u32>,
        more: Option<u32>,
    ) -> Vec<Breach> {
        if self.words == 0 {
            return Vec::new();
        }
        let rows = match kind {
            DutyKind::Static => &self.authorised,
            DutyKind::Dynamic => &self.active,
        };
        let mut sum = vec![0; self.words];
        roles.into_iter().for_each(|role| union(&mut sum, self.row(rows, role)));
        for set in &self.sets {
            for (bit, _) in (set.first_bit..).zip(&set.roles).filter(|(_, role)| more == Some(**role)) {
                if let Some(word) = sum.get_mut(word_of(bit)) {
                    *word |= mask_of(bit);
                }
            }
        }
        let of_kind = (0_u32..).zip(&self.sets).filter(|(_, set)| set.kind == kind);
        of_kind.filter_map(|(at, set)| set.breach(at, &sum)).collect()
    }
}

impl DutySet {
    fn breach(&self, at: u32, had: &[u64]) -> Option<Breach> {
        let has = |bit: u32| had.get(word_of(bit)).is_some_and(|word| word & mask_of(bit) != 0);
        let roles = (self.first_bit..).zip(&self.roles).filter(|(bit, _)| has(*bit));
        let roles: Vec<u32> = roles.map(|(_, &role)| role).collect();
        (index(roles.len()) >= self.cardinality).then_some(Breach { set: at, roles })
    }
}

fn union(sum: &mut [u64], more: &[u64]) {
    for (word, more) in sum.iter_mut().zip(more) {
        *word |= more;
    }
}
