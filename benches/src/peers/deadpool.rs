//! The script of a decision through a deadpool pool: one connection a call, as most services do it.

use deadpool_redis::{Manager, Pool, Runtime};
use redis::{IntoConnectionInfo, Script};
use seckill::{At, Reserve, SaleId, wire};

use crate::Error;

/// Connections in the pool.
pub(crate) const SIZE: usize = 50;

/// A pool with the script known to its server.
#[derive(Clone)]
pub(crate) struct Peer {
    pool: Pool,
}

impl Peer {
    /// A pool to the server at `url`, without the delay of small packets, as ours.
    pub(crate) async fn connect(url: &str) -> Result<Self, Error> {
        let info = url.into_connection_info()?;
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let manager = Manager::new(info.set_tcp_settings(tcp))?;
        let pool = Pool::builder(manager).max_size(SIZE).runtime(Runtime::Tokio1).build()?;
        let mut connection = pool.get().await?;
        Script::new(wire::reserve_source()).load_async(&mut connection).await?;
        drop(connection);
        Ok(Self { pool })
    }

    /// Decides one request, which has to win.
    pub(crate) async fn reserve(&self, sale: &SaleId, request: Reserve) -> Result<(), Error> {
        let command = wire::reserve_command(sale, &[request], At::Server);
        let mut connection = self.pool.get().await?;
        let answer: String = command.query_async(&mut connection).await?;
        if answer.starts_with('W') {
            return Ok(());
        }
        Err(Error::Answer { given: answer.escape_debug().to_string(), wanted: "a win" })
    }
}
