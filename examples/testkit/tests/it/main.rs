//! Starts every server once, has one real exchange with it, and looks that nothing is left behind.

#[cfg(test)]
mod client;
#[cfg(test)]
mod data_servers;
#[cfg(test)]
mod foreign_kit;
#[cfg(test)]
mod gone;
#[cfg(test)]
mod http;
#[cfg(test)]
mod net_servers;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod redis_failover;
#[cfg(test)]
mod redis_faults;
#[cfg(test)]
mod redis_servers;
#[cfg(test)]
mod rules;
