//! Everything that is tested from outside: the contract of all stores, and what only a server shows.

#[cfg(feature = "redis")]
#[cfg(test)]
mod card;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod crowd;
#[cfg(feature = "redis")]
#[cfg(test)]
mod failures;
#[cfg(feature = "gate")]
#[cfg(test)]
mod gate;
#[cfg(test)]
mod history;
#[cfg(feature = "redis")]
#[cfg(test)]
mod latch;
#[cfg(test)]
mod late;
#[cfg(feature = "redis")]
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod life;
#[cfg(test)]
mod model;
#[cfg(test)]
mod opinion;
#[cfg(feature = "redis")]
#[cfg(test)]
mod orders;
#[cfg(test)]
mod rules;
#[cfg(feature = "redis")]
#[cfg(test)]
mod server;
#[cfg(test)]
mod skus;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod stock;
#[cfg(test)]
mod values;
