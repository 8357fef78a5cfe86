//! Many callers at once, on one server and on a cluster: policies hold, each end is told once, nothing is revived.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sso_core::{
    Admission, Amended, Amendment, Answer, At, AttributeName, Changes, Check, DeviceKind, EndOutcome,
    EndReason, Login, LoginPolicy, NewSession, Overflow, Proof, Purpose, RedisStore, SessionEvent,
    SessionKey, SessionLimits, SessionSecret, SessionStore, UserId, Which,
};
use tokio::task::JoinSet;

use crate::redis_store::{SLOW_MACHINE, alice, web};

const CALLERS: u8 = 64;

async fn single(server: &testkit::Redis) -> RedisStore {
    RedisStore::connect(&server.url()).await.unwrap().deadline(SLOW_MACHINE)
}

async fn clustered(cluster: &testkit::RedisCluster) -> RedisStore {
    RedisStore::connect_cluster(&cluster.urls()).await.unwrap().deadline(SLOW_MACHINE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simultaneous_logins_never_exceed_a_policy() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    // Each has a connection of its own.
    let (one, two) = (single(&server).await, single(&server).await);
    policies_hold([&one, &two]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simultaneous_logins_never_exceed_a_policy_on_a_cluster() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = testkit::RedisCluster::start().unwrap();
    let (one, two) = (clustered(&cluster).await, clustered(&cluster).await);
    policies_hold([&one, &two]).await;
}

async fn policies_hold(stores: [&RedisStore; 2]) {
    let five = LoginPolicy::at_most(5).unwrap();
    let mixed = five.per_device(DeviceKind::Mobile, 1).unwrap();
    let limits = [
        (LoginPolicy::one(), 1),
        (LoginPolicy::one_per_device(), 2),
        (five, 5),
        (mixed, 5),
        (LoginPolicy::default(), usize::from(CALLERS)),
    ];
    let mut round = 0;
    for (policy, most) in limits {
        for overflow in [Overflow::OldestOut, Overflow::RefuseNew] {
            round += 1;
            let user = UserId::new(format!("user {round}")).unwrap();
            race(stores, &user, policy.on_overflow(overflow), most).await;
        }
    }
}

/// 64 logins of one user at once, half of them on telephones.
async fn race(stores: [&RedisStore; 2], user: &UserId, policy: LoginPolicy, most: usize) {
    let limits = SessionLimits::default();
    let mut logins = JoinSet::new();
    for caller in 0..CALLERS {
        let store = stores[usize::from(caller % 2)].clone();
        let device = if caller % 4 < 2 { DeviceKind::Web } else { DeviceKind::Mobile };
        let (new, _) = NewSession::open(user.clone(), Login::new(device, "", ""), [caller; 32]);
        logins.spawn(async move { store.create(&new, policy, limits, At::Server).await.unwrap() });
    }
    let (mut created, mut ended, mut refused) = (0, 0, 0);
    for Answer { value, events } in logins.join_all().await {
        refused += usize::from(matches!(value, Admission::Refused(_)));
        created += events.iter().filter(|event| matches!(event, SessionEvent::Created { .. })).count();
        ended += events.iter().filter(|event| matches!(event, SessionEvent::Ended { .. })).count();
    }
    let live = stores[0].list(user, limits, At::Server).await.unwrap().value;
    assert_eq!(live.len(), most, "{policy:?}");
    for device in [DeviceKind::Web, DeviceKind::Mobile] {
        let same = live.iter().filter(|session| session.device == device).count();
        assert!(same <= usize::from(policy.of(device)), "{policy:?}");
    }
    assert_eq!(created + refused, usize::from(CALLERS));
    assert_eq!(created - ended, most, "{policy:?}");
    let (out, kept_out) = (ended > 0, refused > 0);
    let full = most < usize::from(CALLERS);
    assert_eq!(
        (out, kept_out),
        match policy.overflow() {
            Overflow::OldestOut => (full, false),
            Overflow::RefuseNew => (false, full),
        }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_revives_a_session_that_was_ended() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let (one, two) = (single(&server).await, single(&server).await);
    for round in 0..3 {
        one_end_is_the_end([&one, &two], round).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_revives_a_session_that_was_ended_on_a_cluster() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = testkit::RedisCluster::start().unwrap();
    let (one, two) = (clustered(&cluster).await, clustered(&cluster).await);
    for round in 0..2 {
        one_end_is_the_end([&one, &two], round).await;
    }
}

/// What the tasks of one round share.
struct Ring {
    limits: SessionLimits,
    /// The secret that the session has now, as far as anybody knows.
    secret: std::sync::Mutex<SessionSecret>,
    is_ended: AtomicBool,
    /// How often the session was found alive.
    seen: AtomicUsize,
    ends: AtomicUsize,
    random: AtomicUsize,
}

impl Ring {
    fn secret(&self) -> SessionSecret {
        self.secret.lock().unwrap().clone()
    }

    /// Random bytes that no other call has.
    fn random(&self) -> [u8; 32] {
        let mut random = [9; 32];
        random[..8].copy_from_slice(&self.random.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        random
    }

    fn count_ends(&self, events: &[SessionEvent]) {
        let ended = |event: &&SessionEvent| matches!(event, SessionEvent::Ended { .. });
        self.ends.fetch_add(events.iter().filter(ended).count(), Ordering::SeqCst);
    }
}

/// 64 tasks check, change, renew and prove one session that moves from secret to secret, while some try to end it.
async fn one_end_is_the_end(stores: [&RedisStore; 2], round: u8) {
    let limits =
        SessionLimits::new(Duration::from_secs(60), Duration::from_secs(600), Duration::ZERO).unwrap();
    let (new, secret) = NewSession::open(alice(), web(), [round; 32]);
    drop(stores[0].create(&new, LoginPolicy::default(), limits, At::Server).await.unwrap());
    let ring = Arc::new(Ring {
        limits,
        secret: std::sync::Mutex::new(secret),
        is_ended: AtomicBool::new(false),
        seen: AtomicUsize::new(0),
        ends: AtomicUsize::new(0),
        random: AtomicUsize::new(usize::from(round) << 32),
    });
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let (store, ring) = (stores[usize::from(caller % 2)].clone(), ring.clone());
        tasks.spawn(async move { while !turn(&store, &ring, caller).await {} });
    }
    while ring.seen.load(Ordering::SeqCst) < 64 {
        tokio::task::yield_now().await;
    }
    // The secret moves on all the time. The end of a key that the session has left follows it; its name stays.
    if round.is_multiple_of(2) {
        let key = ring.secret().key();
        let answer = stores[0].end(&key, &EndReason::Revoked, limits, At::Server).await.unwrap();
        ring.count_ends(&answer.events);
        assert_eq!(answer.value, EndOutcome::Ended);
    }
    let one = Which::One(new.key().id());
    let answer = stores[0].end_some(&alice(), &one, &EndReason::Revoked, limits, At::Server).await.unwrap();
    ring.count_ends(&answer.events);
    ring.is_ended.store(true, Ordering::SeqCst);
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(ring.ends.load(Ordering::SeqCst), 1);
    assert_eq!(stores[1].list(&alice(), limits, At::Server).await.unwrap().value, []);
    assert_eq!(stores[1].online_count(At::Server).await.unwrap(), 0);
}

/// One call of one task; whether the session has ended.
async fn turn(store: &RedisStore, ring: &Ring, caller: u8) -> bool {
    let was_ended = ring.is_ended.load(Ordering::SeqCst);
    let secret = ring.secret();
    let key: SessionKey = secret.key();
    let next = secret.rotate(ring.random());
    let counter =
        Changes::new().set(AttributeName::new(format!("n{}", caller % 16)).unwrap(), i64::from(caller));
    let purpose = Purpose::new(format!("p{}", caller % 16)).unwrap();
    let proof = Proof::new(purpose, Duration::from_secs(60)).unwrap();
    let amendment = match caller % 4 {
        0 => None,
        1 => Some(Amendment::attributes(counter)),
        2 => Some(Amendment::renewal(next.key())),
        _ => Some(Amendment::step_up(next.key(), proof)),
    };
    let Some(amendment) = amendment else {
        let answer = store.check(&key, ring.limits, At::Server).await.unwrap();
        ring.count_ends(&answer.events);
        return match answer.value {
            Check::Active(_) => alive(ring, was_ended),
            Check::Ended(end) => end.reason == EndReason::Revoked,
            Check::Unknown => panic!("a session was forgotten"),
        };
    };
    let answer = store.amend(&key, &amendment, ring.limits, At::Server).await.unwrap();
    ring.count_ends(&answer.events);
    match answer.value {
        Amended::Done(_) => {
            if amendment.next().is_some() {
                *ring.secret.lock().unwrap() = next;
            }
            alive(ring, was_ended)
        }
        Amended::Ended(end) => end.reason == EndReason::Revoked,
        other => panic!("{other:?}"),
    }
}

fn alive(ring: &Ring, was_ended: bool) -> bool {
    assert!(!was_ended, "a session was revived");
    ring.seen.fetch_add(1, Ordering::SeqCst);
    false
}
