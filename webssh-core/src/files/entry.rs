//! What is known of a file at the server, and the list of a folder.

use super::Name;
use super::packet::Attrs;

/// A file in a folder. A link is told as a link, whatever it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub name: Name,
    /// What is known of it.
    pub about: About,
}

/// What is known of a file. What a server does not tell is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct About {
    /// What it is.
    pub kind: FileKind,
    /// Its length, in bytes.
    pub bytes: u64,
    /// The last change, in seconds since 1970 (UTC).
    pub modified_secs: u64,
    /// The permissions: the lowest twelve bits of POSIX's `st_mode`.
    pub mode: u32,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a pipe, a socket: nothing to transfer.
    Other,
}

/// The list of a folder, in the order of the server, without `.` and `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// What is in the folder.
    pub entries: Vec<Entry>,
    /// Whether these are all. If not, there are more than [`entries_max`](super::FileLimits::entries_max).
    pub is_complete: bool,
    /// How many names were left out because they are none: they hold a `/`, or are too long.
    pub unusable: u32,
}

/// The bits of the kind in a mode, and those of the permissions.
const KIND_BITS: u32 = 0o170_000;
const PERMISSION_BITS: u32 = 0o7777;

impl From<Attrs> for About {
    fn from(attrs: Attrs) -> Self {
        let kind = match attrs.mode.map(|mode| mode & KIND_BITS) {
            // A server that tells no kind most likely has no others.
            None | Some(0o100_000) => FileKind::File,
            Some(0o040_000) => FileKind::Folder,
            Some(0o120_000) => FileKind::Link,
            Some(_) => FileKind::Other,
        };
        Self {
            kind,
            bytes: attrs.bytes.unwrap_or(0),
            modified_secs: attrs.times.map_or(0, |times| times.modified_secs.into()),
            mode: attrs.mode.unwrap_or(0) & PERMISSION_BITS,
        }
    }
}
