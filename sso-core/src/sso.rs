//! The façade: sign in, recognise, sign out. Changes of a session are in `change`, the ends of several in
//! `ending`, those who act as others in `impersonate`.

mod change;
mod ending;
mod impersonate;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::secret::SessionSecret;
use crate::session::end::{EndOutcome, EndReason};
use crate::session::event::{Answer, SessionEvents};
use crate::session::limits::SessionLimits;
use crate::session::login::{Login, NewSession};
use crate::session::online::{Cursor, OnlinePage, PageSize};
use crate::session::policy::{Admission, LoginPolicy};
use crate::session::{Check, Session};
use crate::store::{At, SessionStore};
use crate::user_id::UserId;

pub use impersonate::Impersonation;

/// Single sign-on over a store of sessions. A clone is the same one.
///
/// It does not ask who the user is: the application has seen the password or the token before it calls
/// [`login`](Self::login). It fails closed: if the store does not answer, that is an error, never an active session.
///
/// # Errors
/// Every verb passes on the errors of its [`SessionStore`].
///
/// ```
/// use std::sync::Arc;
/// use sso_core::{
///     Admission, Check, DeviceKind, EndReason, Login, LoginPolicy, MemoryStore, SessionLimits, Sso, UserId,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default())
///     .policy(LoginPolicy::at_most(5)?.per_device(DeviceKind::Mobile, 1)?);
/// let alice = UserId::new("alice")?;
/// let login = |device| sso.login(&alice, Login::new(device, "app/1.0", "192.0.2.7"));
/// let Admission::Admitted(laptop) = login(DeviceKind::Web).await? else { return Ok(()) };
/// let Admission::Admitted(phone) = login(DeviceKind::Mobile).await? else { return Ok(()) };
/// let Admission::Admitted(tablet) = login(DeviceKind::Mobile).await? else { return Ok(()) };
///
/// // The second telephone took the place of the first, which is told so.
/// let Check::Ended(end) = sso.check(&phone.secret).await? else { return Ok(()) };
/// assert_eq!(end.reason, EndReason::Replaced { by: DeviceKind::Mobile });
/// assert!(sso.sessions(&alice).await?.contains(&tablet.session));
/// assert!(sso.logout(&laptop.secret).await?);
/// assert_eq!(sso.logout_all(&alice).await?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Sso {
    store: Arc<dyn SessionStore>,
    limits: SessionLimits,
    policy: LoginPolicy,
    events: Option<Arc<dyn SessionEvents>>,
    impersonation_life: Duration,
}

/// A session that has just begun, or has just moved to a new secret.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// What goes into the user's cookie.
    pub secret: SessionSecret,
}

impl Sso {
    /// How long an impersonation lasts at most, unless the application says otherwise: an hour.
    pub const IMPERSONATION_LIFE_DEFAULT: Duration = Duration::from_secs(3600);

    /// Sessions in this store, under these limits, as many as a user likes.
    #[must_use]
    pub fn new(store: Arc<dyn SessionStore>, limits: SessionLimits) -> Self {
        Self {
            store,
            limits,
            policy: LoginPolicy::unlimited(),
            events: None,
            impersonation_life: Self::IMPERSONATION_LIFE_DEFAULT,
        }
    }

    /// Says how many sessions a user may have, from the next login on.
    #[must_use]
    pub fn policy(mut self, policy: LoginPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Tells somebody what happens to sessions.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn SessionEvents>) -> Self {
        self.events = Some(events);
        self
    }

