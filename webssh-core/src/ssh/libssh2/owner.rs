//! The one task that owns a session and its channel, from the open shell to its end.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use ssh2::Channel;
use tokio::io::Interest;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::link::{BLIND_WAIT, Blocked, Link, session_error, under};
use crate::error::{Error, Inner};
use crate::ssh::ShellPort;
use crate::{ChannelEnd, Limits, WinSize};

/// Output held here while the pump is busy. libssh2 keeps 128 bytes of bookkeeping a packet, so packets
/// are drained into this buffer as long as it has room.
const OUT_BYTES_MAX: usize = Limits::CHANNEL_BYTES_MAX;

/// What the owner does, for messages.
const DOING: &str = "reading and writing";

/// Rounds of reading and writing before other tasks get a turn.
const ROUNDS_MAX: usize = 16;

/// The channel, its queues, and what is half done.
pub(super) struct Owner {
    // INVARIANT: the channel is dropped before the link, which frees the session.
    channel: Channel,
    link: Link,
    port: ShellPort,
    keepalive: Duration,
    keepalive_at: Instant,
    close_max: Duration,
    scratch: Box<[u8]>,
    out: BytesMut,
    half_done: HalfDone,
}

/// Calls that libssh2 has begun and that must be repeated, unchanged, until they succeed.
///
/// After "would block" libssh2 remembers the length of a write, and reads that many bytes from whatever
/// slice comes next: a shorter one would send foreign memory to the server. Of a read it remembers the
/// window adjustment that goes out first, but then counts the one that fits the length of the next read:
/// after another length the two ends would no longer agree on the window.
#[derive(Default)]
struct HalfDone {
    /// The one pending write; its bytes stay where they are until they were taken.
    write: Bytes,
    /// Whether libssh2 has begun the write. While the server's window is closed it has not.
    write_begun: bool,
    resize: Option<WinSize>,
    /// The length of the last read if it would block, else 0.
    read: usize,
    /// Whether that read may have sent a part of a window adjustment.
    read_sends: bool,
}

/// What one round achieved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Progress,
    WouldBlock,
    Idle,
}

/// What ended a wait.
enum Woke {
    Moved,
    Input(Option<Bytes>),
    /// Whether there is a new size, or the near half is gone.
    Size(bool),
    Socket(io::Result<()>),
    KeepAlive,
}

/// Why the loop ends.
enum Stop {
    /// The near half is gone.
    Hangup,
    /// The server said that there is no more output.
    Eof,
    Lost(Error),
}

impl Owner {
    pub(super) fn new(
        link: Link,
        channel: Channel,
        port: ShellPort,
        keepalive: Duration,
        close_max: Duration,
    ) -> Self {
        // The timer is kept here; libssh2 only has to agree that one is due.
        link.session().set_keepalive(false, 2);
        Self {
            channel,
            link,
            port,
            keepalive,
            keepalive_at: Instant::now() + keepalive,
            close_max,
            scratch: vec![0; OUT_BYTES_MAX].into_boxed_slice(),
            out: BytesMut::new(),
            half_done: HalfDone::default(),
        }
    }

    pub(super) async fn run(mut self) {
        let stop = self.serve().await;
        let end = self.finish(stop).await;
        let Self { channel, link, mut port, out, .. } = self;
        drop(channel);
        drop(link);
        port.send_output(out.freeze()).await;
        port.finish(end);
    }

    async fn serve(&mut self) -> Stop {
        loop {
            let more = match self.work() {
                Ok(more) => more,
                Err(stop) => return stop,
            };
            if more {
                tokio::task::yield_now().await;
            } else if let Err(stop) = self.wait().await {
                return stop;
            }
        }
    }

