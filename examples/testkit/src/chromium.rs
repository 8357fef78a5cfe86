//! One chromedriver, and what to ask of it for a headless Chromium.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::home::Home;
use crate::process::Process;
use crate::program::Program;
use crate::{Error, port, until};

const DRIVER: Program = Program::new("chromedriver", "chromium-driver");
const BROWSER: Program = Program::new("chromium", "chromium");
const BROWSERS_END_MAX: Duration = Duration::from_secs(5);
const ARGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
    // Driven through a pipe, a browser ends with its driver, however the driver ends.
    "--remote-debugging-pipe",
    "--lang=en-GB",
];

/// A chromedriver of its own on 127.0.0.1, stopped on drop together with its browsers.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("chromium") { return Ok(()); }
/// let chromium = testkit::Chromium::start()?;
/// assert!(chromium.webdriver_url().starts_with("http://127.0.0.1:"));
/// assert!(chromium.capabilities().contains("--headless=new"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Chromium {
    // Fields are dropped in this order: the driver, then its browsers, then their files.
    process: Process,
    browsers: Browsers,
    browser: PathBuf,
    port: u16,
    profiles: AtomicU32,
}

/// The browsers that a driver left behind, found by the directory that is in their command lines.
#[derive(Debug)]
struct Browsers {
    home: Home,
}

impl Chromium {
    /// Starts chromedriver and waits until it listens. Browsers are started by the sessions.
    ///
    /// # Errors
    ///
    /// `Unavailable` when chromium or chromium-driver is not installed, `PeerMisbehaved` when chromedriver
    /// ends or does not get ready.
    pub fn start() -> Result<Self, Error> {
        let browser = BROWSER.find(&[])?;
        let home = Home::new("chromium")?;
        let (port, process) = port::start(|port| launch(&home, port))?;
        Ok(Self { process, browsers: Browsers { home }, browser, port, profiles: AtomicU32::new(0) })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn webdriver_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Where chromedriver listens.
    pub fn addr(&self) -> SocketAddr {
        port::local(self.port)
    }

    /// The id of the chromedriver process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The capabilities of one session as the text of a JSON object: a headless browser with a profile
    /// directory of its own. Ask again for every session, since two browsers cannot share a profile.
    pub fn capabilities(&self) -> String {
        let profile = self.profiles.fetch_add(1, Ordering::Relaxed);
        let user_data_dir =
            format!("--user-data-dir={}", self.browsers.home.text(&format!("profile{profile}")));
        let args: Vec<String> =
            ARGS.iter().copied().chain([user_data_dir.as_str()]).map(json_string).collect();
        format!(
            r#"{{"browserName":"chrome","goog:chromeOptions":{{"binary":{},"args":[{}]}}}}"#,
            json_string(&self.browser.display().to_string()),
            args.join(",")
        )
    }
}

impl Drop for Browsers {
    fn drop(&mut self) {
        if until(BROWSERS_END_MAX, "the end of the browsers", || self.pids().is_empty()).is_ok() {
            return;
        }
        for pid in self.pids() {
            if let Err(e) = kill_process(pid, Signal::KILL) {
                eprintln!("testkit: chromium (process {pid:?}) may still run: {e}");
            }
        }
        // A signal takes a moment to act, and only then are the files nobody's.
        if let Err(e) = until(BROWSERS_END_MAX, "the end of the browsers", || self.pids().is_empty()) {
            eprintln!("testkit: chromium may still run: {e}");
        }
    }
}

impl Browsers {
    fn pids(&self) -> Vec<Pid> {
        let dir = self.home.path().display().to_string();
        let Ok(processes) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        processes
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| mentions(*pid, &dir))
            .filter_map(Pid::from_raw)
            .collect()
    }
}

/// Whether the command line of the process names `dir`. A process that is gone names nothing.
fn mentions(pid: i32, dir: &str) -> bool {
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&command_line).contains(dir)
}

fn launch(home: &Home, port: u16) -> Result<Process, Error> {
    let mut command = DRIVER.command()?;
    // Whatever the browser keeps outside its profile goes into the temporary directory too.
    command.env("TMPDIR", home.path()).env("HOME", home.path());
    command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_CACHE_HOME").arg(format!("--port={port}"));
    let ready = format!("was started successfully on port {port}");
    Process::start(DRIVER, command, &home.join("chromedriver.log"), &ready)
}

/// `text` as a JSON string (RFC 8259, section 7).
fn json_string(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_backslashes_and_controls_are_escaped() {
        assert_eq!(json_string("a\"b\\c\n"), r#""a\"b\\c\u000a""#);
    }

    #[test]
    fn a_taken_port_is_recognised() {
        if crate::skipped("chromium") {
            return;
        }
        let (_listener, taken) = port::taken();
        let home = Home::new("chromium").unwrap();
        assert!(launch(&home, taken).unwrap_err().is_port_taken());
    }
}
