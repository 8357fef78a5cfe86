//! The one line of JSON that a figure is.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::contest::Load;
use crate::timing::{Sample, median};
use crate::{Error, Rounds};

/// A measured figure, as it is printed.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Line {
    /// The figure's name.
    pub figure: &'static str,
    /// The median of ours.
    pub ours: f64,
    /// The median of the peer's.
    pub peer: f64,
    /// What both are counted in.
    pub unit: &'static str,
    /// Ours by the peer's, for bytes and latencies too; the peer's by ours where a line is about how many times faster
    /// ours is.
    pub ratio: f64,
    /// Measured rounds.
    pub rounds: usize,
    /// The smallest ratio of one round.
    pub ratio_min: f64,
    /// The largest ratio of one round.
    pub ratio_max: f64,
    /// Under what conditions: versions, callers, the peer's name, what the servers spent.
    #[serde(flatten)]
    pub conditions: Map<String, Value>,
}

impl Line {
    /// The line of `rounds`, numbers cut to what they can claim.
    pub fn new(figure: &'static str, unit: &'static str, rounds: &Rounds) -> Self {
        let (ours, peer) = (rounds.ours(), rounds.peer());
        let (low, high) = rounds.ratio_range();
        Self {
            figure,
            ours: cut(ours),
            peer: cut(peer),
            unit,
            ratio: thousandths(ours / peer),
            rounds: rounds.count(),
            ratio_min: thousandths(low),
            ratio_max: thousandths(high),
            conditions: Map::new(),
        }
    }

    /// The line of times that are the less the better: the ratio says how many times faster ours is.
    pub(crate) fn of_times(figure: &'static str, unit: &'static str, rounds: &Rounds) -> Self {
        let (low, high) = rounds.ratio_range();
        let ratio = thousandths(rounds.peer() / rounds.ours());
        let (ratio_min, ratio_max) = (thousandths(1.0 / high), thousandths(1.0 / low));
        Self { ratio, ratio_min, ratio_max, ..Self::new(figure, unit, rounds) }
            .with("ratio_is", "times faster")
    }

    /// Adds a condition.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.conditions.insert(name.to_owned(), value.into());
        self
    }

    /// Adds what both sides did in each round; the peer's numbers where they differ from ours.
    pub(crate) fn with_loads(self, ours: Load, peer: Load) -> Self {
        let mut line = self.with("callers", ours.callers).with("requests", ours.requests);
        if peer.callers != ours.callers {
            line = line.with("callers_peer", peer.callers);
        }
        if peer.requests != ours.requests {
            line = line.with("requests_peer", peer.requests);
        }
        line
    }

    /// Adds the medians of everything that was measured beside the figure itself.
    pub(crate) fn with_samples(self, side: &str, samples: &[Sample]) -> Self {
        type Metric = fn(&Sample) -> Option<f64>;
        let metrics: [(&str, Metric); 4] = [
            ("server_ns", |sample| sample.server_ns),
            ("server_bytes", |sample| sample.bytes),
            ("p50_us", |sample| sample.timing.p50),
            ("p99_us", |sample| sample.timing.p99),
        ];
        metrics.into_iter().fold(self, |line, (name, metric)| {
            match samples.iter().map(metric).collect::<Option<Vec<_>>>() {
                Some(values) => line.with(&format!("{name}_{side}"), cut(median(values))),
                None => line,
            }
        })
    }

    /// The line as JSON.
    ///
    /// # Errors
    /// `Json` when a number is none.
    pub fn to_json(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(self)?)
    }
}

/// Whole numbers, with one decimal below a thousand, and three below one.
pub(crate) fn cut(value: f64) -> f64 {
    match value {
        small if small < 1.0 => thousandths(small),
        middle if middle < 1000.0 => (middle * 10.0).round() / 10.0,
        large => large.round(),
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_times_says_how_many_times_faster_ours_is() {
        let rounds = Rounds::from_pairs(&[(5.0, 1_500.0), (5.0, 1_000.0), (4.0, 2_000.0)]);
        let line = Line::of_times("example", "ns", &rounds);
        assert_eq!((line.ours, line.peer, line.ratio), (5.0, 1_500.0, 300.0));
        assert_eq!((line.ratio_min, line.ratio_max), (200.0, 500.0));
    }
}
