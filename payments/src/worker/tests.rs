//! Work that fails, waits and is done.

use super::*;
use crate::fake::{Clock, FakeGateway};
use crate::store::{MemoryStore, OrderStore, Task};
use crate::{Channel, Gateway, Incoming, Money, Order, OutTradeNo, Subject};
use bytes::Bytes;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);

/// Fails so many times for one order, and counts what it did.
#[derive(Default)]
struct Handler {
    fails: AtomicU32,
    done: Mutex<Vec<String>>,
    /// Each piece takes so long.
    slow: Option<(Arc<Clock>, u64)>,
}

impl WorkHandler for Handler {
    fn handle<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move {
            assert_eq!(work.task, Task::Deliver);
            let failing = work.out_trade_no.as_str() == "COURSE_1";
            let left = self.fails.load(Ordering::Relaxed);
            if failing && left > 0 {
                self.fails.store(left - 1, Ordering::Relaxed);
                return Err("no stock".into());
            }
            self.done.lock().unwrap().push(work.out_trade_no.to_string());
            if let Some((clock, secs)) = &self.slow {
                clock.forward_secs(*secs);
            }
            Ok(())
        })
    }
}

/// Orders 0, 1, 2 are paid.
async fn paid_store() -> Arc<MemoryStore> {
    let (store, gateway) = (Arc::new(MemoryStore::new()), FakeGateway::new(Channel::Alipay));
    for number in 0..3 {
        let number = OutTradeNo::parse(&format!("COURSE_{number}")).unwrap();
        let order =
            Order::new(number.clone(), Subject::parse("课").unwrap(), Money::parse_yuan("1").unwrap());
        store.create(&order, NOW).await.unwrap();
        gateway.pay_now(&order);
        let request = http::Request::post("/").body(Bytes::from(format!("trade {number}"))).unwrap();
        let Incoming::Trade(notify) = gateway.read_notify(&request, NOW).unwrap() else { panic!() };
        let checked = notify.check(&gateway.expected(&order)).unwrap();
        assert_eq!(store.settle(&checked, NOW).await.unwrap(), crate::Settlement::Paid);
    }
    store
}

#[tokio::test]
async fn failed_work_is_tried_again_after_pauses_that_double_and_stops_nothing() {
    let (store, clock) = (paid_store().await, Arc::new(Clock::at(NOW)));
    let worker = Worker::new(store.clone(), clock.clone()).with_lease_millis(10_000);
    let handler = Handler { fails: AtomicU32::new(3), ..Handler::default() };
    let report = worker.run_once(&handler).await.unwrap();
    assert_eq!((report.taken, report.done, report.failed.len()), (3, 2, 1));
    assert_eq!(*handler.done.lock().unwrap(), ["COURSE_0", "COURSE_2"]);
    let failed = &report.failed[0];
    assert_eq!(
        (failed.attempts, failed.again_at, failed.error.to_string()),
        (1, NOW.plus_secs(10), "no stock".into())
    );

    // In steps of one lease: tried after 10 s, after 20 s more, after 40 s more.
    let mut tried = Vec::new();
    for step in 1..=8_u64 {
        let none = worker.run_once(&handler).await.unwrap();
        assert_eq!(none.taken, 0, "the lease holds");
        clock.forward_secs(10);
        let report = worker.run_once(&handler).await.unwrap();
        let failed = u32::try_from(report.failed.len()).unwrap();
        assert_eq!(report.waiting + report.done + failed, report.taken);
        tried.extend(report.failed.iter().map(|failed| (step * 10, failed.attempts)));
        tried.extend((report.done > 0).then_some((step * 10, 0)));
    }
    assert_eq!(tried, [(10, 2), (30, 3), (70, 0)]);
    assert_eq!(*handler.done.lock().unwrap(), ["COURSE_0", "COURSE_2", "COURSE_1"]);
}

