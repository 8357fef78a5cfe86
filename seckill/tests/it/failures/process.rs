//! Our own process is killed in the middle of batches, again and again; a new one resolves every request.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use seckill::{FlashSale, Outcome, SaleId, SaleStore};
use testkit::Redis;
use tokio::task::JoinSet;

use super::crowd::buy_out;
use super::history::{History, Told, ask};
use super::records::Records;
use super::{attach, connect, terms};

const STOCK: u64 = 8_000;
const CALLERS: usize = 64;
/// Where a test tells a child what to do: server, sale and the tag of its callers.
const TOLD: &str = "SECKILL_TEST_CHILD";
const CHILD: &str = "failures::process::buys_until_it_is_killed";

/// Not a test by itself: the process that another test starts and kills. It says what it does on its standard
/// output: `?` before a call, then `=` and the deadline for a win, or `-` for a no.
#[test]
#[ignore = "runs as the child of another test"]
fn buys_until_it_is_killed() {
    let told = env::var(TOLD).expect("the test that starts this tells it what to buy");
    let [url, sale, tag] = told.split(' ').collect::<Vec<_>>()[..] else { panic!("{told}") };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store: Arc<dyn SaleStore> = Arc::new(connect(url).await);
        let sale = FlashSale::attach(store, SaleId::new(sale).unwrap());
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (sale, tag) = (sale.clone(), format!("{tag}-{caller}"));
            callers.spawn(async move { buy(&sale, &tag).await });
        }
        while callers.join_next().await.is_some() {}
    });
}

async fn buy(sale: &FlashSale, tag: &str) {
    for number in 0.. {
        let (buyer, request) = (format!("b-{tag}-{}", number / 3), format!("request-{tag}-{number}"));
        say(&format!("? {buyer} {request}"));
        match sale.reserve(&ask(&buyer, &request)).await {
            Ok(Outcome::Reserved(won)) => say(&format!("= {buyer} {request} {}", won.pay_until.millis())),
            Ok(Outcome::Refused(no)) => say(&format!("- {buyer} {request} {no:?}")),
            other => panic!("{other:?}"),
        }
    }
}

/// One line at once: what was written before a kill is read after it.
fn say(line: &str) {
    std::io::stdout().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn start(server: &Redis, sale: &SaleId, tag: &str) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([CHILD, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(TOLD, format!("{} {sale} {tag}", server.url())).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// Notes what a child said; the test harness in it says other things.
fn note(history: &History, line: &str) {
    // The name of the test stands before the first line.
    let line = line.rsplit(" ... ").next().unwrap_or(line);
    let words: Vec<&str> = line.split(' ').collect();
    match *words {
        ["?", buyer, request] => {
            history.invoke(&ask(buyer, request));
        }
        ["=", buyer, request, pay_until] => {
            let call = history.invoke(&ask(buyer, request));
            history.tell(call, Told::Won { pay_until: pay_until.parse().unwrap() });
        }
        ["-", buyer, request, ..] => {
            assert!(line.contains("LimitReached"), "{line}");
            let call = history.invoke(&ask(buyer, request));
            history.tell(call, Told::Refused(seckill::Refusal::LimitReached { limit: 2, held: 2 }));
        }
        _ => {}
    }
}

/// Lets a child buy until it has said that it has won `wins` times, and kills it.
fn run_and_kill(server: &Redis, history: &History, tag: &str, wins: usize) {
    let (mut child, lines) = start(server, history.terms.id(), tag);
    let mut lines = lines.lines();
    let goal = history.wins() + wins;
    while history.wins() < goal {
        note(history, &lines.next().expect("a child that goes on").unwrap());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines {
        note(history, &line.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_nothing_that_its_successor_does_not_resolve() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let terms = terms(STOCK);
    let store = connect(&server.url()).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store, &terms);
    let history = Arc::new(History::new(&terms));
    for (round, wins) in [1, 300, 1_000].into_iter().enumerate() {
        run_and_kill(&server, &history, &format!("p{round}"), wins);
        assert_eq!(history.check(&Records::of(&server, &terms)), 0);
        history.resolve(&sale).await;
        assert_eq!(history.open(), []);
        history.replay(&sale).await;
        let records = Records::of(&server, &terms);
        assert_eq!(history.check_all(&records, &sale.audit().await.unwrap()), 0);
    }
    buy_out(&history, &sale, "end").await;
    let records = Records::of(&server, &terms);
    assert_eq!(history.check_all(&records, &sale.audit().await.unwrap()), 0);
    assert_eq!(records.units("H"), STOCK);
}
