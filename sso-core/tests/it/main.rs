//! The tests of this crate that use nothing but its public side.

#[cfg(test)]
mod broken_store;
#[cfg(test)]
#[cfg(feature = "redis")]
mod cluster;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod cookie;
#[cfg(test)]
mod docs;
#[cfg(test)]
#[cfg(feature = "redis")]
mod failures;
#[cfg(test)]
#[cfg(feature = "provider")]
mod logout;
#[cfg(test)]
#[cfg(feature = "password")]
mod password;
#[cfg(test)]
#[cfg(feature = "provider")]
mod provider;
#[cfg(test)]
#[cfg(feature = "redis")]
mod redis_contract;
#[cfg(test)]
#[cfg(feature = "redis")]
mod redis_look;
#[cfg(test)]
#[cfg(feature = "redis")]
mod redis_races;
#[cfg(test)]
#[cfg(feature = "redis")]
mod redis_store;
#[cfg(test)]
#[cfg(feature = "redis")]
mod redis_tampered;
#[cfg(test)]
mod refresh;
#[cfg(test)]
#[cfg(feature = "redis")]
mod refresh_redis;
#[cfg(test)]
mod refresh_session;
#[cfg(test)]
#[cfg(feature = "token")]
mod revocation;
#[cfg(test)]
#[cfg(all(feature = "redis", feature = "token"))]
mod revocation_redis;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod sessions_store;
#[cfg(test)]
#[cfg(feature = "testing")]
mod social;
#[cfg(test)]
#[cfg(feature = "password")]
mod throttle;
#[cfg(test)]
#[cfg(feature = "password")]
mod throttle_contract;
#[cfg(test)]
#[cfg(feature = "provider")]
mod ticket;
#[cfg(test)]
#[cfg(feature = "provider")]
mod ticket_contract;
#[cfg(test)]
#[cfg(feature = "token")]
mod token;
#[cfg(test)]
#[cfg(feature = "token")]
mod token_algorithms;
#[cfg(test)]
#[cfg(feature = "token")]
mod token_attacks;
#[cfg(test)]
#[cfg(feature = "token")]
mod token_cache;
#[cfg(test)]
#[cfg(feature = "token")]
mod token_forgery;
#[cfg(test)]
#[cfg(feature = "remote-jwks")]
mod token_remote;
#[cfg(test)]
#[cfg(all(feature = "token", unix))]
mod token_ring;
#[cfg(test)]
#[cfg(all(feature = "token", feature = "redis", unix))]
mod token_ring_redis;
#[cfg(test)]
#[cfg(feature = "token")]
mod vectors;
