//! The façade of revocation: call a token back, or all tokens of a user.

use std::sync::Arc;
use std::time::Duration;

use crate::claims::Claims;
use crate::error::{Error, ErrorKind};
use crate::revocation::rule::{Epoch, Revocation};
use crate::revocation::{RevocationStore, RevokeOutcome};
use crate::store::At;
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// Calls tokens back, in a log that all servers share. A clone is the same one.
///
/// # Errors
/// Every verb passes on the errors of its [`RevocationStore`]. Every verb may be repeated.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use sso_core::{Claims, Lifetime, MemoryRevocations, RevocationView as _, RevokeOutcome, Revoker, TokenId,
///     UnixMillis, UserId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let log = Arc::new(MemoryRevocations::new());
/// let revoker = Revoker::new(log.clone(), Duration::from_secs(3600));
///
/// let life = Lifetime::starting(UnixMillis::now(), Duration::from_secs(300))?;
/// let claims = Claims::new(UserId::new("alice")?, "shop-web", "shop-api", TokenId::random()?, life)?;
/// assert!(matches!(revoker.revoke_token(&claims).await?, RevokeOutcome::Revoked(_)));
/// assert!(log.is_revoked(&claims));
/// assert!(matches!(revoker.revoke_token(&claims).await?, RevokeOutcome::Already(_)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Revoker {
    store: Arc<dyn RevocationStore>,
    token_life: Duration,
    leeway: Duration,
}

impl Revoker {
    /// How far the clocks of two servers may differ unless [`leeway`](Self::leeway) says otherwise.
    pub const LEEWAY_DEFAULT: Duration = Duration::from_secs(2);

    /// Writes into this log. `token_life` is the longest life that any issuer gives a token: a revocation of a
    /// user is kept so long.
    #[must_use]
    pub fn new(store: Arc<dyn RevocationStore>, token_life: Duration) -> Self {
        Self { store, token_life, leeway: Self::LEEWAY_DEFAULT }
    }

    /// How far the clock of an issuer may be ahead of this machine's; [`LEEWAY_DEFAULT`](Self::LEEWAY_DEFAULT) unless
    /// told. A revoked user gets no valid token for so long, at most for [`Epoch::AHEAD_MAX`].
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Calls one token back.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke_token(&self, claims: &Claims) -> Result<RevokeOutcome, Error> {
        let revocation = Revocation::of_token(claims.id(), claims.expires_at());
        self.store.revoke(&revocation, At::Server).await
    }

    /// Calls all tokens back that a user has, those of this very second and of the [`leeway`](Self::leeway) included.
    /// Tokens of the returned epoch and later are accepted: it is the one that the log keeps, later than asked for if
    /// the log's clock is ahead of this machine's.
    ///
    /// # Errors
    /// Those of the store, and `Unavailable` if this machine's clock is so far behind the log's that nothing was
    /// revoked.
    pub async fn revoke_user(&self, user: &UserId) -> Result<Epoch, Error> {
        let epoch = Epoch::after(UnixMillis::now(), self.leeway);
        let revocation = Revocation::of_user(user, epoch, self.token_life);
        match self.store.revoke(&revocation, At::Server).await? {
            RevokeOutcome::Revoked(kept) | RevokeOutcome::Already(kept) => Ok(kept.epoch),
            RevokeOutcome::Expired => Err(Error::new(
                ErrorKind::Unavailable,
                "nothing was revoked: this machine's clock is behind the log's by more than a token lives; set it",
            )),
        }
    }
}
