//! The key set of another issuer, loaded over HTTP when it is needed and not more often.
//!
//! When to load is decided in `rule`, what a reply says in `reply`.

mod reply;
mod rule;

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri, header};
use tokio::sync::MutexGuard as AsyncGuard;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::http_client::HttpClient;
use crate::jws::{Compact, Header};
use crate::key_set::jwks::PublicKeySet;
use crate::key_set::source::KeySource;
use crate::remote_jwks::reply::Fetched;
use crate::remote_jwks::rule::{History, Plan};
use crate::store::BoxFuture;
use crate::time::UnixMillis;
use crate::token::verifier::Verifier;

/// When a remote key set is loaded again, and how long it is used when it cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteJwksLimits {
    /// How long one attempt may take: 5 seconds.
    pub timeout: Duration,
    /// How long to wait between two attempts, whatever tokens ask for: 30 seconds. After a failure it is one second at
    /// first, then twice as long each time, up to this.
    pub cooldown: Duration,
    /// How long a loaded set is used before it is loaded again: 10 minutes.
    pub max_age: Duration,
    /// How long a loaded set is used while it cannot be loaded again: 24 hours. A key that its issuer has discarded
    /// is accepted for as long by whoever cannot reach the issuer.
    pub stale_max: Duration,
}

impl Default for RemoteJwksLimits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            cooldown: Duration::from_secs(30),
            max_age: Duration::from_secs(600),
            stale_max: Duration::from_secs(24 * 3600),
        }
    }
}

/// How current the keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeysReady {
    /// They are as young as the limits ask.
    Fresh,
    /// They are older, because they could not be loaded again or are just being loaded.
    Stale {
        /// When they were loaded.
        since: UnixMillis,
    },
}

/// The key set document at an address, for a [`Verifier`] of somebody else's tokens. A clone is the same one.
///
/// Call [`ready_for`](Self::ready_for) before each verification: mostly it returns at once. There is never more than one
/// request under way, and a token that names an unknown key causes one only outside the cool-down. While the issuer
/// cannot be reached, the keys that were loaded last go on. A redirect is an error, and so is a document above
/// [`PublicKeySet::JWKS_BYTES_MAX`].
///
/// ```
/// use std::sync::Arc;
/// use bytes::Bytes;
/// use sso_core::{Algorithm, BoxFuture, Error, HttpClient, KeySet, RemoteJwks, RemoteJwksLimits};
/// use sso_core::{Signer, SigningKey, UnixMillis, Verifier};
///
/// /// Serves the document itself; a program uses a real client.
/// #[derive(Debug)]
/// struct Here(String);
///
/// impl HttpClient for Here {
///     fn send<'a>(
///         &'a self,
///         _request: http::Request<Bytes>,
///     ) -> BoxFuture<'a, Result<http::Response<Bytes>, Error>> {
///         Box::pin(async { Ok(http::Response::new(Bytes::from(self.0.clone()))) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let theirs = KeySet::new(SigningKey::generate(Algorithm::Es256)?);
/// let now = UnixMillis::now();
/// let claims = serde_json::json!({"iss": "https://idp.example", "aud": "me", "exp": now.as_secs() + 60});
/// let token = Signer::new("JWT", &theirs)?.sign(&claims)?;
///
/// let client = Arc::new(Here(theirs.jwks()?.json));
/// let remote = RemoteJwks::new("https://idp.example/jwks.json", client, RemoteJwksLimits::default())?;
/// let verifier = Verifier::new("https://idp.example", "me", &remote)?.typ("JWT")?;
/// remote.ready_for(&token, now).await?;
/// assert!(verifier.verify_map(&token, now).is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RemoteJwks {
    shared: Arc<Shared>,
}

struct Shared {
    address: Uri,
    client: Arc<dyn HttpClient>,
    limits: RemoteJwksLimits,
    keys: KeySource,
    known: Mutex<Known>,
    flight: tokio::sync::Mutex<Flight>,
}

/// What happened, and the version of what was loaded.
#[derive(Clone, Debug, Default)]
struct Known {
    history: History,
    etag: Option<String>,
}

/// The request that is under way. It outlives a caller who gives up: the next one waits for the same reply, unless
/// the request has grown too old meanwhile.
type Flight = Option<Fetch>;

struct Fetch {
    started_at: Instant,
    reply: BoxFuture<'static, Result<Fetched, Error>>,
}