    /// Says how long an impersonation lasts at most.
    ///
    /// # Errors
    /// `InvalidInput` unless it is a second to a day.
    pub fn impersonation_life(mut self, life: Duration) -> Result<Self, Error> {
        if life < Duration::from_secs(1) || life > Duration::from_secs(24 * 3600) {
            return Err(Error::new(ErrorKind::InvalidInput, "an impersonation must last a second to a day"));
        }
        self.impersonation_life = life;
        Ok(self)
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &SessionLimits {
        &self.limits
    }

    /// Signs a user in, if the policy admits it. Every login has a new secret, so nobody can plant one beforehand.
    ///
    /// # Errors
    /// Those of the store, and `Unavailable` if the system has no random bytes.
    ///
    /// After a transient error the outcome is unknown: there may be a session whose secret nobody has. Each
    /// further try may add one and end the user's oldest, so let the user try again rather than a loop.
    pub async fn login(&self, user: &UserId, login: Login) -> Result<Admission<SignedIn>, Error> {
        let (new, secret) = NewSession::open(user.clone(), login, edge::random()?);
        self.begin(&new, secret).await
    }

    async fn begin(&self, new: &NewSession, secret: SessionSecret) -> Result<Admission<SignedIn>, Error> {
        let answer = self.store.create(new, self.policy, self.limits, At::Server).await?;
        Ok(match self.told(answer) {
            Admission::Admitted(session) => Admission::Admitted(SignedIn { session, secret }),
            Admission::Refused(refusal) => Admission::Refused(refusal),
        })
    }

    /// Says whose session it is. One round trip to the store; two for a session of somebody who acts as the user,
    /// which ends as [`Revoked`](EndReason::Revoked) here when that somebody has no session of their own any more.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn check(&self, secret: &SessionSecret) -> Result<Check, Error> {
        let key = secret.key();
        let check = self.told(self.store.check(&key, self.limits, At::Server).await?);
        if let Check::Active(Session { actor: Some(actor), .. }) = &check
            && !self.is_signed_in(actor).await?
        {
            return self.revoke(&key).await;
        }
        Ok(check)
    }

    /// Signs out; whether there was a live session to end.
    ///
    /// A secret that the session has moved on from ends it too, for [`TOMBSTONE_MILLIS`](crate::TOMBSTONE_MILLIS): one
    /// tab may sign out while another one renews.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use sso_core::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sso_core::Error> {
    /// # let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    /// # let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    /// # let Admission::Admitted(old) = sso.login(&UserId::new("alice")?, login).await? else { return Ok(()) };
    /// # let Amended::Done(new) = sso.renew(&old.secret, Changes::new()).await? else { return Ok(()) };
    /// assert!(sso.logout(&old.secret).await?);
    /// assert!(matches!(sso.check(&new.secret).await?, Check::Ended(end) if end.reason == EndReason::SignedOut));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the store.
    pub async fn logout(&self, secret: &SessionSecret) -> Result<bool, Error> {
        let answer = self.store.end(&secret.key(), &EndReason::SignedOut, self.limits, At::Server).await?;
        Ok(self.told(answer) == EndOutcome::Ended)
    }

    /// The live sessions of a user, oldest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sessions(&self, user: &UserId) -> Result<Vec<Session>, Error> {
        Ok(self.told(self.store.list(user, self.limits, At::Server).await?))
    }

    /// The users who are signed in, page by page. A page may hold fewer than asked for, even none; the list ends
    /// where there is no next page.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use sso_core::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sso_core::Error> {
    /// # let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    /// for name in ["alice", "bob", "carol"] {
    ///     let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    ///     assert!(sso.login(&UserId::new(name)?, login).await?.admitted().is_some());
    /// }
    /// let (mut next, mut seen) = (None, Vec::new());
    /// loop {
    ///     let page = sso.online(next.as_ref(), PageSize::saturating_new(2)).await?;
    ///     seen.extend(page.users);
    ///     next = page.next;
    ///     if next.is_none() {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(seen.len(), 3);
    /// assert_eq!(sso.online_count().await?, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the store.
    pub async fn online(&self, after: Option<&Cursor>, size: PageSize) -> Result<OnlinePage, Error> {
        Ok(self.told(self.store.online(after, size, self.limits, At::Server).await?))
    }

    /// About how many users are signed in: see [`SessionStore::online_count`].
    ///
    /// # Errors
    /// Those of the store.
    pub async fn online_count(&self) -> Result<u64, Error> {
        self.store.online_count(At::Server).await
    }

    /// Tells what has happened, and goes on with the answer.
    fn told<T>(&self, answer: Answer<T>) -> T {
        if let Some(events) = &self.events {
            answer.events.iter().for_each(|event| events.on(event));
        }
        answer.value
    }
}

impl fmt::Debug for Sso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sso")
            .field("store", &self.store)
            .field("limits", &self.limits)
            .field("policy", &self.policy)
            .field("impersonation_life", &self.impersonation_life)
            .finish_non_exhaustive()
    }
}
