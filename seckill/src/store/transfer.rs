//! Stock on its way between the shards of a sale. A transfer is a debit, a credit and the end of the debit, each
//! one script; a number makes each count once, so a transfer that was cut anywhere is finished by whoever
//! comes next, and no unit is in two shards or in none.

use std::collections::BTreeMap;

use redis::FromRedisValue;

use super::desk::{Clock, Desk};
use super::network::Route;
use super::reply::{after, number, strange};
use super::script::Call;
use super::shard::Shard;
use crate::error::Error;
use crate::ids::ReservationId;
use crate::lines::Picks;
use crate::text::{escape, in_list};
use crate::time::At;

/// Units on their way from one shard to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// The step of the shard that it left.
    pub(crate) number: u64,
    pub(crate) sku: usize,
    pub(crate) units: u64,
}

enum Debit {
    Sent(Transfer),
    Again,
    None,
}

impl Desk {
    /// Brings to shard `target` what these lines want, from wherever it is. Answers false when no other shard
    /// has any of it, none is on its way either, and the shard itself has too little for each of these.
    pub(crate) async fn gather(
        &self,
        target: usize,
        wants: impl Iterator<Item = &Picks> + Clone,
        at: At,
        clock: Clock,
    ) -> Result<bool, Error> {
        let mut wanted = BTreeMap::<usize, u64>::new();
        for (sku, units) in wants.clone().flat_map(Picks::iter) {
            *wanted.entry(sku).or_default() += u64::from(units);
        }
        // One at a time: what the first brings may be enough for all.
        let _turn = match self.gathering.get(target) {
            Some(gathering) => Some(clock.wait(gathering.lock()).await?),
            None => None,
        };
        let mut came = false;
        for source in (1..self.shards.len()).map(|step| (target + step) % self.shards.len()) {
            for (sku, want) in &mut wanted {
                while *want > 0 {
                    clock.check()?;
                    match self.debit(source, target, *sku, *want, at).await? {
                        Debit::None => break,
                        Debit::Again => {}
                        Debit::Sent(transfer) => {
                            self.deliver(source, target, &transfer, at, clock).await?;
                            came = true;
                            if transfer.sku == *sku {
                                *want = want.saturating_sub(transfer.units);
                            }
                        }
                    }
                }
            }
        }
        // Somebody may have brought it while this one waited for its turn.
        Ok(came || self.finish_all(at, clock).await? || self.has_any(target, wants, at).await?)
    }

    /// Whether a shard has now what one of these lines wants.
    async fn has_any(
        &self,
        index: usize,
        mut wants: impl Iterator<Item = &Picks>,
        at: At,
    ) -> Result<bool, Error> {
        let left = self.peek(self.shard(index)?, at, "l").await?.counts.concat();
        let has = |(sku, units): (usize, u32)| left.get(sku).is_some_and(|left| *left >= i64::from(units));
        Ok(wants.any(|picks| picks.iter().all(has)))
    }

    /// Finishes every transfer that somebody began, and tells whether there were any.
    pub(crate) async fn finish_all(&self, at: At, clock: Clock) -> Result<bool, Error> {
        let mut any = false;
        for (source, shard) in self.shards.iter().enumerate() {
            for target in self.pending(shard).await? {
                clock.check()?;
                any = true;
                // INVARIANT: told by a script once more before it is delivered, so that replicas have it where
                // they are waited for, and not by a shard that went back in time.
                if let Debit::Sent(transfer) = self.debit(source, target, 0, 0, at).await? {
                    self.deliver(source, target, &transfer, at, clock).await?;
                }
            }
        }
        Ok(any)
    }

    /// The highest number of the transfers from each shard that another one has taken in.
    pub(crate) async fn arrived(&self) -> Result<Vec<u64>, Error> {
        let mut highest = vec![0; self.shards.len()];
        for shard in &self.shards {
            let numbers: Vec<Option<u64>> = self.by_shard(shard, "i").await?;
            for (highest, number) in highest.iter_mut().zip(numbers) {
                *highest = number.unwrap_or(0).max(*highest);
            }
        }
        Ok(highest)
    }

    /// What the lines of a recorded reservation want.
    pub(crate) async fn wanted(&self, shard: &Shard, id: &ReservationId) -> Result<Vec<Picks>, Error> {
        let mut cmd = redis::cmd("HGET");
        let [_, buyers, ..] = shard.keys();
        cmd.arg(buyers).arg(&*escape(id.buyer().as_str(), in_list));
        let text: Option<String> = self.read(shard, cmd).await?;
        let records = text.unwrap_or_default();
        let lines = |record: &str| {
            let mut parts = record.splitn(3, ':');
            let (_, lines, request) = (parts.next()?, parts.next()?, parts.next()?);
            (request == id.request().as_str()).then(|| Picks::from_text(lines)).flatten()
        };
        Ok(records.split(';').find_map(lines).into_iter().collect())
    }

    /// Asks a shard without changing it.
    pub(crate) async fn read<T: FromRedisValue>(&self, shard: &Shard, cmd: redis::Cmd) -> Result<T, Error> {
        let route = Route { slot: shard.slot, lane: 0 };
        self.network.ask(route, cmd).await.map_err(|broken| broken.into_error(Some(self.terms.id())))
    }

    async fn debit(
        &self,
        source: usize,
        target: usize,
        sku: usize,
        want: u64,
        at: At,
    ) -> Result<Debit, Error> {
        let shard = self.shard(source)?;
        let text = self.run(shard, &Call::debit(shard, at, self.touch(), target, sku, want)).await?;
        match after(&text, self.about(shard))?.answer {
            "0" => Ok(Debit::None),
            "again" => Ok(Debit::Again),
            words => transfer(words).map(Debit::Sent).ok_or_else(|| strange(&text)),
        }
    }

    async fn deliver(
        &self,
        source: usize,
        target: usize,
        transfer: &Transfer,
        at: At,
        clock: Clock,
    ) -> Result<(), Error> {
        clock.check()?;
        let (from, to) = (self.shard(source)?, self.shard(target)?);
        for (shard, call) in [
            (to, Call::credit(to, at, self.touch(), source, transfer)),
            (from, Call::settle_debit(from, at, self.touch(), target, transfer.number)),
        ] {
            let text = self.run(shard, &call).await?;
            if !matches!(after(&text, self.about(shard))?.answer, "done" | "already") {
                return Err(strange(&text));
            }
        }
        Ok(())
    }

    /// The shards to which units left this one and are not known to have arrived.
    async fn pending(&self, shard: &Shard) -> Result<Vec<usize>, Error> {
        let texts: Vec<Option<String>> = self.by_shard(shard, "o").await?;
        Ok(texts.iter().enumerate().filter(|(_, text)| text.is_some()).map(|(target, _)| target).collect())
    }

    /// What a shard has noted about each other one.
    async fn by_shard<T: FromRedisValue>(&self, shard: &Shard, field: &str) -> Result<Vec<Option<T>>, Error> {
        let mut cmd = redis::cmd("HMGET");
        let [numbers, ..] = shard.keys();
        cmd.arg(numbers);
        for other in 0..self.shards.len() {
            cmd.arg(format!("{field}:{other}"));
        }
        self.read(shard, cmd).await
    }
}

fn transfer(text: &str) -> Option<Transfer> {
    let words: Vec<&str> = text.split(' ').collect();
    let [number_text, sku, units] = *words else { return None };
    Some(Transfer { number: number(number_text)?, sku: number(sku)?, units: number(units)? })
}
