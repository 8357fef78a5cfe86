//! The one task that owns an open shell: moves bytes between the line and the pump, watches the server, and
//! ends politely.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use russh::client::Msg;
use russh::{ChannelWriteHalf, Disconnect};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::dial::Session;
use super::fault::Fault;
use super::line::{Stage, count};
use crate::error::{Error, Inner};
use crate::ssh::{ConnectOptions, ShellPort};
use crate::{ChannelEnd, Limits};

/// The largest piece of input; russh queues up to ten of them.
const PIECE_BYTES: usize = 16 * 1024;

/// Input that was handed to russh and has not left yet. Without this limit all that the server's window has
/// room for could pile up.
const UNSENT_BYTES_MAX: u64 = 64 * 1024;

/// What the owner does, for messages.
const DOING: &str = "reading and writing";

/// A message on its way to the session task.
type Sending = Pin<Box<dyn Future<Output = Result<(), russh::Error>> + Send>>;

/// The session, its channel, and what is under way.
pub(super) struct Owner {
    session: Session,
    channel: Arc<ChannelWriteHalf<Msg>>,
    port: ShellPort,
    bounds: Bounds,
    /// Input that has not been handed to russh.
    input: Bytes,
    writing: Option<Sending>,
    resizing: Option<Sending>,
    /// Bytes that have to be on the wire before more input is handed on.
    unsent_until: u64,
    input_bytes: u64,
    /// The session task has ended.
    gone: bool,
}

/// The times and the sum that end a session.
struct Bounds {
    silence_max: Duration,
    unanswered_max: Duration,
    spent_at: Instant,
    bytes_max: u64,
    close_max: Duration,
}

/// Why the loop ends.
enum Stop {
    /// The near half is gone.
    Hangup,
    /// The server said that there is no more output.
    Eof,
    /// The server closed the channel.
    Closed,
    /// The session task has ended.
    Gone,
    Lost(Error),
}

impl Owner {
    pub(super) fn new(
        session: Session,
        channel: ChannelWriteHalf<Msg>,
        port: ShellPort,
        options: &ConnectOptions,
    ) -> Self {
        let bounds = Bounds {
            silence_max: options.probe_after() + options.unanswered_max(),
            unanswered_max: options.unanswered_max(),
            spent_at: Instant::now() + options.session_max(),
            bytes_max: options.session_bytes_max,
            close_max: options.close_max(),
        };
        Self {
            session,
            channel: Arc::new(channel),
            port,
            bounds,
            input: Bytes::new(),
            writing: None,
            resizing: None,
            unsent_until: 0,
            input_bytes: 0,
            gone: false,
        }
    }

    pub(super) async fn run(mut self) {
        let stop = self.serve().await;
        let end = self.finish(stop).await;
        let rest = self.session.line.take_rest();
        let Self { session, mut port, .. } = self;
        drop(session);
        // Whoever types learns of the end at once, also while nobody reads.
        port.input.close();
        port.send_output(rest).await;
        port.finish(end);
    }

    async fn serve(&mut self) -> Stop {
        loop {
            if let Err(stop) = self.hand_on().and_then(|()| self.look()) {
                return stop;
            }
            self.write();
            if let Err(stop) = self.wait().await {
                return stop;
            }
        }
    }

    /// Gives output to the pump while it has a free place.
    fn hand_on(&mut self) -> Result<(), Stop> {
        while self.session.line.has_output() {
            match self.port.output.try_reserve() {
                Ok(permit) => permit.send(self.session.line.take(Limits::CHANNEL_BYTES_MAX)),
                Err(TrySendError::Full(())) => return Ok(()),
                Err(TrySendError::Closed(())) => return Err(Stop::Hangup),
            }
        }
        Ok(())
    }

    /// Looks whether the session has come to an end.
    fn look(&self) -> Result<(), Stop> {
        let line = &self.session.line;
        if line.output_bytes().saturating_add(self.input_bytes) > self.bounds.bytes_max {
            return Err(Stop::Lost(Inner::Spent { name: "session_bytes_max" }.into()));
        }
        match line.stage() {
            Stage::Closed => Err(Stop::Closed),
            Stage::Eof => Err(Stop::Eof),
            Stage::Open if self.gone => Err(Stop::Gone),
            Stage::Open => Ok(()),
        }
    }

    /// Starts to hand on the next piece of input, if what was handed on before has left.
    fn write(&mut self) {
        if self.writing.is_some() || self.input.is_empty() {
            return;
        }
        let line = &self.session.line;
        if self.unsent_until >= UNSENT_BYTES_MAX && !line.await_written(self.unsent_until - UNSENT_BYTES_MAX)
        {
            return;
        }
        let piece = self.input.split_to(self.input.len().min(PIECE_BYTES));
        let bytes = count(piece.len());
        self.unsent_until = self.unsent_until.max(line.written_bytes()).saturating_add(bytes);
        self.input_bytes = self.input_bytes.saturating_add(bytes);
        let channel = Arc::clone(&self.channel);
        self.writing = Some(Box::pin(async move { channel.data_bytes(piece).await }));
    }

