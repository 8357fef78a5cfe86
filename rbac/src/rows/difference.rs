//! What became of rows: those that went, came or became others.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::PolicyRows;

impl PolicyRows {
    /// The rows in which these and the later ones differ: as they are here, and as they are there. A row that went
    /// stands only in the first part, one that came only in the second. Unreadable rows are not compared: no change
    /// touches them.
    ///
    /// ```
    /// use rbac::{PolicyRows, UserRow};
    ///
    /// let before = PolicyRows::default();
    /// let mut after = before.clone();
    /// after.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
    /// let (went, came) = before.difference(&after);
    /// assert!(went.users.is_empty() && came == after);
    /// # Ok::<(), rbac::Error>(())
    /// ```
    #[must_use]
    pub fn difference(&self, later: &Self) -> (Self, Self) {
        let (mut went, mut came) = (Self::default(), Self::default());
        (went.users, came.users) = maps(&self.users, &later.users);
        (went.roles, came.roles) = maps(&self.roles, &later.roles);
        (went.permissions, came.permissions) = maps(&self.permissions, &later.permissions);
        (went.domains, came.domains) = maps(&self.domains, &later.domains);
        (went.departments, came.departments) = maps(&self.departments, &later.departments);
        (went.assignments, came.assignments) = maps(&self.assignments, &later.assignments);
        (went.grants, came.grants) = maps(&self.grants, &later.grants);
        (went.duties, came.duties) = maps(&self.duties, &later.duties);
        (went.inheritance, came.inheritance) = sets(&self.inheritance, &later.inheritance);
        (went, came)
    }

    /// The rows that they become if some go or become others, and others come: what [`difference`](Self::difference)
    /// found, carried out.
    #[must_use]
    pub fn replaced(mut self, went: &Self, came: &Self) -> Self {
        replace(&mut self.users, &went.users, &came.users);
        replace(&mut self.roles, &went.roles, &came.roles);
        replace(&mut self.permissions, &went.permissions, &came.permissions);
        replace(&mut self.domains, &went.domains, &came.domains);
        replace(&mut self.departments, &went.departments, &came.departments);
        replace(&mut self.assignments, &went.assignments, &came.assignments);
        replace(&mut self.grants, &went.grants, &came.grants);
        replace(&mut self.duties, &went.duties, &came.duties);
        self.inheritance.retain(|row| !went.inheritance.contains(row));
        self.inheritance.extend(came.inheritance.iter().cloned());
        self
    }
}

fn replace<K: Clone + Ord, V: Clone>(
    rows: &mut BTreeMap<K, V>,
    went: &BTreeMap<K, V>,
    came: &BTreeMap<K, V>,
) {
    for key in went.keys() {
        rows.remove(key);
    }
    rows.extend(came.iter().map(|(key, value)| (key.clone(), value.clone())));
}

type Both<T> = (T, T);

/// One walk over both, side by side.
fn maps<K: Clone + Ord, V: Clone + PartialEq>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> Both<BTreeMap<K, V>> {
    let (mut went, mut came) = (BTreeMap::new(), BTreeMap::new());
    for (old, new) in side_by_side(before, after, |(key, _)| *key) {
        if let (Some((_, old)), Some((_, new))) = (old, new)
            && old == new
        {
            continue;
        }
        went.extend(old.map(|(key, value)| (key.clone(), value.clone())));
        came.extend(new.map(|(key, value)| (key.clone(), value.clone())));
    }
    (went, came)
}

fn sets<K: Clone + Ord>(before: &BTreeSet<K>, after: &BTreeSet<K>) -> Both<BTreeSet<K>> {
    (before.difference(after).cloned().collect(), after.difference(before).cloned().collect())
}

/// Pairs what has the same key; what has none on the other side stands alone. Both come in order of key.
fn side_by_side<'a, T: Copy, K: Ord + 'a>(
    before: impl IntoIterator<Item = T>,
    after: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> &'a K,
) -> impl Iterator<Item = (Option<T>, Option<T>)> {
    let (mut before, mut after) = (before.into_iter().peekable(), after.into_iter().peekable());
    std::iter::from_fn(move || {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => key(old).cmp(key(new)),
        };
        let old = if order == Ordering::Greater { None } else { before.next() };
        let new = if order == Ordering::Less { None } else { after.next() };
        Some((old, new))
    })
}
