//! Stock on its way between the shards of a sale. A transfer is a debit, a credit and the end of the debit, each
//! one script; a number makes each count once, so a transfer that was cut anywhere is finished by whoever
//! comes next, and no unit is in two shards or in none.

use std::collections::BTreeMap;

use redis::FromRedisValue;

use super::desk::Desk;
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
    /// Counts the transfers from this shard to that.
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
    /// has any of it, and none is on its way either.
    pub(crate) async fn gather(
        &self,
        target: usize,
        wants: impl Iterator<Item = &Picks>,
        at: At,
    ) -> Result<bool, Error> {
        let mut wanted = BTreeMap::<usize, u64>::new();
        for (sku, units) in wants.flat_map(Picks::iter) {
            *wanted.entry(sku).or_default() += u64::from(units);
        }
        // One at a time: what the first brings may be enough for all.
        let _turn = match self.gathering.get(target) {
            Some(gathering) => Some(gathering.lock().await),
            None => None,
        };
        let clock = self.clock();
        let mut came = false;
        for source in (1..self.shards.len()).map(|step| (target + step) % self.shards.len()) {
            for (sku, want) in &mut wanted {
                while *want > 0 {
                    clock.check()?;
                    match self.debit(source, target, *sku, *want, at).await? {
                        Debit::None => break,
                        Debit::Again => {}
                        Debit::Sent(transfer) => {
                            self.deliver(source, target, &transfer, at).await?;
                            came = true;
                            if transfer.sku == *sku {
                                *want = want.saturating_sub(transfer.units);
                            }
                        }
                    }
                }
            }
        }
        Ok(came || self.finish_all(at).await?)
    }

    /// Finishes every transfer that somebody began, and tells whether there were any.
    pub(crate) async fn finish_all(&self, at: At) -> Result<bool, Error> {
        let mut any = false;
        for (source, shard) in self.shards.iter().enumerate() {
            for (target, transfer) in self.pending(shard).await? {
                self.deliver(source, target, &transfer, at).await?;
                any = true;
            }
        }
        Ok(any)
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

    async fn deliver(&self, source: usize, target: usize, transfer: &Transfer, at: At) -> Result<(), Error> {
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

    /// Transfers that left a shard and are not known to have arrived, with their targets.
    async fn pending(&self, shard: &Shard) -> Result<Vec<(usize, Transfer)>, Error> {
        let mut cmd = redis::cmd("HMGET");
        let [numbers, ..] = shard.keys();
        cmd.arg(numbers);
        for target in 0..self.shards.len() {
            cmd.arg(format!("o:{target}"));
        }
        let texts: Vec<Option<String>> = self.read(shard, cmd).await?;
        let mut pending = Vec::new();
        for (target, text) in texts.iter().enumerate() {
            let Some(text) = text else { continue };
            pending.push((target, transfer(text).ok_or_else(|| strange(text))?));
        }
        Ok(pending)
    }
}

fn transfer(text: &str) -> Option<Transfer> {
    let words: Vec<&str> = text.split(' ').collect();
    let [number_text, sku, units] = *words else { return None };
    Some(Transfer { number: number(number_text)?, sku: number(sku)?, units: number(units)? })
}
