//! The temporary directory of one server: configuration, data, sockets and log.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use tempfile::TempDir;

use crate::Error;

/// Removed on drop, unless the thread is panicking: then it is kept for reading, and its path printed.
#[derive(Debug)]
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new(server: &str) -> Result<Self, Error> {
        tempfile::Builder::new()
            .prefix(&format!("testkit-{server}-"))
            .tempdir()
            .map(Self)
            .map_err(|e| Error::io("make a temporary directory", e))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The path of `name` as text, for configuration files.
    pub(crate) fn text(&self, name: &str) -> String {
        self.join(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf, Error> {
        let path = self.join(name);
        fs::write(&path, content).map_err(|e| Error::io(format!("write `{}`", path.display()), e))?;
        Ok(path)
    }

    pub(crate) fn read(&self, name: &str) -> Result<String, Error> {
        let path = self.join(name);
        fs::read_to_string(&path).map_err(|e| Error::io(format!("read `{}`", path.display()), e))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.disable_cleanup(true);
            eprintln!("testkit: logs and data are kept in {}", self.path().display());
        }
    }
}
