//! The memory store at explicit times, and many threads at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sso_core::{
    Admission, Amended, Amendment, Answer, At, AttributeName, Changes, Check, DeviceKind, EndOutcome,
    EndReason, ErrorKind, Login, LoginPolicy, MemoryStore, NewSession, Overflow, PageSize, Proof, Purpose,
    SessionEvent, SessionLimits, SessionSecret, SessionStore, UnixMillis, UserId, Which,
};

use crate::contract::block_on;

const ANY: LoginPolicy = LoginPolicy::unlimited();

fn web() -> Login {
    Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7")
}

fn open(random: u8) -> NewSession {
    NewSession::open(UserId::new("alice").unwrap(), web(), [random; 32]).0
}

fn limits() -> SessionLimits {
    let secs = Duration::from_secs;
    SessionLimits::new(secs(100), secs(250), secs(10)).unwrap()
}

fn at(secs: u64) -> At {
    At::Millis(UnixMillis::new((1_700_000_000 + secs) * 1000).unwrap())
}

fn reason(check: Check) -> Option<EndReason> {
    if let Check::Ended(end) = check { Some(end.reason) } else { None }
}

async fn check(store: &MemoryStore, new: &NewSession, now: u64) -> Check {
    store.check(new.key(), limits(), at(now)).await.unwrap().value
}

async fn create(store: &MemoryStore, new: &NewSession, now: u64) {
    let answer = store.create(new, ANY, limits(), at(now)).await.unwrap();
    assert!(answer.value.admitted().is_some());
}

#[tokio::test]
async fn idle_and_old_sessions_end_with_their_reason() {
    let store = MemoryStore::new();
    let (idle, busy) = (open(1), open(2));
    create(&store, &idle, 0).await;
    create(&store, &busy, 0).await;
    for now in [5, 90, 180, 249] {
        assert!(matches!(check(&store, &busy, now).await, Check::Active(_)), "{now}");
    }
    assert_eq!(reason(check(&store, &idle, 249).await), Some(EndReason::ExpiredIdle));
    let ended = check(&store, &busy, 250).await;
    assert_eq!(reason(ended.clone()), Some(EndReason::ExpiredAbsolute));
    // The reason is told for ten minutes from the end on, then nothing is known any more.
    assert_eq!(check(&store, &busy, 849).await, ended);
    assert_eq!(check(&store, &busy, 850).await, Check::Unknown);
}

#[tokio::test]
async fn a_remembered_session_rests_as_long_as_it_lives() {
    let store = MemoryStore::new();
    let login = web().remember(Duration::from_secs(1000));
    let (new, _) = NewSession::open(UserId::new("alice").unwrap(), login, [1; 32]);
    create(&store, &new, 0).await;
    let Check::Active(session) = check(&store, &new, 999).await else { panic!() };
    assert_eq!(session.last_seen_at.as_secs(), 1_700_000_999);
    assert_eq!(session.cookie_max_age(), Some(Duration::from_secs(1)));
    assert_eq!(reason(check(&store, &new, 1000).await), Some(EndReason::ExpiredAbsolute));
}

#[tokio::test]
async fn use_is_written_down_only_when_it_is_due() {
    let store = MemoryStore::new();
    let new = open(1);
    create(&store, &new, 0).await;
    let mut seen = Vec::new();
    for now in [9, 10, 19, 20] {
        let Check::Active(session) = check(&store, &new, now).await else { panic!() };
        seen.push(session.last_seen_at.as_secs() - 1_700_000_000);
    }
    assert_eq!(seen, [0, 10, 10, 20]);
    // To be listed is no use.
    let listed = store.list(&UserId::new("alice").unwrap(), limits(), at(50)).await.unwrap().value;
    assert_eq!(listed[0].last_seen_at.as_secs() - 1_700_000_000, 20);
}

#[tokio::test]
async fn a_change_is_a_use_and_a_clock_that_runs_backwards_takes_none_back() {
    let store = MemoryStore::new();
    let new = open(1);
    create(&store, &new, 50).await;
    let mut seen = Vec::new();
    for now in [51, 20, 60] {
        let nothing = Amendment::attributes(Changes::new());
        let amended = store.amend(new.key(), &nothing, limits(), at(now)).await.unwrap().value;
        let session = amended.done().unwrap();
        assert_eq!(session.version, 0);
        seen.push(session.last_seen_at.as_secs() - 1_700_000_000);
    }
    assert_eq!(seen, [51, 51, 60]);
}

