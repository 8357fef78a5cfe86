//! A wall clock of redis-server that a test moves while the server runs, by way of libfaketime.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Redis;
use crate::Error;
use crate::home::Home;
use crate::program::Program;

const LIBRARY: Program = Program::new("libfaketimeMT.so.1", "libfaketime");
/// Debian keeps one directory for each kind of machine below this one.
const LIBRARIES_DIR: &str = "/usr/lib";
/// Preloaded second, it puts its allocator before jemalloc, which asks for the time while it sets itself up,
/// when libfaketime cannot answer yet.
const ALLOCATOR: &str = "libc.so.6";
/// What libfaketime reads whenever the server asks for the time: the seconds to add.
const FILE: &str = "clock";
const FILE_NEXT: &str = "clock.next";
/// Where libfaketime keeps the memory that children of the server would share.
const SHARED_DIR: &str = "/dev/shm";

impl Redis {
    /// Puts the wall clock of the server `offset_ms` milliseconds before (negative: behind) that of the machine,
    /// from the next time that the server asks. Calls do not add up; 0 is the machine's clock again.
    ///
    /// The offset outlives [`Redis::restart`]. The monotonic clock stays real, so time-outs and WAIT do too.
    ///
    /// ```
    /// # fn main() -> Result<(), testkit::Error> {
    /// # if testkit::skipped("redis") { return Ok(()); }
    /// let redis = testkit::Redis::options().movable_clock().start()?;
    /// redis.cli(&["SET", "seat", "7", "EX", "60"])?;
    /// redis.set_clock_offset_ms(61_000)?;
    /// assert_eq!(redis.cli(&["GET", "seat"])?, "");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `Misuse` when the server was started without [`crate::RedisOptions::movable_clock`], `Unavailable` when
    /// the machine refuses the file.
    pub fn set_clock_offset_ms(&self, offset_ms: i64) -> Result<(), Error> {
        if !self.options.movable_clock {
            return Err(Error::misuse("the clock of this server is fixed; start it with a movable one"));
        }
        write(&self.home, offset_ms)
    }
}

/// Makes `command` read the wall clock from the file in `home`.
pub(super) fn preload(command: &mut Command, home: &Home) -> Result<(), Error> {
    let library = find(Path::new(LIBRARIES_DIR))?;
    if !home.join(FILE).exists() {
        write(home, 0)?;
    }
    command
        .env("LD_PRELOAD", format!("{}:{ALLOCATOR}", library.display()))
        .env("FAKETIME_TIMESTAMP_FILE", home.join(FILE))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("NO_FAKE_STAT", "1");
    Ok(())
}

/// Removes the names of libfaketime's shared memory: a server that has it needs them no more, and one that is
/// killed would leave them behind.
pub(super) fn tidy(pid: u32) -> Result<(), Error> {
    for name in [format!("faketime_shm_{pid}"), format!("sem.faketime_sem_{pid}")] {
        let path = Path::new(SHARED_DIR).join(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io(format!("remove `{}`", path.display()), e));
            }
            _ => {}
        }
    }
    Ok(())
}

fn find(libraries: &Path) -> Result<PathBuf, Error> {
    let entries = fs::read_dir(libraries)
        .map_err(|e| Error::io(format!("read `{}`", libraries.display()), e))?
        .filter_map(Result::ok);
    entries
        .map(|entry| entry.path().join("faketime").join(LIBRARY.name))
        .find(|path| path.is_file())
        .ok_or_else(|| Error::missing(LIBRARY.name, LIBRARY.package))
}

/// In one step: the server reads the old offset or the new one, never half of it.
fn write(home: &Home, offset_ms: i64) -> Result<(), Error> {
    let next = home.write(FILE_NEXT, &seconds(offset_ms))?;
    fs::rename(next, home.join(FILE)).map_err(|e| Error::io("move the clock", e))
}

/// `-1.250` for -1250; libfaketime insists on a sign.
fn seconds(offset_ms: i64) -> String {
    let sign = if offset_ms < 0 { '-' } else { '+' };
    let ms = offset_ms.unsigned_abs();
    format!("{sign}{}.{:03}\n", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_signed_seconds() {
        let cases = [(0, "+0.000\n"), (1, "+0.001\n"), (-1_250, "-1.250\n"), (3_600_000, "+3600.000\n")];
        for (offset_ms, words) in cases {
            assert_eq!(seconds(offset_ms), words);
        }
    }

    #[test]
    fn a_missing_library_names_its_package() {
        let home = Home::new("redis").unwrap();
        let missing = find(home.path()).unwrap_err();
        assert_eq!(missing.kind(), crate::ErrorKind::Unavailable);
        assert!(missing.to_string().contains("apt-get install -y --no-install-recommends libfaketime"));
    }
}
