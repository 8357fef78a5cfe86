//! One call a request through a deadpool-redis pool: one connection a call, as services use it.
//!
//! At each checkout of a used connection the pool sends `UNWATCH` and `PING` and waits for the answer, so
//! a call is two round trips.

use deadpool_redis::{Manager, Pool, Runtime};

use super::{Connect, PeerSale, answer, connection_info, versioned};
use crate::Error;
use crate::side::Client;
use crate::workload::{Answer, Request, Terms};

/// Connections in the pool.
const SIZE: usize = 50;

/// A pool.
#[derive(Clone)]
pub(crate) struct Pooled {
    url: String,
    pool: Pool,
    sale: PeerSale,
}

impl Connect for Pooled {
    async fn connect(url: &str) -> Result<Self, Error> {
        let manager = Manager::new(connection_info(url)?)?;
        let pool = Pool::builder(manager).max_size(SIZE).runtime(Runtime::Tokio1).build()?;
        Ok(Self { url: url.to_owned(), pool, sale: PeerSale::default() })
    }
}

impl Client for Pooled {
    type Ask = Request;

    fn draw(request: &Request) -> Result<Request, Error> {
        Ok(request.clone())
    }

    async fn open_sale(&mut self, terms: &Terms) -> Result<(), Error> {
        self.sale = PeerSale::open(&self.url, terms).await?;
        Ok(())
    }

    async fn reserve(&self, request: &Request) -> Result<Answer, Error> {
        let mut connection = self.pool.get().await?;
        answer(self.sale.command(request).query_async(&mut connection).await?)
    }

    fn describe(&self) -> String {
        format!("{}, {SIZE} connections, UNWATCH+PING per checkout", versioned("deadpool-redis"))
    }
}
