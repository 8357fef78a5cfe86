//! The one line of JSON that a figure is.

use serde::Serialize;
use serde_json::{Map, Value};

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
    /// Ours by the peer's.
    pub ratio: f64,
    /// Measured rounds.
    pub rounds: usize,
    /// The smallest ratio of one round.
    pub ratio_min: f64,
    /// The largest ratio of one round.
    pub ratio_max: f64,
    /// Under what conditions: versions, callers, the peer's name.
    #[serde(flatten)]
    pub conditions: Map<String, Value>,
}

impl Line {
    /// The line of `rounds`, numbers cut to what they can claim.
    pub fn new(figure: &'static str, unit: &'static str, rounds: &Rounds) -> Self {
        let (ours, peer) = (rounds.ours().round(), rounds.peer().round());
        let (low, high) = rounds.ratio_range();
        Self {
            figure,
            ours,
            peer,
            unit,
            ratio: thousandths(ours / peer),
            rounds: rounds.count(),
            ratio_min: thousandths(low),
            ratio_max: thousandths(high),
            conditions: Map::new(),
        }
    }

    /// Adds a condition.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.conditions.insert(name.to_owned(), value.into());
        self
    }

    /// The line as JSON.
    ///
    /// # Errors
    /// `Json` when a number is none.
    pub fn to_json(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(self)?)
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
