//! The gate from outside: texts that anybody may send, the rules, the contract of all stores, the façade.

mod contract;
mod door;
mod room;
#[cfg(feature = "redis")]
mod server;
mod stage;
mod token;
