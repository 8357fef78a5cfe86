//! The lock around a session's state, its clock, and the bell of its driver.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Clock;
use super::core::{Core, Next};
use crate::bridge::{CloseReason, ConnectionId, ConnectionView, Send as Outgoing};

/// One session, as its driver, its connections and its handles see it.
#[derive(Debug)]
pub(super) struct Shared {
    core: Mutex<Core>,
    clock: Clock,
    /// Rung when the driver waits for the wrong things.
    pub(super) bell: Notify,
}

impl Shared {
    pub(super) fn new(core: Core) -> Self {
        let clock = Clock::new(core.bridge.started());
        Self { core: Mutex::new(core), clock, bell: Notify::new() }
    }

    /// Does something to the session and settles what follows from it.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Core, Duration) -> R) -> R {
        let mut core = self.lock();
        // The time is read under the lock, so that it never goes back for the bridge.
        let now = self.clock.now();
        let out = act(&mut core, now);
        core.settle(now);
        core.wake_connections();
        self.ring_if_missed(&core);
        out
    }

    /// The next frame of a connection.
    pub(super) fn poll_connection(&self, id: ConnectionId) -> Option<Outgoing> {
        let mut core = self.lock();
        let next = core.bridge.poll_connection(id);
        self.ring_if_missed(&core);
        next
    }

    /// What the driver has to wait for. `held` is output that came when there was no room for it.
    pub(super) fn next(&self, held: &mut Option<Bytes>) -> Next {
        let mut core = self.lock();
        if core.bridge.wants_channel_read()
            && let Some(bytes) = held.take()
        {
            let now = self.clock.now();
            core.on_output(now, &bytes);
            core.settle(now);
            core.wake_connections();
        }
        core.next()
    }

    pub(super) fn view(&self) -> (Vec<ConnectionView>, Option<CloseReason>) {
        let core = self.lock();
        (core.bridge.connections().filter(|view| view.open).collect(), core.ended().cloned())
    }

    pub(super) fn age(&self) -> Duration {
        self.clock.age()
    }

    pub(super) fn at(&self, time: Duration) -> Instant {
        self.clock.at(time)
    }

    fn ring_if_missed(&self, core: &Core) {
        if core.misses_driver() {
            self.bell.notify_one();
        }
    }

    /// A thread that panicked under the lock has left the state between two events at worst; the session
    /// goes on.
    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
