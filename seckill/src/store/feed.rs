//! Feeds the latch: while a sale is sold out and asked for, one task looks at its shards every few milliseconds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::desk::Desk;
use super::read::READ_MAX;
use super::reply::Peeked;
use super::script::Call;
use super::shard::Shard;
use crate::clock::{TICK_MILLIS_MAX, micros};
use crate::error::Error;
use crate::ids::BuyerId;
use crate::latch::Latch;
use crate::orders::Part;
use crate::outcome::Swept;
use crate::phase::Stage;
use crate::text::{in_list, unescape};
use crate::time::At;

/// How often the shards are looked at. With the time of a look it stays below [`Latch::STALE_MILLIS_MAX`].
const PERIOD: Duration = Duration::from_millis(20);
/// After so many looks during which nobody was refused, the task ends.
const IDLE_LOOKS_MAX: u32 = 50;

/// What is known of the stock of each shard, and the task that keeps it fresh.
#[derive(Debug)]
pub(crate) struct Feed {
    latch: Arc<Latch>,
    running: AtomicBool,
    /// For each shard: the things of which it has none left, as bits.
    empty: Mutex<Vec<u64>>,
    /// For each shard: up to which step its buyers are in the filter.
    loaded: Mutex<Vec<Option<u64>>>,
}

/// The task while it runs. However it ends, also with its runtime, the latch opens and the next one may start.
struct Running(Weak<Desk>);

impl Feed {
    pub(crate) fn new(latch: Arc<Latch>, shards: usize) -> Self {
        let (empty, loaded) = (Mutex::new(vec![0; shards]), Mutex::new(vec![None; shards]));
        Self { latch, running: AtomicBool::new(false), empty, loaded }
    }

    fn loaded(&self, shard: &Shard) -> Option<u64> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.get(usize::from(shard.index)).copied().flatten()
    }

    fn set_loaded(&self, shard: &Shard, step: u64) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = loaded.get_mut(usize::from(shard.index)) {
            *slot = Some(step);
        }
    }

    /// Notes what an answer of a shard tells; returns whether every shard is out of something.
    fn note(&self, shard: usize, skus: &[usize], left: &[u64]) -> bool {
        let mut empty = self.empty.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bits) = empty.get_mut(shard) {
            for (sku, left) in skus.iter().zip(left) {
                let bit = bit(*sku);
                *bits = if *left == 0 { *bits | bit } else { *bits & !bit };
            }
        }
        empty.iter().fold(u64::MAX, |all, bits| all & bits) != 0
    }
}

impl Desk {
    /// Takes what an answer of a shard tells of its stock: the end of it starts the task, the return of some
    /// opens the latch at once.
    pub(crate) fn told_left(&self, shard: usize, skus: &[usize], left: &[u64]) {
        let feed = &self.feed;
        let some_left = left.iter().any(|left| *left > 0);
        if some_left && feed.latch.is_closed() {
            feed.latch.set(0, 0);
        }
        let may_be_out = left.contains(&0) || some_left && feed.running.load(Ordering::Acquire);
        if may_be_out && feed.note(shard, skus, left) && !feed.running.swap(true, Ordering::AcqRel) {
            tokio::spawn(keep(Running(self.me.clone())));
        }
    }

    /// Looks at every shard and sets the latch; false when it need not be looked at any more.
    async fn look(&self) -> Result<bool, Error> {
        let asked_at = micros();
        let mut sold_out = u64::MAX;
        let mut moved = vec![0i64; self.terms.skus().len()];
        for shard in &self.shards {
            let seen = self.look_at(shard).await?;
            for (sum, row) in moved.iter_mut().zip(&seen.counts) {
                *sum += row.get(1).copied().unwrap_or(0);
            }
            sold_out &= self.refusable(&seen);
            if sold_out == 0 {
                break;
            }
            self.load_buyers(shard, seen.step).await?;
        }
        // Units between two shards are in none. Where nobody brings any, they are lost, and nobody waits for them.
        let between = moved.iter().enumerate().filter(|(_, sum)| **sum < 0);
        let between = between.fold(0, |bits, (sku, _)| bits | bit(sku));
        if sold_out & between != 0 && self.finish_all(At::Server, self.clock()).await? {
            sold_out &= !between;
        }
        // The clock may be a tick behind when it is read next.
        let known = (Latch::STALE_MILLIS_MAX - TICK_MILLIS_MAX) * 1_000;
        self.latch.set(sold_out, asked_at + known);
        Ok(sold_out != 0)
    }

