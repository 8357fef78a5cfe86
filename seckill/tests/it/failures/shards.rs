//! A sale in shards, over a cluster: stock moves to the buyers, and no unit is stranded on its way.

use std::sync::Arc;

use seckill::{FlashSale, Outcome, RedisStore, Refusal, SaleConfig, SaleStore};
use testkit::{Proxy, Redis, RedisCluster};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::cut::proxied;
use super::failover::Saved;
use super::history::{History, ask};
use super::records::{Records, key};
use super::{attach, eventually, terms};
use crate::stage::{connect_cluster as connect, won};

const SHARDS: u16 = 4;
const STOCK: u64 = 100;

/// The shard of a buyer, by FNV-1a of 64 bits, as the layout says.
fn shard_of(buyer: &str, shards: u16) -> u16 {
    let hash = buyer.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    u16::try_from(hash % u64::from(shards)).unwrap()
}

/// Names of buyers who all belong to one shard.
fn buyers_of(shard: u16, shards: u16) -> impl Iterator<Item = String> {
    (0..).map(|number| format!("b{number}")).filter(move |buyer| shard_of(buyer, shards) == shard)
}

/// Lets each of these ask once, all at the same time. Returns how many have won.
async fn rush(history: &Arc<History>, sales: &[FlashSale; 2], buyers: impl Iterator<Item = String>) -> u64 {
    let mut callers = JoinSet::new();
    for (number, buyer) in buyers.enumerate() {
        let (history, sale) = (Arc::clone(history), sales[number % 2].clone());
        callers.spawn(async move {
            match history.reserve(&sale, &ask(&buyer, "request-0")).await.unwrap() {
                Outcome::Reserved(_) => 1,
                Outcome::Refused(Refusal::SoldOut) => 0,
                other => panic!("{other:?}"),
            }
        });
    }
    callers.join_all().await.into_iter().sum()
}

/// Whoever they are, exactly the stock is sold to a crowd.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_gets_every_unit_also_when_all_belong_to_one_shard() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let urls = cluster.urls();
    let stores = [connect(&urls).await, connect(&urls[2..]).await];
    let any: Vec<String> = (0..300).map(|number| format!("any{number}")).collect();
    let most: Vec<String> = buyers_of(2, SHARDS).take(280).chain(buyers_of(0, SHARDS).take(20)).collect();
    let same: Vec<String> = buyers_of(3, SHARDS).take(300).collect();
    let few: Vec<String> = buyers_of(1, SHARDS).take(60).collect();
    for buyers in [any, most, same, few] {
        let terms = terms(STOCK).shards(SHARDS).unwrap();
        stores[0].open_sale(&terms).await.unwrap();
        let history = Arc::new(History::new(&terms));
        let sales = [attach(stores[0].clone(), &terms), attach(stores[1].clone(), &terms)];
        let crowd = u64::try_from(buyers.len()).unwrap();
        assert_eq!(rush(&history, &sales, buyers.into_iter()).await, crowd.min(STOCK));
        let records = Records::of_cluster(&cluster, &terms);
        let audit = sales[1].audit().await.unwrap();
        assert_eq!(history.check_all(&records, &audit), 0);
        assert_eq!((audit.held() + audit.left(), audit.moving()), (STOCK, vec![0]));
    }
}

/// Where a transfer is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cut {
    AfterDebit,
    AfterCredit,
}

/// A sale of one unit in each of two shards, which are on different masters.
struct Two {
    cluster: RedisCluster,
    proxies: Vec<Proxy>,
    terms: SaleConfig,
    /// The masters of the shards, by their index.
    homes: [usize; 2],
}

impl Two {
    fn start() -> Self {
        let cluster = RedisCluster::start().unwrap();
        let proxies = proxied(&cluster);
        loop {
            let terms = terms(2).shards(2).unwrap();
            let home =
                |shard| cluster.slot_owner(RedisCluster::key_slot(key(&terms, shard, "numbers"))).unwrap();
            let homes = [home(0), home(1)];
            if homes[0] != homes[1] {
                return Self { cluster, proxies, terms, homes };
            }
        }
    }

    async fn connect(&self) -> RedisStore {
        connect(&self.proxies.iter().map(Proxy::url).collect::<Vec<_>>()).await
    }

    /// Lets every server run every script of a transfer, so that none is asked for a script that it does not know.
    async fn teach(&mut self) {
        for shard in 0..2 {
            let store = self.connect().await;
            store.open_sale(&self.terms).await.unwrap();
            let sale = attach(store, &self.terms);
            for buyer in buyers_of(shard, 2).take(2) {
                won(sale.reserve(&ask(&buyer, "request-0")).await.unwrap());
            }
            self.terms = another(self);
        }
    }

    fn proxy(&self, shard: usize) -> &Proxy {
        &self.proxies[self.homes[shard]]
    }

    /// Waits until a shard has a field that a step of a transfer writes, and its answer is kept back.
    async fn stuck(&self, shard: u16, field: &str) {
        let (home, numbers) = (self.homes[usize::from(shard)], key(&self.terms, shard, "numbers"));
        eventually("a step whose answer is kept back", async || {
            let there = self.cluster.nodes()[home].cli(&["HEXISTS", &numbers, field]).unwrap();
            (there == "1" && self.proxies[home].held_bytes() > 0).then_some(())
        })
        .await;
    }

