//! The counters of one shard, read in one step.

use super::desk::Desk;
use super::reply::{self, Peeked};
use super::script::Call;
use super::shard::Shard;
use crate::error::Error;
use crate::outcome::Count;
use crate::phase::Stage;
use crate::time::{At, UnixMillis};

/// Initial, added, withdrawn, moved, left and paid, as the scripts name them.
const LETTERS: &str = "nawmlp";
/// The largest counter, as the scripts have it too.
const COUNTER_MAX: u64 = 99_999_999_999_999;

/// What the counters of a shard tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) stage: Stage,
    pub(crate) step: u64,
    pub(crate) now: UnixMillis,
    pub(crate) counts: Vec<Count>,
}

impl Desk {
    /// Reads the counters of a shard, in one step.
    pub(crate) async fn numbers(&self, shard: &Shard, at: At) -> Result<Numbers, Error> {
        let seen = self.peek(shard, at, LETTERS).await?;
        let counts: Option<Vec<Count>> = seen.counts.iter().map(|row| count(row)).collect();
        let counts = counts.ok_or_else(|| self.corrupt("numbers"))?;
        Ok(Numbers { stage: seen.stage, step: seen.step, now: seen.now, counts })
    }

    /// Looks at some of the counters of a shard.
    pub(crate) async fn peek(&self, shard: &Shard, at: At, letters: &str) -> Result<Peeked, Error> {
        let things = self.terms.skus().len();
        let text = self.run(shard, &Call::peek(shard, at, things, letters)).await?;
        let seen = reply::peeked(&text, self.about(shard), things, letters.len())?;
        let sound = |row: &Vec<i64>| row.iter().zip(letters.chars()).all(|(units, of)| is_sound(*units, of));
        if !seen.counts.iter().all(sound) {
            return Err(self.corrupt("numbers"));
        }
        Ok(seen)
    }
}

/// Whether a counter may be so: only what moved may be less than nothing.
fn is_sound(units: i64, letter: char) -> bool {
    units.unsigned_abs() <= COUNTER_MAX && (units >= 0 || letter == 'm')
}

fn count(row: &[i64]) -> Option<Count> {
    let [initial, added, withdrawn, moved, left, paid] = *row else { return None };
    let whole = |units: i64| u64::try_from(units).ok();
    let count = Count {
        initial: whole(initial)?,
        added: whole(added)?,
        withdrawn: whole(withdrawn)?,
        moved,
        left: whole(left)?,
        held: 0,
        paid: whole(paid)?,
    };
    // What is neither left nor sold is held.
    let held = count.total() - i128::from(left) - i128::from(paid);
    Some(Count { held: u64::try_from(held).ok()?, ..count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_counts_so_far() {
        let max = i64::try_from(COUNTER_MAX).unwrap();
        assert!(is_sound(max, 'l') && is_sound(0, 'l') && is_sound(-max, 'm'));
        assert!(!is_sound(max + 1, 'l') && !is_sound(-1, 'l') && !is_sound(-max - 1, 'm'));
        assert!(!is_sound(i64::MIN, 'm'));
    }
}
