//! Known hosts in a file that OpenSSH can read, shared by any number of processes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::memory::addition;
use super::{Added, HostStore};
use crate::error::{Error, Inner};
use crate::known_hosts::{HostKey, KnownHosts};
use crate::pump::BoxFuture;

/// A known_hosts file. It is made, for its owner alone, when the first key is added; a line is on the disk
/// before it counts. Whoever writes holds the file's lock, so several processes can share it.
///
/// Nothing but appending is done to the file, so a host that was rebuilt is forgotten by
/// `ssh-keygen -R`.
///
/// ```no_run
/// use std::sync::Arc;
/// use webssh_core::{FileHosts, HostKeys, KnownHosts};
///
/// let hosts = HostKeys::ask(KnownHosts::parse("")?, Arc::new(FileHosts::new("/var/lib/lab/known_hosts")));
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FileHosts {
    path: PathBuf,
}

impl FileHosts {
    /// Nothing is read yet, and the file need not be there.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl HostStore for FileHosts {
    fn load<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Result<KnownHosts, Error>> {
        let path = self.path.clone();
        Box::pin(async move {
            let read = on_a_thread("reading the known hosts", move || read(&path)).await??;
            Ok(KnownHosts::parse(&read)?.about(host, port))
        })
    }

    fn add<'a>(&'a self, host: &'a str, port: u16, key: &'a HostKey) -> BoxFuture<'a, Result<Added, Error>> {
        let (path, host, key) = (self.path.clone(), host.to_owned(), key.clone());
        Box::pin(async move {
            on_a_thread("adding to the known hosts", move || add(&path, &host, port, &key)).await?
        })
    }
}

async fn on_a_thread<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    spawn_blocking(work).await.map_err(|ended| store_error(doing)(io::Error::other(ended)))
}

fn store_error(doing: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Inner::HostStore { doing, source }.into()
}

/// A file that is not there holds nothing.
fn read(path: &Path) -> Result<String, Error> {
    let failed = store_error("reading the known hosts");
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(failed(error)),
    };
    file.lock_shared().map_err(&failed)?;
    text_of(&file).map_err(failed)
}

/// At most one byte more than what is accepted. Only comments may hold bytes that are not UTF-8.
fn text_of(file: &File) -> io::Result<String> {
    let bytes_max = u64::try_from(KnownHosts::BYTES_MAX + 1).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn add(path: &Path, host: &str, port: u16, key: &HostKey) -> Result<Added, Error> {
    let failed = store_error("adding to the known hosts");
    let mut file = open_to_append(path).map_err(&failed)?;
    // The lock ends with the file.
    file.lock().map_err(&failed)?;
    let text = text_of(&file).map_err(&failed)?;
    let Some(line) = addition(&text, host, port, key)? else {
        return Ok(Added::Occupied);
    };
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(&failed)?;
    if text.is_empty() {
        // The file may be new: its name has to last, too.
        sync_folder(path).map_err(&failed)?;
    }
    Ok(Added::Stored)
}

fn open_to_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
