//! What every store of sessions answers: random commands at explicit times, the memory store as the specification.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sso_core::{
    At, Check, DeviceKind, EndOutcome, EndReason, ErrorKind, Login, MemoryStore, NewSession,
    SESSIONS_PER_USER_MAX, Session, SessionKey, SessionLimits, SessionStore, UnixMillis, UserId,
};

const USERS: [&str; 3] = ["alice", "a:{b}*\n", "张三"];
/// All times are multiples of this, so that no key of Redis expires by itself while a test runs.
const STEP_SECS: i64 = 50;

#[derive(Clone, Copy, Debug)]
enum Command {
    Create(Name),
    Check(Name),
    End(Name, EndReason),
    EndAll(usize, EndReason),
    List(usize),
}

/// A session by its user and its random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    user: usize,
    random: u8,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    command: Command,
    limits: SessionLimits,
    /// How far the clock moves before the command; sometimes backwards.
    steps: i64,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Created(Result<Session, ErrorKind>),
    Checked(Check),
    Ended(EndOutcome),
    EndedAll(u64),
    Listed(Vec<Session>),
}

fn limits(idle: u64, absolute: u64, touch_every: u64) -> SessionLimits {
    let secs = Duration::from_secs;
    SessionLimits::new(secs(idle), secs(absolute), secs(touch_every)).unwrap()
}

fn user(place: usize) -> UserId {
    UserId::new(USERS[place]).unwrap()
}

fn open(name: Name) -> NewSession {
    let login = Login::new(DeviceKind::Web, format!("agent {}", name.random), "192.0.2.1");
    NewSession::open(user(name.user), login, [name.random; 32]).0
}

fn key(name: Name) -> SessionKey {
    open(name).key().clone()
}

