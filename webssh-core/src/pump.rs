//! The pump: drives a [`Bridge`] between browsers' connections and a [`Shell`], over tokio.
//!
//! It does not know WebSockets: [`FrameSource`] and [`FrameSink`] are the two halves of a connection of
//! any transport; the module [`edge`](crate::edge) has ready ones.
//!
//! [`run`] is one connection and one shell that end together. [`session`] is a shell that outlives its
//! connections: they come and go through a [`Session`] handle. The [`hub`](crate::hub) keeps many of them.
//!
//! One task drives the shell, and each connection is driven by the task that called
//! [`Session::attach`]. They meet at a lock that is never held while anything waits. Frames are made
//! when a connection can take one, so nothing queues up, and a connection that is stuck stops itself only.

mod clock;
mod connection;
mod core;
mod driver;
mod hello;
mod hooks;
mod session;
mod shared;

use std::future::Future;
use std::io;
use std::time::Duration;

use bytes::Bytes;

pub(crate) use self::clock::Clock;
pub(crate) use self::connection::{Attachment, farewell};
pub(crate) use self::hello::read_hello;
pub use self::hooks::Reviewer;
pub use self::session::{Session, SessionOptions, SessionStatus};
pub use crate::BoxFuture;
use crate::bridge::{Bridge, CloseReason};
use crate::frame::{Caps, Failure, FailureCode, Opening};
use crate::ssh::Shell;

/// How long the last frames may take to leave, also when the transport has been stuck before.
pub(crate) const FLUSH_MAX: Duration = Duration::from_secs(5);

/// The half of a browser's connection that receives messages.
pub trait FrameSource: Send {
    /// Waits for the next message. The future may be dropped while it waits: no message may be lost by
    /// that. Messages of the transport itself (WebSocket ping and pong) are not reported.
    fn recv(&mut self) -> BoxFuture<'_, Incoming>;
}

/// The half of a browser's connection that sends messages.
pub trait FrameSink: Send {
    /// Sends one binary message, and waits while the transport is full. The pump drops the future before
    /// it is done only when it gives the connection up.
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

/// A session without a connection yet: a handle for connections to come and go by, and the future that
/// drives the shell. Spawn the future; it says why the session ended. The shell is closed when it is done,
/// or dropped.
///
/// The time of `bridge` goes on from its [`started`](Bridge::started). Needs a tokio runtime with time.
///
/// ```
/// use std::time::Duration;
/// use webssh_core::ssh::Shell;
/// use webssh_core::{Bridge, ChannelEnd, CloseReason, Limits, pump};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let (shell, port) = Shell::pair();
/// let bridge = Bridge::new(Limits::default(), Duration::ZERO);
/// let (session, driver) = pump::session(bridge, shell, pump::SessionOptions::default());
/// let driver = tokio::spawn(driver);
/// session.close(CloseReason::Shutdown); // or `session.attach(..)`, once for each connection
/// assert!(matches!(driver.await?, CloseReason::Shutdown));
/// # drop(port);
/// # Ok::<(), tokio::task::JoinError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn session(
    bridge: Bridge,
    shell: Shell,
    options: SessionOptions,
) -> (Session, impl Future<Output = CloseReason> + Send) {
    let (session, driver) = session::start(bridge, shell, options);
    (session, driver.run())
}

/// Runs one session over one connection to its end and says why it ended: the session ends with the
/// connection. The shell is closed when this returns, or when its future is dropped; closing the
/// connection to the browser stays with the caller.
///
/// The application has decided who may have this shell before it calls, so the `Hello` carries no ticket;
/// one with a ticket or a resume token is refused.
///
/// The time of `bridge` goes on from its [`started`](Bridge::started). Needs a tokio runtime with time.
pub async fn run(
    bridge: Bridge,
    source: &mut dyn FrameSource,
    sink: &mut dyn FrameSink,
    shell: Shell,
) -> CloseReason {
    // Before there is an owner, the next deadline is that of the hello.
    let within = bridge.wake_at().map_or(Duration::ZERO, |at| at.saturating_sub(bridge.started()));
    let mut hello = match read_hello(source, within).await {
        Ok(hello) => hello,
        Err(reason) => {
            return farewell(sink, reason).await;
        }
    };
    let refusal = match hello.opening {
        Opening::Plain => None,
        Opening::Ticket(_) => Some(FailureCode::Ticket),
        Opening::Resume { .. } => Some(FailureCode::Gone),
    };
    if let Some(code) = refusal {
        let reason = CloseReason::Refused(Failure::new(code));
        return farewell(sink, reason).await;
    }
    // A session that ends with its connection has nothing to come back to.
    hello.caps = hello.caps.common(Caps::WATCH);
    let (session, driver) = session(bridge, shell, SessionOptions::default());
    let connection = match session.begin_sole(&hello) {
        Ok(attachment) => attachment.run(source, sink),
        Err(over) => return over,
    };
    tokio::pin!(driver, connection);
    tokio::select! {
        reason = &mut connection => reason,
        // The last frames are on their way; the connection ends by itself.
        _ended = &mut driver => connection.await,
    }
}
