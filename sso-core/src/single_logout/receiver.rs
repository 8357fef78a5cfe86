//! The other side: a site reads the notice that somebody's session has ended, and believes it only if it must.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::form::Form;
use crate::key_set::source::KeySource;
use crate::rejected::TokenRejected;
use crate::signed::text;
use crate::single_logout::notice::{EVENT, TYP};
use crate::sites::once::{OnceKey, OnceStore};
use crate::store::At;
use crate::time::UnixMillis;
use crate::token::Verified;
use crate::token::verifier::Verifier;

/// Reads logout tokens of one issuer, for one client (OpenID Connect Back-Channel Logout 1.0, section 2.6).
///
/// A clone is the same receiver.
#[derive(Clone)]
pub struct LogoutReceiver {
    issuer: Arc<str>,
    verifier: Verifier,
    seen: Arc<dyn OnceStore>,
}

/// What a site was told.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum LogoutReceived {
    /// A session has ended, or all sessions of a user: end yours, then answer 200.
    End(LogoutNotice),
    /// This is no logout token for this site: answer 400, and end nothing.
    Refused(LogoutRefused),
}

impl LogoutReceived {
    /// The status to answer with, with `Cache-Control: no-store`.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::End(_) => 200,
            Self::Refused(_) => 400,
        }
    }
}

/// Whose session has ended. Only [`LogoutReceiver`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotice {
    subject: Option<String>,
    session: Option<String>,
}

impl LogoutNotice {
    /// `sub`: the user at the issuer. Without a [`session`](Self::session), all sessions of the user have ended.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// `sid`: the session at the issuer, as the id token or the ticket named it.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }
}

/// Why a request is no notice for this site. It repeats nothing of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogoutRefused {
    /// The body is no form with one `logout_token`.
    NoToken,
    /// The token is not acceptable.
    Token(TokenRejected),
    /// Its `events` are not those of a logout token.
    NoLogoutEvent,
    /// It has a `nonce`, as id tokens have: somebody sends one for the other.
    HasNonce,
    /// It names neither a user nor a session, or not as text.
    NobodyNamed,
    /// It has no name, or it was here before.
    Replayed,
}

impl LogoutReceiver {
    /// The longest life of a notice, whatever it says of itself.
    pub const AGE_MAX: Duration = Duration::from_secs(300);
    const LEEWAY: Duration = Duration::from_secs(60);

    /// A receiver for the client `client_id` of an issuer with these keys. The store remembers what was seen, and is
    /// shared by all servers of the site.
    ///
    /// # Errors
    /// `InvalidInput` unless both names are 1 to 256 bytes long.
    pub fn new(
        issuer: &str,
        client_id: &str,
        keys: impl Into<KeySource>,
        seen: Arc<dyn OnceStore>,
    ) -> Result<Self, Error> {
        let verifier = Verifier::new(issuer, client_id, keys)?
            .typ(TYP)?
            .leeway(Self::LEEWAY)?
            .require("iat")
            .require("jti")
            .max_age(Self::AGE_MAX);
        Ok(Self { issuer: Arc::from(issuer), verifier, seen })
    }

    /// Reads the body of a request, which is a form.
    ///
    /// # Errors
    /// Those of the store: then answer 503, and the issuer tries again.
    pub async fn receive(&self, body: &[u8], now: UnixMillis) -> Result<LogoutReceived, Error> {
        let form = Form::parse(body).ok();
        let Some(token) = form.as_ref().and_then(|form| form.value("logout_token")) else {
            return Ok(LogoutReceived::Refused(LogoutRefused::NoToken));
        };
        let (notice, id) = match self.read(token, now) {
            Ok(read) => read,
            Err(refused) => return Ok(LogoutReceived::Refused(refused)),
        };
        let until = now.saturating_add(Self::AGE_MAX + 2 * Self::LEEWAY);
        if !self.seen.first(OnceKey::new(&self.issuer, &id), until, At::Server).await? {
            return Ok(LogoutReceived::Refused(LogoutRefused::Replayed));
        }
        Ok(LogoutReceived::End(notice))
    }

    fn read(&self, token: &str, now: UnixMillis) -> Result<(LogoutNotice, String), LogoutRefused> {
        let claims = self.verifier.verify_map(token, now).map_err(LogoutRefused::Token)?;
        read_claims(&claims)
    }
}

/// The rules of section 2.6 beyond those of every token.
fn read_claims(claims: &Verified<Map<String, Value>>) -> Result<(LogoutNotice, String), LogoutRefused> {
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(LogoutRefused::NoLogoutEvent);
    }
    if claims.contains_key("nonce") {
        return Err(LogoutRefused::HasNonce);
    }
    let named = |name| text(claims, name).filter(|text| !text.is_empty());
    let misnamed = |name| claims.contains_key(name) && named(name).is_none();
    let notice =
        LogoutNotice { subject: named("sub").map(str::to_owned), session: named("sid").map(str::to_owned) };
    if misnamed("sub") || misnamed("sid") || notice.subject.is_none() && notice.session.is_none() {
        return Err(LogoutRefused::NobodyNamed);
    }
    let id = named("jti").ok_or(LogoutRefused::Replayed)?;
    Ok((notice, id.to_owned()))
}

impl fmt::Debug for LogoutReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutReceiver").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
