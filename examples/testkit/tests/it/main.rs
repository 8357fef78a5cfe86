//! Starts every server once, has one real exchange with it, and looks that nothing is left behind.

#[cfg(test)]
mod data_servers;
#[cfg(test)]
mod gone;
#[cfg(test)]
mod http;
#[cfg(test)]
mod net_servers;
#[cfg(test)]
mod redis_servers;
#[cfg(test)]
mod rules;
