//! The script of a decision through a deadpool-redis pool: one connection a call, as services use it.
//!
//! It is the same decision but not the same work: at each checkout of a used connection the pool sends
//! `UNWATCH` and `PING` and waits for the answer, so a call is two round trips.

use deadpool_redis::{Manager, Pool, Runtime};
use redis::Script;
use seckill::{At, Reserve, SaleId, wire};

use super::{Peer, connection_info, won};
use crate::Error;

/// Connections in the pool.
pub(crate) const SIZE: usize = 50;
/// What the pool does at each checkout of a used connection.
pub(crate) const CHECKOUT: &str = "UNWATCH+PING per checkout";

/// A pool with the script known to its server.
#[derive(Clone)]
pub(crate) struct Pooled {
    pool: Pool,
}

impl Peer for Pooled {
    async fn connect(url: &str) -> Result<Self, Error> {
        let manager = Manager::new(connection_info(url)?)?;
        let pool = Pool::builder(manager).max_size(SIZE).runtime(Runtime::Tokio1).build()?;
        let mut connection = pool.get().await?;
        Script::new(wire::reserve_source()).load_async(&mut connection).await?;
        drop(connection);
        Ok(Self { pool })
    }

    async fn reserve(&self, sale: &SaleId, request: Reserve) -> Result<(), Error> {
        let command = wire::reserve_command(sale, &[request], At::Server);
        let mut connection = self.pool.get().await?;
        let answer: String = command.query_async(&mut connection).await?;
        won(&answer)
    }
}
