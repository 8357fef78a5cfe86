//! A learner's home as the whole of a file system: paths are walked folder by folder, and none leads out.
//!
//! Each step opens one folder below the one before it and follows no link. Links are read and walked here;
//! `..` goes back on the way that was come, so at the top it stays there. An absolute link is refused: shells
//! see another root. Whatever a shell does to the folders meanwhile, no step leaves them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

use super::lab::{Unprivileged, unprivileged};

/// Links that one path may lead over.
const LINKS_MAX: u32 = 40;
/// Folders of one path, each of which is open during the walk.
const DEPTH_MAX: usize = 32;

/// How folders are opened on the way.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A home, and whose the files in it are.
pub(super) struct Jail {
    root: OwnedFd,
    user: u32,
}

/// Where a path leads: a name in a folder that is open. The name need not be there.
pub(super) struct Spot {
    folder: OwnedFd,
    /// `None` for the home itself.
    name: Option<Vec<u8>>,
    /// The names of the folders from the home on.
    way: Vec<Vec<u8>>,
}

/// What to do with a link at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// Walk on.
    Follow,
    /// Stop at the link.
    Keep,
}

impl Jail {
    /// A jail in `home`.
    ///
    /// # Errors
    /// When the folder cannot be opened.
    pub(super) fn new(home: &Path) -> io::Result<Self> {
        let root = rustix::fs::open(home, FOLDER, Mode::empty())?;
        let user = unprivileged().map_or_else(|| rustix::process::geteuid().as_raw(), |nobody| nobody.user);
        Ok(Self { root, user })
    }

    /// Walks a path, in which `/` is the home as well.
    ///
    /// # Errors
    /// As the system says it: `NOENT` for a folder that is not there, `LOOP`, `ACCESS` for an absolute link.
    pub(super) fn walk(&self, path: &[u8], last: Last) -> rustix::io::Result<Spot> {
        let mut stack: Vec<(OwnedFd, Vec<u8>)> = Vec::new();
        let mut todo = parts(path);
        let mut links = 0;
        while let Some(part) = todo.pop() {
            if part == b".." {
                stack.pop();
                continue;
            }
            let is_last = todo.is_empty();
            let here = stack.last().map_or(self.root.as_fd(), |(folder, _)| folder.as_fd());
            let is_link = match rustix::fs::statat(here, part.as_slice(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode) == FileType::Symlink,
                Err(Errno::NOENT) if is_last => false,
                Err(error) => return Err(error),
            };
            if is_link && (last == Last::Follow || !is_last) {
                links += 1;
                if links > LINKS_MAX {
                    return Err(Errno::LOOP);
                }
                let target = rustix::fs::readlinkat(here, part.as_slice(), Vec::new())?.into_bytes();
                if target.starts_with(b"/") {
                    return Err(Errno::ACCESS);
                }
                todo.extend(parts(&target));
            } else if is_last {
                return self.spot(&stack, Some(part));
            } else {
                let folder = rustix::fs::openat(here, part.as_slice(), FOLDER, Mode::empty())?;
                stack.push((folder, part));
            }
            if stack.len() > DEPTH_MAX || todo.len() > 1024 {
                return Err(Errno::NAMETOOLONG);
            }
        }
        // The path ends in `..`: it names the folder where the walk is now.
        let name = stack.pop().map(|(_, name)| name);
        self.spot(&stack, name)
    }

    fn spot(&self, stack: &[(OwnedFd, Vec<u8>)], name: Option<Vec<u8>>) -> rustix::io::Result<Spot> {
        let folder = stack.last().map_or(self.root.as_fd(), |(folder, _)| folder.as_fd());
        let folder = rustix::io::fcntl_dupfd_cloexec(folder, 0)?;
        Ok(Spot { folder, name, way: stack.iter().map(|(_, name)| name.clone()).collect() })
    }

    /// Whether a file is a learner's, and not only a second name of somebody else's.
    pub(super) fn owns(&self, stat: &Stat) -> bool {
        stat.st_uid == self.user
    }
}

/// The parts of a path, the first at the end.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}

impl Spot {
    /// The folder, and the name in it.
    ///
    /// # Errors
    /// `ACCESS` for the home itself, which stays as it is.
    pub(super) fn named(&self) -> rustix::io::Result<(BorrowedFd<'_>, &[u8])> {
        self.name.as_deref().map(|name| (self.folder.as_fd(), name)).ok_or(Errno::ACCESS)
    }

    /// What is there; a link is not followed any more.
    pub(super) fn stat(&self) -> rustix::io::Result<Stat> {
        match &self.name {
            Some(name) => rustix::fs::statat(&self.folder, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW),
            None => rustix::fs::fstat(&self.folder),
        }
    }

