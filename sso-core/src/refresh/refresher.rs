//! The façade of refresh tokens: issue, exchange, revoke.

use std::sync::Arc;

use crate::edge;
use crate::error::Error;
use crate::refresh::limits::RefreshLimits;
use crate::refresh::names::{ClientId, FamilyId, FamilyKey, Scope};
use crate::refresh::request::{Grant, NewFamily, Presented};
use crate::refresh::rule::RotateOutcome;
use crate::refresh::secret::RefreshSecret;
use crate::refresh::{Families, Family, FamilyEnd, RefreshStore, RevokeFamily};
use crate::session::SessionId;
use crate::sso::Sso;
use crate::store::At;
use crate::user_id::UserId;

/// Refresh tokens over a store of families. A clone is the same one.
///
/// It does not ask who the client is: the application has authenticated it, or knows that it is public.
///
/// A family that is bound to a session ([`Grant::with_session`]) dies with it for sure if the refresher knows the
/// sessions: give them with [`sessions`](Self::sessions).
///
/// # Errors
/// Every verb passes on the errors of its [`RefreshStore`]. After a transient error a refresh may or may not have
/// happened. The client repeats it with the same token: within the window of grace it gets the same child.
///
/// ```
/// use std::sync::Arc;
/// use sso_core::{ClientId, Grant, MemoryRefreshStore, RefreshLimits, RefreshOutcome, Refresher, UserId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let refresher = Refresher::new(Arc::new(MemoryRefreshStore::new()), RefreshLimits::default());
/// let (alice, app) = (UserId::new("alice")?, ClientId::new("shop-app")?);
/// let Some((first, family)) = refresher.issue(&alice, Grant::new(app.clone())).await?.issued() else {
///     return Ok(());
/// };
///
/// let RefreshOutcome::Refreshed { secret: second, .. } = refresher.refresh(&first, &app, None).await? else {
///     return Ok(());
/// };
/// // The answer was lost: the client asks again, and gets the same one.
/// let again = refresher.refresh(&first, &app, None).await?;
/// assert!(matches!(again, RefreshOutcome::Refreshed { secret, .. } if secret == second));
/// // The client uses the second token. Whoever still has the first one is not the client.
/// let _third = refresher.refresh(&second, &app, None).await?;
/// let reused = refresher.refresh(&first, &app, None).await?;
/// assert!(matches!(reused, RefreshOutcome::Reused { family: ended } if ended.id == family.id));
/// assert!(refresher.families(&alice).await?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Refresher {
    store: Arc<dyn RefreshStore>,
    limits: RefreshLimits,
    sessions: Option<Sso>,
}

/// What issuing came to.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and the small answer is rare")]
pub enum IssueOutcome {
    /// A new family, and its first token.
    Issued {
        /// The first token.
        secret: RefreshSecret,
        /// The family.
        family: Family,
    },
    /// The session that the family was to be bound to has ended meanwhile, and the family with it: let the user
    /// sign in again. Only a refresher that knows the [`sessions`](Refresher::sessions) answers so.
    SessionEnded,
}

impl IssueOutcome {
    /// The first token and its family, if they were issued.
    #[must_use]
    pub fn issued(self) -> Option<(RefreshSecret, Family)> {
        match self {
            Self::Issued { secret, family } => Some((secret, family)),
            Self::SessionEnded => None,
        }
    }
}

/// What a refresh came to. The token endpoint answers `invalid_scope` to [`RefreshOutcome::ScopeTooWide`] and
/// `invalid_grant` to the others that are not [`RefreshOutcome::Refreshed`] (RFC 6749, section 5.2).
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum RefreshOutcome {
    /// Here is the next token. Issue an access token for the family's user with it.
    Refreshed {
        /// The next token, in place of the one that was shown.
        secret: RefreshSecret,
        /// What the access token may be for: what was asked for, or all that was granted.
        scope: Option<Scope>,
        /// The family after the exchange.
        family: Family,
        /// The exchange had happened before, and this is its answer once more.
        is_replay: bool,
    },
    /// The token had been exchanged before, so two parties have had it. Its family has just ended: tell the user.
    Reused {
        /// The family as it was.
        family: Family,
    },
    /// The family has ended before: let the user sign in again.
    Ended(FamilyEnd),
    /// The token belongs to another client. It still works there; revoke the family if you take it for stolen.
    WrongClient {
        /// The family of the token.
        family: Family,
    },
    /// More is asked for than was granted. The token is still good.
    ScopeTooWide {
        /// The family of the token.
        family: Family,
    },
    /// There is no such token: never, or not any more.
    Unknown,
}

impl Refresher {
    /// Families in this store, under these limits.
    #[must_use]
    pub fn new(store: Arc<dyn RefreshStore>, limits: RefreshLimits) -> Self {
        Self { store, limits, sessions: None }
    }

