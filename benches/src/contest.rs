//! The turns of a figure: ours and the peer by turns, each on an empty server; and the turns of a sale.

use std::rc::Rc;

use crate::side::Side;
use crate::stage::{self, Stage};
use crate::timing::{Sample, median};
use crate::workload::{Answer, Job, Request, Terms};
use crate::{Error, Line, Options, Rounds};

/// How rounds become a line.
pub(crate) type Kind = fn(&'static str, &'static str, &Rounds) -> Line;

/// One side of a figure that can take its turn.
pub(crate) trait Turn {
    /// Does the work of one round, under a name that no other round has.
    async fn sample(&mut self, name: String) -> Result<Sample, Error>;

    /// What this is, with its version.
    fn about(&self) -> String;

    /// What it does in a round.
    fn load(&self) -> Load;

    /// Where it does it; `None` for a side that needs no server.
    fn stage(&self) -> Option<&Stage>;
}

/// How much one side does in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Answers.
    pub(crate) requests: u32,
    /// Callers that ask at the same time.
    pub(crate) callers: u32,
}

/// One side of a figure about sales, with its servers and its share of the work.
pub(crate) struct Entry {
    /// `None` for a side that needs no server.
    pub(crate) stage: Option<Rc<Stage>>,
    pub(crate) side: Box<dyn Side>,
    pub(crate) work: Work,
}

/// What one side does in a round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    /// Requests. Figures are rates, so a slow side may have fewer.
    pub(crate) requests: u32,
    /// How often each is sent; more than once only where nothing is won.
    pub(crate) passes: u32,
    /// Callers at the same time.
    pub(crate) callers: u32,
    /// Whether the stock is gone before the clock starts.
    pub(crate) sold_out: bool,
    /// Whether each call is timed.
    pub(crate) spans: bool,
}

/// A figure before it is measured.
pub(crate) struct Contest<T = Entry> {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// What of a sample the figure is about.
    pub(crate) metric: fn(&Sample) -> Option<f64>,
    pub(crate) ours: T,
    /// When there are several, the one with the highest median is the peer.
    pub(crate) peers: Vec<T>,
}

impl Work {
    /// Wins, each call timed.
    pub(crate) fn wins(requests: u32, callers: u32) -> Self {
        Self { requests, passes: 1, callers, sold_out: false, spans: true }
    }

    /// Refusals of a sale without stock, each call timed.
    pub(crate) fn sold_out(requests: u32, callers: u32) -> Self {
        Self { sold_out: true, ..Self::wins(requests, callers) }
    }
}

impl Turn for Entry {
    /// Opens a fresh sale with this name and decides all requests of the work.
    async fn sample(&mut self, sale: String) -> Result<Sample, Error> {
        if let Some(stage) = &self.stage {
            stage.empty().await?;
        }
        // Twice what is sold, so that no shard of a sale runs out either.
        let stock = if self.work.sold_out { 1 } else { 2 * u64::from(self.work.requests) };
        self.side.open(&Terms { sale, stock }).await?;
        if self.work.sold_out {
            self.side.run(&self.job(std::iter::once(u32::MAX), Answer::Won)).await?;
        }
        let want = if self.work.sold_out { Answer::SoldOut } else { Answer::Won };
        let job = self.job(0..self.work.requests, want);
        stage::sample(self.stage.as_deref(), self.load(), self.side.run(&job)).await
    }

    fn about(&self) -> String {
        self.side.about()
    }

    fn load(&self) -> Load {
        let Work { requests, passes, callers, .. } = self.work;
        Load { requests: requests.saturating_mul(passes), callers }
    }

    fn stage(&self) -> Option<&Stage> {
        self.stage.as_deref()
    }
}

impl Entry {
    fn job(&self, numbers: impl Iterator<Item = u32>, want: Answer) -> Job {
        let Work { callers, passes, spans, .. } = self.work;
        let passes = if want == Answer::Won { 1 } else { passes };
        Job { requests: numbers.map(Request::new).collect(), passes, callers, want, spans }
    }
}

impl<T: Turn> Contest<T> {
    /// Measures all rounds. The first warms up every side and does not count.
    pub(crate) async fn run(self, options: &Options) -> Result<Line, Error> {
        self.run_as(options, Line::new).await
    }

    /// The same with another kind of line.
    pub(crate) async fn run_as(mut self, options: &Options, kind: Kind) -> Result<Line, Error> {
        let (mut ours, mut peers) = (Vec::new(), vec![Vec::new(); self.peers.len()]);
        for round in 0..=options.rounds {
            let first = round.is_multiple_of(2);
            let mut sample = None;
            if first {
                sample = Some(self.ours.sample(format!("ours-{round}")).await?);
            }
            let mut theirs = Vec::new();
            for peer in &mut self.peers {
                theirs.push(peer.sample(format!("peer-{round}")).await?);
            }
            let sample = match sample {
                Some(sample) => sample,
                None => self.ours.sample(format!("ours-{round}")).await?,
            };
            self.tell(round, options, &sample, &theirs)?;
            if round > 0 {
                ours.push(sample);
                peers.iter_mut().zip(theirs).for_each(|(peer, sample)| peer.push(sample));
            }
        }
        self.line(&ours, &peers, kind).await
    }

    fn tell(&self, round: u32, options: &Options, ours: &Sample, theirs: &[Sample]) -> Result<(), Error> {
        let theirs: Vec<f64> = theirs.iter().map(|sample| self.value(sample)).collect::<Result<_, _>>()?;
        let (name, unit, rounds) = (self.name, self.unit, options.rounds);
        eprintln!(
            "{name}: round {round} of {rounds}: ours {:.1}, peer {theirs:.1?} {unit}",
            self.value(ours)?
        );
        Ok(())
    }

    fn value(&self, sample: &Sample) -> Result<f64, Error> {
        (self.metric)(sample).ok_or(Error::Unmeasured { figure: self.name })
    }

    fn values(&self, samples: &[Sample]) -> Result<Vec<f64>, Error> {
        samples.iter().map(|sample| self.value(sample)).collect()
    }

    async fn line(&self, ours: &[Sample], peers: &[Vec<Sample>], kind: Kind) -> Result<Line, Error> {
        let mut best: Option<(&T, &[Sample], Vec<f64>)> = None;
        for (entry, samples) in self.peers.iter().zip(peers) {
            let values = self.values(samples)?;
            let median_of = |values: &[f64]| median(values.iter().copied());
            if best.as_ref().is_none_or(|best| median_of(&best.2) < median_of(&values)) {
                best = Some((entry, samples, values));
            }
        }
        let (peer, samples, values) = best.ok_or(Error::Unmeasured { figure: self.name })?;
        let pairs: Vec<_> = self.values(ours)?.into_iter().zip(values).collect();
        let line = kind(self.name, self.unit, &Rounds::from_pairs(&pairs))
            .with("ours_name", self.ours.about())
            .with("peer_name", peer.about())
            .with_loads(self.ours.load(), peer.load())
            .with_samples("ours", ours)
            .with_samples("peer", samples);
        match self.ours.stage().or(peer.stage()) {
            Some(stage) => Ok(line.with("redis", stage.version().await?)),
            None => Ok(line),
        }
    }
}
