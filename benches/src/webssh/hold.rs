//! What terminals cost while nobody types: memory and processor time of the processes that hold them.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Aside;
use super::process::{kilobytes, processor_time};
use crate::contest::Load;
use crate::shift::Task;
use crate::side::Local;
use crate::{Error, Timing};

/// After the last one was opened, until the work for it is done.
const SETTLED: Duration = Duration::from_secs(1);

/// Terminals in processes that do nothing else.
pub(crate) trait Holder {
    /// Opens so many more.
    fn open(&mut self, count: u32) -> Local<'_, Result<(), Error>>;

    /// Types a key at each of them, and has it echoed.
    fn check(&mut self) -> Local<'_, Result<(), Error>>;

    /// The processes.
    fn pids(&self) -> Vec<u32>;

    /// What this is, with its version.
    fn about(&self) -> String;
}

/// What a figure is about; the other one is told beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Kilobytes for each.
    Memory,
    /// Per cent of a core for all.
    Cpu,
}

/// Opens terminals before the first round and holds them over all rounds, each of which takes some seconds and ends
/// with a key at every terminal.
pub(crate) struct Hold {
    holder: Box<dyn Holder>,
    measure: Measure,
    secs: u32,
    beside: Aside,
    /// Memory with the first terminal: what comes with it is there once for all.
    first_kilobytes: Option<f64>,
}

impl Hold {
    pub(crate) fn new(holder: impl Holder + 'static, measure: Measure, secs: u32, beside: &Aside) -> Self {
        Self { holder: Box::new(holder), measure, secs, beside: beside.clone(), first_kilobytes: None }
    }

    async fn hold(&mut self, count: u32) -> Result<Timing, Error> {
        let more = count.saturating_sub(1).max(1);
        let first = match self.first_kilobytes {
            Some(first) => first,
            None => self.open(more).await?,
        };
        let (started, before) = (Instant::now(), self.sum(processor_time)?);
        sleep(Duration::from_secs(self.secs.into())).await;
        let spent = self.sum(processor_time)?.saturating_sub(before);
        let percent = spent.as_secs_f64() / started.elapsed().as_secs_f64() * 100.0;
        let kilobytes = (self.sum(kilobytes)? - first) / f64::from(more);
        self.holder.check().await?;
        let (rate, beside) = match self.measure {
            Measure::Memory => (kilobytes, percent),
            Measure::Cpu => (percent, kilobytes),
        };
        self.beside.push(beside);
        Ok(Timing { rate, p50: None, p99: None })
    }

    /// Opens one, then all others.
    async fn open(&mut self, more: u32) -> Result<f64, Error> {
        self.holder.open(1).await?;
        sleep(SETTLED).await;
        let first = self.sum(kilobytes)?;
        self.first_kilobytes = Some(first);
        self.holder.open(more).await?;
        sleep(SETTLED).await;
        Ok(first)
    }

    fn sum<T: std::iter::Sum>(&self, of_one: impl Fn(u32) -> Result<T, Error>) -> Result<T, Error> {
        self.holder.pids().into_iter().map(of_one).sum()
    }
}

impl Task for Hold {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(self.hold(load.callers))
    }

    fn about(&self) -> String {
        self.holder.about()
    }
}
