//! `seckill.reserve`: decisions a second of one sale in a real Redis, one call a request, beside the same
//! script through a pool.
//!
//! The peer is what services commonly do, not equal work: its pool checks a connection with a round trip
//! before each call. `seckill.reserve.multiplexed` is the figure of equal work.

use crate::peers::deadpool::{CHECKOUT, Pooled, SIZE};
use crate::{Error, Line, Options, decisions};

const NAME: &str = "seckill.reserve";

/// Measures the figure.
pub(crate) fn run(options: &Options) -> Result<Line, Error> {
    let line = decisions::run::<Pooled>(NAME, options)?;
    Ok(line
        .with("peer_name", "deadpool-redis, the same script")
        .with("peer_checkout", CHECKOUT)
        .with("pool", SIZE))
}
