//! Work that both sides of a figure do: the same requests by the same number of callers.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::side::Client;
use crate::{Error, Timing};

/// What is sold: one unit a buyer, open now and for as long as any run, 15 minutes to pay.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// The sale's name, its own in each round.
    pub(crate) sale: String,
    /// Units.
    pub(crate) stock: u64,
}

/// One buyer asks for one unit.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// 12 characters.
    pub(crate) buyer: String,
    /// 13 characters.
    pub(crate) id: String,
}

/// The two answers that are measured. Any other one fails the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The request won now, not before.
    Won,
    /// There is nothing left.
    SoldOut,
}

/// What one side does in one round.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Drawn before the clock starts.
    pub(crate) requests: Arc<[Request]>,
    /// How often all of them are sent.
    pub(crate) passes: u32,
    /// Each takes every n-th request and waits for each answer.
    pub(crate) callers: u32,
    /// What every answer has to be.
    pub(crate) want: Answer,
    /// Whether each call is timed; a call of some nanoseconds would be mostly the clock.
    pub(crate) spans: bool,
}

impl Terms {
    /// The sale is open from the beginning of time.
    pub(crate) const OPENS: u64 = 0;
    /// No run lasts so long.
    pub(crate) const CLOSES: u64 = 9_000_000_000_000;
    /// Time to pay, in milliseconds.
    pub(crate) const PAY: u64 = 900_000;
}

impl Request {
    /// The request with this number: every buyer and every id once, in an order without pattern.
    pub(crate) fn new(number: u32) -> Self {
        // Odd factors, so that different numbers stay different within these bits.
        let buyer = u64::from(number).wrapping_mul(0x5eed_0f9a_7e40_05e1) & 0xfff_ffff_ffff;
        let id = u64::from(number).wrapping_mul(0xbf58_476d_1ce4_e5b9) & 0xffff_ffff_ffff;
        Self { buyer: format!("u{buyer:011x}"), id: format!("r{id:012x}") }
    }
}

impl Job {
    /// How many answers there have to be.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.requests.len()).unwrap_or(u32::MAX).saturating_mul(self.passes)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Won => "won",
            Self::SoldOut => "sold out",
        })
    }
}

/// Lets all callers work at once, until every request is answered.
pub(crate) async fn crowd<C: Client>(client: &C, job: &Job) -> Result<Timing, Error> {
    let step = usize::try_from(job.callers.max(1)).unwrap_or(usize::MAX);
    let asks: Arc<[C::Ask]> = job.requests.iter().map(C::draw).collect::<Result<_, _>>()?;
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for first in 0..step {
        callers.spawn(caller(client.clone(), Arc::clone(&asks), job.clone(), first, step));
    }
    let mut spans = Vec::with_capacity(job.requests.len());
    while let Some(caller) = callers.join_next().await {
        spans.append(&mut caller??);
    }
    Ok(Timing::new(job.count(), started.elapsed(), spans))
}

async fn caller<C: Client>(
    client: C,
    asks: Arc<[C::Ask]>,
    job: Job,
    first: usize,
    step: usize,
) -> Result<Vec<f64>, Error> {
    let mut spans = Vec::new();
    let passes = std::iter::repeat_n(&asks, usize::try_from(job.passes).unwrap_or(usize::MAX));
    for ask in passes.flat_map(|asks| asks.iter().skip(first).step_by(step)) {
        let asked = job.spans.then(Instant::now);
        let answer = client.reserve(ask).await?;
        if let Some(asked) = asked {
            spans.push(asked.elapsed().as_secs_f64() * 1e6);
        }
        if answer != job.want {
            return Err(Error::Answer { given: answer.to_string(), wanted: job.want.to_string() });
        }
    }
    Ok(spans)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_buyer_and_id_comes_once_and_has_its_length() {
        let requests: Vec<_> = (0..10_000).map(Request::new).collect();
        assert!(requests.iter().all(|request| request.buyer.len() == 12 && request.id.len() == 13));
        assert_eq!(requests.iter().map(|request| &request.buyer).collect::<HashSet<_>>().len(), 10_000);
        assert_eq!(requests.iter().map(|request| &request.id).collect::<HashSet<_>>().len(), 10_000);
    }
}
