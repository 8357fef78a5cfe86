//! When a ring turns, and into what: pure, without a clock, a store or a source of keys.

use crate::error::Error;
use crate::key_ring::KeyTurn;
use crate::key_ring::policy::KeyPolicy;
use crate::key_set::jwks::PublicKeySet;
use crate::key_set::signing_key::SigningKey;
use crate::time::UnixMillis;

/// The keys of an issuer at one moment.
///
/// INVARIANT: a key signs only after it was published as the next one in an earlier version, except the very first.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    /// Grows by one with every change; the first is 1.
    pub(crate) version: u64,
    /// What signs, and since when.
    pub(crate) active: (SigningKey, UnixMillis),
    /// What will sign, and since when it is published.
    pub(crate) next: (SigningKey, UnixMillis),
    /// What has signed, and when the last of its tokens has ended; oldest first.
    pub(crate) retiring: Vec<(SigningKey, UnixMillis)>,
}

/// What is asked of a ring besides the passing of time.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    OnTime,
    Rotate,
    Discard(String),
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing.
    Stay,
    /// Keys leave the ring, and nothing else changes.
    Shed(Ring),
    /// The ring needs a fresh key.
    Turn(Turn),
    /// The wish can be granted from then on.
    TooSoon { at: UnixMillis },
    /// The wish names no key of the ring.
    NoSuchKey,
}

/// A ring that lacks its next key.
#[derive(Debug)]
pub(crate) struct Turn {
    version: u64,
    active: (SigningKey, UnixMillis),
    retiring: Vec<(SigningKey, UnixMillis)>,
    now: UnixMillis,
}

impl Turn {
    /// The ring with its next key, which was made for it.
    pub(crate) fn with(self, fresh: SigningKey) -> Ring {
        let Self { version, active, retiring, now } = self;
        Ring { version, active, next: (fresh, now), retiring }
    }
}

impl Ring {
    /// Keys that retire at once, at most: with the active and the next one a set has 16.
    pub(crate) const RETIRING_MAX: usize = PublicKeySet::KEYS_MAX - 2;

    pub(crate) fn first(active: SigningKey, next: SigningKey, now: UnixMillis) -> Self {
        Self { version: 1, active: (active, now), next: (next, now), retiring: Vec::new() }
    }

    pub(crate) fn active(&self) -> &SigningKey {
        &self.active.0
    }

    /// All keys and their turns: the active one, the next one, then those that retire.
    pub(crate) fn turns(&self) -> impl Iterator<Item = (&SigningKey, KeyTurn)> {
        let Self { active, next, retiring, .. } = self;
        [(&active.0, KeyTurn::Active { since: active.1 }), (&next.0, KeyTurn::Next { since: next.1 })]
            .into_iter()
            .chain(retiring.iter().map(|(key, until)| (key, KeyTurn::Retiring { until: *until })))
    }

    /// What verifiers may meet: all keys.
    pub(crate) fn public(&self) -> Result<PublicKeySet, Error> {
        let mut set = PublicKeySet::of(self.active().verifying_key().clone());
        self.turns().skip(1).try_for_each(|(key, _)| set.add(key.verifying_key().clone()))?;
        Ok(set)
    }

    /// Without the keys whose last token has ended.
    fn shed(&self, now: UnixMillis) -> Vec<(SigningKey, UnixMillis)> {
        self.retiring.iter().filter(|(_, until)| now < *until).cloned().collect()
    }

    /// The same keys without one that retires.
    fn with_retiring(&self, retiring: Vec<(SigningKey, UnixMillis)>) -> Self {
        Self { version: self.version + 1, retiring, ..self.clone() }
    }

    /// The next key takes over; the active one goes where it is told.
    fn turn(&self, retiring: Vec<(SigningKey, UnixMillis)>, now: UnixMillis) -> Turn {
        Turn { version: self.version + 1, active: (self.next.0.clone(), now), retiring, now }
    }
}

/// What a policy and a wish ask of a ring at a time.
pub(crate) fn step(ring: &Ring, policy: &KeyPolicy, now: UnixMillis, wish: &Wish) -> Step {
    match wish {
        Wish::Discard(kid) => discard(ring, now, kid),
        Wish::Rotate => match earliest(ring, policy, now) {
            at if now < at => Step::TooSoon { at },
            _ => Step::Turn(retire(ring, policy, now)),
        },
        Wish::OnTime => {
            let due = ring.active.1.saturating_add(policy.rotate_interval());
            if now >= due.max(earliest(ring, policy, now)) {
                return Step::Turn(retire(ring, policy, now));
            }
            match ring.shed(now) {
                left if left.len() < ring.retiring.len() => Step::Shed(ring.with_retiring(left)),
                _ => Step::Stay,
            }
        }
    }
}

/// When everybody knows the next key and there is room for the active one among the retiring.
fn earliest(ring: &Ring, policy: &KeyPolicy, now: UnixMillis) -> UnixMillis {
    let known = ring.next.1.saturating_add(policy.publish_ahead());
    let left = ring.shed(now);
    let room = left.iter().map(|(_, until)| *until).min().filter(|_| left.len() >= Ring::RETIRING_MAX);
    known.max(room.unwrap_or(UnixMillis::EPOCH))
}

fn retire(ring: &Ring, policy: &KeyPolicy, now: UnixMillis) -> Turn {
    let mut retiring = ring.shed(now);
    retiring.push((ring.active.0.clone(), now.saturating_add(policy.overlap())));
    ring.turn(retiring, now)
}

fn discard(ring: &Ring, now: UnixMillis, kid: &str) -> Step {
    if ring.active.0.kid() == kid {
        return Step::Turn(ring.turn(ring.shed(now), now));
    }
    if ring.next.0.kid() == kid {
        let (version, active) = (ring.version + 1, ring.active.clone());
        return Step::Turn(Turn { version, active, retiring: ring.shed(now), now });
    }
    let left: Vec<_> = ring.retiring.iter().filter(|(key, _)| key.kid() != kid).cloned().collect();
    if left.len() == ring.retiring.len() {
        return Step::NoSuchKey;
    }
    Step::Shed(ring.with_retiring(left))
}
