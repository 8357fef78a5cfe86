//! Paths and names at the server: bytes that were checked, shown without control characters.

use std::fmt;

use bytes::Bytes;

use crate::error::{Error, Inner, quoted};

/// The longest path, in bytes, as on Linux.
const PATH_BYTES_MAX: usize = 4096;

/// The longest name, in bytes. Most systems stop at 255.
const NAME_BYTES_MAX: usize = 1024;

/// A path at the server: 1 to 4,096 bytes, none of them NUL. Without a `/` in front it begins in the folder
/// of the login; `.` is that folder. It is never a path on this machine.
///
/// ```
/// use webssh_core::files::{FilePath, Name};
///
/// let folder = FilePath::parse("notes")?;
/// let name = Name::parse("第一课.txt").expect("a name");
/// assert_eq!(folder.join(&name)?.to_string(), "notes/第一课.txt");
/// assert!(FilePath::parse("").is_err() && FilePath::parse("a\0b").is_err());
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePath(Bytes);

/// The name of one file in its folder: 1 to 1,024 bytes, no `/`, no NUL, neither `.` nor `..`. It may hold
/// control characters and need not be UTF-8: show it by `Display`, which escapes them.
///
/// ```
/// use webssh_core::files::Name;
///
/// let name = Name::parse(b"a\x1b[2Jb\xff").expect("a name");
/// assert_eq!(name.to_string(), r"a\u{1b}[2Jb\xff");
/// assert_eq!(name.as_str(), None);
/// assert!(Name::parse("../passwd").is_none());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Bytes);

impl FilePath {
    /// Checks a path.
    ///
    /// # Errors
    /// `InvalidInput` when it is empty, too long, or has a NUL.
    pub fn parse(path: impl AsRef<[u8]>) -> Result<Self, Error> {
        let path = path.as_ref();
        let rule = match path.len() {
            0 => "it is empty: `.` is the folder of the login",
            1..=PATH_BYTES_MAX if path.contains(&0) => "it must not hold a NUL",
            1..=PATH_BYTES_MAX => return Ok(Self(Bytes::copy_from_slice(path))),
            _ => "it must not be longer than 4096 bytes",
        };
        Err(Inner::FilePath { path: quoted(&String::from_utf8_lossy(path)), rule }.into())
    }

    /// A name in this folder.
    ///
    /// # Errors
    /// `InvalidInput` when the path is too long.
    pub fn join(&self, name: &Name) -> Result<Self, Error> {
        let slash: &[u8] = if self.0.ends_with(b"/") { b"" } else { b"/" };
        Self::parse([&self.0, slash, name.as_bytes()].concat())
    }

    /// The last part, unless it is `.`, `..` or nothing at all.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        self.0.rsplit(|byte| *byte == b'/').next().and_then(Name::parse)
    }

    /// The path, byte for byte.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// `.NAME.part` in the same folder, where an upload grows. `None` for a path without a name.
    pub(super) fn part(&self) -> Option<Result<Self, Error>> {
        let name = self.name()?;
        let (folder, _) = self.0.split_at_checked(self.0.len().checked_sub(name.0.len())?)?;
        Some(Self::parse([folder, b".", name.as_bytes(), b".part"].concat()))
    }
}

impl Name {
    /// Checks a name; `None` when it is none.
    #[must_use]
    pub fn parse(name: impl AsRef<[u8]>) -> Option<Self> {
        let name = name.as_ref();
        let usable = (1..=NAME_BYTES_MAX).contains(&name.len())
            && name != b"."
            && name != b".."
            && !name.iter().any(|byte| matches!(byte, b'/' | 0));
        // In memory of its own: the packet that it came in may be much longer.
        usable.then(|| Self(Bytes::copy_from_slice(name)))
    }

    /// The name, byte for byte.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name as text, if it is UTF-8. It may hold control characters.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// Control characters, invisible ones and backslashes are escaped, as are bytes that are not UTF-8.
impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

/// Control characters, invisible ones and backslashes are escaped, as are bytes that are not UTF-8.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilePath(`{self}`)")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name(`{self}`)")
    }
}

fn show(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write as _;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if matches!(c, '\'' | '"') { f.write_char(c)? } else { write!(f, "{}", c.escape_debug())? }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_stands_beside_its_file() {
        let part = |path: &str| FilePath::parse(path).unwrap().part().map(|part| part.unwrap().to_string());
        assert_eq!(part("a.txt").as_deref(), Some(".a.txt.part"));
        assert_eq!(part("/x/y/你好").as_deref(), Some("/x/y/.你好.part"));
        for folder in [".", "..", "/", "x/", "x/..", "//"] {
            assert_eq!(part(folder), None, "{folder}");
        }
    }

    #[test]
    fn a_path_that_is_shown_cannot_deceive() {
        let shown = |bytes: &[u8]| FilePath::parse(bytes).unwrap().to_string();
        assert_eq!(shown("it's \"x\"\u{202e}gpj\\\r".as_bytes()), "it's \"x\"\\u{202e}gpj\\\\\\r");
        assert_eq!(shown(b"\x9b1m\xe4\xbd"), "\\x9b1m\\xe4\\xbd");
    }

    #[test]
    fn names_are_joined_with_one_slash() {
        let joined = |folder: &str| {
            FilePath::parse(folder).unwrap().join(&Name::parse("n").unwrap()).unwrap().to_string()
        };
        assert_eq!((joined("/"), joined("a"), joined("a/")), ("/n".into(), "a/n".into(), "a/n".into()));
        assert!(Name::parse("x".repeat(1025)).is_none());
        assert!(FilePath::parse("x".repeat(4096)).unwrap().join(&Name::parse("n").unwrap()).is_err());
    }
}
