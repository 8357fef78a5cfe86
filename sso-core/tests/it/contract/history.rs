//! Random histories of commands, and how one command is put to a store.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sso_core::{
    Admission, Amended, Amendment, Answer, At, AttributeName, AttributeValue, Changes, Check, Cursor,
    DeviceKind, EndOutcome, EndReason, Error, ErrorKind, Login, LoginPolicy, NewSession, OnlinePage,
    Overflow, PageSize, Proof, Purpose, Session, SessionId, SessionKey, SessionLimits, SessionSecret,
    SessionStore, UnixMillis, UserId, Which,
};

/// Two of them share a bucket, so that one tidies up after the other.
pub(super) const USERS: [&str; 4] = ["alice", "a:{b}*\n", "张三", "user 1"];
const ADMIN: &str = "root:1";
/// All times are multiples of this, so that no key of Redis expires by itself while a test runs.
pub(super) const STEP_SECS: i64 = 50;
pub(super) const BEGIN_SECS: i64 = 1_700_000_000;

#[derive(Clone, Debug)]
pub(super) enum Command {
    Create(Name, DeviceKind, How),
    Check(Name),
    Amend(Name, Amend),
    End(Name, EndReason),
    EndSome(usize, Meant, EndReason),
    List(usize),
    Online(Option<usize>, usize),
    OnlineCount,
}

/// A key by its user and its random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) user: usize,
    pub(super) random: u8,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Plainly,
    Remembered(u64),
    Impersonated(u64),
}

#[derive(Clone, Debug)]
pub(super) struct Amend {
    pub(super) next: Option<u8>,
    sets: Vec<(u8, Option<AttributeValue>)>,
    pub(super) if_version: Option<u64>,
    pub(super) proof: Option<(u8, u64)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Meant {
    All,
    AllBut(u8),
    One(u8),
}

/// One command of a random history.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(super) command: Command,
    pub(super) limits: SessionLimits,
    pub(super) policy: LoginPolicy,
    /// How far the clock moves before the command; sometimes backwards.
    pub(super) steps: i64,
}

#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Created(Admission),
    Checked(Check),
    Amended(Amended),
    Ended(EndOutcome),
    EndedSome(Vec<SessionId>),
    Listed(Vec<Session>),
    Online(OnlinePage),
    OnlineCount(u64),
}

pub(super) type Replied = Result<Answer<Reply>, ErrorKind>;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(super) fn limits(idle: u64, absolute: u64, touch_every: u64) -> SessionLimits {
    SessionLimits::new(secs(idle), secs(absolute), secs(touch_every)).unwrap()
}

pub(super) fn user(place: usize) -> UserId {
    UserId::new(USERS[place]).unwrap()
}

pub(super) fn key(name: Name) -> SessionKey {
    SessionSecret::new(&user(name.user), [name.random; 32]).key()
}

pub(super) fn open(name: Name, device: DeviceKind, how: How) -> NewSession {
    let login = Login::new(device, format!("agent {}\n", name.random), "192.0.2.1");
    let (user, random) = (user(name.user), [name.random; 32]);
    let (new, _) = match how {
        How::Plainly => NewSession::open(user, login, random),
        How::Remembered(life) => NewSession::open(user, login.remember(secs(life)), random),
        How::Impersonated(life) => {
            NewSession::impersonate(UserId::new(ADMIN).unwrap(), user, login, secs(life), random)
        }
    };
    new
}

fn amendment(name: Name, amend: &Amend) -> Amendment {
    let next = amend.next.map(|random| key(Name { random, ..name }));
    let mut changes = Changes::new();
    for (place, value) in &amend.sets {
        let name = AttributeName::new(format!("n{place}")).unwrap();
        changes = match value {
            Some(value) => changes.set(name, value.clone()),
            None => changes.remove(name),
        };
    }
    if let Some(version) = amend.if_version {
        changes = changes.if_version(version);
    }
    match (next, amend.proof) {
        (Some(next), Some((purpose, life))) => {
            let purpose = Purpose::new(format!("p{purpose}")).unwrap();
            Amendment::step_up(next, Proof::new(purpose, secs(life)).unwrap()).with(changes)
        }
        (Some(next), None) => Amendment::renewal(next).with(changes),
        (None, _) => Amendment::attributes(changes),
    }
}

