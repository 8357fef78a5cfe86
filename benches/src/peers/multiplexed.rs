//! One call a request on one multiplexed connection of redis-rs: the fastest common way from Rust.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client as RedisClient};

use super::{Connect, PeerSale, answer, connection_info, versioned};
use crate::Error;
use crate::side::Client;
use crate::workload::{Answer, Request, Terms};

/// One connection.
#[derive(Clone)]
pub(crate) struct Multiplexed {
    url: String,
    connection: MultiplexedConnection,
    sale: PeerSale,
}

impl Connect for Multiplexed {
    async fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self { url: url.to_owned(), connection: connect(url).await?, sale: PeerSale::default() })
    }
}

impl Client for Multiplexed {
    type Ask = Request;

    fn draw(request: &Request) -> Result<Request, Error> {
        Ok(request.clone())
    }

    async fn open_sale(&mut self, terms: &Terms) -> Result<(), Error> {
        self.sale = PeerSale::open(&self.url, terms).await?;
        Ok(())
    }

    async fn reserve(&self, request: &Request) -> Result<Answer, Error> {
        answer(self.sale.command(request).query_async(&mut self.connection.clone()).await?)
    }

    fn describe(&self) -> String {
        format!("{}, one multiplexed connection, one call a request", versioned("redis"))
    }
}

/// One connection without a deadline of its own, which would only cost the peer time.
pub(crate) async fn connect(url: &str) -> Result<MultiplexedConnection, Error> {
    let client = RedisClient::open(connection_info(url)?)?;
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
}
