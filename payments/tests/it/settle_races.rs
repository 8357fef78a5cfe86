//! Many deliveries of the same money at once, in one process and over two connections pools: delivered once.

use crate::support::{NOW, order, shop, sqlite};
use payments::store::{MemoryStore, OrderStore, SqliteStore};
use payments::{ErrorKind, Settlement};
use std::sync::Arc;

async fn race(stores: [Arc<dyn OrderStore>; 2]) {
    let shop = shop();
    let sold = order("COURSE_0001", "88.00");
    stores[0].create(&sold, NOW).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for delivery in 0..32_usize {
        // Two trades paid; each notify arrives sixteen times, at two servers.
        let draft = shop.paid_draft().set("trade_no", &format!("2026{}", delivery % 2));
        let notify = shop.checked(draft.signed().unwrap().body(), &sold);
        let store = Arc::clone(&stores[delivery / 2 % 2]);
        tasks.spawn(async move { store.settle(&notify, NOW).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let count = |wanted: fn(&Settlement) -> bool| answers.iter().filter(|answer| wanted(answer)).count();
    assert_eq!(count(|answer| *answer == Settlement::Paid), 1);
    assert_eq!(count(|answer| matches!(answer, Settlement::PaidTwice { .. })), 1);
    assert_eq!(count(|answer| *answer == Settlement::Duplicate), 30);
    assert_eq!(stores[1].find(&sold.out_trade_no).await.unwrap().unwrap().payments.len(), 2);
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
    assert!(error.to_string().contains("migrations"), "{error}");
}
