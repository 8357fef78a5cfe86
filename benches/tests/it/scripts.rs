//! The peers' two scripts follow the rules: the same histories, one call a request and in batches, give the
//! same answers, counters and records. A peer that skipped a rule would be faster for nothing.

use redis::{Commands, Connection, Script};

const SINGLE: &str = include_str!("../../src/peers/single.lua");
const BATCH: &str = include_str!("../../src/peers/batch.lua");
const FAR: u64 = 9_000_000_000_000;

/// A sale of one script on a server.
struct Sale {
    connection: Connection,
    keys: [String; 3],
}

/// The sale's numbers before anything is sold.
struct Numbers {
    phase: u8,
    opens: u64,
    closes: u64,
    limit: u32,
    left: u64,
}

const OPEN: Numbers = Numbers { phase: 1, opens: 0, closes: FAR, limit: 1, left: 3 };

impl Numbers {
    fn pack(&self) -> Vec<u8> {
        let six = |value: u64| value.to_le_bytes()[..6].to_vec();
        let head = [vec![self.phase], six(self.opens), six(self.closes), self.limit.to_le_bytes().to_vec()];
        [head.concat(), six(900_000), six(self.left), six(0)].concat()
    }
}

impl Sale {
    fn new(server: &testkit::Redis, name: &str, numbers: &Numbers) -> Self {
        let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
        let keys = ["numbers", "buyers", "wins"].map(|key| format!("{{{name}}}:{key}"));
        let _: () = connection.set(&keys[0], numbers.pack()).unwrap();
        Self { connection, keys }
    }

    /// One call a request; the letters that the batch script would give.
    fn one_by_one(&mut self, requests: &[(&str, u32, &str)]) -> String {
        requests.iter().map(|request| self.one(*request)).collect()
    }

    fn one(&mut self, (buyer, units, id): (&str, u32, &str)) -> char {
        let script = Script::new(SINGLE);
        let mut call = script.key(&self.keys[..]);
        let answer: i64 = call.arg(buyer).arg(units).arg(id).invoke(&mut self.connection).unwrap();
        match answer {
            0 => 'S',
            1 => 'L',
            2 => 'N',
            3 => 'C',
            deadline if deadline > 3 => 'W',
            _ => 'R',
        }
    }

    /// The same in calls of as many requests as there may be: each buyer once.
    fn batches(&mut self, requests: &[(&str, u32, &str)]) -> String {
        let (mut answers, mut rest) = (String::new(), requests);
        while !rest.is_empty() {
            let twice = (1..rest.len()).find(|end| rest[..*end].iter().any(|one| one.0 == rest[*end].0));
            let (call, next) = rest.split_at(twice.unwrap_or(rest.len()));
            answers += &self.batch(call);
            rest = next;
        }
        answers
    }

    fn batch(&mut self, requests: &[(&str, u32, &str)]) -> String {
        let script = Script::new(BATCH);
        let mut call = script.key(&self.keys[..]);
        call.arg(requests.len());
        requests.iter().for_each(|(buyer, _, _)| _ = call.arg(*buyer));
        requests.iter().for_each(|(_, _, id)| _ = call.arg(*id));
        let mut units: Vec<_> = requests.iter().map(|(_, units, _)| *units).collect();
        units.dedup();
        match units[..] {
            [all] => _ = call.arg(all),
            _ => requests.iter().for_each(|(_, units, _)| _ = call.arg(*units)),
        }
        let answer: String = call.invoke(&mut self.connection).unwrap();
        let (letters, deadline) = answer.split_at(requests.len());
        assert_eq!(deadline.len(), 13, "{deadline}");
        letters.to_owned()
    }

    /// Units left, and how many wins the stream has in all its entries.
    fn left(&mut self) -> u64 {
        let numbers: Vec<u8> = self.connection.get(&self.keys[0]).unwrap();
        let mut left = [0; 8];
        left[..6].copy_from_slice(&numbers[23..29]);
        u64::from_le_bytes(left)
    }

    fn entries(&mut self) -> usize {
        self.connection.xlen(&self.keys[2]).unwrap()
    }

    fn buyers(&mut self) -> Vec<String> {
        let mut names: Vec<String> = self.connection.hkeys(&self.keys[1]).unwrap();
        names.sort();
        names
    }
}

