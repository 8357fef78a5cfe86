//! Single logout: the gate tells the sites, and a site believes only what it must.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use sso_core::{
    At, BoxFuture, Client, ClientId, ClientSecret, Clients, Error, GrantBinding, GrantKept, GrantKind,
    GrantSecret, HttpClient, KeySet, LogoutReceived, LogoutReceiver, LogoutRefused, MemorySiteStore,
    NewGrant, NoticeFate, OnceKey, OnceStore, PendingNotice, PresentedGrant, Redeemed, SessionId, Signer,
    SigningKey, SingleLogout, SiteStore, SiteUrl, Standing, TokenId, TokenRejected, ToldOutcome, UnixMillis,
    UserId,
};

use crate::ticket_contract::session;

const ISSUER: &str = "https://sso.example";
/// The store's clock is the real one, so the test's is too: whole seconds.
static NOW: LazyLock<u64> = LazyLock::new(|| UnixMillis::now().as_secs() * 1000);

/// Sites on a network of their own: what they answer, and what they were sent.
#[derive(Debug, Default)]
struct Sites {
    answers: Mutex<BTreeMap<String, Vec<u16>>>,
    sent: Mutex<Vec<(String, Bytes)>>,
}

impl Sites {
    fn answer(&self, host: &str, statuses: &[u16]) {
        self.answers.lock().unwrap().insert(host.to_owned(), statuses.iter().rev().copied().collect());
    }

