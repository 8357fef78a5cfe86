//! Bulk output: a program prints a file, and all of it arrives.

use std::fs;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use webssh_core::LimitsConfig;

use super::line::Line;
use super::process::processor_time;
use super::{Aside, Cipher, Kind, Place, Way, wrong};
use crate::contest::Load;
use crate::shift::Task;
use crate::side::Local;
use crate::timing::process_time;
use crate::{Error, Timing};

/// Prints the file for each line that is typed. A terminal changes nothing on the way.
const PROGRAM: &str = "[ ! -t 0 ] || stty raw -echo; printf ready; while read -r _; do cat \"$1\"; done";

/// A server that prints so much text for each line.
pub(crate) struct FloodPlace {
    pub(crate) place: Place,
    pub(crate) text: Bytes,
}

/// By which time a figure counts. With a terminal the server is the slower end, so the rate by the clock on the wall
/// tells little about a fast client; the one by its processor time does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Wall,
    /// That of the process that reads.
    Processor,
}

/// How a rate is counted; that by the other clock is told beside it.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub(crate) clock: Clock,
    pub(crate) beside: Aside,
}

/// Reads the text by one way.
pub(crate) struct Read {
    flood: Rc<FloodPlace>,
    kind: Kind,
    pace: Pace,
    line: Option<Line>,
}

impl FloodPlace {
    pub(crate) fn start(bytes: usize, cipher: Cipher, way: Way) -> Result<Self, Error> {
        let place = Place::with(PROGRAM, cipher, way)?;
        let text = text(bytes);
        fs::write(place.file(), &text)?;
        Ok(Self { place, text })
    }
}

/// Lines of 78 printable characters from a fixed seed, as a listing has them.
pub(super) fn text(bytes: usize) -> Bytes {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b' ' + u8::try_from((state >> 33) % 95).unwrap_or_default()
    };
    let mut text: Vec<u8> = Vec::with_capacity(bytes);
    while text.len() < bytes {
        let printed = text.len() % 80;
        text.push(match printed {
            78 => b'\r',
            79 => b'\n',
            _ => next(),
        });
    }
    Bytes::from(text)
}

impl Pace {
    pub(crate) fn timing(&self, bytes: usize, wall: Duration, processor: Duration) -> Timing {
        let mib = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / f64::from(1 << 20);
        let (wall, processor) = (mib / wall.as_secs_f64(), mib / processor.as_secs_f64());
        let (rate, beside) = match self.clock {
            Clock::Wall => (wall, processor),
            Clock::Processor => (processor, wall),
        };
        self.beside.push(beside);
        Timing { rate, p50: None, p99: None }
    }
}

impl Read {
    pub(crate) fn new(flood: &Rc<FloodPlace>, kind: Kind, pace: &Pace) -> Self {
        Self { flood: Rc::clone(flood), kind, pace: pace.clone(), line: None }
    }

    async fn read(&mut self) -> Result<Timing, Error> {
        let line = self.line.as_mut().ok_or_else(|| wrong("no connection", "one"))?;
        let pid = line.pid();
        // What reads the pipe of a client is not counted, in favour of the client.
        let spent = || pid.map_or_else(|| Ok(process_time()), processor_time);
        let (started, before) = (Instant::now(), spent()?);
        read_all(line, &self.flood.text).await?;
        let wall = started.elapsed();
        Ok(self.pace.timing(self.flood.text.len(), wall, spent()?.saturating_sub(before)))
    }
}

/// Has the text printed and compares every byte of it.
pub(super) async fn read_all(line: &mut Line, text: &Bytes) -> Result<(), Error> {
    line.send(b"\n").await?;
    let mut rest = text.clone();
    while !rest.is_empty() {
        let bytes = line.recv().await?;
        if bytes.len() > rest.len() || rest.split_to(bytes.len()) != bytes {
            return Err(wrong("other bytes", "the text of the file"));
        }
    }
    Ok(())
}

impl Task for Read {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            if self.line.is_none() {
                self.line = Some(Line::open(self.kind, &self.flood.place, LimitsConfig::default()).await?);
            }
            Ok(())
        })
    }

    fn run(&mut self, _load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(self.read())
    }

    fn about(&self) -> String {
        self.kind.about()
    }
}
