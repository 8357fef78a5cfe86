//! Ending some or all sessions of a user: at their own wish, by an administrator, by the application.

use crate::error::Error;
use crate::session::SessionId;
use crate::session::end::{EndReason, Which};
use crate::sso::Sso;
use crate::store::At;
use crate::user_id::UserId;

impl Sso {
    /// Signs a user out of some of their sessions, at their own wish; which ones that ended, oldest first.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use sso_core::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sso_core::Error> {
    /// # let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    /// # let alice = UserId::new("alice")?;
    /// # let login = || Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    /// # let Admission::Admitted(old) = sso.login(&alice, login()).await? else { return Ok(()) };
    /// # let Admission::Admitted(this) = sso.login(&alice, login()).await? else { return Ok(()) };
    /// // "Sign out everywhere else."
    /// let ended = sso.logout_some(&alice, &Which::AllBut(this.session.id.clone())).await?;
    /// assert_eq!(ended, [old.session.id]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the store.
    pub async fn logout_some(&self, user: &UserId, which: &Which) -> Result<Vec<SessionId>, Error> {
        self.end_some(user, which, &EndReason::SignedOut).await
    }

    /// Signs a user out everywhere; how many sessions that ended.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn logout_all(&self, user: &UserId) -> Result<usize, Error> {
        Ok(self.end_some(user, &Which::All, &EndReason::SignedOut).await?.len())
    }

    /// Ends sessions of somebody else, who is told by whom if that is given; which ones that ended, oldest first.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use sso_core::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sso_core::Error> {
    /// # let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    /// # let (alice, root) = (UserId::new("alice")?, UserId::new("root")?);
    /// # let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    /// # let Admission::Admitted(alices) = sso.login(&alice, login).await? else { return Ok(()) };
    /// let ended = sso.kick(&alice, &Which::One(alices.session.id), Some(&root)).await?;
    /// assert_eq!(ended.len(), 1);
    /// let Check::Ended(end) = sso.check(&alices.secret).await? else { return Ok(()) };
    /// assert_eq!(end.reason, EndReason::Kicked { by: Some(root) });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the store.
    pub async fn kick(
        &self,
        user: &UserId,
        which: &Which,
        by: Option<&UserId>,
    ) -> Result<Vec<SessionId>, Error> {
        self.end_some(user, which, &EndReason::Kicked { by: by.cloned() }).await
    }

    /// Ends all sessions of a user for the application's own reasons: a stolen password, a banned account.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke_all(&self, user: &UserId) -> Result<usize, Error> {
        Ok(self.end_some(user, &Which::All, &EndReason::Revoked).await?.len())
    }

    async fn end_some(
        &self,
        user: &UserId,
        which: &Which,
        reason: &EndReason,
    ) -> Result<Vec<SessionId>, Error> {
        Ok(self.told(self.store.end_some(user, which, reason, self.limits, At::Server).await?))
    }
}
