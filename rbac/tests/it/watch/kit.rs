//! A clock that a test drives, hints that lose, double and reorder messages, and one instance with its watcher.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rbac::{
    Applied, BoxFuture, ChangeHint, Clock, Error, Live, PolicyStore, PolicyVersion, UnixMillis, Wake,
    Wakeups, WatchObserver, WatchOptions, WatchStep, Watcher,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::POLL;
use crate::edit::{add_user, system};

/// Runs on one thread, with a clock that jumps ahead whenever every task waits.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().unwrap().block_on(future)
}

/// Lets the driven clock run on; nobody waits for it in earnest.
pub(super) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// The driven clock, as milliseconds since the test began.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) began: Instant,
    pub(super) broken: AtomicBool,
}

impl Driven {
    pub(super) fn start() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), broken: AtomicBool::new(false) })
    }

    /// The time, also while the clock does not tell it.
    pub(super) fn time(&self) -> UnixMillis {
        UnixMillis::EPOCH.plus_millis(u64::try_from(self.began.elapsed().as_millis()).unwrap())
    }
}

impl Clock for Driven {
    fn now(&self) -> Result<UnixMillis, Error> {
        if self.broken.load(Ordering::SeqCst) { Err(Error::unavailable("set me")) } else { Ok(self.time()) }
    }
}

/// What becomes of one message to one listener: each entry is one delivery, so many milliseconds later. None is a
/// loss, two are a double, and different ones get out of order.
pub(super) type Fate = Vec<u64>;

/// A hint that does to its messages what a test says, and delivers the rest at once.
#[derive(Debug, Default)]
pub(super) struct Unreliable {
    pub(super) fates: Mutex<Vec<Fate>>,
    pub(super) listeners: Mutex<Vec<mpsc::UnboundedSender<Message>>>,
    pub(super) fails: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Message {
    Wake(Wake),
    Broken,
}

impl Unreliable {
    pub(super) fn with(fates: Vec<Fate>) -> Arc<Self> {
        Arc::new(Self { fates: Mutex::new(fates), ..Self::default() })
    }

    pub(super) fn say(&self, message: Message) {
        for listener in self.listeners.lock().unwrap().iter() {
            for delay in self.fates.lock().unwrap().pop().unwrap_or(vec![0]) {
                let listener = listener.clone();
                tokio::spawn(async move {
                    pass(Duration::from_millis(delay)).await;
                    // A listener that is gone hears nothing.
                    listener.send(message)
                });
            }
        }
    }
}

impl ChangeHint for Unreliable {
    fn announce(&self, version: PolicyVersion) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if self.fails.load(Ordering::SeqCst) {
                return Err(Error::unavailable("nobody listens"));
            }
            self.say(Message::Wake(Wake::Version(version)));
            Ok(())
        })
    }

    fn subscribe(&self) -> Box<dyn Wakeups> {
        let (sender, messages) = mpsc::unbounded_channel();
        self.listeners.lock().unwrap().push(sender);
        Box::new(Listener { messages, connected: false })
    }
}

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) messages: mpsc::UnboundedReceiver<Message>,
    pub(super) connected: bool,
}

impl Wakeups for Listener {
    fn next(&mut self) -> BoxFuture<'_, Result<Wake, Error>> {
        Box::pin(async move {
            if !std::mem::replace(&mut self.connected, true) {
                return Ok(Wake::Look);
            }
            match self.messages.recv().await {
                Some(Message::Wake(wake)) => Ok(wake),
                Some(Message::Broken) => {
                    self.connected = false;
                    Err(Error::unavailable("broken"))
                }
                None => std::future::pending().await,
            }
        })
    }
}

/// Remembers what it was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) replaced: Mutex<Vec<PolicyVersion>>,
    pub(super) restored: Mutex<Vec<(PolicyVersion, PolicyVersion)>>,
    pub(super) failed: Mutex<Vec<(WatchStep, String)>>,
    pub(super) may_be_restored: AtomicBool,
}

impl WatchObserver for Told {
    fn replaced(&self, before: PolicyVersion, after: PolicyVersion) {
        // Told apart from what a restored backup brings: see below.
        assert!(before < after || self.may_be_restored.load(Ordering::SeqCst), "{before}, then {after}");
        self.replaced.lock().unwrap().push(after);
    }

    fn restored(&self, before: PolicyVersion, after: PolicyVersion) {
        self.restored.lock().unwrap().push((before, after));
    }

    fn failed(&self, step: WatchStep, error: &Error) {
        self.failed.lock().unwrap().push((step, error.to_string()));
    }
}

impl Told {
    pub(super) fn steps(&self) -> Vec<WatchStep> {
        self.failed.lock().unwrap().iter().map(|(step, _)| *step).collect()
    }
}

/// One process: a policy in force, its watcher, and what its observer was told.
pub(super) struct Instance {
    pub(super) live: Live,
    pub(super) told: Arc<Told>,
    pub(super) clock: Arc<Driven>,
    pub(super) watcher: Watcher,
}

impl Instance {
    pub(super) async fn start(
        store: Arc<dyn PolicyStore>,
        hint: Option<Arc<dyn ChangeHint>>,
        poll: Duration,
    ) -> Self {
        let (told, clock) = (Arc::new(Told::default()), Driven::start());
        let builder = Live::builder(store).observer(told.clone()).max_staleness(3 * POLL);
        let builder = match hint {
            Some(hint) => builder.hint(hint),
            None => builder,
        };
        let live = builder.load(clock.time()).await.unwrap();
        let watcher = live.watch(WatchOptions::default().poll_every(poll).clock(clock.clone())).unwrap();
        Self { live, told, clock, watcher }
    }

    pub(super) fn version(&self) -> PolicyVersion {
        self.live.snapshot().version()
    }

    pub(super) async fn add(&self, user: &str) -> PolicyVersion {
        let tx = self.live.tx(system()).change(add_user(user));
        match tx.commit(self.clock.time()).await.unwrap() {
            Applied::Done(version) => version,
            Applied::Refused(refused) => panic!("{refused:?}"),
        }
    }
}
