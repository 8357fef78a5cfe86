//! The same decisions as ours, sent by others: the same script, the same keys and arguments.

use std::future::Future;

use redis::IntoConnectionInfo;
use seckill::{Reserve, SaleId};

use crate::Error;

pub(crate) mod deadpool;
pub(crate) mod multiplexed;

/// Another way to ask for a decision.
pub(crate) trait Peer: Clone + Send + Sync + 'static {
    /// A peer on the server at `url`, which then knows the script.
    fn connect(url: &str) -> impl Future<Output = Result<Self, Error>>;

    /// Decides one request, which has to win.
    fn reserve(&self, sale: &SaleId, request: Reserve) -> impl Future<Output = Result<(), Error>> + Send;
}

/// How both sides reach the server: without the delay of small packets.
pub(crate) fn connection_info(url: &str) -> Result<redis::ConnectionInfo, Error> {
    let info = url.into_connection_info()?;
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Ok(info.set_tcp_settings(tcp))
}

/// Passes only a win, which is the most work a decision can be.
fn won(answer: &str) -> Result<(), Error> {
    if answer.starts_with('W') {
        return Ok(());
    }
    Err(Error::Answer { given: answer.escape_debug().to_string(), wanted: "a win" })
}
