//! A folder that is filled once: under a lock, and again only when what it is filled with has changed.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::Error;

/// Holds what the folder was completely filled with.
const MARK: &str = "complete";

/// Where cargo builds.
pub(super) fn build_folder() -> PathBuf {
    let workspace = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    env::var_os("CARGO_TARGET_DIR").map_or_else(workspace, PathBuf::from)
}

/// The folder `name` below `root`, which `fill` fills unless it was filled by the same recipe before, and the lock by
/// which everybody else waits until it is dropped.
pub(super) fn filled(
    root: &Path,
    name: &str,
    recipe: &str,
    fill: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(PathBuf, File), Error> {
    fs::create_dir_all(root).map_err(|e| cannot("make", root, e))?;
    // The programs get a path without `..`, which some of them would take away by the letters.
    let folder = root.canonicalize().map_err(|e| cannot("find", root, e))?.join(name);
    let lock = locked(&folder.with_extension("lock"))?;
    let mark = folder.join(MARK);
    if !fs::read_to_string(&mark).is_ok_and(|made_by| made_by == recipe) {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(cannot("empty", &folder, error));
            }
            _ => fs::create_dir_all(&folder).map_err(|e| cannot("make", &folder, e))?,
        }
        fill(&folder)?;
        replace(&mark, recipe)?;
    }
    Ok((folder, lock))
}

/// The lock ends with its file, so also with its process.
fn locked(path: &Path) -> Result<File, Error> {
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(|e| cannot("make a folder for", path, e))?;
    let lock = File::create(path).map_err(|e| cannot("make", path, e))?;
    lock.lock().map_err(|e| cannot("lock", path, e))?;
    Ok(lock)
}

/// Writes a file and the folders above it.
pub(super) fn written(path: &Path, text: &str) -> Result<(), Error> {
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(|e| cannot("make a folder for", path, e))?;
    replace(path, text)
}

/// Writes a file that another process may be reading: it finds the old text or the new one, never a part.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".fresh");
    let written = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path));
    written.map_err(|e| cannot("write", path, e))
}

fn cannot(verb: &str, path: &Path, error: io::Error) -> Error {
    Error::io(format!("{verb} `{}`", path.display()), error)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_folder_is_filled_once_and_again_by_another_recipe() {
        let root = tempfile::tempdir().unwrap();
        let fills = AtomicU32::new(0);
        let fill = |recipe: &str| {
            let (folder, _lock) = filled(root.path(), "kit/js", recipe, |folder| {
                assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "nothing is left of an older recipe");
                fills.fetch_add(1, Ordering::SeqCst);
                replace(&folder.join("pin"), recipe)
            })
            .unwrap();
            assert_eq!(fs::read_to_string(folder.join("pin")).unwrap(), recipe);
            fills.load(Ordering::SeqCst)
        };
        assert_eq!(["one", "one", "two", "two", "one"].map(fill), [1, 1, 2, 2, 3]);
    }

    #[test]
    fn what_failed_is_tried_again() {
        let root = tempfile::tempdir().unwrap();
        let failed = filled(root.path(), "kit", "one", |folder| {
            replace(&folder.join("half"), "")?;
            Err(Error::invalid("no network"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no network");
        let (folder, _lock) = filled(root.path(), "kit", "one", |_| Ok(())).unwrap();
        assert!(!folder.join("half").exists());
        let full = filled(root.path(), "other", "one", |_| Ok(())).unwrap();
        assert_ne!(full.0, folder);
    }

    #[test]
    fn of_many_at_once_one_fills_and_the_others_wait() {
        let root = tempfile::tempdir().unwrap();
        let fills = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let (folder, lock) = filled(root.path(), "kit", "one", |folder| {
                        fills.fetch_add(1, Ordering::SeqCst);
                        replace(&folder.join("package"), "whole")
                    })
                    .unwrap();
                    drop(lock);
                    assert_eq!(fs::read_to_string(folder.join("package")).unwrap(), "whole");
                });
            }
        });
        assert_eq!(fills.into_inner(), 1);
    }
}
