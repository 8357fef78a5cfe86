//! Signing in and out through the façade, and sessions that end by themselves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sso_core::{
    Admission, Amended, AttributeName, Attributes, Changes, Check, DeviceKind, EndReason, ErrorKind,
    Impersonation, Lifespan, Login, LoginPolicy, MemoryStore, NewSession, Overflow, PageSize, Proof, Proofs,
    Purpose, SessionEvent, SessionId, SessionLimits, SessionSecret, SignedIn, Sso, UnixMillis, UserId, Which,
};

fn web() -> Login {
    Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7")
}

fn sso() -> Sso {
    Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default())
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

async fn login(sso: &Sso, name: &str) -> SignedIn {
    sso.login(&user(name), web()).await.unwrap().admitted().unwrap()
}

async fn end_of(sso: &Sso, secret: &SessionSecret) -> EndReason {
    match sso.check(secret).await.unwrap() {
        Check::Ended(end) => end.reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_user_is_recognised_until_they_sign_out() {
    let sso = sso();
    let signed_in = login(&sso, "alice").await;
    assert_eq!(sso.check(&signed_in.secret).await.unwrap(), Check::Active(signed_in.session.clone()));
    assert_eq!(signed_in.session.user, user("alice"));
    assert_eq!(signed_in.session.agent, "Mozilla/5.0");
    assert_eq!(signed_in.session.actor, None);

    assert!(sso.logout(&signed_in.secret).await.unwrap());
    assert!(!sso.logout(&signed_in.secret).await.unwrap());
    assert_eq!(end_of(&sso, &signed_in.secret).await, EndReason::SignedOut);
}

#[tokio::test]
async fn a_secret_opens_its_own_session_only() {
    let (sso, alice, bob) = (sso(), user("alice"), user("bob"));
    let one = login(&sso, "alice").await;
    let two = login(&sso, "alice").await;
    assert_ne!(one.secret, two.secret);
    assert_ne!(one.session.id, two.session.id);
    let guessed = SessionSecret::new(&alice, [0; 32]);
    assert_eq!(sso.check(&guessed).await.unwrap(), Check::Unknown);
    // The same random bytes under another user's tag open nothing, in whatever place a store keeps the tag.
    let text = one.secret.expose();
    let foreign = format!("{}.{}", bob.tag(), text.split_once('.').unwrap().1);
    let foreign = SessionSecret::parse(&foreign).unwrap();
    assert_eq!(sso.check(&foreign).await.unwrap(), Check::Unknown);
    assert_ne!(foreign.key().digest_text(), one.secret.key().digest_text());
}

#[tokio::test]
async fn signing_out_everywhere_spares_other_users() {
    let (sso, alice, bob) = (sso(), user("alice"), user("bob"));
    let one = login(&sso, "alice").await;
    login(&sso, "alice").await;
    let other = login(&sso, "bob").await;
    assert_eq!(sso.sessions(&alice).await.unwrap().len(), 2);
    assert_eq!(sso.logout_all(&alice).await.unwrap(), 2);
    assert_eq!(sso.sessions(&alice).await.unwrap(), []);
    assert_eq!(end_of(&sso, &one.secret).await, EndReason::SignedOut);
    assert_eq!(sso.revoke_all(&bob).await.unwrap(), 1);
    assert_eq!(end_of(&sso, &other.secret).await, EndReason::Revoked);
}

#[tokio::test]
async fn some_sessions_end_and_the_others_go_on() {
    let (sso, alice, root) = (sso(), user("alice"), user("root"));
    let [one, two, three] =
        [login(&sso, "alice").await, login(&sso, "alice").await, login(&sso, "alice").await];
    let this = Which::One(two.session.id.clone());
    assert_eq!(sso.kick(&alice, &this, Some(&root)).await.unwrap(), std::slice::from_ref(&two.session.id));
    assert_eq!(end_of(&sso, &two.secret).await, EndReason::Kicked { by: Some(root) });
    assert_eq!(sso.kick(&alice, &this, None).await.unwrap(), []);
    // Of another user, none is meant.
    assert_eq!(sso.logout_some(&user("bob"), &Which::One(one.session.id.clone())).await.unwrap(), []);

    let others = sso.logout_some(&alice, &Which::AllBut(one.session.id.clone())).await.unwrap();
    assert_eq!(others, [three.session.id]);
    assert_eq!(sso.sessions(&alice).await.unwrap(), [one.session]);
}

#[tokio::test]
async fn a_policy_replaces_or_refuses() {
    let alice = user("alice");
    let replacing = sso().policy(LoginPolicy::one());
    let one = login(&replacing, "alice").await;
    let two = login(&replacing, "alice").await;
    assert_eq!(end_of(&replacing, &one.secret).await, EndReason::Replaced { by: DeviceKind::Web });
    assert_eq!(replacing.sessions(&alice).await.unwrap(), [two.session]);

    let refusing = sso().policy(LoginPolicy::one_per_device().on_overflow(Overflow::RefuseNew));
    let web_session = login(&refusing, "alice").await.session;
    let Admission::Refused(refusal) = refusing.login(&alice, web()).await.unwrap() else { panic!() };
    assert_eq!((refusal.limit, refusal.device), (1, Some(DeviceKind::Web)));
    assert_eq!(refusal.live, [web_session]);
    let phone = Login::new(DeviceKind::Mobile, "app/1.0", "");
    assert!(refusing.login(&alice, phone).await.unwrap().admitted().is_some());
    assert_eq!(refusing.sessions(&alice).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_renewed_session_is_the_same_under_another_secret() {
    let sso = sso();
    let before = login(&sso, "alice").await;
    let changes = Changes::new().set(AttributeName::new("editor").unwrap(), true);
    let after = sso.renew(&before.secret, changes).await.unwrap().done().unwrap();
    assert_ne!(after.secret, before.secret);
    assert_eq!(after.session.id, before.session.id);
    assert_eq!(after.session.created_at, before.session.created_at);
    assert_eq!(after.session.version, 1);
    assert_eq!(end_of(&sso, &before.secret).await, EndReason::Renewed);
    assert!(matches!(sso.renew(&before.secret, Changes::new()).await.unwrap(), Amended::Ended(_)));
    assert_eq!(sso.sessions(&user("alice")).await.unwrap(), [after.session]);
    // Another tab signs out with the old secret, which it took before the renewal.
    assert!(sso.logout(&before.secret).await.unwrap());
    assert_eq!(end_of(&sso, &after.secret).await, EndReason::SignedOut);
    assert!(!sso.logout(&after.secret).await.unwrap());
    assert!(!sso.logout(&before.secret).await.unwrap());
    assert!(matches!(sso.renew(&after.secret, Changes::new()).await.unwrap(), Amended::Ended(_)));
    let stranger = SessionSecret::new(&user("alice"), [1; 32]);
    assert_eq!(sso.renew(&stranger, Changes::new()).await.unwrap(), Amended::Unknown);
}

#[tokio::test]
async fn a_step_up_counts_for_its_purpose_and_its_time() {
    let sso = sso();
    let signed_in = login(&sso, "alice").await;
    let (pay, vote) = (Purpose::new("pay").unwrap(), Purpose::new("vote").unwrap());
    let proof = Proof::new(pay.clone(), Duration::from_secs(300)).unwrap();
    let proved = sso.step_up(&signed_in.secret, proof).await.unwrap().done().unwrap();
    assert_eq!(end_of(&sso, &signed_in.secret).await, EndReason::Renewed);
    let Check::Active(session) = sso.check(&proved.secret).await.unwrap() else { panic!() };
    let until = session.proofs.until(&pay).unwrap();
    assert_eq!(until, session.last_seen_at.checked_add(Duration::from_secs(300)).unwrap());
    let just_before = UnixMillis::new(until.as_millis() - 1).unwrap();
    assert!(session.is_proved(&pay, just_before) && !session.is_proved(&pay, until));
    assert!(!session.is_proved(&vote, just_before));
    // A renewal keeps what was proved.
    let renewed = sso.renew(&proved.secret, Changes::new()).await.unwrap().done().unwrap();
    assert_eq!(renewed.session.proofs.until(&pay), Some(until));
}

#[tokio::test]
async fn an_impersonator_is_marked_bounded_and_apart() {
    let limits = SessionLimits::default();
    let sso = Sso::new(Arc::new(MemoryStore::new()), limits)
        .policy(LoginPolicy::one())
        .impersonation_life(Duration::from_secs(600))
        .unwrap();
    let (root, alice) = (login(&sso, "root").await, login(&sso, "alice").await);
    // Nobody is remembered in somebody else's name.
    let remembered = web().remember(Duration::from_secs(1_000_000));
    let begun = sso.impersonate(&root.secret, &user("alice"), remembered).await.unwrap();
    let Impersonation::Begun(begun) = begun else { panic!("{begun:?}") };
    assert_eq!((&begun.session.user, &begun.session.actor), (&user("alice"), &Some(user("root"))));
    assert_eq!(begun.session.expires_at.since(begun.session.created_at), Duration::from_secs(600));
    assert_eq!(begun.session.cookie_max_age(), None);
    assert!(matches!(sso.check(&alice.secret).await.unwrap(), Check::Active(_)));
    assert_eq!(sso.sessions(&user("alice")).await.unwrap().len(), 2);
    // The user's next login ends the user's own session, not the impersonator's.
    login(&sso, "alice").await;
    assert!(matches!(sso.check(&begun.secret).await.unwrap(), Check::Active(_)));

    let nested = sso.impersonate(&begun.secret, &user("bob"), web()).await.unwrap();
    assert_eq!(nested, Impersonation::Nested);
    let proof = Proof::new(Purpose::new("pay").unwrap(), Duration::from_secs(60)).unwrap();
    assert_eq!(sso.step_up(&begun.secret, proof).await.unwrap(), Amended::Impersonated);
    assert!(matches!(sso.check(&begun.secret).await.unwrap(), Check::Active(_)));
    let oneself = sso.impersonate(&root.secret, &user("root"), web()).await.unwrap_err();
    assert_eq!(oneself.kind(), ErrorKind::InvalidInput);

    sso.logout(&root.secret).await.unwrap();
    let late = sso.impersonate(&root.secret, &user("alice"), web()).await.unwrap();
    assert!(matches!(late, Impersonation::Ended(end) if end.reason == EndReason::SignedOut));
    // The user can end it.
    assert_eq!(sso.logout_all(&user("alice")).await.unwrap(), 2);
    assert_eq!(end_of(&sso, &begun.secret).await, EndReason::SignedOut);
    for life in [Duration::ZERO, Duration::from_secs(86_401)] {
        assert!(sso.clone().impersonation_life(life).is_err());
    }
}

async fn act_as(sso: &Sso, actor: &SignedIn, name: &str) -> SignedIn {
    let begun = sso.impersonate(&actor.secret, &user(name), web()).await.unwrap();
    let Impersonation::Begun(begun) = begun else { panic!("{begun:?}") };
    *begun
}

#[tokio::test]
async fn an_impersonator_does_not_outlive_their_own_sessions() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let sso = sso().events(Arc::new(move |event: &SessionEvent| {
        if let SessionEvent::Ended { session, end } = event {
            log.lock().unwrap().push((session.id.clone(), end.clone()));
        }
    }));
    let (first, second) = (login(&sso, "root").await, login(&sso, "root").await);
    let acting = act_as(&sso, &first, "alice").await;
    assert_eq!(sso.check(&acting.secret).await.unwrap(), Check::Active(acting.session.clone()));
    // Root is still signed in elsewhere.
    assert!(sso.logout(&first.secret).await.unwrap());
    assert!(matches!(sso.check(&acting.secret).await.unwrap(), Check::Active(_)));
    // Somebody who acts as root does not keep it alive, and does not live on either.
    let boss = login(&sso, "boss").await;
    let as_root = act_as(&sso, &boss, "root").await;
    let this = Which::One(second.session.id.clone());
    assert_eq!(sso.kick(&user("root"), &this, None).await.unwrap().len(), 1);
    seen.lock().unwrap().clear();
    let Check::Ended(end) = sso.check(&acting.secret).await.unwrap() else { panic!("root acts on") };
    assert_eq!(end.reason, EndReason::Revoked);
    assert_eq!(*seen.lock().unwrap(), [(acting.session.id.clone(), end.clone())]);
    assert_eq!(sso.check(&acting.secret).await.unwrap(), Check::Ended(end));
    assert_eq!(sso.sessions(&user("alice")).await.unwrap(), []);
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert!(matches!(sso.check(&as_root.secret).await.unwrap(), Check::Active(_)));
    assert_eq!(sso.revoke_all(&user("boss")).await.unwrap(), 1);
    let nested = sso.impersonate(&as_root.secret, &user("alice"), web()).await.unwrap();
    assert!(matches!(nested, Impersonation::Ended(end) if end.reason == EndReason::Revoked));
}

#[tokio::test]
async fn an_impersonation_lasts_no_longer_than_the_session_it_began_in() {
    let sso = sso();
    let short = web().remember(Duration::from_secs(60));
    let root = sso.login(&user("root"), short).await.unwrap().admitted().unwrap();
    let acting = act_as(&sso, &root, "alice").await;
    let life = acting.session.expires_at.since(acting.session.created_at);
    assert!(life <= Duration::from_secs(60), "{life:?}");
}

#[tokio::test]
async fn a_remembered_user_has_a_cookie_that_lasts() {
    let sso = sso();
    let month = Duration::from_secs(30 * 86_400);
    let remembered = sso.login(&user("alice"), web().remember(month)).await.unwrap().admitted().unwrap();
    assert_eq!(remembered.session.lifespan, Lifespan::Remembered(month));
    assert_eq!(remembered.session.cookie_max_age(), Some(month));
    assert_eq!(remembered.session.expires_at.since(remembered.session.created_at), month);
    assert_eq!(login(&sso, "alice").await.session.cookie_max_age(), None);
}

#[tokio::test]
async fn every_event_is_told_once_and_in_order() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let sso = sso().policy(LoginPolicy::one()).events(Arc::new(move |event: &SessionEvent| {
        log.lock().unwrap().push(match event {
            SessionEvent::Created { session } => ("created", session.id.clone(), None),
            SessionEvent::Renewed { session } => ("renewed", session.id.clone(), None),
            SessionEvent::Ended { session, end } => ("ended", session.id.clone(), Some(end.reason.clone())),
            other => panic!("{other:?}"),
        });
    }));
    let one = login(&sso, "alice").await;
    let renewed = sso.renew(&one.secret, Changes::new()).await.unwrap().done().unwrap();
    let two = login(&sso, "alice").await;
    sso.check(&renewed.secret).await.map(drop).unwrap();
    sso.logout(&renewed.secret).await.unwrap();
    sso.logout(&two.secret).await.unwrap();
    sso.logout_all(&user("alice")).await.unwrap();
    let (one, two) = (one.session.id, two.session.id);
    let replaced = EndReason::Replaced { by: DeviceKind::Web };
    let expected: Vec<(&str, SessionId, Option<EndReason>)> = vec![
        ("created", one.clone(), None),
        ("renewed", one.clone(), None),
        ("ended", one, Some(replaced)),
        ("created", two.clone(), None),
        ("ended", two, Some(EndReason::SignedOut)),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn administrators_see_who_is_online() {
    let sso = sso();
    let names: Vec<String> = (0..50).map(|place| format!("user {place}")).collect();
    for name in &names {
        login(&sso, name).await;
    }
    login(&sso, "user 7").await;
    sso.logout_all(&user("user 8")).await.unwrap();
    assert_eq!(sso.online_count().await.unwrap(), 49);
    let (mut next, mut seen) = (None, Vec::new());
    loop {
        let page = sso.online(next.as_ref(), PageSize::saturating_new(7)).await.unwrap();
        seen.extend(page.users);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert!(seen.is_sorted_by_key(|online| (online.user.tag(), online.user.clone())));
    let sessions: std::collections::BTreeMap<_, _> =
        seen.iter().map(|online| (online.user.as_str(), online.sessions)).collect();
    assert_eq!(sessions.len(), seen.len());
    let expected = names.iter().filter(|name| *name != "user 8");
    let expected = expected.map(|name| (name.as_str(), if name == "user 7" { 2 } else { 1 })).collect();
    assert_eq!(sessions, expected);
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
    for (asked, given) in [
        (Duration::ZERO, Login::REMEMBER_MIN),
        (Duration::MAX, SessionLimits::ABSOLUTE_MAX),
        (Duration::from_micros(1_234_567), Duration::from_millis(1234)),
    ] {
        let (new, _) = NewSession::open(user("alice"), login.clone().remember(asked), [1; 32]);
        assert_eq!(new.login().agent, "界".repeat(Login::AGENT_BYTES_MAX / 3));
        assert_eq!(new.login().address.len(), Login::ADDRESS_BYTES_MAX);
        assert_eq!(new.lifespan(), Lifespan::Remembered(given));
        assert_eq!(Lifespan::decode(&new.lifespan().encode()).unwrap(), new.lifespan());
    }
}

#[test]
fn codes_come_back_as_what_they_were() {
    for kind in DeviceKind::ALL {
        assert_eq!(DeviceKind::from_code(kind.code()), kind);
    }
    for bad in ["x", "r", "r-1", "r01", "m1.5", "R1", "r18446744073709551616"] {
        assert_eq!(Lifespan::decode(bad).unwrap_err().kind(), ErrorKind::Corrupt, "{bad}");
    }
    assert_eq!(Lifespan::decode("").unwrap(), Lifespan::Limits);
    assert!(Attributes::decode("").unwrap().is_empty());
    assert_eq!(Proofs::decode("").unwrap(), Proofs::default());
}
