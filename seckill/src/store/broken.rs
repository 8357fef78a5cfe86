//! Why a command has no answer, sorted: the way there, the caller's settings, the sale's keys, or the server itself.

use std::time::Duration;

use redis::{RedisError, ServerErrorKind};

use crate::error::{Error, Fault};
use crate::ids::SaleId;

/// Why a command has no answer.
pub(crate) enum Broken {
    Redis(RedisError),
    #[cfg(feature = "deadpool")]
    Pool(deadpool_redis::PoolError),
    Late(Duration),
    /// Fewer answers than commands.
    Short,
    /// Neither sentinels nor cluster name a master.
    NoMaster,
    /// Done, but too few replicas have it.
    Unreplicated {
        acked: u32,
        wanted: u32,
    },
}

impl Broken {
    /// What kind of refusal the server itself gave, if it did.
    pub(crate) fn server_kind(&self) -> Option<ServerErrorKind> {
        match self {
            Self::Redis(error) => match error.kind() {
                redis::ErrorKind::Server(kind) => Some(kind),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the server answered at all, if only to refuse.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Redis(error) if error.code().is_some())
    }

    /// The error of a call about `sale`.
    pub(crate) fn into_error(self, sale: Option<&SaleId>) -> Error {
        match self {
            Self::Late(deadline) => Fault::Deadline { millis: deadline.as_millis() }.into(),
            #[cfg(feature = "deadpool")]
            Self::Pool(error) => Fault::Unreachable { source: Some(Box::new(error)) }.into(),
            Self::Short => Fault::Answer { given: String::new() }.into(),
            Self::NoMaster => Fault::Unreachable { source: None }.into(),
            Self::Unreplicated { acked, wanted } => Fault::Unreplicated { acked, wanted }.into(),
            Self::Redis(error) => redis_error(error, sale),
        }
    }
}

fn redis_error(error: RedisError, sale: Option<&SaleId>) -> Error {
    use redis::ErrorKind as Kind;
    use redis::ServerErrorKind as Server;

    let code = error.code().map(str::to_owned).unwrap_or_default();
    match (error.kind(), code.as_str(), sale) {
        (Kind::AuthenticationFailed | Kind::InvalidClientConfig, ..)
        | (Kind::Server(Server::NoPerm), ..)
        | (_, "NOAUTH" | "WRONGPASS", _) => Fault::Denied { source: Box::new(error) }.into(),
        (_, "WRONGTYPE", Some(sale)) => {
            Fault::WrongType { sale: sale.clone(), source: Box::new(error) }.into()
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
            )
            | Kind::Io
            | Kind::ClusterConnectionNotFound,
            ..,
        )
        // `UNBLOCKED`: the master stepped down while the call waited for replicas.
        | (_, "OOM" | "BUSY" | "MISCONF" | "NOREPLICAS" | "UNBLOCKED", _) => unreachable(error),
        _ if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() => unreachable(error),
        _ => Fault::Failed { source: Box::new(error) }.into(),
    }
}

fn unreachable(error: RedisError) -> Error {
    Fault::Unreachable { source: Some(Box::new(error)) }.into()
}

/// The error of an address or credentials that no server takes.
pub(crate) fn denied(error: RedisError) -> Error {
    Fault::Denied { source: Box::new(error) }.into()
}
