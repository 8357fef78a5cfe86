//! What a client asks for when it sends a user to sign in (OpenID Connect Core 1.0, section 3.1.2.1).
//!
//! As long as client and return address are not certain, nobody is redirected; afterwards every error goes back to
//! the client.

use std::sync::Arc;

use crate::form::{self, Form};
use crate::provider::config::ProviderConfig;
use crate::provider::scope::{OPENID, Scopes};
use crate::sites::client::Client;
use crate::sites::registry::Clients;
use crate::ticket::is_challenge;
use crate::time::UnixMillis;

/// The longest `state` and the longest hint, in bytes.
const STATE_BYTES_MAX: usize = 2048;
/// The longest `nonce`, in bytes.
const NONCE_BYTES_MAX: usize = 512;
/// Where this crate notes, for the way back from its own pages, since when the user must have signed in.
pub(crate) const SIGNED_IN_SINCE: &str = "gh_signed_in_since";

/// An error for the browser's user, because there is nobody to redirect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown(pub(crate) &'static str);

/// Where answers go: certain, because it is registered.
#[derive(Clone, Debug)]
pub(crate) struct ReturnPath {
    pub(crate) client: Arc<Client>,
    pub(crate) url: String,
    pub(crate) state: Option<String>,
}

/// An error for the client (section 3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SentBack {
    pub(crate) code: &'static str,
    pub(crate) words: &'static str,
}

/// A request that makes sense.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizeRequest {
    pub(crate) scopes: Scopes,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) prompt: Prompt,
    pub(crate) max_age_secs: Option<u64>,
    pub(crate) signed_in_since: Option<UnixMillis>,
    pub(crate) login_hint: Option<String>,
    pub(crate) id_token_hint: Option<String>,
}

/// What a client wants the user to be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) none: bool,
    pub(crate) login: bool,
    pub(crate) consent: bool,
}

/// Who asks, and where answers go.
pub(crate) fn return_path(form: &Form, clients: &Clients) -> Result<ReturnPath, Shown> {
    let id = form.value("client_id").ok_or(Shown("the request names no client"))?;
    let client = clients.find(id).ok_or(Shown("the request names an unknown client"))?;
    let url = form.value("redirect_uri").ok_or(Shown("the request names no address to return to"))?;
    if !client.returns_to(url) {
        return Err(Shown("the address to return to is not registered for this client"));
    }
    let state = form.value("state");
    if state.is_some_and(|state| state.len() > STATE_BYTES_MAX) {
        return Err(Shown("the state of the request is too long"));
    }
    Ok(ReturnPath { client: Arc::clone(client), url: url.to_owned(), state: state.map(str::to_owned) })
}

impl ReturnPath {
    /// The address that brings something back: with `state` and `iss` (RFC 9207).
    pub(crate) fn with(&self, issuer: &str, pairs: &[(&str, &str)]) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        let all = pairs.iter().copied().chain(state).chain([("iss", issuer)]);
        form::with_query(&self.url, all)
    }
}

impl AuthorizeRequest {
    pub(crate) fn parse(
        form: &Form,
        client: &Client,
        config: &ProviderConfig,
        may_refresh: bool,
    ) -> Result<Self, SentBack> {
        refuse_what_is_not_supported(form)?;
        let asked = Scopes::parse(form.value("scope").unwrap_or_default());
        let asked = asked.ok_or(SentBack::new("invalid_scope", "the scope is too long"))?;
        let scopes = asked.granted_to(client, config, may_refresh);
        if !scopes.has(OPENID) {
            return Err(SentBack::new("invalid_scope", "the scope openid is missing or not for this client"));
        }
        Ok(Self {
            scopes,
            nonce: bounded(form, "nonce", NONCE_BYTES_MAX)?,
            challenge: challenge(form, client)?,
            prompt: prompt(form)?,
            max_age_secs: number(form, "max_age")?,
            signed_in_since: number(form, SIGNED_IN_SINCE)?.map(UnixMillis::saturating_new),
            login_hint: bounded(form, "login_hint", STATE_BYTES_MAX)?,
            id_token_hint: form.value("id_token_hint").map(str::to_owned),
        })
    }
}

impl SentBack {
    pub(crate) const fn new(code: &'static str, words: &'static str) -> Self {
        Self { code, words }
    }
}

fn refuse_what_is_not_supported(form: &Form) -> Result<(), SentBack> {
    if form.value("request").is_some() {
        return Err(SentBack::new("request_not_supported", "request objects are not supported"));
    }
    if form.value("request_uri").is_some() {
        return Err(SentBack::new("request_uri_not_supported", "request objects are not supported"));
    }
    if form.value("registration").is_some() {
        return Err(SentBack::new("registration_not_supported", "clients are registered beforehand"));
    }
    match form.value("response_type") {
        Some("code") => {}
        Some(_) => return Err(SentBack::new("unsupported_response_type", "the response type must be code")),
        None => return Err(SentBack::new("invalid_request", "the response type is missing")),
    }
    if form.value("response_mode").is_some_and(|mode| mode != "query") {
        return Err(SentBack::new("invalid_request", "the response mode must be query"));
    }
    Ok(())
}

/// PKCE with S256 (RFC 7636): required of clients that have no secret, accepted from all, never `plain`.
fn challenge(form: &Form, client: &Client) -> Result<Option<String>, SentBack> {
    let refused = |words| Err(SentBack::new("invalid_request", words));
    let method = form.value("code_challenge_method");
    let Some(challenge) = form.value("code_challenge") else {
        if client.is_public() {
            return refused("this client must send a code challenge");
        }
        return if method.is_none() { Ok(None) } else { refused("the code challenge is missing") };
    };
    if method != Some("S256") {
        return refused("the code challenge method must be S256");
    }
    if !is_challenge(challenge) {
        return refused("the code challenge is not 43 characters of base64url");
    }
    Ok(Some(challenge.to_owned()))
}

fn prompt(form: &Form) -> Result<Prompt, SentBack> {
    let mut prompt = Prompt::default();
    for word in form.value("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        match word {
            "none" => prompt.none = true,
            // Another account is chosen by signing in with it.
            "login" | "select_account" => prompt.login = true,
            "consent" => prompt.consent = true,
            _ => return Err(SentBack::new("invalid_request", "the prompt is unknown")),
        }
    }
    if prompt.none && (prompt.login || prompt.consent) {
        return Err(SentBack::new("invalid_request", "the prompt none stands alone"));
    }
    Ok(prompt)
}

fn number(form: &Form, name: &str) -> Result<Option<u64>, SentBack> {
    let read = |text: &str| {
        let digits = (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    form.value(name)
        .map(|text| read(text).ok_or(SentBack::new("invalid_request", "a number of the request is none")))
        .transpose()
}

fn bounded(form: &Form, name: &str, bytes_max: usize) -> Result<Option<String>, SentBack> {
    match form.value(name) {
        Some(text) if text.len() > bytes_max => {
            Err(SentBack::new("invalid_request", "a parameter of the request is too long"))
        }
        other => Ok(other.map(str::to_owned)),
    }
}
