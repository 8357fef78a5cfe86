//! A ring in a directory that all servers see: one file a version, made complete before it gets its name.
//!
//! No locks. A new version is linked to its name, which fails if somebody else has taken that name first.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind as Io, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::key_ring::store::{KeptRing, KeyRingStore, Replaced};
use crate::off_thread::off_thread;
use crate::store::BoxFuture;

/// A ring in files of a directory, on one machine or on a file system that several machines share.
///
/// The directory belongs to the ring alone. It is made if it is missing, for its owner only. The file
/// `ring-<version>.json` holds private keys: it is written with mode 0600, and a file that others can read, like a
/// directory that others can write to, is refused. The version before the present one stays as a backup.
///
/// ```no_run
/// use std::{sync::Arc, time::Duration};
/// use sso_core::{Algorithm, DirectoryKeyRingStore, KeyPolicy, KeyRing, UnixMillis};
///
/// # async fn run() -> Result<(), sso_core::Error> {
/// let store = DirectoryKeyRingStore::open("/var/lib/sso/keys")?;
/// let policy = KeyPolicy::new(Algorithm::Rs256, Duration::from_secs(600))?;
/// let ring = KeyRing::open(Arc::new(store), policy, UnixMillis::now()).await?;
/// # let _ = ring;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct DirectoryKeyRingStore {
    directory: PathBuf,
}

const PREFIX: &str = "ring-";
const SUFFIX: &str = ".json";
const DRAFT_SUFFIX: &str = ".draft";
/// A file without a name of its own after so long was left behind by a crash.
const DRAFT_AGE_MAX: Duration = Duration::from_secs(3600);
/// How often a reader looks again when the file that it wanted to read is gone.
const READS_MAX: u32 = 16;

impl DirectoryKeyRingStore {
    /// A store in this directory, which is made if it is missing.
    ///
    /// # Errors
    /// `Misuse` if it cannot be made, is no directory, or if others can write to it.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, Error> {
        let directory = directory.into();
        make_private(&directory).map_err(|source| failed("made", &directory, source))?;
        let about = fs::metadata(&directory).map_err(|source| failed("read", &directory, source))?;
        if !about.is_dir() || others_may(&about, 0o022) {
            return Err(Error::new(
                ErrorKind::Misuse,
                format!(
                    "`{}` must be a directory that nobody else can write to: chmod 700",
                    directory.display()
                ),
            ));
        }
        Ok(Self { directory })
    }

    fn path(&self, version: u64) -> PathBuf {
        self.directory.join(format!("{PREFIX}{version}{SUFFIX}"))
    }

    /// The versions in the directory, in no order, and the drafts.
    fn list(&self) -> Result<(Vec<u64>, Vec<PathBuf>), Error> {
        let (mut versions, mut drafts) = (Vec::new(), Vec::new());
        let failed = |source| failed("read", &self.directory, source);
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let version = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
            versions.extend(version.and_then(|version| version.parse::<u64>().ok()));
            if name.ends_with(DRAFT_SUFFIX) {
                drafts.push(path);
            }
        }
        Ok((versions, drafts))
    }

    fn read_current(&self) -> Result<Option<KeptRing>, Error> {
        for _ in 0..READS_MAX {
            let Some(version) = self.list()?.0.into_iter().max() else {
                return Ok(None);
            };
            // Between the look and the reading, newer versions may have come and this one may have gone.
            if let Some(text) = read_private(&self.path(version))? {
                return KeptRing::new(version, text).map(Some);
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "the key ring changed each time it was read").transient())
    }

    fn write(&self, from: u64, ring: &KeptRing) -> Result<Replaced, Error> {
        if self.list()?.0.into_iter().max().unwrap_or(0) != from {
            return Ok(Replaced::Outrun);
        }
        self.publish(ring)
    }

    /// Gives a ring its name, unless somebody has taken it, now or long ago.
    fn publish(&self, ring: &KeptRing) -> Result<Replaced, Error> {
        let name: String = edge::random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let draft = self.directory.join(format!(".{name}{DRAFT_SUFFIX}"));
        let written = write_private(&draft, ring.expose().as_bytes())
            .and_then(|()| fs::hard_link(&draft, self.path(ring.version())));
        fs::remove_file(&draft).or_else(gone_is_fine).map_err(|source| failed("removed", &draft, source))?;
        match written {
            Err(taken) if taken.kind() == Io::AlreadyExists => return Ok(Replaced::Outrun),
            written => written.map_err(|source| failed("written", &draft, source))?,
        }
        // The name is on the disk when the directory is.
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| failed("written", &self.directory, source))?;
        if self.is_outrun(ring.version())? {
            let late = self.path(ring.version());
            fs::remove_file(&late)
                .or_else(gone_is_fine)
                .map_err(|source| failed("removed", &late, source))?;
            return Ok(Replaced::Outrun);
        }
        self.sweep(ring.version())?;
        Ok(Replaced::Done)
    }

    /// Whether a newer version is there. Then the name may have been free only because another version under it was
    /// swept away long ago. A writer cannot tell that from one who was followed at once: both look again.
    fn is_outrun(&self, version: u64) -> Result<bool, Error> {
        Ok(self.list()?.0.into_iter().any(|other| other > version))
    }

    /// Removes versions before the last but one, and what crashes left behind.
    fn sweep(&self, version: u64) -> Result<(), Error> {
        let (versions, drafts) = self.list()?;
        let old = versions.into_iter().filter(|old| old.saturating_add(1) < version);
        let left = drafts.into_iter().filter(|draft| age(draft) > DRAFT_AGE_MAX);
        for path in old.map(|old| self.path(old)).chain(left) {
            fs::remove_file(&path)
                .or_else(gone_is_fine)
                .map_err(|source| failed("removed", &path, source))?;
        }
        Ok(())
    }
}

