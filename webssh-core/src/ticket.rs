//! One-use tickets: how a user who was admitted by the application opens a terminal over a WebSocket.
//!
//! A ticket goes from the application's own API to the page and from there into the first frame of the
//! connection, never into a URL. Only its SHA-256 is kept. The time and the random bytes are arguments.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// How long a ticket may be redeemed.
pub const TICKET_SECS_MAX: u64 = 30;

/// The most open tickets of one user: with one more, the oldest of that user gives way.
pub const USER_TICKETS_MAX: usize = 16;

/// The number of a session. It is no secret: nothing is opened by knowing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(u64);

/// Text that is worth one connection: 43 characters of base64url. It redacts itself.
#[derive(Clone)]
pub struct Ticket(Zeroizing<String>);

/// Who may do what with a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant<T> {
    /// The application's name for the user.
    pub user: String,
    /// What the ticket is good for.
    pub purpose: Purpose<T>,
}

/// What a ticket is good for; `T` is the application's own description of a target. There will be no
/// fourth purpose without a new wire version, so the list is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose<T> {
    /// Opens a new session to this target.
    Open(T),
    /// Takes over a running session of the same user, from another tab or device.
    Attach(SessionId),
    /// Watches a running session, whoever's it is.
    Watch(SessionId),
}

/// The answer to a wish for a ticket.
#[derive(Debug)]
#[must_use]
pub enum Issue {
    /// Here it is.
    Ticket(Ticket),
    /// Too many tickets are open: one of them expires after `wait`.
    Full {
        /// Until there is room at the latest.
        wait: Duration,
    },
}

/// The answer to a ticket.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Redemption<T> {
    /// It was good, and is used up now.
    Granted(Grant<T>),
    /// It came too late: fetch a new one.
    Expired,
    /// It was never given out, or is used up, or gave way to newer ones: fetch a new one.
    Unknown,
}

/// The open tickets of a service: bounded, in total and for each user.
///
/// `now` is the time since any fixed moment and must not go back.
///
/// ```
/// use std::time::Duration;
/// use webssh_core::ticket::{Grant, Issue, Purpose, Redemption, Tickets};
///
/// let mut tickets = Tickets::new(1000);
/// let grant = Grant { user: "alice".to_owned(), purpose: Purpose::Open("lab-7") };
/// let random = [7; 32]; // from the system's generator
/// let Issue::Ticket(ticket) = tickets.issue(Duration::ZERO, random, grant.clone()) else { unreachable!() };
/// let soon = Duration::from_secs(2);
/// assert_eq!(tickets.redeem(soon, ticket.as_str()), Redemption::Granted(grant));
/// assert_eq!(tickets.redeem(soon, ticket.as_str()), Redemption::Unknown);
/// ```
#[derive(Debug)]
pub struct Tickets<T> {
    /// In the order of issue, which is also the order of expiry.
    open: BTreeMap<u64, Open<T>>,
    serials: HashMap<Fingerprint, u64>,
    by_user: HashMap<String, BTreeSet<u64>>,
    next_serial: u64,
    tickets_max: usize,
}

#[derive(Debug)]
struct Open<T> {
    fingerprint: Fingerprint,
    expires: Duration,
    grant: Grant<T>,
}

/// SHA-256 of a ticket or of a resume token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

impl<T> Tickets<T> {
    /// No open ticket yet, and never more than `tickets_max`.
    #[must_use]
    pub fn new(tickets_max: usize) -> Self {
        Self {
            open: BTreeMap::new(),
            serials: HashMap::new(),
            by_user: HashMap::new(),
            next_serial: 0,
            tickets_max,
        }
    }

