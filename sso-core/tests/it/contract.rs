//! What every store of sessions answers: random commands at explicit times, the memory store as the specification.
//!
//! `answers_as_memory_does` and `keeps_the_laws` hold any store to it.

mod history;
mod witness;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use sso_core::{
    Admission, Amended, Amendment, Answer, At, AttributeName, Attributes, Changes, Check, DeviceKind, End,
    EndOutcome, EndReason, IMPERSONATIONS_PER_USER_MAX, LoginPolicy, MemoryStore, Overflow, PageSize, Proof,
    Proofs, Purpose, RENEWALS_FOLLOWED_MAX, SESSIONS_PER_USER_MAX, SessionLimits, SessionStore, UnixMillis,
    Which,
};

use history::{
    BEGIN_SECS, How, Name, Replied, STEP_SECS, Step, answer, at, key as key_of, limits, open, steps, user,
};
use witness::Witness;

/// Carries out a history, the clock as it says.
async fn answers(store: &dyn SessionStore, steps: &[Step]) -> Vec<Replied> {
    let mut now = BEGIN_SECS;
    let mut answers = Vec::new();
    for step in steps {
        now += step.steps * STEP_SECS;
        answers.push(answer(store, step, at(now)).await);
    }
    answers
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn run(cases: u32, mut test: impl FnMut(u32, Vec<Step>) -> Result<(), TestCaseError>) {
    let case = std::cell::Cell::new(0);
    let test = std::cell::RefCell::new(&mut test);
    TestRunner::new(ProptestConfig::with_cases(cases))
        .run(&steps(), |steps| {
            case.set(case.get() + 1);
            (test.borrow_mut())(case.get(), steps)
        })
        .unwrap();
}

/// Holds a store to the answers and the events of the memory store. `fresh` gives an empty store for each case, and
/// `block_on` drives it.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "there is no other store to compare with"))]
pub(crate) fn answers_as_memory_does<S: SessionStore>(
    runtime: &tokio::runtime::Runtime,
    cases: u32,
    fresh: impl Fn(u32) -> S,
) {
    run(cases, |case, steps| {
        let others = runtime.block_on(answers(&fresh(case), &steps));
        let memory = runtime.block_on(answers(&MemoryStore::new(), &steps));
        for ((step, other), memory) in steps.iter().zip(others).zip(memory) {
            prop_assert_eq!(other, memory, "at {:?}", step);
        }
        Ok(())
    });
}

/// Holds a store to the laws of sessions, without asking the memory store.
pub(crate) fn keeps_the_laws<S: SessionStore>(
    runtime: &tokio::runtime::Runtime,
    cases: u32,
    fresh: impl Fn(u32) -> S,
) {
    run(cases, |case, steps| {
        let store = fresh(case);
        let mut witness = Witness::default();
        let mut now = BEGIN_SECS;
        for step in &steps {
            now += step.steps * STEP_SECS;
            let replied = runtime.block_on(answer(&store, step, at(now)));
            witness.see(step, replied, at(now))?;
            runtime.block_on(witness.look_around(&store, step, at(now)))?;
        }
        Ok(())
    });
}

#[test]
fn memory_keeps_the_laws() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    keeps_the_laws(&runtime, 128, |_| MemoryStore::new());
}

/// Under limits that do not change, nobody who is signed in is missing in the count.
#[test]
fn the_count_is_no_lower_than_the_truth() {
    run(64, |_, steps| {
        let (store, mut now) = (MemoryStore::new(), BEGIN_SECS);
        for mut step in steps {
            now += step.steps * STEP_SECS;
            step.limits = limits(200, 1000, 100);
            drop(block_on(answer(&store, &step, at(now))));
            let at = At::Millis(at(now));
            let count = block_on(store.online_count(at)).unwrap();
            let page = block_on(store.online(None, PageSize::MAX, step.limits, at)).unwrap().value;
            prop_assert!(count >= u64::try_from(page.users.len()).unwrap());
        }
        Ok(())
    });
}

