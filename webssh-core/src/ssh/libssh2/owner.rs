//! The one task that owns a session and its channel, from the open shell to its end.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ssh2::Channel;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::{Instant, sleep_until, timeout};

use super::calls::{Calls, Read, Step};
use super::link::{Link, socket_error, under};
use super::liveness::Liveness;
use crate::error::{Error, Inner};
use crate::ssh::{ConnectOptions, ShellPort};
use crate::{ChannelEnd, Limits};

/// Output held here while the pump is busy. libssh2 keeps 128 bytes of bookkeeping a packet, so packets
/// are drained into this buffer as long as it has room.
const OUT_BYTES_MAX: usize = Limits::CHANNEL_BYTES_MAX;

/// What the owner does, for messages.
const DOING: &str = "reading and writing";

/// Rounds of reading and writing before other tasks get a turn.
const ROUNDS_MAX: usize = 16;

thread_local! {
    /// Where reads go first. A read leaves nothing here that a later one needs, so all sessions of a thread
    /// share it: an idle session holds no buffer.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; OUT_BYTES_MAX].into_boxed_slice());
}

/// The channel, its queues, and how long all of it may last.
pub(super) struct Owner {
    // INVARIANT: the channel is dropped before the link, which frees the session.
    calls: Calls,
    link: Link,
    port: ShellPort,
    out: BytesMut,
    liveness: Liveness,
    /// [`Calls::accepted`] when the server was last known to be alive.
    accepted: u64,
    close_max: Duration,
    ends_at: Instant,
    received: u64,
    bytes_max: u64,
}

/// What ended a wait.
enum Woke {
    Moved,
    Input(Option<Bytes>),
    /// Whether there is a new size, or the near half is gone.
    Size(bool),
    Socket(io::Result<()>),
}

/// Why the loop ends.
pub(super) enum Stop {
    /// The near half is gone.
    Hangup,
    /// The server said that there is no more output.
    Eof,
    Lost(Error),
}

impl Owner {
    pub(super) fn new(link: Link, channel: Channel, port: ShellPort, options: &ConnectOptions) -> Self {
        let now = Instant::now();
        let calls = Calls::new(channel);
        Self {
            accepted: calls.accepted(),
            calls,
            link,
            port,
            out: BytesMut::new(),
            liveness: Liveness::new(now, options.probe_after(), options.unanswered_max()),
            close_max: options.close_max(),
            ends_at: now + options.session_max(),
            received: 0,
            bytes_max: options.session_bytes_max,
        }
    }

    pub(super) async fn run(mut self) {
        let stop = self.serve().await;
        let end = self.finish(stop).await;
        let Self { calls, link, mut port, out, .. } = self;
        drop(calls);
        drop(link);
        port.send_output(out.freeze()).await;
        port.finish(end);
    }

    async fn serve(&mut self) -> Stop {
        loop {
            if let Err(stop) = self.turn().await {
                return stop;
            }
        }
    }

    /// Does all there is to do, then waits for more.
    pub(super) async fn turn(&mut self) -> Result<(), Stop> {
        let socket = self.link.socket();
        if under(socket.as_deref(), || self.work(), |more| matches!(more, Ok(false)))? {
            tokio::task::yield_now().await;
            return Ok(());
        }
        self.wait().await
    }