    /// Gives out a ticket for [`TICKET_SECS_MAX`]. `random` comes from the system's generator.
    pub fn issue(&mut self, now: Duration, random: [u8; 32], grant: Grant<T>) -> Issue {
        self.sweep(now);
        if let Some(oldest) = self.crowded_out(&grant.user) {
            self.remove(oldest);
        }
        if self.open.len() >= self.tickets_max {
            let first = self.open.values().next().map_or(now, |open| open.expires);
            return Issue::Full { wait: first.saturating_sub(now) };
        }
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(Zeroizing::new(random)));
        let fingerprint = Fingerprint::of(text.as_bytes());
        let serial = self.next_serial;
        self.next_serial = serial.saturating_add(1);
        self.by_user.entry(grant.user.clone()).or_default().insert(serial);
        self.serials.insert(fingerprint, serial);
        let expires = now + Duration::from_secs(TICKET_SECS_MAX);
        self.open.insert(serial, Open { fingerprint, expires, grant });
        Issue::Ticket(Ticket(text))
    }

    /// Uses up a ticket: of many who come with the same one, one is granted.
    pub fn redeem(&mut self, now: Duration, ticket: &str) -> Redemption<T> {
        let Some(serial) = self.serials.get(&Fingerprint::of(ticket.as_bytes())).copied() else {
            self.sweep(now);
            return Redemption::Unknown;
        };
        let open = self.remove(serial);
        self.sweep(now);
        match open {
            Some(open) if now < open.expires => Redemption::Granted(open.grant),
            Some(_) => Redemption::Expired,
            None => Redemption::Unknown,
        }
    }

    /// How many tickets are open, expired ones included until the next call sees them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether no ticket is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The oldest ticket of a user who has as many as allowed.
    fn crowded_out(&self, user: &str) -> Option<u64> {
        let serials = self.by_user.get(user).filter(|serials| serials.len() >= USER_TICKETS_MAX)?;
        serials.first().copied()
    }

    /// Forgets what has expired. Tickets expire in the order of issue.
    fn sweep(&mut self, now: Duration) {
        while let Some((&serial, _)) = self.open.first_key_value().filter(|(_, open)| now >= open.expires) {
            self.remove(serial);
        }
    }

    /// INVARIANT: the three maps always hold the same tickets.
    fn remove(&mut self, serial: u64) -> Option<Open<T>> {
        let open = self.open.remove(&serial)?;
        self.serials.remove(&open.fingerprint);
        if let Some(serials) = self.by_user.get_mut(&open.grant.user) {
            serials.remove(&serial);
            if serials.is_empty() {
                self.by_user.remove(&open.grant.user);
            }
        }
        Some(open)
    }
}

impl Ticket {
    /// The text for the first frame of a connection.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

impl SessionId {
    /// The session with this number, which may or may not exist.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(user: &str) -> Grant<u8> {
        Grant { user: user.to_owned(), purpose: Purpose::Open(1) }
    }

    #[test]
    fn a_ticket_shows_nothing_and_is_not_kept() {
        let mut tickets = Tickets::new(4);
        let Issue::Ticket(ticket) = tickets.issue(Duration::ZERO, [9; 32], grant("alice")) else {
            panic!("there is room")
        };
        assert_eq!(ticket.as_str().len(), 43);
        assert_eq!(format!("{ticket:?}"), "Ticket(…)");
        let all = format!("{tickets:?}");
        assert!(!all.contains(ticket.as_str()), "{all}");
    }

    #[test]
    fn the_maps_hold_the_same_tickets() {
        let mut tickets = Tickets::new(20);
        for n in 0..60_u8 {
            let now = Duration::from_secs(u64::from(n));
            let user = if n % 3 == 0 { "alice" } else { "bob" };
            let _issue = tickets.issue(now, [n; 32], grant(user));
            let total: usize = tickets.by_user.values().map(BTreeSet::len).sum();
            assert_eq!((tickets.serials.len(), total), (tickets.open.len(), tickets.open.len()));
        }
        tickets.sweep(Duration::from_secs(1000));
        assert!(tickets.is_empty() && tickets.by_user.is_empty() && tickets.serials.is_empty());
    }
}