/// One login more than a user may have ends the oldest.
pub(crate) async fn the_oldest_session_makes_room(store: &dyn SessionStore) {
    let (limits, policy, alice) = (SessionLimits::default(), LoginPolicy::default(), user(0));
    let at = |place: u8| At::Millis(UnixMillis::new(1_700_000_000_000 + u64::from(place)).unwrap());
    let mut keys = Vec::new();
    for random in 0..=SESSIONS_PER_USER_MAX {
        let new = open(Name { user: 0, random }, DeviceKind::Web, How::Plainly);
        let answer = store.create(&new, policy, limits, at(random)).await.unwrap();
        assert!(matches!(answer.value, Admission::Admitted(_)));
        keys.push(new.key().clone());
    }
    let end = at(SESSIONS_PER_USER_MAX);
    let Check::Ended(first) = store.check(&keys[0], limits, end).await.unwrap().value else { panic!() };
    assert_eq!(first.reason, EndReason::Replaced { by: DeviceKind::Web });
    assert!(matches!(store.check(&keys[1], limits, end).await.unwrap().value, Check::Active(_)));
    let listed = store.list(&alice, limits, end).await.unwrap().value;
    assert_eq!(listed.len(), usize::from(SESSIONS_PER_USER_MAX));
    assert!(listed.is_sorted_by_key(|session| session.created_at));
    let ended = store.end_some(&alice, &Which::All, &EndReason::Revoked, limits, end).await.unwrap();
    assert_eq!(ended.value.len(), usize::from(SESSIONS_PER_USER_MAX));
    assert_eq!(ended.events.len(), usize::from(SESSIONS_PER_USER_MAX));
    assert_eq!(store.list(&alice, limits, end).await.unwrap().value, []);
}

/// Impersonators have a limit of their own, and do not take the user's places.
pub(crate) async fn impersonators_make_room_for_each_other(store: &dyn SessionStore) {
    let (limits, policy) = (SessionLimits::default(), LoginPolicy::one().on_overflow(Overflow::RefuseNew));
    let at = |place: u8| At::Millis(UnixMillis::new(1_700_000_000_000 + u64::from(place)).unwrap());
    let own = open(Name { user: 0, random: 100 }, DeviceKind::Web, How::Plainly);
    let begun = store.create(&own, policy, limits, at(0)).await.unwrap().value;
    assert!(matches!(begun, Admission::Admitted(_)));
    for random in 0..=IMPERSONATIONS_PER_USER_MAX {
        let new = open(Name { user: 0, random }, DeviceKind::Web, How::Impersonated(600));
        let begun = store.create(&new, policy, limits, at(random)).await.unwrap().value;
        assert!(matches!(begun, Admission::Admitted(_)), "{random}");
    }
    let end = at(IMPERSONATIONS_PER_USER_MAX);
    assert!(matches!(store.check(own.key(), limits, end).await.unwrap().value, Check::Active(_)));
    let first = key_of(Name { user: 0, random: 0 });
    assert!(matches!(store.check(&first, limits, end).await.unwrap().value, Check::Ended(_)));
    let page = store.online(None, PageSize::MAX, limits, end).await.unwrap().value;
    let [online] = page.users.as_slice() else { panic!("{page:?}") };
    let impersonated = usize::from(IMPERSONATIONS_PER_USER_MAX);
    assert_eq!((online.sessions, online.impersonated), (impersonated + 1, impersonated));
    let second = open(Name { user: 0, random: 101 }, DeviceKind::Web, How::Plainly);
    let refused = store.create(&second, policy, limits, end).await.unwrap().value;
    let Admission::Refused(refusal) = refused else { panic!("{refused:?}") };
    assert_eq!((refusal.limit, refusal.device, refusal.live.len()), (1, None, 1));
}

