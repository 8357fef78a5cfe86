//! Refresh tokens: what every store of them answers, random commands at explicit times, the memory store as the
//! specification, and laws that no answer may break.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sso_core::{
    At, ClientId, ErrorKind, FAMILIES_PER_USER_MAX, Families, Family, FamilyEnd, FamilyKey, Grant,
    MemoryRefreshStore, NewFamily, Presented, RefreshLimits, RefreshOutcome, RefreshSecret, RefreshStore,
    Refresher, RevokeFamily, RotateOutcome, Scope, SessionId, SessionSecret, UnixMillis, UserId,
};

const USERS: [&str; 3] = ["alice", "a:{b}*\n", "张三"];
const CLIENTS: [&str; 2] = ["shop-app", "{*}:\n"];
const SCOPES: [&str; 4] = ["read", "write", "read write", "write read admin"];
const FAMILIES: usize = 4;
/// All times are multiples of this, so that no key of Redis expires by itself while a test runs.
const STEP_SECS: i64 = 50;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    Issue { family: usize, client: usize, session: bool, scope: Option<usize> },
    Refresh { family: usize, back: usize, client: usize, scope: Option<usize> },
    RevokeFamily { family: usize, client: Option<usize> },
    RevokeUser { user: usize, which: Which },
    List { user: usize },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    All,
    Client(usize),
    Session(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    command: Command,
    limits: RefreshLimits,
    /// How far the clock moves before the command; sometimes backwards.
    steps: i64,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Issued(Result<Family, ErrorKind>),
    /// With the place of the shown token in its lineage, and the child.
    Refreshed(usize, RotateOutcome, Option<RefreshSecret>),
    /// Nobody has a token to show yet.
    Nothing,
    Revoked(RevokeFamily),
    RevokedUser(u64),
    Listed(Vec<Family>),
}

/// What the clients hold: every token that they were ever given, by family.
#[derive(Default)]
struct Clients {
    lineages: [Vec<RefreshSecret>; FAMILIES],
    drawn: u8,
}

impl Clients {
    fn draw(&mut self) -> [u8; 32] {
        self.drawn += 1;
        [self.drawn; 32]
    }
}

pub(crate) fn limits(idle: u64, absolute: u64, grace: u64) -> RefreshLimits {
    let secs = Duration::from_secs;
    RefreshLimits::new(secs(idle), secs(absolute), secs(grace)).unwrap()
}

fn owner(family: usize) -> UserId {
    user(family % USERS.len())
}

fn user(place: usize) -> UserId {
    UserId::new(USERS[place]).unwrap()
}

fn client(place: usize) -> ClientId {
    ClientId::new(CLIENTS[place]).unwrap()
}

fn scope(place: usize) -> Scope {
    Scope::new(SCOPES[place]).unwrap()
}

/// The session that a family may be bound to: families 0 and 3 are of one user, and of two sessions.
fn session(family: usize) -> SessionId {
    SessionSecret::new(&owner(family), [u8::try_from(family).unwrap(); 32]).key().id()
}

fn handle(family: usize) -> [u8; 16] {
    [u8::try_from(family).unwrap(); 16]
}

fn key(family: usize) -> FamilyKey {
    RefreshSecret::new(&owner(family), handle(family), [0; 32]).family()
}

fn command() -> impl Strategy<Value = Command> {
    let family = || 0..FAMILIES;
    let client = || prop_oneof![5 => Just(0_usize), 1 => Just(1)];
    let scope = || proptest::option::of(0..SCOPES.len());
    let back = prop_oneof![6 => Just(0_usize), 4 => Just(1), 1 => 2..4_usize];
    let which = prop_oneof![
        1 => Just(Which::All),
        1 => (0..CLIENTS.len()).prop_map(Which::Client),
        2 => family().prop_map(Which::Session),
    ];
    prop_oneof![
        5 => (family(), client(), any::<bool>(), scope()).prop_map(|(family, client, session, scope)| {
            Command::Issue { family, client, session, scope }
        }),
        16 => (family(), back, client(), scope()).prop_map(|(family, back, client, scope)| {
            Command::Refresh { family, back, client, scope: scope.filter(|scope| *scope < 2) }
        }),
        1 => (family(), back_scope()).prop_map(|(family, scope)| {
            Command::Refresh { family, back: 0, client: 0, scope }
        }),
        1 => (family(), proptest::option::of(0..CLIENTS.len())).prop_map(|(family, client)| {
            Command::RevokeFamily { family, client }
        }),
        1 => (0..USERS.len(), which).prop_map(|(user, which)| Command::RevokeUser { user, which }),
        3 => (0..USERS.len()).prop_map(|user| Command::List { user }),
    ]
}