#[test]
fn both_scripts_give_the_same_answers() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let history = [
        ("ann", 1, "r-1"),
        ("ann", 1, "r-1"),
        ("ann", 1, "r-2"),
        ("bob", 2, "r-3"),
        ("bob", 1, "r-4"),
        ("cid", 1, "r-5"),
        ("dan", 1, "r-6"),
        ("cid", 1, "r-5"),
    ];
    let want = "WRLLWWSR";
    let mut single = Sale::new(&server, "single", &OPEN);
    assert_eq!(single.one_by_one(&history), want);
    let mut batch = Sale::new(&server, "batch", &OPEN);
    assert_eq!(batch.batches(&history), want);
    // ann, ann, ann bob, bob cid dan, cid: an entry for each call in which somebody wins.
    for (sale, entries) in [(&mut single, 3), (&mut batch, 2)] {
        assert_eq!((sale.left(), sale.entries()), (0, entries));
        assert_eq!(sale.buyers(), ["ann", "bob", "cid"]);
    }
    // What either wrote, the other reads.
    std::mem::swap(&mut single.keys, &mut batch.keys);
    assert_eq!(single.one_by_one(&[("ann", 1, "r-1"), ("eve", 1, "r-7")]), "RS");
    assert_eq!(batch.batch(&[("ann", 1, "r-1"), ("eve", 1, "r-7")]), "RS");
}

#[test]
fn a_batch_in_which_all_win_is_written_like_any_other() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let requests = [("ann", 1, "r-1"), ("bob", 1, "r-22")];
    let mut single = Sale::new(&server, "single", &OPEN);
    let mut batch = Sale::new(&server, "batch", &OPEN);
    assert_eq!((single.one_by_one(&requests), batch.batch(&requests)), ("WW".to_owned(), "WW".to_owned()));
    assert_eq!((single.left(), batch.left(), batch.buyers()), (1, 1, single.buyers()));
    std::mem::swap(&mut single.keys, &mut batch.keys);
    assert_eq!((single.one_by_one(&requests), batch.batch(&requests)), ("RR".to_owned(), "RR".to_owned()));
    // Fewer are left than asked for.
    assert_eq!(batch.batch(&[("cid", 1, "r-3"), ("dan", 1, "r-4")]), "WS");
    // Two single wins that are swapped in, and one more.
    assert_eq!((batch.left(), batch.entries()), (0, 3));
}

#[test]
fn a_buyer_may_buy_up_to_the_limit() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let history = [("ann", 1, "r-1"), ("ann", 2, "r-2"), ("ann", 1, "r-3"), ("ann", 2, "r-2")];
    let numbers = Numbers { limit: 3, left: 9, ..OPEN };
    let mut single = Sale::new(&server, "single", &numbers);
    let mut batch = Sale::new(&server, "batch", &numbers);
    assert_eq!(
        (single.one_by_one(&history), batch.batches(&history)),
        ("WWLR".to_owned(), "WWLR".to_owned())
    );
    assert_eq!((single.left(), batch.left()), (6, 6));
    assert_eq!(
        (single.one_by_one(&history), batch.batches(&history)),
        ("RRLR".to_owned(), "RRLR".to_owned())
    );
}

#[test]
fn nobody_wins_outside_the_window_or_without_stock() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let request = [("ann", 1, "r-1")];
    for (name, numbers, want) in [
        ("paused", Numbers { phase: 0, ..OPEN }, "N"),
        ("early", Numbers { opens: FAR - 1, ..OPEN }, "N"),
        ("late", Numbers { closes: 1, ..OPEN }, "C"),
    ] {
        let mut sale = Sale::new(&server, name, &numbers);
        assert_eq!((sale.one_by_one(&request).as_str(), sale.batch(&request).as_str()), (want, want));
        assert_eq!((sale.left(), sale.entries()), (3, 0));
    }
    let mut sale = Sale::new(&server, "lost", &OPEN);
    let _: () = sale.connection.del(&sale.keys[0]).unwrap();
    for text in [SINGLE, BATCH] {
        let script = Script::new(text);
        let mut call = script.key(&sale.keys[..]);
        let answer: Result<i64, _> = call.arg(1).arg(1).arg(1).arg(1).invoke(&mut sale.connection);
        assert_eq!(answer.unwrap_err().code(), Some("MISSING"));
    }
}
