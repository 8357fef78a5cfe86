//! The authorization endpoint: what to do with a browser that a client sent (OpenID Connect Core 1.0, section 3.1.2).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::form::{self, Form};
use crate::provider::request::{AuthorizeRequest, ReturnPath, SIGNED_IN_SINCE, SentBack, return_path};
use crate::provider::scope::{OFFLINE, Scopes};
use crate::provider::{ID_TOKEN_TYP, Provider};
use crate::signed;
use crate::sites::GrantKept;
use crate::sites::client::{Client, ConsentPolicy};
use crate::sites::grant::{GrantBinding, GrantKind, GrantSecret, NewGrant};
use crate::sites::site_session::{Carried, SiteSession};
use crate::store::At;
use crate::time::{UnixMillis, whole_millis};

/// What the user has said to a client's wish to know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Nothing yet.
    NotAsked,
    /// Yes, now or earlier, to these scopes of this client.
    Granted,
    /// No.
    Refused,
}

/// What to do with a browser that came to the authorization endpoint.
#[derive(Clone)]
#[must_use]
pub enum AuthorizeStep {
    /// Let the user sign in, anew even if there is a session, and call [`Provider::authorize`] with `resume`.
    SignInNeeded {
        /// The query to go on with.
        resume: String,
        /// Who the client thinks the user is. Anybody can write it: it may fill a form, nothing more.
        login_hint: Option<String>,
    },
    /// Ask the user, on a page that other sites can neither frame nor submit, and call
    /// [`Provider::authorize`] with `resume` and the answer.
    ConsentNeeded {
        /// The query to go on with.
        resume: String,
        /// Who wants to know the user.
        client: Arc<Client>,
        /// What it wants to know.
        scopes: Vec<String>,
    },
    /// Send the browser to this address: 303, `Cache-Control: no-store`. It may carry a code: do not log it.
    Redirect(String),
    /// Show the user that the request cannot be answered: 400. Never redirect: nobody knows where to.
    ShowError {
        /// What is wrong, for the developer of the client.
        words: &'static str,
    },
}

/// Codes and hints are live: of an address only what stands before its query is printed.
impl fmt::Debug for AuthorizeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignInNeeded { .. } => f.debug_struct("SignInNeeded").finish_non_exhaustive(),
            Self::ConsentNeeded { client, scopes, .. } => f
                .debug_struct("ConsentNeeded")
                .field("client", client.id())
                .field("scopes", scopes)
                .finish_non_exhaustive(),
            Self::Redirect(url) => f.debug_tuple("Redirect").field(&form::without_query(url)).finish(),
            Self::ShowError { words } => f.debug_struct("ShowError").field("words", words).finish(),
        }
    }
}

/// What a code carries.
#[derive(Serialize, Deserialize)]
pub(crate) struct CodeBody {
    pub(crate) session: Carried,
    pub(crate) scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
}

/// What the rule says to a request, before a code is kept.
enum Ruled {
    SignIn,
    Consent,
    Code,
    Back(SentBack),
}

impl Provider {
    /// The longest query or form of this endpoint, in bytes.
    pub const QUERY_BYTES_MAX: usize = 16 * 1024;

    /// Answers the query of a `GET`, or the form of a `POST`, with the user's session if there is one.
    ///
    /// # Errors
    /// Those of the store; `Unavailable` if the system gives no random bytes; `Misuse` if the user's id is longer
    /// than the 255 bytes that OpenID Connect allows.
    pub async fn authorize(
        &self,
        query: &str,
        session: Option<&SiteSession>,
        consent: Consent,
        now: UnixMillis,
    ) -> Result<AuthorizeStep, Error> {
        let form = match Form::parse(query.as_bytes()) {
            Ok(form) => form,
            Err(refused) => return Ok(AuthorizeStep::ShowError { words: refused.words() }),
        };
        let path = match return_path(&form, &self.clients) {
            Ok(path) => path,
            Err(shown) => return Ok(AuthorizeStep::ShowError { words: shown.0 }),
        };
        let mut request = match AuthorizeRequest::parse(&form, &path.client, &self.config, self.may_refresh())
        {
            Ok(request) => request,
            Err(back) => return Ok(self.back(&path, back)),
        };
        // Who acts as somebody else does so while their session lasts, not while the user is away.
        if session.is_some_and(|session| session.actor.is_some()) {
            request.scopes = request.scopes.without(OFFLINE);
        }
        let hinted = match self.hinted_user(&request) {
            Ok(hinted) => hinted,
            Err(back) => return Ok(self.back(&path, back)),
        };
        let seen = session;
        let session = seen.filter(|session| is_asked_for(session, &request, hinted.as_deref(), now));
        match (rule(&request, &path.client, session, consent), session) {
            (Ruled::Code, Some(session)) => self.give_code(&form, &path, &request, session, now).await,
            (Ruled::Consent, _) => Ok(AuthorizeStep::ConsentNeeded {
                resume: resume(form, "consent"),
                scopes: request.scopes.words().map(str::to_owned).collect(),
                client: path.client,
            }),
            (Ruled::Back(back), _) => Ok(self.back(&path, back)),
            (Ruled::SignIn | Ruled::Code, _) => Ok(sign_in(form, &request, seen, now)),
        }
    }

    fn back(&self, path: &ReturnPath, back: SentBack) -> AuthorizeStep {
        let pairs = [("error", back.code), ("error_description", back.words)];
        AuthorizeStep::Redirect(path.with(self.config.issuer.as_str(), &pairs))
    }

