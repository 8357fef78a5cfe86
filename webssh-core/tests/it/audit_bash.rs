//! The audit between a user and a real bash on a pseudo-terminal.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pty_process::{OwnedReadPty, OwnedWritePty, Size};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};
use webssh_core::WinSize;
use webssh_core::audit::{Audit, Command, Step, Verdict};

use crate::audit::Log;

const DEADLINE: Duration = Duration::from_secs(100);

/// How much slower the clock of the audit goes than ours: a bash that only stalls is not one that says nothing.
const SLOWER: u32 = 20;

/// Marks as a shell integration puts them around the prompt and before a command.
const MARKS: &str = r"PS1='\[\e]133;D\a\e]133;A\a\]lab> \[\e]133;B\a\]'; PS0='\e]133;C\a'";

struct Bash {
    audit: Audit,
    log: Arc<Log>,
    started: Instant,
    read: OwnedReadPty,
    write: OwnedWritePty,
    child: tokio::process::Child,
    output: String,
    searched: usize,
    asked: Vec<Command>,
}

impl Bash {
    /// A bash in this folder that has shown its first prompt.
    async fn start(folder: &Path, cols: u16, setup: &str) -> Self {
        let (pty, pts) = pty_process::open().unwrap();
        pty.resize(Size::new(24, cols)).unwrap();
        let command = pty_process::Command::new("bash")
            .args(["--norc", "--noprofile", "-i"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", folder)
            .env("HISTFILE", "/dev/null")
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env("PS1", "lab$ ")
            .current_dir(folder)
            .kill_on_drop(true);
        let child = command.spawn(pts).expect("apt-get install -y bash");
        let (read, write) = pty.into_split();
        let log = Arc::new(Log::default());
        let hook: Arc<Log> = Arc::clone(&log);
        let audit = Audit::new(hook, WinSize::new(cols, 24).unwrap());
        let started = Instant::now();
        let (output, searched, asked) = (String::new(), 0, Vec::new());
        let mut bash = Self { audit, log, started, read, write, child, output, searched, asked };
        bash.expect("lab$ ").await;
        if !setup.is_empty() {
            bash.types(&format!("{setup}\r")).await;
            // The echo of the setup itself has no real escape.
            bash.expect("\u{1b}]133;B\u{7}").await;
            bash.log.seen.lock().unwrap().clear();
        }
        bash
    }

    fn now(&self) -> Duration {
        self.started.elapsed() / SLOWER
    }

    async fn types(&mut self, keys: &str) {
        self.audit.on_input(self.now(), keys.as_bytes());
        self.act().await;
    }

    async fn act(&mut self) {
        while let Some(step) = self.audit.poll() {
            match step {
                Step::Forward(bytes) => self.write.write_all(&bytes).await.unwrap(),
                Step::Show(bytes) => self.output.push_str(std::str::from_utf8(&bytes).unwrap()),
                Step::Ask(command) => self.asked.push(command),
                _ => {}
            }
        }
    }

    /// Waits for output or for the time of the audit, and acts on it. Says whether bash still runs.
    async fn step(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let wake_at =
            self.audit.wake_at().map_or(self.started + DEADLINE * 3, |at| self.started + at * SLOWER);
        tokio::select! {
            read = self.read.read(&mut buffer) => match read {
                Ok(0) => return false,
                // Linux says EIO when nobody has the terminal open any more.
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return false,
                Err(_) => {}
                Ok(length) => {
                    self.output.push_str(&String::from_utf8_lossy(&buffer[..length]));
                    self.audit.on_output(self.now(), &buffer[..length]);
                }
            },
            () = tokio::time::sleep_until(wake_at) => self.audit.on_tick(self.now()),
        }
        self.act().await;
        true
    }

    /// What has not been searched yet.
    fn fresh(&self) -> &str {
        self.output.split_at(self.searched).1
    }

    async fn expect(&mut self, text: &str) {
        let found = timeout(DEADLINE, async {
            loop {
                if let Some(at) = self.fresh().find(text) {
                    self.searched += at + text.len();
                    return true;
                }
                if !self.step().await {
                    return false;
                }
            }
        });
        let found = found.await.unwrap_or(false);
        assert!(found, "`{text}` did not come after {:?}", self.fresh());
    }

    /// Types a command key by key, as a person does, each key after the echo of the one before.
    async fn runs(&mut self, keys: &str, then: &str) {
        for key in keys.chars() {
            let before = self.output.len();
            self.types(&key.to_string()).await;
            if !key.is_control() {
                while self.output.len() == before {
                    assert!(timeout(DEADLINE, self.step()).await.unwrap());
                }
            }
        }
        self.types("\r").await;
        self.expect(then).await;
    }

    async fn quits(mut self) -> Vec<String> {
        self.types("exit\r").await;
        while timeout(DEADLINE, self.step()).await.unwrap() {}
        timeout(DEADLINE, self.child.wait()).await.unwrap().unwrap();
        let mut texts = self.log.texts();
        assert_eq!(texts.pop().as_deref(), Some("exit"));
        texts
    }
}

/// Both ways to find a prompt.
const SETUPS: [&str; 2] = ["", MARKS];

/// The prompt to its last byte: a mark can come later than the text before it.
fn prompt(setup: &str) -> &'static str {
    if setup.is_empty() { "lab$ " } else { "lab> \u{1b}]133;B\u{7}" }
}

#[tokio::test]
async fn what_a_person_types_is_told() {
    for setup in SETUPS {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("long-name.txt"), "inside\n").unwrap();
        let mut bash = Bash::start(folder.path(), 80, setup).await;
        let ready = prompt(setup);
        bash.runs("echo o''ne", "one").await;
        bash.expect(ready).await;
        bash.runs("echo twoo\u{7f} 中文\u{1}\u{5}!\u{7f}é", "中文é").await;
        bash.expect(ready).await;
        bash.types("rubbish here\u{17}\u{15}").await;
        bash.types("cat lo\t").await;
        bash.expect("long-name.txt").await;
        bash.types("\r").await;
        bash.expect("inside").await;
        bash.expect(ready).await;
        // Up twice, all keys and the Enter at once.
        bash.types("\u{1b}[A\u{1b}[A\r").await;
        bash.expect("中文é\r\n").await;
        bash.expect(ready).await;
        bash.types("\u{12}o''n").await;
        bash.expect("i-search").await;
        bash.expect("echo").await;
        bash.types("\r").await;
        bash.expect("one\r\n").await;
        bash.expect(ready).await;
        let texts = bash.quits().await;
        let all = ["echo o''ne", "echo two 中文é", "cat long-name.txt", "echo two 中文é", "echo o''ne"];
        assert_eq!(texts, all, "{setup}");
    }
}

