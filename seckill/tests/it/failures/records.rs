//! What the keys of a sale hold, read beside the store: a second reader of the layout.

use std::collections::BTreeMap;

use seckill::{ReservationId, SaleConfig};
use testkit::{Redis, RedisCluster};

/// Buyer and request. The names of this suite need no escape.
pub(crate) type Name = (String, String);

/// One record of a buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) state: char,
    pub(crate) pay_until: u64,
    pub(crate) units: u64,
}

/// All records of a sale, and its wins in their order, shard by shard.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) all: BTreeMap<Name, Record>,
    pub(crate) wins: Vec<Name>,
}

impl Record {
    /// Whether its units count against stock and limit.
    pub(crate) fn counts(&self) -> bool {
        matches!(self.state, 'H' | 'P')
    }
}

impl Records {
    /// Reads a sale that one server keeps.
    pub(crate) fn of(server: &Redis, terms: &SaleConfig) -> Self {
        Self::read(terms, |_| server)
    }

    /// Reads a sale that a cluster keeps.
    pub(crate) fn of_cluster(cluster: &RedisCluster, terms: &SaleConfig) -> Self {
        Self::read(terms, |key| {
            let owner = cluster.slot_owner(RedisCluster::key_slot(key)).unwrap();
            cluster.server(owner).unwrap()
        })
    }

    /// Records in one of these states, with their units.
    pub(crate) fn units(&self, states: &str) -> u64 {
        self.all.values().filter(|record| states.contains(record.state)).map(|record| record.units).sum()
    }

    fn read<'a>(terms: &SaleConfig, server_of: impl Fn(&str) -> &'a Redis) -> Self {
        let mut records = Self::default();
        for shard in 0..terms.shard_count() {
            let (buyers, wins) = (key(terms, shard, "buyers"), key(terms, shard, "wins"));
            let told = server_of(&buyers).cli(&["HGETALL", &buyers]).unwrap();
            for pair in told.lines().collect::<Vec<_>>().chunks_exact(2) {
                records.enter(pair[0], pair[1]);
            }
            let told = server_of(&wins).cli(&["XRANGE", &wins, "-", "+"]).unwrap();
            for entry in told.lines().collect::<Vec<_>>().chunks_exact(5) {
                records.wins.extend(names(entry));
            }
        }
        records
    }

    fn enter(&mut self, buyer: &str, text: &str) {
        for record in text.split(';') {
            let parts: Vec<&str> = record.splitn(3, ':').collect();
            let (state, pay_until) = parts[0].split_at(1);
            let units = parts[1].split('+').map(|line| line.rsplit('*').next().unwrap());
            let units = units.map(|units| units.parse::<u64>().unwrap()).sum();
            let (state, pay_until) = (state.chars().next().unwrap(), pay_until.parse().unwrap());
            let record = Record { state, pay_until, units };
            let before = self.all.insert((buyer.to_owned(), parts[2].to_owned()), record);
            assert_eq!(before, None, "two records of one request of {buyer}");
        }
    }
}

/// One key of a shard.
pub(crate) fn key(terms: &SaleConfig, shard: u16, part: &str) -> String {
    match terms.shard_count() {
        1 => format!("{{gh:sale:{}}}:{part}", terms.id()),
        _ => format!("{{gh:sale:{}:{shard}}}:{part}", terms.id()),
    }
}

/// The name of a reservation.
pub(crate) fn name(id: &ReservationId) -> Name {
    (id.buyer().as_str().to_owned(), id.request().as_str().to_owned())
}

/// The wins in one entry of the stream: id, `w`, head, `b`, names.
fn names(entry: &[&str]) -> Vec<Name> {
    assert_eq!((entry[1], entry[3]), ("w", "b"), "{entry:?}");
    let words: Vec<&str> = entry[4].split(' ').collect();
    let size = if entry[2].ends_with('*') { 3 } else { 2 };
    words.chunks_exact(size).map(|win| (win[0].to_owned(), win[1].to_owned())).collect()
}
