//! What a call led to: an answer, or the handle to find out.

use crate::call::Stake;
use crate::error::{Cause, Error};

/// What a call that changes something led to.
#[derive(Debug)]
#[must_use = "an unknown outcome has to be asked about"]
pub enum Outcome<T> {
    /// The gateway answered.
    Known(T),
    /// It did not: the call may have acted. Mark the order unknown and ask; never guess.
    Unknown(OutcomeUnknown),
}

/// A call whose effect is not known: the handle to find out.
#[derive(Debug)]
pub struct OutcomeUnknown {
    stake: Stake,
    cause: Error,
}

impl OutcomeUnknown {
    pub(crate) fn new(stake: Stake, cause: Error) -> Self {
        Self { stake, cause }
    }

    /// What to ask about: query the trade, or the refund, under these numbers.
    #[must_use]
    pub fn stake(&self) -> &Stake {
        &self.stake
    }

    /// Why there was no answer, or the refusal that proves nothing because an earlier attempt had none.
    #[must_use]
    pub fn cause(&self) -> &Error {
        &self.cause
    }
}

impl<T> Outcome<T> {
    /// The same outcome of another type.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Known(value) => Outcome::Known(change(value)),
            Self::Unknown(unknown) => Outcome::Unknown(unknown),
        }
    }

    /// The answer, for calls after which nothing needs to be asked.
    ///
    /// # Errors
    /// `Unavailable` if the outcome is not known; its source is the cause.
    pub fn known(self) -> Result<T, Error> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Unknown(unknown) => Err(Cause::NotKnown(Box::new(unknown.cause)).into()),
        }
    }
}
