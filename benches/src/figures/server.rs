//! `seckill.limit` and `seckill.bytes`: what a win costs Redis, in processor time and in memory.

use std::rc::Rc;

use super::on_one_thread;
use crate::contest::{Contest, Entry, Work};
use crate::ours::Ours;
use crate::peers::Connect;
use crate::peers::batch::Batches;
use crate::peers::multiplexed::Multiplexed;
use crate::side::Side;
use crate::stage::Stage;
use crate::{Error, Line, Options, Sample};

const CALLERS: u32 = 1024;

/// Processor time, beside a client that does nothing but send full batches.
pub(super) fn limit(name: &'static str, options: &Options) -> Result<Line, Error> {
    on_one_thread(async {
        let stage = Rc::new(Stage::one().await?);
        let peer = Box::new(Batches::connect(stage.url())?);
        contest(name, "ns", |sample| sample.server_ns, stage, peer, options).await
    })
}

/// Memory, beside the script that decides one request a call.
pub(super) fn bytes(name: &'static str, options: &Options) -> Result<Line, Error> {
    on_one_thread(async {
        let stage = Rc::new(Stage::one().await?);
        let peer = Box::new(Multiplexed::connect(stage.url()).await?);
        contest(name, "bytes", |sample| sample.bytes, stage, peer, options).await
    })
}

/// Both sides do the same number of requests: a hash grows by doubling.
async fn contest(
    name: &'static str,
    unit: &'static str,
    metric: fn(&Sample) -> Option<f64>,
    stage: Rc<Stage>,
    peer: Box<dyn Side>,
    options: &Options,
) -> Result<Line, Error> {
    let work = Work::wins(options.requests, options.callers_or(CALLERS));
    let ours = Box::new(Ours::redis(stage.url()).await?);
    let peer = Entry { side: peer, stage: Some(Rc::clone(&stage)), work };
    let ours = Entry { side: ours, stage: Some(stage), work };
    Contest { name, unit, metric, ours, peers: vec![peer] }.run(options).await
}
