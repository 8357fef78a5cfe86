//! The hub: all sessions of a service, who may reach them, and how much they may use.
//!
//! An application admits its user, asks for a [`Ticket`](crate::ticket::Ticket), and gives it to the page. The page opens a
//! WebSocket and shows the ticket in its first frame; [`Hub::serve`] does the rest: a new session, a
//! running one taken over from another device, or one to watch. A browser that was cut off comes back with
//! the resume token of its session and goes on where it was.
//!
//! Tickets and tokens are kept as SHA-256 only. Every session reserves its worst case of memory before
//! it opens; where none is left, the answer is
//! [`FailureCode::Busy`](crate::frame::FailureCode::Busy).

mod budget;
mod handshake;
mod late;
mod limits;
mod line;
mod opening;
mod registry;
mod talk;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use limits::HubLimits;

use crate::bridge::{CloseReason, ConnectionId};
use crate::error::{Error, Inner};
use crate::frame::Failure;
use crate::pump::{FrameSink, FrameSource, SessionOptions, SessionStatus, farewell};
use crate::ssh::Shell;
use crate::ticket::{Grant, Issue, SessionId};
use crate::{BoxFuture, Dialogue, WinSize};
use handshake::Admitted;
use registry::Registry;

/// Opens shells for a hub: the application's part.
pub trait Opener<T>: Send + Sync {
    /// Opens a shell on `target` for `user`. Questions of the server go to the browser through `dialogue`.
    /// The future is dropped when the browser leaves or the time is up.
    ///
    /// # Errors
    /// The failure is what the browser is told.
    fn open<'a>(
        &'a self,
        user: &'a str,
        target: &'a T,
        size: WinSize,
        dialogue: &'a dyn Dialogue,
    ) -> BoxFuture<'a, Result<Opened, Failure>>;
}

/// What an [`Opener`] has opened.
#[derive(Debug)]
pub struct Opened {
    /// The shell.
    pub shell: Shell,
    /// What its session does beside its work.
    pub options: SessionOptions,
}

/// A shell without anything beside it.
impl From<Shell> for Opened {
    fn from(shell: Shell) -> Self {
        Self { shell, options: SessionOptions::default() }
    }
}

/// A session as an administrator sees it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionView<T> {
    /// Its number.
    pub id: SessionId,
    /// Whose it is.
    pub user: String,
    /// Where it leads.
    pub target: Arc<T>,
    /// How it stands.
    pub status: SessionStatus,
}

/// All sessions of a service. Clones are the same hub. `T` is the application's description of a target.
///
/// ```
/// use bytes::Bytes;
/// use webssh_core::edge::duplex;
/// use webssh_core::frame::{ClientFrame, Failure, Hello, Opening, ServerFrame, TicketText};
/// use webssh_core::hub::{Hub, HubLimits, Opened, Opener};
/// use webssh_core::pump::{FrameSink, FrameSource, Incoming};
/// use webssh_core::ssh::Shell;
/// use webssh_core::ticket::{Grant, Issue, Purpose};
/// use webssh_core::{BoxFuture, ChannelEnd, Dialogue, WinSize};
///
/// /// A shell that says hello and ends.
/// struct Greeter;
///
/// impl Opener<&'static str> for Greeter {
///     fn open<'a>(
///         &'a self,
///         user: &'a str,
///         target: &'a &'static str,
///         _size: WinSize,
///         _dialogue: &'a dyn Dialogue,
///     ) -> BoxFuture<'a, Result<Opened, Failure>> {
///         Box::pin(async move {
///             let (shell, mut port) = Shell::pair();
///             let words = Bytes::from(format!("hello {user} on {target}"));
///             tokio::spawn(async move {
///                 port.send_output(words).await;
///                 port.finish(ChannelEnd::Exited { status: 0 });
///             });
///             Ok(shell.into())
///         })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let hub = Hub::new(HubLimits::default());
/// let grant = Grant { user: "alice".to_owned(), purpose: Purpose::Open("lab-7") };
/// let Issue::Ticket(ticket) = hub.ticket(grant)? else { unreachable!("nobody else is here") };
///
/// let (near, far) = tokio::io::duplex(4096);
/// let server = tokio::spawn(async move {
///     let (mut source, mut sink) = duplex::split(far);
///     hub.serve(&mut source, &mut sink, &Greeter).await
/// });
/// let (mut source, mut sink) = duplex::split(near);
/// let mut hello = Hello::plain(WinSize::default());
/// hello.opening = Opening::Ticket(TicketText::new(ticket.as_str())?);
/// sink.send(ClientFrame::Hello(hello).encode()).await?;
/// while let Incoming::Frame(frame) = source.recv().await {
///     if let ServerFrame::Data { bytes, .. } = ServerFrame::decode(&frame)? {
///         assert_eq!(&bytes[..], b"hello alice on lab-7");
///         break;
///     }
/// }
/// # drop((source, sink));
/// # server.await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Hub<T>(Arc<Registry<T>>);

