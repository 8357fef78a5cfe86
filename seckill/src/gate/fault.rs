//! What can break at the gate, and the words for it. It reaches the caller as the crate's one error.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::ids::SaleId;

/// A cause from below, kept whole for `source()`.
#[cfg(feature = "redis")]
type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum GateFault {
    #[error("{what} {given} is out of range: use {min} to {max}")]
    Range { what: &'static str, given: u128, min: u64, max: u64 },
    #[error("{what} `{given}` is not one: use {rule}")]
    Text { what: &'static str, given: String, rule: &'static str },
    #[error("the waiting room closes before it opens: put the closing time after the opening time")]
    Window,
    #[error(
        "burst and span of the limit are too large together: \
         keep burst times span under {max} microseconds"
    )]
    Span { max: u64 },
    #[error("the same rate key stands twice in one call: give each limit a scope of its own")]
    KeyTwice,
    #[error("rate keys of sales `{one}` and `{other}` stand in one call: ask for each sale apart")]
    TwoSales { one: SaleId, other: SaleId },
    #[error("a pass for another purpose was to be spent as a path: verify it as a path first")]
    NotPath,
    #[error("the sale path belongs to sale `{path}` and the gate to sale `{gate}`: use one sale for both")]
    OtherPath { path: SaleId, gate: SaleId },
    #[error("the memory store of the gate holds {max} {what} already: raise its limit, or use redis")]
    Full { what: &'static str, max: usize },
    #[cfg(feature = "redis")]
    #[error("redis gave the gate no answer within {millis} ms: check the server, then ask again")]
    Late { millis: u128 },
    #[cfg(feature = "redis")]
    #[error("redis could not be asked by the gate: check the server, then ask again")]
    Unreachable { source: Source },
    #[cfg(feature = "redis")]
    #[error("redis refuses the gate: check the url, the password and the permissions")]
    Denied { source: Source },
    #[cfg(feature = "redis")]
    #[error("a key of the gate of sale `{sale}` holds what no gate writes: keep other programs off it")]
    Foreign { sale: SaleId, source: Option<Source> },
    #[cfg(feature = "redis")]
    #[error("redis failed a script of the gate: check that the server is redis 5 or later")]
    Failed { source: Source },
    #[cfg(feature = "redis")]
    #[error("redis answered the gate `{given}`, which no script of this version says: check the versions")]
    Answer { given: String },
}

impl GateFault {
    /// Who has to act.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Range { .. } | Self::Text { .. } | Self::Window | Self::Span { .. } => {
                ErrorKind::InvalidInput
            }
            Self::KeyTwice | Self::TwoSales { .. } | Self::NotPath | Self::OtherPath { .. } => {
                ErrorKind::Misuse
            }
            Self::Full { .. } => ErrorKind::Unavailable,
            #[cfg(feature = "redis")]
            Self::Late { .. } | Self::Unreachable { .. } => ErrorKind::Unavailable,
            #[cfg(feature = "redis")]
            Self::Denied { .. } => ErrorKind::Misuse,
            #[cfg(feature = "redis")]
            Self::Foreign { .. } => ErrorKind::Corrupt,
            #[cfg(feature = "redis")]
            Self::Failed { .. } | Self::Answer { .. } => ErrorKind::PeerMisbehaved,
        }
    }
}

impl From<GateFault> for Error {
    fn from(fault: GateFault) -> Self {
        crate::error::Fault::from(fault).into()
    }
}

/// Passes `min..=max` and names `what` otherwise.
pub(super) fn in_range(what: &'static str, given: u128, min: u64, max: u64) -> Result<u64, Error> {
    match u64::try_from(given) {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(GateFault::Range { what, given, min, max }.into()),
    }
}

/// Whole milliseconds within bounds; a rest below a millisecond is refused, not cut.
pub(super) fn millis_in_range(
    what: &'static str,
    span: Duration,
    min: Duration,
    max: Duration,
) -> Result<u64, Error> {
    let (min, max) = (millis(min), millis(max));
    let given = in_range(what, span.as_millis(), min, max)?;
    if span.subsec_nanos().is_multiple_of(1_000_000) {
        return Ok(given);
    }
    Err(GateFault::Text { what, given: format!("{span:?}"), rule: "whole milliseconds" }.into())
}

/// The milliseconds of a span that is a constant of this crate.
fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Outside text made safe for a log: escaped and cut.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}
