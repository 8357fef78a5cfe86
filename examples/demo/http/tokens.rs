//! The token playground: issue, look into, verify, refresh, call back. What a program does with the API, by hand.

use std::fmt;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sso_core::{
    Claims, ClientId, FamilyEnd, Grant, Lifetime, RefreshOutcome, RefreshSecret, RevokeOutcome, TokenId,
    UnixMillis, UserId,
};

use super::chrome::{Chrome, page as render};
use super::input::Form;
use super::problem::{PageResult, Problem};
use super::visitor::Visitor;
use crate::app::{AUDIENCE, App, Shared};
use crate::clock;

/// The client that these tokens are for.
const CLIENT: &str = "playground";
/// The longest life that the page gives a token, in minutes.
const MINUTES_MAX: u64 = 60;

/// What the page shows.
#[derive(Default)]
struct Shown {
    access: String,
    refresh: String,
    header: String,
    claims: String,
    /// What came of the last step.
    message: String,
    good: bool,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    chrome: Chrome,
    shown: Shown,
    minutes_max: u64,
    issuer: String,
}

/// What the page's forms send.
#[derive(Deserialize)]
pub(crate) struct TokensForm {
    /// Which button it was.
    step: String,
    #[serde(default)]
    minutes: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    access: String,
    #[serde(default)]
    refresh: String,
}

impl fmt::Debug for TokensForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokensForm").field("step", &self.step).finish_non_exhaustive()
    }
}

/// `GET /tokens`
pub(crate) async fn page(State(app): State<Shared>, visitor: Visitor) -> PageResult {
    show(&app, &visitor, Shown::default())
}

/// `POST /tokens`
pub(crate) async fn step(
    State(app): State<Shared>,
    visitor: Visitor,
    Form(form): Form<TokensForm>,
) -> PageResult {
    let (access, refresh) = (form.access.trim(), form.refresh.trim());
    let shown = match form.step.as_str() {
        "issue" => issue(&app, &visitor, &form).await?,
        "verify" => verify(&app, access, refresh),
        "refresh" => exchange(&app, access, refresh).await?,
        "revoke" => revoke(&app, &visitor, access, refresh).await?,
        _ => return Err(Problem::bad_request("invalid", "there is no such step; use the buttons").into()),
    };
    show(&app, &visitor, shown)
}

fn show(app: &App, visitor: &Visitor, shown: Shown) -> Result<Response, super::problem::PageProblem> {
    render(&TokensPage {
        chrome: visitor.chrome("tokens"),
        shown,
        minutes_max: MINUTES_MAX,
        issuer: app.public_url.clone(),
    })
}

async fn issue(app: &App, visitor: &Visitor, form: &TokensForm) -> Result<Shown, Problem> {
    let minutes = form.minutes.parse().ok().filter(|minutes| (1..=MINUTES_MAX).contains(minutes));
    let words = format!("give 1 to {MINUTES_MAX} minutes");
    let minutes: u64 = minutes.ok_or_else(|| Problem::bad_request("invalid", words))?;
    // A token is no session: one that gave another, longer life would never end.
    let Some(session) = visitor.session_id() else {
        let words = "an access token is no session and gets no refresh token; sign in first";
        return Err(Problem::bad_request("no_session", words));
    };
    let user = UserId::new(&visitor.account.id)?;
    let access = sign(app, &user, form.scope.trim(), minutes)?;
    let grant = Grant::new(ClientId::new(CLIENT)?).with_session(session.clone());
    let Some((refresh, _)) = app.refresher.issue(&user, grant).await?.issued() else {
        return Err(Problem::unauthenticated("session_ended", "you have been signed out; sign in again"));
    };
    let message = format!("Issued for {minutes} minutes, with a refresh token that works once.");
    Ok(told(access, refresh.expose().as_str(), message, true))
}

fn sign(app: &App, user: &UserId, scope: &str, minutes: u64) -> Result<String, Problem> {
    let life = Lifetime::starting(UnixMillis::now(), Duration::from_secs(minutes.saturating_mul(60)))?;
    let mut claims = Claims::new(user.clone(), CLIENT, AUDIENCE, TokenId::random()?, life)?;
    if !scope.is_empty() {
        claims = claims.with_scope(scope);
    }
    Ok(app.issuer.issue(&claims)?)
}

