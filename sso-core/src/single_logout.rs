//! Telling the sites that took part in a session that it has ended (OpenID Connect Back-Channel Logout 1.0).
//!
//! What has to be told is in a [`SiteStore`]; what is sent is a signed token in a form. Receiving is in `receiver`.

pub(crate) mod notice;
pub(crate) mod receiver;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;

use crate::claims::TokenId;
use crate::error::{Error, ErrorKind};
use crate::http_client::HttpClient;
use crate::key_set::source::SigningSource;
use crate::refresh::names::ClientId;
use crate::session::SessionId;
use crate::signer::Signer;
use crate::single_logout::notice::{TYP, Verdict};
use crate::sites::registry::Clients;
use crate::sites::{NoticeFate, PendingNotice, SiteStore};
use crate::store::At;
use crate::time::UnixMillis;

/// Ends sessions at all the sites that took part in them.
///
/// [`end`](Self::end) writes down who has to be told, in the user's request; [`deliver`](Self::deliver) tells them,
/// in a loop of the application's on any server that shares the store. What one server took and did not finish,
/// another one takes over after [`SingleLogout::LEASE`].
///
/// ```
/// # use bytes::Bytes;
/// # use sso_core::{BoxFuture, Error, HttpClient};
/// use std::sync::Arc;
/// use sso_core::{Clients, KeySet, MemorySiteStore, SigningKey, SingleLogout, UnixMillis};
/// # #[derive(Debug)]
/// # struct Client;
/// # impl HttpClient for Client {
/// #     fn send<'a>(&'a self, _: http::Request<Bytes>) -> BoxFuture<'a, Result<http::Response<Bytes>, Error>> {
/// #         Box::pin(async { Ok(http::Response::new(Bytes::new())) })
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let keys = KeySet::new(SigningKey::generate_rs256()?);
/// let (clients, store) = (Clients::new([])?, Arc::new(MemorySiteStore::new()));
/// let logout = SingleLogout::new("https://sso.example", &keys, clients, store, Arc::new(Client))?;
/// // In a loop, every second or so:
/// for told in logout.deliver(UnixMillis::now()).await? {
///     println!("{}: {:?}", told.client.as_str(), told.outcome);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SingleLogout {
    issuer: Arc<str>,
    signer: Signer,
    clients: Clients,
    store: Arc<dyn SiteStore>,
    http: Arc<dyn HttpClient>,
}

/// What became of telling a site, for logs and counters. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// The session that has ended.
    pub session: SessionId,
    /// The site.
    pub client: ClientId,
    /// The how-manieth attempt it was, from 1.
    pub attempt: u32,
    /// What became of it.
    pub outcome: ToldOutcome,
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToldOutcome {
    /// The site has ended its part of the session.
    Done,
    /// The site wants no notices: no address is registered, or the client is not any more.
    NoAddress,
    /// It did not work. It is tried again.
    Again {
        /// After how long.
        after: Duration,
        /// Why it did not work.
        because: String,
    },
    /// The notice could not be made, or what became of it could not be noted. The site is told again after
    /// [`SingleLogout::LEASE`], perhaps for the second time: sites must not mind.
    Unsettled {
        /// What went wrong here.
        because: String,
    },
    /// It did not work, and is not tried again: the site's part of the session lives until it expires there.
    GivenUp {
        /// Why it did not work.
        because: String,
    },
}

impl SingleLogout {
    /// How long a server may take to tell a site before another server tries: the time limit of the
    /// [`HttpClient`] must be shorter.
    pub const LEASE: Duration = Duration::from_secs(60);
    /// How often a site is told, at most. With the pauses between, that is about seventeen minutes.
    pub const ATTEMPTS_MAX: u32 = 10;
    /// How many sessions one [`deliver`](Self::deliver) works on, at most.
    pub const SESSIONS_MAX: usize = 16;

    /// Single logout in the name of this issuer.
    ///
    /// # Errors
    /// `InvalidInput` unless the issuer is 1 to 256 bytes long.
    pub fn new(
        issuer: &str,
        keys: impl Into<SigningSource>,
        clients: Clients,
        store: Arc<dyn SiteStore>,
        http: Arc<dyn HttpClient>,
    ) -> Result<Self, Error> {
        if !(1..=256).contains(&issuer.len()) {
            return Err(Error::new(ErrorKind::InvalidInput, "an issuer must be 1 to 256 bytes long"));
        }
        Ok(Self { issuer: Arc::from(issuer), signer: Signer::new(TYP, keys)?, clients, store, http })
    }