fn back_scope() -> impl Strategy<Value = Option<usize>> {
    (2..SCOPES.len()).prop_map(Some)
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let limits = select(vec![limits(300, 600, 100), limits(400, 1000, 0), limits(200, 1000, 50)]);
    let steps = prop_oneof![8 => Just(0), 4 => 1..3_i64, 1 => 5..15_i64, 1 => -14..0_i64];
    vec((command(), limits, steps), 1..80).prop_map(|steps| {
        steps.into_iter().map(|(command, limits, steps)| Step { command, limits, steps }).collect()
    })
}

/// Carries out one command and moves the clock on.
async fn answer(store: &dyn RefreshStore, step: Step, clients: &mut Clients, secs: &mut i64) -> Answer {
    *secs += step.steps * STEP_SECS;
    let at = At::Millis(UnixMillis::new(u64::try_from(*secs).unwrap() * 1000).unwrap());
    let limits = step.limits;
    match step.command {
        Command::Issue { family, client: of, session: bound, scope: granted } => {
            let mut grant = Grant::new(client(of));
            grant.session = bound.then(|| session(family));
            grant.scope = granted.map(scope);
            let (new, secret) = NewFamily::open(owner(family), grant, handle(family), clients.draw());
            let issued = store.issue(&new, limits, at).await.map_err(|error| error.kind());
            if issued.is_ok() {
                clients.lineages[family] = vec![secret];
            }
            Answer::Issued(issued)
        }
        Command::Refresh { family, back, client: by, scope: asked } => {
            let nonce = clients.draw();
            let lineage = &mut clients.lineages[family];
            let Some(place) = lineage.len().checked_sub(1 + back) else { return Answer::Nothing };
            let shown = lineage[place].clone();
            let presented = Presented::new(&shown, client(by), asked.map(scope), nonce);
            let outcome = store.rotate(&presented, limits, at).await.unwrap();
            let child = match &outcome {
                RotateOutcome::Rotated(_) => Some(shown.child(&nonce)),
                RotateOutcome::Replayed(_, nonce) => Some(shown.child(nonce)),
                _ => None,
            };
            if let RotateOutcome::Rotated(_) = outcome {
                lineage.extend(child.clone());
            }
            Answer::Refreshed(place, outcome, child)
        }
        Command::RevokeFamily { family, client: by } => {
            let by = by.map(client);
            Answer::Revoked(store.revoke_family(&key(family), by.as_ref(), limits, at).await.unwrap())
        }
        Command::RevokeUser { user: place, which } => {
            let (which, reason) = match which {
                Which::All => (Families::All, FamilyEnd::Revoked),
                Which::Client(of) => (Families::OfClient(client(of)), FamilyEnd::Revoked),
                Which::Session(family) => (Families::OfSession(session(family)), FamilyEnd::SessionEnded),
            };
            Answer::RevokedUser(store.revoke_user(&user(place), &which, reason, limits, at).await.unwrap())
        }
        Command::List { user: place } => Answer::Listed(store.list(&user(place), limits, at).await.unwrap()),
    }
}

