//! A folder at a server, seen from both sides.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use testkit::Sshd;
use tokio::time::timeout;
use webssh_core::files::{
    Download, FileLimits, FilePath, Files, Received, Refusal, Reply, Upload, WriteOptions,
};
use webssh_core::ssh::Connected;
use webssh_core::{Error, ErrorKind};

use crate::contract::lab::{AnyBackend, Call, sshd};

/// A test that waits so long has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) const MEBIBYTE: usize = 1024 * 1024;

/// A server, its files, and a folder of them.
pub(crate) struct Place {
    pub(crate) files: Files,
    pub(crate) dir: TempDir,
    pub(crate) sshd: Sshd,
}

impl Place {
    pub(crate) async fn new(backend: &AnyBackend) -> Self {
        Self::with(backend, &FileLimits::default()).await
    }

    pub(crate) async fn with(backend: &AnyBackend, limits: &FileLimits) -> Self {
        let sshd = sshd();
        let files = files(&Call::sshd(&sshd), backend, limits).await;
        Self { files, dir: tempfile::tempdir().unwrap(), sshd }
    }

    /// A path, as it is here.
    pub(crate) fn here(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The same, as it is at the server.
    pub(crate) fn there(&self, name: &str) -> FilePath {
        path(&self.here(name))
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> FilePath {
        fs::write(self.here(name), bytes).unwrap();
        self.there(name)
    }

    /// Reads a file to its end.
    pub(crate) async fn download(&self, name: &str) -> Vec<u8> {
        let mut download = open(self.files.read(&self.there(name), 0)).await;
        drain(&mut download, 0).await
    }

    /// Uploads a file in pieces.
    pub(crate) async fn upload(&self, name: &str, bytes: &[u8], options: &WriteOptions) -> Reply<u64> {
        let mut upload = open(self.files.write(&self.there(name), options)).await;
        let from = usize::try_from(upload.from_bytes()).unwrap();
        send(&mut upload, &bytes[from..]).await;
        in_time(upload.finish()).await.unwrap()
    }

    /// The names in the folder, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// The usual options, changed.
pub(crate) fn options(change: impl FnOnce(&mut WriteOptions)) -> WriteOptions {
    let mut options = WriteOptions::default();
    change(&mut options);
    options
}

pub(crate) fn path(path: &std::path::Path) -> FilePath {
    FilePath::parse(path.as_os_str().as_encoded_bytes()).unwrap()
}

pub(crate) async fn files(call: &Call, backend: &AnyBackend, limits: &FileLimits) -> Files {
    match in_time(backend.files(&call.dial(None), limits)).await.unwrap() {
        Connected::Open(files) => files,
        refused => panic!("{refused:?}"),
    }
}

pub(crate) async fn in_time<T>(doing: impl Future<Output = T>) -> T {
    timeout(DEADLINE, doing).await.expect("it takes too long")
}

/// What was opened.
pub(crate) async fn open<T: std::fmt::Debug>(opening: impl Future<Output = Result<Reply<T>, Error>>) -> T {
    in_time(opening).await.unwrap().done().unwrap()
}

/// Why something was refused.
pub(crate) async fn refusal<T: std::fmt::Debug>(
    opening: impl Future<Output = Result<Reply<T>, Error>>,
) -> Refusal {
    in_time(opening).await.unwrap().done().unwrap_err()
}

pub(crate) async fn drain(download: &mut Download, from: u64) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match in_time(download.recv()).await.unwrap() {
            Received::Chunk { offset, bytes } => {
                assert_eq!(offset, from + u64::try_from(all.len()).unwrap());
                assert!(!bytes.is_empty());
                all.extend_from_slice(&bytes);
            }
            Received::End { bytes } => {
                assert_eq!(bytes, from + u64::try_from(all.len()).unwrap());
                return all;
            }
            Received::Refused(refusal) => panic!("{refusal}"),
        }
    }
}

pub(crate) async fn send(upload: &mut Upload, bytes: &[u8]) {
    let mut confirmed = upload.from_bytes();
    for piece in bytes.chunks(100_000) {
        let now = in_time(upload.send(Bytes::copy_from_slice(piece))).await.unwrap().done().unwrap();
        assert!(now >= confirmed, "it only grows");
        confirmed = now;
    }
}

/// Bytes that do not repeat: the digests of the numbers from 0 on.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let rounds = u64::try_from(bytes.div_ceil(32)).unwrap();
    let mut noise: Vec<u8> = (0..rounds).flat_map(|n| Sha256::digest(n.to_be_bytes())).collect();
    noise.truncate(bytes);
    noise
}

/// Two files are the same, or their lengths and digests are shown.
pub(crate) fn assert_same(came: &[u8], wanted: &[u8]) {
    assert_eq!((came.len(), Sha256::digest(came)), (wanted.len(), Sha256::digest(wanted)));
}

/// The connection is gone, and says so.
pub(crate) fn assert_gone(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.is_transient());
}
