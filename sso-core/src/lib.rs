//! Log in once, be known on every server.
//!
//! ```
//! use std::sync::Arc;
//! use sso_core::{
//!     Admission, Check, CookieConfig, CookieRead, DeviceKind, Login, MemoryStore, SessionLimits, Sso, UserId,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sso_core::Error> {
//! let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
//! let cookie = CookieConfig::host("sid")?;
//!
//! // The user has proved who they are: hand out a cookie.
//! let alice = UserId::new("alice")?;
//! let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
//! let Admission::Admitted(signed_in) = sso.login(&alice, login).await? else { return Ok(()) };
//! let set_cookie = cookie.set(&signed_in.secret, signed_in.session.cookie_max_age());
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
//! - A [`Session`] begins with [`Sso::login`], if the [`LoginPolicy`] admits it, and ends for an [`EndReason`]. Its
//!   [`SessionSecret`] is in the browser's cookie, written and read by a [`CookieConfig`]; the store knows only the
//!   digest of it.
//! - What changes in a session is an [`Amendment`]: its secret ([`Sso::renew`]), its [`Attributes`]
//!   ([`Sso::amend`]), its [`Proofs`] ([`Sso::step_up`]). [`SessionEvents`] are told what happens.
//! - Administrators see who is [`Online`], [`kick`](Sso::kick), and [`impersonate`](Sso::impersonate).
//! - A [`SessionStore`] keeps sessions: [`MemoryStore`] in this process, `RedisStore` (feature `redis`) for many
//!   servers. [`SessionLimits`] say how long they live. An ended session leaves its [`End`] behind for
//!   [`TOMBSTONE_MILLIS`], and nothing revives it.
//! - An access token (feature `token`, RFC 9068) tells other services who the user is, without a store: an
//!   `Issuer` signs `Claims` with the active key of a `KeySet`, a `Verifier` turns text into `Verified` claims
//!   or says why not, and the key set's `Jwks` document tells everybody the public keys. A `Signer` signs other
//!   claims. A `KeyRing` replaces the keys by time, for all servers that share its `KeyRingStore`; a `VerifyCache`
//!   remembers tokens; a `RemoteJwks` (feature `remote-jwks`) loads the keys of another issuer.
//! - An access token is called back by a `Revoker`; every server follows the log in its `Revocations`, with a stated
//!   bound of staleness, and its `Verifier` asks them. A [`Refresher`] exchanges refresh tokens, each of them once:
//!   a stolen one ends its [`Family`].
//! - A `PasswordHasher` (feature `password`) checks passwords and gives strangers the same answer after the same
//!   work; a `Throttle` in front of it slows down who guesses.
//! - `social` (feature `social`) signs in with QQ, WeChat, Weibo, GitHub and any provider of OpenID Connect.
//! - `Tickets` and a `Provider` (feature `provider`) let other sites know who is signed in here: by a one-shot ticket,
//!   or as an OpenID provider for any standard client. `SingleLogout` tells them when it is over.
//!
//! # Features
//!
//! `token` (default), `remote-jwks`, `password`, `redis`, `deadpool` (stores over a pool that the application holds),
//! `social`, `reqwest` (an `HttpClient`), `provider`, `jsonwebtoken` (our keys for services that verify with it), and `testing` (a simulator of the providers of `social`). Without
//! features there is no runtime and no network in the tree.
//!
//! # Missing on purpose
//!
//! Web frameworks: headers come in and go out as text. Users: the application has them. A choice of algorithm in
//! a token's header: that is how tokens are forged, so the algorithm belongs to the key. Agreement between several
//! Redis: after a fail-over or a restart, Redis may have lost the last writes that it acknowledged, so a session that
//! was just ended may live again; end it once more.
//!
//! # More to read
//!
//! In the crate's folder `docs`: `coming-from.md` for users of Sa-Token, Spring Session, simplejwt and tower-sessions;
//! `threat-model.md` with each attack and the test that covers it.

