//! The one error of the crate: what broke, whose fault it is, and whether to try again.
//!
//! An expected no (sold out, limit reached, gone) is never here; see [`crate::Outcome`].

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::ids::{RequestId, ReservationId, SaleId, SkuId};

/// Something broke. An expected no is a value instead: [`Refusal`](crate::Refusal),
/// [`Confirm::Gone`](crate::Confirm::Gone).
///
/// Cloning is cheap: callers whose requests travelled together share one cause.
#[derive(Clone)]
pub struct Error(Arc<Fault>);

/// Who has to act on an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value from outside does not parse, or names nothing.
    InvalidInput,
    /// The store answers in a way that its protocol does not allow.
    PeerMisbehaved,
    /// The store was not reached or did not answer in time. The outcome of the call is unknown; the
    /// same request id resolves it.
    Unavailable,
    /// What the store holds contradicts itself.
    Corrupt,
    /// The calling program or the server's settings are wrong.
    Misuse,
    /// The store went back in time, for example to a replica that lagged behind. The sale stands still
    /// until it is restored and thawed.
    Frozen,
    /// The sale's stock is not in the store: never opened there, or lost. It does not mean sold out, and
    /// nothing is seeded again.
    NotLoaded,
}

/// A cause from below, kept whole for `source()`.
#[cfg(feature = "redis")]
pub(crate) type Source = Box<dyn StdError + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{what} `{given}` is not one: use {rule}")]
    Text { what: &'static str, given: String, rule: &'static str },
    #[error("{what} {given} is out of range: use {min} to {max}")]
    Range { what: &'static str, given: u128, min: u64, max: u64 },
    #[error("the sale closes before it opens: put the closing time after the opening time")]
    Window,
    #[error(
        "request id `{request}` was used before by this buyer for other lines: \
         make a new id for each purchase"
    )]
    RequestReused { request: RequestId },
    #[error("sku `{sku}` is named twice: name each once")]
    SkuTwice { sku: SkuId },
    #[error("sku `{sku}` is not on sale in `{sale}`: name one of its terms")]
    SkuUnknown { sku: SkuId, sale: SaleId },
    #[error("sale `{sale}` sells several things: name the skus of the request")]
    SkuUnnamed { sale: SaleId },
    #[error("no reservation `{reservation}` is recorded: check the id, and refund it if it was paid")]
    UnknownReservation { reservation: ReservationId },
    #[error("reservation `{reservation}` belongs to another sale than `{sale}`: ask that sale")]
    OtherSale { reservation: ReservationId, sale: SaleId },
    #[error("sale `{sale}` is there with other terms: use those terms, or another sale id")]
    OtherTerms { sale: SaleId },
    #[error(
        "the stock of sale `{sale}` is not loaded: open the sale if it is new, \
         restore the store if it was open"
    )]
    NotLoaded { sale: SaleId },
    #[cfg(feature = "gate")]
    #[error(transparent)]
    Gate(#[from] crate::gate::GateFault),
    #[cfg(feature = "redis")]
    #[error(transparent)]
    Orders(#[from] crate::orders::OrdersFault),
    #[cfg(feature = "redis")]
    #[error(transparent)]
    Ledger(#[from] crate::ledger::LedgerFault),
    #[cfg(feature = "redis")]
    #[error(
        "records of sale `{sale}` are left but its stock is not: \
         restore the store, or use another sale id"
    )]
    Leftover { sale: SaleId },
    #[cfg(feature = "redis")]
    #[error("`{what}` of sale `{sale}` is not what a sale writes: audit it and restore the store")]
    Corrupt { sale: SaleId, what: String },
    #[cfg(feature = "redis")]
    #[error(
        "redis may evict keys (`maxmemory-policy {policy}`), and evicted stock is lost: set it to noeviction"
    )]
    Eviction { policy: String },
    #[cfg(feature = "redis")]
    #[error(
        "redis does not tell its eviction policy: permit `INFO` or `CONFIG GET` to this user, \
         and set maxmemory-policy to noeviction"
    )]
    EvictionUnknown { source: Option<Source> },
    #[cfg(feature = "redis")]
    #[error(
        "redis gave no answer within {millis} ms, so the outcome is unknown: \
         ask again with the same request id"
    )]
    Deadline { millis: u128 },
    #[cfg(feature = "redis")]
    #[error(
        "redis could not be asked, so the outcome is unknown: check the server, \
         then ask again with the same request id"
    )]
    Unreachable { source: Option<Source> },
    #[cfg(feature = "redis")]
    #[error(
        "shard {shard} of sale `{sale}` went back in time and is frozen, so that nothing is sold twice: \
         restore it from the orders, then thaw it"
    )]
    Frozen { sale: SaleId, shard: u16 },
    #[cfg(feature = "redis")]
    #[error(
        "the decision is made, but {acked} of {wanted} replicas had it in time: \
         ask again with the same request id before you rely on it"
    )]
    Unreplicated { acked: u32, wanted: u32 },
    #[cfg(feature = "redis")]
    #[error("sale `{sale}` changed faster than its history could be read: audit it again")]
    Overtaken { sale: SaleId },
    #[cfg(feature = "redis")]
    #[error("no address of a redis is given: name at least one")]
    NoAddress,
    #[cfg(feature = "redis")]
    #[error(
        "the call that carried the request ended without an answer to it, so the outcome is unknown: \
         ask again with the same request id"
    )]
    Unanswered,
    #[cfg(feature = "redis")]
    #[error("no tokio runtime runs here: call this store from a task of one, with time enabled")]
    NoRuntime,
    #[cfg(feature = "redis")]
    #[error("redis refuses this user or these settings: check the url, the password and the permissions")]
    Denied { source: Source },
    #[cfg(feature = "redis")]
    #[error("a key of sale `{sale}` holds another type of value: keep other programs off the sale's keys")]
    WrongType { sale: SaleId, source: Source },
    #[cfg(feature = "redis")]
    #[error("redis failed a command of the sale: check that the server is redis 7 or later")]
    Failed { source: Source },
    #[cfg(feature = "redis")]
    #[error("redis answered `{given}`, which no script of this version says: check for mixed versions")]
    Answer { given: String },
}

