//! Keeps a policy new without anybody asking: it polls, and is woken in between.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::Live;
use super::clock::{Clock, SystemClock};
use super::observer::WatchStep;
use super::renew::{Compiling, Loading};
use crate::error::{Error, Repr};
use crate::hint::{ChangeHint, Wake};

/// The pause after the first failed attempt to be told; it doubles with each one after.
const RETRY: Duration = Duration::from_millis(50);
/// The longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// The least pause between two looks: even if everything is said to be zero, the store has a rest.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// How to watch. Any values are fine; the defaults suit most.
///
/// ```
/// use std::time::Duration;
/// use rbac::WatchOptions;
///
/// let options = WatchOptions::default().poll_every(Duration::from_millis(500));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct WatchOptions {
    poll_every: Duration,
    look_max: Duration,
    pause: Duration,
    clock: Arc<dyn Clock>,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            poll_every: Duration::from_secs(1),
            look_max: Duration::from_secs(10),
            pause: Duration::from_millis(10),
            clock: Arc::new(SystemClock),
        }
    }
}

impl WatchOptions {
    /// How long to wait for a wake-up before the store is asked all the same: a second unless said otherwise. This
    /// is how late a change arrives at the most when every hint is lost and the store answers at once.
    pub const fn poll_every(mut self, poll_every: Duration) -> Self {
        self.poll_every = poll_every;
        self
    }

    /// How long the store may take to answer and the policy to compile before the attempt counts as failed: ten
    /// seconds unless said otherwise.
    pub const fn look_max(mut self, look_max: Duration) -> Self {
        self.look_max = look_max;
        self
    }

    /// The least time between two looks, so that a storm of wake-ups is no storm on the store: ten milliseconds
    /// unless said otherwise.
    pub const fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Another clock than that of the system.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

/// Watches until it is dropped. Keep it for as long as the program serves.
#[derive(Debug)]
#[must_use = "it stops when it is dropped"]
pub struct Watcher {
    tasks: Vec<JoinHandle<()>>,
}

impl Watcher {
    /// False once a task of it has ended before its time: its runtime was shut down, or an observer or a clock that
    /// the application brought has panicked.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.tasks.iter().all(|task| !task.is_finished())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Live {
    /// Begins to watch: from now on the policy in force follows the store by itself. It is compiled on the threads
    /// for work that blocks, off the path of all requests; one look runs at a time. What fails is told to the
    /// [observer](crate::LiveBuilder::observer), counted, and tried again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`](crate::ErrorKind::Misuse) if no tokio runtime is there to run it.
    pub fn watch(&self, options: WatchOptions) -> Result<Watcher, Error> {
        let runtime = Handle::try_current().map_err(|source| Repr::NoRuntime { source })?;
        let woken = Arc::new(Notify::new());
        let mut tasks = vec![runtime.spawn(poll(self.clone(), options, Arc::clone(&woken)))];
        if let Some(hint) = &self.shared.hint {
            tasks.push(runtime.spawn(listen(self.clone(), Arc::clone(hint), woken)));
        }
        Ok(Watcher { tasks })
    }

    async fn look_in_time(&self, options: &WatchOptions) {
        if let Err(failed) = self.try_to_look(options).await {
            self.shared.journal.tell(WatchStep::Look, &failed);
        }
    }

    async fn try_to_look(&self, options: &WatchOptions) -> Result<(), Error> {
        let counted = |error| {
            self.shared.journal.count(WatchStep::Look);
            error
        };
        let now = options.clock.now().map_err(counted)?;
        let look = self.look(self.shared.turns.look(), now, Compiling::Aside, Loading::IfChanged);
        match timeout(options.look_max, look).await {
            Ok(looked) => looked.map(drop),
            Err(_) => Err(counted(Repr::LookLate { limit: options.look_max }.into())),
        }
    }
}

/// Looks at once, then whenever it is time or somebody wakes it.
async fn poll(live: Live, options: WatchOptions, woken: Arc<Notify>) {
    let pause = options.pause.max(PAUSE_MIN);
    let rest = options.poll_every.saturating_sub(pause);
    loop {
        live.look_in_time(&options).await;
        sleep(pause).await;
        // A wake-up that came meanwhile is kept. No wake-up is as good as one: then it is time.
        drop(timeout(rest, woken.notified()).await);
    }
}

/// Passes wake-ups on, many as one.
async fn listen(live: Live, hint: Arc<dyn ChangeHint>, woken: Arc<Notify>) {
    let journal = &live.shared.journal;
    let mut wakeups = hint.subscribe();
    let mut retry = RETRY;
    loop {
        match wakeups.next().await {
            Ok(wake) => {
                retry = RETRY;
                journal.woken();
                // The echo of an own change, or a message that came twice.
                if wake != Wake::Version(live.snapshot().version()) {
                    woken.notify_one();
                }
            }
            Err(error) => {
                journal.count(WatchStep::Subscribe);
                journal.tell(WatchStep::Subscribe, &error);
                sleep(retry).await;
                retry = retry.saturating_mul(2).min(RETRY_MAX);
            }
        }
    }
}
