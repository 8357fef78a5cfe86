//! What an error of Redis means to the application: whose doing it is, and whether to try again.

use redis::{RedisError, ServerErrorKind};

use crate::error::{Error, ErrorKind};

/// Whether the connection broke, so that a new one may serve.
pub(super) fn is_cut(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped()
}

/// Whether the server does not know the script.
pub(super) fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Whether the keys are on another node of a cluster.
pub(super) fn is_moved(error: &RedisError) -> bool {
    error.kind() == redis::ErrorKind::Server(ServerErrorKind::Moved)
}

/// What that means for a connection that goes to one server alone.
pub(super) fn only_a_node(source: RedisError) -> Error {
    let words = "this redis is a node of a cluster: give its address to `connect_cluster`";
    Error::with_source(ErrorKind::Misuse, words, source)
}

/// Whether a script touched a key that has gone to another node in the middle of a move, and so did nothing.
pub(super) fn is_torn(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.contains("non local key"))
}

pub(super) fn broken(source: RedisError) -> Error {
    use redis::ErrorKind as Redis;

    let refused = "redis refuses this client: check its user, password and rights";
    match source.kind() {
        Redis::AuthenticationFailed | Redis::InvalidClientConfig | Redis::Server(ServerErrorKind::NoPerm) => {
            Error::with_source(ErrorKind::Misuse, refused, source)
        }
        _ if is_unauthorised(&source) => Error::with_source(ErrorKind::Misuse, refused, source),
        Redis::Parse | Redis::UnexpectedReturnType => {
            Error::with_source(ErrorKind::Corrupt, "redis holds a value that cannot be read", source)
        }
        _ if holds_another_type(&source) => {
            let foreign =
                "redis holds a value of another program under a key of this one: give it another prefix";
            Error::with_source(ErrorKind::Corrupt, foreign, source)
        }
        _ if source.code() == Some("OOM") => {
            let full =
                "redis is full and writes nothing new: raise its `maxmemory`, or wait until keys expire";
            Error::with_source(ErrorKind::Unavailable, full, source).transient()
        }
        _ if is_passing(&source) => {
            Error::with_source(ErrorKind::Unavailable, "redis cannot be reached", source).transient()
        }
        _ => Error::with_source(ErrorKind::Unavailable, "redis did not run a script", source),
    }
}

pub(super) fn is_unauthorised(error: &RedisError) -> bool {
    matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
        || error.kind() == redis::ErrorKind::AuthenticationFailed
}

/// A script passes the code on, some versions with a word before it.
fn holds_another_type(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE") || error.detail().is_some_and(|detail| detail.contains("WRONGTYPE"))
}

/// What a server that starts, moves keys or changes its role says, and what a broken connection says.
fn is_passing(error: &RedisError) -> bool {
    use redis::ErrorKind as Redis;

    is_cut(error)
        || is_torn(error)
        || error.is_timeout()
        || matches!(
            error.kind(),
            Redis::ClusterConnectionNotFound
                | Redis::MasterNameNotFoundBySentinel
                | Redis::NoValidReplicasFoundBySentinel
                | Redis::Server(
                    ServerErrorKind::BusyLoading
                        | ServerErrorKind::TryAgain
                        | ServerErrorKind::ClusterDown
                        | ServerErrorKind::MasterDown
                        | ServerErrorKind::ReadOnly
                        | ServerErrorKind::Moved
                        | ServerErrorKind::Ask
                )
        )
        || matches!(error.code(), Some("BUSY" | "MISCONF" | "NOREPLICAS" | "UNBLOCKED"))
}

#[cfg(feature = "deadpool")]
pub(super) fn no_connection(source: deadpool_redis::PoolError) -> Error {
    use deadpool_redis::PoolError;

    match source {
        PoolError::Backend(source) => broken(source),
        PoolError::NoRuntimeSpecified | PoolError::Closed => {
            Error::with_source(ErrorKind::Misuse, "the redis pool gives no connections", source)
        }
        PoolError::Timeout(_) | PoolError::PostCreateHook(_) => {
            Error::with_source(ErrorKind::Unavailable, "the redis pool gave no connection", source)
                .transient()
        }
    }
}