    /// Whom the client expects, if it says so with an id token of ours, however old.
    fn hinted_user(&self, request: &AuthorizeRequest) -> Result<Option<String>, SentBack> {
        let Some(hint) = &request.id_token_hint else {
            return Ok(None);
        };
        let claims = signed::claims_of(&self.keys, ID_TOKEN_TYP, hint).ok();
        let claims = claims.filter(|claims| signed::text(claims, "iss") == Some(self.config.issuer.as_str()));
        let subject = claims.as_ref().and_then(|claims| signed::text(claims, "sub"));
        let refused = || SentBack::new("invalid_request", "the id token hint is none of ours");
        subject.map(|subject| Some(subject.to_owned())).ok_or_else(refused)
    }

    async fn give_code(
        &self,
        form: &Form,
        path: &ReturnPath,
        request: &AuthorizeRequest,
        session: &SiteSession,
        now: UnixMillis,
    ) -> Result<AuthorizeStep, Error> {
        if session.user.as_str().len() > 255 {
            return Err(Error::new(
                ErrorKind::Misuse,
                "openid connect allows user ids of 255 bytes: give users shorter ones",
            ));
        }
        let secret = GrantSecret::new(session.session.clone(), edge::random()?);
        let body = CodeBody {
            session: session.carried(),
            scope: request.scopes.to_string(),
            nonce: request.nonce.clone(),
        };
        let body = serde_json::to_string(&body).map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "this request cannot be written as json", source)
        })?;
        let grant = NewGrant::new(
            secret.key(),
            path.client.id().clone(),
            GrantBinding::new(GrantKind::Code, &path.url, request.challenge.as_deref()),
            session.user.clone(),
            body,
            self.config.code_life,
        )?
        .session_kept(self.kept_for(session, &request.scopes));
        Ok(match self.store.keep(&grant, At::Server).await? {
            GrantKept::Kept => AuthorizeStep::Redirect(
                path.with(self.config.issuer.as_str(), &[("code", secret.expose().as_str())]),
            ),
            GrantKept::SessionEnded if request.prompt.none => self.back(path, LOGIN_REQUIRED),
            GrantKept::SessionEnded => sign_in(form.clone(), request, Some(session), now),
            GrantKept::TooMany => self
                .back(path, SentBack::new("temporarily_unavailable", "too many codes of this session wait")),
        })
    }

    /// How long what came of a session is remembered: as long as anything of it can live.
    fn kept_for(&self, session: &SiteSession, scopes: &Scopes) -> Duration {
        let kept = session.kept(self.config.limits.absolute());
        let refresh = self.refresh.as_ref().filter(|_| scopes.has(OFFLINE));
        refresh.map_or(kept, |(_, limits)| kept.max(limits.absolute()))
    }
}

/// How far the clock of this server may be ahead of the one of the session store.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(60);
const LOGIN_REQUIRED: SentBack = SentBack::new("login_required", "the user has to sign in");

/// Whether a session is one that the request asks for: of the right user, and young enough.
fn is_asked_for(
    session: &SiteSession,
    request: &AuthorizeRequest,
    hinted: Option<&str>,
    now: UnixMillis,
) -> bool {
    // On the way back from signing in, what counts is that the sign-in is a new one. A time that lies ahead is
    // none of ours.
    let is_young = match request.signed_in_since.filter(|since| *since <= now) {
        Some(since) => session.auth_time >= since,
        None => {
            let age_secs = now.since(session.auth_time).as_secs();
            !request.prompt.login && request.max_age_secs.is_none_or(|max| age_secs < max)
        }
    };
    is_young && hinted.is_none_or(|user| user == session.user.as_str())
}

/// The rule: no clock, no store. The session, if there is one, is as the request asks.
fn rule(
    request: &AuthorizeRequest,
    client: &Client,
    session: Option<&SiteSession>,
    consent: Consent,
) -> Ruled {
    if session.is_none() {
        return if request.prompt.none { Ruled::Back(LOGIN_REQUIRED) } else { Ruled::SignIn };
    }
    let asks = client.consent == ConsentPolicy::Ask;
    match consent {
        Consent::Refused => Ruled::Back(SentBack::new("access_denied", "the user said no")),
        _ if request.prompt.consent => Ruled::Consent,
        Consent::Granted => Ruled::Code,
        Consent::NotAsked if !asks => Ruled::Code,
        Consent::NotAsked if request.prompt.none => {
            Ruled::Back(SentBack::new("consent_required", "the user has to be asked"))
        }
        Consent::NotAsked => Ruled::Consent,
    }
}

/// Lets the user sign in. If the client asks for a new sign-in, the way back says since when it counts.
fn sign_in(
    mut form: Form,
    request: &AuthorizeRequest,
    seen: Option<&SiteSession>,
    now: UnixMillis,
) -> AuthorizeStep {
    let anew = request.prompt.login || request.max_age_secs.is_some();
    if anew && request.signed_in_since.is_none_or(|since| since > now) {
        // The session store's clock may be behind ours. Its own times can be compared: what counts is later than the
        // sign-in that does not do.
        let earliest = now.as_millis().saturating_sub(whole_millis(CLOCK_SKEW_MAX));
        let after = seen.map_or(0, |old| old.auth_time.as_millis().saturating_add(1));
        let since = UnixMillis::saturating_new(earliest.max(after)).min(now);
        form.set(SIGNED_IN_SINCE, &since.as_millis().to_string());
    }
    AuthorizeStep::SignInNeeded { resume: resume(form, "login"), login_hint: request.login_hint.clone() }
}

/// The same query without a word of its prompt.
fn resume(mut form: Form, done: &str) -> String {
    let left = form.value("prompt").map(|prompt| {
        let words =
            prompt.split(' ').filter(|word| *word != done && (done, *word) != ("login", "select_account"));
        words.collect::<Vec<_>>().join(" ")
    });
    match left {
        Some(left) if !left.is_empty() => form.set("prompt", &left),
        Some(_) => form.remove("prompt"),
        None => {}
    }
    form.encode()
}