impl RemoteJwks {
    /// The key set at this address. Nothing is loaded yet.
    ///
    /// # Errors
    /// `InvalidInput` unless the address begins with `https://`, or with `http://` and is this machine itself.
    pub fn new(url: &str, client: Arc<dyn HttpClient>, limits: RemoteJwksLimits) -> Result<Self, Error> {
        let address = url.parse::<Uri>().map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "the address of a key set is no url", source)
        })?;
        let is_safe = match (address.scheme_str(), address.host()) {
            (Some("https"), Some(_)) => true,
            (Some("http"), Some(host)) => ["localhost", "127.0.0.1", "[::1]"].contains(&host),
            _ => false,
        };
        if !is_safe || address.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("a key set must be at an https address without a user, not `{}`", url.escape_debug()),
            ));
        }
        Ok(Self {
            shared: Arc::new(Shared {
                address,
                client,
                limits,
                keys: KeySource::new(PublicKeySet::empty()),
                known: Mutex::default(),
                flight: tokio::sync::Mutex::default(),
            }),
        })
    }

    /// Loads the keys if they are old, or if this token names one that is not among them. It does not verify the
    /// token.
    ///
    /// # Errors
    /// `Unavailable`, often transient, and `PeerMisbehaved` if the keys have never been loaded, or so long ago that
    /// they are not used any more, and cannot be loaded now.
    pub async fn ready_for(&self, token: &str, now: UnixMillis) -> Result<KeysReady, Error> {
        let is_known = kid_of(token).is_none_or(|kid| self.shared.keys.current().find(&kid).is_some());
        self.ready(is_known, now).await
    }

    /// Loads the keys if they are old: to be ready before the first token comes.
    ///
    /// # Errors
    /// As [`ready_for`](Self::ready_for).
    pub async fn refresh(&self, now: UnixMillis) -> Result<KeysReady, Error> {
        self.ready(true, now).await
    }

    async fn ready(&self, is_known: bool, now: UnixMillis) -> Result<KeysReady, Error> {
        let limits = &self.shared.limits;
        let history = self.known().history.clone();
        let failure = match history.plan(limits, is_known, now) {
            Plan::Use => None,
            // Whoever can go on with what is there does not wait for somebody else's request.
            Plan::TryToLoad => match self.shared.flight.try_lock() {
                Ok(flight) => self.load(flight, &history, now).await.err(),
                Err(_busy) => None,
            },
            Plan::Load => {
                let flight = self.shared.flight.lock().await;
                self.load(flight, &history, now).await.err()
            }
        };
        let readiness = self.known().history.readiness(limits, now);
        readiness.ok_or_else(|| failure.unwrap_or_else(|| self.not_loaded()))
    }

    /// Sends a request, or waits for the one that is under way, and takes in what came of it.
    async fn load(
        &self,
        mut flight: AsyncGuard<'_, Flight>,
        seen: &History,
        now: UnixMillis,
    ) -> Result<(), Error> {
        if self.known().history.attempts() != seen.attempts() {
            // Somebody else's request has ended while this caller waited.
            return Ok(());
        }
        // Nobody has looked at a request since its caller gave up: it may have run out of time unseen.
        let timeout = self.shared.limits.timeout;
        *flight = flight.take().filter(|fetch| fetch.started_at.elapsed() < timeout);
        let outcome = poll_fn(|context| {
            // Outside its slot, where a request that panics is not found by the next caller.
            let mut fetch = flight.take().unwrap_or_else(|| self.fetch());
            let polled = fetch.reply.as_mut().poll(context);
            if polled.is_pending() {
                *flight = Some(fetch);
            }
            polled
        })
        .await;
        let mut known = self.known();
        known.history.note(outcome.is_ok(), now);
        match outcome? {
            Fetched::Unchanged => {}
            Fetched::Keys { keys, etag } => {
                known.etag = etag;
                self.shared.keys.replace(keys);
            }
        }
        Ok(())
    }

    fn fetch(&self) -> Fetch {
        let Shared { address, client, limits, .. } = &*self.shared;
        let (client, timeout, etag) = (client.clone(), limits.timeout, self.known().etag.clone());
        let mut request = Request::get(address.clone())
            .header(header::ACCEPT, "application/jwk-set+json, application/json");
        if let Some(etag) = &etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let request = request.body(Bytes::new());
        let reply = Box::pin(async move {
            let request = request.map_err(|source| {
                Error::with_source(ErrorKind::Misuse, "the request for a key set cannot be made", source)
            })?;
            match tokio::time::timeout(timeout, client.send(request)).await {
                Ok(reply) => reply::read(&reply?, etag.is_some()),
                Err(elapsed) => Err(Error::with_source(
                    ErrorKind::Unavailable,
                    format!("the key set did not come within {} ms", timeout.as_millis()),
                    elapsed,
                )
                .transient()),
            }
        });
        Fetch { started_at: Instant::now(), reply }
    }

    fn not_loaded(&self) -> Error {
        let words = format!("the key set at `{}` could not be loaded a moment ago", self.shared.address);
        Error::new(ErrorKind::Unavailable, words).transient()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key that a token names; nothing if it is no token, which no key can change.
fn kid_of(token: &str) -> Option<String> {
    let compact = Some(token).filter(|token| token.len() <= Verifier::TOKEN_BYTES_MAX).map(Compact::parse)?;
    Header::parse(compact.ok()?.header).ok()?.kid
}

impl From<&RemoteJwks> for KeySource {
    fn from(remote: &RemoteJwks) -> Self {
        remote.shared.keys.clone()
    }
}

impl fmt::Debug for RemoteJwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteJwks")
            .field("address", &self.shared.address)
            .field("limits", &self.shared.limits)
            .field("known", &*self.known())
            .finish_non_exhaustive()
    }
}
