//! A crowd that buys until it is told to stop, and those who come after and buy out the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seckill::{FlashSale, Outcome, Refusal, Reserve};
use tokio::task::JoinSet;

use super::history::{History, ask};
use super::{Wait, eventually};

/// Requests of one caller at most, so that records stay readable.
const EACH_MAX: u32 = 2_000;

/// Callers who buy one after the other, three requests for each buyer where two are allowed.
#[derive(Debug)]
pub(crate) struct Crowd {
    history: Arc<History>,
    stop: Arc<AtomicBool>,
    callers: JoinSet<()>,
}

impl Crowd {
    /// Sets `callers` callers going, spread over what different processes have of the sale. `tag` sets their names
    /// apart from those of other crowds.
    pub(crate) fn start(history: &Arc<History>, sales: &[FlashSale], callers: usize, tag: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut crowd = JoinSet::new();
        for (number, sale) in (0..callers).zip(sales.iter().cycle()) {
            let (sale, history, stop) = (sale.clone(), Arc::clone(history), Arc::clone(&stop));
            let tag = format!("{tag}-{number}");
            crowd.spawn(async move { buy(&sale, &history, &stop, &tag).await });
        }
        Self { history: Arc::clone(history), stop, callers: crowd }
    }

    /// Waits until so many have won since the beginning.
    pub(crate) async fn wins(&self, count: usize) {
        let enough = async || (self.history.wins() >= count).then_some(());
        eventually("enough wins", enough).await;
    }

    /// Waits until so many more calls were made.
    pub(crate) async fn more_calls(&self, count: usize) {
        let goal = self.history.calls() + count;
        eventually("enough calls", async || (self.history.calls() >= goal).then_some(())).await;
    }

    /// Lets every caller finish the call that it is in.
    pub(crate) async fn stop(mut self) {
        self.stop.store(true, Ordering::Release);
        while let Some(done) = self.callers.join_next().await {
            done.unwrap();
        }
    }
}

async fn buy(sale: &FlashSale, history: &History, stop: &AtomicBool, tag: &str) {
    for number in 0..EACH_MAX {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let request = ask(&format!("b-{tag}-{}", number / 3), &format!("request-{tag}-{number}"));
        match history.reserve(sale, &request).await {
            // Such an answer costs next to nothing, and who asked in a hurry would soon have asked all.
            Ok(Outcome::Refused(Refusal::SoldOut)) => tokio::time::sleep(Duration::from_millis(20)).await,
            Ok(_) => {}
            // Whoever gets no answer has to ask again; `History::resolve` does.
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
}

/// Buys until nothing is left. What is sold and held then is the whole stock.
pub(crate) async fn buy_out(history: &Arc<History>, sale: &FlashSale, tag: &str) {
    let mut buyers = JoinSet::new();
    for caller in 0..32 {
        let (history, sale, tag) = (Arc::clone(history), sale.clone(), format!("{tag}-{caller}"));
        buyers.spawn(async move {
            for number in 0.. {
                if !wins(&history, &sale, ask(&format!("rest-{tag}-{number}"), "request-of-the-rest")).await {
                    return;
                }
            }
        });
    }
    while let Some(done) = buyers.join_next().await {
        done.unwrap();
    }
}

/// Asks until there is a win or nothing left.
async fn wins(history: &History, sale: &FlashSale, mut request: Reserve) -> bool {
    let wait = Wait::new("a win or the end of the stock");
    loop {
        match history.reserve(sale, &request).await {
            Ok(Outcome::Reserved(_)) => return true,
            Ok(Outcome::Refused(Refusal::SoldOut)) => return false,
            Ok(Outcome::Refused(Refusal::Busy { .. })) => {}
            Err(error) if error.is_transient() => request.retry = true,
            other => panic!("{other:?}"),
        }
        wait.more().await;
    }
}
