//! One binary: the rules, the reference model, the contract of the stores, the live policy, what the tests of peers expect.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod codec;
#[cfg(test)]
mod compile;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod diff;
#[cfg(test)]
mod edit;
#[cfg(test)]
mod gated;
#[cfg(feature = "redis")]
#[cfg(test)]
mod hint_redis;
#[cfg(test)]
mod import;
#[cfg(test)]
mod live;
#[cfg(all(feature = "sqlite", feature = "tokio"))]
#[cfg(test)]
mod live_sql;
#[cfg(test)]
mod names;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod predicate;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod scope;
#[cfg(test)]
mod session;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
#[cfg(test)]
mod sql;
#[cfg(test)]
mod transaction;
#[cfg(feature = "tokio")]
#[cfg(test)]
mod watch;
#[cfg(test)]
mod world;
