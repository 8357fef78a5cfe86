//! The pump of Python: paramiko reads, as in the web terminals on it, and the output is kept, framed and recorded, in a
//! process of its own.

use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::install;
use super::program::Program;
use crate::contest::Load;
use crate::shift::Task;
use crate::side::Local;
use crate::webssh::{FloodPlace, Pace, Way};
use crate::{Error, Timing};

/// The process, connected once.
pub(crate) struct Paramiko {
    program: Program,
    job: String,
    bytes: usize,
    pace: Pace,
    version: String,
    // Stopped after the process.
    _flood: Rc<FloodPlace>,
}

#[derive(Debug, Deserialize)]
struct Report {
    bytes: usize,
    /// Seconds.
    wall: f64,
    /// Seconds of all its threads on a core.
    processor: f64,
    version: String,
    cipher: String,
}

impl Paramiko {
    pub(crate) fn new(flood: &Rc<FloodPlace>, pace: &Pace) -> Result<Self, Error> {
        let program = Program::start("paramiko", &mut install::py("paramiko_pump.py")?)?;
        let (port, user, key) = flood.place.login();
        let bytes = flood.text.len();
        let job = json!({
            "port": port, "user": user, "key": key, "text": flood.place.file(),
            "terminal": flood.place.way() == Way::Terminal,
        });
        Ok(Self {
            program,
            job: format!("{job}\n"),
            bytes,
            pace: pace.clone(),
            version: String::new(),
            _flood: Rc::clone(flood),
        })
    }

    fn read(&mut self) -> Result<Timing, Error> {
        let report: Report = self.program.ask(&self.job)?;
        if report.bytes != self.bytes {
            return Err(self.program.failed(format!("{} bytes were read", report.bytes)));
        }
        self.version = format!("{}, {}", report.version, report.cipher);
        let secs = |secs| Duration::try_from_secs_f64(secs).map_err(std::io::Error::other);
        Ok(self.pace.timing(report.bytes, secs(report.wall)?, secs(report.processor)?))
    }
}

impl Task for Paramiko {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, _load: Load) -> Local<'_, Result<Timing, Error>> {
        let timing = self.read();
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        format!("{}, with a tail, frames and a recording", self.version)
    }
}
