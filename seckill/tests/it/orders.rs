//! Consumers of orders on a real Redis. Entries are written by hand, in the form of the scripts.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seckill::ledger::{Effect, Ledger, MemoryLedger};
use seckill::orders::{Consumer, ConsumerName, GroupName, HandlerError, OrderEvent, OrderHandler, Orders};
use seckill::{BoxFuture, Error, ReservationState, SaleId};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

use crate::stage::{fresh, tell};

mod dead;
mod delivery;
mod failure;
mod trim;
mod whole;

/// Streams of a sale on a server, and the last step of each shard.
pub(crate) struct Streams {
    pub(crate) server: testkit::Redis,
    pub(crate) sale: SaleId,
    shards: u16,
    step: Mutex<u64>,
}

impl Streams {
    pub(crate) fn start(shards: u16) -> Self {
        Self::on(testkit::Redis::start().unwrap(), shards)
    }

    pub(crate) fn on(server: testkit::Redis, shards: u16) -> Self {
        Self { server, sale: fresh(), shards, step: Mutex::new(0) }
    }

    pub(crate) fn orders(&self) -> Orders {
        Orders::new(&self.server.url(), self.sale.clone(), self.shards).unwrap()
    }

    /// A consumer in a hurry.
    pub(crate) fn consumer(&self, group: &str, name: &str) -> Consumer {
        hasty(self.orders().group(group_name(group)).consumer(ConsumerName::new(name).unwrap()))
    }

    pub(crate) fn key(&self, shard: u16, part: &str) -> String {
        match self.shards {
            1 => format!("{{gh:sale:{}}}:{part}", self.sale),
            _ => format!("{{gh:sale:{}:{shard}}}:{part}", self.sale),
        }
    }

    fn next(&self) -> u64 {
        let mut step = self.step.lock().unwrap();
        *step += 1;
        *step
    }

    /// Writes what a step of the sale writes: its number and an entry. Returns the number.
    pub(crate) async fn entry(&self, shard: u16, part: &str, head: [&str; 2], body: &str) -> u64 {
        let step = self.next();
        let _: i64 =
            tell(&self.server, &["HSET", &self.key(shard, "numbers"), "seq", &step.to_string()]).await;
        let id = format!("{step}-0");
        let words = ["XADD", &self.key(shard, part), &id, head[0], head[1], "b", body];
        assert_eq!(tell::<String>(&self.server, &words).await, id);
        step
    }

    /// Buyers with these numbers win one unit each.
    pub(crate) async fn win(&self, shard: u16, buyers: impl IntoIterator<Item = u64>) -> u64 {
        let buyers: Vec<_> = buyers.into_iter().map(|buyer| format!("b{buyer} request-{buyer}")).collect();
        self.entry(shard, "wins", ["w", "1000 2000 1"], &buyers.join(" ")).await
    }

    /// A buyer pays.
    pub(crate) async fn pay(&self, shard: u16, buyer: u64) -> u64 {
        self.entry(shard, "changes", ["c", "1500"], &format!("P b{buyer} request-{buyer} 1 2000")).await
    }

    /// How many entries a group has read and not acknowledged, in both streams of a shard.
    pub(crate) async fn pending(&self, shard: u16, group: &str) -> u64 {
        let mut count = 0;
        for part in ["wins", "changes", "again"] {
            let pending: redis::Value =
                tell(&self.server, &["XPENDING", &self.key(shard, part), group]).await;
            let (one, ..): (u64, redis::Value, redis::Value, redis::Value) =
                redis::from_redis_value(pending).unwrap();
            count += one;
        }
        count
    }

    /// The ids that a stream holds.
    pub(crate) async fn kept(&self, shard: u16, part: &str) -> Vec<String> {
        let rows: Vec<(String, redis::Value)> =
            tell(&self.server, &["XRANGE", &self.key(shard, part), "-", "+"]).await;
        rows.into_iter().map(|(id, _)| id).collect()
    }
}

