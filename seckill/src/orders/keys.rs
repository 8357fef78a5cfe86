//! The keys of a shard that orders are read from and written to.

use crate::ids::SaleId;
use crate::store::shard;

/// A stream that a consumer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// What was won.
    Wins,
    /// Everything else that changed.
    Changes,
    /// Dead letters that were put back, each for one group.
    Again,
}

/// The keys of one shard of a sale. They carry one hash tag, so that a script sees them all.
#[derive(Debug, Clone)]
pub(crate) struct ShardKeys {
    pub(crate) shard: u16,
    pub(crate) numbers: String,
    pub(crate) wins: String,
    pub(crate) changes: String,
    pub(crate) again: String,
    pub(crate) dead: String,
}

impl Part {
    /// All of them, in the order in which they are read.
    pub(crate) const ALL: [Self; 3] = [Self::Wins, Self::Changes, Self::Again];

    /// The last word of the key.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wins => "wins",
            Self::Changes => "changes",
            Self::Again => "again",
        }
    }

    /// The stream of this name that scripts of a sale write.
    pub(crate) fn origin(name: &str) -> Option<Self> {
        [Self::Wins, Self::Changes].into_iter().find(|part| part.name() == name)
    }
}

impl ShardKeys {
    /// The keys of shard `shard` of `count`.
    pub(crate) fn new(sale: &SaleId, shard: u16, count: u16) -> Self {
        let tag = shard::tag(sale, shard, count);
        let key = |part: &str| shard::key(&tag, part);
        let [wins, changes, again] = Part::ALL.map(|part| key(part.name()));
        Self { shard, numbers: key("numbers"), wins, changes, again, dead: key("dead") }
    }

    /// The key of a stream.
    pub(crate) fn stream(&self, part: Part) -> &str {
        match part {
            Part::Wins => &self.wins,
            Part::Changes => &self.changes,
            Part::Again => &self.again,
        }
    }
}
