//! Real servers for tests: each started in a fresh temporary directory on a free port, each stopped on drop.
//!
//! ```
//! # fn main() -> Result<(), testkit::Error> {
//! if testkit::skipped("redis") {
//!     return Ok(());
//! }
//! let mut redis = testkit::Redis::start()?;
//! redis.cli(&["SET", "seats", "3"])?;
//! assert_eq!(redis.cli(&["DECR", "seats"])?, "2");
//! redis.kill()?;
//! redis.restart()?;
//! assert_eq!(redis.cli(&["GET", "seats"])?, "");
//! # Ok(()) }
//! ```
//!
//! A server is a value: [`Redis`], [`RedisCluster`], [`RedisSentinel`], [`Sshd`], [`Nginx`], [`Postgres`],
//! [`MariaDb`], [`Chromium`]. Its `start` returns once the server accepts connections, so no test sleeps;
//! for what happens later there is [`until`]. Each test starts its own, so tests run in parallel.
//!
//! What fails in the field fails here on command: [`Proxy`] cuts, keeps and swallows what passes between a client
//! and a server, [`Redis`] is killed, frozen, loses the end of its file or gets another time,
//! [`RedisCluster::begin_move`] stops in the middle of a slot, [`RedisSentinel`] promotes a replica.
//!
//! Programs of other languages, with packages of npm or PyPI that nobody here wrote, are installed once and run by
//! [`ForeignKit`].
//!
//! Parsers of outside bytes are fuzzed by [`fuzz`], without any tool to install.
//!
//! A program that is not installed is an [`Error`] that holds the install command. It is never a silent skip:
//! only the environment variable `TESTKIT_SKIP` leaves a server out, and [`skipped`] says so when it does.
//!
//! When a test panics, the directory with the logs is kept and its path printed.
//!
//! Missing on purpose: containers, default ports, servers shared between tests, and any knowledge of the
//! crates under test. Only Linux is supported.

pub mod fuzz;

mod account;
mod chromium;
mod cluster;
mod error;
mod foreign_kit;
mod home;
mod mariadb;
mod nginx;
mod port;
mod postgres;
mod process;
mod program;
mod proxy;
mod redis;
mod sentinel;
mod skip;
mod sshd;
mod wait;

pub use chromium::Chromium;
pub use cluster::{RedisCluster, SlotMove};
pub use error::{Error, ErrorKind};
pub use foreign_kit::ForeignKit;
pub use mariadb::MariaDb;
pub use nginx::Nginx;
pub use postgres::Postgres;
pub use proxy::Proxy;
pub use redis::{AppendFsync, Redis, RedisOptions};
pub use sentinel::RedisSentinel;
pub use skip::skipped;
pub use sshd::{Sshd, SshdOptions};
pub use wait::until;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
