//! The append-only file ends anywhere: what is left is an earlier moment of the same sale.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;
use seckill::{At, ErrorKind, FlashSale, ReservationId, Restock, SaleConfig, SaleStore, Step};
use testkit::{AppendFsync, Redis};

use super::history::{History, ask};
use super::records::Records;
use super::{attach, connect, terms};
use crate::stage::{raw, request, won};

const STOCK: u64 = 12;

/// The newest part of the file: commands as clients send them.
fn file(server: &Redis) -> Vec<u8> {
    let dir = server.cli(&["CONFIG", "GET", "dir"]).unwrap();
    let dir = PathBuf::from(dir.lines().nth(1).unwrap()).join("appendonlydir");
    std::fs::read(dir.join("appendonly.aof.1.incr.aof")).unwrap()
}

/// Every verb once or more. Returns the lengths of the file in between.
async fn live(server: &Redis, sale: &FlashSale, history: &History, store: &dyn SaleStore) -> Vec<usize> {
    let terms = &history.terms;
    let id = |request: &seckill::Reserve| ReservationId::new(terms.id(), &request.buyer, &request.request);
    let mut lengths = Vec::new();
    let asks: Vec<_> = (0..6).map(|n| ask(&format!("b{n}"), &format!("request-{n}"))).collect();
    for request in &asks[..3] {
        won(history.reserve(sale, request).await.unwrap());
        lengths.push(file(server).len());
    }
    // Several at once, as callers who meet in one batch.
    let calls: Vec<usize> = asks[3..].iter().map(|request| history.invoke(request)).collect();
    let answers = store.reserve_batch(terms.id(), &asks[3..], At::Server).await;
    for (call, answer) in calls.into_iter().zip(answers) {
        let pay_until = won(answer.unwrap()).pay_until.millis();
        history.tell(call, super::history::Told::Won { pay_until });
    }
    lengths.push(file(server).len());
    sale.confirm(&id(&asks[0])).await.unwrap();
    lengths.push(file(server).len());
    sale.release(&id(&asks[1])).await.unwrap();
    lengths.push(file(server).len());
    sale.confirm(&id(&asks[1])).await.unwrap();
    lengths.push(file(server).len());
    sale.restock(&Restock::withdraw(request(900), 2)).await.unwrap();
    lengths.push(file(server).len());
    sale.steer(Step::Pause).await.unwrap();
    lengths.push(file(server).len());
    lengths
}

/// Gives a server the beginning of a file, as its loader would read it: whole commands and whole transactions. Returns
/// a digest of all that it then holds.
async fn load(server: &Redis, asks: &mut MultiplexedConnection, bytes: &[u8]) -> String {
    let _: String = ::redis::cmd("FLUSHALL").query_async(asks).await.unwrap();
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    // The server closes when it has read, and done, all of it.
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).unwrap();
    assert!(!answers.windows(2).any(|pair| pair == b"\n-"), "{}", String::from_utf8_lossy(&answers));
    ::redis::cmd("DEBUG").arg("DIGEST").query_async(asks).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_beginning_of_the_file_is_a_legal_sale() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::options().aof(AppendFsync::Always).start().unwrap();
    let copy = Redis::options().setting("enable-debug-command", "yes").start().unwrap();
    let terms = terms(STOCK);
    let store = connect(&server.url()).await;
    store.open_sale(&terms).await.unwrap();
    let opened = file(&server).len();
    let sale = attach(store.clone(), &terms);
    let history = History::new(&terms);
    let lengths = live(&server, &sale, &history, &store).await;
    let bytes = file(&server);
    assert_eq!(lengths.last(), Some(&bytes.len()));

    let mut asks = raw(&copy).await;
    let mut before = load(&copy, &mut asks, &bytes[..opened]).await;
    let mut moments = Vec::new();
    for end in opened + 1..=bytes.len() {
        let now = load(&copy, &mut asks, &bytes[..end]).await;
        // A cut inside of a step is the sale before that step.
        assert_eq!(now != before, lengths.contains(&end), "byte {end} of {lengths:?}");
        if now != before {
            // A store that has seen nothing else, as after a restart.
            let sale = attach(connect(&copy.url()).await, &terms);
            moments.push(legal(&copy, &history, &sale).await);
        }
        before = now;
    }
    assert_eq!(moments.len(), lengths.len());
    assert_eq!(moments.last(), Some(&legal(&server, &history, &sale).await));
}

/// What a sale comes to: records, what is left, and the number of its last step.
type Moment = (Vec<(String, char)>, u64, u64);

async fn legal(server: &Redis, history: &History, sale: &FlashSale) -> Moment {
    let (records, audit) = (Records::of(server, &history.terms), sale.audit().await.unwrap());
    history.check(&records);
    super::history::agrees(&audit, &records);
    let states = records.all.iter().map(|((buyer, _), record)| (buyer.clone(), record.state)).collect();
    (states, audit.left(), audit.shards[0].sequence)
}

/// The same done by the server itself, which repairs the file: a win is cut off, and the process that was told of it
/// stops the sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_win_that_is_cut_off_stops_the_sale_until_it_is_recovered() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = Redis::options().aof(AppendFsync::Always).start().unwrap();
    let terms: SaleConfig = terms(3);
    let store = connect(&server.url()).await;
    store.open_sale(&terms).await.unwrap();
    let sale = FlashSale::attach(Arc::new(store.clone()), terms.id().clone());
    let history = Arc::new(History::new(&terms));
    for number in 0..3 {
        let request = ask(&format!("b{number}"), "request-0");
        won(history.reserve(&sale, &request).await.unwrap());
    }
    server.kill().unwrap();
    server.truncate_aof(1).unwrap();
    server.restart().unwrap();
    assert_eq!(history.check(&Records::of(&server, &terms)), 1);
    for _ in 0..2 {
        let stopped = sale.reserve(&ask("b3", "request-0")).await.unwrap_err();
        assert_eq!(stopped.kind(), ErrorKind::Frozen, "{stopped}");
    }
    // A process that knows nothing of it is stopped as well, once one that does has asked.
    let fresh = attach(connect(&server.url()).await, &terms);
    assert_eq!(fresh.reserve(&ask("b3", "request-0")).await.unwrap_err().kind(), ErrorKind::Frozen);
    let recovered = store.recover(terms.id(), &history.ledger(), &[]).await.unwrap();
    assert_eq!((recovered.added, recovered.changed, recovered.short), (1, 0, vec![]));
    history.replay(&sale).await;
    let records = Records::of(&server, &terms);
    let found = history.check_all(&records, &fresh.audit().await.unwrap());
    assert_eq!(found, 0);
    assert_eq!(records.units("H"), 3);
}
