//! Feeds the latch: while a sale is sold out and asked for, one task looks at its shards every few milliseconds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::desk::Desk;
use super::read::READ_MAX;
use super::reply;
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
}

/// How far one shard's buyers are in the filter.
#[derive(Clone, Copy)]
struct Loaded(Option<u64>);

impl Feed {
    pub(crate) fn new(latch: Arc<Latch>, shards: usize) -> Self {
        Self { latch, running: AtomicBool::new(false), empty: Mutex::new(vec![0; shards]) }
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
            tokio::spawn(keep(self.me.clone()));
        }
    }

    /// Looks at every shard and sets the latch; false when it need not be looked at any more.
    async fn look(&self, loaded: &mut [Loaded]) -> Result<bool, Error> {
        let asked_at = micros();
        let mut sold_out = u64::MAX;
        for (shard, loaded) in self.shards.iter().zip(loaded) {
            let mut seen = self.peek(shard).await?;
            if is_due(&seen) {
                // Holds that are over come back by themselves: nobody is refused for them.
                self.run(shard, &Call::sweep(shard, At::Server, Swept::SWEEP_MAX)).await?;
                seen = self.peek(shard).await?;
            }
            let left: Vec<u64> =
                seen.counts.iter().flatten().filter_map(|left| u64::try_from(*left).ok()).collect();
            let skus: Vec<usize> = (0..left.len()).collect();
            self.feed.note(usize::from(shard.index), &skus, &left);
            let until_stale = Duration::from_millis(Latch::STALE_MILLIS_MAX);
            if is_due(&seen)
                || seen.stage != Stage::Ready
                || seen.now.plus(until_stale) >= self.terms.closes_at()
            {
                sold_out = 0;
                break;
            }
            let empty = |bits, (sku, left): (usize, &u64)| if *left == 0 { bits | bit(sku) } else { bits };
            sold_out &= left.iter().enumerate().fold(0, empty);
            if sold_out == 0 {
                break;
            }
            self.load_buyers(shard, loaded, seen.step).await?;
        }
        // The clock may be a tick behind when it is read next.
        let known = (Latch::STALE_MILLIS_MAX - TICK_MILLIS_MAX) * 1_000;
        self.latch.set(sold_out, asked_at + known);
        Ok(sold_out != 0)
    }

    async fn peek(&self, shard: &Shard) -> Result<reply::Peeked, Error> {
        let things = self.terms.skus().len();
        let text = self.run(shard, &Call::peek(shard, At::Server, things, "l")).await?;
        reply::peeked(&text, self.about(shard), things, 1)
    }

    /// Notes every buyer of a shard who has a record at `step`.
    async fn load_buyers(&self, shard: &Shard, loaded: &mut Loaded, step: u64) -> Result<(), Error> {
        if let Loaded(Some(from)) = *loaded
            && (from >= step || self.load_new_buyers(shard, from).await?)
        {
            *loaded = Loaded(Some(step.max(from)));
            return Ok(());
        }
        let [_, buyers, ..] = shard.keys();
        let mut cursor = 0u64;
        loop {
            let mut cmd = redis::cmd("HSCAN");
            cmd.arg(buyers).arg(cursor).arg("COUNT").arg(READ_MAX);
            let (next, pairs): (u64, Vec<(String, String)>) = self.read(shard, cmd).await?;
            pairs.iter().for_each(|(buyer, _)| self.note_buyer(buyer));
            if next == 0 {
                *loaded = Loaded(Some(step));
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Notes the buyers of wins after step `from`; false when some of these are trimmed already.
    async fn load_new_buyers(&self, shard: &Shard, mut from: u64) -> Result<bool, Error> {
        loop {
            let (entries, events) = self.history(shard, Part::Wins, from, None).await?;
            if !self.is_kept(shard, Part::Wins, from).await? {
                return Ok(false);
            }
            for event in &events {
                from = event.sequence;
                if let Some(order) = event.order() {
                    self.latch.note(order.reservation.buyer());
                }
            }
            if entries < READ_MAX {
                return Ok(true);
            }
        }
    }

    fn note_buyer(&self, escaped: &str) {
        if let Some(buyer) = unescape(escaped, in_list).and_then(|name| BuyerId::new(&name).ok()) {
            self.latch.note(&buyer);
        }
    }
}

/// Looks at the shards until the sale is not sold out, nobody asks, or a shard does not answer.
async fn keep(desk: Weak<Desk>) {
    let (mut loaded, mut idle) = (Vec::new(), 0);
    while let Some(desk) = desk.upgrade() {
        loaded.resize(desk.shards.len(), Loaded(None));
        idle = if desk.latch.take_used() { 0 } else { idle + 1 };
        // A shard that does not answer: callers ask it themselves, and hear what is wrong.
        let go_on = desk.look(&mut loaded).await.unwrap_or(false);
        if !go_on || idle > IDLE_LOOKS_MAX {
            desk.latch.set(0, 0);
            desk.feed.running.store(false, Ordering::Release);
            return;
        }
        drop(desk);
        tokio::time::sleep(PERIOD).await;
    }
}

fn is_due(seen: &reply::Peeked) -> bool {
    seen.due.millis() > 0 && seen.due <= seen.now
}

fn bit(sku: usize) -> u64 {
    u32::try_from(sku).ok().and_then(|sku| 1u64.checked_shl(sku)).unwrap_or(0)
}
