//! Damage to the append-only file, as a crash of the machine leaves it: the end is missing.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use super::{Redis, SERVER};
use crate::Error;

/// Where redis-server keeps the parts of its append-only file (`appenddirname`).
const DIR: &str = "appendonlydir";

impl Redis {
    /// Cuts `bytes_from_end` bytes off the newest part of the append-only file of a killed server, so that
    /// [`Redis::restart`] finds what a power failure would have left.
    ///
    /// ```
    /// # fn main() -> Result<(), testkit::Error> {
    /// # if testkit::skipped("redis") { return Ok(()); }
    /// use testkit::{AppendFsync, Redis};
    ///
    /// let mut redis = Redis::options().aof(AppendFsync::EverySec).start()?;
    /// redis.cli(&["SET", "first", "1"])?;
    /// redis.cli(&["SET", "last", "2"])?;
    /// redis.kill()?;
    /// redis.truncate_aof(1)?;
    /// redis.restart()?;
    /// assert_eq!((redis.cli(&["GET", "first"])?, redis.cli(&["GET", "last"])?), ("1".into(), "".into()));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `Misuse` when the server runs or keeps no append-only file, `InvalidInput` when the file is shorter,
    /// `Unavailable` when the file cannot be changed.
    pub fn truncate_aof(&mut self, bytes_from_end: u64) -> Result<(), Error> {
        if self.process.is_running()? {
            return Err(Error::misuse(format!("`{}` runs; kill it first", SERVER.name)));
        }
        let path = newest(&self.home.join(DIR))?;
        let refused = |e| Error::io(format!("cut `{}`", path.display()), e);
        let file: File = OpenOptions::new().write(true).open(&path).map_err(refused)?;
        let bytes = file.metadata().map_err(refused)?.len();
        let left = bytes.checked_sub(bytes_from_end).ok_or_else(|| {
            Error::invalid(format!("`{bytes_from_end}` bytes cannot be cut off; the file has {bytes}"))
        })?;
        file.set_len(left).map_err(refused)
    }
}

fn newest(dir: &Path) -> Result<PathBuf, Error> {
    if !dir.is_dir() {
        return Err(Error::misuse("this server keeps no append-only file; start it with one"));
    }
    let entries = fs::read_dir(dir).map_err(|e| Error::io(format!("read `{}`", dir.display()), e))?;
    let parts = entries.filter_map(Result::ok).map(|entry| entry.path());
    let newest = parts.filter_map(|path| Some((sequence(path.file_name()?.to_str()?)?, path))).max();
    newest.map(|(_, path)| path).ok_or_else(|| Error::unexpected(SERVER.name, &dir.display().to_string()))
}

/// The number in `appendonly.aof.7.incr.aof`.
fn sequence(name: &str) -> Option<u64> {
    name.strip_suffix(".incr.aof")?.rsplit('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::sequence;

    #[test]
    fn only_increments_have_a_sequence() {
        assert_eq!(sequence("appendonly.aof.12.incr.aof"), Some(12));
        for other in ["appendonly.aof.1.base.rdb", "appendonly.aof.manifest", "appendonly.aof.x.incr.aof"] {
            assert_eq!(sequence(other), None, "{other}");
        }
    }
}
