//! `seckill.latency.*`: how long a win takes when few ask, beside a single script call.

use std::rc::Rc;

use super::on_one_thread;
use crate::contest::{Contest, Entry, Work};
use crate::ours::Ours;
use crate::peers::Connect;
use crate::peers::multiplexed::Multiplexed;
use crate::stage::Stage;
use crate::{Error, Line, Options, Sample};

/// Few callers are slow; more requests would only take longer.
const REQUESTS_MAX: u32 = 20_000;

/// Measures one percentile with so many callers.
pub(super) fn run(
    name: &'static str,
    metric: fn(&Sample) -> Option<f64>,
    callers: u32,
    options: &Options,
) -> Result<Line, Error> {
    on_one_thread(async {
        let stage = Rc::new(Stage::one().await?);
        let work = Work::wins(options.requests.min(REQUESTS_MAX), callers);
        let peer = Entry {
            side: Box::new(Multiplexed::connect(stage.url()).await?),
            stage: Some(Rc::clone(&stage)),
            work,
        };
        let ours = Entry { side: Box::new(Ours::redis(stage.url()).await?), stage: Some(stage), work };
        Contest { name, unit: "us", metric, ours, peers: vec![peer] }.run(options).await
    })
}
