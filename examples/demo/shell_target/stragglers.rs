//! Ends what a shell left behind: background jobs, and programs that ignore the hang-up.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Passes over the process table at most: a program that forks all the time can outrun the first.
const PASSES_MAX: usize = 100;
/// Pause between passes, in which the system buries what was killed.
const PASS_PAUSE: Duration = Duration::from_millis(10);

/// Kills every process of the session that `leader` started.
///
/// The leader itself may be gone: the system gives its number to no other process while the session lasts.
/// A process that left the session (`setsid`) is not found. Where there is no `/proc`, only the hang-up
/// reaches background jobs.
///
/// # Errors
/// When the process table could not be read or a process not be signalled.
pub(super) async fn kill_session(leader: Pid) -> io::Result<()> {
    for _ in 0..PASSES_MAX {
        let members = members(leader)?;
        if members.is_empty() {
            return Ok(());
        }
        for member in members {
            match kill_process(member, Signal::KILL) {
                // Gone by itself since the pass.
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        tokio::time::sleep(PASS_PAUSE).await;
    }
    Err(io::Error::other("the shell left processes that could not be killed"))
}

fn members(leader: Pid) -> io::Result<Vec<Pid>> {
    let table = match fs::read_dir("/proc") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        table => table?,
    };
    let mut members = Vec::new();
    for entry in table {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(pid) else {
            continue;
        };
        // A process may end between the listing and this read.
        let Ok(stat) = fs::read(entry.path().join("stat")) else {
            continue;
        };
        if session(&stat) == Some(leader) {
            members.push(pid);
        }
    }
    Ok(members)
}

/// The session of a living process, from its `/proc/PID/stat` (proc(5)). `None` for a zombie, which
/// nobody can kill, and for text of another shape.
fn session(stat: &[u8]) -> Option<Pid> {
    // The second field is a program's name in parentheses and may hold anything, parentheses too.
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let mut fields = std::str::from_utf8(stat.get(name_end + 1..)?).ok()?.split_ascii_whitespace();
    match fields.next()? {
        "Z" | "X" => None,
        _ => pid(fields.nth(2)?),
    }
}

fn pid(text: &str) -> Option<Pid> {
    // rustix panics at a negative number.
    text.parse().ok().filter(|&number| number > 0).and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_read_behind_any_name() {
        let read = |stat: &str| session(stat.as_bytes()).map(Pid::as_raw_nonzero).map(i32::from);
        assert_eq!(read("812 (bash) S 800 812 777 34816 812 4194304"), Some(777));
        assert_eq!(read("812 (a) S 1 2 3 (b) R 800 812 777 0"), Some(777));
        assert_eq!(read("812 (bash) Z 800 812 777 0"), None);
        assert_eq!(read("812 (bash) S 800 812 0 0"), None);
        assert_eq!(read("812 (bash) S 800 812 -1 0"), None);
        assert_eq!(read(""), None);
        assert_eq!(read("812 (bash) S 800"), None);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        use proptest::prelude::*;
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(256));
        let any_stat =
            proptest::collection::vec(proptest::sample::select(b") (ZS0123456789-\xff".to_vec()), 0..40);
        runner
            .run(&any_stat, |stat| {
                let _ = session(&stat);
                Ok(())
            })
            .unwrap();
    }
}
