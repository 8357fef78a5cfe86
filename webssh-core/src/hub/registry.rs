//! The state of a hub under one lock: sessions, resume tokens, open tickets and the budget.
//!
//! A token is changed and its connection attached while the lock is held, so of two devices that race
//! for a session the one with the valid token is also the one that is attached. Of two bids for it the one
//! that came later wins, in whatever order they are granted.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::budget::{Budget, Claim, Full};
use super::{HubLimits, SessionView};
use crate::ResumeToken;
use crate::bridge::{CloseReason, ConnectionId};
use crate::frame::{Failure, FailureCode, Hello, Role};
use crate::pump::{Attachment, Clock, Session};
use crate::ticket::{Fingerprint, Grant, Issue, Redemption, SessionId, Tickets};

/// How many tokens of devices that were replaced a session remembers, to tell them so.
const FORMER_TOKENS_MAX: usize = 8;

pub(super) struct Registry<T> {
    state: Mutex<State<T>>,
    limits: HubLimits,
    clock: Clock,
    closing: watch::Sender<bool>,
    guests: watch::Sender<usize>,
}

struct State<T> {
    closing: bool,
    next_id: u64,
    sessions: BTreeMap<SessionId, Entry<T>>,
    tokens: HashMap<Fingerprint, (SessionId, Standing)>,
    tickets: Tickets<T>,
    budget: Budget,
}

struct Entry<T> {
    user: String,
    target: Arc<T>,
    session: Session,
    token: Option<Fingerprint>,
    former: VecDeque<Fingerprint>,
    /// The number of the last bid, and of the last that was granted.
    bids: u64,
    granted: u64,
    /// Bids that wait for a proof.
    pending: u32,
}

/// What became of a bid to be the owner of a running session.
pub(super) enum Bidding<T> {
    Attached(Attachment),
    Contested(Bid<T>),
}

/// A bid that waits for a proof. Bids are numbered as they come.
pub(super) struct Bid<T> {
    registry: Arc<Registry<T>>,
    number: u64,
    wish: Wish,
}

struct Wish {
    session: SessionId,
    token: ResumeToken,
    /// Whether the token is a new one, for another device.
    fresh: bool,
}

/// Whether a token still opens its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Valid,
    Replaced,
}

/// A part of the budget, given back on drop.
pub(super) struct Reservation<T> {
    registry: Arc<Registry<T>>,
    claim: Claim,
}

/// Something that [`Registry::emptied`] waits for.
pub(super) struct Guest<T>(Arc<Registry<T>>);

/// A session's place in the hub: on drop it is no longer listed, and what it reserved is given back.
pub(super) struct Seat<T> {
    id: SessionId,
    reservation: Reservation<T>,
    _guest: Guest<T>,
}

impl<T> Registry<T> {
    pub(super) fn new(limits: HubLimits) -> Self {
        let tickets_max = usize::try_from(limits.tickets_max).unwrap_or(usize::MAX);
        let state = State {
            closing: false,
            next_id: 1,
            sessions: BTreeMap::new(),
            tokens: HashMap::new(),
            tickets: Tickets::new(tickets_max),
            budget: Budget::new(limits.clone()),
        };
        Self {
            state: Mutex::new(state),
            limits,
            clock: Clock::new(Duration::ZERO),
            closing: watch::Sender::new(false),
            guests: watch::Sender::new(0),
        }
    }

    pub(super) fn limits(&self) -> &HubLimits {
        &self.limits
    }

    pub(super) fn issue(&self, random: [u8; 32], grant: Grant<T>) -> Issue {
        let mut state = self.lock();
        state.tickets.issue(self.clock.now(), random, grant)
    }

    pub(super) fn redeem(&self, ticket: &str) -> Redemption<T> {
        let mut state = self.lock();
        state.tickets.redeem(self.clock.now(), ticket)
    }

    /// Reserves what `claim` needs.
    pub(super) fn reserve(self: &Arc<Self>, claim: Claim) -> Result<Reservation<T>, CloseReason> {
        let mut state = self.lock();
        if state.closing {
            return Err(CloseReason::Shutdown);
        }
        state.budget.take(&claim).map_err(busy)?;
        Ok(Reservation { registry: Arc::clone(self), claim })
    }

    pub(super) fn guest(self: &Arc<Self>) -> Guest<T> {
        self.guests.send_modify(|guests| *guests += 1);
        Guest(Arc::clone(self))
    }