    /// What is left in a shard and what moved, after what is over has come back.
    async fn look_at(&self, shard: &Shard) -> Result<Peeked, Error> {
        let known = shard.seen();
        let mut seen = self.peek(shard, At::Server, "lm").await?;
        if is_due(&seen) {
            // Holds that are over come back by themselves: nobody is refused for them.
            self.run(shard, &Call::sweep(shard, At::Server, Swept::SWEEP_MAX)).await?;
            seen = self.peek(shard, At::Server, "lm").await?;
        }
        let (skus, left): (Vec<usize>, Vec<u64>) =
            left(&seen).map(|(sku, left)| (sku, left.unsigned_abs())).unzip();
        self.feed.note(usize::from(shard.index), &skus, &left);
        // A shard that went back in time is frozen by the first caller who gets through.
        seen.frozen |= seen.step < known;
        Ok(seen)
    }

    /// The things, as bits, of which this shard has none for as long as the latch may say so.
    fn refusable(&self, seen: &Peeked) -> u64 {
        let until_stale = Duration::from_millis(Latch::STALE_MILLIS_MAX);
        let sells = seen.stage == Stage::Ready
            && !seen.frozen
            && seen.now >= self.terms.opens_at()
            && seen.now.plus(until_stale) < self.terms.closes_at();
        if !sells || is_due(seen) {
            return 0;
        }
        left(seen).filter(|(_, left)| *left == 0).fold(0, |bits, (sku, _)| bits | bit(sku))
    }

    /// Notes every buyer of a shard who has a record at `step`.
    async fn load_buyers(&self, shard: &Shard, step: u64) -> Result<(), Error> {
        let known = match self.feed.loaded(shard) {
            Some(from) if from == step => return Ok(()),
            // A later step than there is was lost since.
            Some(from) if from < step => self.load_new_buyers(shard, from).await?,
            _ => false,
        };
        if !known {
            self.load_all_buyers(shard).await?;
        }
        self.feed.set_loaded(shard, step);
        Ok(())
    }

    async fn load_all_buyers(&self, shard: &Shard) -> Result<(), Error> {
        let [_, buyers, ..] = shard.keys();
        let mut cursor = 0u64;
        loop {
            let mut cmd = redis::cmd("HSCAN");
            cmd.arg(buyers).arg(cursor).arg("COUNT").arg(READ_MAX);
            let (next, pairs): (u64, Vec<(String, String)>) = self.read(shard, cmd).await?;
            pairs.iter().for_each(|(buyer, _)| self.note_buyer(buyer));
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Notes the buyers of wins after step `from`, and those that a recovery brought back; false when some of
    /// these are trimmed already.
    async fn load_new_buyers(&self, shard: &Shard, from: u64) -> Result<bool, Error> {
        for part in [Part::Wins, Part::Changes] {
            let mut last = from;
            loop {
                let (entries, events) = self.history(shard, part, last, None).await?;
                for event in &events {
                    last = event.sequence;
                    if let Some(order) = event.order() {
                        self.latch.note(order.reservation.buyer());
                    }
                }
                if entries < READ_MAX {
                    break;
                }
            }
            // Asked afterwards, so that what was read is what there was.
            if !self.is_kept(shard, part, from).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn note_buyer(&self, escaped: &str) {
        if let Some(buyer) = unescape(escaped, in_list).and_then(|name| BuyerId::new(&name).ok()) {
            self.latch.note(&buyer);
        }
    }
}

/// Looks at the shards until the sale is not sold out, nobody asks, or a shard does not answer.
async fn keep(running: Running) {
    let mut idle = 0;
    while let Some(desk) = running.0.upgrade() {
        idle = if desk.latch.take_used() { 0 } else { idle + 1 };
        // A shard that does not answer: callers ask it themselves, and hear what is wrong.
        let go_on = desk.look().await.unwrap_or(false);
        if !go_on || idle > IDLE_LOOKS_MAX {
            return;
        }
        drop(desk);
        tokio::time::sleep(PERIOD).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(desk) = self.0.upgrade() {
            desk.latch.set(0, 0);
            desk.feed.running.store(false, Ordering::Release);
        }
    }
}

/// What is left of each thing.
fn left(seen: &Peeked) -> impl Iterator<Item = (usize, i64)> + '_ {
    seen.counts.iter().map(|row| row.first().copied().unwrap_or(0)).enumerate()
}

fn is_due(seen: &Peeked) -> bool {
    seen.due.millis() > 0 && seen.due <= seen.now
}

fn bit(sku: usize) -> u64 {
    u32::try_from(sku).ok().and_then(|sku| 1u64.checked_shl(sku)).unwrap_or(0)
}
