//! Why a session ends: codes for machines, words for people.

use bytes::{BufMut, Bytes};

use super::wire::{Reader, cut, start};
use super::{FAILURE_TEXT_BYTES_MAX, FrameError};

/// Why a connection or a session ends, for a machine and for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    code: u16,
    text: String,
}

/// The codes of a [`Failure`] that this crate and its applications use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureCode {
    /// 1: the client broke the protocol.
    Protocol,
    /// 2: no common version.
    Version,
    /// 3: no input for too long.
    Idle,
    /// 4: the session is too old.
    Expired,
    /// 5: no answer to a ping, or no hello.
    Silent,
    /// 6: the shell was killed by a signal.
    Killed,
    /// 7: the connection to the SSH server broke.
    Lost,
    /// 8: the SSH server could not be reached.
    Unreachable,
    /// 9: the host key of the SSH server was not accepted.
    HostKey,
    /// 10: the SSH server refused the credentials.
    Login,
    /// 11: the user may not open this shell.
    NotAllowed,
    /// 12: the server is being shut down.
    Shutdown,
    /// 13: another tab or device took the session; do not reconnect by yourself.
    Replaced,
    /// 14: somebody ended this connection.
    Kicked,
    /// 15: a limit of sessions or memory is reached; try later.
    Busy,
    /// 16: the ticket is unknown, used or expired; fetch a new one.
    Ticket,
    /// 17: there is no such session to resume, or it is over.
    Gone,
    /// 18: the recording failed, and it is required.
    Recording,
    /// 19: a rule for commands ended the session.
    Denied,
    /// 20: too many failed logins; wait.
    Throttled,
    /// 21: the target is not on the list.
    Target,
}

impl FailureCode {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::Protocol => 1,
            Self::Version => 2,
            Self::Idle => 3,
            Self::Expired => 4,
            Self::Silent => 5,
            Self::Killed => 6,
            Self::Lost => 7,
            Self::Unreachable => 8,
            Self::HostKey => 9,
            Self::Login => 10,
            Self::NotAllowed => 11,
            Self::Shutdown => 12,
            Self::Replaced => 13,
            Self::Kicked => 14,
            Self::Busy => 15,
            Self::Ticket => 16,
            Self::Gone => 17,
            Self::Recording => 18,
            Self::Denied => 19,
            Self::Throttled => 20,
            Self::Target => 21,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Protocol => "the client broke the protocol: reload the page",
            Self::Version => "the client is too old: reload the page",
            Self::Idle => "there was no input for too long",
            Self::Expired => "the session reached its longest duration",
            Self::Silent => "the browser did not answer",
            Self::Killed => "the shell was killed by a signal",
            Self::Lost => "the connection to the server broke",
            Self::Unreachable => "the server could not be reached",
            Self::HostKey => "the host key of the server was not accepted",
            Self::Login => "the server refused the credentials",
            Self::NotAllowed => "this shell is not open to you",
            Self::Shutdown => "the service is being restarted: connect again",
            Self::Replaced => "the session went on in another tab or on another device",
            Self::Kicked => "the connection was ended by an administrator",
            Self::Busy => "there is no room for another session: try again later",
            Self::Ticket => "the ticket is not valid any more: open the terminal again",
            Self::Gone => "the session is over: open a new one",
            Self::Recording => "the session could not be recorded any longer",
            Self::Denied => "a command was not allowed",
            Self::Throttled => "there were too many failed logins: try again later",
            Self::Target => "this server is not open to you",
        }
    }
}

impl Failure {
    /// A failure with the standard words of its code.
    #[must_use]
    pub fn new(code: FailureCode) -> Self {
        Self { code: code.number(), text: code.words().to_owned() }
    }

    /// A failure with other words, cut to [`FAILURE_TEXT_BYTES_MAX`] bytes at a character.
    #[must_use]
    pub fn with_text(code: FailureCode, text: &str) -> Self {
        Self { code: code.number(), text: cut(text, FAILURE_TEXT_BYTES_MAX).to_owned() }
    }

    /// The number on the wire; a newer server may send one that [`FailureCode`] lacks.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The words for a person.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn encode(&self, kind: u8) -> Bytes {
        let mut frame = start(kind, 2 + self.text.len());
        frame.put_u16(self.code);
        frame.put_slice(self.text.as_bytes());
        frame.freeze()
    }

    pub(super) fn decode(mut body: Reader<'_>) -> Result<Self, FrameError> {
        let code = body.u16()?;
        let text = body.tail(FAILURE_TEXT_BYTES_MAX)?;
        let text = std::str::from_utf8(text).map_err(|_| FrameError::Text)?;
        Ok(Self { code, text: text.to_owned() })
    }
}
