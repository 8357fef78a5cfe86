//! The laws of sessions, watched from outside: what ended never lives again, every end is told once, no policy is
//! exceeded, and the users who are online are those with live sessions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use sso_core::{
    Admission, Amended, Answer, At, Check, DeviceKind, IMPERSONATIONS_PER_USER_MAX, LoginPolicy, Overflow,
    PageSize, Purpose, Session, SessionEvent, SessionId, SessionStore, UnixMillis,
};

use super::history::{Command, How, Name, Replied, Reply, Step, USERS, user};

/// What can be known of a store from its answers alone.
#[derive(Default)]
pub(super) struct Witness {
    /// How many sessions of a name were told to have begun and not to have ended: mostly one, but the random bytes
    /// of this test come back, and may name a second one after the first has moved to another key.
    begun: BTreeMap<SessionId, u32>,
    /// Keys that were seen not to open a session.
    dead: BTreeSet<Name>,
    /// The last login was admitted.
    admitted: bool,
}

impl Witness {
    pub(super) fn see(
        &mut self,
        step: &Step,
        replied: Replied,
        now: UnixMillis,
    ) -> Result<(), TestCaseError> {
        self.admitted = false;
        let Ok(Answer { value, events }) = replied else { return Ok(()) };
        let renewals = events.iter().filter(|event| matches!(event, SessionEvent::Renewed { .. })).count();
        for event in events {
            self.hear(event, now)?;
        }
        self.admitted = matches!(value, Reply::Created(Admission::Admitted(_)));
        match (&step.command, value) {
            (Command::Create(name, ..), Reply::Created(Admission::Admitted(session))) => {
                prop_assert!(self.begun.contains_key(&session.id));
                self.dead.remove(name);
            }
            (Command::Create(name, ..), Reply::Created(Admission::Refused(refusal))) => {
                let full = usize::from(refusal.limit) <= refusal.live.len();
                prop_assert!(full && step.policy.overflow() == Overflow::RefuseNew);
                prop_assert!(refusal.live.iter().all(|session| session.user == user(name.user)));
            }
            (Command::Check(name), Reply::Checked(Check::Active(session))) => {
                prop_assert!(!self.dead.contains(name), "{:?} lives again", name);
                prop_assert!(self.begun.contains_key(&session.id));
            }
            (Command::Check(name) | Command::End(name, _), Reply::Checked(_) | Reply::Ended(_)) => {
                self.dead.insert(*name);
            }
            (Command::Amend(name, amend), Reply::Amended(amended)) => match amended {
                Amended::Done(session) => {
                    prop_assert!(!self.dead.contains(name), "{:?} lives again", name);
                    prop_assert!(self.begun.contains_key(&session.id));
                    prop_assert_eq!(renewals, usize::from(amend.next.is_some()));
                    if let Some(random) = amend.next {
                        self.dead.insert(*name);
                        self.dead.remove(&Name { random, ..*name });
                    }
                    let proved = amend.next.and(amend.proof).map(|(purpose, _)| format!("p{purpose}"));
                    if let Some(purpose) = proved {
                        prop_assert!(session.actor.is_none());
                        prop_assert!(session.is_proved(&Purpose::new(purpose).unwrap(), now));
                    }
                }
                Amended::Conflict(session) => prop_assert_ne!(Some(session.version), amend.if_version),
                Amended::Ended(_) | Amended::Unknown => {
                    self.dead.insert(*name);
                }
                Amended::Full | Amended::Impersonated => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn hear(&mut self, event: SessionEvent, now: UnixMillis) -> Result<(), TestCaseError> {
        match event {
            SessionEvent::Created { session } => *self.begun.entry(session.id).or_default() += 1,
            SessionEvent::Renewed { session } => prop_assert!(self.begun.contains_key(&session.id)),
            SessionEvent::Ended { session, end } => {
                prop_assert!(end.at <= now);
                let left = self.begun.get(&session.id).and_then(|begun| begun.checked_sub(1));
                prop_assert!(left.is_some(), "{:?} ended twice", session);
                self.begun.insert(session.id, left.unwrap_or_default());
            }
            _ => prop_assert!(false, "an event that this test does not know"),
        }
        Ok(())
    }

    /// Lists everybody, and compares.
    pub(super) async fn look_around(
        &mut self,
        store: &dyn SessionStore,
        step: &Step,
        now: UnixMillis,
    ) -> Result<(), TestCaseError> {
        let (at, limits) = (At::Millis(now), step.limits);
        let mut live = BTreeMap::new();
        for place in 0..USERS.len() {
            let Answer { value: sessions, events } = store.list(&user(place), limits, at).await.unwrap();
            for event in events {
                self.hear(event, now)?;
            }
            for session in &sessions {
                prop_assert!(self.begun.contains_key(&session.id));
                prop_assert!(now < session.expires_at);
                prop_assert_eq!(&session.user, &user(place));
            }
            prop_assert!(sessions.is_sorted_by_key(|session| (session.created_at, session.id.clone())));
            if let Command::Create(name, device, how) = &step.command
                && name.user == place
                && self.admitted
            {
                within_policy(&sessions, *device, *how, &step.policy)?;
            }
            if !sessions.is_empty() {
                live.insert((user(place).tag(), user(place)), sessions.len());
            }
        }
        let (mut next, mut seen) = (None, Vec::new());
        loop {
            let page = store.online(next.as_ref(), PageSize::saturating_new(2), limits, at).await.unwrap();
            prop_assert!(page.events.is_empty(), "everybody was listed a moment ago");
            seen.extend(page.value.users.iter().map(|online| (online.user.clone(), online.sessions)));
            next = page.value.next;
            if next.is_none() {
                break;
            }
        }
        let live: Vec<_> = live.into_iter().map(|((_, user), sessions)| (user, sessions)).collect();
        prop_assert_eq!(seen, live);
        Ok(())
    }
}

/// After a login that was admitted, the limits that it is under hold.
fn within_policy(
    sessions: &[Session],
    device: DeviceKind,
    how: How,
    policy: &LoginPolicy,
) -> Result<(), TestCaseError> {
    let (theirs, own): (Vec<_>, Vec<_>) = sessions.iter().partition(|session| session.actor.is_some());
    prop_assert!(theirs.len() <= usize::from(IMPERSONATIONS_PER_USER_MAX));
    if !matches!(how, How::Impersonated(_)) {
        let same = own.iter().filter(|session| session.device == device).count();
        prop_assert!(own.len() <= usize::from(policy.total()));
        prop_assert!(same <= usize::from(policy.of(device)));
    }
    Ok(())
}
