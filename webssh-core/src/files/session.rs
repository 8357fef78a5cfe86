//! A session of files: how it begins, and how its uploads are asked for.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::FileLimits;
use super::caller::{Caller, pair};
use super::owner::{Owner, Server};
use super::upload::Claims;
use crate::error::Error;
use crate::ssh::Shell;

/// The files at a server. Clones share one session, which ends with the last of them and their transfers.
///
/// Every request may be given up by dropping its future: what it opened at the server is closed.
#[derive(Debug, Clone)]
pub struct Files {
    pub(super) caller: Caller,
    pub(super) shared: Arc<Shared>,
}

/// What all handles of a session share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: FileLimits,
    pub(super) server: Server,
    /// A permit for each transfer.
    pub(super) transfers: Arc<Semaphore>,
    pub(super) claims: Claims,
}

/// How to upload.
///
/// ```
/// use webssh_core::files::{Start, Taken, WriteOptions};
///
/// let mut options = WriteOptions::default();
/// options.taken = Taken::Replace;
/// options.start = Start::Resume;
/// options.bytes = Some(1024);
/// assert_eq!(options.mode, 0o644);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// What to do if the name is taken.
    pub taken: Taken,
    /// What to do with the part of an earlier upload.
    pub start: Start,
    /// The length of the file, in bytes, if it is known. No more is taken, and no less is finished.
    pub bytes: Option<u64>,
    /// The permissions of a new file: the lowest nine bits of POSIX's `st_mode`. The server takes those
    /// away that its account does not give.
    pub mode: u32,
}

/// A taken name is refused, a part begun anew, the length not known, the permissions `rw-r--r--`.
impl Default for WriteOptions {
    fn default() -> Self {
        Self { taken: Taken::Refuse, start: Start::Anew, bytes: None, mode: 0o644 }
    }
}

/// What an upload does if its name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Taken {
    /// It is refused, before anything is sent and again when it is finished.
    Refuse,
    /// The file or link that is there is replaced; never a folder.
    Replace,
}

/// What an upload does with the part of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Start {
    /// It is removed.
    Anew,
    /// It is gone on with, unless it is longer than the file, or no regular file.
    Resume,
}

impl Files {
    /// Greets the SFTP server at the far end of a channel, and gives the channel to a task of the tokio
    /// runtime of the caller, which needs time. [`Backend::files`](crate::ssh::Backend::files) calls this.
    ///
    /// # Errors
    /// `PeerMisbehaved` when it is no SFTP server of version 3; `Unavailable` when it ends or does not
    /// answer.
    pub async fn open(channel: Shell, limits: &FileLimits) -> Result<Self, Error> {
        let mut owner = Owner::new(channel, limits);
        let server = owner.greet().await?;
        let (caller, desk) = pair();
        tokio::spawn(owner.run(desk));
        let shared = Shared {
            limits: limits.clone(),
            server,
            transfers: Arc::new(Semaphore::new(limits.transfers_max.into())),
            claims: Claims::default(),
        };
        Ok(Self { caller, shared: Arc::new(shared) })
    }

    /// The limits of the session.
    #[must_use]
    pub fn limits(&self) -> &FileLimits {
        &self.shared.limits
    }
}
