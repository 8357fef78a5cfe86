//! One running server program: its output goes to a log, and it is stopped and reaped on drop.
//!
//! Children stay in the process group of the test. So a Ctrl-C at the terminal ends them, and so does nextest,
//! which signals the whole group of a test that ran out of time. PDEATHSIG is not used: it fires when the
//! thread that spawned the child ends, which kills a server that outlives the thread that started it.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;
use crate::program::Program;
use crate::wait::until_ok;

/// How long a server may take from its start until it answers; generous, because test machines are busy.
const READY_MAX: Duration = Duration::from_secs(60);
/// How long a server may take to end after it was asked to.
const STOP_MAX: Duration = Duration::from_secs(10);
/// How much of a log an error shows.
const LOG_LINES_MAX: usize = 20;
/// How the servers say that their port is taken or, for a node of a cluster, too high: another one may do.
const PORT_TAKEN: [&str; 4] =
    ["ddress already in use", "port not available", "in use by another process", "port number too high"];

#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    stop_with: Signal,
    log: PathBuf,
    /// Where this run begins in a log that an earlier run may have begun.
    log_start: u64,
    /// INVARIANT: while this is false the child was not reaped, so its id cannot belong to another process.
    reaped: bool,
}

impl Process {
    /// Starts `command` and waits until its log contains `ready`.
    ///
    /// The log is asked, not the port: on a port that somebody else took, somebody else would answer.
    pub(crate) fn start(program: Program, command: Command, log: &Path, ready: &str) -> Result<Self, Error> {
        let mut process = Self::spawn(program, command, log)?;
        process.wait_ready(ready)?;
        Ok(process)
    }

    fn spawn(program: Program, mut command: Command, log: &Path) -> Result<Self, Error> {
        let doing = || format!("open the log `{}`", log.display());
        let out =
            OpenOptions::new().create(true).append(true).open(log).map_err(|e| Error::io(doing(), e))?;
        let log_start = out.metadata().map_err(|e| Error::io(doing(), e))?.len();
        let err: File = out.try_clone().map_err(|e| Error::io(doing(), e))?;
        let child = command
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|e| Error::io(format!("start `{}`", program.name), e))?;
        Ok(Self {
            name: program.name,
            child,
            stop_with: Signal::TERM,
            log: log.to_owned(),
            log_start,
            reaped: false,
        })
    }

    /// Chooses the signal that asks this server to end; SIGTERM unless told.
    pub(crate) fn stop_with(mut self, signal: Signal) -> Self {
        self.stop_with = signal;
        self
    }

    fn wait_ready(&mut self, ready: &str) -> Result<(), Error> {
        let found = until_ok(READY_MAX, ready, || {
            // The status is asked first: a child that ended has written all it ever will.
            let ended = self.try_reap()?;
            let log = self.log_of_this_run()?;
            match ended {
                _ if log.contains(ready) => Ok(Some(())),
                None => Ok(None),
                Some(_) if PORT_TAKEN.iter().any(|words| log.contains(words)) => {
                    Err(Error::port_taken(self.name, tail(&log)))
                }
                Some(status) => Err(Error::exited(self.name, status, tail(&log))),
            }
        });
        match found {
            Err(e) if e.is_transient() && !e.is_port_taken() => {
                Err(Error::not_ready(self.name, READY_MAX, tail(&self.log_of_this_run()?)))
            }
            other => other,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Error> {
        if self.reaped {
            return Err(Error::not_running(self.name));
        }
        kill_process(Pid::from_child(&self.child), signal)
            .map_err(|e| Error::io(format!("signal `{}`", self.name), e.into()))
    }

    /// SIGKILL, as a crash or the kernel's memory killer would; returns once the process is gone.
    pub(crate) fn kill(&mut self) -> Result<(), Error> {
        self.signal(Signal::KILL)?;
        self.wait_end()
    }

    /// Asks the server to end, and kills it when it has not after ten seconds.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        self.signal(self.stop_with)?;
        // A server under SIGSTOP sees the request only once it goes on.
        self.signal(Signal::CONT)?;
        self.wait_end().or_else(|_| self.kill())
    }

    pub(crate) fn is_running(&mut self) -> Result<bool, Error> {
        Ok(!self.reaped && self.try_reap()?.is_none())
    }

    /// Whether the process neither ended nor was frozen.
    pub(crate) fn is_awake(&self) -> Result<bool, Error> {
        if self.reaped {
            return Ok(false);
        }
        let path = format!("/proc/{}/stat", self.pid());
        let stat = fs::read_to_string(&path).map_err(|e| Error::io(format!("read `{path}`"), e))?;
        // `123 (redis-server) S ...`; T is stopped, Z has ended (proc_pid_stat(5)).
        let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
        Ok(!matches!(state, None | Some('T' | 't' | 'Z' | 'X')))
    }

    pub(crate) fn stop_if_running(&mut self) -> Result<(), Error> {
        if self.reaped { Ok(()) } else { self.stop() }
    }

    fn wait_end(&mut self) -> Result<(), Error> {
        let what = format!("the end of `{}`", self.name);
        until_ok(STOP_MAX, &what, || self.try_reap()).map(|_: ExitStatus| ())
    }

    fn try_reap(&mut self) -> Result<Option<ExitStatus>, Error> {
        let status =
            self.child.try_wait().map_err(|e| Error::io(format!("ask the state of `{}`", self.name), e))?;
        self.reaped |= status.is_some();
        Ok(status)
    }

    fn log_of_this_run(&self) -> Result<String, Error> {
        let bytes = fs::read(&self.log)
            .map_err(|e| Error::io(format!("read the log `{}`", self.log.display()), e))?;
        let start = usize::try_from(self.log_start).unwrap_or(usize::MAX);
        Ok(String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(e) = self.stop_if_running() {
            eprintln!("testkit: `{}` (process {}) may still run: {e:?}", self.name, self.pid());
        }
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let skipped = lines.len().saturating_sub(LOG_LINES_MAX);
    lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n")
}
