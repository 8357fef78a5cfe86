//! The store of the sale, from the words of `--store`.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;

use seckill::{Durability, MemoryStore, RedisStore, SaleStore};

/// Where a sale is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this process.
    Memory,
    /// In one server.
    Redis(String),
    /// In a cluster, by some of its nodes.
    Cluster(Vec<String>),
}

impl Place {
    /// The place without addresses and passwords.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Memory => "memory".to_owned(),
            Self::Redis(_) => "redis".to_owned(),
            Self::Cluster(urls) => format!("cluster by {} nodes", urls.len()),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_url = |text: &str| text.starts_with("redis://") || text.starts_with("rediss://");
        let Some(list) = text.strip_prefix("cluster:") else {
            return match text {
                "memory" => Ok(Self::Memory),
                url if is_url(url) => Ok(Self::Redis(url.to_owned())),
                _ => Err("give memory, redis://HOST:PORT/, or cluster:redis://A,redis://B,..".to_owned()),
            };
        };
        let urls: Vec<String> = list.split(',').map(|url| url.trim().to_owned()).collect();
        if urls.len() < 2 || !urls.iter().all(|url| is_url(url)) {
            return Err("give the urls of at least two nodes: cluster:redis://A,redis://B".to_owned());
        }
        Ok(Self::Cluster(urls))
    }
}

/// The store could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the store that --store names cannot be used: start it, or correct the address")]
struct Unusable {
    #[source]
    cause: Box<dyn Error + Send + Sync>,
}

/// Opens the store.
pub(crate) async fn open(
    place: &Place,
    replicated: Option<u32>,
) -> Result<Arc<dyn SaleStore>, Box<dyn Error + Send + Sync>> {
    let store = match place {
        Place::Memory => return Ok(Arc::new(MemoryStore::new())),
        Place::Redis(url) => RedisStore::connect(url).await,
        Place::Cluster(urls) => RedisStore::connect_cluster(urls).await,
    };
    let store = store.map_err(|cause| Unusable { cause: Box::new(cause) })?;
    let durability = replicated.map_or(Durability::Relaxed, Durability::replicated);
    Ok(Arc::new(store.durability(durability)))
}
