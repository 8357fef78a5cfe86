//! What a waiting room answers.

use std::time::Duration;

use super::token::Token;
use crate::time::UnixMillis;

/// A buyer's place in a waiting room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The buyer's number, counted from 1 in the order of joining. It stays the same.
    pub number: u32,
    /// Turns that are called before this buyer's. Before a draw, everybody else who has joined.
    pub ahead: u64,
    /// The time to this buyer's turn; not counted is what the room may yet be closed. Before a draw, the
    /// longest it may be.
    pub estimated_wait: Duration,
}

/// The answer to joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Joined {
    /// Ask for admission after `estimated_wait`, or sooner to show the progress.
    Waiting(Place),
    /// Sold out for now, or closed: do not wait. Places are kept, for units may come back.
    Over,
    /// Every number is given out.
    Full,
}

/// The answer of the store to asking for admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Admit {
    /// It is this buyer's turn.
    Admitted {
        /// The time of the store.
        now: UnixMillis,
    },
    /// It is not yet.
    Wait(Place),
    /// Sold out for now, or closed.
    Over,
    /// Has not joined, or did not ask within the patience: join, behind the others.
    NoPlace,
}

/// The answer to asking for admission.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Admission {
    /// Come in with this token, for [`Purpose::Admitted`](super::Purpose::Admitted).
    Admitted(Token),
    /// Not yet: ask again after `estimated_wait`, or sooner to show the progress.
    Wait(Place),
    /// Sold out for now, or closed: do not wait.
    Over,
    /// Has not joined, or did not ask within the patience: join, behind the others.
    NoPlace,
}

/// Whether a room takes buyers, as far as the stock is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RoomState {
    /// There is something to wait for.
    Open,
    /// There is nothing left, and nobody need wait.
    Closed,
}
