//! The rule of a waiting room: who has which number, whose turn it is, and when nobody need wait.
//!
//! Turns are called at the pace of the terms, by time alone. Each number has one turn: those who joined
//! before the opening the first ones, by arrival or by the draw; each who joins later the next turn that
//! is free and not past. A turn that nobody takes is lost, so those who left hold nobody up, and in no
//! span more turns are called than the pace says.

use std::collections::HashMap;
use std::time::Duration;

use super::room_answer::{Admit, Joined, Place, RoomState};
use super::terms::RoomTerms;
use crate::ids::BuyerId;
use crate::time::UnixMillis;

/// One room with everybody in it.
#[derive(Debug)]
pub(super) struct Room {
    terms: RoomTerms,
    /// Numbers given out, those before the opening among them.
    issued: u32,
    early: u32,
    /// The last turn given out.
    last_turn: u64,
    /// Whether the opening was seen; then it is not undone by a clock that goes back.
    opened: bool,
    closed_at: Option<u64>,
    /// For how long the room was closed since the opening, in milliseconds.
    paused: u64,
    seats: HashMap<BuyerId, Seat>,
}

#[derive(Debug, Clone, Copy)]
struct Seat {
    number: u32,
    turn: u64,
    /// Milliseconds of the room's clock at which it was taken.
    joined: u64,
}

impl Room {
    pub(super) fn new(terms: RoomTerms) -> Self {
        let (issued, early, last_turn, opened) = (0, 0, 0, false);
        Self { terms, issued, early, last_turn, opened, closed_at: None, paused: 0, seats: HashMap::new() }
    }

    pub(super) fn terms(&self) -> &RoomTerms {
        &self.terms
    }

    /// Gives the buyer a number, the same as before while it is good.
    pub(super) fn join(&mut self, buyer: &BuyerId, now: UnixMillis) -> Joined {
        let now = self.enter(now);
        if self.is_over(now) {
            return Joined::Over;
        }
        if let Some(seat) = self.seats.get(buyer).filter(|seat| !self.is_lapsed(seat, now)) {
            return Joined::Waiting(self.place(seat, now));
        }
        if self.issued >= self.terms.most_places() {
            return Joined::Full;
        }
        let seat = self.seat(now);
        self.seats.insert(buyer.clone(), seat);
        Joined::Waiting(self.place(&seat, now))
    }

    /// Lets the buyer in when it is their turn.
    pub(super) fn admit(&mut self, buyer: &BuyerId, now: UnixMillis) -> Admit {
        let now = self.enter(now);
        if self.is_over(now) {
            return Admit::Over;
        }
        let Some(seat) = self.seats.get(buyer).filter(|seat| !self.is_lapsed(seat, now)) else {
            return Admit::NoPlace;
        };
        if self.opened && self.turn(seat) <= self.called(now) {
            return Admit::Admitted { now: UnixMillis::new(now).unwrap_or(UnixMillis::MAX) };
        }
        Admit::Wait(self.place(seat, now))
    }

    /// Closes at nothing left, and opens again when there is some.
    pub(super) fn left_hint(&mut self, left: u64, now: UnixMillis) -> RoomState {
        let now = self.enter(now);
        match (left, self.closed_at) {
            (0, None) => self.closed_at = Some(now),
            (1.., Some(closed)) => {
                self.paused += now.saturating_sub(closed.max(self.terms.opens().millis()));
                self.closed_at = None;
            }
            _ => {}
        }
        if left == 0 { RoomState::Closed } else { RoomState::Open }
    }

    /// Sees the opening, once; from then on no time is before it.
    fn enter(&mut self, now: UnixMillis) -> u64 {
        let opens = self.terms.opens();
        self.opened |= now >= opens;
        if self.opened { now.max(opens).millis() } else { now.millis() }
    }

    fn is_over(&self, now: u64) -> bool {
        self.closed_at.is_some() || now >= self.terms.closes().millis()
    }

    /// The room's clock: milliseconds since the opening, without those in which it was closed.
    fn elapsed(&self, now: u64) -> u64 {
        now.saturating_sub(self.terms.opens().millis()).saturating_sub(self.paused)
    }

    fn called(&self, now: u64) -> u64 {
        self.terms.pace().called(self.elapsed(now))
    }

    fn seat(&mut self, now: u64) -> Seat {
        let (joined, called) = (self.elapsed(now), self.called(now));
        self.issued += 1;
        self.early += u32::from(!self.opened);
        self.last_turn = called.max(self.last_turn + 1);
        Seat { number: self.issued, turn: self.last_turn, joined }
    }

    /// Before the draw everybody counts as last of those who came early.
    fn turn(&self, seat: &Seat) -> u64 {
        match self.terms.seed() {
            Some(seed) if seat.number <= self.early => {
                let drawn = self.opened.then(|| seed.rank(seat.number, self.early)).flatten();
                drawn.unwrap_or(self.early).into()
            }
            _ => seat.turn,
        }
    }

    fn is_lapsed(&self, seat: &Seat, now: u64) -> bool {
        let called_at = self.terms.pace().called_at(self.turn(seat)).max(seat.joined);
        self.opened && self.elapsed(now) > called_at + self.terms.patience_millis()
    }

    fn place(&self, seat: &Seat, now: u64) -> Place {
        let turn = self.turn(seat);
        let to_opening = self.terms.opens().millis().saturating_sub(now);
        let to_turn = self.terms.pace().called_at(turn).saturating_sub(self.elapsed(now));
        Place {
            number: seat.number,
            ahead: turn.saturating_sub(self.called(now) + 1),
            estimated_wait: Duration::from_millis(to_opening + to_turn),
        }
    }
}
