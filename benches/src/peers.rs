//! The same work as ours, done by others. Sales: one call a request to a script of the same rules.

use std::future::Future;

use redis::IntoConnectionInfo;
use redis::aio::MultiplexedConnection;

use crate::workload::{Answer, Request, Terms};
use crate::{Error, versions};

pub(crate) mod bare_sign;
pub(crate) mod batch;
pub(crate) mod deadpool;
pub(crate) mod fast_jwt;
pub(crate) mod foreign;
pub(crate) mod fred;
pub(crate) mod get;
pub(crate) mod install;
pub(crate) mod jsonwebtoken;
pub(crate) mod listed;
pub(crate) mod map;
pub(crate) mod multiplexed;
pub(crate) mod paramiko;
pub(crate) mod paykits;
pub(crate) mod policy;
pub(crate) mod program;
pub(crate) mod raw;
pub(crate) mod select;
pub(crate) mod tower_sessions;

/// One decision a call.
const SINGLE: &str = include_str!("peers/single.lua");
/// Many decisions a call.
const BATCH: &str = include_str!("peers/batch.lua");

/// A sale of the peers on a server that knows the script.
#[derive(Debug, Clone, Default)]
pub(crate) struct PeerSale {
    /// The script's digest.
    pub(crate) sha: String,
    /// Numbers, buyers, wins.
    pub(crate) keys: [String; 3],
}

impl PeerSale {
    /// Loads the script of single decisions and a fresh sale.
    pub(crate) async fn open(url: &str, terms: &Terms) -> Result<Self, Error> {
        Self::load(url, terms, SINGLE).await
    }

    /// The same for decisions of many callers.
    pub(crate) async fn open_batch(url: &str, terms: &Terms) -> Result<Self, Error> {
        Self::load(url, terms, BATCH).await
    }

    async fn load(url: &str, terms: &Terms, script: &str) -> Result<Self, Error> {
        let mut connection: MultiplexedConnection = multiplexed::connect(url).await?;
        let load = redis::cmd("SCRIPT").arg("LOAD").arg(script).to_owned();
        let sha = load.query_async(&mut connection).await?;
        let keys = ["numbers", "buyers", "wins"].map(|name| format!("{{peer:{}}}:{name}", terms.sale));
        let [numbers, ..] = &keys;
        redis::cmd("SET").arg(numbers).arg(pack(terms)).query_async::<()>(&mut connection).await?;
        Ok(Self { sha, keys })
    }

    /// The command that decides this request.
    pub(crate) fn command(&self, request: &Request) -> redis::Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.sha).arg("3").arg(&self.keys);
        command.arg(&request.buyer).arg("1").arg(&request.id);
        command
    }
}

/// The sale's numbers as the scripts read them, little-endian: phase, opens, closes, limit, time to pay,
/// left, sequence.
fn pack(terms: &Terms) -> Vec<u8> {
    let (open, limit, sequence) = (1, 1, 0);
    let fields = [
        (open, 1),
        (Terms::OPENS, 6),
        (Terms::CLOSES, 6),
        (limit, 4),
        (Terms::PAY, 6),
        (terms.stock, 6),
        (sequence, 6),
    ];
    fields.into_iter().flat_map(|(value, width)| value.to_le_bytes().into_iter().take(width)).collect()
}

/// Reads the answer of the script of single decisions.
fn answer(number: i64) -> Result<Answer, Error> {
    match number {
        // 1 to 3 are other refusals; a deadline is a time of this century.
        4.. => Ok(Answer::Won),
        0 => Ok(Answer::SoldOut),
        other => Err(Error::Answer { given: other.to_string(), wanted: "a win or sold out".to_owned() }),
    }
}

/// How both sides reach the server: without the delay of small packets.
pub(crate) fn connection_info(url: &str) -> Result<redis::ConnectionInfo, Error> {
    let info = url.into_connection_info()?;
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Ok(info.set_tcp_settings(tcp))
}

/// `name` of the lock file with its version.
fn versioned(name: &str) -> String {
    format!("{name} {}", versions::locked(name))
}

/// A client of this process, before a sale is open.
pub(crate) trait Connect: Sized {
    /// Connects to the server.
    fn connect(url: &str) -> impl Future<Output = Result<Self, Error>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_offset_that_the_scripts_write_to() {
        let numbers = pack(&Terms { sale: "s".to_owned(), stock: 0x0102 });
        assert_eq!(numbers.len(), 35);
        assert_eq!(numbers[23..25], [2, 1]);
        assert!(SINGLE.contains("'SETRANGE', KEYS[1], 23,") && BATCH.contains("'SETRANGE', KEYS[1], 23,"));
    }

    #[test]
    fn refusals_are_no_wins() {
        assert_eq!(answer(1_700_000_000_000).unwrap(), Answer::Won);
        assert_eq!(answer(0).unwrap(), Answer::SoldOut);
        for refused in [-1_700_000_000_000, 1, 2, 3] {
            assert!(answer(refused).is_err(), "{refused}");
        }
    }
}
