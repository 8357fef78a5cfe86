//! What concerns a whole sale, shard by shard: steps of its life, stock, sweeps, counters, batches.

use super::desk::Desk;
use super::reply::{self, SteerTold};
use super::script::Call;
use super::terms;
use crate::audit::add_counts;
use crate::error::Error;
use crate::outcome::{Outcome, SaleState, Swept};
use crate::phase::{Phase, Steered, Step};
use crate::reservation::{Reserve, batch_error};
use crate::restock::{Direction, Restock, Restocked};
use crate::store::network::Route;
use crate::time::{At, UnixMillis};
use crate::waves::Waves;

impl Desk {
    /// Takes a step in every shard. `Done` when any was not there yet; the first refusal ends it.
    pub(crate) async fn steer(&self, step: Step, at: At) -> Result<Steered, Error> {
        if step == Step::Settle && self.shards.len() > 1 {
            let state = self.state(at).await?;
            self.finish_all(at, self.clock()).await?;
            if state.held() > 0 {
                return Ok(Steered::Refused { phase: state.phase, held: state.held() });
            }
        }
        let mut answer = Steered::Already;
        for shard in &self.shards {
            let shares = terms::shares(&self.terms, shard.index);
            let text = self.run(shard, &Call::steer(shard, at, step, &shares)).await?;
            match reply::steered(&text, self.about(shard))? {
                SteerTold::Done => answer = Steered::Done,
                SteerTold::Already => {}
                SteerTold::Refused(stage, held) if self.shards.len() == 1 => {
                    return Ok(Steered::Refused {
                        phase: stage.phase(&self.terms, self.now(at).await?),
                        held,
                    });
                }
                SteerTold::Refused(..) => {
                    let state = self.state(at).await?;
                    return Ok(Steered::Refused { phase: state.phase, held: state.held() });
                }
            }
        }
        Ok(answer)
    }

    /// Adds stock, split evenly over the shards, or withdraws it from one after the other.
    pub(crate) async fn restock(&self, change: &Restock, at: At) -> Result<Restocked, Error> {
        let sku = change.position(&self.terms)?;
        let (add, count) = (change.direction == Direction::Add, u64::from(self.terms.shard_count()));
        let (mut done, mut any) = (0, false);
        for shard in &self.shards {
            let share = change.units / count + u64::from(u64::from(shard.index) < change.units % count);
            // An id that is known answers what it once did, whatever is asked now.
            let units = if add { share } else { change.units.saturating_sub(done) };
            let call = Call::restock(shard, at, self.touch(), change, sku, units);
            match reply::restocked(&self.run(shard, &call).await?, self.about(shard))? {
                Ok(units) => (done, any) = (done + units, true),
                // The sale was closed meanwhile: what is done is the answer.
                Err(_) if any => break,
                Err(stage) => {
                    return Ok(Restocked::Refused { phase: stage.phase(&self.terms, self.now(at).await?) });
                }
            }
        }
        Ok(Restocked::Done { units: done })
    }

    /// Sweeps up to `max` wins of each shard.
    pub(crate) async fn sweep(&self, max: u32, at: At) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        for shard in &self.shards {
            let text = self.run(shard, &Call::sweep(shard, at, max.min(Swept::SWEEP_MAX))).await?;
            let told = reply::swept(&text, self.about(shard))?;
            swept.returned += told.returned;
            swept.units += told.units;
            swept.more |= told.more;
        }
        Ok(swept)
    }

    /// The counters of all shards together.
    pub(crate) async fn state(&self, at: At) -> Result<SaleState, Error> {
        let (mut total, mut sequence, mut first) = (Vec::new(), 0, None);
        for shard in &self.shards {
            let numbers = self.numbers(shard, at).await?;
            add_counts(&mut total, &numbers.counts);
            sequence += numbers.step;
            first.get_or_insert(numbers.stage.phase(&self.terms, numbers.now));
        }
        let phase = first.unwrap_or(Phase::Draft);
        let names = self.terms.skus().iter().map(|(sku, _)| sku.clone());
        Ok(SaleState { phase, skus: names.zip(total).collect(), sequence })
    }

    /// Decides a batch: passes of different buyers, each pass in every shard that it concerns.
    pub(crate) async fn decide_all(&self, requests: &[Reserve], at: At) -> Vec<Result<Outcome, Error>> {
        if let Some(error) = batch_error(requests) {
            return requests.iter().map(|_| Err(error.clone())).collect();
        }
        let (clock, mut waves) = (self.clock(), Waves::new(requests));
        while let Some(wave) = waves.next() {
            let late = clock.check().err();
            let mut answers = vec![None; wave.len()];
            for shard in 0..self.shards.len() {
                let here = |request: &&Reserve| self.shard_of(&request.buyer).0 == shard;
                let places: Vec<usize> = wave
                    .iter()
                    .enumerate()
                    .filter(|(_, request)| here(request))
                    .map(|(place, _)| place)
                    .collect();
                let asked: Vec<&Reserve> = wave.iter().copied().filter(here).collect();
                if asked.is_empty() {
                    continue;
                }
                let told = match &late {
                    Some(error) => Err(error.clone()),
                    None => self.decide((shard, 0), &asked, at).await,
                };
                // What was decided in earlier passes stands.
                let told = told.unwrap_or_else(|error| vec![Some(Err(error)); asked.len()]);
                for (place, answer) in places.into_iter().zip(told) {
                    if let Some(slot) = answers.get_mut(place) {
                        *slot = answer;
                    }
                }
            }
            waves.answer(answers);
        }
        waves.finish()
    }

    /// The time of a call: the caller's, or that of the server which keeps the first shard.
    async fn now(&self, at: At) -> Result<UnixMillis, Error> {
        if let At::Millis(now) = at {
            return Ok(now);
        }
        let slot = self.shards.first().map_or(0, |shard| shard.slot);
        let asked = self.network.ask(Route { slot, lane: 0 }, redis::cmd("TIME")).await;
        let (seconds, micros): (u64, u64) =
            asked.map_err(|broken| broken.into_error(Some(self.terms.id())))?;
        UnixMillis::new(seconds.saturating_mul(1_000) + micros / 1_000)
    }
}