    fn sent(&self) -> Vec<(String, Bytes)> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

impl HttpClient for Sites {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, Error>> {
        Box::pin(async move {
            let host = request.uri().host().unwrap().to_owned();
            assert_eq!(request.method(), http::Method::POST);
            self.sent.lock().unwrap().push((host.clone(), request.into_body()));
            let status = self.answers.lock().unwrap().get_mut(&host).and_then(Vec::pop);
            let mut response = http::Response::new(Bytes::new());
            // A host without an answer is one that cannot be reached.
            let status = status.ok_or_else(|| UserId::new("").unwrap_err())?;
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            Ok(response)
        })
    }
}

fn keys() -> KeySet {
    KeySet::new(SigningKey::generate(sso_core::Algorithm::Es256).unwrap())
}

fn clients() -> Clients {
    let hash = ClientSecret::random().unwrap().hash();
    let site = |id: &str| {
        Client::with_secret(ClientId::new(id).unwrap(), hash)
            .logout_url(SiteUrl::new(&format!("https://{id}.example/logout")).unwrap())
            .unwrap()
    };
    let silent = Client::with_secret(ClientId::new("silent").unwrap(), hash);
    Clients::new([site("shop"), site("forum"), silent]).unwrap()
}

/// Lets sites take part in a session.
async fn take_part(store: &dyn SiteStore, of: &SessionId, sites: &[&str]) {
    for (place, site) in sites.iter().enumerate() {
        let client = ClientId::new(*site).unwrap();
        let key = GrantSecret::new(of.clone(), [u8::try_from(place).unwrap(); 32]).key();
        let binding = GrantBinding::new(GrantKind::Ticket, "", None);
        let user = UserId::new("alice").unwrap();
        let life = Duration::from_secs(30);
        let new = NewGrant::new(key.clone(), client.clone(), binding, user, String::new(), life).unwrap();
        assert_eq!(store.keep(&new, At::Server).await.unwrap(), GrantKept::Kept);
        let presented = PresentedGrant { client: &client, binding, gives: None };
        let redeemed = store.redeem(&key, presented, At::Server).await.unwrap();
        assert!(matches!(redeemed, Redeemed::Granted { .. }));
    }
}

fn now() -> UnixMillis {
    UnixMillis::now()
}

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

/// A token as an attacker, or a careless issuer, might make it.
async fn receive(keys: &KeySet, typ: &str, change: impl FnOnce(&mut Value)) -> LogoutReceived {
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let mut claims = json!({
        "iss": ISSUER, "aud": "shop", "sub": "alice", "sid": "s1", "jti": "j1",
        "iat": *NOW / 1000, "exp": *NOW / 1000 + 60, "events": { event: {} },
    });
    change(&mut claims);
    let token = Signer::new(typ, keys).unwrap().sign(&claims).unwrap();
    let receiver = LogoutReceiver::new(ISSUER, "shop", keys, Arc::new(MemorySiteStore::new())).unwrap();
    receiver.receive(format!("logout_token={token}").as_bytes(), at(*NOW)).await.unwrap()
}

fn at(millis: u64) -> UnixMillis {
    UnixMillis::new(millis).unwrap()
}

type Change = fn(&mut Value);

#[tokio::test]
async fn a_receiver_is_strict() {
    let keys = keys();
    assert!(matches!(receive(&keys, "logout+jwt", |_| ()).await, LogoutReceived::End(_)));
    let remove: fn(&mut Value, &str) = |claims, name| drop(claims.as_object_mut().unwrap().remove(name));
    // A user without a session is good, and a session without a user.
    let good: [Change; 2] = [
        |claims| drop(claims.as_object_mut().unwrap().remove("sid")),
        |claims| drop(claims.as_object_mut().unwrap().remove("sub")),
    ];
    for change in good {
        assert!(matches!(receive(&keys, "logout+jwt", change).await, LogoutReceived::End(_)));
    }
    let bad: [(Change, LogoutRefused); 13] = [
        (|claims| claims["nonce"] = json!("n"), LogoutRefused::HasNonce),
        (|claims| claims["events"] = json!({}), LogoutRefused::NoLogoutEvent),
        (|claims| claims["events"] = json!([]), LogoutRefused::NoLogoutEvent),
        (
            |claims| claims["events"] = json!({ "http://schemas.openid.net/event/other": {} }),
            LogoutRefused::NoLogoutEvent,
        ),
        (
            |claims| claims["events"] = json!({ "http://schemas.openid.net/event/backchannel-logout": 1 }),
            LogoutRefused::NoLogoutEvent,
        ),
        (|claims| claims["sid"] = json!(1), LogoutRefused::NobodyNamed),
        (|claims| claims["sub"] = json!(""), LogoutRefused::NobodyNamed),
        (|claims| claims["jti"] = json!(7), LogoutRefused::Replayed),
        (
            |claims| claims["iss"] = json!("https://evil.example"),
            LogoutRefused::Token(TokenRejected::WrongIssuer),
        ),
        (|claims| claims["aud"] = json!(["forum"]), LogoutRefused::Token(TokenRejected::WrongAudience)),
        (
            |claims| claims["iat"] = json!(*NOW / 1000 + 600),
            LogoutRefused::Token(TokenRejected::NotYetValid { at: at(*NOW + 600_000) }),
        ),
        (
            |claims| claims["exp"] = json!(*NOW / 1000 - 60),
            LogoutRefused::Token(TokenRejected::Expired { at: at(*NOW - 60_000) }),
        ),
        (
            |claims| claims["iat"] = json!(*NOW / 1000 - 3600),
            LogoutRefused::Token(TokenRejected::TooOld { issued_at: at(*NOW - 3_600_000) }),
        ),
    ];
    for (change, refused) in bad {
        assert_eq!(receive(&keys, "logout+jwt", change).await, LogoutReceived::Refused(refused));
    }
    for name in ["iat", "jti"] {
        let refused = receive(&keys, "logout+jwt", |claims| remove(claims, name)).await;
        assert_eq!(
            refused,
            LogoutReceived::Refused(LogoutRefused::Token(TokenRejected::MissingClaim)),
            "{name}"
        );
    }
    // The key of somebody else.
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let claims = json!({ "iss": ISSUER, "aud": "shop", "sub": "alice", "exp": *NOW, "events": event });
    let token = Signer::new("logout+jwt", &keys).unwrap().sign(&claims).unwrap();
    let receiver =
        LogoutReceiver::new(ISSUER, "shop", &self::keys(), Arc::new(MemorySiteStore::new())).unwrap();
    let unknown = receiver.receive(format!("logout_token={token}").as_bytes(), at(*NOW)).await.unwrap();
    assert_eq!(unknown, LogoutReceived::Refused(LogoutRefused::Token(TokenRejected::UnknownKey)));
    // An id token and an access token are no logout tokens, whatever they say.
    for typ in ["JWT", "at+jwt"] {
        let refused = receive(&keys, typ, |_| ()).await;
        assert_eq!(refused, LogoutReceived::Refused(LogoutRefused::Token(TokenRejected::WrongType)));
    }
}

proptest::proptest! {
    #[test]
    fn any_body_is_read_without_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..99)) {
        let receiver = LogoutReceiver::new(ISSUER, "shop", &keys(), Arc::new(MemorySiteStore::new())).unwrap();
        for body in [body.clone(), [b"logout_token=".as_slice(), &body].concat()] {
            let received = crate::ticket_contract::block_on(receiver.receive(&body, now())).unwrap();
            proptest::prop_assert!(matches!(received, LogoutReceived::Refused(_)));
        }
    }
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn another_server_finishes_what_a_crashed_one_began() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let slow = Duration::from_secs(30);
    let connect = async || sso_core::RedisSiteStore::connect(&server.url()).await.unwrap().deadline(slow);
    let (sites, keys) = (Arc::new(Sites::default()), keys());
    sites.answer("shop.example", &[200]);
    {
        let crashed = connect().await;
        take_part(&crashed, &session(1), &["shop"]).await;
        // It queued the session, and died before it could end it.
        let key = format!("{{gh:{}}}:s", session(1).as_str());
        server.cli(&["ZADD", "{gh:logout}:q", "1", session(1).as_str()]).unwrap();
        assert_eq!(server.cli(&["HEXISTS", &key, "e"]).unwrap(), "0");
    }
    let logout =
        SingleLogout::new(ISSUER, &keys, clients(), Arc::new(connect().await), sites.clone()).unwrap();
    let told = logout.deliver(now()).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].outcome, ToldOutcome::Done);
    assert_eq!(server.cli(&["EXISTS", "{gh:logout}:q"]).unwrap(), "0");
    assert!(logout.deliver(now()).await.unwrap().is_empty());
}

