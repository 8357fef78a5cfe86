//! The till: the desk over all gateways, and the two jobs behind it. One does the work that payments and refunds leave,
//! the other finds out what no gateway told us. What either of them does to the school stands in `purchase`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use payments::desk::Desk;
use payments::reconcile::{Cursor, Patience, Reconciler};
use payments::store::{BoxFuture, Work};
use payments::wechat::Merchant;
use payments::worker::{WorkError, WorkHandler, Worker};
use payments::{Channel, Client, SystemEdge};
use tokio::sync::Notify;

use crate::app::{App, Shared};
use crate::purchase;
use crate::till::rounds::Round;

pub(crate) mod rounds;

/// How long a piece of work is ours; a failed one is tried again after this time.
const LEASE_MILLIS: u64 = 10_000;
/// How often work is looked for that another instance left.
const LOOK: Duration = Duration::from_secs(1);
/// What gateways are asked about: an order that nobody touched for this long, in seconds.
const ASK_AFTER_SECS: u64 = 60;
/// Gateways get the end of the time to pay with the order; this much later it is closed here too, in seconds.
const CLOSE_LATER_SECS: u64 = 60;

/// How many orders, and how many refunds, are asked about while a person waits.
const BY_HAND_MAX: u32 = 50;

/// Everything that takes and gives money.
#[derive(Debug)]
pub(crate) struct Till {
    pub(crate) desk: Desk,
    worker: Worker,
    /// There is work.
    work: Notify,
    reconciler: Reconciler,
    /// The same without patience, for a person who presses the button.
    impatient: Reconciler,
    every: Duration,
    /// What the last round of this instance found.
    last: Mutex<Option<Round>>,
    fresh: Option<(Merchant, Client)>,
}

impl Till {
    /// A till over this desk.
    pub(crate) fn new(
        desk: Desk,
        pay_minutes: u64,
        every_secs: u64,
        fresh: Option<(Merchant, Client)>,
    ) -> Self {
        let worker = Worker::new(desk.store().clone(), std::sync::Arc::new(SystemEdge))
            .with_lease_millis(LEASE_MILLIS);
        let mut patience = Patience::default();
        patience.close_after_secs = pay_minutes.saturating_mul(60).saturating_add(CLOSE_LATER_SECS);
        patience.ask_after_secs = ASK_AFTER_SECS;
        let reconciler = Reconciler::new(desk.clone()).with_patience(patience);
        patience.ask_after_secs = 0;
        patience.entries_max = BY_HAND_MAX;
        let impatient = Reconciler::new(desk.clone()).with_patience(patience);
        let every = Duration::from_secs(every_secs);
        let (work, last) = (Notify::new(), Mutex::new(None));
        Self { desk, worker, work, reconciler, impatient, every, last, fresh }
    }

    /// The gateways that there are.
    pub(crate) fn channels(&self) -> Vec<Channel> {
        Channel::ALL.into_iter().filter(|channel| self.desk.gateway(*channel).is_ok()).collect()
    }

    /// The reconciler, for a day's bill.
    pub(crate) fn reconciler(&self) -> &Reconciler {
        &self.reconciler
    }

    /// Something was settled: its work is done now and not at the next look.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    /// Asks about open orders and refunds at once, however young, the oldest first.
    pub(crate) async fn ask_about_all(&self) -> Round {
        let (round, _) = self.round(&self.impatient, Cursor::default()).await;
        round
    }

    /// What the last round found.
    pub(crate) fn last_round(&self) -> Option<Round> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn round(&self, reconciler: &Reconciler, from: Cursor) -> (Round, Cursor) {
        let report = reconciler.run(from).await;
        let round = Round::of(&report, self.desk.now());
        self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(round.clone());
        self.wake();
        (round, report.next)
    }

    async fn refresh_certificates(&self) {
        if let Some((merchant, client)) = &self.fresh {
            match merchant.refresh_certificates_if_due(client).await {
                Ok(done) => tracing::debug!(?done, "WeChat Pay's certificates looked at"),
                Err(cause) => tracing::warn!(%cause, "WeChat Pay's certificates could not be refreshed"),
            }
        }
    }
}

/// Does the school's part of each piece of work.
struct School<'a>(&'a App);

impl WorkHandler for School<'_> {
    fn handle<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move {
            let done = purchase::follow(self.0, work).await;
            done.map_err(|problem| format!("{}: {}", problem.code, problem.detail).into())
        })
    }
}

/// Does the work that settlements leave, as soon as there is some, until the demo stops. What a crash left undone, here
/// or in another instance, is taken when its lease ends.
pub(crate) async fn work(app: Shared) {
    let mut stopping = app.stopping.clone();
    loop {
        match app.till.worker.run_once(&School(&app)).await {
            Ok(report) => {
                for failed in &report.failed {
                    let (order, cause) = (failed.work.out_trade_no.as_str(), &failed.error);
                    tracing::warn!(order, %cause, attempts = failed.attempts, "work will be tried again");
                }
                // There may be more than one batch, or a next piece of the same order.
                if report.done > 0 {
                    continue;
                }
            }
            Err(cause) => tracing::warn!(%cause, "work could not be taken"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = app.till.work.notified() => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Asks about what stays open, round after round, until the demo stops.
pub(crate) async fn reconcile(app: Shared) {
    let mut stopping = app.stopping.clone();
    let mut cursor = Cursor::default();
    loop {
        app.till.refresh_certificates().await;
        let (round, next) = app.till.round(&app.till.reconciler, cursor).await;
        round.log();
        cursor = next;
        tokio::select! {
            () = tokio::time::sleep(app.till.every) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}
