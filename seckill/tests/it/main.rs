//! Everything that is tested from outside: the contract of all stores, and what only a server shows.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod rules;
#[cfg(all(test, feature = "redis"))]
mod server;
#[cfg(test)]
mod stage;
