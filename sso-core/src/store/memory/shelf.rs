//! One step of the memory store: what is kept, what the rule says of it now, and what happens because of that.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::error::{Error, ErrorKind};
use crate::secret::SessionKey;
use crate::session::admission::admit;
use crate::session::amend::{Amended, Amendment};
use crate::session::end::{End, EndOutcome, EndReason, Which};
use crate::session::event::SessionEvent;
use crate::session::limits::SessionLimits;
use crate::session::login::NewSession;
use crate::session::online::{Cursor, Online, OnlinePage, PageSize};
use crate::session::policy::{Admission, LoginPolicy};
use crate::session::rule::{Decision, Kept, RENEWALS_FOLLOWED_MAX, Record, decide};
use crate::session::{Check, Session, SessionId};
use crate::store::TIDY_USERS;
use crate::time::UnixMillis;
use crate::user_id::{UserId, UserTag};

/// Where a user stands among those who are online.
type Place = (UserTag, UserId);

/// All that is kept.
///
/// INVARIANT: every user with a live record is noted in `online`, and `by_end` says the same in another order.
#[derive(Default)]
pub(super) struct Inner {
    pub(super) shelves: BTreeMap<UserTag, BTreeMap<SessionKey, Kept>>,
    /// Who is noted as online, and until when.
    pub(super) online: BTreeMap<Place, UnixMillis>,
    /// Who is noted until when, in each bucket.
    pub(super) by_end: BTreeMap<(u8, UnixMillis), BTreeSet<Place>>,
    /// How many entries may come before what is forgotten is swept out.
    pub(super) growths_until_sweep: usize,
}

/// What is kept, with the limits and the time of one verb, and the events that it causes.
pub(super) struct Step<'a> {
    pub(super) inner: &'a mut Inner,
    pub(super) limits: SessionLimits,
    pub(super) now: UnixMillis,
    pub(super) events: Vec<SessionEvent>,
}

