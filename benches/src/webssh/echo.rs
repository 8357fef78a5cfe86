//! One key at a time: from its typing to its echo, the program behind the terminal being `cat`.

use std::rc::Rc;
use std::time::Instant;

use webssh_core::LimitsConfig;

use super::line::Line;
use super::{Aside, Kind, Place, wrong};
use crate::contest::Load;
use crate::shift::Task;
use crate::side::Local;
use crate::{Error, Timing};

/// Repeats every byte as it comes.
pub(crate) const PROGRAM: &str = "stty raw -echo; printf ready; exec cat";

/// Types by one way; by another one too, in the same round, if that is asked for.
pub(crate) struct Echo {
    place: Rc<Place>,
    kind: Kind,
    line: Option<Line>,
    beside: Option<Beside>,
}

struct Beside {
    kind: Kind,
    line: Option<Line>,
    p50: Aside,
    p99: Aside,
}

impl Echo {
    pub(crate) fn new(place: &Rc<Place>, kind: Kind) -> Self {
        Self { place: Rc::clone(place), kind, line: None, beside: None }
    }

    /// Measures another way in each round: half and 99 of 100 of its echoes take so many microseconds.
    pub(crate) fn beside(self, kind: Kind, p50: &Aside, p99: &Aside) -> Self {
        let beside = Beside { kind, line: None, p50: p50.clone(), p99: p99.clone() };
        Self { beside: Some(beside), ..self }
    }

    async fn type_all(&mut self, keys: u32) -> Result<Timing, Error> {
        if let Some(Beside { line: Some(line), p50, p99, .. }) = &mut self.beside {
            let timing = echoes(line, keys).await?;
            timing.p50.into_iter().for_each(|us| p50.push(us));
            timing.p99.into_iter().for_each(|us| p99.push(us));
        }
        let line = self.line.as_mut().ok_or_else(|| wrong("no connection", "one"))?;
        echoes(line, keys).await
    }
}

async fn echoes(line: &mut Line, keys: u32) -> Result<Timing, Error> {
    let (started, mut spans) = (Instant::now(), Vec::new());
    for number in 0..keys {
        let key = [b'a' + u8::try_from(number % 26).unwrap_or_default()];
        let typed = Instant::now();
        line.send(&key).await?;
        let echo = line.recv().await?;
        spans.push(typed.elapsed().as_secs_f64() * 1e6);
        if echo[..] != key {
            return Err(wrong(format!("{echo:?}"), "the key that was typed"));
        }
    }
    Ok(Timing::new(keys, started.elapsed(), spans))
}

impl Task for Echo {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            if self.line.is_none() {
                self.line = Some(Line::open(self.kind, &self.place, LimitsConfig::default()).await?);
            }
            if let Some(Beside { kind, line: line @ None, .. }) = &mut self.beside {
                *line = Some(Line::open(*kind, &self.place, LimitsConfig::default()).await?);
            }
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(self.type_all(load.requests))
    }

    fn about(&self) -> String {
        self.kind.about()
    }
}
