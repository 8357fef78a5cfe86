//! Changes of a live session through the façade: a new secret, attributes, a proof.

use crate::edge;
use crate::error::Error;
use crate::secret::{SessionKey, SessionSecret};
use crate::session::amend::{Amended, Amendment};
use crate::session::changes::Changes;
use crate::session::proof::Proof;
use crate::sso::{SignedIn, Sso};
use crate::store::At;

impl Sso {
    /// Changes the attributes of a session, all of them or none.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sso_core::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sso_core::Error> {
    /// # let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    /// # let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    /// # let alice = UserId::new("alice")?;
    /// # let Admission::Admitted(signed_in) = sso.login(&alice, login).await? else { return Ok(()) };
    /// let language = || AttributeName::new("language");
    /// let chinese = Changes::new().set(language()?, AttributeValue::text("zh-CN")?);
    /// let Amended::Done(session) = sso.amend(&signed_in.secret, chinese).await? else { return Ok(()) };
    /// assert_eq!(session.attributes.value(&language()?).and_then(AttributeValue::as_text), Some("zh-CN"));
    /// assert_eq!(session.version, 1);
    ///
    /// // Two requests that read version 0 cannot both write.
    /// let stale = Changes::new().remove(language()?).if_version(0);
    /// assert!(matches!(sso.amend(&signed_in.secret, stale).await?, Amended::Conflict(now) if now == session));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the store. After a transient error the outcome is unknown: read the session again.
    pub async fn amend(&self, secret: &SessionSecret, changes: Changes) -> Result<Amended, Error> {
        let amendment = Amendment::attributes(changes);
        Ok(self.told(self.store.amend(&secret.key(), &amendment, self.limits, At::Server).await?))
    }

    /// Moves a session to a new secret, and changes its attributes in the same step. Do so whenever the user's
    /// rights change, so that a secret that leaked before is worth nothing after.
    ///
    /// The old secret ends as [`Renewed`](crate::EndReason::Renewed): requests that are still under way with it get
    /// that answer. All that it can still do is to sign out.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sso_core::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sso_core::Error> {
    /// # let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    /// # let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    /// # let alice = UserId::new("alice")?;
    /// # let Admission::Admitted(before) = sso.login(&alice, login).await? else { return Ok(()) };
    /// let editor = Changes::new().set(AttributeName::new("editor")?, true);
    /// let Amended::Done(after) = sso.renew(&before.secret, editor).await? else { return Ok(()) };
    /// assert_eq!(after.session.id, before.session.id);
    /// assert!(matches!(sso.check(&after.secret).await?, Check::Active(_)));
    /// assert!(matches!(sso.check(&before.secret).await?, Check::Ended(end) if end.reason == EndReason::Renewed));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the store, and `Unavailable` if the system has no random bytes. After a transient error the outcome is
    /// unknown: the session may have moved to a secret that nobody has, and the user signs in again.
    pub async fn renew(&self, secret: &SessionSecret, changes: Changes) -> Result<Amended<SignedIn>, Error> {
        self.rotate(secret, |key| Amendment::renewal(key).with(changes)).await
    }

    /// Notes that the user has just proved again who they are, for a purpose and for a while. The session moves to
    /// a new secret, as in [`renew`](Self::renew).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use sso_core::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sso_core::Error> {
    /// # let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    /// # let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    /// # let alice = UserId::new("alice")?;
    /// # let Admission::Admitted(signed_in) = sso.login(&alice, login).await? else { return Ok(()) };
    /// let pay = Purpose::new("pay")?;
    /// assert!(!signed_in.session.is_proved(&pay, UnixMillis::now()));
    /// // The password was right once more: payments are open for five minutes.
    /// let proof = Proof::new(pay.clone(), Duration::from_secs(300))?;
    /// let Amended::Done(proved) = sso.step_up(&signed_in.secret, proof).await? else { return Ok(()) };
    /// assert!(proved.session.is_proved(&pay, UnixMillis::now()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    pub async fn step_up(&self, secret: &SessionSecret, proof: Proof) -> Result<Amended<SignedIn>, Error> {
        self.rotate(secret, |key| Amendment::step_up(key, proof)).await
    }

    async fn rotate(
        &self,
        secret: &SessionSecret,
        amendment: impl FnOnce(SessionKey) -> Amendment,
    ) -> Result<Amended<SignedIn>, Error> {
        let next = secret.rotate(edge::random()?);
        let amendment = amendment(next.key());
        let answer = self.store.amend(&secret.key(), &amendment, self.limits, At::Server).await?;
        Ok(self.told(answer).map(|session| SignedIn { session, secret: next }))
    }
}
