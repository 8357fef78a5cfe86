//! Coming back to a session: the tail of its output on a new connection, beside having it printed again.

use std::rc::Rc;
use std::time::Instant;

use webssh_core::LimitsConfig;
use webssh_core::frame::{Hello, Opening};
use webssh_core::pump::Session;
use webssh_core::{ResumeToken, WinSize};

use super::browser::Browser;
use super::line::Line;
use super::read::read_all;
use super::{FloodPlace, Kind, Library, wrong};
use crate::contest::Load;
use crate::shift::Task;
use crate::side::Local;
use crate::{Error, Timing};

/// Resumes a session of ours.
pub(crate) struct Resume {
    flood: Rc<FloodPlace>,
    session: Option<(Session, u64)>,
}

/// Prints the same again in the OpenSSH client.
pub(crate) struct Again {
    flood: Rc<FloodPlace>,
    line: Option<Line>,
}

/// Limits that keep the tail.
fn limits() -> LimitsConfig {
    LimitsConfig {
        ring_bytes_max: 1024 * 1024,
        replay_bytes: 512 * 1024,
        unacked_bytes_max: 512 * 1024,
        ..LimitsConfig::default()
    }
}

impl Resume {
    pub(crate) fn new(flood: &Rc<FloodPlace>) -> Self {
        Self { flood: Rc::clone(flood), session: None }
    }

    /// A session whose output was all seen, and that nobody is attached to.
    async fn detached(&self) -> Result<(Session, u64), Error> {
        let kind = Kind::Pumped(Library::Libssh2);
        let mut line = Line::open(kind, &self.flood.place, limits()).await?;
        read_all(&mut line, &self.flood.text).await?;
        match line {
            Line::Pumped(browser, session) => Ok((session, browser.received)),
            _ => Err(wrong("another line", "one through the pump")),
        }
    }

    async fn resume_all(&self, times: u32) -> Result<Timing, Error> {
        let (session, end) = self.session.as_ref().ok_or_else(|| wrong("no session", "one"))?;
        let (started, mut spans) = (Instant::now(), Vec::new());
        for _ in 0..times {
            let begun = Instant::now();
            self.resume(session, *end).await?;
            spans.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        Ok(Timing::new(times, started.elapsed(), spans))
    }

    async fn resume(&self, session: &Session, end: u64) -> Result<(), Error> {
        let text = &self.flood.text;
        let received = end.saturating_sub(u64::try_from(text.len()).unwrap_or(u64::MAX));
        let token = ResumeToken::from_bytes([7; ResumeToken::BYTES]);
        let hello =
            Hello { opening: Opening::Resume { token, received }, ..Hello::plain(WinSize::default()) };
        let mut browser = Browser::attach(session, hello, received);
        let mut rest = text.clone();
        while !rest.is_empty() {
            let bytes = browser.recv().await?;
            if bytes.len() > rest.len() || rest.split_to(bytes.len()) != bytes {
                return Err(wrong("other bytes", "the tail of the output"));
            }
            browser.ack().await?;
        }
        Ok(())
    }
}

impl Again {
    pub(crate) fn new(flood: &Rc<FloodPlace>) -> Self {
        Self { flood: Rc::clone(flood), line: None }
    }

    async fn print_all(&mut self, times: u32) -> Result<Timing, Error> {
        let line = self.line.as_mut().ok_or_else(|| wrong("no connection", "one"))?;
        let (started, mut spans) = (Instant::now(), Vec::new());
        for _ in 0..times {
            let begun = Instant::now();
            read_all(line, &self.flood.text).await?;
            spans.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        Ok(Timing::new(times, started.elapsed(), spans))
    }
}

impl Task for Resume {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            if self.session.is_none() {
                self.session = Some(self.detached().await?);
            }
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(self.resume_all(load.requests))
    }

    fn about(&self) -> String {
        format!("{}, resumed", Kind::Pumped(Library::Libssh2).about())
    }
}

impl Task for Again {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            if self.line.is_none() {
                self.line = Some(Line::open(Kind::Client, &self.flood.place, LimitsConfig::default()).await?);
            }
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(self.print_all(load.requests))
    }

    fn about(&self) -> String {
        format!("{}, printing it again on an open connection", Kind::Client.about())
    }
}
