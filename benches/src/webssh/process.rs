//! What the system says about a process that runs: its memory and its processor time.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::wrong;
use crate::Error;

/// Kilobytes of memory that no file backs; pages that several processes have are divided between them. Pages of
/// programs and libraries are not in it: they are there once, however many terminals there are.
pub(crate) fn kilobytes(pid: u32) -> Result<f64, Error> {
    let file = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&file)?;
    let value =
        text.lines().find_map(|line| line.strip_prefix("Pss_Anon:")?.split_whitespace().next()?.parse().ok());
    value.ok_or_else(|| wrong(format!("no `Pss_Anon:` in {file}"), "kilobytes"))
}

/// The time that its threads have been on a core.
pub(crate) fn processor_time(pid: u32) -> Result<Duration, Error> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
        let nanos = stat.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
        sum += nanos.map(Duration::from_nanos).ok_or_else(|| wrong(stat, "nanoseconds on a core"))?;
    }
    Ok(sum)
}

/// Raises the number of files that this process, and those that it starts, may have open: as far as it may, and to
/// so many at least.
pub(crate) fn allow_files(files: u32) -> Result<(), Error> {
    let allowed = getrlimit(Resource::Nofile).maximum;
    if allowed.is_some_and(|allowed| allowed < u64::from(files)) {
        let given = format!("a hard limit of {} open files", allowed.unwrap_or_default());
        return Err(wrong(
            given,
            &format!("{files}: raise it with `ulimit -Hn {files}`, or ask for less `--callers`"),
        ));
    }
    let limit = Rlimit { current: allowed, maximum: allowed };
    Ok(setrlimit(Resource::Nofile, limit).map_err(std::io::Error::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_time() {
        let pid = std::process::id();
        assert!(kilobytes(pid).unwrap() > 100.0);
        let before = processor_time(pid).unwrap();
        let mut spin = 0_u64;
        while processor_time(pid).unwrap() < before + Duration::from_millis(10) {
            spin = std::hint::black_box(spin + 1);
        }
        assert!(kilobytes(u32::MAX).is_err() && processor_time(u32::MAX).is_err());
    }

    #[test]
    fn files_that_nobody_may_open_are_refused_with_the_remedy() {
        allow_files(16).unwrap();
        if let Some(maximum) = getrlimit(Resource::Nofile).maximum
            && let Ok(more) = u32::try_from(maximum + 1)
        {
            assert!(allow_files(more).unwrap_err().to_string().contains("ulimit -Hn"));
        }
    }
}