impl KeyRingStore for DirectoryKeyRingStore {
    fn current<'a>(&'a self) -> BoxFuture<'a, Result<Option<KeptRing>, Error>> {
        let store = self.clone();
        Box::pin(off_thread(move || store.read_current()))
    }

    fn replace<'a>(&'a self, from: u64, ring: &'a KeptRing) -> BoxFuture<'a, Result<Replaced, Error>> {
        let (store, ring) = (self.clone(), ring.clone());
        Box::pin(off_thread(move || store.write(from, &ring)))
    }
}

/// The text of a file that only its owner can read; nothing if it is gone.
fn read_private(path: &Path) -> Result<Option<Zeroizing<String>>, Error> {
    let failed = |source| failed("read", path, source);
    let file = match File::open(path) {
        Err(gone) if gone.kind() == Io::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let about = file.metadata().map_err(failed)?;
    if others_may(&about, 0o077) {
        return Err(Error::new(
            ErrorKind::Misuse,
            format!("`{}` holds private keys and others can read it: chmod 600", path.display()),
        ));
    }
    let limit = u64::try_from(KeptRing::TEXT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let room = usize::try_from(about.len().min(limit)).unwrap_or_default().saturating_add(1);
    let mut text = Zeroizing::new(String::with_capacity(room));
    match file.take(limit).read_to_string(&mut text) {
        Err(broken) if broken.kind() == Io::InvalidData => Err(Error::with_source(
            ErrorKind::Corrupt,
            format!("`{}` is no key ring", path.display()),
            broken,
        )),
        read => read.map(|_| Some(text)).map_err(failed),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn make_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Whether anybody but the owner has one of these rights.
#[cfg(unix)]
fn others_may(about: &fs::Metadata, rights: u32) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & rights != 0
}

/// Where rights are no bits, the directory's own rules must do.
#[cfg(not(unix))]
fn others_may(_about: &fs::Metadata, _rights: u32) -> bool {
    false
}

fn age(path: &Path) -> Duration {
    let written = fs::metadata(path).and_then(|about| about.modified()).ok();
    written.and_then(|written| written.elapsed().ok()).unwrap_or_default()
}

fn gone_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == Io::NotFound { Ok(()) } else { Err(error) }
}

fn failed(verb: &str, path: &Path, source: std::io::Error) -> Error {
    let kind = match source.kind() {
        Io::PermissionDenied | Io::NotADirectory | Io::NotFound | Io::AlreadyExists => ErrorKind::Misuse,
        _ => ErrorKind::Unavailable,
    };
    Error::with_source(kind, format!("`{}` cannot be {verb}", path.display()), source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(version: u64, text: &str) -> KeptRing {
        KeptRing::new(version, Zeroizing::new(text.to_owned())).unwrap()
    }

    #[test]
    fn a_writer_who_stalls_until_its_name_is_free_again_is_outrun() {
        let directory = tempfile::tempdir().unwrap();
        let store = DirectoryKeyRingStore::open(directory.path().join("keys")).unwrap();
        for version in 1..=5 {
            assert_eq!(store.write(version - 1, &ring(version, "old")).unwrap(), Replaced::Done);
        }
        // A writer has seen version 5 and stalls. Others write 6, 7 and 8, and 6 is swept away.
        for version in 6..=8 {
            assert_eq!(store.write(version - 1, &ring(version, "others")).unwrap(), Replaced::Done);
        }
        assert!(!store.path(6).exists());
        assert_eq!(store.publish(&ring(6, "late")).unwrap(), Replaced::Outrun);
        assert!(!store.path(6).exists());
        assert_eq!(store.read_current().unwrap(), Some(ring(8, "others")));
        assert_eq!(store.list().unwrap().0.len(), 2);
    }

    #[test]
    fn a_writer_who_finds_a_newer_version_looks_again() {
        let directory = tempfile::tempdir().unwrap();
        let store = DirectoryKeyRingStore::open(directory.path().join("keys")).unwrap();
        write_private(&store.path(7), b"restored").unwrap();
        assert_eq!(store.publish(&ring(6, "late")).unwrap(), Replaced::Outrun);
        assert_eq!(store.list().unwrap().0, [7]);
    }
}