fn which(user: usize, meant: Meant) -> Which {
    let id = |random| key(Name { user, random }).id();
    match meant {
        Meant::All => Which::All,
        Meant::AllBut(random) => Which::AllBut(id(random)),
        Meant::One(random) => Which::One(id(random)),
    }
}

const RANDOMS: u8 = 6;

fn name() -> impl Strategy<Value = Name> {
    let user = prop_oneof![2 => Just(0), 3 => 0..USERS.len()];
    (user, 0..RANDOMS).prop_map(|(user, random)| Name { user, random })
}

fn amend() -> impl Strategy<Value = Amend> {
    let value = prop_oneof![
        Just(None),
        any::<bool>().prop_map(|yes| Some(yes.into())),
        select(vec![i64::MIN, -1, 0, i64::MAX]).prop_map(|number| Some(number.into())),
        select(vec!["", "%", "a=b\n%0A", "张三\0\""])
            .prop_map(|text| Some(AttributeValue::text(text).unwrap())),
    ];
    let sets = prop_oneof![4 => vec((0..20_u8, value.clone()), 0..3), 1 => vec((0..24_u8, value), 12..17)];
    let next = proptest::option::weighted(0.5, 0..RANDOMS);
    let version = proptest::option::weighted(0.3, 0..4_u64);
    let proof = proptest::option::weighted(0.6, (0..18_u8, select(vec![50, 100, 10_000])));
    (next, sets, version, proof).prop_map(|(next, sets, if_version, proof)| Amend {
        next,
        sets,
        if_version,
        proof,
    })
}

fn command() -> impl Strategy<Value = Command> {
    let kicked = EndReason::Kicked { by: Some(UserId::new(ADMIN).unwrap()) };
    let reasons = vec![EndReason::SignedOut, EndReason::Revoked, kicked, EndReason::Kicked { by: None }];
    let reason = move || select(reasons.clone());
    let device = select(vec![DeviceKind::Web, DeviceKind::Mobile]);
    let how = prop_oneof![
        6 => Just(How::Plainly),
        1 => select(vec![50, 500, 100_000]).prop_map(How::Remembered),
        1 => select(vec![50, 150, 5000]).prop_map(How::Impersonated),
    ];
    let meant = prop_oneof![
        2 => Just(Meant::All),
        1 => (0..RANDOMS).prop_map(Meant::AllBut),
        1 => (0..RANDOMS).prop_map(Meant::One)
    ];
    prop_oneof![
        8 => (name(), device, how).prop_map(|(name, device, how)| Command::Create(name, device, how)),
        6 => name().prop_map(Command::Check),
        6 => (name(), amend()).prop_map(|(name, amend)| Command::Amend(name, amend)),
        1 => (name(), reason()).prop_map(|(name, reason)| Command::End(name, reason)),
        1 => (0..USERS.len(), meant, reason())
            .prop_map(|(user, meant, reason)| Command::EndSome(user, meant, reason)),
        2 => (0..USERS.len()).prop_map(Command::List),
        2 => (proptest::option::of(0..USERS.len()), 1..6_usize)
            .prop_map(|(after, size)| Command::Online(after, size)),
        2 => Just(Command::OnlineCount),
    ]
}