#[cfg(any(feature = "social", feature = "reqwest"))]
mod address;
#[cfg(feature = "token")]
mod claims;
#[cfg(feature = "reqwest")]
mod client;
mod cookie;
mod edge;
mod error;
#[cfg(feature = "provider")]
mod form;
#[cfg(any(feature = "remote-jwks", feature = "social", feature = "reqwest", feature = "provider"))]
mod http_client;
#[cfg(feature = "jsonwebtoken")]
mod interop;
#[cfg(feature = "token")]
mod jws;
#[cfg(feature = "token")]
mod key_ring;
#[cfg(feature = "token")]
mod key_set;
#[cfg(feature = "token")]
mod off_thread;
#[cfg(feature = "password")]
mod password;
#[cfg(feature = "provider")]
mod provider;
#[cfg(feature = "testing")]
pub mod provider_sim;
mod refresh;
#[cfg(feature = "token")]
mod rejected;
#[cfg(feature = "remote-jwks")]
mod remote_jwks;
#[cfg(feature = "token")]
mod revocation;
mod secret;
mod session;
#[cfg(feature = "provider")]
mod signed;
#[cfg(feature = "token")]
mod signer;
#[cfg(feature = "provider")]
mod single_logout;
#[cfg(feature = "provider")]
mod sites;
#[cfg(feature = "social")]
pub mod social;
mod sso;
mod store;
#[cfg(feature = "token")]
mod strict_json;
#[cfg(feature = "password")]
mod throttle;
#[cfg(feature = "provider")]
mod ticket;
mod time;
#[cfg(feature = "token")]
mod token;
mod user_id;
#[cfg(feature = "token")]
mod verify_cache;

