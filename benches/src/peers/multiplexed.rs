//! The script of a decision on one bare multiplexed connection of redis-rs: the same commands on the wire
//! as ours, without a store around them.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Script};
use seckill::{At, Reserve, SaleId, wire};

use super::{Peer, connection_info, won};
use crate::Error;

/// One connection to a server that knows the script.
#[derive(Clone)]
pub(crate) struct Bare {
    connection: MultiplexedConnection,
}

impl Peer for Bare {
    async fn connect(url: &str) -> Result<Self, Error> {
        let mut connection = connect(url).await?;
        Script::new(wire::reserve_source()).load_async(&mut connection).await?;
        Ok(Self { connection })
    }

    async fn reserve(&self, sale: &SaleId, request: Reserve) -> Result<(), Error> {
        let command = wire::reserve_command(sale, &[request], At::Server);
        let answer: String = command.query_async(&mut self.connection.clone()).await?;
        won(&answer)
    }
}

/// One connection without a deadline of its own; the store brings one, the peer has none.
pub(crate) async fn connect(url: &str) -> Result<MultiplexedConnection, Error> {
    let client = Client::open(connection_info(url)?)?;
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
}