    /// Looks, after every issue and every exchange of a family that is bound to a session, whether that session
    /// still lives, and ends the family if it does not. That is one more round trip, for such families only. Without
    /// this, a family outlives a session that expires unseen, or whose end was not told to
    /// [`session_ended`](Self::session_ended).
    ///
    /// The session must be one of the family's user. A refresh is no use of the session and does not prolong it. An
    /// end that is noticed here is told to the [`events`](Sso::events) of these sessions.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sso_core::{
    ///     ClientId, DeviceKind, FamilyEnd, Grant, Login, MemoryRefreshStore, MemoryStore, RefreshLimits,
    ///     RefreshOutcome, Refresher, SessionLimits, Sso, UserId,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sso_core::Error> {
    /// let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    /// let refresher =
    ///     Refresher::new(Arc::new(MemoryRefreshStore::new()), RefreshLimits::default()).sessions(sso.clone());
    /// let (alice, app) = (UserId::new("alice")?, ClientId::new("shop-app")?);
    /// let login = Login::new(DeviceKind::Mobile, "app/1.0", "192.0.2.7");
    /// let Some(signed_in) = sso.login(&alice, login).await?.admitted() else { return Ok(()) };
    /// let grant = Grant::new(app.clone()).with_session(signed_in.session.id.clone());
    /// let Some((token, _)) = refresher.issue(&alice, grant).await?.issued() else { return Ok(()) };
    ///
    /// sso.logout(&signed_in.secret).await?;
    /// let outcome = refresher.refresh(&token, &app, None).await?;
    /// assert_eq!(outcome, RefreshOutcome::Ended(FamilyEnd::SessionEnded));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn sessions(mut self, sessions: Sso) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &RefreshLimits {
        &self.limits
    }

    /// Issues the first token of a new family to a user who has just signed in.
    ///
    /// # Errors
    /// Those of the stores, and `Unavailable` if the system has no random bytes. After an error there may be a
    /// family whose token nobody has.
    pub async fn issue(&self, user: &UserId, grant: Grant) -> Result<IssueOutcome, Error> {
        let (new, secret) = NewFamily::open(user.clone(), grant, edge::random()?, edge::random()?);
        let family = self.store.issue(&new, self.limits, At::Server).await?;
        // Afterwards, so that whoever ends the session in between finds the family, or this finds the end.
        if self.has_outlived(&family).await? {
            return Ok(IssueOutcome::SessionEnded);
        }
        Ok(IssueOutcome::Issued { secret, family })
    }

    /// Exchanges a token for the next one. One round trip to the store, and one to the
    /// [`sessions`](Self::sessions) if the family is bound to one. `scope` is what the client asks the access token
    /// for; the family keeps what it was granted (RFC 6749, section 6).
    ///
    /// # Errors
    /// Those of the stores, and `Unavailable` if the system has no random bytes. While the sessions cannot be read,
    /// no bound family is refreshed.
    pub async fn refresh(
        &self,
        secret: &RefreshSecret,
        client: &ClientId,
        scope: Option<&Scope>,
    ) -> Result<RefreshOutcome, Error> {
        let nonce = edge::random()?;
        let presented = Presented::new(secret, client.clone(), scope.cloned(), nonce);
        let (family, nonce, is_replay) = match self.store.rotate(&presented, self.limits, At::Server).await? {
            RotateOutcome::Rotated(family) => (family, nonce, false),
            RotateOutcome::Replayed(family, nonce) => (family, nonce, true),
            RotateOutcome::Reused(family) => return Ok(RefreshOutcome::Reused { family }),
            RotateOutcome::WrongClient(family) => return Ok(RefreshOutcome::WrongClient { family }),
            RotateOutcome::ScopeTooWide(family) => return Ok(RefreshOutcome::ScopeTooWide { family }),
            RotateOutcome::Ended(reason) => return Ok(RefreshOutcome::Ended(reason)),
            RotateOutcome::Unknown => return Ok(RefreshOutcome::Unknown),
        };
        if self.has_outlived(&family).await? {
            return Ok(RefreshOutcome::Ended(FamilyEnd::SessionEnded));
        }
        let scope = scope.or(family.scope.as_ref()).cloned();
        Ok(RefreshOutcome::Refreshed { secret: secret.child(&nonce), scope, family, is_replay })
    }

    /// Whether the session of a family has ended; if so, its families have ended with it.
    async fn has_outlived(&self, family: &Family) -> Result<bool, Error> {
        let (Some(sessions), Some(session)) = (&self.sessions, &family.session) else {
            return Ok(false);
        };
        if sessions.sessions(&family.user).await?.iter().any(|live| live.id == *session) {
            return Ok(false);
        }
        self.session_ended(&family.user, session).await?;
        Ok(true)
    }

    /// Ends the family of a token that its client gives back (RFC 7009). A former token of the family will do.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke(&self, secret: &RefreshSecret, client: &ClientId) -> Result<RevokeFamily, Error> {
        self.store.revoke_family(&secret.family(), Some(client), self.limits, At::Server).await
    }

    /// Ends one family of a user.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke_family(&self, user: &UserId, id: FamilyId) -> Result<RevokeFamily, Error> {
        self.store.revoke_family(&FamilyKey::new(user, id), None, self.limits, At::Server).await
    }

    /// Ends some families of a user; how many that were.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke_user(&self, user: &UserId, families: &Families) -> Result<u64, Error> {
        self.store.revoke_user(user, families, FamilyEnd::Revoked, self.limits, At::Server).await
    }

    /// Ends the families that are bound to a session of a user which has ended; how many that were. Call it when a
    /// session ends, so that [`families`](Self::families) does not list them any more; with
    /// [`sessions`](Self::sessions) no token of theirs is exchanged even if the call is lost.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn session_ended(&self, user: &UserId, session: &SessionId) -> Result<u64, Error> {
        let families = Families::OfSession(session.clone());
        self.store.revoke_user(user, &families, FamilyEnd::SessionEnded, self.limits, At::Server).await
    }

    /// The live families of a user, oldest first. One whose session has ended unseen is among them until its token
    /// is shown.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn families(&self, user: &UserId) -> Result<Vec<Family>, Error> {
        self.store.list(user, self.limits, At::Server).await
    }
}
