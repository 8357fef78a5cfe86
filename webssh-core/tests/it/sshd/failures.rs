//! Servers that stop, networks that swallow, and live ones that must not be taken for them.

use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Proxy, Sshd};
use tokio::time::timeout;
use webssh_core::ssh::{ConnectOptions, Output, Shell, ShellInput, ShellOutput};
use webssh_core::{ChannelEnd, ErrorKind};

use super::lab::{Lab, opened, options};
use crate::browser::DEADLINE;
use crate::contract::ends::{UNANSWERED, UNANSWERED_SECS};
use crate::contract::lab::patient;

/// Probes after a second of silence, and does not wait long for the answer.
fn impatient() -> ConnectOptions {
    let mut options = patient();
    (options.probe_secs, options.unanswered_secs_max) = (1, UNANSWERED_SECS);
    options
}

/// Both halves of a shell without echo, and all that it said.
struct Terminal {
    input: ShellInput,
    output: ShellOutput,
    said: Vec<u8>,
    searched: usize,
}

impl Terminal {
    async fn open(lab: &Lab) -> Self {
        Self::of(opened(lab.shell().await.unwrap())).await
    }

    fn new(shell: Shell) -> Self {
        let (input, output) = shell.split();
        Self { input, output, said: Vec::new(), searched: 0 }
    }

    async fn of(shell: Shell) -> Self {
        let mut terminal = Self::new(shell);
        terminal.say("exec sh -c 'stty raw -echo; echo rea''dy $PPID; exec sh'\r").await;
        terminal.wait_for("ready").await;
        terminal
    }

    async fn say(&self, text: &str) {
        self.input.send(text.to_owned().into()).await.unwrap();
    }

    /// Reads on until `wanted` was said, behind what was waited for before.
    async fn wait_for(&mut self, wanted: &str) {
        loop {
            let new = self.said.get(self.searched..).unwrap_or_default();
            if let Some(at) = new.windows(wanted.len()).position(|window| window == wanted.as_bytes()) {
                self.searched += at + wanted.len();
                return;
            }
            // What may be the beginning of it is looked at again.
            self.searched = self.searched.max((self.said.len() + 1).saturating_sub(wanted.len()));
            match timeout(DEADLINE, self.output.recv()).await.expect("output within the deadline") {
                Output::Bytes(bytes) => self.said.extend_from_slice(&bytes),
                Output::Ended(end) => panic!("{end:?} after {}", String::from_utf8_lossy(&self.said)),
            }
        }
    }

    /// The process of sshd that serves this session.
    async fn server(&mut self) -> String {
        self.say("echo pid $PPID.\n").await;
        self.wait_for("pid ").await;
        let from = self.searched;
        self.wait_for(".").await;
        String::from_utf8(self.said[from..self.searched - 1].to_vec()).unwrap()
    }

    async fn end(&mut self) -> ChannelEnd {
        loop {
            if let Output::Ended(end) = timeout(DEADLINE, self.output.recv()).await.expect("an end") {
                return end;
            }
        }
    }
}

fn kill(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
}

fn assert_lost(end: &ChannelEnd, words: &str) {
    let ChannelEnd::Lost(error) = end else { panic!("{end:?}") };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

/// Waits until the server behind `proxy` was sent as many probes, each of at least 32 bytes, over a longer time
/// than one may stay unanswered.
async fn wait_for_probes(proxy: Proxy, probes: u64) -> Proxy {
    let sent = proxy.requests_bytes();
    let waiting = tokio::task::spawn_blocking(move || {
        let (started, longer) = (Instant::now(), Duration::from_secs((UNANSWERED_SECS + 2).into()));
        let seen = testkit::until(DEADLINE, "probes", || {
            proxy.requests_bytes() >= sent + probes * 32 && started.elapsed() > longer
        });
        (proxy, seen)
    });
    let (proxy, seen) = waiting.await.unwrap();
    seen.unwrap();
    proxy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_is_noticed() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let mut terminal = Terminal::open(&Lab::of(&sshd, sshd.addr()).with(impatient())).await;
    let server = terminal.server().await;
    kill("-STOP", &server);
    let end = terminal.end().await;
    kill("-KILL", &server);
    assert_lost(&end, UNANSWERED);
}

/// Also when there is something to type, and nobody reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_is_noticed_in_the_middle_of_a_paste() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let mut terminal = Terminal::open(&Lab::of(&sshd, sshd.addr()).with(impatient())).await;
    let server = terminal.server().await;
    terminal.say("exec cat >/dev/null\n").await;
    kill("-STOP", &server);
    let paste = async {
        // The kernels in between take a few MiB; then the paste is stuck until the end.
        while terminal.input.send(vec![b'x'; 64 * 1024].into()).await.is_ok() {}
    };
    timeout(DEADLINE, paste).await.expect("the paste ends with the session");
    let end = terminal.end().await;
    kill("-KILL", &server);
    // The probe finds it out, or the kernel, whose bytes nobody takes: it is the same answer.
    assert_lost(&end, UNANSWERED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_is_noticed() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let proxy = Proxy::start(sshd.addr()).unwrap();
    let mut terminal = Terminal::open(&Lab::of(&sshd, proxy.addr()).with(impatient())).await;
    terminal.server().await;
    proxy.drop_requests();
    proxy.hold_replies();
    assert_lost(&terminal.end().await, "did not answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_that_answers_stays() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let proxy = Proxy::start(sshd.addr()).unwrap();
    let mut terminal = Terminal::open(&Lab::of(&sshd, proxy.addr()).with(impatient())).await;
    terminal.server().await;
    let _proxy = wait_for_probes(proxy, 4).await;
    terminal.say("echo sti''ll\n").await;
    terminal.wait_for("still").await;
}

/// The probe goes out, and its answer is found behind a window full of output that nobody reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stalls_does_not_make_the_server_lost() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let proxy = Proxy::start(sshd.addr()).unwrap();
    let mut terminal = Terminal::open(&Lab::of(&sshd, proxy.addr()).with(impatient())).await;
    terminal.server().await;
    terminal.say("stty isig; yes\n").await;
    terminal.wait_for("y\ny\n").await;
    let _proxy = wait_for_probes(proxy, 4).await;
    terminal.say("\x03").await;
    terminal.say("echo inter''rupted\n").await;
    terminal.wait_for("interrupted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_has_limits_of_its_own() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let mut options = patient();
    options.session_bytes_max = 64 * 1024;
    let mut terminal = Terminal::open(&Lab::of(&sshd, sshd.addr()).with(options.clone())).await;
    terminal.say("yes\n").await;
    assert_lost(&terminal.end().await, "session_bytes_max");
    options.session_bytes_max = u64::MAX;
    options.session_secs_max = 1;
    // Whether its shell is ready by then is another matter.
    let shell = Lab::of(&sshd, sshd.addr()).with(options).shell().await.unwrap();
    let mut terminal = Terminal::new(opened(shell));
    assert_lost(&terminal.end().await, "session_secs_max");
}

/// The guard changes nothing for an honest server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guarded_session_carries_everything() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd: Sshd = options().line("RekeyLimit 256K").start().unwrap();
    let mut terminal = Terminal::of(Lab::of(&sshd, sshd.addr()).guarded_shell().await).await;
    terminal.say("seq 1 400000; echo e''nd\n").await;
    terminal.wait_for("end").await;
    let wanted: String = (1..=400_000).map(|n| format!("{n}\n")).collect();
    let said = String::from_utf8(terminal.said).unwrap();
    assert!(said.contains(&wanted), "{} bytes came", said.len());
}
