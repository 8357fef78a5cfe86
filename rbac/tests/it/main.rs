//! One binary: the rules, the reference model, the contract of the stores, the live policy.

#[cfg(test)]
mod compile;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod gated;
#[cfg(test)]
mod live;
#[cfg(test)]
mod lockout;
#[cfg(test)]
mod names;
#[cfg(test)]
mod reference;
#[cfg(feature = "sqlite")]
#[cfg(test)]
mod sqlite;
#[cfg(test)]
mod world;