    /// Enters a new session and attaches its owner.
    pub(super) fn enter(
        self: &Arc<Self>,
        reservation: Reservation<T>,
        (user, target, session): (String, Arc<T>, Session),
        hello: &Hello,
        token: &ResumeToken,
    ) -> Result<(Seat<T>, Attachment), CloseReason> {
        let mut state = self.lock();
        if state.closing {
            return Err(CloseReason::Shutdown);
        }
        let attachment = session.begin(hello, Role::Owner, token)?;
        let id = SessionId::new(state.next_id);
        state.next_id = state.next_id.saturating_add(1);
        let entry = Entry {
            user,
            target,
            session,
            token: None,
            former: VecDeque::new(),
            bids: 0,
            pending: 0,
            granted: 0,
        };
        state.sessions.insert(id, entry);
        state.give_token(id, token);
        Ok((Seat { id, reservation, _guest: self.guest() }, attachment))
    }

    /// The bid of whoever bears a resume token. The token stays, because the answer may be lost on its way.
    pub(super) fn resume(
        self: &Arc<Self>,
        guest: Option<&str>,
        hello: &Hello,
        token: &ResumeToken,
    ) -> Result<Bidding<T>, CloseReason> {
        let mut state = self.lock();
        match state.tokens.get(&Fingerprint::of(token.as_bytes())) {
            None => Err(refused(FailureCode::Gone)),
            Some((_, Standing::Replaced)) => Err(CloseReason::Replaced),
            Some(&(id, Standing::Valid)) => {
                let owner = &state.entry(id)?.user;
                if guest.is_some_and(|guest| guest != owner) {
                    return Err(refused(FailureCode::NotAllowed));
                }
                let wish = Wish { session: id, token: token.clone(), fresh: false };
                self.bid(&mut state, hello, wish)
            }
        }
    }

    /// The bid of another device of the same user. When it is granted, the token of the device before it is
    /// worth nothing.
    pub(super) fn take_over(
        self: &Arc<Self>,
        session: SessionId,
        user: &str,
        hello: &Hello,
        token: ResumeToken,
    ) -> Result<Bidding<T>, CloseReason> {
        let mut state = self.lock();
        if state.entry(session)?.user != user {
            return Err(refused(FailureCode::NotAllowed));
        }
        self.bid(&mut state, hello, Wish { session, token, fresh: true })
    }

    /// Attaches at once where nobody else is or wants to be the owner. Otherwise the bidder has to prove that
    /// it is there: a hello that was stuck on its way, and arrives after the browser has given it up, must not
    /// take the session from the connection that the browser has now.
    fn bid(
        self: &Arc<Self>,
        state: &mut State<T>,
        hello: &Hello,
        wish: Wish,
    ) -> Result<Bidding<T>, CloseReason> {
        let entry = state.entry(wish.session)?;
        entry.bids = entry.bids.saturating_add(1);
        let number = entry.bids;
        if entry.pending == 0 && !entry.session.has_owner() {
            return state.grant(number, hello, &wish).map(Bidding::Attached);
        }
        entry.pending = entry.pending.saturating_add(1);
        Ok(Bidding::Contested(Bid { registry: Arc::clone(self), number, wish }))
    }

    /// Attaches a bidder who is there, unless a later one has been attached.
    pub(super) fn grant(&self, bid: &Bid<T>, hello: &Hello) -> Result<Attachment, CloseReason> {
        self.lock().grant(bid.number, hello, &bid.wish)
    }

    /// Attaches an observer.
    pub(super) fn watch(
        self: &Arc<Self>,
        id: SessionId,
        hello: &Hello,
    ) -> Result<(Reservation<T>, Attachment), CloseReason> {
        // Asked for before the budget, so that a session that is gone does not count observers.
        let session = self.session(id).ok_or_else(|| refused(FailureCode::Gone))?;
        let reservation = self.reserve(Claim::Observer { session: id })?;
        let attachment = session.begin(hello, Role::Observer, &ResumeToken::none())?;
        Ok((reservation, attachment))
    }

    pub(super) fn session(&self, id: SessionId) -> Option<Session> {
        self.lock().sessions.get(&id).map(|entry| entry.session.clone())
    }

    pub(super) fn list(&self, of: impl Fn(&str) -> bool) -> Vec<SessionView<T>> {
        let state = self.lock();
        let entries = state.sessions.iter().filter(|(_, entry)| of(&entry.user));
        let view = |(id, entry): (&SessionId, &Entry<T>)| SessionView {
            id: *id,
            user: entry.user.clone(),
            target: Arc::clone(&entry.target),
            status: entry.session.status(),
        };
        entries.map(view).collect()
    }