    /// Lets a process take the unit of shard 0, and end in the middle of fetching that of shard 1.
    async fn end_in_the_middle(&self, cut: Cut, buyers: &[String]) {
        let process = Runtime::new().unwrap();
        let store = self.connect_in(&process).await;
        store.open_sale(&self.terms).await.unwrap();
        let sale = attach(store, &self.terms);
        won(sale.reserve(&ask(&buyers[0], "request-0")).await.unwrap());
        self.proxy(1).hold_replies();
        let next = ask(&buyers[1], "request-0");
        let asking = process.spawn(async move { sale.reserve(&next).await.map(|_| ()) });
        self.stuck(1, "o:0").await;
        if cut == Cut::AfterCredit {
            self.proxy(0).hold_replies();
            self.proxy(1).release_replies();
            self.stuck(0, "i:1").await;
        }
        assert!(!asking.is_finished());
        // Its last task has ended before anything is answered.
        tokio::task::spawn_blocking(move || drop(process)).await.unwrap();
        self.proxies.iter().for_each(|proxy| proxy.heal().unwrap());
    }

    /// A store whose tasks end with this runtime, as with a process.
    async fn connect_in(&self, process: &Runtime) -> RedisStore {
        let urls: Vec<String> = self.proxies.iter().map(Proxy::url).collect();
        process.spawn(async move { connect(&urls).await }).await.unwrap()
    }
}

/// A transfer that its process did not finish is finished by the next one, whichever shard that asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_that_is_cut_anywhere_is_finished_by_another_process() {
    if testkit::skipped("redis") {
        return;
    }
    let mut two = Two::start();
    two.teach().await;
    for (cut, asks) in
        [(Cut::AfterDebit, 0), (Cut::AfterDebit, 1), (Cut::AfterCredit, 0), (Cut::AfterCredit, 1)]
    {
        let buyers: Vec<String> = buyers_of(0, 2).take(2).collect();
        two.end_in_the_middle(cut, &buyers).await;
        let sale = attach(two.connect().await, &two.terms);
        let audit = sale.audit().await.unwrap();
        let (moving, left) = if cut == Cut::AfterDebit { (vec![1], 0) } else { (vec![0], 1) };
        assert!(audit.conserved(), "{audit:?}");
        assert_eq!((audit.moving(), audit.left(), audit.held()), (moving, left, 1), "{cut:?}");

        let next = buyers_of(asks, 2).nth(2).unwrap();
        won(sale.reserve(&ask(&next, "request-0")).await.unwrap());
        let last = buyers_of(1 - asks, 2).nth(3).unwrap();
        let no = sale.reserve(&ask(&last, "request-0").again()).await.unwrap();
        assert_eq!(no, Outcome::Refused(Refusal::SoldOut));
        let audit = sale.audit().await.unwrap();
        assert!(audit.conserved(), "{audit:?}");
        assert_eq!((audit.moving(), audit.left(), audit.held()), (vec![0], 0, 2), "{cut:?}");
        assert_eq!(Records::of_cluster(&two.cluster, &two.terms).units("H"), 2);
        two.terms = another(&two);
    }
}

/// Terms of a further sale whose shards are on different masters.
fn another(two: &Two) -> SaleConfig {
    loop {
        let terms = terms(2).shards(2).unwrap();
        let home =
            |shard| two.cluster.slot_owner(RedisCluster::key_slot(key(&terms, shard, "numbers"))).unwrap();
        if [home(0), home(1)] == two.homes {
            return terms;
        }
    }
}

/// All orders belong to one shard, which begins with half of the stock. A consumer is there before the sale is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuilt_sale_has_its_stock_where_its_orders_are() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let terms = terms(20).shards(2).unwrap();
    let join = || {
        for part in ["wins", "changes"] {
            let stream = key(&terms, 0, part);
            server.cli(&["XGROUP", "CREATE", &stream, "shop", "0", "MKSTREAM"]).unwrap();
        }
    };
    join();
    let store = super::connect(&server.url()).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store.clone(), &terms);
    let history = Arc::new(History::new(&terms));
    for buyer in buyers_of(0, 2).take(16) {
        won(history.reserve(&sale, &ask(&buyer, "request-0")).await.unwrap());
    }
    server.cli(&["FLUSHALL"]).unwrap();
    join();
    for added in [16, 0] {
        let recovered = store.rebuild(&terms, &history.ledger(), &[]).await.unwrap();
        assert_eq!((recovered.added, recovered.short, recovered.over_limit), (added, vec![], vec![]));
    }
    let audit = sale.audit().await.unwrap();
    assert!(audit.conserved(), "{audit:?}");
    assert_eq!((audit.held(), audit.left(), audit.moving()), (16, 4, vec![0]));
}

/// The shard that gave units goes back to before that, and gives again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_after_a_rollback_is_not_taken_for_one_before() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let terms = terms(20).shards(2).unwrap();
    let store = super::connect(&server.url()).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store, &terms);
    let buyers: Vec<String> = buyers_of(0, 2).take(18).collect();
    let mut saved = None;
    for (number, buyer) in buyers[..11].iter().enumerate() {
        if number == 10 {
            saved = Some(Saved::of(&server, &terms, 1).await);
        }
        won(sale.reserve(&ask(buyer, "request-0")).await.unwrap());
    }
    let moved = || {
        let of = |shard| server.cli(&["HGET", &key(&terms, shard, "numbers"), "m0"]).unwrap();
        of(0).parse::<i64>().unwrap() + of(1).parse::<i64>().unwrap()
    };
    assert_eq!(moved(), 0);
    saved.unwrap().put_back(&server).await;
    // Another process brings it back, and has seen none of it.
    let other = super::connect(&server.url()).await;
    other.recover(terms.id(), &[], &[]).await.unwrap();
    assert_eq!(moved(), 5, "what arrived is in both shards");
    for buyer in &buyers[11..] {
        won(sale.reserve(&ask(buyer, "request-0")).await.unwrap());
    }
    assert_eq!(moved(), 5, "what was sent has not arrived");
}
