//! The one error of this crate: opaque outside, a private enum inside.

use std::error::Error as StdError;
use std::fmt;

/// Something broke, or a value given to this crate was not usable.
///
/// An expected refusal (an unknown host key, a wrong password, a target that is not on the list) is
/// not an error: it is a value of [`Admission`](crate::Admission) or of the `Connected` enum.
///
/// ```
/// use webssh_core::{ErrorKind, WinSize};
///
/// let error = WinSize::new(0, 24).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert!(!error.is_transient());
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

/// Who has to act on an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value given by the caller is not usable: correct it.
    InvalidInput,
    /// The SSH server broke the protocol, or offers nothing that is safe.
    PeerMisbehaved,
    /// The server or the network is not there now: try again later.
    Unavailable,
    /// The calling program used this crate against its documentation.
    Misuse,
}

/// The variants behind [`Error`]. Words are lower case, input stands in backticks and is escaped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Inner {
    #[error("terminal size {cols}x{rows} is out of range: both numbers must be from 1 to 1000")]
    WinSize { cols: u16, rows: u16 },
    #[error("limit {name} is out of range: {rule}")]
    Limit { name: &'static str, rule: &'static str },
    #[error("{part} {value} of the ssh target is not usable: {rule}")]
    Target { part: &'static str, value: String, rule: &'static str },
    #[error("the ssh host key is not usable: {0}")]
    HostKey(&'static str),
    #[error("the known_hosts text has {bytes} bytes, over the limit of {bytes_max}")]
    KnownHostsTooLarge { bytes: usize, bytes_max: usize },
    #[error("the {part} is not usable: {rule}")]
    Credential { part: &'static str, rule: &'static str },
    #[error("{bytes} bytes of shell output were given where {room} fit: ask `wants_channel_read` first")]
    NoRoom { bytes: usize, room: usize },
    #[cfg(feature = "pump")]
    #[error("an input of {bytes} bytes is over the limit of {bytes_max}: split it")]
    InputTooLarge { bytes: usize, bytes_max: usize },
    #[cfg(feature = "pump")]
    #[error("the shell has ended: open a new one")]
    ShellEnded,
    #[cfg(feature = "ssh2")]
    #[error(
        "libssh2 {found} is linked, but 1.11.2 is the oldest safe one: build the bundled source, without LIBSSH2_SYS_USE_PKG_CONFIG"
    )]
    LibraryTooOld { found: String },
    #[cfg(feature = "ssh2")]
    #[error(
        "address {addr} does not belong to target {target}: resolve the target and pass one of its addresses"
    )]
    WrongAddress { addr: std::net::SocketAddr, target: String },
    #[cfg(feature = "ssh2")]
    #[error("the ssh server could not be reached while {doing}")]
    Socket { doing: &'static str, source: std::io::Error },
    #[cfg(feature = "ssh2")]
    #[error(
        "the ssh server was not ready within {secs_max} seconds: check that it is up, or allow more time"
    )]
    Deadline { secs_max: u32 },
    #[cfg(feature = "ssh2")]
    #[error("the ssh session failed while {doing}")]
    Session { doing: &'static str, kind: ErrorKind, source: Box<dyn StdError + Send + Sync> },
    #[cfg(feature = "ssh2")]
    #[error("a task of the runtime was cancelled while {doing}")]
    Cancelled { doing: &'static str, source: tokio::task::JoinError },
}

impl Error {
    /// Who has to act.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.0.as_ref() {
            Inner::WinSize { .. }
            | Inner::Limit { .. }
            | Inner::Target { .. }
            | Inner::HostKey(_)
            | Inner::KnownHostsTooLarge { .. }
            | Inner::Credential { .. } => ErrorKind::InvalidInput,
            Inner::NoRoom { .. } => ErrorKind::Misuse,
            #[cfg(feature = "pump")]
            Inner::InputTooLarge { .. } => ErrorKind::InvalidInput,
            #[cfg(feature = "pump")]
            Inner::ShellEnded => ErrorKind::Unavailable,
            #[cfg(feature = "ssh2")]
            Inner::LibraryTooOld { .. } | Inner::WrongAddress { .. } => ErrorKind::Misuse,
            #[cfg(feature = "ssh2")]
            Inner::Socket { .. } | Inner::Deadline { .. } | Inner::Cancelled { .. } => ErrorKind::Unavailable,
            #[cfg(feature = "ssh2")]
            Inner::Session { kind, .. } => *kind,
        }
    }

    /// Whether the same call may succeed later without any change.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.kind() == ErrorKind::Unavailable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl From<Inner> for Error {
    fn from(inner: Inner) -> Self {
        Self(Box::new(inner))
    }
}

/// Outside text for a message: escaped, cut to 80 characters, in backticks.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("`");
    out.extend(text.chars().take(80).flat_map(char::escape_debug));
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out.push('`');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_is_escaped_and_cut() {
        assert_eq!(quoted("a\u{1b}[2Jb\n"), "`a\\u{1b}[2Jb\\n`");
        let long = quoted(&"x".repeat(200));
        assert_eq!(long.chars().count(), 83);
        assert!(long.ends_with("…`"));
    }
}
