//! Step-up: the user has lately proved again who they are, for a purpose and for a while.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::session::attributes::{plain, unreadable};
use crate::time::UnixMillis;

/// What a proof is for, such as `pay` or `change-password`: 1 to 32 of `a-z A-Z 0-9 - _ .`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purpose(String);

impl Purpose {
    /// The longest purpose, in bytes.
    pub const BYTES_MAX: usize = 32;

    /// A purpose from its text.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 32 ASCII letters, digits, `-`, `_` or `.`.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        plain(text.into(), Self::BYTES_MAX).map(Self)
    }

    /// The purpose as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A proof that the application has just seen, a password or a code, and how long it counts.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{Proof, Purpose};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let proof = Proof::new(Purpose::new("pay")?, Duration::from_secs(300))?;
/// assert_eq!(proof.life(), Duration::from_secs(300));
/// assert!(Proof::new(Purpose::new("pay")?, Duration::ZERO).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    purpose: Purpose,
    life: Duration,
}

impl Proof {
    /// The longest life: a day.
    pub const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);

    /// A proof for a purpose that counts for so long, in whole milliseconds.
    ///
    /// # Errors
    /// `InvalidInput` unless it counts for at least a second and at most [`Proof::LIFE_MAX`].
    pub fn new(purpose: Purpose, life: Duration) -> Result<Self, Error> {
        if life < Duration::from_secs(1) || life > Self::LIFE_MAX {
            return Err(Error::new(ErrorKind::InvalidInput, "a proof must count for a second to a day"));
        }
        Ok(Self { purpose, life })
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// How long it counts.
    #[must_use]
    pub const fn life(&self) -> Duration {
        self.life
    }
}

/// The proofs that a session has noted, each with its own end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proofs(BTreeMap<Purpose, UnixMillis>);

impl Proofs {
    /// How many proofs a session notes at a time.
    pub const COUNT_MAX: usize = 16;

    /// When the proof for a purpose ends or has ended; `None` if there is none.
    #[must_use]
    pub fn until(&self, purpose: &Purpose) -> Option<UnixMillis> {
        self.0.get(purpose).copied()
    }

    /// All of them, those that have ended too, in the order of their purposes.
    pub fn iter(&self) -> impl Iterator<Item = (&Purpose, UnixMillis)> {
        self.0.iter().map(|(purpose, until)| (purpose, *until))
    }

    /// The proofs with one more, without those that have ended; `None` if they were too many.
    #[must_use]
    pub fn with(&self, proof: &Proof, now: UnixMillis) -> Option<Self> {
        let mut next = self.0.clone();
        next.retain(|_, until| now < *until);
        next.insert(proof.purpose.clone(), now.saturating_add(proof.life));
        (next.len() <= Self::COUNT_MAX).then_some(Self(next))
    }

    /// The proofs as one text for a store: a line `purpose=end` each, the end in milliseconds.
    #[must_use]
    pub fn encode(&self) -> String {
        self.0.iter().map(|(purpose, until)| format!("{}={}\n", purpose.0, until.as_millis())).collect()
    }

    /// Reads what [`encode`](Self::encode) wrote, in any order of the lines.
    ///
    /// # Errors
    /// `Corrupt` if it is anything else.
    pub fn decode(text: &str) -> Result<Self, Error> {
        let mut proofs = BTreeMap::new();
        for line in text.split_terminator('\n') {
            let (purpose, until) = line.split_once('=').ok_or_else(unreadable)?;
            let purpose = Purpose::new(purpose).map_err(|_| unreadable())?;
            let until = until.parse().map_err(|_| unreadable())?;
            proofs.insert(purpose, UnixMillis::new(until).map_err(|_| unreadable())?);
        }
        if proofs.len() > Self::COUNT_MAX {
            return Err(unreadable());
        }
        Ok(Self(proofs))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> UnixMillis {
        UnixMillis::new(millis).unwrap()
    }

    fn proof(purpose: &str, secs: u64) -> Proof {
        Proof::new(Purpose::new(purpose).unwrap(), Duration::from_secs(secs)).unwrap()
    }

    #[test]
    fn a_proof_ends_and_makes_room() {
        let mut proofs = Proofs::default();
        for place in 0..Proofs::COUNT_MAX {
            proofs = proofs.with(&proof(&format!("p{place}"), 10), at(0)).unwrap();
        }
        assert_eq!(proofs.with(&proof("one-more", 10), at(9_999)), None);
        // The same purpose again is no further proof.
        let again = proofs.with(&proof("p3", 20), at(9_999)).unwrap();
        assert_eq!(again.until(&Purpose::new("p3").unwrap()), Some(at(29_999)));
        let later = proofs.with(&proof("one-more", 10), at(10_000)).unwrap();
        assert_eq!(later.iter().count(), 1);
    }

    proptest! {
        #[test]
        fn proofs_are_read_as_they_were_written(
            pairs in proptest::collection::btree_map("[a-zA-Z0-9._-]{1,32}", 0..=UnixMillis::MAX.as_millis(), 0..=16)
        ) {
            let pairs = pairs.into_iter().map(|(text, until)| (Purpose::new(text).unwrap(), at(until)));
            let proofs = Proofs(pairs.collect());
            prop_assert_eq!(Proofs::decode(&proofs.encode()).unwrap(), proofs);
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(\\PC|[a-c]=|[0-9]|\n){0,30}") {
            match Proofs::decode(&text) {
                Ok(proofs) => prop_assert_eq!(Proofs::decode(&proofs.encode()).unwrap(), proofs),
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Corrupt),
            }
        }
    }
}
