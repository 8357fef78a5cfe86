//! A line on the terminal while the crowd is served: how far, who won, how fast. Nothing where nobody looks.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::crowd::Crowd;
use super::report::{grouped, per_second};

/// Between two drawings.
const PERIOD: Duration = Duration::from_millis(100);
/// Cells of the bar.
const WIDTH: u64 = 24;

/// The drawing of the line, in a thread of its own: a busy runtime must not keep it.
#[derive(Debug)]
pub(crate) struct Progress(Option<(Sender<()>, JoinHandle<io::Result<()>>)>);

impl Progress {
    /// Draws from now on, if standard error is a terminal.
    pub(crate) fn start(crowd: &Arc<Crowd>) -> io::Result<Self> {
        if !io::stderr().is_terminal() {
            return Ok(Self(None));
        }
        let (stop, stopped) = mpsc::channel();
        let crowd = Arc::clone(crowd);
        let draw = move || {
            let (mut out, started) = (io::stderr(), Instant::now());
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                write!(out, "\r\x1b[K{}", line(&crowd, started.elapsed()))?;
                out.flush()?;
            }
            write!(out, "\r\x1b[K")?;
            out.flush()
        };
        Ok(Self(Some((stop, thread::Builder::new().name("progress".to_owned()).spawn(draw)?))))
    }

    /// Wipes the line. A terminal that went away is no reason to fail: the report still has a reader.
    pub(crate) fn stop(self) {
        if let Some((stop, drawing)) = self.0 {
            drop(stop);
            drop(drawing.join());
        }
    }
}

fn line(crowd: &Crowd, elapsed: Duration) -> String {
    let (size, tally) = (crowd.size(), &crowd.tally);
    let done = tally.buyers.now().min(size);
    let cells = usize::try_from(done * WIDTH / size).unwrap_or(0);
    let rest = usize::try_from(WIDTH).unwrap_or(0).saturating_sub(cells);
    format!(
        "[{}{}] {:>3}%  {} of {} buyers  won {}  paid {}  sold out {}  {} a second",
        "#".repeat(cells),
        "-".repeat(rest),
        done * 100 / size,
        grouped(done),
        grouped(size),
        grouped(tally.won.now()),
        grouped(tally.paid.now()),
        grouped(tally.sold_out.now()),
        grouped(per_second(tally.decisions(), elapsed)),
    )
}
