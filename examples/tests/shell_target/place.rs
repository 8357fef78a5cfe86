//! A target to test, and OpenSSH's client to reach it with.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use pty_process::{Pty, Size};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::shell_target::{ShellTarget, ShellTargetOptions};

/// Everything here takes milliseconds; a test that waits so long has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// Starts interactive bash prompts; also the end of every command's output.
pub(crate) const PROMPT: &str = "learner@lab:";

/// A target, and a folder with what OpenSSH needs to reach it.
pub(crate) struct Place {
    pub(crate) target: ShellTarget,
    pub(crate) dir: TempDir,
}

impl Place {
    pub(crate) async fn start(options: ShellTargetOptions) -> Self {
        let target = ShellTarget::start(options).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("known_hosts"), target.known_hosts_line()).unwrap();
        write_key(&dir.path().join("key"), target.client_key_pem());
        Self { target, dir }
    }

    pub(crate) async fn new() -> Self {
        Self::start(ShellTargetOptions::default()).await
    }

    /// The arguments of `ssh`: nothing of this machine's settings, the pinned host key, one key.
    pub(crate) fn args(&self, user: &str) -> Vec<String> {
        let path = |name| self.dir.path().join(name).display().to_string();
        let mut args = vec!["-F".to_owned(), "none".into(), "-i".into(), path("key")];
        args.extend(["-p".into(), self.target.addr().port().to_string(), "-l".into(), user.into()]);
        for option in [
            format!("UserKnownHostsFile={}", path("known_hosts")),
            "GlobalKnownHostsFile=/dev/null".into(),
            "StrictHostKeyChecking=yes".into(),
            "IdentitiesOnly=yes".into(),
            "IdentityAgent=none".into(),
            "BatchMode=yes".into(),
            "ExitOnForwardFailure=yes".into(),
            "EscapeChar=none".into(),
        ] {
            args.extend(["-o".into(), option]);
        }
        args
    }

    pub(crate) fn ssh(&self, user: &str, extra: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command.args(self.args(user)).args(extra).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `ssh` with `extra` arguments and `input` to its end.
    pub(crate) async fn run(&self, user: &str, extra: &[&str], input: &str) -> Output {
        let mut child = spawned(self.ssh(user, extra).spawn());
        let mut stdin = child.stdin.take().unwrap();
        // A refused client closes its input before it has read all.
        let _ = stdin.write_all(input.as_bytes()).await;
        let output = timeout(DEADLINE, child.wait_with_output()).await.expect("ssh did not end");
        drop(stdin);
        output.unwrap()
    }

    /// Opens `ssh` on a terminal of its own and waits for the prompt.
    pub(crate) async fn console(&self, user: &str, size: Size) -> Console {
        let (pty, pts) = pty_process::open().unwrap();
        pty.resize(size).unwrap();
        let command = pty_process::Command::new("ssh").args(self.args(user)).arg("127.0.0.1");
        let child = command.env("TERM", "xterm-256color").kill_on_drop(true).spawn(pts).unwrap();
        let mut console = Console { pty, child, seen: String::new() };
        console.expect(PROMPT).await;
        console
    }
}

/// `ssh` on a terminal, and what it showed that nobody has looked at.
pub(crate) struct Console {
    pub(crate) pty: Pty,
    pub(crate) child: Child,
    seen: String,
}

impl Console {
    pub(crate) async fn say(&mut self, line: &str) {
        timeout(DEADLINE, self.pty.write_all(format!("{line}\n").as_bytes())).await.unwrap().unwrap();
    }

    /// Waits until the terminal shows `needle`; returns what came before and forgets both.
    pub(crate) async fn expect(&mut self, needle: &str) -> String {
        let reading = async {
            let mut chunk = [0; 4096];
            loop {
                if let Some(at) = self.seen.find(needle) {
                    let rest = self.seen.split_off(at + needle.len());
                    return std::mem::replace(&mut self.seen, rest);
                }
                // Keep a flood from being searched again and again.
                if self.seen.len() > 64 * 1024 {
                    let tail = self.seen.split_off(self.seen.len() - 1024);
                    self.seen = tail;
                }
                let bytes = self.pty.read(&mut chunk).await.expect("ssh ended");
                self.seen.push_str(&String::from_utf8_lossy(&chunk[..bytes]));
            }
        };
        timeout(DEADLINE, reading).await.unwrap_or_else(|_| panic!("`{needle}` did not appear"))
    }

    /// The shell's home folder.
    pub(crate) async fn home(&mut self) -> PathBuf {
        self.say("echo \"<$HOME home>\"").await;
        loop {
            let shown = self.expect(" home>").await;
            let home = shown.rsplit_once('<').and_then(|(_, home)| home.strip_suffix(" home>")).unwrap();
            // The command itself is shown too, twice if the shell was not ready for it.
            if home != "$HOME" {
                return home.into();
            }
        }
    }

    pub(crate) async fn exit_status(mut self) -> Option<i32> {
        let mut rest = Vec::new();
        // Ends with an error when ssh has closed the terminal.
        let _ = timeout(DEADLINE, self.pty.read_to_end(&mut rest)).await.expect("ssh did not end");
        timeout(DEADLINE, self.child.wait()).await.unwrap().unwrap().code()
    }
}

pub(crate) fn spawned(child: std::io::Result<Child>) -> Child {
    child.expect("`ssh` did not start: apt-get install openssh-client")
}

pub(crate) fn write_key(path: &Path, pem: &str) {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    std::io::Write::write_all(&mut file, pem.as_bytes()).unwrap();
}

pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let polling = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, polling).await.unwrap_or_else(|_| panic!("{what}"));
}

/// Whether a process runs; one that nobody has buried yet does not.
pub(crate) fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The size of a console where it does not matter.
pub(crate) fn usual() -> Size {
    Size::new(33, 101)
}
