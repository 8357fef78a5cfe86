//! The peers that are clients: the same decisions, one call a request, through what services commonly use.

use crate::Error;
use crate::peers::Connect;
use crate::peers::deadpool::Pooled;
use crate::peers::foreign::Foreign;
use crate::peers::fred::Fred;
use crate::peers::multiplexed::Multiplexed;
use crate::side::Side;

/// A client of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientPeer {
    Multiplexed,
    Fred,
    Deadpool,
    Ioredis,
    RedisPy,
}

impl ClientPeer {
    /// All of them, the fastest first.
    pub(crate) const ALL: [Self; 5] =
        [Self::Multiplexed, Self::Fred, Self::Deadpool, Self::Ioredis, Self::RedisPy];

    /// What the legend of a chart calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Multiplexed => "redis-rs, multiplexed",
            Self::Fred => "fred",
            Self::Deadpool => "deadpool-redis, pool of 50",
            Self::Ioredis => "ioredis (Node.js)",
            Self::RedisPy => "redis-py + hiredis",
        }
    }

    /// How many times fewer requests it gets, so that a round takes both sides about as long.
    pub(crate) fn slowness(self) -> u32 {
        match self {
            Self::Multiplexed | Self::Fred => 2,
            Self::Deadpool | Self::Ioredis => 4,
            Self::RedisPy => 16,
        }
    }

    /// Connects to the server; where a client has several ways to send, each is a side of its own.
    pub(crate) async fn connect(self, url: &str) -> Result<Vec<Box<dyn Side>>, Error> {
        Ok(match self {
            Self::Multiplexed => vec![Box::new(Multiplexed::connect(url).await?)],
            Self::Fred => vec![Box::new(Fred::connect(url).await?)],
            Self::Deadpool => vec![Box::new(Pooled::connect(url).await?)],
            Self::Ioredis => {
                vec![Box::new(Foreign::ioredis(url, true)?), Box::new(Foreign::ioredis(url, false)?)]
            }
            Self::RedisPy => vec![Box::new(Foreign::redis_py(url)?)],
        })
    }
}