fn policies() -> Vec<LoginPolicy> {
    let two = LoginPolicy::at_most(2).unwrap();
    vec![
        LoginPolicy::unlimited(),
        LoginPolicy::one(),
        LoginPolicy::one_per_device(),
        two,
        two.on_overflow(Overflow::RefuseNew),
        LoginPolicy::one().on_overflow(Overflow::RefuseNew),
        LoginPolicy::at_most(3)
            .unwrap()
            .per_device(DeviceKind::Mobile, 1)
            .unwrap()
            .on_overflow(Overflow::RefuseNew),
    ]
}

/// Random histories. Most commands are about a key that was used a short while before.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let limits = select(vec![limits(100, 300, 50), limits(400, 500, 0), limits(200, 1000, 100)]);
    let steps = prop_oneof![14 => Just(0), 4 => 1..3_i64, 1 => 5..15_i64, 1 => -14..0_i64];
    // A user's policy changes seldom, so that it fills up now and then.
    let policy = prop_oneof![2 => Just(LoginPolicy::unlimited()), 3 => select(policies())];
    let back = proptest::option::weighted(0.8, 0..3_usize);
    vec((command(), limits, policy, steps, back), 1..60).prop_map(|steps| {
        let mut used = Vec::new();
        let step = |(command, limits, policy, steps, back): (Command, _, _, _, Option<usize>)| {
            let recent = back.and_then(|back| used.iter().rev().nth(back).copied());
            let command = about(command, recent);
            used.extend(uses(&command));
            Step { command, limits, policy, steps }
        };
        steps.into_iter().map(step).collect()
    })
}

fn about(command: Command, recent: Option<Name>) -> Command {
    match (command, recent) {
        (Command::Check(_), Some(name)) => Command::Check(name),
        (Command::Amend(_, amend), Some(name)) => Command::Amend(name, amend),
        (Command::End(_, reason), Some(name)) => Command::End(name, reason),
        (command, _) => command,
    }
}

fn uses(command: &Command) -> Option<Name> {
    match command {
        Command::Create(name, ..) => Some(*name),
        Command::Amend(name, amend) => amend.next.map(|random| Name { random, ..*name }),
        _ => None,
    }
}

pub(super) fn at(secs: i64) -> UnixMillis {
    UnixMillis::new(u64::try_from(secs).unwrap() * 1000).unwrap()
}

fn reply<T>(answer: Result<Answer<T>, Error>, wrap: fn(T) -> Reply) -> Replied {
    match answer {
        Ok(Answer { value, events }) => Ok(Answer { value: wrap(value), events }),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Misuse, "{error:?}");
            Err(error.kind())
        }
    }
}

pub(super) async fn answer(store: &dyn SessionStore, step: &Step, now: UnixMillis) -> Replied {
    let (at, limits) = (At::Millis(now), step.limits);
    match &step.command {
        Command::Create(name, device, how) => {
            let new = open(*name, *device, *how);
            reply(store.create(&new, step.policy, limits, at).await, Reply::Created)
        }
        Command::Check(name) => reply(store.check(&key(*name), limits, at).await, Reply::Checked),
        Command::Amend(name, amend) => {
            let amendment = amendment(*name, amend);
            reply(store.amend(&key(*name), &amendment, limits, at).await, Reply::Amended)
        }
        Command::End(name, reason) => reply(store.end(&key(*name), reason, limits, at).await, Reply::Ended),
        Command::EndSome(place, meant, reason) => {
            let which = which(*place, *meant);
            reply(store.end_some(&user(*place), &which, reason, limits, at).await, Reply::EndedSome)
        }
        Command::List(place) => reply(store.list(&user(*place), limits, at).await, Reply::Listed),
        Command::Online(after, size) => {
            let after = after.map(|place| Cursor::after(user(place)));
            let size = PageSize::saturating_new(*size);
            reply(store.online(after.as_ref(), size, limits, at).await, Reply::Online)
        }
        Command::OnlineCount => {
            let count = store.online_count(at).await.unwrap();
            Ok(Answer { value: Reply::OnlineCount(count), events: Vec::new() })
        }
    }
}