impl Error {
    /// Who has to act.
    pub fn kind(&self) -> ErrorKind {
        match *self.0 {
            Fault::Text { .. }
            | Fault::Range { .. }
            | Fault::Window
            | Fault::SkuTwice { .. }
            | Fault::SkuUnknown { .. }
            | Fault::SkuUnnamed { .. }
            | Fault::UnknownReservation { .. } => ErrorKind::InvalidInput,
            Fault::RequestReused { .. } | Fault::OtherSale { .. } | Fault::OtherTerms { .. } => {
                ErrorKind::Misuse
            }
            Fault::NotLoaded { .. } => ErrorKind::NotLoaded,
            #[cfg(feature = "gate")]
            Fault::Gate(ref fault) => fault.kind(),
            #[cfg(feature = "redis")]
            Fault::Orders(ref fault) => fault.kind(),
            #[cfg(feature = "redis")]
            Fault::Ledger(ref fault) => fault.kind(),
            #[cfg(feature = "redis")]
            Fault::Leftover { .. } | Fault::Corrupt { .. } | Fault::WrongType { .. } => ErrorKind::Corrupt,
            #[cfg(feature = "redis")]
            Fault::Eviction { .. }
            | Fault::EvictionUnknown { .. }
            | Fault::Denied { .. }
            | Fault::NoRuntime => ErrorKind::Misuse,
            #[cfg(feature = "redis")]
            Fault::NoAddress => ErrorKind::InvalidInput,
            #[cfg(feature = "redis")]
            Fault::Frozen { .. } => ErrorKind::Frozen,
            #[cfg(feature = "redis")]
            Fault::Deadline { .. }
            | Fault::Unreachable { .. }
            | Fault::Unreplicated { .. }
            | Fault::Overtaken { .. }
            | Fault::Unanswered => ErrorKind::Unavailable,
            #[cfg(feature = "redis")]
            Fault::Failed { .. } | Fault::Answer { .. } => ErrorKind::PeerMisbehaved,
        }
    }

    /// Whether the same call, with the same request id, may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        self.kind() == ErrorKind::Unavailable
    }

    /// Outside text made safe for a log: escaped and cut.
    pub(crate) fn shown(text: &str) -> String {
        text.chars().take(64).flat_map(char::escape_debug).collect()
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self(Arc::new(fault))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
