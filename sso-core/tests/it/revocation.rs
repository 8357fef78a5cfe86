//! Revocations: what every log of them answers, random commands at explicit times, the log in memory as the
//! specification, and the rule of the second that they happen in.

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use sso_core::{
    At, BoxFuture, Claims, Epoch, Error, ErrorKind, Lifetime, LogPage, LogPoint, MemoryRevocations, ReadFrom,
    Revocation, RevocationStore, RevocationView as _, RevokeOutcome, Revoker, TokenId, UnixMillis, UserId,
};

const USERS: [&str; 3] = ["alice", "a:{b}*\n", "张三"];
/// All times are multiples of this, so that no key of Redis expires by itself while a test runs.
const STEP_SECS: i64 = 50;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    /// A token by its number, and how many steps from now it ends.
    Token(u8, i64),
    /// A user, how many steps from now the epoch begins, and the life of tokens in steps.
    User(usize, i64, i64),
    Read,
    /// Behind the end that was read so many readings ago.
    ReadOn(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    command: Command,
    /// How far the clock moves before the command; sometimes backwards.
    steps: i64,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Revoked(Result<RevokeOutcome, ErrorKind>),
    Read(Vec<Revocation>, Option<u64>),
}

pub(crate) fn id(number: u8) -> TokenId {
    TokenId::new([number; 16])
}

pub(crate) fn user(place: usize) -> UserId {
    UserId::new(USERS[place]).unwrap()
}

pub(crate) fn claims(user: &UserId, id: TokenId, issued_at: UnixMillis) -> Claims {
    let life = Lifetime::starting(issued_at, Duration::from_secs(3600)).unwrap();
    Claims::new(user.clone(), "shop-web", "shop-api", id, life).unwrap()
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let command = prop_oneof![
        3 => (0..4_u8, -8..4_i64).prop_map(|(number, ends)| Command::Token(number, ends)),
        // An epoch is at most twelve steps ahead.
        3 => (0..USERS.len(), -4..14_i64, 0..4_i64).prop_map(|(user, epoch, life)| {
            Command::User(user, epoch, life)
        }),
        3 => Just(Command::Read),
        3 => (0..4_usize).prop_map(Command::ReadOn),
    ];
    let steps = prop_oneof![6 => Just(0), 3 => 1..3_i64, 1 => 5..15_i64, 1 => -9..0_i64];
    vec((command, steps), 1..60)
        .prop_map(|steps| steps.into_iter().map(|(command, steps)| Step { command, steps }).collect())
}

fn at_secs(secs: i64) -> UnixMillis {
    UnixMillis::new(u64::try_from(secs).unwrap() * 1000).unwrap()
}

/// Reads all pages behind a point.
pub(crate) async fn read_all(store: &dyn RevocationStore, from: ReadFrom<'_>, at: At) -> LogPage {
    let mut all = store.read(from, at).await.unwrap();
    while let Some(next) = all.next {
        let page = store.read(ReadFrom::Page(next), at).await.unwrap();
        all.revocations.extend(page.revocations);
        all.next = page.next;
    }
    all
}

/// What a command revokes, if it revokes.
fn revocation(command: Command, secs: i64) -> Option<Revocation> {
    match command {
        Command::Token(number, steps) => {
            Some(Revocation::of_token(&id(number), at_secs(secs + steps * STEP_SECS)))
        }
        Command::User(place, steps, life) => {
            let before = UnixMillis::new(at_secs(secs + steps * STEP_SECS).as_millis() - 1).unwrap();
            let life = Duration::from_secs(u64::try_from(life * STEP_SECS).unwrap());
            Some(Revocation::of_user(&user(place), Epoch::after(before, Duration::ZERO), life))
        }
        Command::Read | Command::ReadOn(_) => None,
    }
}

/// The youngest token that a command revokes.
fn victim(command: Command, revocation: &Revocation) -> Claims {
    match (command, revocation.epoch()) {
        (Command::Token(number, _), _) => claims(&user(0), id(number), UnixMillis::EPOCH),
        (Command::User(place, ..), Some(epoch)) => {
            let last = UnixMillis::new(epoch.starts_at().as_millis() - 1000).unwrap();
            claims(&user(place), id(99), last)
        }
        _ => panic!("{command:?} revokes nothing"),
    }
}

pub(crate) async fn answers(store: &dyn RevocationStore, steps: &[Step]) -> Vec<Answer> {
    let mut secs = 1_700_000_000;
    let mut ends: Vec<LogPoint> = Vec::new();
    let mut answers = Vec::new();
    for step in steps {
        secs += step.steps * STEP_SECS;
        let at = At::Millis(at_secs(secs));
        let revocation = revocation(step.command, secs);
        answers.push(match (revocation, step.command) {
            (Some(revocation), _) => {
                Answer::Revoked(store.revoke(&revocation, at).await.map_err(|error| error.kind()))
            }
            (None, command) => {
                let back = if let Command::ReadOn(back) = command { back + 1 } else { ends.len() + 1 };
                let point = ends.len().checked_sub(back).map(|place| ends[place].clone());
                let page = read_all(store, point.as_ref().map_or(ReadFrom::Start, ReadFrom::Point), at).await;
                ends.extend(page.end.clone());
                Answer::Read(page.revocations, page.end.map(|end| end.number))
            }
        });
    }
    answers
}

