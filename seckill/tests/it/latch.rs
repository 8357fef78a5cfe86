//! The sold-out latch over a real server: refusals that never reach it, returns that open it in every process, and
//! winners who always get through.

use std::time::{Duration, Instant};

use seckill::{
    ErrorKind, FlashSale, Outcome, Refusal, Release, Reservation, Restock, Restocked, SaleConfig, Step,
};
use testkit::Redis;

use crate::failures::eventually;
use crate::stage::{ask, open_terms, redis, request, won};

const STOCK: u64 = 20;
/// Calls of which the server would see every one.
const CALLS: u64 = 400;

struct Shop {
    server: Redis,
    terms: SaleConfig,
    /// What two processes have of the sale.
    sales: [FlashSale; 2],
    wins: Vec<Reservation>,
}

async fn attach(server: &Redis, terms: &SaleConfig) -> FlashSale {
    FlashSale::attach(redis(server).await, terms.id().clone())
}

impl Shop {
    /// A sale that is sold out, which both processes know.
    async fn sold_out(server: Redis, terms: SaleConfig) -> Self {
        redis(&server).await.open_sale(&terms).await.unwrap();
        let sales = [attach(&server, &terms).await, attach(&server, &terms).await];
        let mut wins = Vec::new();
        for number in 0..terms.stock() {
            wins.push(won(sales[0].reserve(&ask(number, 1, 1)).await.unwrap()));
        }
        let shop = Self { server, terms, sales, wins };
        for sale in 0..2 {
            shop.closed(sale).await;
        }
        shop
    }

    /// Waits until one of the processes refuses without asking: so many calls in a row, and the server has seen
    /// only what the process itself looks at meanwhile.
    async fn closed(&self, sale: usize) {
        eventually("a closed latch", async || {
            let before = runs(&self.server);
            for number in 0..CALLS {
                assert_eq!(self.ask(sale, 1_000 + number).await, Outcome::Refused(Refusal::SoldOut));
            }
            (runs(&self.server) - before < CALLS / 4).then_some(())
        })
        .await;
    }

    async fn ask(&self, sale: usize, buyer: u64) -> Outcome {
        self.sales[sale].reserve(&ask(buyer, 1, 1)).await.unwrap()
    }

    /// Waits until a buyer wins in one of the processes, who was told no until then.
    async fn wins_again(&self, sale: usize, buyer: u64) -> Reservation {
        eventually("a latch that opens", async || match self.ask(sale, buyer).await {
            Outcome::Reserved(won) => Some(won),
            Outcome::Refused(Refusal::SoldOut) => None,
            other => panic!("{other:?}"),
        })
        .await
    }
}

