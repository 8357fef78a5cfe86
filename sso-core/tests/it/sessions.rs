//! Signing in and out through the façade, and sessions that end by themselves.

use std::sync::Arc;
use std::time::Duration;

use sso_core::{
    At, Check, DeviceKind, EndReason, ErrorKind, Login, MemoryStore, NewSession, SessionLimits,
    SessionSecret, SessionStore, Sso, UnixMillis, UserId,
};

fn web() -> Login {
    Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7")
}

fn sso() -> Sso {
    Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default())
}

#[tokio::test]
async fn a_user_is_recognised_until_they_sign_out() {
    let (sso, alice) = (sso(), UserId::new("alice").unwrap());
    let signed_in = sso.login(&alice, web()).await.unwrap();
    assert_eq!(sso.check(&signed_in.secret).await.unwrap(), Check::Active(signed_in.session.clone()));
    assert_eq!(signed_in.session.user, alice);
    assert_eq!(signed_in.session.agent, "Mozilla/5.0");

    assert!(sso.logout(&signed_in.secret).await.unwrap());
    assert!(!sso.logout(&signed_in.secret).await.unwrap());
    assert_eq!(sso.check(&signed_in.secret).await.unwrap(), Check::Ended(EndReason::SignedOut));
}

#[tokio::test]
async fn a_secret_opens_its_own_session_only() {
    let (sso, alice, bob) = (sso(), UserId::new("alice").unwrap(), UserId::new("bob").unwrap());
    let one = sso.login(&alice, web()).await.unwrap();
    let two = sso.login(&alice, web()).await.unwrap();
    assert_ne!(one.secret, two.secret);
    assert_ne!(one.session.id, two.session.id);
    let guessed = SessionSecret::new(&alice, [0; 32]);
    assert_eq!(sso.check(&guessed).await.unwrap(), Check::Unknown);
    // The same random bytes under another user's tag open nothing.
    let text = one.secret.expose();
    let foreign = format!("{}.{}", bob.tag(), text.split_once('.').unwrap().1);
    assert_eq!(sso.check(&SessionSecret::parse(&foreign).unwrap()).await.unwrap(), Check::Unknown);
}

#[tokio::test]
async fn signing_out_everywhere_spares_other_users() {
    let (sso, alice, bob) = (sso(), UserId::new("alice").unwrap(), UserId::new("bob").unwrap());
    let one = sso.login(&alice, web()).await.unwrap();
    sso.login(&alice, web()).await.unwrap();
    let other = sso.login(&bob, web()).await.unwrap();
    assert_eq!(sso.sessions(&alice).await.unwrap().len(), 2);
    assert_eq!(sso.logout_all(&alice).await.unwrap(), 2);
    assert_eq!(sso.sessions(&alice).await.unwrap(), []);
    assert_eq!(sso.check(&one.secret).await.unwrap(), Check::Ended(EndReason::SignedOut));
    assert_eq!(sso.revoke_all(&bob).await.unwrap(), 1);
    assert_eq!(sso.check(&other.secret).await.unwrap(), Check::Ended(EndReason::Revoked));
}

#[tokio::test]
async fn idle_and_old_sessions_end_with_their_reason() {
    let secs = Duration::from_secs;
    let limits = SessionLimits::new(secs(100), secs(250), secs(10)).unwrap();
    let at = |secs: u64| At::Millis(UnixMillis::new((1_700_000_000 + secs) * 1000).unwrap());
    let store = MemoryStore::new();
    let alice = UserId::new("alice").unwrap();
    let (idle, _) = NewSession::open(alice.clone(), web(), [1; 32]);
    let (busy, _) = NewSession::open(alice.clone(), web(), [2; 32]);
    store.create(&idle, limits, at(0)).await.unwrap();
    store.create(&busy, limits, at(0)).await.unwrap();

    for now in [5, 90, 180, 249] {
        assert!(matches!(store.check(busy.key(), limits, at(now)).await.unwrap(), Check::Active(_)), "{now}");
    }
    assert_eq!(store.check(idle.key(), limits, at(249)).await.unwrap(), Check::Ended(EndReason::ExpiredIdle));
    let ended = store.check(busy.key(), limits, at(250)).await.unwrap();
    assert_eq!(ended, Check::Ended(EndReason::ExpiredAbsolute));
    // The reason is told for ten minutes from the end on, then nothing is known any more.
    assert_eq!(store.check(busy.key(), limits, at(849)).await.unwrap(), ended);
    assert_eq!(store.check(busy.key(), limits, at(850)).await.unwrap(), Check::Unknown);
}

