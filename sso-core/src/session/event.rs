//! What happens to sessions, for those who want to know: audit logs, notices, caches.

use crate::session::Session;
use crate::session::end::End;

/// Something that has happened to a session. Each happens once, in the answer of the step that did it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// It has begun.
    Created {
        /// The session.
        session: Session,
    },
    /// It has moved to a new secret.
    Renewed {
        /// The session, after that.
        session: Session,
    },
    /// It has ended.
    ///
    /// Nothing runs in the background: an expiry is noticed by the next verb that meets the session. One that no
    /// verb meets within [`TOMBSTONE_MILLIS`](crate::TOMBSTONE_MILLIS) of its end goes without an event.
    Ended {
        /// The session as it was.
        session: Session,
        /// Why and when.
        end: End,
    },
}

/// Someone who is told what happens to sessions; any `Fn(&SessionEvent)` will do.
///
/// It is told after the store has done its work, by the process that asked for it, and before the caller has the
/// answer: be quick, hand longer work to a queue. It has no way to fail, because what has happened has happened; a
/// panic in it is the caller's. If the caller is cancelled or the process dies in between, nobody is told.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use sso_core::{DeviceKind, Login, MemoryStore, SessionEvent, SessionLimits, Sso, UserId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let log = seen.clone();
/// let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default())
///     .events(Arc::new(move |event: &SessionEvent| log.lock().unwrap().push(event.clone())));
///
/// let alice = UserId::new("alice")?;
/// sso.login(&alice, Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7")).await?;
/// sso.logout_all(&alice).await?;
/// let seen = seen.lock().unwrap();
/// assert!(matches!(seen.as_slice(), [SessionEvent::Created { .. }, SessionEvent::Ended { .. }]));
/// # Ok(())
/// # }
/// ```
pub trait SessionEvents: Send + Sync {
    /// Takes notice.
    fn on(&self, event: &SessionEvent);
}

impl<F: Fn(&SessionEvent) + Send + Sync> SessionEvents for F {
    fn on(&self, event: &SessionEvent) {
        self(event);
    }
}

/// The answer of a store, and what has happened in the very step that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// What has happened, in this order.
    pub events: Vec<SessionEvent>,
}
