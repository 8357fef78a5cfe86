//! The watcher, on a clock that a test drives: time passes only when nothing else is left to do.

mod kit;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use rbac::{
    BoxFuture, ChangeHint, Error, ErrorKind, Live, MemoryStore, PolicyRows, PolicyStore, PolicyVersion,
    UnixMillis, Wake, Wakeups, WatchOptions, WatchStep,
};

use self::kit::{Fate, Instance, Message, Unreliable, pass, run};
use crate::edit::add_user;
use crate::gated::{Gated, commit};

const POLL: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// One step of a schedule: which of three instances changes the policy, and how long nothing happens after it.
fn schedule() -> impl Strategy<Value = Vec<(usize, u64)>> {
    prop::collection::vec((0..3_usize, prop_oneof![Just(0), 1..50_u64, 500..2_500_u64]), 1..12)
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let delay = || prop_oneof![3 => Just(0_u64), 2 => 1..3_000_u64];
    prop::collection::vec(prop::collection::vec(delay(), 0..3), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to the messages: nobody goes back, and one poll after the last change all have it.
    #[test]
    fn whatever_the_hints_do_everybody_ends_at_the_newest(steps in schedule(), fates in fates()) {
        run(async {
            let store: Arc<dyn PolicyStore> = Arc::new(MemoryStore::default());
            let hint = Unreliable::with(fates);
            let mut instances = Vec::new();
            for _ in 0..3 {
                instances.push(Instance::start(store.clone(), Some(hint.clone()), POLL).await);
            }
            let mut newest = PolicyVersion::START;
            for (number, (at, quiet)) in steps.into_iter().enumerate() {
                newest = instances[at].add(&format!("u{number}")).await;
                assert!(instances[at].version() >= newest, "who changed it sees it");
                pass(Duration::from_millis(quiet)).await;
            }
            pass(POLL + Duration::from_millis(20)).await;
            for instance in &instances {
                assert_eq!(instance.version(), newest);
                assert!(instance.live.policy(instance.clock.time()).is_ok());
                let replaced = instance.told.replaced.lock().unwrap();
                assert!(replaced.is_sorted(), "{replaced:?}");
                assert_eq!(instance.told.steps(), []);
                assert!(instance.watcher.is_running());
            }
        });
    }
}

#[test]
fn a_hint_wakes_at_once() {
    run(async {
        let store: Arc<dyn PolicyStore> = Arc::new(MemoryStore::default());
        let hint = Unreliable::with(Vec::new());
        let here = Instance::start(store.clone(), Some(hint.clone()), HOUR).await;
        let there = Instance::start(store, Some(hint), HOUR).await;
        pass(POLL).await;
        for number in 0..5 {
            let version = there.add(&format!("u{number}")).await;
            pass(Duration::from_millis(20)).await;
            assert_eq!(here.version(), version);
        }
        let (woken, looked) = (there.live.counts().wakeups, there.live.counts().looks);
        assert_eq!((woken, here.live.counts().wakeups), (6, 6), "the greeting, and each change");
        assert_eq!(looked, 2 + 5, "the first, the greeting, and after each commit: an echo costs none");
    });
}

#[test]
fn without_a_hint_polling_brings_it() {
    run(async {
        let store: Arc<dyn PolicyStore> = Arc::new(MemoryStore::default());
        let here = Instance::start(store.clone(), None, POLL).await;
        pass(10 * POLL + POLL / 2).await;
        let looks = here.live.counts().looks;
        assert!((10..=11).contains(&looks), "one each second: {looks}");
        commit(&*store, add_user("alice")).await;
        pass(POLL).await;
        assert_eq!(here.version(), PolicyVersion::new(1));
    });
}

#[test]
fn a_subscription_that_breaks_is_reported_and_made_anew() {
    run(async {
        let store: Arc<dyn PolicyStore> = Arc::new(MemoryStore::default());
        let hint = Unreliable::with(Vec::new());
        let here = Instance::start(store.clone(), Some(hint.clone()), HOUR).await;
        pass(POLL).await;
        hint.say(Message::Broken);
        // Nobody says that this happened: only the greeting of the new connection brings it.
        commit(&*store, add_user("alice")).await;
        pass(POLL).await;
        assert_eq!(here.version(), PolicyVersion::new(1));
        assert_eq!(here.told.steps(), [WatchStep::Subscribe]);
        assert_eq!(here.live.counts().subscriptions_failed, 1);
    });
}

#[test]
fn a_subscription_that_never_comes_is_tried_ever_more_slowly() {
    #[derive(Debug, Default)]
    struct Nowhere(Arc<AtomicUsize>);

    impl ChangeHint for Nowhere {
        fn announce(&self, _: PolicyVersion) -> BoxFuture<'_, Result<(), Error>> {
            Box::pin(async { Err(Error::unavailable("nowhere")) })
        }

        fn subscribe(&self) -> Box<dyn Wakeups> {
            Box::new(Self(self.0.clone()))
        }
    }

    impl Wakeups for Nowhere {
        fn next(&mut self) -> BoxFuture<'_, Result<Wake, Error>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Err(Error::unavailable("nowhere")) })
        }
    }

    run(async {
        let hint = Nowhere::default();
        let attempts = hint.0.clone();
        let here = Instance::start(Arc::new(MemoryStore::default()), Some(Arc::new(hint)), POLL).await;
        pass(Duration::from_secs(60)).await;
        let attempts = attempts.load(Ordering::SeqCst);
        assert!((15..=25).contains(&attempts), "{attempts} attempts in a minute");
        assert!(here.live.policy(here.clock.time()).is_ok(), "polling goes on");
    });
}

