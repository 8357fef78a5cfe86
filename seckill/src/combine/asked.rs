//! A caller's wait: it asks at the first poll, and leaves its seat when it is dropped.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::lane::{Lane, Told};
use crate::error::Error;
use crate::outcome::Outcome;
use crate::reservation::Reserve;

/// Resolves to the answer. Dropping it drops the answer, never the request.
pub(super) struct Asked<'a> {
    lane: &'a Arc<Lane>,
    request: &'a Reserve,
    /// Where the answer will be, from the asking until it is taken.
    seat: Option<usize>,
}

impl<'a> Asked<'a> {
    /// Not asked yet.
    pub(super) fn new(lane: &'a Arc<Lane>, request: &'a Reserve) -> Self {
        Self { lane, request, seat: None }
    }
}

impl Future for Asked<'_> {
    type Output = Result<Outcome, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(seat) = self.seat else {
            return match self.lane.ask(self.request, cx.waker().clone()) {
                Told::Seat(seat) => {
                    self.seat = Some(seat);
                    Poll::Pending
                }
                Told::Answer(answer) => Poll::Ready(answer),
            };
        };
        let answer = ready!(self.lane.look(seat, cx.waker()));
        self.seat = None;
        Poll::Ready(answer)
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(seat) = self.seat {
            self.lane.leave(seat);
        }
    }
}
