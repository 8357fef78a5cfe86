//! SSH sessions that are held: ours in one process, and the OpenSSH client in a process for each.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::timeout;
use webssh_core::LimitsConfig;

use super::browser::Typist;
use super::hold::Holder;
use super::line::Line;
use super::{Access, Dialer, Kind, Library, Place, Role, wrong};
use crate::Error;
use crate::peers::program::{Program, beside};
use crate::side::Local;

/// What is typed to see whether a session lives.
const KEY: &[u8] = b"k";

const DEADLINE: Duration = Duration::from_secs(30);

/// What the process of our sessions is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    /// Opens so many more.
    Open(u32),
    /// Types a key at each, and waits for its echo.
    Check,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The sessions that were opened, or that have echoed.
    pub(crate) sessions: u32,
}

/// Sessions of ours with the pump, each with a browser in memory, in one process on one thread.
pub(crate) struct Sessions {
    program: Program,
    library: Library,
    open: u32,
    // Stopped after the process.
    _place: Rc<Place>,
}

/// OpenSSH clients.
pub(crate) struct Clients {
    place: Rc<Place>,
    limits: LimitsConfig,
    lines: Vec<Line>,
}

impl Sessions {
    pub(crate) fn start(place: &Rc<Place>, library: Library, heartbeat_secs: u32) -> Result<Self, Error> {
        let role = Role::Sessions { library, access: place.access(), heartbeat_secs };
        let mut command = beside("terminals")?;
        let program = Program::start("terminals", command.arg(serde_json::to_string(&role)?))?;
        Ok(Self { program, library, open: 0, _place: Rc::clone(place) })
    }

    fn ask(&mut self, job: &Job, sessions: u32) -> Result<(), Error> {
        let job = serde_json::to_string(job)?;
        let report: Report = self.program.ask(&format!("{job}\n"))?;
        if report.sessions != sessions {
            return Err(self.program.failed(format!("{} sessions of {sessions}", report.sessions)));
        }
        Ok(())
    }
}

impl Holder for Sessions {
    fn open(&mut self, count: u32) -> Local<'_, Result<(), Error>> {
        Box::pin(async move {
            self.open += count;
            self.ask(&Job::Open(count), count)
        })
    }

    fn check(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { self.ask(&Job::Check, self.open) })
    }

    fn pids(&self) -> Vec<u32> {
        vec![self.program.pid()]
    }

    fn about(&self) -> String {
        format!("{}, with browsers in memory", Kind::Pumped(self.library).about())
    }
}

impl Clients {
    pub(crate) fn new(place: &Rc<Place>, heartbeat_secs: u32) -> Self {
        let limits = LimitsConfig { heartbeat_secs, ..LimitsConfig::default() };
        Self { place: Rc::clone(place), limits, lines: Vec::new() }
    }
}

impl Holder for Clients {
    fn open(&mut self, count: u32) -> Local<'_, Result<(), Error>> {
        Box::pin(async move {
            for _ in 0..count {
                self.lines.push(Line::open(Kind::Client, &self.place, self.limits).await?);
            }
            Ok(())
        })
    }

    fn check(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            for line in &mut self.lines {
                line.send(KEY).await?;
                echoed(&line.recv().await?)?;
            }
            Ok(())
        })
    }

    fn pids(&self) -> Vec<u32> {
        self.lines.iter().filter_map(Line::pid).collect()
    }

    fn about(&self) -> String {
        format!("{}, a process for each", Kind::Client.about())
    }
}

fn echoed(bytes: &[u8]) -> Result<(), Error> {
    if bytes == KEY { Ok(()) } else { Err(wrong(format!("{bytes:?}"), "the key that was typed")) }
}

/// One session in the process that holds them.
struct Session {
    typist: Typist,
    output: mpsc::Receiver<Bytes>,
}

/// The part of the process that holds our sessions.
pub(crate) struct Held {
    library: Library,
    dialer: Dialer,
    limits: LimitsConfig,
    sessions: Vec<Session>,
}

impl Held {
    pub(crate) fn new(library: Library, access: &Access, heartbeat_secs: u32) -> Result<Self, Error> {
        let limits = LimitsConfig { heartbeat_secs, ..LimitsConfig::default() };
        Ok(Self { library, dialer: Dialer::new(access)?, limits, sessions: Vec::new() })
    }

    /// Does what it is asked.
    pub(crate) async fn work(&mut self, job: &Job) -> Result<Report, Error> {
        let sessions = match job {
            Job::Open(count) => {
                for _ in 0..*count {
                    let line = Line::dial(self.library, &self.dialer, self.limits).await?;
                    self.sessions.push(Session::of(line)?);
                }
                *count
            }
            Job::Check => {
                for session in &mut self.sessions {
                    session.check().await?;
                }
                u32::try_from(self.sessions.len()).unwrap_or(u32::MAX)
            }
        };
        Ok(Report { sessions })
    }
}

impl Session {
    /// Has a task read what comes and answer pings.
    fn of(mut line: Line) -> Result<Self, Error> {
        let typist = line.typist().ok_or_else(|| wrong("another line", "one through the pump"))?;
        let (shown, output) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Ok(bytes) = line.recv_ever().await {
                if shown.send(bytes).await.is_err() {
                    break;
                }
            }
        });
        Ok(Self { typist, output })
    }

    async fn check(&mut self) -> Result<(), Error> {
        self.typist.send(KEY).await?;
        let echo = timeout(DEADLINE, self.output.recv()).await;
        let echo = echo.map_err(|_| wrong("nothing", "the echo of a key in half a minute"))?;
        echoed(&echo.ok_or_else(|| wrong("the end of a session", "the echo of a key"))?)
    }
}