    /// Opens what is there as a folder.
    pub(super) fn open_folder(&self) -> rustix::io::Result<OwnedFd> {
        let name = self.name.as_deref().unwrap_or(b".");
        rustix::fs::openat(&self.folder, name, FOLDER, Mode::empty())
    }

    /// The path from the home on, with the home as `/`.
    pub(super) fn path(&self) -> Vec<u8> {
        let names = self.way.iter().chain(&self.name);
        let path: Vec<u8> = names.flat_map(|name| [b"/", name.as_slice()].concat()).collect();
        if path.is_empty() { b"/".to_vec() } else { path }
    }
}

/// Gives what was just made in a folder to the learner.
pub(super) fn hand_over(folder: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
    match unprivileged() {
        Some(Unprivileged { user, group }) => rustix::fs::chownat(
            folder,
            name,
            Some(Uid::from_raw(user)),
            Some(Gid::from_raw(group)),
            AtFlags::SYMLINK_NOFOLLOW,
        ),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A home with a file outside of it, and links that try to lead there.
    fn home() -> (tempfile::TempDir, Jail) {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        fs::create_dir_all(home.join("a/b")).unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        fs::write(home.join("a/b/file"), "mine").unwrap();
        symlink("a/b", home.join("near")).unwrap();
        symlink("../../../secret", home.join("a/up")).unwrap();
        symlink(dir.path().join("secret"), home.join("absolute")).unwrap();
        symlink("/", home.join("slash")).unwrap();
        symlink("loop2", home.join("loop1")).unwrap();
        symlink("loop1", home.join("loop2")).unwrap();
        symlink("self/x", home.join("self")).unwrap();
        let jail = Jail::new(&home).unwrap();
        (dir, jail)
    }

    fn led(jail: &Jail, path: &str, last: Last) -> Result<String, Errno> {
        let spot = jail.walk(path.as_bytes(), last)?;
        spot.stat()?;
        Ok(String::from_utf8(spot.path()).unwrap())
    }

    #[test]
    fn paths_lead_where_they_say_inside() {
        let (_dir, jail) = home();
        for path in
            ["a/b/file", "/a/b/file", "near/file", "./a/../a//b/./file", "../../a/b/file", "near/../b/file"]
        {
            assert_eq!(led(&jail, path, Last::Follow).as_deref(), Ok("/a/b/file"), "{path}");
        }
        for path in ["", ".", "/", "..", "../..", "a/..", "near/../.."] {
            assert_eq!(led(&jail, path, Last::Follow).as_deref(), Ok("/"), "{path}");
        }
        assert_eq!(led(&jail, "near", Last::Follow).as_deref(), Ok("/a/b"));
        assert_eq!(led(&jail, "near", Last::Keep).as_deref(), Ok("/near"));
        assert_eq!(led(&jail, "near/..", Last::Keep).as_deref(), Ok("/a"), "of where the link leads");
    }

    #[test]
    fn no_path_leads_out() {
        let (dir, jail) = home();
        let secret = dir.path().join("secret");
        let paths = [
            "../secret",
            "../../secret",
            "a/../../secret",
            "/../secret",
            "near/../../../secret",
            "a/up",
            secret.to_str().unwrap(),
        ];
        for path in paths {
            assert_eq!(led(&jail, path, Last::Follow), Err(Errno::NOENT), "{path}");
        }
        for path in ["absolute", "absolute/x", "slash/etc/passwd", "slash"] {
            assert_eq!(led(&jail, path, Last::Follow), Err(Errno::ACCESS), "{path}");
        }
        for path in ["loop1", "loop2/x", "self"] {
            assert_eq!(led(&jail, path, Last::Follow), Err(Errno::LOOP), "{path}");
        }
        assert_eq!(led(&jail, "loop1", Last::Keep).as_deref(), Ok("/loop1"));
        assert_eq!(led(&jail, "a/b/file/x", Last::Follow), Err(Errno::NOTDIR));
        assert_eq!(led(&jail, &"x/../".repeat(2000), Last::Follow), Err(Errno::NOENT));
        fs::create_dir_all(dir.path().join("home").join("d/".repeat(40))).unwrap();
        assert_eq!(led(&jail, &"d/".repeat(40), Last::Follow), Err(Errno::NAMETOOLONG));
    }

    #[test]
    fn the_way_back_is_the_way_that_was_come() {
        let (dir, jail) = home();
        // The folder is moved out of the home while it is open: its `..` would lead there.
        let spot = jail.walk(b"a/b", Last::Follow).unwrap();
        fs::rename(dir.path().join("home/a"), dir.path().join("moved")).unwrap();
        assert_eq!(spot.path(), b"/a/b");
        assert_eq!(led(&jail, "a/b", Last::Follow), Err(Errno::NOENT));
        symlink("..", dir.path().join("home/a")).unwrap();
        assert_eq!(led(&jail, "a/a/a/secret", Last::Follow), Err(Errno::NOENT));
    }
}
