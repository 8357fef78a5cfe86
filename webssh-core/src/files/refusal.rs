//! What a server, or a limit, says no to. An expected no is a value.

use std::fmt;

use super::packet::{Status, StatusCode};
use crate::error::{Error, quoted};

/// What came of a request. Both have to be looked at, so none can be added without a new version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Reply<T> {
    /// It was done.
    Done(T),
    /// It was not done.
    Refused(Refusal),
}

/// Why something was not done, in words for a person by `Display`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A part of the path is not there, or is no folder.
    NotFound,
    /// The account may not.
    Denied,
    /// The name is taken: choose another, or replace what is there.
    Exists,
    /// The folder has something in it: remove that first.
    NotEmpty,
    /// A folder, a device or the like where a regular file is needed.
    NotAFile,
    /// The file has more bytes than it may.
    TooLarge {
        /// How many it may have.
        bytes_max: u64,
    },
    /// As many transfers are open as may be, or one to the same file: end one first.
    Busy,
    /// An upload has other bytes than were announced; what came is kept, so it can be gone on with.
    Incomplete {
        /// Bytes at the server.
        bytes: u64,
        /// Bytes that should be there.
        bytes_expected: u64,
    },
    /// The server cannot do that.
    Unsupported,
    /// Another reason: a full disk, a name that is too long, a file system that is read-only.
    Failed {
        /// The server's own words, escaped and cut.
        words: String,
    },
}

impl<T> Reply<T> {
    /// What was done, or why not.
    ///
    /// # Errors
    /// The refusal.
    pub fn done(self) -> Result<T, Refusal> {
        match self {
            Self::Done(done) => Ok(done),
            Self::Refused(refusal) => Err(refusal),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such file or folder"),
            Self::Denied => f.write_str("the account may not do that"),
            Self::Exists => f.write_str("the name is taken"),
            Self::NotEmpty => f.write_str("the folder is not empty"),
            Self::NotAFile => f.write_str("it is not a regular file"),
            Self::TooLarge { bytes_max } => write!(f, "the file is over the limit of {bytes_max} bytes"),
            Self::Busy => f.write_str("too many transfers are open, or one to the same file"),
            Self::Incomplete { bytes, bytes_expected } => {
                write!(f, "{bytes} bytes came where {bytes_expected} were announced")
            }
            Self::Unsupported => f.write_str("the server cannot do that"),
            Self::Failed { words } => write!(f, "the server failed: {words}"),
        }
    }
}

impl From<&Status> for Refusal {
    fn from(status: &Status) -> Self {
        match status.code {
            StatusCode::NO_SUCH_FILE => Self::NotFound,
            StatusCode::PERMISSION_DENIED => Self::Denied,
            StatusCode::OP_UNSUPPORTED => Self::Unsupported,
            _ => Self::Failed { words: quoted(&String::from_utf8_lossy(&status.words)) },
        }
    }
}

/// Why a request of several steps goes no further.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(Refusal),
    Broken(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The steps are over: a refusal is an answer, anything else an error.
pub(super) fn replied<T>(steps: Result<T, Stop>) -> Result<Reply<T>, Error> {
    match steps {
        Ok(done) => Ok(Reply::Done(done)),
        Err(Stop::Refused(refusal)) => Ok(Reply::Refused(refusal)),
        Err(Stop::Broken(error)) => Err(error),
    }
}
