//! What the session task of russh and the owner of its channel share: output that waits, how the channel
//! ended, and what is known of the wire.
//!
//! russh reads on as long as it may, and credits the server for what it has read. So the channel is held
//! back here: while there is enough output, the wire gives russh no more bytes. The session task itself
//! never waits for the owner; keys, sizes and probes leave all the time.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::fault::Fault;
use crate::{ChannelEnd, Limits};

/// What a server may send before a channel is open. Names, keys, banners and prompts need a fraction.
const PREFACE_BYTES_MAX: u64 = 256 * 1024;

/// The shared state. All of it is quick to reach: nothing waits under the lock.
pub(super) struct Line(Mutex<State>);

/// The owner's hold on the line: dropping it cuts the wire, which ends the session task.
pub(super) struct Hold(Arc<Line>);

/// Whether russh may have bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    /// The owner has enough output for now.
    Held,
    /// The owner is gone.
    Cut,
}

/// How far the channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// There is no more output.
    Eof,
    /// The server has closed the channel.
    Closed,
}

struct State {
    out: BytesMut,
    hold_bytes: usize,
    /// Standard error is output, too.
    merges_stderr: bool,
    output_bytes: u64,
    stage: Stage,
    exit: Option<ChannelEnd>,
    fault: Option<Fault>,
    /// Something changed that the owner has not looked at.
    changed: bool,
    owner: Option<Waker>,
    wire: WireState,
}

struct WireState {
    cut: bool,
    /// When the server last gave a sign of life.
    heard_at: Instant,
    /// Bytes wait that cannot be read now, so silence means nothing.
    deaf: bool,
    /// The system gave the connection up, because nothing was acknowledged or taken for too long.
    timed_out: Option<io::Error>,
    /// A channel is open, so the limit of the preface no longer counts.
    opened: bool,
    read_bytes: u64,
    written_bytes: u64,
    /// The owner waits until more was written.
    awaited: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Line {
    /// A line that holds the wire from `hold_bytes` of output on.
    pub(super) fn new(hold_bytes: u32) -> Self {
        let wire = WireState {
            cut: false,
            heard_at: Instant::now(),
            deaf: false,
            timed_out: None,
            opened: false,
            read_bytes: 0,
            written_bytes: 0,
            awaited: false,
            reader: None,
            writer: None,
        };
        Self(Mutex::new(State {
            out: BytesMut::new(),
            hold_bytes: usize::try_from(hold_bytes).unwrap_or(usize::MAX),
            merges_stderr: true,
            output_bytes: 0,
            stage: Stage::Open,
            exit: None,
            fault: None,
            changed: false,
            owner: None,
            wire,
        }))
    }

    /// A poisoned state is still a state: nothing can leave it half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        state.changed = true;
        let owner = state.owner.take();
        drop(state);
        if let Some(owner) = owner {
            owner.wake();
        }
    }
}

/// What the session task tells.
impl Line {
    pub(super) fn output(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.change(|state| {
            state.out.extend_from_slice(bytes);
            state.output_bytes = state.output_bytes.saturating_add(count(bytes.len()));
        });
    }

    /// Standard error goes where standard output goes, as on any terminal; or nowhere.
    pub(super) fn complaint(&self, bytes: &[u8]) {
        if self.state().merges_stderr {
            self.output(bytes);
        }
    }

    pub(super) fn eof(&self) {
        self.change(|state| {
            if state.stage == Stage::Open {
                state.stage = Stage::Eof;
            }
        });
    }

    pub(super) fn closed(&self) {
        self.change(|state| state.stage = Stage::Closed);
    }

    /// How the program ended; of several reports the first counts.
    pub(super) fn exited(&self, end: ChannelEnd) {
        self.change(|state| {
            state.exit.get_or_insert(end);
        });
    }

    /// Why the session ended.
    pub(super) fn failed(&self, fault: Fault) {
        self.change(|state| {
            state.fault.get_or_insert(fault);
        });
    }
}

/// What the wire asks and tells.
impl Line {
    /// Whether bytes may be read. The waker is woken when that changes.
    pub(super) fn gate(&self, cx: &Context<'_>) -> Gate {
        let mut state = self.state();
        keep(&mut state.wire.reader, cx);
        match &*state {
            state if state.wire.cut => Gate::Cut,
            state if state.out.len() >= state.hold_bytes => Gate::Held,
            _ => Gate::Open,
        }
    }

    /// Whether the wire is cut, before bytes are written. The waker is woken when that changes.
    pub(super) fn is_cut(&self, cx: &Context<'_>) -> bool {
        let mut state = self.state();
        keep(&mut state.wire.writer, cx);
        state.wire.cut
    }

