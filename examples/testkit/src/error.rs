//! The one error of this package: which program failed, and what to do about it.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a server could not be started, asked or stopped.
///
/// `Debug` prints the same words as `Display` and the causes below them, so that a plain `unwrap` in a test
/// shows the remedy.
///
/// ```
/// use std::time::Duration;
/// use testkit::ErrorKind;
///
/// let late = testkit::until(Duration::from_millis(1), "pigs can fly", || false).unwrap_err();
/// assert_eq!(late.kind(), ErrorKind::PeerMisbehaved);
/// assert_eq!(late.to_string(), "waited 1ms in vain for: pigs can fly");
/// ```
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Repr);

/// Who has to act on an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller passed something that no server can be started with.
    InvalidInput,
    /// A program is not installed, or the machine refused a file, a port or a process.
    Unavailable,
    /// A server ran, and exited, refused a command or never reached the awaited state.
    PeerMisbehaved,
    /// The call does not fit the state: a signal to a server that was stopped before, a file of one that runs.
    Misuse,
}

#[derive(Debug, thiserror::Error)]
enum Repr {
    #[error(
        "`{program}` is not installed; run `apt-get install -y --no-install-recommends {package}`, \
         or leave its tests out with TESTKIT_SKIP"
    )]
    Missing { program: &'static str, package: &'static str },
    #[error("the packages of `{kit}` could not be installed; {remedy}")]
    NotInstalled { kit: &'static str, remedy: &'static str, source: Box<Error> },
    #[error("cannot {doing}")]
    Io { doing: String, source: io::Error },
    #[error("`{program}` ended before it was ready ({status}); its log ends with:\n{log}")]
    Exited { program: &'static str, status: ExitStatus, log: String },
    #[error("`{program}` found its port taken; its log ends with:\n{log}")]
    PortTaken { program: &'static str, log: String },
    #[error("`{program}` was not ready after {waited:?}; its log ends with:\n{log}")]
    NotReady { program: &'static str, waited: Duration, log: String },
    #[error("`{program}` failed ({status}): {output}")]
    Failed { program: &'static str, status: ExitStatus, output: String },
    #[error("waited {waited:?} in vain for: {what}")]
    Late { waited: Duration, what: String },
    #[error("`{program}` is not running; restart it first")]
    NotRunning { program: &'static str },
    #[error("`{program}` sent an unexpected reply: `{reply}`")]
    Unexpected { program: &'static str, reply: String },
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Misused(String),
}

impl Error {
    /// Who has to act.
    pub fn kind(&self) -> ErrorKind {
        match self.0 {
            Repr::Missing { .. } | Repr::NotInstalled { .. } | Repr::Io { .. } | Repr::PortTaken { .. } => {
                ErrorKind::Unavailable
            }
            Repr::Exited { .. }
            | Repr::NotReady { .. }
            | Repr::Failed { .. }
            | Repr::Unexpected { .. }
            | Repr::Late { .. } => ErrorKind::PeerMisbehaved,
            Repr::NotRunning { .. } | Repr::Misused(_) => ErrorKind::Misuse,
            Repr::Invalid(_) => ErrorKind::InvalidInput,
        }
    }

    /// Whether the same call may succeed when it is made again: a port was taken, or a deadline passed.
    pub fn is_transient(&self) -> bool {
        matches!(self.0, Repr::PortTaken { .. } | Repr::NotReady { .. } | Repr::Late { .. })
    }

    pub(crate) fn missing(program: &'static str, package: &'static str) -> Self {
        Self(Repr::Missing { program, package })
    }

    /// `kit` is the folder of a [`crate::ForeignKit`].
    pub(crate) fn not_installed(kit: &'static str, remedy: &'static str, source: Self) -> Self {
        Self(Repr::NotInstalled { kit, remedy, source: Box::new(source) })
    }

    /// `doing` completes the sentence "cannot ...".
    pub(crate) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self(Repr::Io { doing: doing.into(), source })
    }

    pub(crate) fn exited(program: &'static str, status: ExitStatus, log: String) -> Self {
        Self(Repr::Exited { program, status, log })
    }

    pub(crate) fn port_taken(program: &'static str, log: String) -> Self {
        Self(Repr::PortTaken { program, log })
    }

    pub(crate) fn not_ready(program: &'static str, waited: Duration, log: String) -> Self {
        Self(Repr::NotReady { program, waited, log })
    }

    pub(crate) fn failed(program: &'static str, status: ExitStatus, output: String) -> Self {
        Self(Repr::Failed { program, status, output })
    }

    pub(crate) fn late(waited: Duration, what: &str) -> Self {
        Self(Repr::Late { waited, what: what.to_owned() })
    }

    pub(crate) fn not_running(program: &'static str) -> Self {
        Self(Repr::NotRunning { program })
    }

    pub(crate) fn unexpected(program: &'static str, reply: &str) -> Self {
        Self(Repr::Unexpected { program, reply: reply.escape_debug().to_string() })
    }

    pub(crate) fn invalid(words: impl Into<String>) -> Self {
        Self(Repr::Invalid(words.into()))
    }

    pub(crate) fn misuse(words: impl Into<String>) -> Self {
        Self(Repr::Misused(words.into()))
    }

    /// Another process holds the port that was chosen: the start is worth another port.
    pub(crate) fn is_port_taken(&self) -> bool {
        matches!(self.0, Repr::PortTaken { .. })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(below) = cause {
            write!(f, ": {below}")?;
            cause = below.source();
        }
        Ok(())
    }
}
