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
    /// The peer fred failed.
    #[error("the peer `fred` failed during the run")]
    Fred(#[from] fred::error::Error),
    /// A call to the crate under test failed.
    #[error("a sale failed during the run")]
    Seckill(#[from] seckill::Error),
    /// A call to the crate under test failed.
    #[error("a token or a session failed during the run")]
    Sso(#[from] sso_core::Error),
    /// A call to the crate under test failed.
    #[error("a payment failed during the run")]
    Payments(#[from] payments::Error),
    /// A call to the crate under test failed.
    #[error("a policy failed during the run")]
    Rbac(#[from] rbac::Error),
    /// A call to the crate under test failed.
    #[error("a terminal failed during the run")]
    Webssh(#[from] webssh_core::Error),
    /// The database failed a question of the run itself.
    #[error("the database failed a question of the run")]
    Sql(#[from] sqlx::Error),
    /// The key of the tokens cannot be read by a peer.
    #[error("the key of the figure is no key to a peer")]
    Key,
    /// The peer jsonwebtoken failed.
    #[error("the peer `jsonwebtoken` failed during the run")]
    Jsonwebtoken(#[from] jsonwebtoken::errors::Error),
    /// The peer tower-sessions failed.
    #[error("the peer `tower-sessions` failed during the run")]
    TowerSessions(#[from] tower_sessions::session::Error),
    /// A request of the run could not be written.
    #[error("a request of the run could not be written")]
    Http(#[from] http::Error),
    /// An answer was not what the work has to yield, so its time means nothing.
    #[error("the run answered `{given}` where {wanted} was due")]
    Answer {
        /// What came.
        given: String,
        /// What had to come.
        wanted: String,
    },
    /// A peer in another language could not be installed.
    #[error("a peer in another language could not be installed")]
    Install(#[source] testkit::Error),
    /// A peer in another language failed.
    #[error("the peer `{name}` failed: {said}")]
    Foreign {
        /// The peer.
        name: &'static str,
        /// What it said.
        said: String,
    },
    /// A figure has no number in a round, so there is no median.
    #[error("a side of `{figure}` measured nothing")]
    Unmeasured {
        /// The figure.
        figure: &'static str,
    },
    /// A caller ended without its answers.
    #[error("a caller of the run failed")]
    Caller(#[from] tokio::task::JoinError),
    /// The system refused a file, a process, a core or the runtime.
    #[error("the system refused what the run needs")]
    System(#[from] std::io::Error),
    /// JSON could not be written, or a peer wrote none.
    #[error("a line of JSON could not be written or read")]
    Json(#[from] serde_json::Error),
}