/// As in every store: a future that is dropped before it is polled has done nothing.
#[tokio::test]
async fn a_verb_does_its_work_when_it_is_awaited() {
    let (store, limits) = (MemoryStore::new(), SessionLimits::default());
    let (new, alice, now) = (open(1), UserId::new("alice").unwrap(), At::Server);
    drop(store.create(&new, ANY, limits, now));
    let session = store.create(&new, ANY, limits, now).await.unwrap().value.admitted().unwrap();
    drop(store.end(new.key(), &EndReason::Revoked, limits, now));
    drop(store.end_some(&alice, &Which::All, &EndReason::Revoked, limits, now));
    assert_eq!(store.check(new.key(), limits, now).await.unwrap().value, Check::Active(session));

    let listing = store.list(&alice, limits, now);
    let checking = store.check(new.key(), limits, now);
    let ended = store.end_some(&alice, &Which::All, &EndReason::Revoked, limits, now).await.unwrap();
    assert_eq!(ended.value, [new.key().id()]);
    assert_eq!(listing.await.unwrap().value, []);
    assert_eq!(reason(checking.await.unwrap().value), Some(EndReason::Revoked));
}

#[tokio::test]
async fn random_bytes_are_used_once() {
    let (store, limits) = (MemoryStore::new(), limits());
    let (one, two) = (open(1), open(2));
    create(&store, &one, 0).await;
    create(&store, &two, 0).await;
    // Even when the session is over and nobody has seen that: nothing changes, and no event is lost.
    for now in [0, 300] {
        let again = store.create(&one, ANY, limits, at(now)).await.unwrap_err();
        assert_eq!((again.kind(), again.is_transient()), (ErrorKind::Misuse, false));
    }
    let onto = Amendment::renewal(two.key().clone());
    let taken = store.amend(one.key(), &onto, limits, at(0)).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Misuse);
    let itself = Amendment::renewal(one.key().clone());
    assert_eq!(store.amend(one.key(), &itself, limits, at(0)).await.unwrap_err().kind(), ErrorKind::Misuse);
    let bobs = SessionSecret::new(&UserId::new("bob").unwrap(), [3; 32]).key();
    let foreign = store.amend(one.key(), &Amendment::renewal(bobs), limits, at(0)).await.unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::Misuse);
    let Answer { value, events } = store.check(one.key(), limits, at(300)).await.unwrap();
    assert_eq!(reason(value), Some(EndReason::ExpiredIdle));
    assert_eq!(events.len(), 1);
}

/// A login tidies up after two users of its bucket, who are told to have ended.
#[tokio::test]
async fn a_login_notices_who_has_gone() {
    let store = MemoryStore::new();
    let bucket = UserId::new("alice").unwrap().tag().bucket();
    let neighbours = (0..).map(|place| UserId::new(format!("user {place}")).unwrap());
    let neighbours: Vec<UserId> = neighbours.filter(|user| user.tag().bucket() == bucket).take(3).collect();
    for (user, now) in neighbours.iter().zip([0, 10, 20]) {
        let (new, _) = NewSession::open(user.clone(), web(), [1; 32]);
        create(&store, &new, now).await;
    }
    let answer = store.create(&open(1), ANY, limits(), at(200)).await.unwrap();
    let gone: Vec<&UserId> = answer
        .events
        .iter()
        .filter_map(|event| match event {
            SessionEvent::Ended { session, end } if end.reason == EndReason::ExpiredIdle => {
                Some(&session.user)
            }
            _ => None,
        })
        .collect();
    assert_eq!(gone, [&neighbours[0], &neighbours[1]]);
    let page = store.online(None, PageSize::MAX, limits(), at(200)).await.unwrap();
    assert_eq!(page.value.users.len(), 1);
    assert!(matches!(page.events.as_slice(), [SessionEvent::Ended { .. }]));
}

