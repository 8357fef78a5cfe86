//! The demo as a child process: started on a free port, stopped by `Drop` as Ctrl-C would.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The password of every seeded account.
pub(crate) const PASSWORD: &str = "pinewood-2026";

/// A running demo.
pub(crate) struct Demo {
    child: Child,
    url: String,
    words: Vec<String>,
    _out: BufReader<ChildStdout>,
    _folder: Option<TempDir>,
}

impl Demo {
    /// A demo with a data folder of its own.
    pub(crate) fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut demo = Self::start_in(folder.path(), args);
        demo._folder = Some(folder);
        demo
    }

    /// A demo on somebody else's data folder.
    pub(crate) fn start_in(folder: &Path, args: &[&str]) -> Self {
        let mut command = command(folder);
        if !args.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut words = Vec::new();
        loop {
            let mut line = String::new();
            let read = out.read_line(&mut line).unwrap();
            assert!(read > 0, "the demo ended before it was open: {words:?}");
            words.push(line.trim_end().to_owned());
            if line.starts_with("Ctrl-C stops it") {
                break;
            }
        }
        let url = words
            .iter()
            .find_map(|line| line.strip_prefix("Pinewood School is open at  "))
            .unwrap()
            .to_owned();
        Self { child, url, words, _out: out, _folder: None }
    }

    /// Its public address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What it printed at its start.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// Asks it to stop and waits for its end.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let mut status = None;
        testkit::until(Duration::from_secs(60), "the demo to stop", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .unwrap();
        status.unwrap()
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::KILL).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// The program, with nothing of the caller's settings.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command.env_clear();
    for name in ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("RUST_LOG", "warn,demo=info").arg("--data-dir").arg(folder);
    command
}

/// An HTTP client that keeps cookies out and follows nothing: every answer is seen as it is.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap()
}

/// Signs in through the API and gives the cookie back, `name=value`.
pub(crate) async fn sign_in(client: &reqwest::Client, base: &str, login: &str) -> String {
    let body = serde_json::json!({ "login": login, "password": PASSWORD });
    let reply = client.post(format!("{base}/api/v1/session")).json(&body).send().await.unwrap();
    assert_eq!(reply.status(), 201);
    let cookie = reply.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}