fn command() -> impl Strategy<Value = Command> {
    let name = || (0..USERS.len(), 0..3_u8).prop_map(|(user, random)| Name { user, random });
    let reason = || select(vec![EndReason::SignedOut, EndReason::Revoked]);
    prop_oneof![
        4 => name().prop_map(Command::Create),
        6 => name().prop_map(Command::Check),
        1 => (name(), reason()).prop_map(|(name, reason)| Command::End(name, reason)),
        1 => (0..USERS.len(), reason()).prop_map(|(user, reason)| Command::EndAll(user, reason)),
        3 => (0..USERS.len()).prop_map(Command::List),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let limits = select(vec![limits(100, 300, 50), limits(400, 500, 0), limits(200, 1000, 100)]);
    let steps = prop_oneof![4 => Just(0), 4 => 1..3_i64, 1 => 5..15_i64, 1 => -14..0_i64];
    vec((command(), limits, steps), 1..60).prop_map(|steps| {
        steps.into_iter().map(|(command, limits, steps)| Step { command, limits, steps }).collect()
    })
}

/// Carries out one command and moves the clock on.
async fn answer(store: &dyn SessionStore, step: Step, secs: &mut i64) -> Answer {
    *secs += step.steps * STEP_SECS;
    let at = At::Millis(UnixMillis::new(u64::try_from(*secs).unwrap() * 1000).unwrap());
    let limits = step.limits;
    match step.command {
        Command::Create(name) => {
            Answer::Created(store.create(&open(name), limits, at).await.map_err(|error| error.kind()))
        }
        Command::Check(name) => Answer::Checked(store.check(&key(name), limits, at).await.unwrap()),
        Command::End(name, reason) => Answer::Ended(store.end(&key(name), reason, limits, at).await.unwrap()),
        Command::EndAll(place, reason) => {
            Answer::EndedAll(store.end_all(&user(place), reason, limits, at).await.unwrap())
        }
        Command::List(place) => Answer::Listed(store.list(&user(place), limits, at).await.unwrap()),
    }
}

async fn answers(store: &dyn SessionStore, steps: &[Step]) -> Vec<Answer> {
    let mut secs = 1_700_000_000;
    let mut answers = Vec::new();
    for step in steps {
        answers.push(answer(store, *step, &mut secs).await);
    }
    answers
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The law above all others: what is not active any more becomes active by a new login only, whatever
    /// the clock and the limits do.
    #[test]
    fn nothing_revives_an_ended_session(steps in steps()) {
        let answers = block_on(answers(&MemoryStore::new(), &steps));
        let mut dead = Vec::new();
        for (step, answer) in steps.iter().zip(&answers) {
            match (step.command, answer) {
                (Command::Create(name), Answer::Created(Ok(_))) => dead.retain(|other| *other != name),
                (Command::Check(name), Answer::Checked(Check::Active(_))) => {
                    prop_assert!(!dead.contains(&name), "{:?} of {:?}", step, steps);
                }
                (Command::Check(name), Answer::Checked(_)) | (Command::End(name, _), _) => dead.push(name),
                _ => {}
            }
        }
    }

    /// What is listed is active, and what is active is within its limits.
    #[test]
    fn sessions_are_within_their_limits(steps in steps()) {
        let answers = block_on(answers(&MemoryStore::new(), &steps));
        let mut secs = 1_700_000_000;
        for (step, answer) in steps.iter().zip(answers) {
            secs += step.steps * STEP_SECS;
            let now = UnixMillis::new(u64::try_from(secs).unwrap() * 1000).unwrap();
            let sessions = match answer {
                Answer::Listed(sessions) => sessions,
                Answer::Checked(Check::Active(session)) | Answer::Created(Ok(session)) => vec![session],
                _ => Vec::new(),
            };
            for session in sessions {
                prop_assert!(now < session.expires_at);
                prop_assert!(now.since(session.last_seen_at) < step.limits.idle());
                prop_assert!(now.since(session.created_at) < step.limits.absolute());
            }
        }
    }
}

/// One login more than a user may have ends the oldest.
pub(crate) async fn the_oldest_session_makes_room(store: &dyn SessionStore) {
    let limits = SessionLimits::default();
    let alice = user(0);
    let at = |place: usize| {
        At::Millis(UnixMillis::new(1_700_000_000_000 + u64::try_from(place).unwrap()).unwrap())
    };
    let mut keys = Vec::new();
    for place in 0..=SESSIONS_PER_USER_MAX {
        let random = [u8::try_from(place).unwrap(); 32];
        let (new, _) = NewSession::open(alice.clone(), Login::new(DeviceKind::Web, "", ""), random);
        store.create(&new, limits, at(place)).await.unwrap();
        keys.push(new.key().clone());
    }
    let end = at(SESSIONS_PER_USER_MAX);
    assert_eq!(store.check(&keys[0], limits, end).await.unwrap(), Check::Ended(EndReason::Replaced));
    assert!(matches!(store.check(&keys[1], limits, end).await.unwrap(), Check::Active(_)));
    let listed = store.list(&alice, limits, end).await.unwrap();
    assert_eq!(listed.len(), SESSIONS_PER_USER_MAX);
    assert!(listed.is_sorted_by_key(|session| session.created_at));
    let count = store.end_all(&alice, EndReason::Revoked, limits, end).await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), SESSIONS_PER_USER_MAX);
    assert_eq!(store.list(&alice, limits, end).await.unwrap(), []);
}

#[test]
fn the_oldest_session_in_memory_makes_room() {
    block_on(the_oldest_session_makes_room(&MemoryStore::new()));
}

#[cfg(feature = "redis")]
mod on_redis {
    use proptest::test_runner::{Config, TestRunner};
    use sso_core::RedisStore;

    use super::*;

    #[test]
    fn redis_answers_as_memory_does() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = runtime.block_on(RedisStore::connect(&server.url())).unwrap();
        let store = store.deadline(Duration::from_secs(30));
        let mut run = TestRunner::new(Config::with_cases(128));
        let prefix = std::cell::Cell::new(0);
        run.run(&steps(), |steps| {
            prefix.set(prefix.get() + 1);
            let store = store.clone().key_prefix(&format!("case{}", prefix.get())).unwrap();
            let redis = runtime.block_on(answers(&store, &steps));
            let memory = runtime.block_on(answers(&MemoryStore::new(), &steps));
            for ((step, redis), memory) in steps.iter().zip(redis).zip(memory) {
                prop_assert_eq!(redis, memory, "at {:?}", step);
            }
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn the_oldest_session_in_redis_makes_room() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        block_on(async {
            let store = RedisStore::connect(&server.url()).await.unwrap().deadline(Duration::from_secs(30));
            the_oldest_session_makes_room(&store).await;
        });
    }
}
