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
    /// Something that was stored is not as it was written.
    Corrupt,
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
    #[error("the policy has more than {entries_max} entries: list networks or names below a domain")]
    TooManyTargets { entries_max: usize },
    #[error("`allow_private` follows a name or names: a network says itself what it opens")]
    NothingPrivate,
    #[error("the ssh server asks more than {prompts_max} questions at once")]
    TooManyPrompts { prompts_max: usize },
    #[cfg(feature = "pump")]
    #[error("host `{host}` could not be looked up")]
    Lookup { host: String, source: std::io::Error },
    #[cfg(feature = "pump")]
    #[error("host `{host}` was not looked up in time: check the resolver, or allow more time")]
    LookupLate { host: String },
    #[cfg(feature = "pump")]
    #[error("the store of host keys failed while {doing}")]
    HostStore { doing: &'static str, source: std::io::Error },
    #[cfg(feature = "pump")]
    #[error("the file of the private key could not be read")]
    KeyFile { source: std::io::Error },
    #[cfg(feature = "pump")]
    #[error("no ssh agent is named in the environment: set SSH_AUTH_SOCK, or give its socket")]
    NoAgent,
    #[error("more than {bytes_max} bytes of input wait for the shell: paste less at once")]
    PresetInput { bytes_max: usize },
    #[error("only ttyd's page has settings")]
    NoSettings,
    #[error("the settings of the page must be a json object")]
    Settings,
    #[error("a preset takes frames of a server only")]
    NoServerFrame { source: crate::frame::FrameError },
    #[error("field `{field}` of the form is not usable: {rule}")]
    FormField { field: String, rule: &'static str },
    #[error("the {part} is not usable: {rule}")]
    Credential { part: &'static str, rule: &'static str },
    #[error("line {line} of the recording is not usable: {rule}")]
    Recording { line: u64, rule: &'static str, source: Option<serde_json::Error> },
    #[error("the audit pattern {pattern} is not usable: {rule}")]
    AuditRule { pattern: String, rule: &'static str },
    #[cfg(feature = "pump")]
    #[error("the recording could not be {doing}")]
    RecordSink { doing: &'static str, source: std::io::Error },
    #[cfg(feature = "pump")]
    #[error("the recording could not keep up with the session: use a faster sink or a longer queue")]
    RecordingOverrun,
    #[cfg(feature = "pump")]
    #[error("the recording reached its largest size of {bytes_max} bytes: allow more, or shorter sessions")]
    RecordingFull { bytes_max: u64 },
    #[error("{bytes} bytes of shell output were given where {room} fit: ask `wants_channel_read` first")]
    NoRoom { bytes: usize, room: usize },
    #[cfg(feature = "pump")]
    #[error("an input of {bytes} bytes is over the limit of {bytes_max}: split it")]
    InputTooLarge { bytes: usize, bytes_max: usize },
    #[cfg(feature = "pump")]
    #[error("the shell has ended: open a new one")]
    ShellEnded,
    #[cfg(feature = "pump")]
    #[error("the path {path} is not usable: {rule}")]
    FilePath { path: String, rule: &'static str },
    #[cfg(feature = "pump")]
    #[error("the sftp server broke the protocol")]
    Sftp { source: crate::files::Fault },
    #[cfg(feature = "pump")]
    #[error("the sftp server ended {how}: check that the account may use sftp, and open a new session")]
    SftpEnded { how: String },
    #[cfg(feature = "pump")]
    #[error("the sftp server did not answer for {secs} seconds")]
    SftpUnanswered { secs: u64 },
    #[cfg(feature = "pump")]
    #[error("nothing was asked for {secs} seconds")]
    FilesIdle { secs: u64 },
    #[cfg(feature = "pump")]
    #[error("the session of files has ended: open a new one")]
    FilesEnded { source: Option<std::sync::Arc<Error>> },
    #[cfg(feature = "pump")]
    #[error("the system gave no random bytes")]
    Random { source: getrandom::Error },
    #[error("origin {value} is not usable: write it as `https://host` or `https://host:port`")]
    Origin { value: String },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error("the terminal type {term} is not usable: it must be 1 to 64 visible ascii characters")]
    Term { term: String },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error("the command is not usable: it must have 1 to {bytes_max} bytes and no NUL")]
    Command { bytes_max: usize },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error("the chain of jump hosts is too long: use at most {jumps_max}")]
    TooManyJumps { jumps_max: usize },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error(
        "the ssh server was not ready within {secs_max} seconds: check that it is up, or allow more time"
    )]
    Deadline { secs_max: u32 },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error(
        "the ssh server has neither strict key exchange (CVE-2023-48795) nor an aes cipher: update it, or do not demand strict key exchange"
    )]
    NotStrict,
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error("the ssh server did not answer for {secs} seconds")]
    Unanswered { secs: u64, source: Option<std::io::Error> },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error("the ssh session reached its limit {name}: open a new one, or allow more")]
    Spent { name: &'static str },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error("the ssh agent could not be used while {doing}: check its socket, and that it runs")]
    Agent { doing: &'static str, source: Box<dyn StdError + Send + Sync> },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error("the jump host {target} could not be used")]
    Jump { target: String, source: Error },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error("the jump host did not open a way to the server: check that it may, and that the server is up")]
    NotForwarded { source: Error },
    #[cfg(feature = "ssh2")]
    #[error("the greeting of the ssh server is not usable: {0}")]
    Greeting(&'static str),
    #[cfg(feature = "ssh2")]
    #[error(
        "libssh2 {found} is linked, but 1.11.2 is the oldest safe one: build the bundled source, without LIBSSH2_SYS_USE_PKG_CONFIG"
    )]
    LibraryTooOld { found: String },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error("the ssh server could not be reached while {doing}")]
    Socket { doing: &'static str, source: std::io::Error },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
    #[error("the ssh session failed while {doing}")]
    Session { doing: &'static str, kind: ErrorKind, source: Box<dyn StdError + Send + Sync> },
    #[cfg(any(feature = "ssh2", feature = "russh"))]
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
            | Inner::TooManyTargets { .. }
            | Inner::Settings
            | Inner::FormField { .. }
            | Inner::AuditRule { .. }
            | Inner::Credential { .. } => ErrorKind::InvalidInput,
            Inner::TooManyPrompts { .. } | Inner::PresetInput { .. } => ErrorKind::PeerMisbehaved,
            Inner::NothingPrivate | Inner::NoSettings | Inner::NoServerFrame { .. } => ErrorKind::Misuse,
            #[cfg(feature = "pump")]
            Inner::FilePath { .. } => ErrorKind::InvalidInput,
            #[cfg(feature = "pump")]
            Inner::Sftp { .. } => ErrorKind::PeerMisbehaved,
            #[cfg(feature = "pump")]
            Inner::SftpEnded { .. } | Inner::SftpUnanswered { .. } | Inner::FilesIdle { .. } => {
                ErrorKind::Unavailable
            }
            #[cfg(feature = "pump")]
            Inner::FilesEnded { source } => {
                source.as_ref().map_or(ErrorKind::Unavailable, |source| source.kind())
            }
            #[cfg(feature = "pump")]
            Inner::NoAgent => ErrorKind::Misuse,
            #[cfg(feature = "pump")]
            Inner::Lookup { .. }
            | Inner::LookupLate { .. }
            | Inner::HostStore { .. }
            | Inner::KeyFile { .. } => ErrorKind::Unavailable,
            Inner::Recording { .. } => ErrorKind::Corrupt,
            #[cfg(feature = "pump")]
            Inner::RecordSink { .. } | Inner::RecordingOverrun | Inner::RecordingFull { .. } => {
                ErrorKind::Unavailable
            }
            Inner::NoRoom { .. } => ErrorKind::Misuse,
            Inner::Origin { .. } => ErrorKind::InvalidInput,
            #[cfg(feature = "pump")]
            Inner::Random { .. } => ErrorKind::Unavailable,
            #[cfg(feature = "pump")]
            Inner::InputTooLarge { .. } => ErrorKind::InvalidInput,
            #[cfg(any(feature = "ssh2", feature = "russh"))]
            Inner::Term { .. } | Inner::Command { .. } => ErrorKind::InvalidInput,
            #[cfg(feature = "pump")]
            Inner::ShellEnded => ErrorKind::Unavailable,
            #[cfg(any(feature = "ssh2", feature = "russh"))]
            Inner::Socket { .. }
            | Inner::Deadline { .. }
            | Inner::Unanswered { .. }
            | Inner::Spent { .. }
            | Inner::NotForwarded { .. }
            | Inner::Agent { .. }
            | Inner::Cancelled { .. } => ErrorKind::Unavailable,
            #[cfg(any(feature = "ssh2", feature = "russh"))]
            Inner::NotStrict => ErrorKind::PeerMisbehaved,
            #[cfg(feature = "ssh2")]
            Inner::Greeting(_) => ErrorKind::PeerMisbehaved,
            #[cfg(any(feature = "ssh2", feature = "russh"))]
            Inner::TooManyJumps { .. } => ErrorKind::Misuse,
            #[cfg(any(feature = "ssh2", feature = "russh"))]
            Inner::Jump { source, .. } => source.kind(),
            #[cfg(any(feature = "ssh2", feature = "russh"))]
            Inner::Session { kind, .. } => *kind,
            #[cfg(feature = "ssh2")]
            Inner::LibraryTooOld { .. } => ErrorKind::Misuse,
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
