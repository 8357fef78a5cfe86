//! Why a figure could not be measured.

/// A run that yields no figure. There is never a number in place of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No figure has this name.
    #[error("no figure begins with `{}`: use one of {known}", name.escape_debug())]
    UnknownFigure {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A server did not start.
    #[error("a server for the figure did not start")]
    Server(#[from] testkit::Error),
    /// Redis failed a command of the run itself.
    #[error("redis failed a command of the run")]
    Redis(#[from] redis::RedisError),
    /// The pool has no connection.
    #[error("the pool gave no connection")]
    Pool(#[from] deadpool_redis::PoolError),
    /// The pool could not be made.
    #[error("the pool could not be built")]
    PoolBuild(#[from] deadpool_redis::BuildError),
    /// A call to the crate under test failed.
    #[error("a sale failed during the run")]
    Seckill(#[from] seckill::Error),
    /// An answer was not what the work has to yield, so its time means nothing.
    #[error("the run answered `{given}` where {wanted} was due")]
    Answer {
        /// What came.
        given: String,
        /// What had to come.
        wanted: &'static str,
    },
    /// A caller ended without its answers.
    #[error("a caller of the run failed")]
    Caller(#[from] tokio::task::JoinError),
    /// The runtime did not start.
    #[error("the runtime did not start")]
    Runtime(#[from] std::io::Error),
    /// The line could not be written as JSON.
    #[error("the figure could not be written")]
    Json(#[from] serde_json::Error),
}
