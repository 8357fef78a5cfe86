//! How a shell ends and why a bridge closes.

use std::io;
use std::sync::Arc;

use crate::Error;
use crate::frame::{Failure, FailureCode, FrameError, Role, ServerFrame};

/// How the shell at the far end came to its end.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelEnd {
    /// It ended by itself (RFC 4254, section 6.10).
    #[error("the shell ended with status {status}")]
    Exited {
        /// Its exit status.
        status: u32,
    },
    /// It was killed (RFC 4254, section 6.10).
    #[error("the shell was killed by signal {signal}")]
    Killed {
        /// The name of the signal without `SIG`: letters, digits, `-`, `@` and `.` only.
        signal: String,
    },
    /// The connection to it broke.
    #[error("the connection to the shell broke")]
    Lost(#[source] Arc<Error>),
}

/// Why a session or one of its connections closed: for the audit log, and to choose the close code of a
/// WebSocket.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The shell ended, and the browser took all its output.
    #[error("the shell ended")]
    Ended(#[source] ChannelEnd),
    /// The shell ended, and the browser did not take its last output in time.
    #[error("the shell ended and the browser did not take its last output")]
    Undrained(#[source] ChannelEnd),
    /// The browser closed the connection.
    #[error("the browser closed the connection")]
    PeerClosed,
    /// The browser said no hello, or did not answer a ping.
    #[error("the browser did not answer in time")]
    PeerSilent,
    /// The connection to the browser broke.
    #[error("the connection to the browser broke: {0}")]
    TransportFailed(io::ErrorKind),
    /// There was no user input for `idle_secs_max`.
    #[error("there was no input for too long")]
    Idle,
    /// The session reached `absolute_secs_max`.
    #[error("the session reached its longest duration")]
    Expired,
    /// The browser broke the protocol.
    #[error("the browser broke the protocol")]
    Protocol(#[source] ProtocolError),
    /// The owner ended the session.
    #[error("the owner ended the session")]
    Left,
    /// Another connection became the owner.
    #[error("another tab or device took the session")]
    Replaced,
    /// The owner did not come back for `detached_secs_max`.
    #[error("the owner did not come back in time")]
    Detached,
    /// The application ended it, and said this to the browser.
    #[error("the application ended it with code {}", .0.code())]
    Kicked(Failure),
    /// The connection was not let in, and was told this.
    #[error("the connection was refused with code {}", .0.code())]
    Refused(Failure),
    /// The service is being shut down.
    #[error("the service is being shut down")]
    Shutdown,
    /// The recording failed, and it is required.
    #[error("the recording failed and is required")]
    Recording,
    /// A rule for commands ended the session.
    #[error("a rule for commands ended the session")]
    Denied,
}

/// How a browser broke the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The bytes are no frame.
    #[error("the bytes are no frame")]
    Frame(#[source] FrameError),
    /// A text message came; the wire is binary.
    #[error("a text message came on a binary wire")]
    Text,
    /// Another frame came before `Hello`.
    #[error("another frame came before the hello")]
    HelloExpected,
    /// A frame came before the `Welcome` that it has to wait for.
    #[error("a frame came before the welcome")]
    WelcomeExpected,
    /// A second `Hello` came.
    #[error("a second hello came")]
    HelloTwice,
    /// The client speaks no version that the server speaks.
    #[error("wire version {0} is not spoken here")]
    Version(u8),
    /// An `Input` frame does not continue the one before it.
    #[error("input byte {found} came where byte {expected} was next")]
    InputOutOfOrder {
        /// The number that had to come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// More unacknowledged input than the `Welcome` allowed.
    #[error("there is more unacknowledged input than allowed")]
    InputOverrun,
    /// An `Ack` counts bytes that were never sent.
    #[error("an acknowledgement is ahead of what was sent")]
    AckBeyondSent,
    /// An `Ack` is lower than the one before it.
    #[error("an acknowledgement goes back")]
    AckGoingBack,
    /// A `Pong` answers no `Ping`.
    #[error("a pong answers no ping")]
    StrayPong,
    /// An `Answer` or a `HostAnswer` answers nothing.
    #[error("an answer came that was not asked for")]
    StrayAnswer,
    /// A resuming client counts bytes that the shell never wrote.
    #[error("a client resumes ahead of the output")]
    ResumeBeyondSent,
    /// An observer typed, resized or left for all.
    #[error("an observer did what only the owner may")]
    ReadOnly,
}

impl CloseReason {
    /// The last frame for a browser, where one makes sense.
    pub(crate) fn farewell(&self, role: Role) -> Option<ServerFrame> {
        let code = match self {
            Self::Ended(end) | Self::Undrained(end) => match end {
                ChannelEnd::Exited { status } => return Some(ServerFrame::Exit { status: *status }),
                ChannelEnd::Killed { .. } => FailureCode::Killed,
                ChannelEnd::Lost(_) => FailureCode::Lost,
            },
            Self::PeerClosed | Self::TransportFailed(_) | Self::Left | Self::Detached => {
                return (role == Role::Observer).then(session_over);
            }
            Self::PeerSilent => FailureCode::Silent,
            Self::Idle => FailureCode::Idle,
            Self::Expired => FailureCode::Expired,
            Self::Protocol(ProtocolError::Version(_)) => FailureCode::Version,
            Self::Protocol(_) => FailureCode::Protocol,
            Self::Replaced => FailureCode::Replaced,
            Self::Kicked(failure) | Self::Refused(failure) => {
                return Some(ServerFrame::Failure(failure.clone()));
            }
            Self::Shutdown => FailureCode::Shutdown,
            Self::Recording => FailureCode::Recording,
            Self::Denied => FailureCode::Denied,
        };
        Some(ServerFrame::Failure(Failure::new(code)))
    }
}

/// What those hear who did not end the session themselves.
fn session_over() -> ServerFrame {
    ServerFrame::Failure(Failure::with_text(FailureCode::Gone, "the session was ended by its owner"))
}