/// A session takes so many attributes and proofs, and no more until there is room.
pub(crate) async fn a_session_fills_up(store: &dyn SessionStore) {
    let limits = SessionLimits::default();
    let new = open(Name { user: 1, random: 0 }, DeviceKind::Web, How::Plainly);
    let at = |secs: u64| At::Millis(UnixMillis::new((1_700_000_000 + secs) * 1000).unwrap());
    let begun = store.create(&new, LoginPolicy::default(), limits, at(0)).await.unwrap().value;
    assert!(begun.admitted().is_some());

    let attribute = |place: usize| AttributeName::new(format!("n{place}")).unwrap();
    let fill = (0..Attributes::COUNT_MAX).fold(Changes::new(), |all, place| all.set(attribute(place), 1));
    let full = store.amend(new.key(), &Amendment::attributes(fill), limits, at(0)).await.unwrap().value;
    assert_eq!(full.done().unwrap().attributes.len(), Attributes::COUNT_MAX);
    let more = Amendment::attributes(Changes::new().set(attribute(16), true));
    assert_eq!(store.amend(new.key(), &more, limits, at(0)).await.unwrap().value, Amended::Full);
    let swap = Amendment::attributes(Changes::new().set(attribute(16), true).remove(attribute(0)));
    assert!(store.amend(new.key(), &swap, limits, at(0)).await.unwrap().value.done().is_some());

    let mut key = new.key().clone();
    for place in 0..=Proofs::COUNT_MAX {
        // The last one comes twice: while the others count, and when they have ended.
        let last = place == Proofs::COUNT_MAX;
        let proof = |life| Proof::new(Purpose::new(format!("p{place}")).unwrap(), Duration::from_secs(life));
        let next = key_of(Name { user: 1, random: u8::try_from(place + 1).unwrap() });
        let step_up = Amendment::step_up(next.clone(), proof(100).unwrap());
        let amended = store.amend(&key, &step_up, limits, at(if last { 99 } else { 0 })).await.unwrap();
        if last {
            assert_eq!(amended, Answer { value: Amended::Full, events: Vec::new() });
            let room = store.amend(&key, &step_up, limits, at(100)).await.unwrap().value.done().unwrap();
            assert_eq!(room.proofs.iter().count(), 1);
        } else {
            assert_eq!(amended.value.done().unwrap().proofs.iter().count(), place + 1);
        }
        key = next;
    }
}

/// Whichever key of a session is shown, also one that it has left, that session ends.
pub(crate) async fn an_end_follows_renewals(store: &dyn SessionStore) {
    let (limits, far) = (SessionLimits::default(), RENEWALS_FOLLOWED_MAX);
    let at = |secs: u64| At::Millis(UnixMillis::new((1_700_000_000 + secs) * 1000).unwrap());
    let name = |random| key_of(Name { user: 1, random });
    let new = open(Name { user: 1, random: 0 }, DeviceKind::Web, How::Plainly);
    let begun = store.create(&new, LoginPolicy::default(), limits, at(0)).await.unwrap().value;
    assert!(begun.admitted().is_some());
    for random in 0..=far {
        let renewal = Amendment::renewal(name(random + 1));
        let amended = store.amend(&name(random), &renewal, limits, at(0)).await.unwrap().value;
        assert!(amended.done().is_some());
    }
    let end = async |random, secs| {
        let answer = store.end(&name(random), &EndReason::SignedOut, limits, at(secs)).await.unwrap();
        (answer.value, answer.events.len())
    };
    let renewed = End { reason: EndReason::Renewed, at: UnixMillis::new(1_700_000_000_000).unwrap() };
    // One step too far.
    assert_eq!(end(0, 1).await, (EndOutcome::AlreadyEnded(renewed.clone()), 0));
    assert_eq!(end(1, 1).await, (EndOutcome::Ended, 1));
    let gone = End { reason: EndReason::SignedOut, at: UnixMillis::new(1_700_000_001_000).unwrap() };
    for random in [1, far, far + 1] {
        assert_eq!(end(random, 2).await, (EndOutcome::AlreadyEnded(gone.clone()), 0));
    }
    assert_eq!(store.check(&name(1), limits, at(2)).await.unwrap().value, Check::Ended(renewed));
    assert_eq!(store.check(&name(far + 1), limits, at(2)).await.unwrap().value, Check::Ended(gone));
}

#[test]
fn memory_follows_renewals() {
    block_on(an_end_follows_renewals(&MemoryStore::new()));
}

#[test]
fn memory_fills_up() {
    block_on(a_session_fills_up(&MemoryStore::new()));
}

#[test]
fn memory_makes_room() {
    block_on(the_oldest_session_makes_room(&MemoryStore::new()));
    block_on(impersonators_make_room_for_each_other(&MemoryStore::new()));
}