    /// Bytes came. Says whether there may be so many.
    pub(super) fn heard(&self, bytes: usize) -> bool {
        let mut state = self.state();
        let wire = &mut state.wire;
        wire.heard_at = Instant::now();
        wire.read_bytes = wire.read_bytes.saturating_add(count(bytes));
        wire.opened || wire.read_bytes <= PREFACE_BYTES_MAX
    }

    /// No more can be read until the owner takes output.
    pub(super) fn deafen(&self) {
        self.state().wire.deaf = true;
    }

    /// The system gave the connection up. It says so once, to whoever reads or writes next.
    pub(super) fn timed_out(&self, error: io::Error) {
        self.state().wire.timed_out.get_or_insert(error);
    }

    /// The kernel took bytes; `resumed` when it had been full, so that the server took some as well.
    pub(super) fn wrote(&self, bytes: usize, resumed: bool) {
        let mut state = self.state();
        let wire = &mut state.wire;
        wire.written_bytes = wire.written_bytes.saturating_add(count(bytes));
        if resumed {
            wire.heard_at = Instant::now();
        }
        let awaited = std::mem::take(&mut wire.awaited);
        drop(state);
        if awaited {
            self.change(|_| {});
        }
    }
}

/// What the owner asks.
impl Line {
    /// Waits until something has changed since the last call.
    pub(super) fn poll_changed(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if std::mem::take(&mut state.changed) {
            return Poll::Ready(());
        }
        keep(&mut state.owner, cx);
        Poll::Pending
    }

    /// Nothing may come between the bytes of standard output.
    pub(super) fn drop_stderr(&self) {
        self.state().merges_stderr = false;
    }

    /// From now on a channel is open.
    pub(super) fn opened(&self) {
        self.state().wire.opened = true;
    }

    pub(super) fn has_output(&self) -> bool {
        !self.state().out.is_empty()
    }

    /// At most `bytes_max` bytes of output, and one chunk at most; none when there are none.
    pub(super) fn take(&self, bytes_max: usize) -> Bytes {
        let mut state = self.state();
        let len = state.out.len().min(bytes_max).min(Limits::CHANNEL_BYTES_MAX);
        let held = state.out.len() >= state.hold_bytes;
        let taken =
            if len == state.out.len() { std::mem::take(&mut state.out) } else { state.out.split_to(len) };
        let reader = if held && state.out.len() < state.hold_bytes { state.release() } else { None };
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        taken.freeze()
    }

    /// All output that is left.
    pub(super) fn take_rest(&self) -> Bytes {
        std::mem::take(&mut self.state().out).freeze()
    }

    pub(super) fn stage(&self) -> Stage {
        self.state().stage
    }

    pub(super) fn exit(&self) -> Option<ChannelEnd> {
        self.state().exit.clone()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.state().fault.is_some()
    }

    pub(super) fn take_fault(&self) -> Option<Fault> {
        self.state().fault.take()
    }

    /// Why the system gave the connection up, if it did.
    pub(super) fn take_timed_out(&self) -> Option<io::Error> {
        self.state().wire.timed_out.take()
    }

    pub(super) fn output_bytes(&self) -> u64 {
        self.state().output_bytes
    }

    /// When the server was last heard; `None` while it cannot be heard.
    pub(super) fn heard_at(&self) -> Option<Instant> {
        let state = self.state();
        (!state.wire.deaf).then_some(state.wire.heard_at)
    }

    /// How long nothing was heard; nothing while nothing can be.
    pub(super) fn silence(&self) -> Duration {
        self.heard_at().map_or(Duration::ZERO, |at| at.elapsed())
    }

    pub(super) fn written_bytes(&self) -> u64 {
        self.state().wire.written_bytes
    }

    /// Asks for a change when more bytes were written than `bytes`; says whether that is so already.
    pub(super) fn await_written(&self, bytes: u64) -> bool {
        let mut state = self.state();
        let wire = &mut state.wire;
        let written = wire.written_bytes > bytes;
        wire.awaited = !written;
        written
    }

    /// Ends the wire: russh gets an error from every read and write.
    fn cut(&self) {
        let mut state = self.state();
        state.wire.cut = true;
        let wakers = [state.wire.reader.take(), state.wire.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl State {
    /// Lets the wire go on; gives the one to wake.
    fn release(&mut self) -> Option<Waker> {
        if std::mem::take(&mut self.wire.deaf) {
            // What the server said meanwhile was not heard.
            self.wire.heard_at = Instant::now();
        }
        self.wire.reader.take()
    }
}

impl Hold {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self(line)
    }
}

impl std::ops::Deref for Hold {
    type Target = Arc<Line>;

    fn deref(&self) -> &Arc<Line> {
        &self.0
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.cut();
    }
}

fn keep(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}

/// A length as a count. No machine has more than 64 bits of address.
pub(super) fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
