//! Log in once, be known on every server.
//!
//! ```
//! use std::sync::Arc;
//! use sso_core::{Check, CookieConfig, CookieRead, DeviceKind, Login, MemoryStore, SessionLimits, Sso, UserId};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sso_core::Error> {
//! let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
//! let cookie = CookieConfig::host("sid")?;
//!
//! // The user has proved who they are: hand out a cookie.
//! let alice = UserId::new("alice")?;
//! let signed_in = sso.login(&alice, Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7")).await?;
//! let set_cookie = cookie.set(&signed_in.secret, sso.limits().absolute());
//!
//! // The next request, on any server that shares the store.
//! # let header = set_cookie.split(';').next().unwrap_or_default();
//! let CookieRead::Secret(secret) = cookie.read(header) else { return Ok(()) };
//! let Check::Active(session) = sso.check(&secret).await? else { return Ok(()) };
//! assert_eq!(session.user, alice);
//! # Ok(())
//! # }
//! ```
//!
//! # The nouns
//!
//! - A [`Session`] begins with [`Sso::login`] and ends for an [`EndReason`]. Its [`SessionSecret`] is in the
//!   browser's cookie, written and read by a [`CookieConfig`]; the store knows only the digest of it.
//! - A [`SessionStore`] keeps sessions: [`MemoryStore`] in this process, `RedisStore` (feature `redis`) for many
//!   servers. [`SessionLimits`] say how long they live. An ended session leaves its reason behind for
//!   [`TOMBSTONE_MILLIS`], and nothing revives it.
//! - An access token (feature `token`, RFC 9068) tells other services who the user is, without a store: an
//!   `Issuer` signs `Claims` with the active key of a `KeySet`, a `Verifier` turns text into `Verified` claims
//!   or says why not, and the key set's `Jwks` document tells everybody the public keys.
//! - A `PasswordHasher` (feature `password`) checks passwords and gives strangers the same answer after the same
//!   work.
//!
//! # Features
//!
//! `token` (default), `password`, `redis`, `deadpool` (a `RedisStore` over a pool). Without features there is no
//! runtime and no network in the tree.
//!
//! # Missing on purpose
//!
//! Web frameworks: headers come in and go out as text. Users: the application has them. Algorithms besides
//! RS256: a choice in the token's header is how tokens are forged. A sign-out for access tokens: give them a
//! short life. Agreement between several Redis: after a fail-over or a restart, Redis may have lost the last
//! writes that it acknowledged, so a session that was just ended may live again; end it once more.

mod cookie;
mod edge;
mod error;
mod secret;
mod session;
mod sso;
mod store;
mod time;
mod user_id;

#[cfg(feature = "token")]
mod claims;
#[cfg(feature = "token")]
mod jws;
#[cfg(feature = "token")]
mod key_set;
#[cfg(feature = "token")]
mod rejected;
#[cfg(feature = "token")]
mod strict_json;
#[cfg(feature = "token")]
mod token;

#[cfg(feature = "password")]
mod password;

pub use cookie::{CookieConfig, CookieRead};
pub use error::{Error, ErrorKind};
pub use secret::{SessionKey, SessionSecret};
pub use session::limits::SessionLimits;
pub use session::login::{DeviceKind, Login, NewSession};
pub use session::rule::{Decision, Kept, Record, SESSIONS_PER_USER_MAX, TOMBSTONE_MILLIS, Tombstone, decide};
pub use session::{Check, EndOutcome, EndReason, Session, SessionId};
pub use sso::{SignedIn, Sso};
pub use store::memory::MemoryStore;
#[cfg(feature = "redis")]
pub use store::redis::RedisStore;
pub use store::{At, BoxFuture, SessionStore};
pub use time::UnixMillis;
pub use user_id::{UserId, UserTag};

#[cfg(feature = "token")]
pub use claims::{Claims, Lifetime, TokenId};
#[cfg(feature = "token")]
pub use key_set::KeySet;
#[cfg(feature = "token")]
pub use key_set::jwks::{Jwks, PublicKeySet};
#[cfg(feature = "token")]
pub use key_set::signing_key::SigningKey;
#[cfg(feature = "token")]
pub use key_set::verifying_key::VerifyingKey;
#[cfg(feature = "token")]
pub use rejected::TokenRejected;
#[cfg(feature = "token")]
pub use token::{Issuer, Verified, Verifier};

#[cfg(feature = "password")]
pub use password::{PasswordCheck, PasswordHash, PasswordHasher, PasswordParams, PasswordSalt};

#[cfg(all(doctest, feature = "token", feature = "password"))]
#[doc = include_str!("../README.md")]
struct Readme;
