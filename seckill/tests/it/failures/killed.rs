//! Redis is killed under load, for each way of keeping its file. Units add up in all; `always` loses no win that
//! anybody was told of, and where one is lost the sale stands still until it is recovered.

use std::sync::Arc;
use std::time::Duration;

use seckill::{ErrorKind, FlashSale, Outcome, Refusal, SaleConfig, SaleStore};
use testkit::{AppendFsync, Redis};

use super::crowd::{Crowd, buy_out};
use super::history::{History, ask};
use super::records::Records;
use super::{attach, connect, insist, terms};

const STOCK: u64 = 3_000;
/// The deadline of a store whose server is about to be killed, longer than a slow disk takes for one step.
const DEADLINE: Duration = Duration::from_secs(2);

/// Kills the server while two processes of the application buy, and starts it again. Returns how many wins that
/// somebody was told of are lost.
async fn kill_under_load(fsync: AppendFsync, wins: usize) -> usize {
    let mut server = Redis::options().aof(fsync).start().unwrap();
    let terms = terms(STOCK);
    connect(&server.url()).await.open_sale(&terms).await.unwrap();
    let stores = [connect(&server.url()).await, connect(&server.url()).await];
    let [old, other] = stores.map(|store| attach(store.deadline(DEADLINE), &terms));
    let history = Arc::new(History::new(&terms));
    let crowd = Crowd::start(&history, &[old.clone(), other], 64, "k");
    crowd.wins(wins).await;
    server.kill().unwrap();
    crowd.stop().await;
    server.restart().unwrap();

    let lost = history.check(&Records::of(&server, &terms));
    if lost > 0 {
        recover(&server, &terms, &history, &old).await;
    }
    let new = attach(connect(&server.url()).await, &terms);
    history.resolve(&new).await;
    history.replay(&new).await;
    // The process that saw it all goes on with the same connections, as it were.
    go_on(&old, &history).await;
    buy_out(&history, &new, "end").await;
    let records = Records::of(&server, &terms);
    assert_eq!(history.check_all(&records, &new.audit().await.unwrap()), 0);
    assert_eq!(records.units("H"), STOCK);
    lost
}

/// The process that was told of more than there is stops the sale for all; the ledger brings it back.
async fn recover(server: &Redis, terms: &SaleConfig, history: &History, old: &FlashSale) {
    let stopped = insist(async || old.reserve(&ask("late", "request-late")).await).await.unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Frozen, "{stopped}");
    let store = connect(&server.url()).await;
    let seen = history.acked().len();
    let recovered =
        store.recover(terms.id(), &history.ledger(), &[u64::try_from(seen).unwrap()]).await.unwrap();
    assert_eq!((recovered.changed, recovered.short), (0, vec![]));
}

async fn go_on(sale: &FlashSale, history: &History) {
    let request = ask("one-more", "request-one-more").again();
    let answer = insist(async || history.reserve(sale, &request).await).await;
    assert!(matches!(answer, Ok(Outcome::Reserved(_) | Outcome::Refused(Refusal::SoldOut))), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_always_synced_loses_no_win() {
    if testkit::skipped("redis") {
        return;
    }
    for wins in [1, 800, 2_000] {
        assert_eq!(kill_under_load(AppendFsync::Always, wins).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_synced_each_second_or_never_still_adds_up() {
    if testkit::skipped("redis") {
        return;
    }
    for fsync in [AppendFsync::EverySec, AppendFsync::No] {
        for wins in [150, 1_500] {
            let lost = kill_under_load(fsync, wins).await;
            eprintln!("{fsync:?}: {lost} wins lost");
        }
    }
}