fn verify(app: &App, access: &str, refresh: &str) -> Shown {
    match app.verifier.verify(access, UnixMillis::now()) {
        Ok(claims) => {
            let until = clock::text(claims.expires_at().as_millis());
            let words = format!("Accepted: it speaks of {}, until {until}.", claims.subject().as_str());
            told(access.to_owned(), refresh, words, true)
        }
        Err(rejected) => told(access.to_owned(), refresh, format!("Refused: {rejected}."), false),
    }
}

async fn exchange(app: &App, access: &str, refresh: &str) -> Result<Shown, Problem> {
    let refused = |words: &str| Ok(told(access.to_owned(), refresh, words.to_owned(), false));
    let Some(secret) = RefreshSecret::parse(refresh) else {
        return refused("That is no refresh token of ours.");
    };
    match app.refresher.refresh(&secret, &ClientId::new(CLIENT)?, None).await? {
        RefreshOutcome::Refreshed { secret, family, is_replay, .. } => {
            let access = sign(app, &family.user, "", 15)?;
            let words = match is_replay {
                false => "Exchanged: here is the next pair. The former refresh token is used up.",
                true => {
                    "The same refresh token came twice within the time of grace: here is its answer again."
                }
            };
            Ok(told(access, secret.expose().as_str(), words.to_owned(), true))
        }
        RefreshOutcome::Reused { .. } => {
            refused("Used up before! Somebody else may have it, so its whole family has ended.")
        }
        RefreshOutcome::Ended(end) => refused(&format!("Its family has ended: {}.", family_end(end))),
        _ => refused("There is no such refresh token for this client."),
    }
}

/// Why a family ended, for people.
fn family_end(end: FamilyEnd) -> &'static str {
    match end {
        FamilyEnd::Reused => "one of its tokens was used twice",
        FamilyEnd::Revoked => "it was called back",
        FamilyEnd::SessionEnded => "the session that it came from is over",
        FamilyEnd::Replaced => "there were too many families, and it was the oldest",
        FamilyEnd::ExpiredIdle => "it was not used for too long",
        FamilyEnd::ExpiredAbsolute => "it reached its age limit",
        _ => "the store says no more",
    }
}

async fn revoke(app: &App, visitor: &Visitor, access: &str, refresh: &str) -> Result<Shown, Problem> {
    let claims = match app.verifier.verify(access, UnixMillis::now()) {
        Ok(claims) if claims.subject().as_str() == visitor.account.id => claims,
        Ok(_) => return Err(Problem::forbidden("this is somebody else's token; call back your own")),
        Err(rejected) => {
            return Ok(told(access.to_owned(), refresh, format!("Refused: {rejected}."), false));
        }
    };
    let words = match app.revoker.revoke_token(&claims).await? {
        RevokeOutcome::Revoked(_) => "Called back: no server accepts it any more.",
        RevokeOutcome::Already(_) => "It had been called back before.",
        RevokeOutcome::Expired => "It has expired by itself.",
    };
    // The next look is sure to know it.
    app.revocations.caught_up().await;
    Ok(told(access.to_owned(), refresh, words.to_owned(), true))
}

fn told(access: String, refresh: &str, message: String, good: bool) -> Shown {
    let mut parts = access.split('.');
    let (header, claims) = (part(parts.next()), part(parts.next()));
    Shown { access, refresh: refresh.to_owned(), header, claims, message, good }
}

/// A part of a token in clear, as anybody can read it; empty if it is not JSON.
fn part(text: Option<&str>) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(text.unwrap_or_default()).unwrap_or_default();
    let value = serde_json::from_slice::<serde_json::Value>(&bytes);
    value.map(|value| format!("{value:#}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_shown_in_clear_or_not_at_all() {
        assert_eq!(part(Some("eyJhbGciOiJSUzI1NiJ9")), "{\n  \"alg\": \"RS256\"\n}");
        for odd in [None, Some(""), Some("!"), Some("eyJ")] {
            assert_eq!(part(odd), "");
        }
    }
}
