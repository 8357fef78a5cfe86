//! Tickets: how a site on another domain learns who is signed in here, without OpenID Connect.
//!
//! The browser carries a one-shot ticket to the site; the site's server redeems it here, proving who it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::form;
use crate::session::SessionId;
use crate::session::limits::SessionLimits;
use crate::sites::grant::{GrantBinding, GrantKind, GrantSecret, NewGrant};
use crate::sites::registry::{AuthenticatedClient, Clients};
use crate::sites::site_session::{Carried, SiteSession};
use crate::sites::{GrantKept, PresentedGrant, Redeemed, SiteStore};
use crate::store::At;
use crate::user_id::UserId;

/// Gives tickets to signed-in users and redeems them for sites.
///
/// A ticket works once, for [`Tickets::LIFE`], for the client and the exact return address that it was given for,
/// and only while its session lives. A redeem notes that the site took part in the session, so that
/// [`SingleLogout`](crate::SingleLogout) tells it of the end.
///
/// The site sends the user here with its client id, its return address and a challenge: SHA-256, as base64url, of
/// a random text that it keeps in a cookie of its own. It presents that text with the ticket. So nobody can make
/// a stranger's browser sign in with a ticket of their own.
///
/// ```
/// use std::sync::Arc;
/// use sso_core::{
///     Client, ClientId, ClientSecret, Clients, DeviceKind, Login, MemorySiteStore, MemoryStore, SessionLimits,
///     SiteSession, SiteUrl, Sso, TicketIssue, TicketRedeem, Tickets, UserId,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let secret = ClientSecret::random()?;
/// let shop = Client::with_secret(ClientId::new("shop")?, secret.hash())
///     .return_url(SiteUrl::new("https://shop.example/signed-in")?)?;
/// let (clients, limits) = (Clients::new([shop])?, SessionLimits::default());
/// let tickets = Tickets::new(Arc::new(MemorySiteStore::new()), clients.clone(), limits);
///
/// // At the gate: the user is signed in, and comes from the shop.
/// let sso = Sso::new(Arc::new(MemoryStore::new()), limits);
/// let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
/// let Some(alice) = sso.login(&UserId::new("alice")?, login).await?.admitted() else { return Ok(()) };
/// let session = SiteSession::from(&alice.session);
/// let verifier = "a-random-text-in-a-cookie-of-the-shop-0123456789";
/// let challenge = sso_core::challenge_s256(verifier);
/// let TicketIssue::Redirect(url) =
///     tickets.issue("shop", "https://shop.example/signed-in", &challenge, &session).await?
/// else { return Ok(()) };
///
/// // At the shop: its server redeems what came back.
/// let ticket = url.split_once("?ticket=").map(|(_, ticket)| ticket).unwrap_or_default();
/// let Some(shop) = clients.authenticate("shop", secret.expose()) else { return Ok(()) };
/// let redeemed = tickets.redeem(&shop, ticket, "https://shop.example/signed-in", verifier).await?;
/// assert!(matches!(redeemed, TicketRedeem::SignedIn(who) if who.user.as_str() == "alice"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tickets {
    store: Arc<dyn SiteStore>,
    clients: Clients,
    limits: SessionLimits,
}

/// What to do with a user who wants a ticket.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub enum TicketIssue {
    /// Send the browser to this address. It carries the ticket: do not log it.
    Redirect(String),
    /// There is no such client, or it cannot keep a secret: show an error, and do not redirect.
    UnknownClient,
    /// This very address is not registered for the client: show an error, and do not redirect.
    UnregisteredUrl,
    /// The challenge is not 43 characters of base64url: show an error.
    BadChallenge,
    /// The session has ended: let the user sign in.
    SessionEnded,
    /// Too many tickets of the session wait to be redeemed: answer 429.
    TooMany,
}

/// A ticket is live: of an address only what stands before its query is printed.
impl fmt::Debug for TicketIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redirect(url) => {
                return f.debug_tuple("Redirect").field(&form::without_query(url)).finish();
            }
            Self::UnknownClient => "UnknownClient",
            Self::UnregisteredUrl => "UnregisteredUrl",
            Self::BadChallenge => "BadChallenge",
            Self::SessionEnded => "SessionEnded",
            Self::TooMany => "TooMany",
        })
    }
}

/// What a site learns for a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum TicketRedeem {
    /// The user is signed in.
    SignedIn(SiteSession),
    /// The ticket is nothing, has expired or was used: send the user to the gate again.
    Unknown,
    /// It is for another client, another address or another browser. It is worthless now: send the user again.
    NotYours,
    /// The session has ended since: the user is not signed in.
    SessionEnded,
}

