//! Credentials that are on this machine: files and the environment.

use std::env;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::{Credentials, KEY_BYTES_MAX, Secret};
use crate::error::{Error, Inner};

impl Credentials {
    /// A private key in a file of this machine, as [`key`](Self::key). Feature `pump`.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be read; `InvalidInput` when it is no PEM text of at most 64 KiB.
    pub async fn key_file(path: impl Into<PathBuf>, passphrase: Option<Secret>) -> Result<Self, Error> {
        let path = path.into();
        let failed = |source| Inner::KeyFile { source };
        let read = spawn_blocking(move || read(&path)).await.map_err(io::Error::other).map_err(failed)?;
        Self::key(Secret(read.map_err(failed)?), passphrase)
    }

    /// The agent that the environment of this process names, in `SSH_AUTH_SOCK`; see
    /// [`agent`](Self::agent). Feature `pump`.
    ///
    /// # Errors
    /// `Misuse` when the variable is not set.
    pub fn agent_of_environment() -> Result<Self, Error> {
        match env::var_os("SSH_AUTH_SOCK") {
            Some(socket) if !socket.is_empty() => Ok(Self::agent(PathBuf::from(socket))),
            _ => Err(Inner::NoAgent.into()),
        }
    }
}

/// One byte more than what is accepted is enough to see that it is too much. The room is there from the
/// start, so that no copy is left behind by growing.
fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(KEY_BYTES_MAX + 64));
    let bytes_max = u64::try_from(KEY_BYTES_MAX + 1).unwrap_or(u64::MAX);
    File::open(path)?.take(bytes_max).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[tokio::test]
    async fn key_files_are_read_up_to_a_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let missing = Credentials::key_file(&path, None).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Unavailable);
        std::fs::write(&path, "-----BEGIN OPENSSH PRIVATE KEY-----\n").unwrap();
        assert_eq!(Credentials::key_file(&path, None).await.unwrap().method(), "publickey");
        for unusable in ["no key".to_owned(), "-----BEGIN ".repeat(7000)] {
            std::fs::write(&path, unusable).unwrap();
            let error = Credentials::key_file(&path, None).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
}
