//! Telling the sites: each of them once, again when it fails, and never for ever.

use std::sync::Arc;
use std::time::Duration;

use sso_core::{
    At, BoxFuture, Error, GrantKept, LogoutReceived, LogoutReceiver, LogoutRefused, MemorySiteStore,
    NewGrant, NoticeFate, OnceKey, OnceStore, PendingNotice, PresentedGrant, Redeemed, SessionId,
    SingleLogout, SiteStore, Standing, TokenId, TokenRejected, ToldOutcome, UnixMillis, UserId,
};

use super::{ISSUER, Sites, clients, keys, now, take_part};
use crate::ticket_contract::session;

#[tokio::test]
async fn every_site_of_a_session_is_told_once_and_believes_it() {
    let (sites, store, keys) = (Arc::new(Sites::default()), Arc::new(MemorySiteStore::new()), keys());
    let logout = SingleLogout::new(ISSUER, &keys, clients(), store.clone(), sites.clone()).unwrap();
    take_part(&*store, &session(1), &["shop", "forum", "silent"]).await;
    take_part(&*store, &session(2), &["shop"]).await;
    sites.answer("shop.example", &[200]);
    sites.answer("forum.example", &[204]);
    assert!(logout.deliver(now()).await.unwrap().is_empty());

    assert_eq!(logout.end(&session(1)).await.unwrap(), 3);
    let told = logout.deliver(now()).await.unwrap();
    let outcomes: Vec<_> = told.iter().map(|told| (told.client.as_str(), &told.outcome)).collect();
    let done = &ToldOutcome::Done;
    assert_eq!(outcomes, [("forum", done), ("shop", done), ("silent", &ToldOutcome::NoAddress)]);
    assert!(logout.deliver(now()).await.unwrap().is_empty());
    assert_eq!(logout.end(&session(1)).await.unwrap(), 0);

    let sent = sites.sent();
    assert_eq!(sent.len(), 2);
    for (host, body) in sent {
        let id = host.strip_suffix(".example").unwrap();
        let receiver = LogoutReceiver::new(ISSUER, id, &keys, Arc::new(MemorySiteStore::new())).unwrap();
        let received = receiver.receive(&body, now()).await.unwrap();
        assert_eq!(received.status(), 200, "{received:?}");
        let LogoutReceived::End(notice) = received else { panic!() };
        assert_eq!((notice.subject(), notice.session()), (Some("alice"), Some(session(1).as_str())));
        // The same notice again is a replay, and the other site does not take it.
        let again = receiver.receive(&body, now()).await.unwrap();
        assert_eq!(again, LogoutReceived::Refused(LogoutRefused::Replayed));
        let other = LogoutReceiver::new(ISSUER, "other", &keys, Arc::new(MemorySiteStore::new())).unwrap();
        let refused = other.receive(&body, now()).await.unwrap();
        assert_eq!(refused, LogoutReceived::Refused(LogoutRefused::Token(TokenRejected::WrongAudience)));
    }
}

#[tokio::test]
async fn a_site_that_says_no_for_good_is_left_alone_and_one_that_fails_is_told_later() {
    let (sites, store) = (Arc::new(Sites::default()), Arc::new(MemorySiteStore::new()));
    let logout = SingleLogout::new(ISSUER, &keys(), clients(), store.clone(), sites.clone()).unwrap();
    take_part(&*store, &session(1), &["shop", "forum"]).await;
    sites.answer("shop.example", &[400]);
    sites.answer("forum.example", &[503]);
    logout.end(&session(1)).await.unwrap();
    let told = logout.deliver(now()).await.unwrap();
    let again = ToldOutcome::Again { after: Duration::from_secs(2), because: "the site answered 503".into() };
    assert_eq!(told[0].outcome, again);
    assert_eq!(told[1].outcome, ToldOutcome::GivenUp { because: "the site answered 400".into() });

    // Two seconds later by the store's clock, and not before, it is the turn of the one that failed.
    let later = |secs| At::Millis(now().saturating_add(Duration::from_secs(secs)));
    let lease = SingleLogout::LEASE;
    assert!(store.due(16, lease, At::Server).await.unwrap().is_empty());
    let due = store.due(16, lease, later(3)).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].client.as_str(), due[0].attempt), ("forum", 2));
    // Whoever took it and crashed leaves it to the next one.
    assert!(store.due(16, lease, later(4)).await.unwrap().is_empty());
    assert_eq!(store.due(16, lease, later(70)).await.unwrap()[0].attempt, 3);
}