#[tokio::test]
async fn use_is_written_down_only_when_it_is_due() {
    let secs = Duration::from_secs;
    let limits = SessionLimits::new(secs(100), secs(250), secs(10)).unwrap();
    let at = |secs: u64| At::Millis(UnixMillis::new(secs * 1000).unwrap());
    let store = MemoryStore::new();
    let (new, _) = NewSession::open(UserId::new("alice").unwrap(), web(), [1; 32]);
    store.create(&new, limits, at(0)).await.unwrap();
    let mut seen = Vec::new();
    for now in [9, 10, 19, 20] {
        let Check::Active(session) = store.check(new.key(), limits, at(now)).await.unwrap() else { panic!() };
        seen.push(session.last_seen_at.as_secs());
    }
    assert_eq!(seen, [0, 10, 10, 20]);
}

/// As in every store: a future that is dropped before it is polled has done nothing.
#[tokio::test]
async fn a_verb_does_its_work_when_it_is_awaited() {
    let (store, limits) = (MemoryStore::new(), SessionLimits::default());
    let alice = UserId::new("alice").unwrap();
    let (new, _) = NewSession::open(alice.clone(), web(), [1; 32]);
    drop(store.create(&new, limits, At::Server));
    let session = store.create(&new, limits, At::Server).await.unwrap();
    drop(store.end(new.key(), EndReason::Revoked, limits, At::Server));
    drop(store.end_all(&alice, EndReason::Revoked, limits, At::Server));
    assert_eq!(store.check(new.key(), limits, At::Server).await.unwrap(), Check::Active(session));

    let listing = store.list(&alice, limits, At::Server);
    let checking = store.check(new.key(), limits, At::Server);
    assert_eq!(store.end_all(&alice, EndReason::Revoked, limits, At::Server).await.unwrap(), 1);
    assert_eq!(listing.await.unwrap(), []);
    assert_eq!(checking.await.unwrap(), Check::Ended(EndReason::Revoked));
}

#[tokio::test]
async fn random_bytes_are_used_once() {
    let store = MemoryStore::new();
    let (new, _) = NewSession::open(UserId::new("alice").unwrap(), web(), [1; 32]);
    store.create(&new, SessionLimits::default(), At::Server).await.unwrap();
    let again = store.create(&new, SessionLimits::default(), At::Server).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Misuse);
    assert!(!again.is_transient());
}

#[test]
fn limits_are_refused_when_they_contradict() {
    let secs = Duration::from_secs;
    for (idle, absolute, touch_every) in [
        (secs(0), secs(10), secs(0)),
        (secs(10), secs(9), secs(1)),
        (secs(10), secs(20), secs(6)),
        (secs(10), SessionLimits::ABSOLUTE_MAX + secs(1), secs(1)),
    ] {
        let refused = SessionLimits::new(idle, absolute, touch_every).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn a_login_is_cut_to_its_limits() {
    let login = Login::new(DeviceKind::Web, "界".repeat(500), "x".repeat(500));
    let (new, _) = NewSession::open(UserId::new("alice").unwrap(), login, [1; 32]);
    assert_eq!(new.login().agent, "界".repeat(Login::AGENT_BYTES_MAX / 3));
    assert_eq!(new.login().address.len(), Login::ADDRESS_BYTES_MAX);
}

#[test]
fn codes_come_back_as_what_they_were() {
    use EndReason::{ExpiredAbsolute, ExpiredIdle, Other, Replaced, Revoked, SignedOut};
    for reason in [SignedOut, ExpiredIdle, ExpiredAbsolute, Replaced, Revoked, Other] {
        assert_eq!(EndReason::from_code(reason.code()), reason);
    }
    assert_eq!(EndReason::from_code("of a later version"), Other);
    for kind in
        [DeviceKind::Web, DeviceKind::Mobile, DeviceKind::Desktop, DeviceKind::Service, DeviceKind::Other]
    {
        assert_eq!(DeviceKind::from_code(kind.code()), kind);
    }
}