impl<T> Hub<T>
where
    T: Send + Sync + 'static,
{
    /// A hub without a session.
    #[must_use]
    pub fn new(limits: HubLimits) -> Self {
        Self(Arc::new(Registry::new(limits)))
    }

    /// A ticket for a user whom the application has admitted. It is good for one connection within
    /// [`TICKET_SECS_MAX`](crate::ticket::TICKET_SECS_MAX).
    ///
    /// # Errors
    /// `Unavailable` when the system gives no random bytes.
    pub fn ticket(&self, grant: Grant<T>) -> Result<Issue, Error> {
        let random = random()?;
        Ok(self.0.issue(random, grant))
    }

    /// Serves one connection from its first frame to its end, and says why it ended. The session goes on
    /// if it can be resumed.
    ///
    /// Check the origin of a WebSocket with [`Origins`](crate::Origins) before it is upgraded. Closing the
    /// connection stays with the caller. Dropping the future detaches it. Needs a tokio runtime with time.
    pub async fn serve(
        &self,
        source: &mut dyn FrameSource,
        sink: &mut dyn FrameSink,
        opener: &dyn Opener<T>,
    ) -> CloseReason {
        self.serve_guest(None, source, sink, opener).await
    }

    /// The same for a connection whose user the application knows, as from the cookie of the WebSocket's request: a
    /// ticket or a resume token that was given to somebody else is refused as
    /// [`FailureCode::NotAllowed`](crate::frame::FailureCode::NotAllowed), so a stolen one is worth nothing.
    pub async fn serve_user(
        &self,
        user: &str,
        source: &mut dyn FrameSource,
        sink: &mut dyn FrameSink,
        opener: &dyn Opener<T>,
    ) -> CloseReason {
        self.serve_guest(Some(user), source, sink, opener).await
    }

    async fn serve_guest(
        &self,
        user: Option<&str>,
        source: &mut dyn FrameSource,
        sink: &mut dyn FrameSink,
        opener: &dyn Opener<T>,
    ) -> CloseReason {
        let _guest = self.0.guest();
        let refused = match handshake::admit(&self.0, user, source, sink).await {
            Ok(Admitted::Attached(place)) => return place.run(source, sink).await,
            Ok(Admitted::Over(reason)) => return reason,
            Ok(Admitted::Open(order)) => match opening::open(&self.0, *order, source, sink, opener).await {
                Ok(reason) => return reason,
                Err(refused) => refused,
            },
            Err(refused) => refused,
        };
        farewell(sink, refused).await
    }

    /// All sessions, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<SessionView<T>> {
        self.0.list(|_| true)
    }

    /// The sessions of one user, the oldest first.
    #[must_use]
    pub fn list_of(&self, user: &str) -> Vec<SessionView<T>> {
        self.0.list(|owner| owner == user)
    }

    /// Ends a session; all its connections are told `failure`. Says whether there was one.
    pub fn kick(&self, id: SessionId, failure: Failure) -> bool {
        let session = self.0.session(id);
        session.inspect(|session| session.close(CloseReason::Kicked(failure))).is_some()
    }

    /// Sends one connection away; an owner's resume token is void from then on. Says whether it was there.
    pub fn kick_connection(&self, id: SessionId, connection: ConnectionId, failure: Failure) -> bool {
        self.0.kick_connection(id, connection, failure)
    }

    /// The bytes that all sessions have reserved by now.
    #[must_use]
    pub fn bytes_reserved(&self) -> u64 {
        self.0.bytes_reserved()
    }

    /// Ends everything: each connection is told, nothing new is taken. Returns when every session has
    /// ended and every [`serve`](Self::serve) has returned, within seconds if they are polled.
    pub async fn shutdown(&self) {
        for session in self.0.close() {
            session.close(CloseReason::Shutdown);
        }
        self.0.emptied().await;
    }
}

impl<T> Clone for Hub<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Hub<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

/// Random bytes from the system, for tickets and tokens.
fn random() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|source| Inner::Random { source })?;
    Ok(bytes)
}

fn secs(number: u32) -> Duration {
    Duration::from_secs(number.into())
}
