//! Which state of a policy it is: how many drafts it has seen, and in which history.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// How many drafts a policy has seen. It rises by one with every draft that is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyVersion(u64);

impl PolicyVersion {
    /// Before the first change.
    pub const START: Self = Self(0);

    /// The version with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The version after one more draft.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for PolicyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Tells one history of a policy from another: a random number, drawn anew for each store and by each draft that is
/// carried out.
///
/// A backup that was restored and changed since may have the version of what was there before, with other rows. It has
/// another mark.
///
/// ```
/// use rbac::Mark;
///
/// let mark = Mark::random();
/// assert_eq!(Mark::new(mark.number()), mark);
/// assert_ne!(Mark::random(), mark);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mark(i64);

impl Mark {
    /// The mark with this number.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// Any mark. It is for stores: none twice, though not secret.
    #[must_use]
    pub fn random() -> Self {
        // The keys of the standard library's hashes are drawn from the system and are others each time.
        Self(RandomState::new().hash_one(()).cast_signed())
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

/// A version and the history that it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Revision {
    /// The version.
    pub version: PolicyVersion,
    /// What tells it from the same version of another history.
    pub mark: Mark,
}

impl Revision {
    /// A version of a history.
    #[must_use]
    pub const fn new(version: PolicyVersion, mark: Mark) -> Self {
        Self { version, mark }
    }

    /// True if no draft can have led from the one before here: the store was restored from a backup.
    #[must_use]
    pub fn departs_from(self, before: Self) -> bool {
        self != before && self.version <= before.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_goes_on_only_to_higher_versions() {
        let revision = |version, mark| Revision::new(PolicyVersion::new(version), Mark::new(mark));
        let before = revision(5, 1);
        for (after, departs) in [
            (revision(5, 1), false),
            (revision(6, 1), false),
            (revision(6, 2), false),
            (revision(5, 2), true),
            (revision(4, 1), true),
            (revision(4, 2), true),
        ] {
            assert_eq!(after.departs_from(before), departs, "{after:?}");
        }
    }

    #[test]
    fn marks_do_not_repeat() {
        let draw = || (0..500).map(|_| Mark::random().number()).collect::<Vec<_>>();
        let mut marks = std::thread::spawn(draw).join().unwrap();
        marks.extend(draw());
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), 1000);
    }
}