    pub(super) fn kick_connection(&self, id: SessionId, connection: ConnectionId, failure: Failure) -> bool {
        let mut state = self.lock();
        let Some(entry) = state.sessions.get_mut(&id) else { return false };
        let connections = entry.session.status().connections;
        let owner = connections.iter().any(|view| view.id == connection && view.role == Role::Owner);
        let kicked = entry.session.kick(connection, failure);
        let void = if owner { entry.token.take() } else { None };
        if let Some(token) = void {
            state.tokens.remove(&token);
        }
        kicked
    }

    pub(super) fn bytes_reserved(&self) -> u64 {
        self.lock().budget.bytes()
    }

    /// Takes nothing new from now on; gives the sessions that have to be closed.
    pub(super) fn close(&self) -> Vec<Session> {
        let mut state = self.lock();
        state.closing = true;
        self.closing.send_replace(true);
        state.sessions.values().map(|entry| entry.session.clone()).collect()
    }

    /// Waits until [`close`](Self::close) was called.
    pub(super) async fn closing(&self) {
        let mut closing = self.closing.subscribe();
        // The sender lives as long as `self`, so this does not fail.
        let _closing = closing.wait_for(|closing| *closing).await;
    }

    /// Waits until all guests have left.
    pub(super) async fn emptied(&self) {
        let mut guests = self.guests.subscribe();
        // The same.
        let _empty = guests.wait_for(|guests| *guests == 0).await;
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn entry(&mut self, id: SessionId) -> Result<&mut Entry<T>, CloseReason> {
        self.sessions.get_mut(&id).ok_or_else(|| refused(FailureCode::Gone))
    }

    fn grant(&mut self, number: u64, hello: &Hello, wish: &Wish) -> Result<Attachment, CloseReason> {
        let entry = self.entry(wish.session)?;
        let token = Fingerprint::of(wish.token.as_bytes());
        match entry.token {
            _ if entry.granted > number => return Err(CloseReason::Replaced),
            Some(valid) if !wish.fresh && valid != token => return Err(CloseReason::Replaced),
            None if !wish.fresh => return Err(refused(FailureCode::Gone)),
            _ => {}
        }
        let attachment = entry.session.begin(hello, Role::Owner, &wish.token)?;
        entry.granted = number;
        if wish.fresh {
            self.give_token(wish.session, &wish.token);
        }
        Ok(attachment)
    }

    /// Makes `token` the one that resumes a session; its forerunner is remembered as replaced.
    fn give_token(&mut self, id: SessionId, token: &ResumeToken) {
        let Some(entry) = self.sessions.get_mut(&id) else { return };
        let token = Fingerprint::of(token.as_bytes());
        if let Some(former) = entry.token.replace(token) {
            entry.former.push_back(former);
            self.tokens.insert(former, (id, Standing::Replaced));
        }
        if entry.former.len() > FORMER_TOKENS_MAX
            && let Some(oldest) = entry.former.pop_front()
        {
            self.tokens.remove(&oldest);
        }
        self.tokens.insert(token, (id, Standing::Valid));
    }

    fn forget(&mut self, id: SessionId) {
        if let Some(entry) = self.sessions.remove(&id) {
            for token in entry.former.iter().chain(&entry.token) {
                self.tokens.remove(token);
            }
        }
    }
}

pub(super) fn refused(code: FailureCode) -> CloseReason {
    CloseReason::Refused(Failure::new(code))
}

fn busy(full: Full) -> CloseReason {
    CloseReason::Refused(full.failure())
}

impl<T> Drop for Reservation<T> {
    fn drop(&mut self) {
        self.registry.lock().budget.give_back(&self.claim);
    }
}

impl<T> Drop for Guest<T> {
    fn drop(&mut self) {
        self.0.guests.send_modify(|guests| *guests = guests.saturating_sub(1));
    }
}

impl<T> Drop for Bid<T> {
    fn drop(&mut self) {
        if let Some(entry) = self.registry.lock().sessions.get_mut(&self.wish.session) {
            entry.pending = entry.pending.saturating_sub(1);
        }
    }
}

impl<T> Drop for Seat<T> {
    fn drop(&mut self) {
        self.reservation.registry.lock().forget(self.id);
    }
}