#[cfg(feature = "token")]
pub use claims::{Claims, Lifetime, TokenId};
#[cfg(feature = "reqwest")]
pub use client::ReqwestClient;
pub use cookie::{CookieConfig, CookieRead};
pub use error::{Error, ErrorKind};
#[cfg(any(feature = "remote-jwks", feature = "social", feature = "reqwest", feature = "provider"))]
pub use http_client::HttpClient;
#[cfg(feature = "token")]
pub use key_ring::directory::DirectoryKeyRingStore;
#[cfg(feature = "token")]
pub use key_ring::memory::MemoryKeyRingStore;
#[cfg(feature = "token")]
pub use key_ring::policy::KeyPolicy;
#[cfg(all(feature = "token", feature = "redis"))]
pub use key_ring::redis::RedisKeyRingStore;
#[cfg(all(feature = "token", feature = "redis"))]
pub use key_ring::seal::SealKey;
#[cfg(feature = "token")]
pub use key_ring::store::{KeptRing, KeyRingStore, Replaced};
#[cfg(feature = "token")]
pub use key_ring::{Discarded, KeyRing, KeyTurn, RingKey, Rotation};
#[cfg(feature = "token")]
pub use key_set::KeySet;
#[cfg(feature = "token")]
pub use key_set::algorithm::Algorithm;
#[cfg(feature = "token")]
pub use key_set::jwks::{Jwks, JwksAnswer, PublicKeySet};
#[cfg(feature = "token")]
pub use key_set::signing_key::SigningKey;
#[cfg(feature = "token")]
pub use key_set::source::{KeySource, SigningSource};
#[cfg(feature = "token")]
pub use key_set::verifying_key::VerifyingKey;
#[cfg(feature = "password")]
pub use password::cost::PasswordParams;
#[cfg(feature = "password")]
pub use password::hash::{PasswordHash, PasswordSalt};
#[cfg(feature = "password")]
pub use password::{PasswordCheck, PasswordHasher};
#[cfg(feature = "provider")]
pub use provider::accounts::Accounts;
#[cfg(feature = "provider")]
pub use provider::authorize::{AuthorizeStep, Consent};
#[cfg(feature = "provider")]
pub use provider::config::ProviderConfig;
#[cfg(feature = "provider")]
pub use provider::end_session::{Confirmed, EndSessionStep};
#[cfg(feature = "provider")]
pub use provider::endpoints::Endpoints;
#[cfg(feature = "provider")]
pub use provider::{Caller, Provider};
pub use refresh::limits::RefreshLimits;
pub use refresh::memory::MemoryRefreshStore;
pub use refresh::names::{ClientId, FamilyId, FamilyKey, Scope};
#[cfg(feature = "redis")]
pub use refresh::redis::RedisRefreshStore;
pub use refresh::refresher::{IssueOutcome, RefreshOutcome, Refresher};
pub use refresh::request::{Grant, NewFamily, Presented};
pub use refresh::rule::{
    FAMILIES_PER_USER_MAX, FamilyKept, FamilyParent, FamilyRecord, FamilyState, FamilyTombstone,
    RotateOutcome, Rotation as FamilyRotation, decide_rotation, family_state,
};
pub use refresh::secret::{RefreshSecret, SecretDigest};
pub use refresh::{Families, Family, FamilyEnd, RefreshStore, RevokeFamily};
#[cfg(feature = "token")]
pub use rejected::TokenRejected;
#[cfg(feature = "remote-jwks")]
pub use remote_jwks::{KeysReady, RemoteJwks, RemoteJwksLimits};
#[cfg(feature = "token")]
pub use revocation::memory::MemoryRevocations;
#[cfg(all(feature = "token", feature = "redis"))]
pub use revocation::redis::RedisRevocations;
#[cfg(feature = "token")]
pub use revocation::revoker::Revoker;
#[cfg(feature = "token")]
pub use revocation::rule::{Epoch, Revocation};
#[cfg(all(feature = "token", feature = "redis"))]
pub use revocation::view::{OnStale, RevocationCheck, Revocations, RevocationsConfig};
#[cfg(feature = "token")]
pub use revocation::{LogPage, LogPoint, ReadFrom, RevocationStore, RevocationView, RevokeOutcome};
pub use secret::{SessionKey, SessionSecret};
pub use session::admission::{Verdict, admit, fits};
pub use session::amend::{Amended, Amendment};
pub use session::attributes::{AttributeName, AttributeValue, Attributes};
pub use session::changes::Changes;
pub use session::end::{End, EndOutcome, EndReason, Which};
pub use session::event::{Answer, SessionEvent, SessionEvents};
pub use session::limits::SessionLimits;
pub use session::login::{DeviceKind, Lifespan, Login, NewSession};
pub use session::online::{Cursor, Online, OnlinePage, PageSize};
pub use session::policy::{Admission, LoginPolicy, Overflow, Refusal};
pub use session::proof::{Proof, Proofs, Purpose};
pub use session::rule::{
    Decision, IMPERSONATIONS_PER_USER_MAX, Kept, RENEWALS_FOLLOWED_MAX, Record, SESSIONS_PER_USER_MAX,
    TOMBSTONE_MILLIS, decide,
};
pub use session::{Check, Session, SessionId};
#[cfg(feature = "token")]
pub use signer::Signer;
#[cfg(feature = "provider")]
pub use single_logout::receiver::{LogoutNotice, LogoutReceived, LogoutReceiver, LogoutRefused};
#[cfg(feature = "provider")]
pub use single_logout::{SingleLogout, Told, ToldOutcome};
#[cfg(feature = "provider")]
pub use sites::client::{Client, ConsentPolicy};
#[cfg(feature = "provider")]
pub use sites::grant::{GrantBinding, GrantKey, GrantKind, GrantSecret, NewGrant};
#[cfg(feature = "provider")]
pub use sites::memory::MemorySiteStore;
#[cfg(feature = "provider")]
pub use sites::once::{OnceKey, OnceStore};
#[cfg(all(feature = "provider", feature = "redis"))]
pub use sites::redis::RedisSiteStore;
#[cfg(feature = "provider")]
pub use sites::registry::{AuthenticatedClient, Clients};
#[cfg(feature = "provider")]
pub use sites::rule::GRANTS_PER_SESSION_MAX;
#[cfg(feature = "provider")]
pub use sites::secret::{ClientSecret, ClientSecretHash};
#[cfg(feature = "provider")]
pub use sites::site_session::SiteSession;
#[cfg(feature = "provider")]
pub use sites::url::SiteUrl;
#[cfg(feature = "provider")]
pub use sites::{GrantKept, NoticeFate, PendingNotice, PresentedGrant, Redeemed, SiteStore, Standing};
pub use sso::{Impersonation, SignedIn, Sso};
pub use store::memory::MemoryStore;
#[cfg(feature = "redis")]
pub use store::redis::RedisStore;
pub use store::{At, BoxFuture, SessionStore, TIDY_USERS};
#[cfg(feature = "password")]
pub use throttle::device::{DeviceKey, DeviceProof};
#[cfg(feature = "password")]
pub use throttle::guess::{CounterKey, Guess};
#[cfg(feature = "password")]
pub use throttle::memory::MemoryThrottleStore;
#[cfg(feature = "password")]
pub use throttle::policy::{Pace, ThrottlePolicy};
#[cfg(all(feature = "password", feature = "redis"))]
pub use throttle::redis::RedisThrottleStore;
#[cfg(feature = "password")]
pub use throttle::rule::Failures;
#[cfg(feature = "password")]
pub use throttle::{Attempt, MayGuess, Throttle, ThrottleStore, ThrottledBy, Wait};
#[cfg(feature = "provider")]
pub use ticket::{TicketIssue, TicketRedeem, Tickets, challenge_s256};
pub use time::UnixMillis;
#[cfg(feature = "token")]
pub use token::verifier::Verifier;
#[cfg(feature = "token")]
pub use token::{Issuer, Verified};
pub use user_id::{UserId, UserTag};
#[cfg(feature = "token")]
pub use verify_cache::VerifyCache;

#[cfg(all(doctest, feature = "token", feature = "password"))]
#[doc = include_str!("../README.md")]
struct Readme;