#[tokio::test]
async fn a_worker_that_dies_leaves_its_work_to_the_next() {
    let (store, clock) = (paid_store().await, Arc::new(Clock::at(NOW)));
    let dead = store.take_work(clock.now(), 10_000, 9).await.unwrap();
    assert_eq!(dead.len(), 3);
    let worker = Worker::new(store.clone(), clock.clone()).with_batch_max(2);
    let handler = Handler::default();
    assert_eq!(worker.run_once(&handler).await.unwrap().taken, 0, "the dead worker's lease holds");
    clock.forward_secs(10);
    let first = worker.run_once(&handler).await.unwrap();
    let second = worker.run_once(&handler).await.unwrap();
    assert_eq!(((first.taken, first.done), (second.taken, second.done)), ((2, 2), (1, 1)));
    clock.forward_secs(1_000);
    assert_eq!(worker.run_once(&handler).await.unwrap().taken, 0, "finished work is never given out again");
}

#[tokio::test]
async fn work_that_waits_fills_no_batch_and_a_restart_keeps_its_pause() {
    let (store, clock) = (paid_store().await, Arc::new(Clock::at(NOW)));
    let worker = || Worker::new(store.clone(), clock.clone()).with_lease_millis(10_000).with_batch_max(1);
    let handler = Handler { fails: AtomicU32::new(9), ..Handler::default() };
    let first = worker().run_once(&handler).await.unwrap();
    assert_eq!((first.taken, first.done), (1, 1), "COURSE_0");
    let failed = worker().run_once(&handler).await.unwrap().failed;
    assert_eq!((failed[0].attempts, failed[0].again_at), (1, NOW.plus_secs(10)));
    clock.forward_secs(10);
    let failed = worker().run_once(&handler).await.unwrap().failed;
    assert_eq!((failed[0].attempts, failed[0].again_at), (2, NOW.plus_secs(30)), "counted by the store");
    let next = worker().run_once(&handler).await.unwrap();
    assert_eq!((next.taken, next.done), (1, 1), "COURSE_2 comes though COURSE_1 is before it");
    clock.forward_secs(19);
    assert_eq!(worker().run_once(&handler).await.unwrap().taken, 0, "the pause is not over");
    clock.forward_secs(1);
    assert_eq!(worker().run_once(&handler).await.unwrap().failed[0].attempts, 3);
}

#[tokio::test]
async fn nothing_is_begun_after_the_lease() {
    let (store, clock) = (paid_store().await, Arc::new(Clock::at(NOW)));
    let worker = Worker::new(store.clone(), clock.clone()).with_lease_millis(10_000);
    let handler = Handler { slow: Some((clock.clone(), 5)), ..Handler::default() };
    let report = worker.run_once(&handler).await.unwrap();
    assert_eq!((report.taken, report.done, report.waiting), (3, 2, 1));
    assert_eq!(*handler.done.lock().unwrap(), ["COURSE_0", "COURSE_1"]);
    assert_eq!(worker.run_once(&handler).await.unwrap().done, 1, "it was left, not lost");
}

/// Takes all the work there is for itself, a lease later, while somebody works on it.
struct Overtaken(Arc<MemoryStore>, Arc<Clock>);

impl WorkHandler for Overtaken {
    fn handle<'a>(&'a self, _work: &'a Work) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move {
            self.1.forward_secs(10);
            let taken = self.0.take_work(self.1.now(), 10_000, 9).await?;
            assert_eq!(taken.len(), 3);
            Ok(())
        })
    }
}

#[tokio::test]
async fn work_that_another_worker_has_by_now_is_left_to_it() {
    let (store, clock) = (paid_store().await, Arc::new(Clock::at(NOW)));
    let worker = Worker::new(store.clone(), clock.clone()).with_lease_millis(10_000);
    let report = worker.run_once(&Overtaken(store.clone(), clock.clone())).await.unwrap();
    assert_eq!((report.taken, report.done, report.waiting), (3, 0, 3));
    clock.forward_secs(10);
    assert_eq!(
        store.take_work(clock.now(), 1, 9).await.unwrap().len(),
        3,
        "none of the other's work is gone"
    );
}
