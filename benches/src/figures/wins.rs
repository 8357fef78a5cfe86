//! `seckill.win.*`: wins a second of one sale in Redis, beside clients that send one call a request.
//!
//! Every request wins, which is the most work a decision can be.

use std::rc::Rc;

use super::on_one_thread;
use crate::clients::ClientPeer;
use crate::contest::{Contest, Entry, Work};
use crate::ours::Ours;
use crate::stage::Stage;
use crate::{Error, Line, Options};

const UNIT: &str = "wins/s";

/// Ours beside this client, on the same server.
pub(super) fn run(
    name: &'static str,
    client: ClientPeer,
    callers: u32,
    options: &Options,
) -> Result<Line, Error> {
    on_one_thread(async {
        let stage = Rc::new(Stage::one().await?);
        let callers = options.callers_or(callers);
        let ours = Entry {
            side: Box::new(Ours::redis(stage.url()).await?),
            stage: Some(Rc::clone(&stage)),
            work: Work::wins(options.requests, callers),
        };
        let work = Work::wins(options.share(client.slowness()), callers);
        let entry = |side| Entry { side, stage: Some(Rc::clone(&stage)), work };
        let peers = client.connect(stage.url()).await?.into_iter().map(entry).collect();
        let metric = |sample: &crate::Sample| Some(sample.timing.rate);
        Contest { name, unit: UNIT, metric, ours, peers }.run(options).await
    })
}

/// Ours with a replica, beside one call a request to a server without one.
pub(super) fn replicated(name: &'static str, options: &Options) -> Result<Line, Error> {
    on_one_thread(async {
        let (pair, alone) = (Rc::new(Stage::replicated().await?), Rc::new(Stage::one().await?));
        let (callers, client) = (options.callers_or(1024), ClientPeer::Multiplexed);
        let ours = Entry {
            side: Box::new(Ours::replicated(pair.url()).await?),
            stage: Some(pair),
            work: Work::wins(options.requests, callers),
        };
        let work = Work::wins(options.share(client.slowness()), callers);
        let entry = |side| Entry { side, stage: Some(Rc::clone(&alone)), work };
        let peers = client.connect(alone.url()).await?.into_iter().map(entry).collect();
        let metric = |sample: &crate::Sample| Some(sample.timing.rate);
        Contest { name, unit: UNIT, metric, ours, peers }.run(options).await
    })
}
