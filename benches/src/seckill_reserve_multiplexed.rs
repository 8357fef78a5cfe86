//! `seckill.reserve.multiplexed`: decisions a second of one sale in a real Redis, one call a request,
//! beside the same script on one bare connection.
//!
//! Both sides send the same commands over one multiplexed connection each, so the ratio is what the store
//! itself costs: its deadline, its reading of the answer, its boxed future.

use crate::peers::multiplexed::Bare;
use crate::{Error, Line, Options, decisions};

const NAME: &str = "seckill.reserve.multiplexed";

/// Measures the figure.
pub(crate) fn run(options: &Options) -> Result<Line, Error> {
    let line = decisions::run::<Bare>(NAME, options)?;
    Ok(line.with("peer_name", "redis-rs, one multiplexed connection, the same script"))
}
