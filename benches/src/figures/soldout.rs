//! `seckill.soldout.*`: refusals a second of a sale whose stock is gone, which is what most buyers get.

use std::rc::Rc;

use super::on_one_thread;
use crate::contest::{Contest, Entry, Work};
use crate::ours::Ours;
use crate::peers::Connect;
use crate::peers::multiplexed::Multiplexed;
use crate::side::Side;
use crate::stage::Stage;
use crate::{Error, Line, Options, Sample};

const UNIT: &str = "refusals/s";
const CALLERS: u32 = 1024;
/// How often the lone caller of the latch asks for the same: a call takes some nanoseconds.
const LATCH_PASSES: u32 = 20;

/// Every refusal is asked of Redis, by both sides.
pub(super) fn through_redis(name: &'static str, options: &Options) -> Result<Line, Error> {
    on_one_thread(async {
        let stage = Rc::new(Stage::one().await?);
        let ours = Box::new(Ours::without_latch(stage.url()).await?);
        let work = Work::sold_out(options.requests, options.callers_or(CALLERS));
        contest(name, stage, ours, work, options).await
    })
}

/// Ours refuses by itself what it knows to be sold out; the peer has to ask.
pub(super) fn latch(name: &'static str, options: &Options) -> Result<Line, Error> {
    on_one_thread(async {
        let stage = Rc::new(Stage::one().await?);
        let ours = Box::new(Ours::redis(stage.url()).await?);
        let once = Work::sold_out(options.requests, 1);
        let work = Work { passes: LATCH_PASSES, spans: false, ..once };
        contest(name, stage, ours, work, options).await
    })
}

async fn contest(
    name: &'static str,
    stage: Rc<Stage>,
    side: Box<dyn Side>,
    work: Work,
    options: &Options,
) -> Result<Line, Error> {
    let peer = Entry {
        side: Box::new(Multiplexed::connect(stage.url()).await?),
        stage: Some(Rc::clone(&stage)),
        work: Work::sold_out(options.share(2), options.callers_or(CALLERS)),
    };
    let ours = Entry { side, stage: Some(stage), work };
    let metric = |sample: &Sample| Some(sample.timing.rate);
    Contest { name, unit: UNIT, metric, ours, peers: vec![peer] }.run(options).await
}