pub(crate) async fn answers(store: &dyn RefreshStore, steps: &[Step]) -> Vec<Answer> {
    let (mut secs, mut clients) = (1_700_000_000, Clients::default());
    let mut answers = Vec::new();
    for step in steps {
        answers.push(answer(store, *step, &mut clients, &mut secs).await);
    }
    answers
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Written down again from the client's side: a token is exchanged once, only the last but one is answered
    /// again and with the same child, any older one ends the family, and what has ended stays so.
    #[test]
    fn a_token_is_exchanged_once_and_a_dead_family_stays_dead(steps in steps()) {
        let answers = block_on(answers(&MemoryRefreshStore::new(), &steps));
        let mut lineages: [Vec<Option<RefreshSecret>>; FAMILIES] = Default::default();
        let mut is_dead = [false; FAMILIES];
        for (step, answer) in steps.iter().zip(&answers) {
            let at = || format!("{step:?} of {steps:?}");
            match (step.command, answer) {
                (Command::Issue { family, .. }, Answer::Issued(Ok(_))) => {
                    lineages[family] = vec![None];
                    is_dead[family] = false;
                }
                (Command::Refresh { family, .. }, Answer::Refreshed(place, outcome, child)) => {
                    let lineage = &mut lineages[family];
                    match outcome {
                        RotateOutcome::Rotated(_) => {
                            prop_assert!(*place + 1 == lineage.len() && !is_dead[family], "{}", at());
                            lineage.push(child.clone());
                        }
                        RotateOutcome::Replayed(..) => {
                            prop_assert!(*place + 2 == lineage.len() && !is_dead[family], "{}", at());
                            prop_assert!(step.limits.grace() > Duration::ZERO, "{}", at());
                            prop_assert_eq!(Some(child), lineage.last(), "{}", at());
                        }
                        RotateOutcome::Reused(_) => {
                            prop_assert!(*place + 1 < lineage.len() && !is_dead[family], "{}", at());
                            is_dead[family] = true;
                        }
                        RotateOutcome::Ended(_) | RotateOutcome::Unknown => is_dead[family] = true,
                        _ => prop_assert!(!is_dead[family], "{}", at()),
                    }
                }
                (Command::RevokeFamily { family, client: None }, _) => is_dead[family] = true,
                _ => {}
            }
        }
    }

    /// What is listed is within its limits, and of its user.
    #[test]
    fn listed_families_are_within_their_limits(steps in steps()) {
        let answers = block_on(answers(&MemoryRefreshStore::new(), &steps));
        let mut secs = 1_700_000_000;
        for (step, answer) in steps.iter().zip(answers) {
            secs += step.steps * STEP_SECS;
            let now = UnixMillis::new(u64::try_from(secs).unwrap() * 1000).unwrap();
            let (Command::List { user: place }, Answer::Listed(families)) = (step.command, answer) else {
                continue;
            };
            for family in families {
                prop_assert_eq!(&family.user, &user(place));
                prop_assert!(now < family.expires_at);
                prop_assert!(now.since(family.rotated_at) < step.limits.idle());
                prop_assert!(now.since(family.created_at) < step.limits.absolute());
            }
        }
    }
}

/// One family more than a user may have ends the oldest.
pub(crate) async fn the_oldest_family_makes_room(store: &dyn RefreshStore) {
    let limits = RefreshLimits::default();
    let at = |place: usize| {
        At::Millis(UnixMillis::new(1_700_000_000_000 + u64::try_from(place).unwrap()).unwrap())
    };
    let mut secrets = Vec::new();
    for place in 0..=FAMILIES_PER_USER_MAX {
        let byte = u8::try_from(place).unwrap();
        let (new, secret) = NewFamily::open(user(0), Grant::new(client(0)), [byte; 16], [byte; 32]);
        store.issue(&new, limits, at(place)).await.unwrap();
        secrets.push(secret);
    }
    let end = at(FAMILIES_PER_USER_MAX);
    let shown = Presented::new(&secrets[0], client(0), None, [1; 32]);
    let outcome = store.rotate(&shown, limits, end).await.unwrap();
    assert_eq!(outcome, RotateOutcome::Ended(FamilyEnd::Replaced));
    let listed = store.list(&user(0), limits, end).await.unwrap();
    assert_eq!(listed.len(), FAMILIES_PER_USER_MAX);
    assert!(listed.is_sorted_by_key(|family| family.created_at));
    let count = store.revoke_user(&user(0), &Families::All, FamilyEnd::Revoked, limits, end).await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), FAMILIES_PER_USER_MAX);
    assert_eq!(store.list(&user(0), limits, end).await.unwrap(), []);
}

#[test]
fn the_oldest_family_in_memory_makes_room() {
    block_on(the_oldest_family_makes_room(&MemoryRefreshStore::new()));
}