/// How often the server ran a script.
fn runs(server: &Redis) -> u64 {
    let stats = server.info("commandstats").unwrap();
    let calls = |text: &String| text.strip_prefix("calls=")?.split(',').next()?.parse::<u64>().ok();
    stats.get("cmdstat_evalsha").and_then(calls).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_a_sold_out_sale_do_not_reach_the_server() {
    if testkit::skipped("redis") {
        return;
    }
    let shop = Shop::sold_out(Redis::start().unwrap(), open_terms(STOCK, 1)).await;
    // Nobody asks any more, so the processes stop looking.
    let (mut last, mut since) = (runs(&shop.server), Instant::now());
    eventually("a server that is left alone", async || {
        let now = runs(&shop.server);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        (since.elapsed() > Duration::from_millis(500)).then_some(())
    })
    .await;
    // The first who asks then sets it going again.
    shop.closed(1).await;
    assert!(shop.sales[0].audit().await.unwrap().conserved());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_by_another_process_opens_the_latch() {
    if testkit::skipped("redis") {
        return;
    }
    let shop = Shop::sold_out(Redis::start().unwrap(), open_terms(STOCK, 1)).await;
    assert_eq!(shop.sales[1].release(&shop.wins[3].id).await.unwrap(), Release::Released);
    let won = shop.wins_again(0, 500).await;
    assert!(!won.replayed);
    shop.closed(0).await;
    shop.closed(1).await;
    let audit = shop.sales[0].audit().await.unwrap();
    assert!(audit.conserved() && audit.held() == STOCK, "{audit:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_stock_opens_the_latch_in_every_process() {
    if testkit::skipped("redis") {
        return;
    }
    let shop = Shop::sold_out(Redis::start().unwrap(), open_terms(STOCK, 1)).await;
    let other = attach(&shop.server, &shop.terms).await;
    let added = other.restock(&Restock::add(request(77), 2)).await.unwrap();
    assert_eq!(added, Restocked::Done { units: 2 });
    for sale in 0..2 {
        shop.wins_again(sale, 600 + u64::try_from(sale).unwrap()).await;
    }
    shop.closed(0).await;
    let audit = other.audit().await.unwrap();
    assert!(audit.conserved() && audit.held() == STOCK + 2, "{audit:?}");
}

/// Nobody sweeps: the process that is asked finds the holds that are over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_that_are_over_open_the_latch() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::options().movable_clock().start().unwrap();
    let shop = Shop::sold_out(server, open_terms(STOCK, 1)).await;
    shop.server.set_clock_offset_ms(16 * 60 * 1_000).unwrap();
    for buyer in 0..STOCK {
        shop.wins_again(usize::try_from(buyer % 2).unwrap(), 700 + buyer).await;
    }
    shop.closed(0).await;
    let audit = shop.sales[1].audit().await.unwrap();
    assert!(audit.conserved() && audit.held() == STOCK, "{audit:?}");
}

/// Winners are told of their win while everybody else is told no, in the process that sold to them, in another one,
/// and in one that has just started; and an earlier request whose answer was lost always reaches the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn winners_get_through_a_closed_latch() {
    if testkit::skipped("redis") {
        return;
    }
    let shop = Shop::sold_out(Redis::start().unwrap(), open_terms(STOCK, 1)).await;
    for sale in 0..2 {
        for (number, win) in (0..).zip(&shop.wins) {
            let again = won(shop.ask(sale, number).await);
            assert_eq!((again.replayed, &again.id, again.pay_until), (true, &win.id, win.pay_until));
        }
        shop.closed(sale).await;
    }
    let new = attach(&shop.server, &shop.terms).await;
    assert_eq!(new.reserve(&ask(900, 1, 1)).await.unwrap(), Outcome::Refused(Refusal::SoldOut));
    for number in 0..STOCK {
        assert!(won(new.reserve(&ask(number, 1, 1)).await.unwrap()).replayed);
    }
    let before = runs(&shop.server);
    for number in 0..CALLS {
        let no = shop.sales[0].reserve(&ask(2_000 + number, 1, 1).again()).await.unwrap();
        assert_eq!(no, Outcome::Refused(Refusal::SoldOut));
    }
    assert!(runs(&shop.server) - before >= CALLS);
}

/// What is sold out is not open either: after the end everybody is told that it is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_sale_is_closed_and_not_sold_out() {
    if testkit::skipped("redis") {
        return;
    }
    let shop = Shop::sold_out(Redis::start().unwrap(), open_terms(STOCK, 1)).await;
    shop.sales[1].steer(Step::Close).await.unwrap();
    for sale in 0..2 {
        eventually("the end of the sale", async || match shop.ask(sale, 800).await {
            Outcome::Refused(Refusal::Closed) => Some(()),
            Outcome::Refused(Refusal::SoldOut) => None,
            other => panic!("{other:?}"),
        })
        .await;
    }
}

/// A process has ended while it brought a unit from one shard to another, and nobody else is let through to look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_on_its_way_opens_the_latch() {
    if testkit::skipped("redis") {
        return;
    }
    let terms = open_terms(STOCK, 1).shards(2).unwrap();
    let shop = Shop::sold_out(Redis::start().unwrap(), terms).await;
    let numbers = format!("{{gh:sale:{}:1}}:numbers", shop.terms.id());
    let read = |field| shop.server.cli(&["HGET", &numbers, field]).unwrap().parse::<i64>().unwrap();
    let next = read("seq") + 1;
    let (added, moved) = (read("a0") + 1, read("m0") - 1);
    let (seq, added, moved) = (next.to_string(), added.to_string(), moved.to_string());
    let transfer = format!("{next} 0 1");
    shop.server.cli(&["HSET", &numbers, "seq", &seq, "a0", &added, "m0", &moved, "o:0", &transfer]).unwrap();
    shop.wins_again(0, 500).await;
    let audit = shop.sales[1].audit().await.unwrap();
    assert!(audit.conserved() && audit.held() == STOCK + 1, "{audit:?}");
    assert_eq!(audit.moving(), [0]);
}

/// A server that went back in time is found out also when everybody is told no.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_opens_the_latch() {
    if testkit::skipped("redis") {
        return;
    }
    let shop = Shop::sold_out(Redis::start().unwrap(), open_terms(STOCK, 1)).await;
    let numbers = format!("{{gh:sale:{}}}:numbers", shop.terms.id());
    shop.server.cli(&["HSET", &numbers, "seq", "1"]).unwrap();
    for sale in &shop.sales {
        eventually("a frozen sale", async || match sale.reserve(&ask(800, 1, 1)).await {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Frozen);
                Some(())
            }
            Ok(told) => {
                assert_eq!(told, Outcome::Refused(Refusal::SoldOut));
                None
            }
        })
        .await;
    }
}
