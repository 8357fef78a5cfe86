//! Many deliveries of the same money at once, and a process that is killed in the middle: delivered once, never lost.

use crate::support::{NOW, order, shop, sqlite};
use payments::store::{MemoryStore, OrderStore, SqliteStore, Task};
use payments::{ErrorKind, Settlement, TradeState};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Two trades paid; each notify arrives 32 times, at two servers.
async fn race(stores: [Arc<dyn OrderStore>; 2]) {
    let shop = shop();
    let sold = order("COURSE_0001", "88.00");
    stores[0].create(&sold, NOW).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for delivery in 0..64_usize {
        let draft = shop.paid_draft().set("trade_no", &format!("2026{}", delivery % 2));
        let notify = shop.checked(draft.signed().unwrap().body(), &sold);
        let store = Arc::clone(&stores[delivery / 2 % 2]);
        tasks.spawn(async move { store.settle(&notify, NOW).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let count = |wanted: fn(&Settlement) -> bool| answers.iter().filter(|answer| wanted(answer)).count();
    assert_eq!(count(|answer| *answer == Settlement::Paid), 1);
    assert_eq!(count(|answer| matches!(answer, Settlement::PaidTwice { .. })), 1);
    assert_eq!(count(|answer| *answer == Settlement::Duplicate), 62);
    assert_eq!(stores[1].find(&sold.out_trade_no).await.unwrap().unwrap().payments.len(), 2);
    assert_eq!(
        stores[0].take_work(NOW, 1000, 9).await.unwrap().len(),
        1,
        "the way back waits for the delivery"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_memory() {
    let store: Arc<dyn OrderStore> = Arc::new(MemoryStore::new());
    race([Arc::clone(&store), store]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_sqlite_over_two_pools() {
    let folder = tempfile::tempdir().unwrap();
    race([Arc::new(sqlite(folder.path()).await), Arc::new(sqlite(folder.path()).await)]).await;
}

/// Names the folder of the database to the child process of [`a_killed_process_loses_no_work`].
const FOLDER: &str = "PAYMENTS_TEST_FOLDER";
const CHILD: &str = "settle_races::a_shop_that_settles_until_it_is_killed";

/// Not a test of its own: the child process of the next one.
#[tokio::test]
#[ignore = "runs in a process of its own, which is killed"]
async fn a_shop_that_settles_until_it_is_killed() {
    let folder = std::env::var(FOLDER).expect("started by the test `a_killed_process_loses_no_work`");
    let (store, shop) = (sqlite(Path::new(&folder)).await, shop());
    for index in 0_u32.. {
        let sold = order(&format!("KILLED_{index:05}"), "88.00");
        store.create(&sold, NOW).await.unwrap();
        let draft = shop.paid_draft().set("out_trade_no", sold.out_trade_no.as_str());
        let notify = shop.checked(draft.set("trade_no", &index.to_string()).signed().unwrap().body(), &sold);
        assert_eq!(store.settle(&notify, NOW).await.unwrap(), Settlement::Paid);
        println!("settled {}", sold.out_trade_no);
        // Every other delivery is begun, and none is ever finished.
        if index % 2 == 0 {
            assert_eq!(store.take_work(NOW, 60_000, 1).await.unwrap().len(), 1);
        }
    }
}

/// Killed at any moment: every order that is paid has its delivery left to do, and every answer that was given is kept.
#[tokio::test]
async fn a_killed_process_loses_no_work() {
    for answers in [1, 4, 9] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let told = lines.filter_map(|line| line.split_once("settled ").map(|(_, number)| number.to_owned()));
        let told: Vec<_> = told.take(answers).collect();
        // SIGKILL: nothing of the process runs after it.
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(told.len(), answers);
        let left = paid_and_undelivered(&sqlite(folder.path()).await).await;
        assert!(told.iter().all(|number| left.contains(number)), "{told:?}, {left:?}");
    }
}

/// The orders whose delivery is to do; they are exactly those that are paid.
async fn paid_and_undelivered(store: &SqliteStore) -> Vec<String> {
    let mut left = Vec::new();
    // After every lease of the process that is gone.
    for work in store.take_work(NOW.plus_secs(60), 1000, u32::MAX).await.unwrap() {
        assert_eq!(work.task, Task::Deliver);
        left.push(work.out_trade_no.as_str().to_owned());
    }
    for index in 0_u32.. {
        let number = order(&format!("KILLED_{index:05}"), "88.00").out_trade_no;
        let Some(stored) = store.find(&number).await.unwrap() else { break };
        let paid = stored.state == TradeState::Paid;
        assert_eq!(left.contains(&number.as_str().to_owned()), paid, "{stored:?}");
        assert_eq!(stored.payments.len(), usize::from(paid));
    }
    left
}

#[tokio::test]
async fn tables_survive_and_foreign_rows_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let sold = order("COURSE_0001", "88.00");
    sqlite(folder.path()).await.create(&sold, NOW).await.unwrap();

    let address = format!("sqlite://{}", folder.path().join("shop.db").display());
    let pool = sqlx::SqlitePool::connect(&address).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    assert_eq!(store.find(&sold.out_trade_no).await.unwrap().unwrap().order, sold);

    sqlx::query("UPDATE payments_order SET state = 'dreamt'").execute(&pool).await.unwrap();
    let error = store.find(&sold.out_trade_no).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("`dreamt`"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn missing_tables_are_a_misuse() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite://{}?mode=rwc", folder.path().join("empty.db").display());
    let store = SqliteStore::new(sqlx::SqlitePool::connect(&address).await.unwrap());
    let error = store.create(&order("COURSE_0001", "88.00"), NOW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("run the migrations"), "{error}");
}

/// A repeated notify is answered while somebody else holds the write lock.
#[tokio::test]
async fn a_duplicate_waits_for_no_writer() {
    let (folder, shop) = (tempfile::tempdir().unwrap(), shop());
    let (store, sold) = (sqlite(folder.path()).await, order("COURSE_0001", "88.00"));
    let notify = shop.checked(&shop.pay(&sold), &sold);
    store.create(&sold, NOW).await.unwrap();
    assert_eq!(store.settle(&notify, NOW).await.unwrap(), Settlement::Paid);
    let address = format!("sqlite://{}", folder.path().join("shop.db").display());
    let writer = sqlx::SqlitePool::connect(&address).await.unwrap();
    let held = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(store.settle(&notify, NOW).await.unwrap(), Settlement::Duplicate);
    held.rollback().await.unwrap();
}