#[tokio::test]
async fn pastes_and_narrow_terminals() {
    for setup in SETUPS {
        let folder = tempfile::tempdir().unwrap();
        let mut bash = Bash::start(folder.path(), 30, setup).await;
        bash.types("echo a''1\recho b''2\recho c''3\r").await;
        bash.expect("c3").await;
        bash.expect(prompt(setup)).await;
        bash.types("\u{1b}[200~echo d''4\necho e''5\u{1b}[201~").await;
        bash.expect("echo e''5").await;
        bash.types("\r").await;
        bash.expect("e5").await;
        bash.expect(prompt(setup)).await;
        let long = format!("echo {} f''6", "0123456789 中文 ".repeat(8).trim());
        bash.types(&format!("{long}\r")).await;
        bash.expect("f6").await;
        bash.expect(prompt(setup)).await;
        let texts = bash.quits().await;
        assert_eq!(texts, ["echo a''1", "echo b''2", "echo c''3", "echo d''4\necho e''5", &long], "{setup}");
    }
}

#[tokio::test]
async fn passwords_are_not_told() {
    for setup in SETUPS {
        let folder = tempfile::tempdir().unwrap();
        let mut bash = Bash::start(folder.path(), 80, setup).await;
        bash.runs("read -s -p 'Pass''word: ' p; echo g''ot $p | tr a-z n-za-m", "Password: ").await;
        bash.types("uhagre").await;
        bash.types("\r").await;
        bash.expect("tbg hunter").await;
        bash.expect(prompt(setup)).await;
        // A question that looks like a prompt, and everything at once.
        bash.runs("read -s -p 'lab$'' ' p; echo g''ot $p | tr a-z n-za-m", "lab$ ").await;
        bash.types("uhagre\r").await;
        bash.expect("tbg hunter").await;
        bash.expect(prompt(setup)).await;
        let texts = bash.quits().await;
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(!texts.concat().contains("uhagre"), "{texts:?}");
    }
}