impl Step<'_> {
    pub(super) fn create(&mut self, new: &NewSession, policy: &LoginPolicy) -> Result<Admission, Error> {
        self.refuse_if_taken(new.key())?;
        let live = self.walk(new.user());
        let sessions: Vec<Session> = live.iter().map(|(_, session)| session.clone()).collect();
        let out = match admit(&sessions, new, policy) {
            Admission::Admitted(out) => out,
            Admission::Refused(refusal) => return Ok(Admission::Refused(refusal)),
        };
        for (_, (key, _)) in live.iter().enumerate().filter(|(place, _)| out.contains(place)) {
            self.bury(key, &EndReason::Replaced { by: new.login().device });
        }
        let record = Record::new(new, self.now);
        let session = record.session(&self.limits);
        self.keep(new.key(), Kept::Live(Box::new(record)));
        self.note(&session.user, session.expires_at);
        self.events.push(SessionEvent::Created { session: session.clone() });
        self.tidy(new.key().tag().bucket());
        Ok(Admission::Admitted(session))
    }

    pub(super) fn check(&mut self, key: &SessionKey) -> Check {
        self.settle(key, true)
    }

    pub(super) fn amend(&mut self, key: &SessionKey, amendment: &Amendment) -> Result<Amended, Error> {
        if amendment.next().is_some_and(|next| next.tag() != key.tag()) {
            return Err(foreign_key());
        }
        let record = match (self.settle(key, false), self.live(key)) {
            (Check::Ended(end), _) => return Ok(Amended::Ended(end)),
            (Check::Active(_), Some(record)) => record,
            (Check::Unknown | Check::Active(_), _) => return Ok(Amended::Unknown),
        };
        if let Some(next) = amendment.next() {
            self.refuse_if_taken(next)?;
        }
        Ok(record.amended(amendment, &self.limits, self.now).map(|record| {
            let session = record.session(&self.limits);
            if let Some(next) = amendment.next() {
                self.keep(key, Kept::Renewed { next: next.clone(), at: self.now });
                self.events.push(SessionEvent::Renewed { session: session.clone() });
            }
            self.keep(amendment.next().unwrap_or(key), Kept::Live(Box::new(record)));
            self.note(&session.user, session.expires_at);
            session
        }))
    }

    pub(super) fn end(&mut self, key: &SessionKey, reason: &EndReason) -> EndOutcome {
        let (mut key, mut met) = (key.clone(), EndOutcome::Unknown);
        for _ in 0..=RENEWALS_FOLLOWED_MAX {
            match self.settle(&key, false) {
                Check::Active(_) => {
                    self.bury(&key, reason);
                    return EndOutcome::Ended;
                }
                Check::Ended(end) => met = EndOutcome::AlreadyEnded(end),
                Check::Unknown => break,
            }
            match self.kept(&key) {
                Some(Kept::Renewed { next, .. }) => key = next.clone(),
                _ => break,
            }
        }
        met
    }

    pub(super) fn end_some(&mut self, user: &UserId, which: &Which, reason: &EndReason) -> Vec<SessionId> {
        let mut ended = Vec::new();
        for (key, session) in self.walk(user) {
            if which.means(&session.id) {
                self.bury(&key, reason);
                ended.push(session.id);
            }
        }
        ended
    }

    pub(super) fn list(&mut self, user: &UserId) -> Vec<Session> {
        self.walk(user).into_iter().map(|(_, session)| session).collect()
    }

    pub(super) fn online(&mut self, after: Option<&Cursor>, size: PageSize) -> OnlinePage {
        let place = |cursor: &Cursor| (cursor.user().tag(), cursor.user().clone());
        let begin = after.map_or(Bound::Unbounded, |cursor| Bound::Excluded(place(cursor)));
        let noted = self.inner.online.range((begin, Bound::Unbounded));
        let visit: Vec<UserId> = noted.take(size.users()).map(|((_, user), _)| user.clone()).collect();
        let users = visit.iter().filter_map(|user| {
            let online = Online::of(user, &self.list(user));
            if online.is_none() {
                self.forget(user);
            }
            online
        });
        let users = users.collect();
        let next = visit.last().filter(|_| visit.len() == size.users());
        OnlinePage::new(users, next.cloned().map(Cursor::after))
    }

    pub(super) fn online_count(&self) -> u64 {
        let later = self.inner.online.values().filter(|until| **until > self.now);
        later.map(|_| 1).sum()
    }

    /// Brings one entry up to date and says what it is; `touch` writes its use down if that is due.
    fn settle(&mut self, key: &SessionKey, touch: bool) -> Check {
        let (limits, now) = (self.limits, self.now);
        let Some(kept) = self.inner.shelves.get_mut(&key.tag()).and_then(|shelf| shelf.get_mut(key)) else {
            return Check::Unknown;
        };
        match (decide(kept, &limits, now), kept) {
            (Decision::Forgotten, kept) => {
                let live = if let Kept::Live(record) = kept { Some(record.user.clone()) } else { None };
                self.drop_entry(key);
                if let Some(user) = live {
                    self.forget_if_gone(&user);
                }
                Check::Unknown
            }
            (Decision::Ended(end), Kept::Live(_)) => {
                self.bury_at(key, end.clone());
                Check::Ended(end)
            }
            (Decision::Ended(end), Kept::Ended(_) | Kept::Renewed { .. }) => Check::Ended(end),
            (decision, Kept::Live(record)) => {
                let due = touch && decision == Decision::Stale;
                if due {
                    record.last_seen_at = now;
                }
                let session = record.session(&limits);
                if due {
                    self.note(&session.user, session.expires_at);
                }
                Check::Active(session)
            }
            // The rule never calls an ended session live.
            (_, Kept::Ended(end)) => Check::Ended(end.clone()),
            (_, Kept::Renewed { at, .. }) => Check::Ended(End { reason: EndReason::Renewed, at: *at }),
        }
    }

    /// Brings all sessions of a user up to date, oldest first, and names the live ones.
    fn walk(&mut self, user: &UserId) -> Vec<(SessionKey, Session)> {
        let shelf = self.inner.shelves.get(&user.tag());
        let mut found: Vec<_> = shelf.into_iter().flatten().filter_map(age).collect();
        found.sort();
        let mut live = Vec::new();
        for (.., key) in found {
            if let Check::Active(session) = self.settle(&key, false)
                && session.user == *user
            {
                live.push((key, session));
            }
        }
        live
    }

    fn kept(&self, key: &SessionKey) -> Option<&Kept> {
        self.inner.shelves.get(&key.tag())?.get(key)
    }

    fn live(&self, key: &SessionKey) -> Option<Record> {
        match self.kept(key)? {
            Kept::Live(record) => Some(Record::clone(record)),
            Kept::Ended(_) | Kept::Renewed { .. } => None,
        }
    }

    fn refuse_if_taken(&self, key: &SessionKey) -> Result<(), Error> {
        match self.kept(key).map(|kept| decide(kept, &self.limits, self.now)) {
            None | Some(Decision::Forgotten) => Ok(()),
            Some(_) => Err(reused_secret()),
        }
    }

    fn keep(&mut self, key: &SessionKey, kept: Kept) {
        self.inner.shelves.entry(key.tag()).or_default().insert(key.clone(), kept);
    }

    fn drop_entry(&mut self, key: &SessionKey) {
        if let Some(shelf) = self.inner.shelves.get_mut(&key.tag()) {
            shelf.remove(key);
            if shelf.is_empty() {
                self.inner.shelves.remove(&key.tag());
            }
        }
    }

    fn bury(&mut self, key: &SessionKey, reason: &EndReason) {
        self.bury_at(key, End { reason: reason.clone(), at: self.now });
    }

    /// Turns a live session into its end, tells of it, and forgets its user if it was their last one.
    fn bury_at(&mut self, key: &SessionKey, end: End) {
        if let Some(record) = self.live(key) {
            self.keep(key, Kept::Ended(end.clone()));
            self.events.push(SessionEvent::Ended { session: record.session(&self.limits), end });
            self.forget_if_gone(&record.user);
        }
    }

    /// Notes that a user is online until a time at least.
    fn note(&mut self, user: &UserId, until: UnixMillis) {
        let place = (user.tag(), user.clone());
        let until = self.inner.online.get(&place).map_or(until, |noted| until.max(*noted));
        self.forget(user);
        self.inner.by_end.entry((user.tag().bucket(), until)).or_default().insert(place.clone());
        self.inner.online.insert(place, until);
    }

    fn forget_if_gone(&mut self, user: &UserId) {
        let mut kept = self.inner.shelves.get(&user.tag()).into_iter().flat_map(BTreeMap::values);
        if !kept.any(|kept| matches!(kept, Kept::Live(_))) {
            self.forget(user);
        }
    }

    fn forget(&mut self, user: &UserId) {
        let place = (user.tag(), user.clone());
        let Some(until) = self.inner.online.remove(&place) else { return };
        let end = (user.tag().bucket(), until);
        if let Some(places) = self.inner.by_end.get_mut(&end) {
            places.remove(&place);
            if places.is_empty() {
                self.inner.by_end.remove(&end);
            }
        }
    }

    /// Looks at a few users of a bucket whose time is over, and notes them anew or not at all.
    fn tidy(&mut self, bucket: u8) {
        let over = self.inner.by_end.range((bucket, UnixMillis::EPOCH)..=(bucket, self.now));
        let over: Vec<Place> = over.flat_map(|(_, places)| places).take(TIDY_USERS).cloned().collect();
        for (_, user) in over {
            let ends = self.walk(&user).into_iter().map(|(_, session)| session.expires_at).max();
            self.forget(&user);
            if let Some(until) = ends {
                self.note(&user, until);
            }
        }
    }
}

/// The place of a live record in the order of a user's sessions.
fn age((key, kept): (&SessionKey, &Kept)) -> Option<(UnixMillis, SessionId, String, SessionKey)> {
    match kept {
        Kept::Live(record) => Some((record.created_at, record.id.clone(), key.digest_text(), key.clone())),
        Kept::Ended(_) | Kept::Renewed { .. } => None,
    }
}

/// The one way in which creating or renewing a session is the caller's fault.
pub(crate) fn reused_secret() -> Error {
    Error::new(
        ErrorKind::Misuse,
        "a session with this secret exists: draw fresh random bytes for every login and renewal",
    )
}

/// A session cannot be moved to somebody else.
pub(crate) fn foreign_key() -> Error {
    Error::new(
        ErrorKind::Misuse,
        "the next key belongs to another user: make it from the session's secret, rotated",
    )
}