#[tokio::test]
async fn a_site_that_cannot_be_reached_is_given_up_after_the_last_attempt() {
    let (sites, store) = (Arc::new(Sites::default()), Arc::new(MemorySiteStore::new()));
    let logout = SingleLogout::new(ISSUER, &keys(), clients(), store.clone(), sites.clone()).unwrap();
    take_part(&*store, &session(1), &["shop"]).await;
    logout.end(&session(1)).await.unwrap();
    // All attempts but one have failed already.
    for attempt in 1..SingleLogout::ATTEMPTS_MAX {
        let due = store.due(16, SingleLogout::LEASE, At::Server).await.unwrap();
        assert_eq!(due[0].attempt, attempt);
        store.settle(&due[0], NoticeFate::Again(Duration::ZERO), At::Server).await.unwrap();
    }
    let told = logout.deliver(now()).await.unwrap();
    assert_eq!(told[0].attempt, SingleLogout::ATTEMPTS_MAX);
    assert!(matches!(&told[0].outcome, ToldOutcome::GivenUp { because } if !because.is_empty()));
    let later = At::Millis(now().saturating_add(Duration::from_secs(3600)));
    assert!(store.due(16, SingleLogout::LEASE, later).await.unwrap().is_empty());
}

/// A store that cannot note what became of telling the forum.
#[derive(Debug)]
struct Forgetful(MemorySiteStore);

impl OnceStore for Forgetful {
    fn first<'a>(&'a self, key: OnceKey, until: UnixMillis, at: At) -> BoxFuture<'a, Result<bool, Error>> {
        self.0.first(key, until, at)
    }
}

impl SiteStore for Forgetful {
    fn keep<'a>(&'a self, grant: &'a NewGrant, at: At) -> BoxFuture<'a, Result<GrantKept, Error>> {
        self.0.keep(grant, at)
    }

    fn redeem<'a>(
        &'a self,
        key: &'a sso_core::GrantKey,
        presented: PresentedGrant<'a>,
        at: At,
    ) -> BoxFuture<'a, Result<Redeemed, Error>> {
        self.0.redeem(key, presented, at)
    }

    fn standing<'a>(
        &'a self,
        session: &'a SessionId,
        token: &'a TokenId,
        at: At,
    ) -> BoxFuture<'a, Result<Standing, Error>> {
        self.0.standing(session, token, at)
    }

    fn end<'a>(&'a self, session: &'a SessionId, at: At) -> BoxFuture<'a, Result<u64, Error>> {
        self.0.end(session, at)
    }

    fn due(
        &self,
        sessions_max: usize,
        lease: Duration,
        at: At,
    ) -> BoxFuture<'_, Result<Vec<PendingNotice>, Error>> {
        self.0.due(sessions_max, lease, at)
    }

    fn settle<'a>(
        &'a self,
        notice: &'a PendingNotice,
        fate: NoticeFate,
        at: At,
    ) -> BoxFuture<'a, Result<(), Error>> {
        if notice.client.as_str() == "forum" {
            return Box::pin(async { Err(UserId::new("").unwrap_err()) });
        }
        self.0.settle(notice, fate, at)
    }
}

#[tokio::test]
async fn what_cannot_be_noted_of_one_site_hides_no_other() {
    let (sites, store) = (Arc::new(Sites::default()), Arc::new(Forgetful(MemorySiteStore::new())));
    let logout = SingleLogout::new(ISSUER, &keys(), clients(), store.clone(), sites.clone()).unwrap();
    take_part(&*store, &session(1), &["shop", "forum"]).await;
    sites.answer("shop.example", &[200]);
    sites.answer("forum.example", &[200]);
    assert_eq!(logout.end(&session(1)).await.unwrap(), 2);
    let told = logout.deliver(now()).await.unwrap();
    assert_eq!((told[0].client.as_str(), told[1].client.as_str()), ("forum", "shop"));
    assert!(matches!(&told[0].outcome, ToldOutcome::Unsettled { because } if !because.is_empty()));
    assert_eq!(told[1].outcome, ToldOutcome::Done);
    // The forum is told again when the lease is over.
    let later = At::Millis(now().saturating_add(SingleLogout::LEASE * 2));
    let due = store.due(16, SingleLogout::LEASE, later).await.unwrap();
    assert_eq!((due.len(), due[0].client.as_str()), (1, "forum"));
}
