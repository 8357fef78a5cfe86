//! The counters of one shard, read in one step.

use super::desk::Desk;
use super::reply;
use super::script::Call;
use super::shard::Shard;
use crate::error::{Error, Fault};
use crate::outcome::Count;
use crate::phase::Stage;
use crate::time::{At, UnixMillis};

/// Initial, added, withdrawn, moved, left and paid, as the scripts name them.
const LETTERS: &str = "nawmlp";

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
        let things = self.terms.skus().len();
        let text = self.run(shard, &Call::peek(shard, at, things, LETTERS)).await?;
        let seen = reply::peeked(&text, self.about(shard), things, LETTERS.len())?;
        let counts: Option<Vec<Count>> = seen.counts.iter().map(|row| count(row)).collect();
        let counts = counts
            .ok_or_else(|| Fault::Corrupt { sale: self.terms.id().clone(), what: "numbers".to_owned() })?;
        Ok(Numbers { stage: seen.stage, step: seen.step, now: seen.now, counts })
    }
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
