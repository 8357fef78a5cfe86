//! What can be asked of a session.

use super::caller::wrong;
use super::packet::{Attrs, Call};
use super::refusal::{Refusal, replied};
use super::session::{Taken, WriteOptions};
use super::{About, Download, FileKind, FilePath, Files, Listing, Reply, Upload};
use crate::error::Error;

impl Files {
    /// Lists a folder.
    ///
    /// # Errors
    /// `Unavailable` when the session ended; `PeerMisbehaved` when the server broke the protocol. So for
    /// every request.
    pub async fn list(&self, folder: &FilePath) -> Result<Reply<Listing>, Error> {
        replied(self.list_some(folder, self.shared.limits.entries_max).await)
    }

    /// What is known of a file, or of what a link leads to.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn stat(&self, path: &FilePath) -> Result<Reply<About>, Error> {
        let known = self.caller.attrs(Call::Stat { path: path.bytes() }).await;
        replied(known.map(About::from))
    }

    /// The absolute path; of `.` the folder of the login.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn real_path(&self, path: &FilePath) -> Result<Reply<FilePath>, Error> {
        let steps = async {
            let names = self.caller.names(Call::RealPath { path: path.bytes() }).await?;
            let name = names.and_then(|names| names.into_iter().next()).ok_or_else(wrong)?;
            Ok(FilePath::parse(name.name).map_err(|_unusable| wrong())?)
        };
        replied(steps.await)
    }

    /// Opens a file for reading, from byte `from` on: that is where a download that was cut goes on. Only
    /// regular files can be read.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn read(&self, path: &FilePath, from: u64) -> Result<Reply<Download>, Error> {
        replied(self.read_steps(path, from).await)
    }

    /// Opens an upload to `path`. Until it is [finished](Upload::finish), what is at `path` stays as it is.
    ///
    /// # Errors
    /// As [`list`](Self::list), and `InvalidInput` for a path that cannot have a part beside it.
    pub async fn write(&self, path: &FilePath, options: &WriteOptions) -> Result<Reply<Upload>, Error> {
        replied(self.write_steps(path, options).await)
    }

    /// The length of what an earlier upload to `path` left, in bytes; 0 when there is nothing to go on with.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn part_bytes(&self, path: &FilePath) -> Result<Reply<u64>, Error> {
        let steps = async {
            let part = path.part().ok_or(Refusal::NotAFile)??;
            let known = self.known(&part).await?;
            Ok(known.filter(|known| known.kind == FileKind::File).map_or(0, |known| known.bytes))
        };
        replied(steps.await)
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn make_dir(&self, path: &FilePath) -> Result<Reply<()>, Error> {
        let steps = async {
            let attrs = Attrs { mode: Some(0o755), ..Attrs::default() };
            let made = self.caller.status(Call::MakeDir { path: path.bytes(), attrs }).await;
            self.or_exists(made, path).await
        };
        replied(steps.await)
    }

    /// Removes a file, a link, or an empty folder.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn remove(&self, path: &FilePath) -> Result<Reply<()>, Error> {
        replied(self.remove_steps(path).await)
    }

    /// Gives a file or a folder another path. It never replaces what is there.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn rename(&self, from: &FilePath, to: &FilePath) -> Result<Reply<()>, Error> {
        replied(self.place(from, to, Taken::Refuse).await)
    }
}
