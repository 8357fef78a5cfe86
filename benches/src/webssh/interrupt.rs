//! Ctrl-C under a flood that nobody reads: how long until the program behind the terminal has it, and how much output
//! is still shown after it.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::{sleep, timeout};
use webssh_core::LimitsConfig;

use super::line::Line;
use super::{Aside, Kind, Place, wrong};
use crate::contest::Load;
use crate::shift::Task;
use crate::side::Local;
use crate::{Error, Timing};

/// Floods for each line that is typed; writes down when it was interrupted.
pub(crate) const PROGRAM: &str = "stty -echo; trap 'echo $EPOCHREALTIME > \"$1.new\"; mv \"$1.new\" \"$1\"; \
     echo interrupted' INT; printf ready; while :; do read -r _ && yes; done";

/// A flood that stands still for so long has filled everything on its way.
const STALLED: Duration = Duration::from_millis(300);

const DEADLINE: Duration = Duration::from_secs(20);

/// Interrupts by one way.
pub(crate) struct Interrupt {
    place: Rc<Place>,
    kind: Kind,
    line: Option<Line>,
    /// Kilobytes shown after each interrupt.
    shown: Aside,
}

impl Interrupt {
    pub(crate) fn new(place: &Rc<Place>, kind: Kind, shown: &Aside) -> Self {
        Self { place: Rc::clone(place), kind, line: None, shown: shown.clone() }
    }

    async fn interrupt_all(&mut self, times: u32) -> Result<Timing, Error> {
        let (started, mut spans) = (Instant::now(), Vec::new());
        for _ in 0..times {
            spans.push(self.interrupt().await? * 1e6);
        }
        Ok(Timing::new(times, started.elapsed(), spans))
    }

    /// Floods, stalls and interrupts; gives the seconds.
    async fn interrupt(&mut self) -> Result<f64, Error> {
        let file = self.place.file();
        let line = self.line.as_mut().ok_or_else(|| wrong("no connection", "one"))?;
        line.send(b"\n").await?;
        let held = line.stall(STALLED).await?;
        let typed = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        line.send(b"\x03").await?;
        let told = timeout(DEADLINE, told(file)).await;
        let told = told.unwrap_or_else(|_| Err(wrong("no interrupt", "one in 20 seconds")))?;
        line.go_on().await?;
        let shown = held + line.expect("interrupted").await?;
        self.shown.push(f64::from(u32::try_from(shown).unwrap_or(u32::MAX)) / 1024.0);
        Ok((told - typed.as_secs_f64()).max(0.0))
    }
}

/// When the program was interrupted, by its own clock, which is this machine's.
async fn told(file: PathBuf) -> Result<f64, Error> {
    loop {
        match fs::read_to_string(&file) {
            Ok(text) => {
                fs::remove_file(&file)?;
                return text.trim().parse().map_err(|_| wrong(text, "a time"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => sleep(Duration::from_millis(1)).await,
            Err(error) => return Err(error.into()),
        }
    }
}

impl Task for Interrupt {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            if self.line.is_none() {
                self.line = Some(Line::open(self.kind, &self.place, LimitsConfig::default()).await?);
            }
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(self.interrupt_all(load.requests))
    }

    fn about(&self) -> String {
        self.kind.about()
    }
}