fn is_new(outcome: RevokeOutcome) -> bool {
    matches!(outcome, RevokeOutcome::Revoked(_))
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What has been revoked is read, by whoever begins at the start, for as long as it matters.
    #[test]
    fn what_is_revoked_stays_so(steps in steps()) {
        let answers = block_on(answers(&MemoryRevocations::new(), &steps));
        let (mut secs, mut latest) = (1_700_000_000, 0);
        let mut victims: Vec<(Claims, UnixMillis)> = Vec::new();
        for (step, answer) in steps.iter().zip(&answers) {
            secs += step.steps * STEP_SECS;
            latest = latest.max(secs);
            match (step.command, answer) {
                (command, Answer::Revoked(Ok(RevokeOutcome::Revoked(kept) | RevokeOutcome::Already(kept)))) => {
                    let asked = revocation(command, secs).unwrap();
                    prop_assert!(kept.epoch() >= asked.epoch() && kept.until() >= asked.until());
                    // Whatever the caller thinks the time is, nothing that was issued before is spared.
                    prop_assert!(kept.epoch().is_none_or(|epoch| epoch.refuses(at_secs(secs))));
                    victims.push((victim(command, kept), kept.until()));
                }
                (Command::Read, Answer::Read(read, _)) => {
                    for (victim, until) in victims.iter().filter(|(_, until)| at_secs(latest) < *until) {
                        let is_refused = read.iter().any(|one| one.refuses(victim));
                        prop_assert!(is_refused, "{victim:?} until {until:?} in {steps:?}");
                    }
                }
                _ => {}
            }
        }
    }

    /// Who reads on from where they were knows as much as who reads all.
    #[test]
    fn reading_on_misses_nothing(steps in steps()) {
        block_on(async {
            let store = MemoryRevocations::new();
            let (mut secs, mut known, mut end): (i64, Vec<Revocation>, Option<LogPoint>) =
                (1_700_000_000, Vec::new(), None);
            for step in &steps {
                // Only forward: a view does not go back in time.
                secs += step.steps.abs() * STEP_SECS;
                let at = At::Millis(at_secs(secs));
                if let Command::Token(number, steps) = step.command {
                    let revocation = Revocation::of_token(&id(number), at_secs(secs + steps * STEP_SECS));
                    let _ = store.revoke(&revocation, at).await.unwrap();
                }
                if let Command::Read | Command::ReadOn(_) = step.command {
                    let page = read_all(&store, end.as_ref().map_or(ReadFrom::Start, ReadFrom::Point), at).await;
                    known.extend(page.revocations);
                    end = page.end;
                    let all = read_all(&store, ReadFrom::Start, at).await.revocations;
                    prop_assert!(all.iter().all(|one| known.contains(one)));
                }
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn the_second_of_a_revocation_is_refused_whole_and_the_next_is_not() {
    let log = MemoryRevocations::new();
    let now = UnixMillis::now();
    let second = UnixMillis::new(now.as_secs() * 1000).unwrap();
    let epoch = Epoch::after(now, Duration::ZERO);
    let revocation = Revocation::of_user(&user(0), epoch, Duration::from_secs(3600));
    assert!(is_new(log.revoke(&revocation, At::Millis(now)).await.unwrap()));
    let later = |secs| second.saturating_add(Duration::from_secs(secs));
    assert!(log.is_revoked(&claims(&user(0), id(1), second)));
    assert!(!log.is_revoked(&claims(&user(0), id(1), later(1))));
    assert_eq!(epoch.starts_at(), later(1));
    // Nobody else's.
    assert!(!log.is_revoked(&claims(&user(1), id(1), second)));
}

#[tokio::test]
async fn one_token_is_revoked_and_its_twins_are_not() {
    let log = Arc::new(MemoryRevocations::new());
    let revoker = Revoker::new(log.clone(), Duration::from_secs(3600));
    let (one, two) = (claims(&user(0), id(1), UnixMillis::now()), claims(&user(0), id(2), UnixMillis::now()));
    let RevokeOutcome::Revoked(kept) = revoker.revoke_token(&one).await.unwrap() else { panic!("not new") };
    assert!(kept.refuses(&one) && !kept.refuses(&two));
    assert_eq!(revoker.revoke_token(&one).await.unwrap(), RevokeOutcome::Already(kept));
    assert!(log.is_revoked(&one) && !log.is_revoked(&two));
    let old = claims(&user(0), id(3), UnixMillis::new(1_000_000_000_000).unwrap());
    assert_eq!(revoker.revoke_token(&old).await.unwrap(), RevokeOutcome::Expired);
}

/// An issuer whose clock is ahead stamps tokens of the future.
#[tokio::test]
async fn leeway_reaches_tokens_of_a_clock_that_is_ahead() {
    let log = Arc::new(MemoryRevocations::new());
    let ahead = claims(&user(0), id(1), UnixMillis::now().saturating_add(Duration::from_secs(5)));
    let revoker = Revoker::new(log.clone(), Duration::from_secs(3600));
    revoker.revoke_user(&user(0)).await.unwrap();
    assert!(!log.is_revoked(&ahead));
    revoker.clone().leeway(Duration::from_secs(10)).revoke_user(&user(0)).await.unwrap();
    assert!(log.is_revoked(&ahead));
    let mistake = revoker.leeway(Duration::from_secs(3600)).revoke_user(&user(0)).await.unwrap_err();
    assert_eq!(mistake.kind(), ErrorKind::InvalidInput);
}

/// A log whose clock is so far ahead of everybody else's.
#[derive(Debug)]
struct Ahead(Duration, MemoryRevocations);

impl Ahead {
    fn now(&self) -> At {
        At::Millis(UnixMillis::now().saturating_add(self.0))
    }
}

impl RevocationStore for Ahead {
    fn revoke<'a>(
        &'a self,
        revocation: &'a Revocation,
        _: At,
    ) -> BoxFuture<'a, Result<RevokeOutcome, Error>> {
        self.1.revoke(revocation, self.now())
    }

    fn read<'a>(&'a self, since: ReadFrom<'a>, _: At) -> BoxFuture<'a, Result<LogPage, Error>> {
        self.1.read(since, self.now())
    }
}

/// Another server, whose clock is a second ahead, issued a token just before.
#[tokio::test]
async fn a_second_between_two_clocks_saves_no_token() {
    let log = Arc::new(MemoryRevocations::new());
    let ahead = claims(&user(0), id(1), UnixMillis::now().saturating_add(Duration::from_secs(1)));
    Revoker::new(log.clone(), Duration::from_secs(3600)).revoke_user(&user(0)).await.unwrap();
    assert!(log.is_revoked(&ahead));
}

#[tokio::test]
async fn who_revokes_is_told_the_epoch_that_is_kept() {
    let hour = Duration::from_secs(3600);
    let log = Arc::new(Ahead(hour / 2, MemoryRevocations::new()));
    let revoker = Revoker::new(log.clone(), hour);
    let issued = UnixMillis::now().saturating_add(hour / 2);
    let epoch = revoker.revoke_user(&user(0)).await.unwrap();
    assert!(epoch.refuses(issued), "{epoch:?}");
    let kept = read_all(&*log, ReadFrom::Start, log.now()).await.revocations;
    assert_eq!(kept.iter().map(Revocation::epoch).collect::<Vec<_>>(), [Some(epoch)]);
    // One that somebody set further ahead stays, and is told.
    let later = Epoch::after(issued, Duration::from_secs(300));
    assert!(is_new(log.revoke(&Revocation::of_user(&user(0), later, hour), log.now()).await.unwrap()));
    assert_eq!(revoker.revoke_user(&user(0)).await.unwrap(), later);
}

#[tokio::test]
async fn who_revokes_nobody_is_told_so() {
    let (hour, user) = (Duration::from_secs(3600), user(0));
    let log = Ahead(2 * hour, MemoryRevocations::new());
    let error = Revoker::new(Arc::new(log), hour).revoke_user(&user).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, false), "{error}");
}

/// A caller's clock that is behind the log's.
pub(crate) async fn a_clock_that_is_behind_spares_nothing(store: &dyn RevocationStore) {
    let (now, hour) = (UnixMillis::new(1_700_000_000_500).unwrap(), Duration::from_secs(3600));
    let of_user = |secs| Revocation::of_user(&user(0), Epoch::after(at_secs(secs), Duration::ZERO), hour);
    let behind = store.revoke(&of_user(1_700_000_000 - 1800), At::Millis(now)).await.unwrap();
    assert_eq!(behind, RevokeOutcome::Revoked(of_user(1_700_000_000)));
    let again = store.revoke(&of_user(1_700_000_000 - 1900), At::Millis(now)).await.unwrap();
    assert_eq!(again, RevokeOutcome::Already(of_user(1_700_000_000)));
    let lost = store.revoke(&of_user(1_700_000_000 - 7200), At::Millis(now)).await.unwrap();
    assert_eq!(lost, RevokeOutcome::Expired);
    let forever = Revocation::of_user(&user(1), Epoch::after(at_secs(1), Duration::ZERO), Duration::MAX);
    let kept = store.revoke(&forever, At::Millis(now)).await.unwrap();
    let RevokeOutcome::Revoked(kept) = kept else { panic!("{kept:?}") };
    assert_eq!((kept.epoch(), kept.until()), (of_user(1_700_000_000).epoch(), UnixMillis::MAX));
    let read = read_all(store, ReadFrom::Start, At::Millis(now)).await.revocations;
    assert_eq!(read, [of_user(1_700_000_000), kept]);
}

#[test]
fn a_clock_behind_that_of_memory_spares_nothing() {
    block_on(a_clock_that_is_behind_spares_nothing(&MemoryRevocations::new()));
}

/// A log of two entries takes no third, says so, and takes it when there is room.
pub(crate) async fn a_full_log_says_so(store: &dyn RevocationStore) {
    let at = |secs: i64| At::Millis(at_secs(1_700_000_000 + secs));
    let token = |number, ends| Revocation::of_token(&id(number), at_secs(1_700_000_000 + ends));
    for number in 0..2 {
        let kept = store.revoke(&token(number, i64::from(number) * 1000), at(0)).await.unwrap();
        assert!(is_new(kept));
    }
    let full = store.revoke(&token(2, 5000), at(0)).await.unwrap_err();
    assert_eq!((full.kind(), full.is_transient()), (ErrorKind::Unavailable, false), "{full}");
    // What is in it may still grow, and what has ended makes room.
    assert!(is_new(store.revoke(&token(1, 2000), at(0)).await.unwrap()));
    assert!(is_new(store.revoke(&token(2, 5000), at(400)).await.unwrap()));
    assert_eq!(read_all(store, ReadFrom::Start, at(400)).await.revocations, [token(1, 2000), token(2, 5000)]);
}

/// A log of ten entries that is full of tokens takes one user more.
pub(crate) async fn tokens_do_not_crowd_out_users(store: &dyn RevocationStore) {
    let (now, hour) = (at_secs(1_700_000_000), Duration::from_secs(3600));
    let token = |number| Revocation::of_token(&id(number), at_secs(1_700_001_000));
    let of_user = |place| Revocation::of_user(&user(place), Epoch::after(now, Duration::ZERO), hour);
    for number in 0..9 {
        assert!(is_new(store.revoke(&token(number), At::Millis(now)).await.unwrap()));
    }
    let full = store.revoke(&token(9), At::Millis(now)).await.unwrap_err();
    assert_eq!(full.kind(), ErrorKind::Unavailable, "{full}");
    assert!(is_new(store.revoke(&of_user(0), At::Millis(now)).await.unwrap()));
    let full = store.revoke(&of_user(1), At::Millis(now)).await.unwrap_err();
    assert_eq!(full.kind(), ErrorKind::Unavailable, "{full}");
}

#[test]
fn tokens_in_memory_do_not_crowd_out_users() {
    block_on(tokens_do_not_crowd_out_users(&MemoryRevocations::new().entries_max(10)));
}

#[test]
fn a_full_log_in_memory_says_so() {
    block_on(a_full_log_says_so(&MemoryRevocations::new().entries_max(2)));
}

/// More than a page, and more than a log remembers points of.
pub(crate) async fn a_long_log_is_read_page_by_page(store: &dyn RevocationStore) {
    let (at, count) = (At::Millis(at_secs(1_700_000_000)), LogPage::POINTS_MAX + 10);
    let mut points = Vec::new();
    for number in 0..count {
        let id = TokenId::new(u128::try_from(number).unwrap().to_be_bytes());
        let revocation = Revocation::of_token(&id, at_secs(1_700_001_000));
        assert!(is_new(store.revoke(&revocation, at).await.unwrap()));
        if [0, count - 5].contains(&number) {
            points.extend(store.read(ReadFrom::Start, at).await.unwrap().end);
        }
    }
    let first = store.read(ReadFrom::Start, at).await.unwrap();
    assert_eq!((first.revocations.len(), first.next.is_some()), (LogPage::ENTRIES_MAX, true));
    assert_eq!(read_all(store, ReadFrom::Start, at).await.revocations.len(), count);
    assert_eq!(read_all(store, ReadFrom::Point(&points[1]), at).await.revocations.len(), 4);
    // A point that is forgotten, or of another log, is none.
    assert_eq!(read_all(store, ReadFrom::Point(&points[0]), at).await.revocations.len(), count);
    let foreign = LogPoint { mark: "another log's".into(), ..points[1].clone() };
    assert_eq!(read_all(store, ReadFrom::Point(&foreign), at).await.revocations.len(), count);
}

#[test]
fn a_long_log_in_memory_is_read_page_by_page() {
    block_on(a_long_log_is_read_page_by_page(&MemoryRevocations::new()));
}
