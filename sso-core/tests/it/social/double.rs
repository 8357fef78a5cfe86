//! Two callbacks of one attempt, as WeChat's client makes them: at once, one after the other, one cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use sso_core::provider_sim::ProviderSim;
use sso_core::social::{MemoryPendingStore, PendingStore, ProviderKind, SocialRefused};
use sso_core::{BoxFuture, Error, ErrorKind, HttpClient};
use tokio::sync::Semaphore;

use super::{SIM, World, identity, refused};

const KIND: ProviderKind = ProviderKind::WechatInApp;
const SLOW_MACHINE: Duration = Duration::from_secs(30);

/// A client whose requests wait until the test lets them through.
#[derive(Debug)]
struct Gate {
    sim: Arc<ProviderSim>,
    open: Semaphore,
    arrived: AtomicUsize,
}

impl HttpClient for Gate {
    fn send<'a>(&'a self, request: Request<Bytes>) -> BoxFuture<'a, Result<Response<Bytes>, Error>> {
        Box::pin(async move {
            self.arrived.fetch_add(1, Ordering::SeqCst);
            self.open.acquire().await.unwrap().forget();
            self.sim.send(request).await
        })
    }
}

fn gated(store: Arc<dyn PendingStore>) -> (World, Arc<Gate>) {
    let sim = Arc::new(ProviderSim::new(SIM).unwrap());
    let gate = Arc::new(Gate { sim: sim.clone(), open: Semaphore::new(0), arrived: AtomicUsize::new(0) });
    (World::over(sim, store, gate.clone(), |_, provider| provider), gate)
}

/// Two codes for one state: the client asks twice.
async fn two_queries(world: &World) -> (super::Browser, String, String) {
    let browser = world.begin(KIND).await;
    let one = world.sim.consent(&browser.location, "alice").unwrap();
    let two = world.sim.consent(&browser.location, "alice").unwrap();
    assert_ne!(one, two);
    (browser, one, two)
}

pub(crate) async fn at_once(one_store: Arc<dyn PendingStore>) {
    let (world, gate) = gated(one_store);
    let (browser, one, two) = two_queries(&world).await;
    let open = async {
        while gate.arrived.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        gate.open.add_permits(2);
    };
    let both = async { tokio::join!(world.callback(&browser, &one), world.callback(&browser, &two), open) };
    let (first, second, ()) = tokio::time::timeout(SLOW_MACHINE, both).await.unwrap();
    assert_eq!(first.as_ref().unwrap(), second.as_ref().unwrap());
    identity(first.unwrap());
    // One code was redeemed, the other never sent.
    assert_eq!(world.sim.requests("/sns/oauth2/access_token"), 1);
}

pub(crate) async fn one_after_the_other(store: Arc<dyn PendingStore>) {
    let (world, gate) = gated(store);
    gate.open.add_permits(100);
    let (browser, one, two) = two_queries(&world).await;
    let first = world.callback(&browser, &one).await.unwrap();
    let second = world.callback(&browser, &two).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(world.sim.requests("/sns/oauth2/access_token"), 1);
    // Not for another browser, though.
    let stranger = world.begin(KIND).await;
    assert_eq!(refused(world.callback(&stranger, &one).await.unwrap()), SocialRefused::OtherBrowser);
}

#[tokio::test]
async fn two_callbacks_at_once_get_one_result() {
    at_once(Arc::new(MemoryPendingStore::new())).await;
}

#[tokio::test]
async fn a_second_callback_gets_the_result_of_the_first() {
    one_after_the_other(Arc::new(MemoryPendingStore::new())).await;
}

#[tokio::test]
async fn a_callback_that_was_cut_off_leaves_the_work_to_the_second() {
    let (world, gate) = gated(Arc::new(MemoryPendingStore::new()));
    let (browser, one, two) = two_queries(&world).await;
    let mut first = Box::pin(world.callback(&browser, &one));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    let second = world.callback(&browser, &two);
    let cut = async {
        tokio::task::yield_now().await;
        // The browser closes its connection, and the server drops what it was doing.
        drop(first);
        gate.open.add_permits(100);
    };
    let both = async { tokio::join!(second, cut) };
    let (second, ()) = tokio::time::timeout(SLOW_MACHINE, both).await.unwrap();
    identity(second.unwrap());
}

#[tokio::test]
async fn after_an_outage_the_same_callback_may_be_tried_again() {
    let (world, gate) = gated(Arc::new(MemoryPendingStore::new()));
    gate.open.add_permits(100);
    let (browser, one, _) = two_queries(&world).await;
    let busy = Response::builder().status(503).body(Bytes::new()).unwrap();
    world.sim.reply_once("/sns/oauth2/access_token", busy);
    let outage = world.callback(&browser, &one).await.unwrap_err();
    assert_eq!((outage.kind(), outage.is_transient()), (ErrorKind::Unavailable, true));
    identity(world.callback(&browser, &one).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_callbacks_one_redeems_its_code() {
    let (world, gate) = gated(Arc::new(MemoryPendingStore::new()));
    gate.open.add_permits(10_000);
    let (browser, one, _) = two_queries(&world).await;
    let (world, browser) = (Arc::new(world), Arc::new(browser));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (world, browser, one) = (world.clone(), browser.clone(), one.clone());
            tokio::spawn(async move { identity(world.callback(&browser, &one).await.unwrap()).subject })
        })
        .collect();
    let mut subjects = std::collections::BTreeSet::new();
    for task in tasks {
        subjects.insert(tokio::time::timeout(SLOW_MACHINE, task).await.unwrap().unwrap());
    }
    assert_eq!((subjects.len(), world.sim.requests("/sns/oauth2/access_token")), (1, 1));
}