/// A site redeems its grant after the session was queued and taken, and before its record says that it has ended.
#[cfg(feature = "redis")]
#[tokio::test]
async fn a_site_that_comes_between_queue_and_end_is_refused() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = sso_core::RedisSiteStore::connect(&server.url()).await.unwrap();
    let store = store.deadline(Duration::from_secs(30));
    let queue = async || {
        server.cli(&["ZADD", "{gh:logout}:q", "1", session(1).as_str()]).unwrap();
    };
    comes_between(&store, queue).await;
    assert_eq!(server.cli(&["EXISTS", "{gh:logout}:q"]).unwrap(), "0");
}

/// In memory a session is queued and ended in one step.
#[tokio::test]
async fn a_site_that_comes_after_the_end_is_refused() {
    let store = MemorySiteStore::new();
    comes_between(&store, async || assert_eq!(store.end(&session(1), At::Server).await.unwrap(), 0)).await;
}

async fn comes_between(store: &dyn SiteStore, queue: impl AsyncFnOnce()) {
    let (client, user) = (ClientId::new("shop").unwrap(), UserId::new("alice").unwrap());
    let key = GrantSecret::new(session(1), [1; 32]).key();
    let binding = GrantBinding::new(GrantKind::Ticket, "", None);
    let life = Duration::from_secs(30);
    let new = NewGrant::new(key.clone(), client.clone(), binding, user, String::new(), life).unwrap();
    assert_eq!(store.keep(&new, At::Server).await.unwrap(), GrantKept::Kept);
    queue().await;
    assert!(store.due(16, SingleLogout::LEASE, At::Server).await.unwrap().is_empty());
    let presented = PresentedGrant { client: &client, binding, gives: None };
    assert_eq!(store.redeem(&key, presented, At::Server).await.unwrap(), Redeemed::SessionEnded);
    assert_eq!(store.end(&session(1), At::Server).await.unwrap(), 0);
    assert!(store.due(16, SingleLogout::LEASE, At::Server).await.unwrap().is_empty());
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn what_cannot_be_read_holds_up_no_other_session() {
    use sso_core::ErrorKind::Corrupt;

    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = sso_core::RedisSiteStore::connect(&server.url()).await.unwrap();
    let store = store.deadline(Duration::from_secs(30));
    take_part(&store, &session(1), &["shop"]).await;
    assert_eq!(store.end(&session(1), At::Server).await.unwrap(), 1);
    // One name that is none, and one record that is none; both come first.
    let foreign = format!("{{gh:{}}}:s", session(2).as_str());
    server.cli(&["SET", &foreign, "x"]).unwrap();
    server.cli(&["ZADD", "{gh:logout}:q", "1", "not a session", "2", session(2).as_str()]).unwrap();
    let due = store.due(16, SingleLogout::LEASE, At::Server).await.unwrap();
    assert_eq!((due.len(), due[0].client.as_str()), (1, "shop"));
    store.settle(&due[0], NoticeFate::Closed, At::Server).await.unwrap();
    // They are reported when nothing else is due, each once.
    for (leases, left) in [(2, "1"), (4, "0")] {
        let later = At::Millis(now().saturating_add(SingleLogout::LEASE * leases));
        assert_eq!(store.due(16, SingleLogout::LEASE, later).await.unwrap_err().kind(), Corrupt);
        assert_eq!(server.cli(&["ZCARD", "{gh:logout}:q"]).unwrap(), left);
    }
}