    /// Reads and writes until everything would block or waits; says whether there is more at once.
    fn work(&mut self) -> Result<bool, Stop> {
        self.link.settle().map_err(Stop::Lost)?;
        self.watch().map_err(Stop::Lost)?;
        for _ in 0..ROUNDS_MAX {
            if self.round()? != Step::Progress {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Goes on with everything once.
    fn round(&mut self) -> Result<Step, Stop> {
        let answered = self.probe().map_err(Stop::Lost)?;
        // Keys first: they must not wait behind output.
        let sent = self.send()?;
        let received = self.receive()?;
        let handed_on = self.hand_on();
        if [answered, sent, received, handed_on].contains(&Step::Progress) {
            return Ok(Step::Progress);
        }
        self.calls.exchange(&self.link).map_err(Stop::Lost)
    }

    /// Looks at the clocks: asks a silent server, ends a session that lasts too long.
    fn watch(&mut self) -> Result<(), Error> {
        self.link.watch().map_err(socket_error(DOING))?;
        let now = Instant::now();
        if now >= self.ends_at {
            return Err(Inner::Spent { name: "session_secs_max" }.into());
        }
        let received = self.received.max(self.link.guarded_bytes());
        if received.saturating_add(self.calls.written()) > self.bytes_max {
            return Err(Inner::Spent { name: "session_bytes_max" }.into());
        }
        if !self.liveness.asks(now) {
            return Ok(());
        }
        let accepted = self.calls.accepted();
        if accepted > self.accepted {
            self.accepted = accepted;
            self.liveness.heard(now);
        } else if self.liveness.is_lost(now) {
            let secs = self.liveness.unanswered_secs();
            return Err(Inner::Unanswered { secs, source: None }.into());
        } else if self.calls.begin_probe(&self.link)? == Step::Progress {
            self.liveness.answered(now);
        }
        Ok(())
    }

    fn probe(&mut self) -> Result<Step, Error> {
        let step = self.calls.probe(&self.link)?;
        if step == Step::Progress {
            self.liveness.answered(Instant::now());
        }
        Ok(step)
    }

    /// One call that sends: the half-done one if there is any, else the next.
    fn send(&mut self) -> Result<Step, Stop> {
        if !self.calls.is_busy() {
            if self.port.size.has_changed().unwrap_or(false) {
                self.calls.begin_resize(*self.port.size.borrow_and_update());
            } else {
                match self.port.input.try_recv() {
                    Ok(bytes) => self.calls.begin_write(bytes),
                    Err(TryRecvError::Empty) => return Ok(Step::Idle),
                    Err(TryRecvError::Disconnected) => return Err(Stop::Hangup),
                }
            }
        }
        self.calls.send(&self.link).map_err(Stop::Lost)
    }

    /// One read, as long as there is room.
    fn receive(&mut self) -> Result<Step, Stop> {
        let room = OUT_BYTES_MAX.saturating_sub(self.out.len());
        if room == 0 {
            return Ok(Step::Idle);
        }
        let read = SCRATCH.with_borrow_mut(|scratch| {
            let read = self.calls.read(&self.link, scratch, room)?;
            if let Read::Bytes(len) = read {
                self.out.extend_from_slice(scratch.get(..len).unwrap_or_default());
            }
            Ok(read)
        });
        match read.map_err(Stop::Lost)? {
            Read::Eof => Err(Stop::Eof),
            Read::WouldBlock => Ok(Step::WouldBlock),
            Read::Bytes(len) => {
                self.received = self.received.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
                self.liveness.heard(Instant::now());
                Ok(Step::Progress)
            }
        }
    }

    /// Gives output to the pump if it has a free place.
    fn hand_on(&mut self) -> Step {
        if self.out.is_empty() {
            return Step::Idle;
        }
        let Ok(permit) = self.port.output.try_reserve() else {
            return Step::WouldBlock;
        };
        permit.send(take_chunk(&mut self.out));
        Step::Progress
    }

    /// Waits until one of the queues, the connection or the clock has something to do.
    async fn wait(&mut self) -> Result<(), Stop> {
        let blocked = self.is_blocked();
        let busy = self.calls.is_busy();
        let wake_at = self.liveness.wake_at().min(self.ends_at);
        let woke = tokio::select! {
            bytes = self.port.input.recv(), if !busy => Woke::Input(bytes),
            size = self.port.size.changed(), if !busy => Woke::Size(size.is_ok()),
            permit = self.port.output.reserve(), if !self.out.is_empty() => {
                permit.map_err(|_| Stop::Hangup)?.send(take_chunk(&mut self.out));
                Woke::Moved
            }
            () = self.port.output.closed() => return Err(Stop::Hangup),
            ready = ready(&mut self.link, blocked) => Woke::Socket(ready),
            () = sleep_until(wake_at) => Woke::Moved,
        };
        match woke {
            // Without a near half there is no other size; the next try to take input says so.
            Woke::Moved | Woke::Size(false) => Ok(()),
            Woke::Input(bytes) => {
                self.calls.begin_write(bytes.ok_or(Stop::Hangup)?);
                Ok(())
            }
            Woke::Size(true) => {
                self.calls.begin_resize(*self.port.size.borrow());
                Ok(())
            }
            Woke::Socket(ready) => ready.map_err(|source| Stop::Lost(socket_error(DOING)(source))),
        }
    }

    /// Whether there is something to do on the connection; else the queues have to move first.
    fn is_blocked(&self) -> bool {
        let wants_more = self.out.len() < OUT_BYTES_MAX || self.calls.probes() || self.calls.is_busy();
        wants_more || self.link.is_full()
    }

    /// Ends the channel as politely as time allows, and finds out how the shell ended.
    async fn finish(&mut self, stop: Stop) -> ChannelEnd {
        if let Stop::Lost(error) = stop {
            return ChannelEnd::Lost(Arc::new(self.reason(error)));
        }
        let (close_max, shell_ended) = (self.close_max, matches!(stop, Stop::Eof));
        let closed = match timeout(close_max, self.close()).await {
            Ok(Ok(())) => self.calls.exit(),
            Ok(Err(error)) => Err(error),
            // Of a shell that has ended only the farewell is missing.
            Err(_) if shell_ended => self.calls.exit(),
            Err(elapsed) => Err(Inner::Socket { doing: "closing the shell", source: elapsed.into() }.into()),
        };
        closed.unwrap_or_else(|error| ChannelEnd::Lost(Arc::new(error)))
    }

    /// Why the session is lost. Whoever finds out first that the server does not answer, it is one answer.
    fn reason(&mut self, error: Error) -> Error {
        match self.link.take_timed_out() {
            Some(source) if error.is_transient() => {
                Inner::Unanswered { secs: self.liveness.unanswered_secs(), source: Some(source) }.into()
            }
            _ => error,
        }
    }

    /// Finishes what libssh2 has begun, then closes. Input that waits for the server's window is dropped:
    /// that window may never open again.
    async fn close(&mut self) -> Result<(), Error> {
        loop {
            let (calls, link) = (&mut self.calls, &mut self.link);
            let leave = || SCRATCH.with_borrow_mut(|scratch| calls.leave(link, scratch));
            let blocked = |left: &Result<Step, Error>| matches!(left, Ok(Step::WouldBlock));
            if under(link.socket().as_deref(), leave, blocked)? != Step::WouldBlock {
                return Ok(());
            }
            link.wait("closing the shell").await?;
        }
    }
}

/// Waits for the connection if it is what blocks. Behind a relay there may be something to hand on.
async fn ready(link: &mut Link, blocked: bool) -> io::Result<()> {
    if blocked { link.ready().await } else { link.flush().await }
}

fn take_chunk(out: &mut BytesMut) -> Bytes {
    out.split_to(out.len().min(Limits::CHANNEL_BYTES_MAX)).freeze()
}
