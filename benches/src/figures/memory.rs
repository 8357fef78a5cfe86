//! `seckill.memory`: wins a second of one caller on one core, without a server.

use super::on_one_thread;
use crate::contest::{Contest, Entry, Work};
use crate::ours::Ours;
use crate::peers::map::HandWritten;
use crate::{Error, Line, Options, Sample};

/// Measures the figure.
pub(super) fn run(name: &'static str, options: &Options) -> Result<Line, Error> {
    let work = Work { spans: false, ..Work::wins(options.requests, 1) };
    let ours = Entry { side: Box::new(Ours::memory()), stage: None, work };
    let peer = Entry { side: Box::new(HandWritten::default()), stage: None, work };
    let metric = |sample: &Sample| Some(sample.timing.rate);
    let contest = Contest { name, unit: "wins/s", metric, ours, peers: vec![peer] };
    on_one_thread(contest.run(options))
}