    /// Notes that a session has ended: no ticket and no code of it is redeemed from now on, and its sites are due
    /// to be told. Returns how many they are. To do it again is harmless.
    ///
    /// Call it for every session that ends. Before [`Sso::logout`](crate::Sso::logout), with the name of the session
    /// that was checked: if it fails, the user is still signed in and can try again. For all other ends, with the name
    /// in [`SessionEvent::Ended`](crate::SessionEvent::Ended), whoever ended it and wherever it is noticed. Never for
    /// [`SessionEvent::Renewed`](crate::SessionEvent::Renewed): the session goes on under its name. That name is
    /// [`Session::id`](crate::Session), and after a renewal not the one that the new secret's key gives.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use sso_core::{BoxFuture, Error, HttpClient};
    /// use std::sync::{Arc, Mutex};
    /// use sso_core::{
    ///     Amended, Changes, Clients, DeviceKind, KeySet, Login, MemorySiteStore, MemoryStore, SessionEvent,
    ///     SessionLimits, SigningKey, SingleLogout, Sso, UserId,
    /// };
    /// # #[derive(Debug)]
    /// # struct Client;
    /// # impl HttpClient for Client {
    /// #     fn send<'a>(&'a self, _: http::Request<Bytes>) -> BoxFuture<'a, Result<http::Response<Bytes>, Error>> {
    /// #         Box::pin(async { Ok(http::Response::new(Bytes::new())) })
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sso_core::Error> {
    /// # let keys = KeySet::new(SigningKey::generate_rs256()?);
    /// # let (clients, store) = (Clients::new([])?, Arc::new(MemorySiteStore::new()));
    /// let ended = Arc::new(Mutex::new(Vec::new()));
    /// let queue = ended.clone();
    /// let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default())
    ///     .events(Arc::new(move |event: &SessionEvent| {
    ///         if let SessionEvent::Ended { session, .. } = event {
    ///             queue.lock().unwrap().push(session.id.clone());
    ///         }
    ///     }));
    /// let logout = SingleLogout::new("https://sso.example", &keys, clients, store, Arc::new(Client))?;
    ///
    /// let alice = UserId::new("alice")?;
    /// let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    /// let Some(begun) = sso.login(&alice, login).await?.admitted() else { return Ok(()) };
    /// let Amended::Done(renewed) = sso.renew(&begun.secret, Changes::new()).await? else { return Ok(()) };
    /// assert_eq!(renewed.session.id, begun.session.id);
    /// sso.logout_all(&alice).await?;
    /// // In the loop that delivers, for instance:
    /// let ended = std::mem::take(&mut *ended.lock().unwrap());
    /// assert_eq!(ended, [begun.session.id]);
    /// for session in &ended {
    ///     logout.end(session).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the store. After a transient one the session may be noted as ended or not: call again.
    pub async fn end(&self, session: &SessionId) -> Result<u64, Error> {
        self.store.end(session, At::Server).await
    }

    /// Tells what is due, each site once, all at the same time.
    ///
    /// # Errors
    /// Those of the store, if it does not say what is due. What goes wrong with one site is in its [`Told`].
    pub async fn deliver(&self, now: UnixMillis) -> Result<Vec<Told>, Error> {
        let due = self.store.due(Self::SESSIONS_MAX, Self::LEASE, At::Server).await?;
        Ok(join_all(due.iter().map(|notice| self.tell(notice, now))).await)
    }

    async fn tell(&self, notice: &PendingNotice, now: UnixMillis) -> Told {
        let outcome = self.tell_and_note(notice, now).await;
        Told {
            session: notice.session.clone(),
            client: notice.client.clone(),
            attempt: notice.attempt,
            outcome: outcome.unwrap_or_else(|error| ToldOutcome::Unsettled { because: error.to_string() }),
        }
    }

    /// Tells one site and notes what became of it.
    async fn tell_and_note(&self, notice: &PendingNotice, now: UnixMillis) -> Result<ToldOutcome, Error> {
        let outcome = self.outcome(notice, now).await?;
        let fate = match &outcome {
            ToldOutcome::Again { after, .. } => NoticeFate::Again(*after),
            _ => NoticeFate::Closed,
        };
        self.store.settle(notice, fate, At::Server).await?;
        Ok(outcome)
    }

    async fn outcome(&self, notice: &PendingNotice, now: UnixMillis) -> Result<ToldOutcome, Error> {
        let client = self.clients.find(notice.client.as_str());
        let Some(url) = client.and_then(|client| client.logout_url.as_ref()) else {
            return Ok(ToldOutcome::NoAddress);
        };
        let claims = notice::claims(&self.issuer, notice, &TokenId::random()?, now);
        let request = notice::request(url, &self.signer.sign(&claims)?)?;
        let verdict = match self.http.send(request).await {
            Ok(reply) => notice::verdict(reply.status()),
            Err(error) => Verdict::Failed(error.to_string()),
        };
        Ok(match verdict {
            Verdict::Done => ToldOutcome::Done,
            Verdict::Refused(because) => ToldOutcome::GivenUp { because },
            Verdict::Failed(because) => match notice::pause_after(notice.attempt) {
                Some(after) => ToldOutcome::Again { after, because },
                None => ToldOutcome::GivenUp { because },
            },
        })
    }
}

impl fmt::Debug for SingleLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleLogout").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