#[test]
fn an_announcement_that_fails_is_told_and_spoils_no_commit() {
    run(async {
        let store: Arc<dyn PolicyStore> = Arc::new(MemoryStore::default());
        let hint = Unreliable::with(Vec::new());
        hint.fails.store(true, Ordering::SeqCst);
        let here = Instance::start(store.clone(), Some(hint), POLL).await;
        let there = Instance::start(store, None, POLL).await;
        assert_eq!(here.add("alice").await, PolicyVersion::new(1));
        assert_eq!(here.told.steps(), [WatchStep::Announce]);
        assert_eq!((here.live.counts().announcements_failed, here.live.counts().announced), (1, 0));
        pass(2 * POLL).await;
        assert_eq!(there.version(), PolicyVersion::new(1));
    });
}

#[test]
fn a_store_that_fails_or_hangs_closes_the_door_until_it_is_back() {
    run(async {
        let store = Gated::new(PolicyRows::default());
        let here = Instance::start(store.clone(), None, POLL).await;
        for fault in [&store.failing, &store.hanging] {
            pass(5 * POLL).await;
            assert!(here.live.policy(here.clock.time()).is_ok());
            fault.store(true, Ordering::SeqCst);
            pass(2 * POLL).await;
            assert!(here.live.policy(here.clock.time()).is_ok(), "a missed poll or two do no harm");
            pass(3 * POLL).await;
            let error = here.live.policy(here.clock.time()).unwrap_err();
            assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true));

            store.changed_elsewhere(add_user(&format!("u{}", here.version()))).await;
            fault.store(false, Ordering::SeqCst);
            // A look that hangs is given up after ten seconds.
            pass(11 * POLL).await;
            assert!(here.live.policy(here.clock.time()).is_ok());
        }
        assert_eq!(here.version(), PolicyVersion::new(2));
        assert!(here.told.steps().iter().all(|step| *step == WatchStep::Look));
        let told = here.told.failed.lock().unwrap();
        assert!(told.iter().any(|(_, words)| words.contains("more than 10s")), "{told:?}");
        assert_eq!(u64::try_from(told.len()).unwrap(), here.live.counts().looks_failed);
    });
}

