//! Wake-ups over a real Redis: they cross, they are lost while it is gone, and they come back.

mod places;

use std::sync::Arc;
use std::time::Duration;

use rbac::{
    Applied, Live, MemoryStore, PolicyStore, PolicyVersion, RedisHint, UnixMillis, WatchOptions, Watcher,
};
use testkit::{Proxy, Redis, until};

use crate::edit::{add_user, system};

const SOON: Duration = Duration::from_secs(30);
/// The deadline of a hint whose server answers, longer than a slow machine is likely to pause.
const SLOW_MACHINE: Duration = Duration::from_secs(15);
const OFTEN: Duration = Duration::from_millis(20);
const NEVER: Duration = Duration::from_secs(86_400);
const NOW: UnixMillis = UnixMillis::EPOCH;

/// One process.
struct Instance {
    live: Live,
    _watcher: Watcher,
}

impl Instance {
    async fn start(store: &Arc<MemoryStore>, url: &str, poll_every: Duration) -> Self {
        Self::start_with(store, RedisHint::new(url).unwrap().deadline(SLOW_MACHINE), poll_every).await
    }

    async fn start_with(store: &Arc<MemoryStore>, hint: RedisHint, poll_every: Duration) -> Self {
        let store: Arc<dyn PolicyStore> = store.clone();
        let live = Live::builder(store).hint(Arc::new(hint)).load(NOW).await.unwrap();
        let watcher = live.watch(WatchOptions::default().poll_every(poll_every)).unwrap();
        Self { live, _watcher: watcher }
    }

    async fn add(&self, user: &str) -> PolicyVersion {
        let tx = self.live.tx(system()).change(add_user(user));
        match tx.commit(NOW).await.unwrap() {
            Applied::Done(version) => version,
            Applied::Refused(refused) => panic!("{refused:?}"),
        }
    }

    fn wait_for(&self, version: PolicyVersion) {
        until(SOON, "the version", || self.live.snapshot().version() == version).unwrap();
    }

    /// Waits until it was woken so many times.
    fn wait_woken(&self, times: u64) {
        until(SOON, "a wake-up", || self.live.counts().wakeups >= times).unwrap();
    }

    /// Waits until it is connected, and has looked once at the start and once because it was greeted. From then on it
    /// looks only when somebody wakes it or when it polls.
    fn wait_settled(&self) {
        self.wait_woken(1);
        until(SOON, "the first two looks", || self.live.counts().looks >= 2).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_crosses_from_one_process_to_the_other() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::options().setting("requirepass", "hush").start().unwrap();
    let url = format!("redis://:hush@{}/", redis.addr());
    let store = Arc::new(MemoryStore::default());
    let here = Instance::start(&store, &url, NEVER).await;
    let there = Instance::start(&store, &url, NEVER).await;
    here.wait_settled();
    there.wait_settled();
    for number in 0..3 {
        let version = there.add(&format!("there{number}")).await;
        here.wait_for(version);
        let version = here.add(&format!("here{number}")).await;
        there.wait_for(version);
    }
    assert_eq!(here.live.counts().announced, 3);

    // What others write to the channel only wakes.
    let woken = here.live.counts().wakeups;
    redis_says(&redis, "nonsense");
    here.wait_woken(woken + 1);
    assert_eq!(here.live.counts().looks_failed, 0);
}

fn redis_says(redis: &Redis, text: &str) {
    redis.cli(&["-a", "hush", "--no-auth-warning", "PUBLISH", "{gh:rbac}:version", text]).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_dies_and_comes_back() {
    if testkit::skipped("redis") {
        return;
    }
    let mut redis = Redis::start().unwrap();
    let store = Arc::new(MemoryStore::default());
    let writer = Instance::start(&store, &redis.url(), OFTEN).await;
    let polling = Instance::start(&store, &redis.url(), OFTEN).await;
    let listening = Instance::start(&store, &redis.url(), NEVER).await;
    for instance in [&writer, &polling, &listening] {
        instance.wait_settled();
    }
    // From here on the writer has a connection that can break.
    let first = writer.add("zoe").await;
    listening.wait_for(first);
    redis.kill().unwrap();
    let missed = writer.add("alice").await;
    assert_eq!(writer.live.counts().announcements_failed, 1);
    polling.wait_for(missed);
    until(SOON, "a lost subscription", || listening.live.counts().subscriptions_failed >= 2).unwrap();
    assert_eq!(listening.live.snapshot().version(), first);

    redis.restart().unwrap();
    listening.wait_for(missed);
    let version = writer.add("bob").await;
    listening.wait_for(version);
    assert_eq!(writer.live.counts().announced, 2, "over a new connection, at the first attempt");
}

/// Connections stay open and nothing answers: the worst a network does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_silent_delays_a_commit_for_a_moment_and_no_more() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let proxy = Proxy::start(redis.addr()).unwrap();
    let store = Arc::new(MemoryStore::default());
    // So long the commit waits in vain, and so long the others may take.
    let hint = RedisHint::new(&proxy.url()).unwrap().deadline(Duration::from_secs(6));
    let writer = Instance::start_with(&store, hint, NEVER).await;
    let listening = Instance::start(&store, &redis.url(), NEVER).await;
    writer.wait_settled();
    listening.wait_settled();
    let first = writer.add("alice").await;
    listening.wait_for(first);

    proxy.drop_requests();
    let unheard = writer.add("bob").await;
    assert_eq!(writer.live.snapshot().version(), unheard, "committed and in force all the same");
    assert_eq!(writer.live.counts().announcements_failed, 1);
    assert_eq!(listening.live.snapshot().version(), first);

    proxy.pass_requests();
    let heard = writer.add("carol").await;
    assert_eq!(writer.live.counts().announcements_failed, 1, "the dead connection was not used again");
    listening.wait_for(heard);
}

/// The listener's connection stays open and nothing comes: it has to find out by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_notices_that_it_hears_nothing() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let proxy = Proxy::start(redis.addr()).unwrap();
    let store = Arc::new(MemoryStore::default());
    let impatient = RedisHint::new(&proxy.url()).unwrap();
    let impatient = impatient.deadline(Duration::from_secs(1)).silence_max(Duration::from_millis(50));
    let listening = Instance::start_with(&store, impatient, NEVER).await;
    let writer = Instance::start(&store, &redis.url(), NEVER).await;
    listening.wait_settled();
    let heard = writer.add("alice").await;
    listening.wait_for(heard);

    proxy.hold_replies();
    let missed = writer.add("bob").await;
    // A slow machine may have ended one before.
    let failed = listening.live.counts().subscriptions_failed;
    until(SOON, "the end of a mute connection", || listening.live.counts().subscriptions_failed > failed)
        .unwrap();
    assert_eq!(listening.live.snapshot().version(), heard);
    proxy.heal().unwrap();
    listening.wait_for(missed);
}
