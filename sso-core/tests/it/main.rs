//! The tests of this crate that use nothing but its public side.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod cookie;
#[cfg(test)]
#[cfg(feature = "password")]
mod password;
#[cfg(test)]
#[cfg(feature = "redis")]
mod redis_store;
#[cfg(test)]
mod sessions;
#[cfg(test)]
#[cfg(feature = "token")]
mod token;
#[cfg(test)]
#[cfg(feature = "token")]
mod token_attacks;
