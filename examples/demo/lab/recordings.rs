//! Recordings of terminals: one folder a learner, one file a terminal, the oldest of too many removed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use webssh_core::WinSize;
use webssh_core::record::{FileSink, RecordOptions, RecordPolicy, Recorder};

use super::{Exercise, Place, exercise};
use crate::clock;

/// Recordings that are kept of one learner.
const KEPT_MAX: usize = 40;
/// The largest recording, in bytes.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes that wait for the disk.
const QUEUE_BYTES_MAX: u32 = 1024 * 1024;

/// The folder of all recordings.
#[derive(Debug)]
pub(crate) struct Recordings {
    folder: PathBuf,
    /// When the last one began; no two begin in the same millisecond.
    last: AtomicU64,
}

/// A finished recording: `COURSE.EXERCISE.MILLIS.cast`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recording {
    pub(crate) slug: String,
    pub(crate) exercise: &'static Exercise,
    /// When it began, in milliseconds since 1970.
    pub(crate) started: u64,
}

impl Recording {
    /// Its name in addresses.
    pub(crate) fn id(&self) -> String {
        format!("{}.{}.{}", self.slug, self.exercise.id, self.started)
    }

    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(".cast")?.split('.');
        let (slug, id, started) = (parts.next()?, parts.next()?, parts.next()?);
        let started = started.parse().ok()?;
        let exercise = exercise(slug, id)?;
        parts.next().is_none().then(|| Self { slug: slug.to_owned(), exercise, started })
    }
}

impl Recordings {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, last: AtomicU64::new(0) }
    }

    /// Starts to record a terminal. One that cannot be recorded goes on without.
    pub(super) async fn start(&self, user: &str, place: &Place, size: WinSize) -> Option<Recorder> {
        let started = self.moment();
        let recording = Recording { slug: place.slug.clone(), exercise: place.exercise, started };
        let sink = match self.sink(user, &recording).await {
            Ok(sink) => sink,
            Err(cause) => {
                tracing::error!(user, %cause, "a terminal is not recorded");
                return None;
            }
        };
        let mut options = RecordOptions::default();
        options.header.size = size;
        options.header.unix_secs = Some(started / 1000);
        options.header.title = Some(format!("{} / {}", place.slug, place.exercise.title_en));
        options.policy = RecordPolicy::BestEffort;
        options.queue_bytes_max = QUEUE_BYTES_MAX;
        options.recording_bytes_max = BYTES_MAX;
        let (recorder, task) = Recorder::start(sink, options);
        let user = user.to_owned();
        tokio::spawn(async move {
            match task.run().await {
                Ok(done) => tracing::info!(user, bytes = done.bytes, gap_bytes = done.gap_bytes, "recorded"),
                Err(cause) => tracing::error!(user, %cause, "a recording is not whole"),
            }
        });
        Some(recorder)
    }

    /// The recordings of a learner, the newest first.
    pub(crate) async fn of(&self, user: &str) -> io::Result<Vec<Recording>> {
        let Some(folder) = self.folder_of(user) else { return Ok(Vec::new()) };
        let mut entries = match tokio::fs::read_dir(folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            found.extend(entry.file_name().to_str().and_then(Recording::parse));
        }
        found.sort_unstable_by_key(|recording| std::cmp::Reverse(recording.started));
        Ok(found)
    }

    /// Where the recording of a learner with this name is, if there is one.
    pub(crate) async fn find(&self, user: &str, id: &str) -> io::Result<Option<(Recording, PathBuf)>> {
        let found = self.of(user).await?.into_iter().find(|recording| recording.id() == id);
        Ok(found.and_then(|recording| Some((recording, self.folder_of(user)?.join(format!("{id}.cast"))))))
    }

    /// Now, and later than any other recording began.
    fn moment(&self) -> u64 {
        let now = clock::now_millis();
        let next = |last: u64| Some(now.max(last.saturating_add(1)));
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        last.map_or(now, |last| now.max(last.saturating_add(1)))
    }

    async fn sink(&self, user: &str, recording: &Recording) -> io::Result<FileSink> {
        let folder = self.folder_of(user).ok_or(io::ErrorKind::InvalidFilename)?;
        tokio::fs::create_dir_all(&folder).await?;
        for old in self.of(user).await?.into_iter().skip(KEPT_MAX - 1) {
            tokio::fs::remove_file(folder.join(format!("{}.cast", old.id()))).await?;
        }
        FileSink::create(folder.join(format!("{}.cast", recording.id()))).await
    }

    /// A learner's folder. Names of accounts are made by the school; one that would lead elsewhere has none.
    fn folder_of(&self, user: &str) -> Option<PathBuf> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (!user.is_empty() && user.bytes().all(allowed)).then(|| self.folder.join(user))
    }
}

/// Reads a recording for somebody else's eyes: without input, and without what could harm whoever replays it.
pub(crate) async fn read(path: &Path) -> io::Result<Result<Vec<u8>, webssh_core::Error>> {
    let recording = tokio::fs::read(path).await?;
    let exported = tokio::task::spawn_blocking(move || webssh_core::transcript::export(&recording));
    exported.await.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_recordings_are_read() {
        let good = Recording::parse("shell.pipes.1700000000123.cast").unwrap();
        assert_eq!(good.id(), "shell.pipes.1700000000123");
        for bad in [
            "shell.pipes.1.cast.part",
            "shell.pipes.1",
            "shell.none.1.cast",
            "shell.pipes.x.cast",
            "shell.pipes.1.2.cast",
            "../shell.pipes.1.cast",
        ] {
            assert_eq!(Recording::parse(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_learner_finds_their_own_only() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::new(folder.path().to_owned());
        assert_eq!(recordings.of("mei").await.unwrap(), []);
        std::fs::create_dir(folder.path().join("mei")).unwrap();
        for name in ["shell.pipes.5.cast", "shell.editor.7.cast", "shell.editor.9.cast.part"] {
            std::fs::write(folder.path().join("mei").join(name), "").unwrap();
        }
        let started: Vec<u64> = recordings.of("mei").await.unwrap().iter().map(|it| it.started).collect();
        assert_eq!(started, [7, 5]);
        assert!(recordings.find("mei", "shell.pipes.5").await.unwrap().is_some());
        for (user, id) in
            [("lei", "shell.pipes.5"), ("mei", "../mei/shell.pipes.5"), ("../mei", "shell.pipes.5")]
        {
            assert_eq!(recordings.find(user, id).await.unwrap(), None, "{user} {id}");
        }
        assert!(recordings.moment() < recordings.moment());
    }
}