#[tokio::test]
async fn denied_commands_do_not_run_and_reviewed_ones_wait() {
    for setup in SETUPS {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("made");
        // Functions, so that running them would show.
        let mut bash = Bash::start(folder.path(), 80, setup).await;
        bash.runs("deny() { touch made; }; review() { touch made; }; echo de''fined", "defined").await;
        bash.expect(prompt(setup)).await;
        bash.runs("deny x", "not [2Jhere").await;
        bash.expect(prompt(setup)).await;
        bash.types("deny y\recho n''ever\r").await;
        bash.expect("not [2Jhere").await;
        bash.expect(prompt(setup)).await;
        bash.runs("echo s''till", "still").await;
        bash.expect(prompt(setup)).await;
        assert!(!made.exists() && !bash.output.contains("never"));

        bash.types("review z\r").await;
        bash.expect("review z").await;
        while bash.asked.is_empty() {
            assert!(timeout(DEADLINE, bash.step()).await.unwrap());
        }
        // The user gives up on it; the verdict comes too late.
        bash.types("\u{3}").await;
        bash.expect(prompt(setup)).await;
        let id = bash.asked.remove(0).id;
        bash.audit.verdict(bash.now(), id, Verdict::Allow);
        bash.act().await;
        bash.types("review z\r").await;
        while bash.asked.is_empty() {
            assert!(timeout(DEADLINE, bash.step()).await.unwrap());
        }
        assert!(!made.exists());
        let id = bash.asked.remove(0).id;
        bash.audit.verdict(bash.now(), id, Verdict::Allow);
        bash.act().await;
        bash.expect(prompt(setup)).await;
        assert!(made.exists());
        bash.quits().await;
    }
}

#[tokio::test]
async fn full_screen_programs_are_not_listened_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut bash = Bash::start(folder.path(), 80, "").await;
    bash.runs("printf '\\e[?1049h'; read -p 'lab$'' ' x; printf '\\e[?1049l'; echo a''gain", "lab$ ").await;
    bash.types("deny inside\r").await;
    bash.expect("again").await;
    bash.expect("lab$ ").await;
    let texts = bash.quits().await;
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn what_was_typed_ahead_is_told_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let mut bash = Bash::start(folder.path(), 80, MARKS).await;
    bash.runs("mkfifo gate; echo ma''de", "made").await;
    bash.expect(prompt(MARKS)).await;
    // Busy until the other end is open.
    bash.runs("read x < gate; echo aw''ake", "\u{1b}]133;C\u{7}").await;
    bash.types("echo a''head\r").await;
    bash.expect("echo a''head\r\n").await;
    // Open both ways it waits for nobody.
    let mut gate = OpenOptions::new().read(true).write(true).open(folder.path().join("gate")).unwrap();
    writeln!(gate).unwrap();
    bash.expect("awake").await;
    bash.expect("ahead\r\n").await;
    bash.expect(prompt(MARKS)).await;
    assert_eq!(*bash.log.missed.lock().unwrap(), ["echo a''head"]);
    bash.quits().await;
}