pub(crate) fn group_name(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

pub(crate) fn hasty(consumer: Consumer) -> Consumer {
    let (soon, later) = (Duration::from_millis(20), Duration::from_millis(40));
    consumer.retry_after(soon, later).unwrap().claim_after(Duration::from_millis(100)).unwrap()
}

/// A consumer at work in a task of its own.
pub(crate) struct Running {
    task: JoinHandle<Result<(), Error>>,
    stop: Arc<Notify>,
}

impl Running {
    pub(crate) fn start(consumer: Consumer, handler: Arc<dyn OrderHandler>) -> Self {
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let task = tokio::spawn(async move { consumer.run(handler, stopped.notified()).await });
        Self { task, stop }
    }

    /// Ends it as it should end.
    pub(crate) async fn stop(self) {
        self.stop.notify_one();
        self.task.await.unwrap().unwrap();
    }

    /// Ends it as a crash would, wherever it is.
    pub(crate) async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// How it ended by itself.
    pub(crate) async fn ended(self) -> Result<(), Error> {
        self.task.await.unwrap()
    }
}

/// Writes down what it is told, after it has done `before`.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) ledger: MemoryLedger,
    /// Every event, as often as it came.
    pub(crate) told: Mutex<Vec<OrderEvent>>,
    /// Payments that took effect.
    pub(crate) paid: AtomicUsize,
    /// Batches handled until now.
    pub(crate) batches: AtomicUsize,
    /// Buyers whose orders cannot be handled.
    pub(crate) poison: Mutex<Vec<String>>,
    /// Whether what the handler needs is away.
    pub(crate) outage: AtomicBool,
    /// Where the handler waits after its effect, when there is such a place.
    pub(crate) gate: Option<Semaphore>,
}

impl Desk {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn with_gate() -> Arc<Self> {
        Arc::new(Self { gate: Some(Semaphore::new(0)), ..Self::default() })
    }

    pub(crate) fn poisoned(buyers: &[&str]) -> Arc<Self> {
        let poison = buyers.iter().map(|buyer| (*buyer).to_owned()).collect();
        Arc::new(Self { poison: Mutex::new(poison), ..Self::default() })
    }

    pub(crate) fn cure(&self) {
        self.poison.lock().unwrap().clear();
    }

    /// Buyers told of, sorted, as often as they were.
    pub(crate) fn buyers(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let orders = told.iter().filter_map(OrderEvent::order);
        let mut buyers: Vec<_> = orders.map(|order| order.reservation.buyer().as_str().to_owned()).collect();
        buyers.sort();
        buyers
    }

    pub(crate) fn count(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    async fn take(&self, batch: &[OrderEvent]) -> Result<(), HandlerError> {
        if self.outage.load(Ordering::SeqCst) {
            self.batches.fetch_add(1, Ordering::SeqCst);
            return Err("the warehouse is closed".into());
        }
        let name = |event: &OrderEvent| Some(event.order()?.reservation.buyer().as_str().to_owned());
        let poison = self.poison.lock().unwrap().clone();
        if let Some(buyer) = batch.iter().filter_map(name).find(|buyer| poison.contains(buyer)) {
            self.batches.fetch_add(1, Ordering::SeqCst);
            return Err(format!("no shelf for {buyer}").into());
        }
        let effects = self.ledger.apply(batch).await?;
        let state = |event: &OrderEvent| event.order().and_then(|order| order.change.state());
        let is_payment = |(event, effect): &(&OrderEvent, Effect)| {
            state(event) == Some(ReservationState::Paid) && *effect == Effect::Applied
        };
        self.paid.fetch_add(batch.iter().zip(effects).filter(is_payment).count(), Ordering::SeqCst);
        self.told.lock().unwrap().extend_from_slice(batch);
        self.batches.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.acquire().await?.forget();
        }
        Ok(())
    }
}

impl OrderHandler for Desk {
    fn handle<'a>(&'a self, batch: &'a [OrderEvent]) -> BoxFuture<'a, Result<(), HandlerError>> {
        Box::pin(self.take(batch))
    }

    fn is_transient(&self, _error: &HandlerError) -> bool {
        self.outage.load(Ordering::SeqCst)
    }
}

/// Asks again until it is true, for half a minute.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let asked = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), asked).await.is_ok(), "waited in vain for: {what}");
}
