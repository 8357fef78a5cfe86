//! Keys that outlive a run: made once, kept in the data folder, readable by their owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

/// Reads the key file, or makes it with `make`. Two processes that start together end with the same key:
/// the text goes to a file of its own first, and only one of the two can link it into place.
pub(crate) fn load_or_make<E>(
    path: &Path,
    make: impl FnOnce() -> Result<Zeroizing<String>, E>,
) -> Result<Zeroizing<String>, KeyFileError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let name = || path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => return Ok(Zeroizing::new(text)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {}
        Err(cause) => return Err(KeyFileError::File { path: name(), cause }),
    }
    let text = make().map_err(|cause| KeyFileError::Make { cause: Box::new(cause) })?;
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    write_private(&draft, &text)
        .map_err(|cause| KeyFileError::File { path: draft.display().to_string(), cause })?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)
        .map_err(|cause| KeyFileError::File { path: draft.display().to_string(), cause })?;
    match linked {
        Ok(()) => Ok(text),
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
            let text =
                fs::read_to_string(path).map_err(|cause| KeyFileError::File { path: name(), cause })?;
            Ok(Zeroizing::new(text))
        }
        Err(cause) => Err(KeyFileError::File { path: name(), cause }),
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Why a key could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFileError {
    /// The file cannot be read or written.
    #[error(
        "the key file `{path}` cannot be used; check the folder and its rights, or set another --data-dir"
    )]
    File {
        path: String,
        #[source]
        cause: io::Error,
    },
    /// A new key could not be made.
    #[error("a new key could not be made")]
    Make {
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_key_stays_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pem");
        let first = load_or_make(&path, || Ok::<_, io::Error>(Zeroizing::new("one".to_owned()))).unwrap();
        let second = load_or_make(&path, || Ok::<_, io::Error>(Zeroizing::new("two".to_owned()))).unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("one", "one"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