/// Threads renew, change, prove and check one session while it is ended: after the end nobody sees it live.
#[test]
fn no_thread_revives_a_session_that_was_ended() {
    let limits =
        SessionLimits::new(Duration::from_secs(60), Duration::from_secs(600), Duration::ZERO).unwrap();
    let alice = UserId::new("alice").unwrap();
    for round in 0..20_u8 {
        let store = MemoryStore::new();
        let (new, secret) = NewSession::open(alice.clone(), web(), [round; 32]);
        block_on(store.create(&new, ANY, limits, At::Server)).unwrap().value.admitted().unwrap();
        let (current, ended) = (Mutex::new(secret), AtomicBool::new(false));
        let (draws, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |thread: usize| loop {
            let was_ended = ended.load(Ordering::SeqCst);
            let secret = current.lock().unwrap().clone();
            let draw = u32::try_from(draws.fetch_add(1, Ordering::SeqCst)).unwrap();
            let mut random = [0xff; 32];
            random[..4].copy_from_slice(&draw.to_be_bytes());
            let next = secret.rotate(random);
            let amendment = match thread % 4 {
                0 => Some(Amendment::renewal(next.key())),
                1 => {
                    let proof = Proof::new(Purpose::new("pay").unwrap(), Duration::from_secs(60)).unwrap();
                    Some(Amendment::step_up(next.key(), proof))
                }
                2 => {
                    let name = AttributeName::new("n").unwrap();
                    Some(Amendment::attributes(Changes::new().set(name, i64::from(draw))))
                }
                _ => None,
            };
            let alive = match amendment {
                Some(amendment) => {
                    let answer = block_on(store.amend(&secret.key(), &amendment, limits, At::Server));
                    let done = matches!(answer.unwrap().value, Amended::Done(_));
                    if done && amendment.next().is_some() {
                        *current.lock().unwrap() = next;
                    }
                    done
                }
                None => {
                    let answer = block_on(store.check(&secret.key(), limits, At::Server)).unwrap();
                    matches!(answer.value, Check::Active(_))
                }
            };
            assert!(!(alive && was_ended), "a session was revived");
            done.fetch_add(1, Ordering::SeqCst);
            if was_ended {
                break;
            }
        };
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let work = &work;
                scope.spawn(move || work(thread));
            }
            while done.load(Ordering::SeqCst) < 50 {
                std::thread::yield_now();
            }
            // Its name stays, whatever its secret is by now.
            let this = Which::One(new.key().id());
            let gone = block_on(store.end_some(&alice, &this, &EndReason::Revoked, limits, At::Server));
            ended.store(true, Ordering::SeqCst);
            assert_eq!(gone.unwrap().value.len(), 1);
        });
        assert_eq!(block_on(store.list(&alice, limits, At::Server)).unwrap().value, []);
        let last = current.into_inner().unwrap();
        let again = block_on(store.end(&last.key(), &EndReason::SignedOut, limits, At::Server)).unwrap();
        assert!(matches!(again.value, EndOutcome::AlreadyEnded(_)));
    }
}

#[test]
fn simultaneous_logins_never_exceed_the_policy() {
    let alice = UserId::new("alice").unwrap();
    let limits = SessionLimits::default();
    for (overflow, admitted) in [(Overflow::OldestOut, 64), (Overflow::RefuseNew, 3)] {
        let policy = LoginPolicy::at_most(3).unwrap().on_overflow(overflow);
        let store = Arc::new(MemoryStore::new());
        let threads: Vec<_> = (0..64)
            .map(|random| {
                let store = store.clone();
                std::thread::spawn(move || {
                    block_on(store.create(&open(random), policy, limits, At::Server)).unwrap()
                })
            })
            .collect();
        let answers: Vec<Answer<Admission>> =
            threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let ends = answers.iter().flat_map(|answer| &answer.events);
        let ends = ends.filter(|event| matches!(event, SessionEvent::Ended { .. })).count();
        let begun = answers.into_iter().filter(|answer| answer.value.clone().admitted().is_some()).count();
        assert_eq!((begun, ends), (admitted, admitted - 3), "{overflow:?}");
        assert_eq!(block_on(store.list(&alice, limits, At::Server)).unwrap().value.len(), 3);
    }
}
