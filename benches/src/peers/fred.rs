//! One call a request through one client of fred, which pipelines by itself.

use fred::clients::Client as FredClient;
use fred::interfaces::{ClientLike, LuaInterface};
use fred::types::Builder;
use fred::types::config::{Config, TcpConfig};

use super::{Connect, PeerSale, answer, versioned};
use crate::Error;
use crate::side::Client;
use crate::workload::{Answer, Request, Terms};

/// One client.
#[derive(Clone)]
pub(crate) struct Fred {
    url: String,
    client: FredClient,
    sale: PeerSale,
}

impl Connect for Fred {
    async fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self { url: url.to_owned(), client: client(url).await?, sale: PeerSale::default() })
    }
}

impl Client for Fred {
    type Ask = Request;

    fn draw(request: &Request) -> Result<Request, Error> {
        Ok(request.clone())
    }

    async fn open_sale(&mut self, terms: &Terms) -> Result<(), Error> {
        self.sale = PeerSale::open(&self.url, terms).await?;
        Ok(())
    }

    async fn reserve(&self, request: &Request) -> Result<Answer, Error> {
        let [numbers, buyers, wins] = &self.sale.keys;
        let keys = vec![numbers.as_str(), buyers.as_str(), wins.as_str()];
        let arguments = vec![request.buyer.as_str(), "1", request.id.as_str()];
        answer(self.client.evalsha(self.sale.sha.as_str(), keys, arguments).await?)
    }

    fn describe(&self) -> String {
        format!("{}, one client, one call a request", versioned("fred"))
    }
}

/// One client, without the delay of small packets.
pub(crate) async fn client(url: &str) -> Result<FredClient, Error> {
    let mut builder = Builder::from_config(Config::from_url(url)?);
    builder.with_connection_config(|config| {
        config.tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
    });
    let client = builder.build()?;
    client.init().await?;
    Ok(client)
}
