//! A store that answers nothing: every verb of the façade is an error then, and nobody is told of events.

use std::sync::Arc;
use std::time::Duration;

use sso_core::{
    Admission, Amended, Amendment, Answer, At, BoxFuture, Changes, Check, Cursor, DeviceKind, EndOutcome,
    EndReason, Error, ErrorKind, Login, LoginPolicy, NewSession, OnlinePage, PageSize, Proof, Purpose,
    Session, SessionEvent, SessionId, SessionKey, SessionLimits, SessionSecret, SessionStore, Sso, UserId,
    Which,
};

#[derive(Debug)]
pub(crate) struct BrokenStore;

type Broken<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// An error as an application makes it for its own store.
fn broken<'a, T>() -> Broken<'a, T> {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    Box::pin(async { Err(Error::unavailable("the store is away").because(refused)) })
}

impl SessionStore for BrokenStore {
    fn create<'a>(
        &'a self,
        _: &'a NewSession,
        _: LoginPolicy,
        _: SessionLimits,
        _: At,
    ) -> Broken<'a, Answer<Admission>> {
        broken()
    }

    fn check<'a>(&'a self, _: &'a SessionKey, _: SessionLimits, _: At) -> Broken<'a, Answer<Check>> {
        broken()
    }

    fn amend<'a>(
        &'a self,
        _: &'a SessionKey,
        _: &'a Amendment,
        _: SessionLimits,
        _: At,
    ) -> Broken<'a, Answer<Amended>> {
        broken()
    }

    fn end<'a>(
        &'a self,
        _: &'a SessionKey,
        _: &'a EndReason,
        _: SessionLimits,
        _: At,
    ) -> Broken<'a, Answer<EndOutcome>> {
        broken()
    }

    fn end_some<'a>(
        &'a self,
        _: &'a UserId,
        _: &'a Which,
        _: &'a EndReason,
        _: SessionLimits,
        _: At,
    ) -> Broken<'a, Answer<Vec<SessionId>>> {
        broken()
    }

    fn list<'a>(&'a self, _: &'a UserId, _: SessionLimits, _: At) -> Broken<'a, Answer<Vec<Session>>> {
        broken()
    }

    fn online<'a>(
        &'a self,
        _: Option<&'a Cursor>,
        _: PageSize,
        _: SessionLimits,
        _: At,
    ) -> Broken<'a, Answer<OnlinePage>> {
        broken()
    }

    fn online_count(&self, _: At) -> Broken<'_, u64> {
        broken()
    }
}

#[tokio::test]
async fn a_store_that_fails_lets_nobody_in() {
    let sso = Sso::new(Arc::new(BrokenStore), SessionLimits::default())
        .events(Arc::new(|event: &SessionEvent| panic!("nothing has happened: {event:?}")));
    let alice = UserId::new("alice").unwrap();
    let secret = SessionSecret::new(&alice, [1; 32]);
    let login = || Login::new(DeviceKind::Web, "", "");
    let proof = Proof::new(Purpose::new("pay").unwrap(), Duration::from_secs(60)).unwrap();
    let errors = [
        sso.login(&alice, login()).await.err(),
        sso.check(&secret).await.err(),
        sso.renew(&secret, Changes::new()).await.err(),
        sso.amend(&secret, Changes::new()).await.err(),
        sso.step_up(&secret, proof).await.err(),
        sso.impersonate(&secret, &alice, login()).await.err(),
        sso.logout(&secret).await.err(),
        sso.logout_all(&alice).await.err(),
        sso.kick(&alice, &Which::All, None).await.err(),
        sso.sessions(&alice).await.err(),
        sso.online(None, PageSize::MAX).await.err(),
        sso.online_count().await.err(),
    ];
    for (place, error) in errors.into_iter().enumerate() {
        let error = error.unwrap();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{place}");
        assert_eq!(error.to_string(), "the store is away");
        assert!(std::error::Error::source(&error).is_some());
    }
}
