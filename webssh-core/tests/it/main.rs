//! The tests of webssh-core: the wire, the rules under random histories, and real servers.

#[cfg(test)]
mod bridge;
#[cfg(test)]
mod bridge_rules;
#[cfg(test)]
#[cfg(feature = "pump")]
mod browser;
#[cfg(test)]
mod client_js;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod known_hosts;
#[cfg(test)]
#[cfg(feature = "pump")]
mod pump;
#[cfg(test)]
#[cfg(feature = "ssh2")]
mod sshd;
