//! Where callers wait: one seat for each, used again and again, so that a request allocates nothing.

use std::task::{Poll, Waker};

use crate::error::Error;
use crate::outcome::Outcome;

/// The seats of one lane.
#[derive(Default)]
pub(super) struct Seats {
    seats: Vec<Seat>,
    free: Vec<usize>,
}

/// INVARIANT: a seat is named by at most one request and one caller, and is free once both let go of it.
pub(super) enum Seat {
    Free,
    Waiting(Waker),
    /// The caller went away; the request is not answered yet.
    Left,
    Answered(Result<Outcome, Error>),
}

impl Seats {
    /// A seat for a caller who will be woken.
    pub(super) fn sit(&mut self, waker: Waker) -> usize {
        let seat = Seat::Waiting(waker);
        if let Some(index) = self.free.pop()
            && let Some(free) = self.seats.get_mut(index)
        {
            *free = seat;
            return index;
        }
        self.seats.push(seat);
        self.seats.len() - 1
    }

    /// Leaves an answer, and tells whom to wake.
    pub(super) fn answer(&mut self, index: usize, answer: Result<Outcome, Error>) -> Option<Waker> {
        let seat = self.seats.get_mut(index)?;
        match std::mem::replace(seat, Seat::Answered(answer)) {
            Seat::Waiting(waker) => Some(waker),
            Seat::Left => {
                *seat = Seat::Free;
                self.free.push(index);
                None
            }
            // A request is answered once, so this does not come up; what was there stands.
            other @ (Seat::Free | Seat::Answered(_)) => {
                *seat = other;
                None
            }
        }
    }

    /// Takes the answer, or leaves the caller's present waker; a former one comes back, to be dropped unlocked.
    pub(super) fn look(
        &mut self,
        index: usize,
        waker: &Waker,
    ) -> (Poll<Result<Outcome, Error>>, Option<Waker>) {
        let Some(seat) = self.seats.get_mut(index) else {
            return (Poll::Pending, None);
        };
        match std::mem::replace(seat, Seat::Free) {
            Seat::Answered(answer) => {
                self.free.push(index);
                (Poll::Ready(answer), None)
            }
            Seat::Waiting(former) if !former.will_wake(waker) => {
                *seat = Seat::Waiting(waker.clone());
                (Poll::Pending, Some(former))
            }
            other => {
                *seat = other;
                (Poll::Pending, None)
            }
        }
    }

    /// Lets a caller go. What was on the seat comes back, to be dropped unlocked.
    pub(super) fn leave(&mut self, index: usize) -> Option<Seat> {
        let seat = self.seats.get_mut(index)?;
        let left = std::mem::replace(seat, Seat::Left);
        if matches!(left, Seat::Answered(_)) {
            *seat = Seat::Free;
            self.free.push(index);
        }
        Some(left)
    }
}
