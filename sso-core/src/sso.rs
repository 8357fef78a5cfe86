//! The façade: sign in, recognise, sign out.

use std::sync::Arc;

use crate::edge;
use crate::error::Error;
use crate::secret::SessionSecret;
use crate::session::limits::SessionLimits;
use crate::session::login::{Login, NewSession};
use crate::session::{Check, EndOutcome, EndReason, Session};
use crate::store::{At, SessionStore};
use crate::user_id::UserId;

/// Single sign-on over a store of sessions. A clone is the same one.
///
/// It does not ask who the user is: the application has seen the password or the token before it calls
/// [`login`](Self::login).
///
/// # Errors
/// Every verb passes on the errors of its [`SessionStore`].
///
/// ```
/// use std::sync::Arc;
/// use sso_core::{Check, DeviceKind, EndReason, Login, MemoryStore, SessionLimits, Sso, UserId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
/// let alice = UserId::new("alice")?;
/// let phone = sso.login(&alice, Login::new(DeviceKind::Mobile, "app/1.0", "192.0.2.7")).await?;
/// let laptop = sso.login(&alice, Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.8")).await?;
///
/// assert_eq!(sso.sessions(&alice).await?.len(), 2);
/// assert!(sso.logout(&phone.secret).await?);
/// assert_eq!(sso.check(&phone.secret).await?, Check::Ended(EndReason::SignedOut));
/// assert!(matches!(sso.check(&laptop.secret).await?, Check::Active(session) if session.user == alice));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sso {
    store: Arc<dyn SessionStore>,
    limits: SessionLimits,
}

/// A user who has just signed in.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedIn {
    /// The new session.
    pub session: Session,
    /// What goes into the user's cookie.
    pub secret: SessionSecret,
}

impl Sso {
    /// Sessions in this store, under these limits.
    #[must_use]
    pub fn new(store: Arc<dyn SessionStore>, limits: SessionLimits) -> Self {
        Self { store, limits }
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &SessionLimits {
        &self.limits
    }

    /// Signs a user in. Every login has a new secret, so nobody can plant one beforehand.
    ///
    /// # Errors
    /// Those of the store, and `Unavailable` if the system has no random bytes.
    ///
    /// After a transient error the outcome is unknown: there may be a session whose secret nobody has. Each
    /// further try may add one and end the user's oldest, so let the user try again rather than a loop.
    pub async fn login(&self, user: &UserId, login: Login) -> Result<SignedIn, Error> {
        let (new, secret) = NewSession::open(user.clone(), login, edge::random()?);
        let session = self.store.create(&new, self.limits, At::Server).await?;
        Ok(SignedIn { session, secret })
    }

    /// Says whose session it is. One round trip to the store.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn check(&self, secret: &SessionSecret) -> Result<Check, Error> {
        self.store.check(&secret.key(), self.limits, At::Server).await
    }

    /// Signs out; whether there was a live session to end.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn logout(&self, secret: &SessionSecret) -> Result<bool, Error> {
        let outcome = self.store.end(&secret.key(), EndReason::SignedOut, self.limits, At::Server).await?;
        Ok(outcome == EndOutcome::Ended)
    }

    /// Signs a user out everywhere; how many sessions that ended.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn logout_all(&self, user: &UserId) -> Result<u64, Error> {
        self.store.end_all(user, EndReason::SignedOut, self.limits, At::Server).await
    }

    /// Ends all sessions of a user for the application's own reasons: a stolen password, a banned account.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke_all(&self, user: &UserId) -> Result<u64, Error> {
        self.store.end_all(user, EndReason::Revoked, self.limits, At::Server).await
    }

    /// The live sessions of a user, oldest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sessions(&self, user: &UserId) -> Result<Vec<Session>, Error> {
        self.store.list(user, self.limits, At::Server).await
    }
}