/// The window of grace, to the millisecond.
pub(crate) async fn grace_ends_on_time(store: &dyn RefreshStore) {
    let limits = limits(100, 1000, 10);
    let at = |millis: u64| At::Millis(UnixMillis::new(1_700_000_000_000 + millis).unwrap());
    for (byte, late, is_replay) in [(1, 9_999, true), (2, 10_000, false)] {
        let (new, first) = NewFamily::open(user(0), Grant::new(client(0)), [byte; 16], [byte; 32]);
        store.issue(&new, limits, at(0)).await.unwrap();
        let show = |nonce| Presented::new(&first, client(0), None, [nonce; 32]);
        assert!(matches!(store.rotate(&show(1), limits, at(5)).await.unwrap(), RotateOutcome::Rotated(_)));
        match store.rotate(&show(2), limits, at(5 + late)).await.unwrap() {
            RotateOutcome::Replayed(_, nonce) => assert!(is_replay && nonce == [1; 32]),
            RotateOutcome::Reused(_) => assert!(!is_replay),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn grace_in_memory_ends_on_time() {
    block_on(grace_ends_on_time(&MemoryRefreshStore::new()));
}

#[tokio::test]
async fn a_scope_only_narrows_and_comes_back_whole() {
    let refresher = Refresher::new(std::sync::Arc::new(MemoryRefreshStore::new()), RefreshLimits::default());
    let granted = Scope::new("read write").unwrap();
    let grant = Grant::new(client(0)).with_scope(granted.clone());
    let (first, _) = refresher.issue(&user(0), grant).await.unwrap().issued().unwrap();
    let wide = Scope::new("read admin").unwrap();
    let refused = refresher.refresh(&first, &client(0), Some(&wide)).await.unwrap();
    assert!(matches!(refused, RefreshOutcome::ScopeTooWide { .. }));
    let narrow = Scope::new("read").unwrap();
    let refreshed = refresher.refresh(&first, &client(0), Some(&narrow)).await.unwrap();
    let RefreshOutcome::Refreshed { secret, scope, family, is_replay: false } = refreshed else {
        panic!("{refreshed:?}");
    };
    assert_eq!((scope, family.scope), (Some(narrow), Some(granted.clone())));
    let whole = refresher.refresh(&secret, &client(0), None).await.unwrap();
    assert!(matches!(whole, RefreshOutcome::Refreshed { scope, .. } if scope == Some(granted)));
}

#[tokio::test]
async fn another_client_gets_nothing_and_ends_nothing() {
    let refresher = Refresher::new(std::sync::Arc::new(MemoryRefreshStore::new()), RefreshLimits::default());
    let (first, family) = refresher.issue(&user(0), Grant::new(client(0))).await.unwrap().issued().unwrap();
    let refused = refresher.refresh(&first, &client(1), None).await.unwrap();
    assert_eq!(refused, RefreshOutcome::WrongClient { family: family.clone() });
    assert_eq!(refresher.revoke(&first, &client(1)).await.unwrap(), RevokeFamily::WrongClient);
    let good = refresher.refresh(&first, &client(0), None).await.unwrap();
    assert!(matches!(good, RefreshOutcome::Refreshed { .. }));
    assert_eq!(refresher.revoke(&first, &client(0)).await.unwrap(), RevokeFamily::Revoked);
    let again = refresher.revoke_family(&user(0), family.id).await.unwrap();
    assert_eq!(again, RevokeFamily::AlreadyEnded(FamilyEnd::Revoked));
}

#[tokio::test]
async fn a_family_dies_with_its_session_and_others_live() {
    let refresher = Refresher::new(std::sync::Arc::new(MemoryRefreshStore::new()), RefreshLimits::default());
    let bound = Grant::new(client(0)).with_session(session(0));
    let (dead, _) = refresher.issue(&user(0), bound).await.unwrap().issued().unwrap();
    let (_, alive) = refresher.issue(&user(0), Grant::new(client(0))).await.unwrap().issued().unwrap();
    assert_eq!(refresher.session_ended(&user(0), &session(0)).await.unwrap(), 1);
    let ended = refresher.refresh(&dead, &client(0), None).await.unwrap();
    assert_eq!(ended, RefreshOutcome::Ended(FamilyEnd::SessionEnded));
    assert_eq!(refresher.families(&user(0)).await.unwrap(), [alive]);
}

#[test]
fn limits_and_names_are_bounded() {
    let secs = Duration::from_secs;
    for (idle, absolute, grace) in
        [(0, 10, 0), (20, 10, 0), (20, 401 * 86_400, 0), (5, 10, 6), (900, 900, 301)]
    {
        let refused = RefreshLimits::new(secs(idle), secs(absolute), secs(grace)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
    for scope in ["", " ", "a ", "a  b", "a a", "a\tb", "a\"b", "é", &"x".repeat(1025)] {
        assert_eq!(Scope::new(scope).unwrap_err().kind(), ErrorKind::InvalidInput, "{scope}");
    }
    assert!(ClientId::new("").is_err() && ClientId::new("x".repeat(257)).is_err());
}