impl Tickets {
    /// How long a ticket can be redeemed.
    pub const LIFE: Duration = Duration::from_secs(30);
    /// How many characters a verifier has, at least.
    pub const VERIFIER_CHARS_MIN: usize = 43;
    /// How many characters a verifier has, at most.
    pub const VERIFIER_CHARS_MAX: usize = 128;

    /// Tickets for these clients. The limits are those of the sessions.
    #[must_use]
    pub fn new(store: Arc<dyn SiteStore>, clients: Clients, limits: SessionLimits) -> Self {
        Self { store, clients, limits }
    }

    /// Gives a ticket to a user who is signed in, for the client that sent them.
    ///
    /// # Errors
    /// Those of the store, and `Unavailable` if the system gives no random bytes.
    pub async fn issue(
        &self,
        client_id: &str,
        return_url: &str,
        challenge: &str,
        session: &SiteSession,
    ) -> Result<TicketIssue, Error> {
        let Some(client) = self.clients.find(client_id).filter(|client| !client.is_public()) else {
            return Ok(TicketIssue::UnknownClient);
        };
        if !client.returns_to(return_url) {
            return Ok(TicketIssue::UnregisteredUrl);
        }
        if !is_challenge(challenge) {
            return Ok(TicketIssue::BadChallenge);
        }
        let secret = GrantSecret::new(session.session.clone(), edge::random()?);
        let binding = GrantBinding::new(GrantKind::Ticket, return_url, Some(challenge));
        let body = serde_json::to_string(&session.carried()).map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "this session cannot be written as json", source)
        })?;
        let grant = NewGrant::new(
            secret.key(),
            client.id().clone(),
            binding,
            session.user.clone(),
            body,
            Self::LIFE,
        )?
        .session_kept(session.kept(self.limits.absolute()));
        Ok(match self.store.keep(&grant, At::Server).await? {
            GrantKept::Kept => {
                TicketIssue::Redirect(form::with_query(return_url, [("ticket", secret.expose().as_str())]))
            }
            GrantKept::SessionEnded => TicketIssue::SessionEnded,
            GrantKept::TooMany => TicketIssue::TooMany,
        })
    }

    /// Redeems a ticket for a client that has proved who it is.
    ///
    /// # Errors
    /// Those of the store. After a transient one the ticket may be spent: send the user to the gate again.
    pub async fn redeem(
        &self,
        client: &AuthenticatedClient,
        ticket: &str,
        return_url: &str,
        verifier: &str,
    ) -> Result<TicketRedeem, Error> {
        let Some(secret) = GrantSecret::parse(ticket) else {
            return Ok(TicketRedeem::Unknown);
        };
        if return_url.len() > 2048 || !is_verifier(verifier) {
            return Ok(TicketRedeem::NotYours);
        }
        let presented = PresentedGrant {
            client: client.id(),
            binding: GrantBinding::new(GrantKind::Ticket, return_url, Some(&challenge_s256(verifier))),
            gives: None,
        };
        let key = secret.key();
        match self.store.redeem(&key, presented, At::Server).await? {
            Redeemed::Granted { user, body } => Ok(TicketRedeem::SignedIn(read(user, key.session(), &body)?)),
            Redeemed::OtherClient | Redeemed::OtherBinding => Ok(TicketRedeem::NotYours),
            Redeemed::SessionEnded => Ok(TicketRedeem::SessionEnded),
            Redeemed::Reused { .. } | Redeemed::Unknown => Ok(TicketRedeem::Unknown),
        }
    }
}

fn read(user: UserId, session: &SessionId, body: &str) -> Result<SiteSession, Error> {
    let carried: Carried = serde_json::from_str(body).map_err(|source| {
        Error::with_source(ErrorKind::Corrupt, "the store holds a ticket that cannot be read", source)
    })?;
    carried.session(user, session)
}

/// The challenge for a verifier: SHA-256 as 43 characters of base64url (RFC 7636, section 4.2, `S256`).
///
/// ```
/// // RFC 7636, appendix B.
/// let challenge = sso_core::challenge_s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
/// assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
/// ```
#[must_use]
pub fn challenge_s256(verifier: &str) -> String {
    use sha2::{Digest as _, Sha256};

    crate::jws::encode(Sha256::digest(verifier.as_bytes()))
}

/// Whether a text can be a challenge of the method `S256`.
pub(crate) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Whether a text can be a verifier (RFC 7636, section 4.1).
pub(crate) fn is_verifier(text: &str) -> bool {
    (Tickets::VERIFIER_CHARS_MIN..=Tickets::VERIFIER_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}
