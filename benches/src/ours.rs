//! Our side of the figures about sales: a sale of the crate, asked through its public calls.

pub(crate) mod pay;
pub(crate) mod policy;
pub(crate) mod session;
pub(crate) mod token;

use std::sync::Arc;

use seckill::{
    At, BuyerId, Durability, FlashSale, MemoryStore, Outcome, Quantity, RedisStore, Refusal, RequestId,
    Reserve, SaleConfig, SaleId, SaleStore, UnixMillis,
};

use crate::Error;
use crate::side::Client;
use crate::workload::{Answer, Request, Terms};

/// Sales in one kind of store.
#[derive(Clone)]
pub(crate) struct Ours {
    about: &'static str,
    /// Where each sale is opened.
    place: Place,
    /// Over how many hash slots a sale is split.
    shards: u16,
    /// Whether this process may refuse what it knows to be sold out.
    latch: bool,
    open: Option<Open>,
}

#[derive(Clone)]
enum Place {
    /// A fresh store for each sale: nothing else would empty it.
    Memory,
    Redis(Arc<RedisStore>),
}

/// A sale that is open.
#[derive(Clone)]
struct Open {
    sale: FlashSale,
    store: Arc<dyn SaleStore>,
}

impl Ours {
    /// Sales in this process.
    pub(crate) fn memory() -> Self {
        Self::of("reserve().await in this process", Place::Memory)
    }

    /// Sales in one server.
    pub(crate) async fn redis(url: &str) -> Result<Self, Error> {
        Ok(Self::over("reserve().await", RedisStore::connect(url).await?))
    }

    /// Sales in one server, which is asked for every answer: the store beneath the latch.
    pub(crate) async fn without_latch(url: &str) -> Result<Self, Error> {
        let about = "reserve().await of the store, without the latch";
        Ok(Self { latch: false, ..Self::over(about, RedisStore::connect(url).await?) })
    }

    /// Sales in a server whose replica has every win before it is told.
    pub(crate) async fn replicated(url: &str) -> Result<Self, Error> {
        let store = RedisStore::connect(url).await?.durability(Durability::replicated(1));
        Ok(Self::over("reserve().await, each win on a replica", store))
    }

    /// Sales that are split over the masters of a cluster.
    pub(crate) async fn cluster(urls: &[String]) -> Result<Self, Error> {
        let store = RedisStore::connect_cluster(urls).await?;
        let shards = u16::try_from(urls.len()).unwrap_or(SaleConfig::SHARDS_MAX);
        Ok(Self { shards, ..Self::over("reserve().await, a shard for each master", store) })
    }

    fn over(about: &'static str, store: RedisStore) -> Self {
        Self::of(about, Place::Redis(Arc::new(store)))
    }

    fn of(about: &'static str, place: Place) -> Self {
        Self { about, place, shards: 1, latch: true, open: None }
    }
}

impl Client for Ours {
    type Ask = Reserve;

    fn draw(request: &Request) -> Result<Reserve, Error> {
        let (buyer, id) = (BuyerId::new(&request.buyer)?, RequestId::new(&request.id)?);
        Ok(Reserve::new(buyer, Quantity::ONE, id))
    }

    async fn open_sale(&mut self, terms: &Terms) -> Result<(), Error> {
        let (opens, closes) = (UnixMillis::new(Terms::OPENS)?, UnixMillis::new(Terms::CLOSES)?);
        let id = SaleId::new(&terms.sale)?;
        let config = SaleConfig::new(id, opens, closes, terms.stock)?.shards(self.shards)?;
        let store: Arc<dyn SaleStore> = match &self.place {
            Place::Memory => Arc::new(MemoryStore::new()),
            Place::Redis(store) => Arc::<RedisStore>::clone(store),
        };
        let sale = FlashSale::open(Arc::clone(&store), &config).await?;
        self.open = Some(Open { sale, store });
        Ok(())
    }

    async fn reserve(&self, request: &Reserve) -> Result<Answer, Error> {
        let Some(Open { sale, store }) = &self.open else {
            return Err(unexpected("no sale"));
        };
        let outcome = match self.latch {
            true => sale.reserve(request).await?,
            false => store.reserve(sale.id(), request, At::Server).await?,
        };
        match outcome {
            Outcome::Reserved(won) if !won.replayed => Ok(Answer::Won),
            Outcome::Refused(Refusal::SoldOut) => Ok(Answer::SoldOut),
            other => Err(unexpected(&format!("{other:?}"))),
        }
    }

    fn describe(&self) -> String {
        self.about.to_owned()
    }
}

fn unexpected(given: &str) -> Error {
    Error::Answer { given: given.to_owned(), wanted: "a win or sold out".to_owned() }
}
