//! Decisions a second of one sale in a real Redis, ours and a peer's in turns.
//!
//! Ours is `reserve().await` over one multiplexed connection; the peer sends the same script with the
//! same keys its own way. Every request wins, which is the most work a decision can be.

use redis::aio::MultiplexedConnection;
use seckill::{Outcome, RedisStore};
use tokio::runtime::Builder;

use crate::peers::{Peer, multiplexed};
use crate::workload::{open_sale, rate};
use crate::{Error, Line, Options, Rounds};

/// What one round needs, made once.
struct Bench<P> {
    connection: MultiplexedConnection,
    peer: P,
    options: Options,
}

/// Measures the figure `name`. One thread for the callers, so that the server has a core to itself.
pub(crate) fn run<P: Peer>(name: &'static str, options: &Options) -> Result<Line, Error> {
    Builder::new_current_thread().enable_all().build()?.block_on(measure::<P>(name, options))
}

async fn measure<P: Peer>(name: &'static str, options: &Options) -> Result<Line, Error> {
    let server = testkit::Redis::start()?;
    let bench = Bench {
        connection: multiplexed::connect(&server.url()).await?,
        peer: P::connect(&server.url()).await?,
        options: *options,
    };
    let mut pairs = Vec::new();
    for round in 0..=options.rounds {
        let pair = bench.round(round).await?;
        eprintln!("{name}: round {round} of {}: ours {:.0}/s, peer {:.0}/s", options.rounds, pair.0, pair.1);
        // The first warms up both sides and does not count.
        if round > 0 {
            pairs.push(pair);
        }
    }
    let line = Line::new(name, "decisions/s", &Rounds::from_pairs(&pairs))
        .with("callers", options.callers)
        .with("requests", options.requests)
        .with("redis", version(bench.connection).await?);
    Ok(line)
}

impl<P: Peer> Bench<P> {
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

async fn version(mut connection: MultiplexedConnection) -> Result<String, Error> {
    let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
    version
        .map(|version| version.trim().to_owned())
        .ok_or(Error::Answer { given: String::new(), wanted: "the version of the server" })
}
