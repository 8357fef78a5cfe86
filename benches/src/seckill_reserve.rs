//! `seckill.reserve`: decisions a second of one sale in a real Redis, one call a request.
//!
//! Ours is `reserve().await` over one multiplexed connection; the peer sends the same script with the
//! same keys through a pool. Every request wins, which is the most work a decision can be.

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use seckill::{Outcome, RedisStore};
use tokio::runtime::Builder;

use crate::peers::deadpool::{self, Peer};
use crate::workload::{open_sale, rate};
use crate::{Error, Line, Options, Rounds};

const NAME: &str = "seckill.reserve";

/// What one round needs, made once.
struct Bench {
    connection: MultiplexedConnection,
    peer: Peer,
    options: Options,
}

/// Measures the figure. One thread for the callers, so that the server has a core to itself.
pub(crate) fn run(options: &Options) -> Result<Line, Error> {
    Builder::new_current_thread().enable_all().build()?.block_on(measure(options))
}

async fn measure(options: &Options) -> Result<Line, Error> {
    let server = testkit::Redis::start()?;
    let bench = Bench {
        connection: connect(&server.url()).await?,
        peer: Peer::connect(&server.url()).await?,
        options: *options,
    };
    let mut pairs = Vec::new();
    for round in 0..=options.rounds {
        let pair = bench.round(round).await?;
        eprintln!("{NAME}: round {round} of {}: ours {:.0}/s, peer {:.0}/s", options.rounds, pair.0, pair.1);
        // The first warms up both sides and does not count.
        if round > 0 {
            pairs.push(pair);
        }
    }
    let line = Line::new(NAME, "decisions/s", &Rounds::from_pairs(&pairs))
        .with("peer_name", "deadpool-redis, the same script")
        .with("pool", deadpool::SIZE)
        .with("callers", options.callers)
        .with("requests", options.requests)
        .with("redis", version(bench.connection).await?);
    Ok(line)
}

impl Bench {
    /// Runs both sides once, in an order that turns with each round.
    async fn round(&self, number: u32) -> Result<(f64, f64), Error> {
        if number.is_multiple_of(2) {
            let ours = self.ours(number).await?;
            return Ok((ours, self.theirs(number).await?));
        }
        let theirs = self.theirs(number).await?;
        Ok((self.ours(number).await?, theirs))
    }

    async fn ours(&self, round: u32) -> Result<f64, Error> {
        self.empty().await?;
        let store = RedisStore::from_multiplexed(self.connection.clone());
        let sale = open_sale(store, &format!("ours-{round}")).await?;
        rate(&self.options, move |request| {
            let sale = sale.clone();
            async move {
                match sale.reserve(request.buyer, request.quantity, request.request).await? {
                    Outcome::Reserved(won) if !won.replayed => Ok(()),
                    other => Err(Error::Answer { given: format!("{other:?}"), wanted: "a win" }),
                }
            }
        })
        .await
    }

    async fn theirs(&self, round: u32) -> Result<f64, Error> {
        self.empty().await?;
        let store = RedisStore::from_multiplexed(self.connection.clone());
        let sale = open_sale(store, &format!("peer-{round}")).await?;
        let peer = self.peer.clone();
        rate(&self.options, move |request| {
            let (sale, peer) = (sale.clone(), peer.clone());
            async move { peer.reserve(sale.id(), request).await }
        })
        .await
    }

    /// Both sides start from an empty server.
    async fn empty(&self) -> Result<(), Error> {
        Ok(redis::cmd("FLUSHALL").query_async(&mut self.connection.clone()).await?)
    }
}

/// One connection without the delay of small packets; the store brings the deadline.
async fn connect(url: &str) -> Result<MultiplexedConnection, Error> {
    use redis::IntoConnectionInfo;

    let info = url.into_connection_info()?;
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    let client = redis::Client::open(info.set_tcp_settings(tcp))?;
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
}

async fn version(mut connection: MultiplexedConnection) -> Result<String, Error> {
    let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
    version
        .map(|version| version.trim().to_owned())
        .ok_or(Error::Answer { given: String::new(), wanted: "the version of the server" })
}
