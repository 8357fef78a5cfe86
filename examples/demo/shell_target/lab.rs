//! What all connections share: the key that is let in, the homes, the free places.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::PublicKey;
use tokio::sync::{Semaphore, mpsc, watch};

/// Characters of a learner's name at most.
const NAME_CHARS_MAX: usize = 32;
/// Learners that one target remembers; a demo has a handful.
const HOMES_MAX: usize = 1024;

/// The shared part of a target.
pub(super) struct Lab {
    /// The one public key that is let in.
    pub(super) client_key: PublicKey,
    /// The scratch homes.
    pub(super) homes: Homes,
    /// One permit a shell.
    pub(super) shells: Arc<Semaphore>,
    /// Shutdown waits until nobody holds an upgrade of this.
    pub(super) alive: mpsc::WeakSender<Infallible>,
    /// Closed when the target stops.
    pub(super) stopped: watch::Receiver<()>,
}

/// A learner's name: `[a-z0-9_-]{1,32}`, so it is also the name of a folder and nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Learner(String);

impl Learner {
    /// Reads an SSH user name; `None` when it is not a learner's name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        let valid = (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(allowed);
        valid.then(|| Self(name.to_owned()))
    }
}

/// An account with no rights of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unprivileged {
    pub(super) user: u32,
    pub(super) group: u32,
}

/// Whom shells run as when the demo is root: `nobody`, who owns nothing but the homes. A demo that is not root has no
/// rights to give up.
pub(super) fn unprivileged() -> Option<Unprivileged> {
    rustix::process::geteuid().is_root().then_some(Unprivileged { user: 65_534, group: 65_534 })
}

/// The learners' homes: one folder each under a root that its owner removes.
pub(super) struct Homes {
    root: PathBuf,
    made: Mutex<HashSet<Learner>>,
}

impl Homes {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), made: Mutex::default() }
    }

    /// The home of `learner`, made if it is not there (a shell may have removed it).
    ///
    /// # Errors
    /// When the folder cannot be made, or when there are as many homes as the target remembers.
    pub(super) fn home(&self, learner: &Learner) -> io::Result<PathBuf> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains(learner) && made.len() >= HOMES_MAX {
            return Err(io::Error::other(format!("there are {HOMES_MAX} homes: restart the demo")));
        }
        let home = self.root.join(&learner.0);
        DirBuilder::new().recursive(true).mode(0o700).create(&home)?;
        if let Some(Unprivileged { user, group }) = unprivileged() {
            chown(&home, Some(user), Some(group))?;
        }
        made.insert(learner.clone());
        Ok(home)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_plain_folder() {
        for good in ["a", "ming", "li_4-b", "-", &"x".repeat(32)] {
            assert!(Learner::parse(good).is_some(), "{good}");
        }
        for bad in ["", ".", "..", "Ming", "a b", "a/b", "a\0", "小明", "a.b", &"x".repeat(33)] {
            assert!(Learner::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn homes_are_bounded_and_come_back() {
        let root = tempfile::tempdir().unwrap();
        let homes = Homes::new(root.path());
        let first = Learner::parse("l0").unwrap();
        for n in 0..HOMES_MAX {
            assert!(homes.home(&Learner::parse(&format!("l{n}")).unwrap()).unwrap().is_dir());
        }
        assert!(homes.home(&Learner::parse("late").unwrap()).is_err());
        std::fs::remove_dir(homes.home(&first).unwrap()).unwrap();
        assert!(homes.home(&first).unwrap().is_dir());
    }
}