    /// Reads and writes until everything would block or waits; says whether there is more at once.
    fn work(&mut self) -> Result<bool, Stop> {
        for _ in 0..ROUNDS_MAX {
            // Keys first: they must not wait behind output.
            let sent = self.send()?;
            let received = self.receive()?;
            let handed_on = self.hand_on();
            if ![sent, received, handed_on].contains(&Step::Progress) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One call that sends: the half-done one if there is any, else the next.
    fn send(&mut self) -> Result<Step, Stop> {
        if !self.half_done.waits() {
            if self.port.size.has_changed().unwrap_or(false) {
                self.half_done.resize = Some(*self.port.size.borrow_and_update());
            } else {
                match self.port.input.try_recv() {
                    Ok(bytes) => self.half_done.write = bytes,
                    Err(TryRecvError::Empty) => return Ok(Step::Idle),
                    Err(TryRecvError::Disconnected) => return Err(Stop::Hangup),
                }
            }
        }
        self.send_half_done().map_err(Stop::Lost)
    }

    fn send_half_done(&mut self) -> Result<Step, Error> {
        if let Some(size) = self.half_done.resize {
            let (cols, rows) = (u32::from(size.cols()), u32::from(size.rows()));
            return match self.channel.request_pty_size(cols, rows, None, None) {
                Ok(()) => {
                    self.half_done.resize = None;
                    Ok(Step::Progress)
                }
                Err(error) => self.blocked_or_lost(&error.into()),
            };
        }
        if self.half_done.write.is_empty() {
            return Ok(Step::Idle);
        }
        match self.channel.write(&self.half_done.write) {
            // The server's window is closed.
            Ok(0) => Ok(Step::WouldBlock),
            Ok(len) => {
                self.half_done.write_begun = false;
                self.half_done.write.advance(len);
                Ok(Step::Progress)
            }
            Err(error) => {
                // libssh2 begins a write only into an open window, and takes from it when it is done.
                self.half_done.write_begun = self.channel.write_window().remaining > 0;
                self.blocked_or_lost(&error)
            }
        }
    }

    /// One read, as long as there is room.
    fn receive(&mut self) -> Result<Step, Stop> {
        // INVARIANT: a read that would block still fits, because only reads fill the buffer.
        let len = match self.half_done.read {
            0 => OUT_BYTES_MAX.saturating_sub(self.out.len()),
            len => len,
        };
        let Some(buffer) = self.scratch.get_mut(..len).filter(|buffer| !buffer.is_empty()) else {
            return Ok(Step::Idle);
        };
        let result = self.channel.read(buffer);
        self.half_done.read = if result.is_err() { len } else { 0 };
        self.half_done.read_sends = result.is_err() && self.link.blocked().interest.is_writable();
        match result {
            Ok(0) if self.channel.eof() => Err(Stop::Eof),
            Ok(0) => Ok(Step::WouldBlock),
            Ok(len) => {
                self.out.extend_from_slice(buffer.get(..len).unwrap_or_default());
                Ok(Step::Progress)
            }
            Err(error) => self.blocked_or_lost(&error).map_err(Stop::Lost),
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

    /// Waits until one of the queues, the socket or the clock has something to do.
    async fn wait(&mut self) -> Result<(), Stop> {
        let socket = self.link.socket();
        let blocked = self.blocked();
        let interest = blocked.map_or(Interest::READABLE, |blocked| blocked.interest);
        let (waits, blind) = (self.half_done.waits(), blocked.is_some_and(|blocked| blocked.blind));
        let woke = tokio::select! {
            bytes = self.port.input.recv(), if !waits => Woke::Input(bytes),
            size = self.port.size.changed(), if !waits => Woke::Size(size.is_ok()),
            permit = self.port.output.reserve(), if !self.out.is_empty() => {
                permit.map_err(|_| Stop::Hangup)?.send(take_chunk(&mut self.out));
                Woke::Moved
            }
            () = self.port.output.closed() => return Err(Stop::Hangup),
            ready = socket.ready(interest), if blocked.is_some() => Woke::Socket(ready.map(|_| ())),
            () = sleep(BLIND_WAIT), if blind => Woke::Moved,
            () = sleep_until(self.keepalive_at) => Woke::KeepAlive,
        };
        match woke {
            // Without a near half there is no other size; the next try to take input says so.
            Woke::Moved | Woke::Size(false) => Ok(()),
            Woke::Input(bytes) => {
                self.half_done.write = bytes.ok_or(Stop::Hangup)?;
                Ok(())
            }
            Woke::Size(true) => {
                self.half_done.resize = Some(*self.port.size.borrow());
                Ok(())
            }
            Woke::Socket(ready) => {
                ready.map_err(|source| Stop::Lost(Inner::Socket { doing: DOING, source }.into()))?;
                under(&socket, interest, || self.work(), |more| matches!(more, Ok(false))).map(|_| ())
            }
            Woke::KeepAlive => self.keep_alive(),
        }
    }

    /// What the socket has to become ready for; `None` while the queues have to move first.
    fn blocked(&self) -> Option<Blocked> {
        let reads = self.out.len() < OUT_BYTES_MAX;
        if !reads && !self.half_done.waits() {
            return None;
        }
        let blocked = self.link.blocked();
        let interest = if reads { blocked.interest | Interest::READABLE } else { blocked.interest };
        Some(Blocked { interest, ..blocked })
    }

    /// A keepalive is skipped while bytes of a call are on their way: those prove as much. A write that
    /// waits for the server's window has none.
    fn keep_alive(&mut self) -> Result<(), Stop> {
        self.keepalive_at = Instant::now() + self.keepalive;
        if self.half_done.sends() || self.half_done.read_sends {
            return Ok(());
        }
        self.link.keepalive().map_err(Stop::Lost)
    }

    /// Ends the channel as politely as time allows, and finds out how the shell ended.
    async fn finish(&mut self, stop: Stop) -> ChannelEnd {
        if let Stop::Lost(error) = stop {
            return ChannelEnd::Lost(Arc::new(error));
        }
        let (close_max, shell_ended) = (self.close_max, matches!(stop, Stop::Eof));
        let closed = match timeout(close_max, self.close()).await {
            Ok(Ok(())) => self.exit(),
            Ok(Err(error)) => Err(error),
            // Of a shell that has ended only the farewell is missing.
            Err(_) if shell_ended => self.exit(),
            Err(elapsed) => Err(Inner::Socket { doing: "closing the shell", source: elapsed.into() }.into()),
        };
        closed.unwrap_or_else(|error| ChannelEnd::Lost(Arc::new(error)))
    }

    /// Finishes what libssh2 has begun, then closes. Input that waits for the server's window is dropped:
    /// that window may never open again.
    async fn close(&mut self) -> Result<(), Error> {
        let doing = "closing the shell";
        let socket = self.link.socket();
        while self.half_done.sends() {
            if self.send_half_done()? == Step::WouldBlock {
                let interest = self.link.wait(doing).await?;
                under(
                    &socket,
                    interest,
                    || self.send_half_done(),
                    |step| matches!(step, Ok(Step::WouldBlock)),
                )?;
            }
        }
        let channel = &mut self.channel;
        self.link.drive(doing, || channel.close()).await
    }

    /// libssh2 does not tell a status of 0 from a server that sent none.
    fn exit(&self) -> Result<ChannelEnd, Error> {
        let failed = session_error("asking for the exit status");
        if let Some(name) = self.channel.exit_signal().map_err(&failed)?.exit_signal {
            let plain = |c: &char| c.is_ascii_alphanumeric() || "-@.".contains(*c);
            return Ok(ChannelEnd::Killed { signal: name.chars().filter(plain).take(32).collect() });
        }
        let status = self.channel.exit_status().map_err(&failed)?;
        Ok(ChannelEnd::Exited { status: status.cast_unsigned() })
    }

    fn blocked_or_lost(&self, error: &io::Error) -> Result<Step, Error> {
        if error.kind() == io::ErrorKind::WouldBlock {
            return Ok(Step::WouldBlock);
        }
        // The session remembers the code that an `io::Error` has lost.
        let source =
            ssh2::Error::last_session_error(self.link.session()).unwrap_or_else(ssh2::Error::unknown);
        Err(session_error(DOING)(source))
    }
}

impl HalfDone {
    /// Whether there is something to send, begun or not.
    fn waits(&self) -> bool {
        !self.write.is_empty() || self.resize.is_some()
    }

    /// Whether a part of it may be on its way.
    fn sends(&self) -> bool {
        self.write_begun || self.resize.is_some()
    }
}

fn take_chunk(out: &mut BytesMut) -> Bytes {
    out.split_to(out.len().min(Limits::CHANNEL_BYTES_MAX)).freeze()
}
