//! Sign-in with QQ, WeChat, Weibo, GitHub and any provider of OpenID Connect: one shape for all of them.
//!
//! A [`Provider`] is configuration and protocol as values: it says where the browser goes, reads the [`Callback`]
//! with which it returns, and leads through an [`Exchange`] of requests and replies to an [`Identity`]. A
//! [`SignIn`] adds what has to be kept and sent: a [`PendingStore`] for attempts, an
//! [`HttpClient`](crate::HttpClient) for requests, a [`BrowserCookie`].
//!
//! # What is watched
//!
//! - A [`State`] works once, for ten minutes, for one provider and for the browser in which it was made. The store
//!   knows digests; `nonce` and code verifier are computed from the cookie, and kept nowhere.
//! - WeChat's client calls back twice with one state: the second call gets the result of the first.
//! - A token that was given to another application is refused: QQ's `client_id` and Weibo's `appkey` are
//!   compared, an ID token has this application as its only audience.
//! - A virtual user of a WeChat snapshot page is nobody: [`SocialRefused::SnapshotUser`].
//! - An openid is a [`Subject`], a unionid is a [`UnionId`]: neither passes for the other.
//! - No secret is printed, in no address, by no error. What a provider writes about itself is bounded and cleaned.
//!
//! # When the cookie is lost
//!
//! Some web views lose cookies between two pages. The callback is then [`SocialRefused::OtherBrowser`], and the
//! way on is to begin again, once: inside WeChat with the scope `snsapi_base` nobody has to click. The state is
//! never taken without the cookie; that would sign a victim in to an attacker's account.
//!
//! # Missing on purpose
//!
//! The provider's token: it is dropped as soon as the identity is known, so nobody can steal it here. Joining
//! accounts by mail address: an address is no proof of identity, see [`Email`]. PKCE with QQ, WeChat and Weibo,
//! which have none: there the state alone ties a code to its browser.

mod app;
mod attempt;
mod browser;
mod callback;
mod discovery;
mod exchange;
mod github;
mod hidden;
mod id_token;
mod identity;
mod oidc;
mod pending;
mod provider;
mod qq;
mod refused;
mod reply;
mod request;
mod sign_in;
mod wechat;
mod weibo;

pub use app::App;
#[cfg(feature = "testing")]
pub(crate) use app::private_address;
pub use attempt::{Attempt, BrowserDigest, BrowserSecret, PendingKey, State};
pub use browser::BrowserCookie;
pub use callback::{Callback, GrantCode};
pub use discovery::Discovery;
pub use exchange::{Exchange, Progress};
#[cfg(feature = "testing")]
pub(crate) use id_token::at_hash;
pub use identity::{Email, Identity, Subject, UnionId};
pub use pending::memory::MemoryPendingStore;
#[cfg(feature = "redis")]
pub use pending::redis::RedisPendingStore;
pub use pending::{LEASE_MILLIS, PENDING_MILLIS, Pending, PendingStore, REPLAY_MILLIS, ReturnTo, Take};
pub use provider::{Provider, ProviderKind};
pub use refused::SocialRefused;
pub use sign_in::{Begun, SignIn, SocialSignIn};
