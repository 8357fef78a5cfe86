//! Why the demo could not start: each reason names the culprit and what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::http::problem::Problem;

/// A reason not to start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The runtime or its signals could not be set up.
    #[error("the runtime could not be started")]
    Runtime {
        #[source]
        cause: io::Error,
    },
    /// The server or its housekeeping ended by itself.
    #[error("a part of the demo ended by itself: its last log lines say why")]
    Ended,
    /// The address is taken or not ours.
    #[error(
        "cannot listen on {addr}: choose another with `--listen 127.0.0.1:8081`, or `--listen 127.0.0.1:0` for a free port"
    )]
    Listen {
        addr: SocketAddr,
        #[source]
        cause: io::Error,
    },
    /// The data folder cannot be made.
    #[error("the data folder `{}` cannot be made: choose another with --data-dir", path.display())]
    DataDir {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// The database URL is of a kind that the demo has no tables for.
    #[error("the database `{scheme}:` is not served: set DATABASE_URL to `sqlite:PATH`, or leave it out")]
    DatabaseKind { scheme: String },
    /// The database did not open.
    #[error("the database could not be opened: check DATABASE_URL and the folder's rights")]
    Database {
        #[source]
        cause: sqlx::Error,
    },
    /// Redis did not answer.
    #[error(
        "redis at `{url}` cannot be used: start it (`redis-server`), correct REDIS_URL, or leave it out to keep everything in memory"
    )]
    Redis {
        url: String,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A key file cannot be had.
    #[error(transparent)]
    Key(#[from] crate::keys::KeyFileError),
    /// A file that a flag names cannot be read.
    #[error("the file `{}` of {flag} cannot be read", path.display())]
    File {
        flag: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// The file of sites is not the list that it should be.
    #[error("the sites file `{}` cannot be read: see `demo --help` for its form", path.display())]
    SitesFile {
        path: PathBuf,
        #[source]
        cause: serde_json::Error,
    },
    /// A site cannot be registered.
    #[error("the site `{id}` cannot be registered: correct the sites file")]
    Site {
        id: String,
        #[source]
        cause: sso_core::Error,
    },
    /// A site's address cannot stand in a content security policy.
    #[error("`{source_text}` is no place of a site: correct its addresses in the sites file")]
    SiteAddress { source_text: String },
    /// The public address cannot be used.
    #[error(
        "`{url}` is no public address: give `http://host[:port]` or `https://host[:port]`, without a path"
    )]
    PublicUrl { url: String },
    /// A cashier's address cannot stand in a content security policy.
    #[error("`{source_text}` is no address of a cashier: give `https://host` or `https://*.host`")]
    Cashier { source_text: String },
    /// A wildcard address says nothing to a browser.
    #[error("{addr} is every address of this machine: say with --public-url which one browsers use")]
    Wildcard { addr: SocketAddr },
    /// A gateway can be set in two ways, and neither was.
    #[error("a payment gateway has no keys: give {one}, or {other}")]
    Either { one: &'static str, other: &'static str },
    /// The sale store holds a sale with other terms.
    #[error(
        "the sale of `{slug}` could not be opened: all instances need the same database and PAY_MINUTES as the one that opened it first; or give this one another REDIS_URL"
    )]
    Sale {
        slug: String,
        #[source]
        cause: seckill::Error,
    },
    /// A setting was refused by the part that it is for.
    #[error("the {part} could not be set up")]
    Part {
        part: &'static str,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The seeded data were refused.
    #[error("the seeded data were refused: {detail}")]
    Seed { detail: String },
}

impl StartError {
    /// A part that could not be set up.
    pub(crate) fn part<E>(part: &'static str) -> impl FnOnce(E) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        move |cause| Self::Part { part, cause: Box::new(cause) }
    }
}

impl From<Problem> for StartError {
    fn from(problem: Problem) -> Self {
        Self::Seed { detail: problem.detail }
    }
}