    /// Waits until one of the queues, the line or the clock has something to do.
    async fn wait(&mut self) -> Result<(), Stop> {
        let Self { session, channel, port, bounds, input, writing, resizing, gone, .. } = self;
        let Session { handle, line } = session;
        let check_at = line.heard_at().unwrap_or_else(Instant::now) + bounds.silence_max;
        tokio::select! {
            bytes = port.input.recv(), if input.is_empty() => *input = bytes.ok_or(Stop::Hangup)?,
            // Without a near half there is no other size; the next try to take input says so.
            Ok(()) = port.size.changed(), if resizing.is_none() => {
                let size = *port.size.borrow_and_update();
                let channel = Arc::clone(channel);
                *resizing = Some(Box::pin(async move {
                    channel.window_change(size.cols().into(), size.rows().into(), 0, 0).await
                }));
            }
            permit = port.output.reserve(), if line.has_output() => {
                permit.map_err(|_| Stop::Hangup)?.send(line.take(Limits::CHANNEL_BYTES_MAX));
            }
            () = port.output.closed() => return Err(Stop::Hangup),
            () = poll_fn(|cx| line.poll_changed(cx)) => {}
            // A message that does not get through has a session task that ended, which is seen below.
            _sent = arrived(writing), if !*gone => *writing = None,
            _sent = arrived(resizing), if !*gone => *resizing = None,
            _ended = handle, if !*gone => *gone = true,
            () = sleep_until(check_at.min(bounds.spent_at)) => return bounds.check(line.silence()),
        }
        Ok(())
    }

    /// Ends the channel as politely as time allows, and finds out how the shell ended.
    async fn finish(&mut self, stop: Stop) -> ChannelEnd {
        let deadline = Instant::now() + self.bounds.close_max;
        match stop {
            Stop::Lost(error) => return ChannelEnd::Lost(Arc::new(error)),
            Stop::Gone => return self.session.line.exit().unwrap_or_else(|| self.lost()),
            Stop::Closed => {}
            Stop::Eof => self.wait_closed(deadline).await,
            Stop::Hangup => {
                // It is the end of the session that counts, and that is waited for below.
                let _closing = timeout_at(deadline, self.channel.close()).await;
            }
        }
        let shell_ended = matches!(stop, Stop::Eof | Stop::Closed);
        let left = self.leave(deadline).await;
        let exit = self.session.line.exit();
        // Of a shell that has ended only the farewell is missing. A server need not name a status.
        match exit {
            Some(exit) => exit,
            None if left || shell_ended => ChannelEnd::Exited { status: 0 },
            None => {
                let source = io::ErrorKind::TimedOut.into();
                ChannelEnd::Lost(Arc::new(Inner::Socket { doing: "closing the shell", source }.into()))
            }
        }
    }

    /// The exit status comes between the end of the output and the close of the channel.
    async fn wait_closed(&mut self, deadline: Instant) {
        while self.session.line.stage() != Stage::Closed && !self.gone {
            let Session { handle, line } = &mut self.session;
            tokio::select! {
                () = poll_fn(|cx| line.poll_changed(cx)) => {}
                _ended = handle => self.gone = true,
                () = sleep_until(deadline) => return,
            }
        }
    }

    /// Says goodbye; says whether all of it got through in time.
    async fn leave(&mut self, deadline: Instant) -> bool {
        if self.gone {
            return true;
        }
        // Output that nobody takes must not keep the session task from reading its last.
        let farewell = async {
            let said = self.session.handle.disconnect(Disconnect::ByApplication, "", "").await;
            let _ended = (&mut self.session.handle).await;
            said.is_ok()
        };
        let left = timeout_at(deadline, farewell).await;
        self.gone = left.is_ok();
        left.is_ok()
    }

    fn lost(&self) -> ChannelEnd {
        let line = &self.session.line;
        let error = match line.take_timed_out() {
            None => line.take_fault().unwrap_or(Fault::Ended).during(DOING),
            given_up => self.bounds.unanswered(given_up),
        };
        ChannelEnd::Lost(Arc::new(error))
    }
}

impl Bounds {
    /// Called when the clock says that one of them may have been reached.
    fn check(&self, silence: Duration) -> Result<(), Stop> {
        if Instant::now() >= self.spent_at {
            return Err(Stop::Lost(Inner::Spent { name: "session_secs_max" }.into()));
        }
        if silence >= self.silence_max {
            return Err(Stop::Lost(self.unanswered(None)));
        }
        Ok(())
    }

    /// Whoever finds out first that the server does not answer, it is one answer.
    fn unanswered(&self, source: Option<io::Error>) -> Error {
        Inner::Unanswered { secs: self.unanswered_max.as_secs(), source }.into()
    }
}

/// Waits for a message that is on its way; for ever without one.
async fn arrived(sending: &mut Option<Sending>) -> Result<(), russh::Error> {
    match sending {
        Some(sending) => sending.await,
        None => pending().await,
    }
}