#[test]
fn a_restored_backup_is_followed_and_told() {
    run(async {
        let store = Gated::new(PolicyRows::default());
        let here = Instance::start(store.clone(), None, POLL).await;
        here.add("alice").await;
        pass(2 * POLL).await;
        assert!(here.told.restored.lock().unwrap().is_empty());
        here.told.may_be_restored.store(true, Ordering::SeqCst);
        let version = PolicyVersion::new;
        // The same version with other content, which no poll has seen coming.
        store.restore(PolicyRows::default());
        store.changed_elsewhere(add_user("bob")).await;
        pass(2 * POLL).await;
        let policy = here.live.policy(here.clock.time()).unwrap();
        let knows = |user| policy.at(UnixMillis::EPOCH).subject_str(user).is_some();
        assert!(knows("bob") && !knows("alice"));
        assert_eq!(*here.told.restored.lock().unwrap(), [(version(1), version(1))]);
        // A lower version.
        store.restore(PolicyRows::default());
        pass(2 * POLL).await;
        assert_eq!(here.told.restored.lock().unwrap()[1..], [(version(1), version(0))]);
        assert_eq!(here.live.counts().restored, 2);
        assert_eq!(*here.told.replaced.lock().unwrap(), [version(1), version(1), version(0)]);
    });
}

#[test]
fn a_clock_that_tells_no_time_confirms_nothing() {
    run(async {
        let store = Gated::new(PolicyRows::default());
        let here = Instance::start(store.clone(), None, POLL).await;
        pass(3 * POLL).await;
        let asked = store.versions.load(Ordering::SeqCst);
        here.clock.broken.store(true, Ordering::SeqCst);
        pass(5 * POLL).await;
        assert!(here.live.policy(here.clock.time()).is_err(), "closed");
        assert_eq!(store.versions.load(Ordering::SeqCst), asked);
        let told = here.told.failed.lock().unwrap().clone();
        assert!(
            told.iter().all(|(step, words)| *step == WatchStep::Look && words.contains("brought")),
            "{told:?}"
        );
        assert_eq!(u64::try_from(told.len()).unwrap(), here.live.counts().looks_failed);
        here.clock.broken.store(false, Ordering::SeqCst);
        pass(2 * POLL).await;
        assert!(here.live.policy(here.clock.time()).is_ok() && here.watcher.is_running());
    });
}

#[test]
fn a_storm_of_wakeups_is_no_storm_on_the_store() {
    run(async {
        let store = Gated::new(PolicyRows::default());
        let hint = Unreliable::with(Vec::new());
        let here = Instance::start(store.clone(), Some(hint.clone()), HOUR).await;
        pass(POLL).await;
        let before = store.versions.load(Ordering::SeqCst);
        for number in 0..10_000 {
            hint.say(Message::Wake(Wake::Version(PolicyVersion::new(number))));
            if number % 100 == 0 {
                pass(Duration::from_millis(1)).await;
            }
        }
        pass(POLL).await;
        let asked = store.versions.load(Ordering::SeqCst) - before;
        assert!((2..=15).contains(&asked), "{asked} questions for 10,000 messages in 100 ms");
        assert_eq!(here.version(), PolicyVersion::START);
    });
}

#[test]
fn dropped_it_stops() {
    run(async {
        let store = Gated::new(PolicyRows::default());
        let here = Instance::start(store.clone(), Some(Unreliable::with(Vec::new())), POLL).await;
        pass(3 * POLL).await;
        drop(here.watcher);
        tokio::task::yield_now().await;
        let asked = store.versions.load(Ordering::SeqCst);
        assert!(asked >= 3);
        pass(10 * POLL).await;
        assert_eq!(store.versions.load(Ordering::SeqCst), asked);
    });
}

#[test]
fn without_a_runtime_it_is_misuse() {
    let live = run(Live::builder(Arc::new(MemoryStore::default())).load(UnixMillis::EPOCH)).unwrap();
    let error = live.watch(WatchOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
}
