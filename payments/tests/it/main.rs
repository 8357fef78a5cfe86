//! The integration suite: vectors, key shapes, notify rules, the contract of the stores, the sandbox gateway.

#[cfg(test)]
mod admission;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod notify;
#[cfg(test)]
mod query;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod settle_races;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vectors;
