//! What can break between a stream and its consumers, and the words for it.

use std::error::Error as StdError;

use redis::{ErrorKind as Kind, RedisError, ServerErrorKind as Server};

use crate::error::{Error, ErrorKind};
use crate::ids::SaleId;

/// A cause from below, kept whole for `source()`.
type Source = Box<dyn StdError + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum OrdersFault {
    #[error(
        "entry `{id}` of stream `{part}` in shard {shard} of sale `{sale}` is not what a sale writes: \
         keep other programs off the sale's keys, or put the entry back once all run the same version"
    )]
    Entry { sale: SaleId, shard: u16, part: &'static str, id: String },
    #[error(
        "redis did not answer a consumer of orders within {millis} ms: check the server, orders wait there"
    )]
    Late { millis: u128 },
    #[error("redis could not be asked for orders: check the server, orders wait there")]
    Unreachable { source: Source },
    #[error("redis refuses the consumers of orders: check the url, the password and the permissions")]
    Denied { source: Source },
    #[error("a stream of sale `{sale}` holds another type of value: keep other programs off the sale's keys")]
    WrongType { sale: SaleId, source: Source },
    #[error("redis failed a command of the consumers: check that the server is redis 6.2 or later")]
    Failed { source: Source },
    #[error("redis answered a consumer in a form that it does not have: check that the server is redis")]
    Answer,
}

impl OrdersFault {
    /// Who has to act.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Late { .. } | Self::Unreachable { .. } => ErrorKind::Unavailable,
            Self::Denied { .. } => ErrorKind::Misuse,
            Self::Entry { .. } | Self::WrongType { .. } => ErrorKind::Corrupt,
            Self::Failed { .. } | Self::Answer => ErrorKind::PeerMisbehaved,
        }
    }

    /// Sorts what redis says about `sale`: the way there, the settings, the keys, or the server itself.
    pub(super) fn of_redis(error: &RedisError, sale: &SaleId) -> Self {
        let code = error.code().map(str::to_owned).unwrap_or_default();
        let source = Box::new(error.clone());
        match (error.kind(), &*code) {
            (Kind::AuthenticationFailed | Kind::InvalidClientConfig | Kind::Server(Server::NoPerm), _)
            | (_, "NOAUTH" | "WRONGPASS") => Self::Denied { source },
            (_, "WRONGTYPE") => Self::WrongType { sale: sale.clone(), source },
            // A server that lost the group may get it back, and it is made again anyway.
            (_, "NOGROUP" | "UNBLOCKED" | "OOM" | "BUSY" | "MISCONF" | "NOREPLICAS") => {
                Self::Unreachable { source }
            }
            (Kind::Io | Kind::ClusterConnectionNotFound | Kind::MasterNameNotFoundBySentinel, _) => {
                Self::Unreachable { source }
            }
            (
                Kind::Server(
                    Server::BusyLoading
                    | Server::TryAgain
                    | Server::ClusterDown
                    | Server::MasterDown
                    | Server::ReadOnly
                    | Server::Moved
                    | Server::Ask,
                ),
                _,
            ) => Self::Unreachable { source },
            _ if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() => {
                Self::Unreachable { source }
            }
            _ => Self::Failed { source },
        }
    }
}

impl From<OrdersFault> for Error {
    fn from(fault: OrdersFault) -> Self {
        crate::error::Fault::from(fault).into()
    }
}
