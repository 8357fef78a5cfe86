//! What an application does with orders, and what it is told while that is tried again.

use std::fmt;

use super::event::OrderEvent;
use super::names::GroupName;
use crate::error::Error;
use crate::store::BoxFuture;

/// Why a handler could not handle events. Its words go into the dead letter, so keep secrets out of them.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// Handles events. It may be given the same ones again, alone or with others: make its effect idempotent, as
/// a [`Ledger`](crate::ledger::Ledger) does, which is a handler itself.
pub trait OrderHandler: Send + Sync {
    /// Handles a batch. `Ok` means that none of it has to come again; an error that all of it has to.
    ///
    /// # Errors
    /// Whatever the application says. The events come again, one entry of the stream at a time, after a
    /// pause that doubles.
    fn handle<'a>(&'a self, batch: &'a [OrderEvent]) -> BoxFuture<'a, Result<(), HandlerError>>;

    /// Whether an error is no fault of the events, so that they are never given up for it, however often they
    /// come. Unless the application says more, only an [`Error`] of this crate tells, as a ledger's does
    /// while its database is away.
    fn is_transient(&self, error: &HandlerError) -> bool {
        error.downcast_ref::<Error>().is_some_and(Error::is_transient)
    }

    /// Hears of trouble that the consumer gets over by itself, so that it can be logged.
    fn troubled(&self, _trouble: &Trouble<'_>) {}
}

/// What goes wrong while the consumer goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Trouble<'a> {
    /// Redis is away. The consumer connects again.
    Unavailable {
        /// What broke.
        error: &'a Error,
    },
    /// The handler failed. The entries stay pending and come again.
    Failed {
        /// What the handler said.
        error: &'a HandlerError,
        /// How many entries of the streams the batch was.
        entries: usize,
    },
    /// An entry went to the dead letters: it could not be read, or the handler failed too often.
    Buried {
        /// The group that will not get it any more.
        group: &'a GroupName,
        /// The shard.
        shard: u16,
        /// The id of the entry.
        entry: &'a str,
        /// Why.
        reason: &'a str,
    },
}

impl fmt::Debug for dyn OrderHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrderHandler")
    }
}
