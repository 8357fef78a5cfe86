//! What the sandbox can be told to do wrong, for one trade or for all: the things that happen to real shops.

use super::book::Key;
use std::collections::HashMap;

/// One kind of mischief. Messages of the wrong kinds come beside the honest one and before it, never instead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mischief {
    /// Every notify comes twice.
    Duplicate,
    /// The first notify of a trade is held back for half a minute, so that later ones overtake it.
    Reordered,
    /// A notify signed by the gateway that names another amount.
    WrongAmount,
    /// A notify signed by somebody else.
    Forged,
    /// A notify with WeChat Pay's probe signature; other gateways send none.
    Probe,
    /// No notify is ever sent.
    Lost,
    /// A call does its work, and the answer is lost (status 504).
    ReplyLost,
    /// A call does its work, and the answer is cut in half.
    ReplyGarbled,
    /// Calls are turned away before they do anything, as a gateway under load does.
    Busy,
    /// Answers come late, by [`SLOW_MILLIS`](super::SLOW_MILLIS).
    Slow,
}

/// The switches.
#[derive(Debug, Default)]
pub(super) struct Switches {
    everywhere: Vec<Mischief>,
    by_trade: HashMap<Key, Vec<Mischief>>,
}

impl Mischief {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Duplicate,
        Self::Reordered,
        Self::WrongAmount,
        Self::Forged,
        Self::Probe,
        Self::Lost,
        Self::ReplyLost,
        Self::ReplyGarbled,
        Self::Busy,
        Self::Slow,
    ];

    /// The word for command lines and forms.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Reordered => "reordered",
            Self::WrongAmount => "wrong_amount",
            Self::Forged => "forged",
            Self::Probe => "probe",
            Self::Lost => "lost",
            Self::ReplyLost => "reply_lost",
            Self::ReplyGarbled => "reply_garbled",
            Self::Busy => "busy",
            Self::Slow => "slow",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mischief| mischief.code() == code)
    }
}

impl Switches {
    /// Turns one kind on or off, for one trade or for all.
    pub(super) fn set(&mut self, key: Option<&Key>, mischief: Mischief, on: bool) {
        let kinds = match key {
            Some(key) => self.by_trade.entry(key.clone()).or_default(),
            None => &mut self.everywhere,
        };
        kinds.retain(|kind| *kind != mischief);
        if on {
            kinds.push(mischief);
        }
        self.by_trade.retain(|_, kinds| !kinds.is_empty());
    }

    /// True if this kind is on for all, or for this trade.
    pub(super) fn has(&self, key: Option<&Key>, mischief: Mischief) -> bool {
        let own = key.and_then(|key| self.by_trade.get(key));
        self.everywhere.contains(&mischief) || own.is_some_and(|kinds| kinds.contains(&mischief))
    }

    /// What is on for all.
    pub(super) fn everywhere(&self) -> &[Mischief] {
        &self.everywhere
    }

    /// What is on for this trade alone.
    pub(super) fn of(&self, key: &Key) -> &[Mischief] {
        self.by_trade.get(key).map(Vec::as_slice).unwrap_or_default()
    }
}
