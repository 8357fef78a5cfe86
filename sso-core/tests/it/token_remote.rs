//! The key set of another issuer: when it is loaded, how often, and what happens when it cannot be.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;
use sso_core::{
    Algorithm, BoxFuture, Error, ErrorKind, HttpClient, KeySet, KeysReady, PublicKeySet, RemoteJwks,
    RemoteJwksLimits, Signer, SigningKey, TokenRejected, UserId, Verifier,
};
use tokio::sync::Semaphore;

use crate::token::{AUDIENCE, ISSUER, at};

const ADDRESS: &str = "https://idp.example/jwks.json";

/// Serves what it is told to, and lets a reply out only when it is allowed to.
#[derive(Debug)]
struct Server {
    replies: Mutex<VecDeque<Reply>>,
    usual: Mutex<Reply>,
    requests: AtomicUsize,
    open: Semaphore,
    last: Mutex<Option<Request<()>>>,
}

#[derive(Clone, Debug)]
enum Reply {
    Http(u16, String, Option<&'static str>),
    Fails,
    Never,
    Panics,
}

impl Server {
    fn new(usual: Reply) -> Arc<Self> {
        Arc::new(Self {
            replies: Mutex::default(),
            usual: Mutex::new(usual),
            requests: AtomicUsize::new(0),
            open: Semaphore::new(Semaphore::MAX_PERMITS),
            last: Mutex::default(),
        })
    }

    fn serve(&self, usual: Reply) {
        *self.usual.lock().unwrap() = usual;
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl HttpClient for Server {
    fn send<'a>(&'a self, request: Request<Bytes>) -> BoxFuture<'a, Result<Response<Bytes>, Error>> {
        Box::pin(async move {
            self.requests.fetch_add(1, Ordering::SeqCst);
            *self.last.lock().unwrap() = Some(request.map(|_| ()));
            self.open.acquire().await.unwrap().forget();
            let usual = self.usual.lock().unwrap().clone();
            let reply = self.replies.lock().unwrap().pop_front().unwrap_or(usual);
            match reply {
                Reply::Http(status, body, etag) => {
                    let mut reply = Response::builder().status(status);
                    if let Some(etag) = etag {
                        reply = reply.header("ETag", etag);
                    }
                    Ok(reply.body(Bytes::from(body)).unwrap())
                }
                Reply::Fails => Err(UserId::new("").unwrap_err()),
                Reply::Never => std::future::pending().await,
                Reply::Panics => panic!("the client of this test is broken"),
            }
        })
    }
}

struct Issuer {
    keys: KeySet,
}

impl Issuer {
    fn new() -> Self {
        Self { keys: KeySet::new(SigningKey::generate(Algorithm::EdDsa).unwrap()) }
    }

    fn document(&self) -> Reply {
        Reply::Http(200, self.keys.jwks().unwrap().json, None)
    }

