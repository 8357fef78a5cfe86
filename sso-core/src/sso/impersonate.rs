//! Acting as somebody else, for support: both names stay on the session, and it does not last.

use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::secret::{SessionKey, SessionSecret};
use crate::session::Check;
use crate::session::end::{End, EndOutcome, EndReason};
use crate::session::event::SessionEvent;
use crate::session::login::{Login, NewSession};
use crate::session::policy::Admission;
use crate::sso::{SignedIn, Sso};
use crate::store::At;
use crate::user_id::UserId;

/// What asking to act as somebody else came to.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Impersonation {
    /// It begins. The session names both: `user` and `actor`.
    Begun(Box<SignedIn>),
    /// The one who asks acts as somebody else already. End that first.
    Nested,
    /// The session of the one who asks has ended.
    Ended(End),
    /// The one who asks has no session.
    Unknown,
}

impl Sso {
    /// Lets a user who is signed in act as another one. Whether they may is for the application to say beforehand.
    ///
    /// The session does not count in the user's own policy and ends none of their sessions; it is listed among them
    /// with its `actor`. It lasts for [`impersonation_life`](Self::impersonation_life) at most, and no longer than the
    /// session of the one who asked would last from its last use on. It proves nothing ([`step_up`](Self::step_up) is
    /// refused), and can be ended by the user like any other.
    ///
    /// It does not outlive its actor's own sessions: once all of them have ended, for whatever reason, the next
    /// [`check`](Self::check) ends it. So [`revoke_all`](Self::revoke_all) of an administrator who loses their rights is
    /// enough. Until that check it is still listed.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sso_core::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sso_core::Error> {
    /// # let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    /// # let login = || Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    /// # let (root, alice) = (UserId::new("root")?, UserId::new("alice")?);
    /// # let Admission::Admitted(roots) = sso.login(&root, login()).await? else { return Ok(()) };
    /// let Impersonation::Begun(begun) = sso.impersonate(&roots.secret, &alice, login()).await? else {
    ///     return Ok(());
    /// };
    /// assert_eq!(begun.session.user, alice);
    /// assert_eq!(begun.session.actor, Some(root));
    /// let nested = sso.impersonate(&begun.secret, &UserId::new("bob")?, login()).await?;
    /// assert_eq!(nested, Impersonation::Nested);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` if both are the same user. Those of the store, and `Unavailable` if the system has no random
    /// bytes; as for [`login`](Self::login), the outcome is unknown after a transient error.
    pub async fn impersonate(
        &self,
        secret: &SessionSecret,
        user: &UserId,
        login: Login,
    ) -> Result<Impersonation, Error> {
        let own = match self.check(secret).await? {
            Check::Active(session) if session.actor.is_some() => return Ok(Impersonation::Nested),
            Check::Active(session) => session,
            Check::Ended(end) => return Ok(Impersonation::Ended(end)),
            Check::Unknown => return Ok(Impersonation::Unknown),
        };
        if own.user == *user {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "nobody can act as themselves: name another user",
            ));
        }
        let life = self.impersonation_life.min(own.expires_at.since(own.last_seen_at));
        let (new, secret) = NewSession::impersonate(own.user, user.clone(), login, life, edge::random()?);
        match self.begin(&new, secret).await? {
            Admission::Admitted(signed_in) => Ok(Impersonation::Begun(Box::new(signed_in))),
            Admission::Refused(_) => Err(Error::new(ErrorKind::Corrupt, "a store refused an impersonation")),
        }
    }

    /// Whether a user has a session of their own. One in which somebody else acts as them is none.
    pub(super) async fn is_signed_in(&self, user: &UserId) -> Result<bool, Error> {
        Ok(self.sessions(user).await?.iter().any(|session| session.actor.is_none()))
    }

    /// Ends a session that was live a moment ago.
    pub(super) async fn revoke(&self, key: &SessionKey) -> Result<Check, Error> {
        let answer = self.store.end(key, &EndReason::Revoked, self.limits, At::Server).await?;
        let told = answer.events.iter().find_map(|event| match event {
            SessionEvent::Ended { end, .. } => Some(end.clone()),
            SessionEvent::Created { .. } | SessionEvent::Renewed { .. } => None,
        });
        Ok(match (self.told(answer), told) {
            (EndOutcome::AlreadyEnded(end), _) | (EndOutcome::Ended, Some(end)) => Check::Ended(end),
            (EndOutcome::Unknown | EndOutcome::Ended, _) => Check::Unknown,
        })
    }
}
