//! The pump: drives a [`Bridge`] between a browser's connection and a [`Shell`], over tokio.
//!
//! It does not know WebSockets: an application implements [`FrameSource`] and [`FrameSink`] for the two
//! halves of the connection of its own web framework, in a few lines.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::bridge::{Action, Bridge, ChannelEnd, CloseReason};
use crate::ssh::{Output, Shell, ShellInput, ShellOutput};

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How long the last frames may take to leave, also when the transport has been stuck before.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// The half of a browser's connection that receives messages.
pub trait FrameSource: Send {
    /// Waits for the next message. The future may be dropped while it waits: no message may be lost by
    /// that. Messages of the transport itself (WebSocket ping and pong) are not reported.
    fn recv(&mut self) -> BoxFuture<'_, Incoming>;
}

/// The half of a browser's connection that sends messages.
pub trait FrameSink: Send {
    /// Sends one binary message, and waits while the transport is full.
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, io::Result<()>>;
}

/// What came from a browser.
#[derive(Debug)]
pub enum Incoming {
    /// A binary message.
    Frame(Bytes),
    /// A text message, which the wire does not have.
    Text,
    /// The browser closed the connection.
    Closed,
    /// The connection broke.
    Failed(io::Error),
}

/// Runs one session to its end and says why it ended. The shell is closed when this returns, or when
/// its future is dropped; closing the connection to the browser stays with the caller.
///
/// The time of `bridge` goes on from its [`started`](Bridge::started). Needs a tokio runtime with time.
pub async fn run(
    bridge: Bridge,
    source: &mut dyn FrameSource,
    sink: &mut dyn FrameSink,
    shell: Shell,
) -> CloseReason {
    let (frames, mut queue) = mpsc::channel::<Bytes>(1);
    let writer = async move {
        while let Some(frame) = queue.recv().await {
            sink.send(frame).await?;
        }
        Ok(())
    };
    tokio::pin!(writer);
    let mut pump = Pump::new(bridge, shell);
    loop {
        if let Some(reason) = pump.dispatch(&frames) {
            // The reason stands, whether or not the last frames still reach the browser.
            let _flushed =
                timeout(FLUSH_MAX, async { tokio::join!(hand_over(pump.frames, frames), writer) }).await;
            return reason;
        }
        tokio::select! {
            sent = &mut writer => return transport_end(sent),
            incoming = source.recv() => match incoming {
                Incoming::Closed => return CloseReason::PeerClosed,
                Incoming::Failed(error) => return CloseReason::TransportFailed(error.kind()),
                Incoming::Frame(frame) => pump.bridge.on_frame(pump.clock.now(), &frame),
                Incoming::Text => pump.bridge.on_text(),
            },
            () = pump.step(&frames) => {}
        }
    }
}

/// The state of one run.
struct Pump {
    bridge: Bridge,
    clock: Clock,
    input: ShellInput,
    output: ShellOutput,
    /// Input on its way to the shell; the window of the bridge bounds it.
    writes: VecDeque<Bytes>,
    /// The one frame that waits for the writer. Only a farewell may stand behind it.
    frames: VecDeque<Bytes>,
}

/// The time of a bridge.
struct Clock {
    epoch: Instant,
    started: Duration,
}

impl Clock {
    fn now(&self) -> Duration {
        self.started + self.epoch.elapsed()
    }

    fn at(&self, time: Duration) -> Instant {
        self.epoch + time.saturating_sub(self.started)
    }
}

impl Pump {
    fn new(bridge: Bridge, shell: Shell) -> Self {
        let clock = Clock { epoch: Instant::now(), started: bridge.started() };
        let (input, output) = shell.split();
        Self { bridge, clock, input, output, writes: VecDeque::new(), frames: VecDeque::new() }
    }

    /// Does all that can be done without waiting; gives the reason when the session is over.
    fn dispatch(&mut self, frames: &mpsc::Sender<Bytes>) -> Option<CloseReason> {
        loop {
            if let Some(frame) = self.frames.pop_front()
                && let Err(mpsc::error::TrySendError::Full(frame)) = frames.try_send(frame)
            {
                self.frames.push_front(frame);
            }
            // While a frame waits, only the shell's side may be asked for more. The end of the session
            // does not wait: a transport that is stuck would keep it from ending.
            let waits = !self.frames.is_empty() && !self.bridge.is_closing();
            let action = if waits { self.bridge.poll_channel() } else { self.bridge.poll() };
            match action? {
                Action::WriteChannel(bytes) => self.writes.push_back(bytes),
                Action::ResizeChannel(size) => self.input.resize(size),
                Action::SendFrame(frame) => self.frames.push_back(frame),
                Action::Close(reason) => return Some(reason),
            }
        }
    }

    /// Waits for one thing other than the browser's messages, and lets the bridge know.
    async fn step(&mut self, frames: &mpsc::Sender<Bytes>) {
        let wake_at = self.bridge.wake_at().map(|at| self.clock.at(at));
        let output = tokio::select! {
            output = self.output.recv(), if self.bridge.wants_channel_read() => output,
            permit = self.input.permit(), if !self.writes.is_empty() => {
                // A shell that has ended takes nothing more; its end comes as output.
                if let Some(bytes) = self.writes.pop_front() {
                    self.bridge.on_channel_written(bytes.len());
                    if let Some(permit) = permit {
                        permit.send(bytes);
                    }
                }
                return;
            }
            permit = frames.reserve(), if !self.frames.is_empty() => {
                if let (Ok(permit), Some(frame)) = (permit, self.frames.pop_front()) {
                    permit.send(frame);
                }
                return;
            }
            () = sleep_until(wake_at.unwrap_or_else(Instant::now)), if wake_at.is_some() => {
                self.bridge.on_tick(self.clock.now());
                return;
            }
            else => return std::future::pending().await,
        };
        self.on_output(output);
    }

    fn on_output(&mut self, output: Output) {
        let now = self.clock.now();
        match output {
            Output::Bytes(bytes) => {
                // `wants_channel_read` leaves room for any chunk of a shell, so this does not fail.
                if let Err(error) = self.bridge.on_channel(now, &bytes) {
                    self.bridge.on_channel_closed(now, ChannelEnd::Lost(Arc::new(error)));
                }
            }
            Output::Ended(end) => self.bridge.on_channel_closed(now, end),
        }
    }
}

/// Gives the last frames to the writer, which ends after them.
async fn hand_over(last: VecDeque<Bytes>, frames: mpsc::Sender<Bytes>) {
    for frame in last {
        if frames.send(frame).await.is_err() {
            return;
        }
    }
}

/// The writer ends early only when the transport broke.
fn transport_end(sent: io::Result<()>) -> CloseReason {
    match sent {
        Err(error) => CloseReason::TransportFailed(error.kind()),
        Ok(()) => CloseReason::PeerClosed,
    }
}
