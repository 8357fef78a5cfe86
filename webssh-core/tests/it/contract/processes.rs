//! The processes behind a session of sshd, which are killed and stopped.

use std::fs;
use std::process::Command;

use testkit::Sshd;

/// Everything that runs below a server. What was stopped is killed in the end.
pub(crate) struct Below(Vec<u32>);

impl Below {
    /// The processes that a server has started, and those that they have started.
    pub(crate) fn server(sshd: &Sshd) -> Self {
        let mut found = vec![sshd.pid()];
        let mut next = 0;
        while let Some(parent) = found.get(next).copied() {
            found.extend(children(parent));
            next += 1;
        }
        found.remove(0);
        assert!(!found.is_empty(), "a session is open");
        Self(found)
    }

    /// Whether a server has started any.
    pub(crate) fn is_busy(sshd: &Sshd) -> bool {
        !children(sshd.pid()).is_empty()
    }

    pub(crate) fn kill(&self) {
        self.signal("-KILL");
    }

    pub(crate) fn stop(&self) {
        self.signal("-STOP");
    }

    fn signal(&self, signal: &str) {
        let pids = self.0.iter().map(ToString::to_string);
        // Some of them end as soon as the first does.
        Command::new("kill").arg(signal).args(pids).output().unwrap();
    }
}

impl Drop for Below {
    fn drop(&mut self) {
        self.signal("-KILL");
    }
}

fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let Ok(pid) = entry.unwrap().file_name().to_string_lossy().parse::<u32>() else { continue };
        // A process may end meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let after_name = stat.rsplit(')').next().unwrap();
        if after_name.split_whitespace().nth(1) == Some(parent.to_string().as_str()) {
            found.push(pid);
        }
    }
    found
}

/// How many bytes a process has written so far.
pub(crate) fn written_bytes(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap();
    line.parse().unwrap()
}
