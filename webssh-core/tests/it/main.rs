//! The tests of webssh-core: the wire, the rules under random histories, and real servers.

#[cfg(test)]
#[cfg(feature = "tungstenite")]
mod adapters;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod audit_bash;
#[cfg(test)]
mod audit_random;
#[cfg(test)]
mod bridge;
#[cfg(test)]
mod bridge_kit;
#[cfg(test)]
mod bridge_resume;
#[cfg(test)]
mod bridge_rules;
#[cfg(test)]
mod bridge_share;
#[cfg(test)]
mod bridge_world;
#[cfg(test)]
#[cfg(feature = "pump")]
mod browser;
#[cfg(test)]
mod client_js;
#[cfg(test)]
#[cfg(any(feature = "ssh2", feature = "russh"))]
mod contract;
#[cfg(test)]
mod docs;
#[cfg(test)]
#[cfg(feature = "pump")]
mod duplex;
#[cfg(test)]
#[cfg(any(feature = "ssh2", feature = "russh"))]
mod files;
#[cfg(test)]
mod files_packets;
#[cfg(test)]
#[cfg(feature = "pump")]
mod files_played;
#[cfg(test)]
mod frames;
#[cfg(test)]
#[cfg(feature = "host-certificates")]
mod host_certificates;
#[cfg(test)]
#[cfg(any(feature = "ssh2", feature = "russh"))]
mod hostile;
#[cfg(test)]
#[cfg(feature = "pump")]
mod hosts;
#[cfg(test)]
#[cfg(feature = "pump")]
mod hub;
#[cfg(test)]
#[cfg(feature = "pump")]
mod hub_budget;
#[cfg(test)]
#[cfg(feature = "pump")]
mod hub_cuts;
#[cfg(test)]
#[cfg(feature = "pump")]
mod hub_dialogue;
#[cfg(test)]
mod known_hosts;
#[cfg(test)]
#[cfg(feature = "pump")]
mod lab;
#[cfg(test)]
mod presets;
#[cfg(test)]
#[cfg(feature = "axum")]
mod presets_page;
#[cfg(test)]
#[cfg(feature = "pump")]
mod pump;
#[cfg(test)]
#[cfg(feature = "pump")]
mod pump_session;
#[cfg(test)]
#[cfg(feature = "pump")]
mod record;
#[cfg(test)]
mod sanitize;
#[cfg(test)]
#[cfg(feature = "ssh2")]
mod sshd;
#[cfg(test)]
mod targets;
#[cfg(test)]
mod throttle;
#[cfg(test)]
mod tickets;
#[cfg(test)]
mod transcript;
