//! A batch in passes: each pass has one request of a buyer at most, in order, and those not decided yet come again.

use std::collections::HashSet;

use crate::error::Error;
use crate::outcome::Outcome;
use crate::reservation::Reserve;

/// Requests of which some still wait for their answer.
#[derive(Debug)]
pub(crate) struct Waves<'a> {
    requests: &'a [Reserve],
    answers: Vec<Option<Result<Outcome, Error>>>,
    /// Positions in the running pass.
    wave: Vec<usize>,
}

impl<'a> Waves<'a> {
    /// All of `requests` wait.
    pub(crate) fn new(requests: &'a [Reserve]) -> Self {
        Self { requests, answers: vec![None; requests.len()], wave: Vec::new() }
    }

    /// The next pass: of each buyer the first request that waits. `None` when nobody waits.
    pub(crate) fn next(&mut self) -> Option<Vec<&'a Reserve>> {
        let mut buyers = HashSet::new();
        self.wave.clear();
        let mut requests = Vec::new();
        for (place, (request, answer)) in self.requests.iter().zip(&self.answers).enumerate() {
            if answer.is_none() && buyers.insert(&request.buyer) {
                self.wave.push(place);
                requests.push(request);
            }
        }
        (!requests.is_empty()).then_some(requests)
    }

    /// Takes the answers to the pass; `None` lets a request wait for another one.
    pub(crate) fn answer(&mut self, answers: Vec<Option<Result<Outcome, Error>>>) {
        for (place, answer) in self.wave.drain(..).zip(answers) {
            if let Some(slot) = self.answers.get_mut(place) {
                *slot = answer;
            }
        }
    }

    /// The answers, in the order of the requests. Nobody waits any more.
    pub(crate) fn finish(self) -> Vec<Result<Outcome, Error>> {
        self.answers.into_iter().flatten().collect()
    }
}
