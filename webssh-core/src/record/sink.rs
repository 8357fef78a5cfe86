//! Where a recording goes: a file that appears whole, or anything that takes bytes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::task::spawn_blocking;

use super::trail::Trail;
use crate::pump::BoxFuture;

/// Takes the lines of one recording. It may be as slow as it likes: the session does not wait for it.
pub trait RecordSink: Send {
    /// Takes whole lines, and hands them on so far that they outlive this process.
    fn append(&mut self, lines: Bytes) -> BoxFuture<'_, io::Result<()>>;

    /// There is no more. It is called once, also after a failure.
    fn finish(&mut self) -> BoxFuture<'_, io::Result<()>>;
}

/// A file that has its name only when it is complete.
///
/// While the session runs its name ends in `.part`; a process that was killed leaves that one behind, readable up to
/// its last whole line. At the end it is synchronised to the disk and renamed. No existing file is overwritten.
///
/// On Linux a long recording is written out as it grows and leaves the page cache behind it: it does not push out what
/// others keep there, and little is left to wait for at the end.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    part: PathBuf,
    /// Away while something is written.
    file: Option<Arc<File>>,
    trail: Trail,
    /// A file whose writing failed keeps its `.part`.
    whole: bool,
}

impl FileSink {
    /// Makes the file `path` with `.part` after its name; on unix nobody but the owner can read it.
    ///
    /// # Errors
    /// `AlreadyExists` when one of both names is taken; otherwise what the file system says.
    pub async fn create(path: impl Into<PathBuf> + Send) -> io::Result<Self> {
        let path = path.into();
        let mut part = path.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        blocking(move || {
            if path.try_exists()? {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = Some(Arc::new(options.open(&part)?));
            Ok(Self { path, part, file, trail: Trail::default(), whole: true })
        })
        .await
    }

    /// The name it will have.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl RecordSink for FileSink {
    fn append(&mut self, lines: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            let file = self.file.take().ok_or(io::ErrorKind::NotConnected)?;
            let len = lines.len();
            let (file, written) = blocking(move || {
                let written = (&*file).write_all(&lines);
                Ok((file, written))
            })
            .await?;
            self.trail.grow(&file, len);
            self.file = Some(file);
            self.whole &= written.is_ok();
            written
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            let file = self.file.take().ok_or(io::ErrorKind::NotConnected)?;
            let (path, part, whole) = (self.path.clone(), self.part.clone(), self.whole);
            blocking(move || {
                file.sync_all()?;
                if whole { publish(&part, &path) } else { Ok(()) }
            })
            .await
        })
    }
}

/// Gives the finished file its name, and makes sure that the disk knows.
fn publish(part: &Path, path: &Path) -> io::Result<()> {
    // A second name does not overwrite, as renaming would; a file system without second names has to do with a look.
    match std::fs::hard_link(part, path) {
        Ok(()) => std::fs::remove_file(part)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) if path.try_exists()? => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(part, path)?,
    }
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Any asynchronous writer.
#[derive(Debug)]
pub struct WriterSink<W>(W);

impl<W: AsyncWrite + Unpin + Send> WriterSink<W> {
    /// Every hand-over is flushed; the end shuts the writer down.
    #[must_use]
    pub fn new(writer: W) -> Self {
        Self(writer)
    }
}

impl<W: AsyncWrite + Unpin + Send> RecordSink for WriterSink<W> {
    fn append(&mut self, lines: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            self.0.write_all(&lines).await?;
            self.0.flush().await
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.0.shutdown())
    }
}
