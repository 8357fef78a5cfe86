//! Why a call for files was not done, in the numbers and words of SFTP.

use std::io;

use bytes::Bytes;
use rustix::io::Errno;
use webssh_core::files::packet::{Answer, Status, StatusCode};

/// Why a call was not done.
#[derive(Clone, Copy)]
pub(super) enum No {
    System(Errno),
    Status(StatusCode, &'static str),
}

impl From<Errno> for No {
    fn from(error: Errno) -> Self {
        Self::System(error)
    }
}

impl From<io::Error> for No {
    fn from(error: io::Error) -> Self {
        Self::System(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

pub(super) const NO_HANDLE: No = No::Status(StatusCode::FAILURE, "there is no such handle");
pub(super) const UNSUPPORTED: No = No::Status(StatusCode::OP_UNSUPPORTED, "not supported");
pub(super) const BAD: No = No::Status(StatusCode::BAD_MESSAGE, "the call is too short");

/// The answer that says so.
pub(super) fn refusal(no: No) -> Answer {
    let (code, words) = match no {
        No::Status(code, words) => (code, words),
        No::System(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
            (StatusCode::NO_SUCH_FILE, "no such file or folder")
        }
        No::System(Errno::ACCESS | Errno::PERM | Errno::ROFS) => {
            (StatusCode::PERMISSION_DENIED, "permission denied")
        }
        No::System(Errno::EXIST) => (StatusCode::FAILURE, "it is there already"),
        No::System(Errno::NOTEMPTY) => (StatusCode::FAILURE, "the folder is not empty"),
        No::System(Errno::NOSPC | Errno::DQUOT) => (StatusCode::FAILURE, "the disk is full"),
        No::System(Errno::NAMETOOLONG) => (StatusCode::FAILURE, "the name is too long"),
        No::System(error) => {
            tracing::debug!(%error, "a call for files failed");
            (StatusCode::FAILURE, "failure")
        }
    };
    Answer::Status(Status { code, words: Bytes::from_static(words.as_bytes()) })
}