    fn token(&self) -> String {
        let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": at(1_000_000).as_secs()});
        Signer::new("JWT", &self.keys).unwrap().sign(&claims).unwrap()
    }
}

fn remote(server: &Arc<Server>) -> RemoteJwks {
    RemoteJwks::new(ADDRESS, server.clone(), RemoteJwksLimits::default()).unwrap()
}

fn verifier(remote: &RemoteJwks) -> Verifier {
    Verifier::new(ISSUER, AUDIENCE, remote).unwrap().typ("JWT").unwrap()
}

#[tokio::test]
async fn keys_are_loaded_once_and_again_when_they_are_old() {
    let issuer = Issuer::new();
    let server = Server::new(issuer.document());
    let remote = remote(&server);
    let (verifier, token) = (verifier(&remote), issuer.token());
    assert_eq!(verifier.verify_map(&token, at(0)), Err(TokenRejected::UnknownKey));
    assert_eq!(server.requests(), 0);
    for secs in [0, 1, 599] {
        assert_eq!(remote.ready_for(&token, at(secs)).await.unwrap(), KeysReady::Fresh);
        assert!(verifier.verify_map(&token, at(secs)).is_ok());
    }
    assert_eq!(server.requests(), 1);
    assert_eq!(remote.ready_for(&token, at(600)).await.unwrap(), KeysReady::Fresh);
    assert_eq!(server.requests(), 2);
    let last = server.last.lock().unwrap().take().unwrap();
    assert_eq!((last.method().as_str(), last.uri().to_string().as_str()), ("GET", ADDRESS));
    assert!(last.headers()["accept"].to_str().unwrap().contains("application/jwk-set+json"));
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_outside_the_cool_down_only() {
    let (old, new) = (Issuer::new(), Issuer::new());
    let server = Server::new(old.document());
    let remote = remote(&server);
    let verifier = verifier(&remote);
    remote.refresh(at(0)).await.unwrap();
    server.serve(new.document());
    for _ in 0..100 {
        remote.ready_for(&new.token(), at(29)).await.unwrap();
    }
    assert_eq!(server.requests(), 1);
    assert_eq!(verifier.verify_map(&new.token(), at(29)), Err(TokenRejected::UnknownKey));
    remote.ready_for(&new.token(), at(30)).await.unwrap();
    assert_eq!(server.requests(), 2);
    assert!(verifier.verify_map(&new.token(), at(30)).is_ok());
    // The key that the issuer has dropped is dropped here too.
    assert_eq!(verifier.verify_map(&old.token(), at(30)), Err(TokenRejected::UnknownKey));
    // What is no token asks for nothing.
    for junk in ["", "a.b.c", &".".repeat(1 << 20), &format!("{}.x", new.token())] {
        remote.ready_for(junk, at(90)).await.unwrap();
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn old_keys_go_on_while_their_issuer_is_away() {
    let issuer = Issuer::new();
    let server = Server::new(issuer.document());
    let remote = remote(&server);
    let (verifier, token) = (verifier(&remote), issuer.token());
    remote.refresh(at(0)).await.unwrap();
    for broken in [
        Reply::Fails,
        Reply::Http(500, String::new(), None),
        Reply::Http(404, String::new(), None),
        Reply::Http(302, String::new(), None),
        Reply::Http(304, String::new(), None),
        Reply::Http(200, "<html>".into(), None),
        Reply::Http(200, r#"{"keys":[]}"#.into(), None),
        Reply::Http(200, " ".repeat(PublicKeySet::JWKS_BYTES_MAX + 1), None),
    ] {
        server.replies.lock().unwrap().push_back(broken);
    }
    let stale = KeysReady::Stale { since: at(0) };
    // Rests of 1, 2, 4, 8, 16 and 30 seconds.
    for (attempt, secs) in [600, 601, 603, 607, 615, 631, 661, 691].into_iter().enumerate() {
        assert_eq!(remote.ready_for(&token, at(secs)).await.unwrap(), stale, "{secs}");
        assert_eq!(server.requests(), attempt + 2, "{secs}");
        assert_eq!(remote.ready_for(&token, at(secs)).await.unwrap(), stale);
        assert_eq!(server.requests(), attempt + 2, "within the rest");
        assert!(verifier.verify_map(&token, at(secs)).is_ok());
    }
    assert_eq!(remote.ready_for(&token, at(721)).await.unwrap(), KeysReady::Fresh);
    // After a day they are not used any more.
    server.serve(Reply::Http(503, String::new(), None));
    let gone = remote.ready_for(&token, at(721 + 24 * 3600)).await.unwrap_err();
    assert_eq!((gone.kind(), gone.is_transient()), (ErrorKind::Unavailable, true));
}

#[tokio::test]
async fn without_keys_the_reason_is_told() {
    let token = Issuer::new().token();
    for (reply, kind, is_transient) in [
        (Reply::Http(503, String::new(), None), ErrorKind::Unavailable, true),
        (Reply::Http(404, String::new(), None), ErrorKind::PeerMisbehaved, false),
        (Reply::Http(301, String::new(), None), ErrorKind::PeerMisbehaved, false),
        (Reply::Http(200, "{}".into(), None), ErrorKind::PeerMisbehaved, false),
        (
            Reply::Http(200, r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"x"}]}"#.into(), None),
            ErrorKind::PeerMisbehaved,
            false,
        ),
        (Reply::Fails, ErrorKind::InvalidInput, false),
    ] {
        let server = Server::new(reply.clone());
        let remote = remote(&server);
        let error = remote.ready_for(&token, at(0)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (kind, is_transient), "{reply:?}");
        // Within the rest, nobody is asked, and trying again helps.
        let error = remote.ready_for(&token, at(0)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_transient(), server.requests()),
            (ErrorKind::Unavailable, true, 1)
        );
    }
}

#[tokio::test]
async fn a_version_that_is_known_is_not_sent_again() {
    let issuer = Issuer::new();
    let json = issuer.keys.jwks().unwrap().json;
    let server = Server::new(Reply::Http(200, json, Some("\"v1\"")));
    let remote = remote(&server);
    remote.refresh(at(0)).await.unwrap();
    assert!(!server.last.lock().unwrap().take().unwrap().headers().contains_key("if-none-match"));
    server.serve(Reply::Http(304, String::new(), None));
    assert_eq!(remote.refresh(at(600)).await.unwrap(), KeysReady::Fresh);
    assert_eq!(server.last.lock().unwrap().take().unwrap().headers()["if-none-match"], "\"v1\"");
    assert!(verifier(&remote).verify_map(&issuer.token(), at(600)).is_ok());
}

#[tokio::test]
async fn there_is_one_request_however_many_ask() {
    let issuer = Issuer::new();
    let server = Server::new(issuer.document());
    let closed = server.open.forget_permits(Semaphore::MAX_PERMITS);
    assert_eq!(closed, Semaphore::MAX_PERMITS);
    let remote = remote(&server);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (remote, token) = (remote.clone(), issuer.token());
        callers.spawn(async move { remote.ready_for(&token, at(0)).await });
    }
    while server.requests() == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    server.open.add_permits(64);
    while let Some(ready) = callers.join_next().await {
        assert_eq!(ready.unwrap().unwrap(), KeysReady::Fresh);
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn whoever_has_keys_does_not_wait_and_whoever_gives_up_disturbs_nobody() {
    let issuer = Issuer::new();
    let server = Server::new(issuer.document());
    let remote = remote(&server);
    let token = issuer.token();
    remote.refresh(at(0)).await.unwrap();
    server.open.forget_permits(Semaphore::MAX_PERMITS);
    let slow = tokio::spawn({
        let (remote, token) = (remote.clone(), token.clone());
        async move { remote.ready_for(&token, at(600)).await }
    });
    while server.requests() < 2 {
        tokio::task::yield_now().await;
    }
    // The keys are old, somebody is loading them, and this one goes on.
    let stale = KeysReady::Stale { since: at(0) };
    assert_eq!(remote.ready_for(&token, at(600)).await.unwrap(), stale);
    // The one who was loading goes away; the next one takes over the same request.
    slow.abort();
    assert!(slow.await.unwrap_err().is_cancelled());
    server.open.add_permits(1);
    assert_eq!(remote.ready_for(&token, at(600)).await.unwrap(), KeysReady::Fresh);
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let server = Server::new(Reply::Never);
    let mut limits = RemoteJwksLimits::default();
    limits.timeout = Duration::from_millis(20);
    let remote = RemoteJwks::new(ADDRESS, server.clone(), limits).unwrap();
    let error = remote.refresh(at(0)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true));
    assert!(error.to_string().contains("20 ms"), "{error}");
}

#[tokio::test]
async fn a_request_that_was_given_up_and_ran_out_of_time_fails_nobody_else() {
    let issuer = Issuer::new();
    let server = Server::new(issuer.document());
    server.replies.lock().unwrap().push_back(Reply::Never);
    let mut limits = RemoteJwksLimits::default();
    limits.timeout = Duration::from_millis(200);
    let remote = RemoteJwks::new(ADDRESS, server.clone(), limits).unwrap();
    let given_up = tokio::spawn({
        let remote = remote.clone();
        async move { remote.refresh(at(0)).await }
    });
    while server.requests() == 0 {
        tokio::task::yield_now().await;
    }
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    let abandoned_at = tokio::time::Instant::now();
    while abandoned_at.elapsed() < limits.timeout {
        tokio::task::yield_now().await;
    }
    assert_eq!(remote.refresh(at(1)).await.unwrap(), KeysReady::Fresh);
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_client_that_panics_is_asked_again() {
    let issuer = Issuer::new();
    let server = Server::new(issuer.document());
    server.replies.lock().unwrap().push_back(Reply::Panics);
    let remote = remote(&server);
    let broken = tokio::spawn({
        let remote = remote.clone();
        async move { remote.refresh(at(0)).await }
    });
    assert!(broken.await.unwrap_err().is_panic());
    assert_eq!(remote.refresh(at(0)).await.unwrap(), KeysReady::Fresh);
    assert_eq!(server.requests(), 2);
}

#[test]
fn only_safe_addresses_are_asked() {
    let server = Server::new(Reply::Fails);
    let new = |url: &str| RemoteJwks::new(url, server.clone(), RemoteJwksLimits::default());
    for good in [ADDRESS, "http://localhost:8080/x", "http://127.0.0.1/x", "http://[::1]:1/x", "https://a"] {
        assert!(new(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "/jwks.json",
        "idp.example/jwks.json",
        "http://idp.example/jwks.json",
        "http://127.0.0.1.example/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://user:password@idp.example/",
        "https://",
    ] {
        assert_eq!(new(bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
    }
}
