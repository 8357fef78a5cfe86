//! The life of a sale: its phases, the steps between them, and how time moves it without a step.

use crate::config::SaleConfig;
use crate::time::UnixMillis;

/// Where a sale stands at a time.
///
/// ```text
/// Draft ─warm─▶ Warmed ─(opens)─▶ Open ─(closes) or close─▶ Closed ─settle─▶ Settled
///                  └────pause───▶ Paused ──resume──▶
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Its terms are known and its stock is not loaded.
    Draft,
    /// Its stock is loaded and it opens by itself.
    Warmed,
    /// Requests may win.
    Open,
    /// Stopped by hand for a while: nobody wins, payments go on.
    Paused,
    /// Nobody wins any more. Held reservations may still be paid.
    Closed,
    /// The books are closed: nothing is held, and a payment that still comes has to be refunded.
    Settled,
}

/// A step by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Loads the stock of a draft.
    Warm,
    /// Stops requests from winning.
    Pause,
    /// Ends a pause.
    Resume,
    /// Closes the sale for good, also before its time.
    Close,
    /// Closes the books of a closed sale of which nothing is held.
    Settle,
}

/// The answer to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Steered {
    /// The sale is there now.
    Done,
    /// The sale was there before; nothing changed.
    Already,
    /// This step does not lead on from there.
    Refused {
        /// Where the sale stands.
        phase: Phase,
        /// Units held, which keep a sale from being settled: sweep, or wait for the payments.
        held: u64,
    },
}

/// What is stored of the phase; time tells the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Draft,
    Ready,
    Paused,
    Closed,
    Settled,
}

impl Stage {
    /// The phase at `now`.
    pub(crate) fn phase(self, terms: &SaleConfig, now: UnixMillis) -> Phase {
        match self {
            Self::Settled => Phase::Settled,
            Self::Closed => Phase::Closed,
            _ if now >= terms.closes_at() => Phase::Closed,
            Self::Draft => Phase::Draft,
            Self::Paused => Phase::Paused,
            Self::Ready if now < terms.opens_at() => Phase::Warmed,
            Self::Ready => Phase::Open,
        }
    }

    /// Where `step` leads from here: `Ok(None)` when the sale is there already, `Err` when it does not lead
    /// on. Whether anything is held is the caller's to ask.
    pub(crate) fn after(self, step: Step, over: bool) -> Result<Option<Self>, ()> {
        match (step, self) {
            (Step::Warm, Self::Draft) | (Step::Resume, Self::Paused) => Ok(Some(Self::Ready)),
            (Step::Pause, Self::Ready) => Ok(Some(Self::Paused)),
            (Step::Close, Self::Draft | Self::Ready | Self::Paused) => Ok(Some(Self::Closed)),
            (Step::Settle, Self::Closed) => Ok(Some(Self::Settled)),
            (Step::Settle, Self::Ready | Self::Paused) if over => Ok(Some(Self::Settled)),
            (Step::Warm, Self::Ready | Self::Paused | Self::Closed | Self::Settled)
            | (Step::Resume, Self::Ready)
            | (Step::Pause, Self::Paused)
            | (Step::Close, Self::Closed | Self::Settled)
            | (Step::Settle, Self::Settled) => Ok(None),
            _ => Err(()),
        }
    }

    /// Whether stock may be added or withdrawn at `now`.
    pub(crate) fn takes_stock(self, terms: &SaleConfig, now: UnixMillis) -> bool {
        matches!(self, Self::Ready | Self::Paused) && now < terms.closes_at()
    }

    /// The letter in a store.
    #[cfg(feature = "redis")]
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Draft => 'D',
            Self::Ready => 'R',
            Self::Paused => 'P',
            Self::Closed => 'C',
            Self::Settled => 'S',
        }
    }

    /// The stage with this letter.
    #[cfg(feature = "redis")]
    pub(crate) fn from_letter(letter: char) -> Option<Self> {
        [Self::Draft, Self::Ready, Self::Paused, Self::Closed, Self::Settled]
            .into_iter()
            .find(|stage| stage.letter() == letter)
    }
}
