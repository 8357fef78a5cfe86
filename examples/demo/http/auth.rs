//! Signing in and out: the page, the form, and the one function behind both page and API.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use sso_core::{
    Admission, Attempt, DeviceKind, Guess, Login, MayGuess, PasswordCheck, PasswordHash, SessionId, SignedIn,
    UserId,
};

use super::chrome::{Chrome, page as render};
use super::client::Client;
use super::input::Form;
use super::problem::{PageResult, Problem, put_retry_after};
use super::visitor::{self, Visitor};
use crate::app::{App, Shared};
use crate::school::account::Account;
use crate::social::{DOORS, Door};

/// What the sign-in form sends.
#[derive(Deserialize)]
pub(crate) struct SignInForm {
    pub(crate) login: String,
    pub(crate) password: String,
    #[serde(default)]
    pub(crate) next: String,
    /// `on` when the visitor asks to be remembered.
    #[serde(default)]
    pub(crate) remember: String,
}

impl fmt::Debug for SignInForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInForm").field("login", &self.login).finish_non_exhaustive()
    }
}

/// Where to go afterwards, and why the visitor was sent here.
#[derive(Debug, Deserialize)]
pub(crate) struct SignInQuery {
    #[serde(default)]
    next: String,
    #[serde(default)]
    why: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct SignInPage<'a> {
    chrome: Chrome,
    error: &'a str,
    notice: &'a str,
    next: &'a str,
    login: &'a str,
    doors: &'a [Door],
}

/// `GET /login`
pub(crate) async fn page(Query(query): Query<SignInQuery>) -> PageResult {
    let notice = match query.why.as_str() {
        "" | "not_signed_in" => "",
        "signed_out" => "This device is signed out.",
        "expired_idle" => "You were away for a while, so your session ended.",
        "expired_absolute" => "Your session reached its age limit.",
        "kicked" => "The school ended your session.",
        "replaced" => "You signed in on many devices, so this one was signed out.",
        "revoked" => "Your session was ended for the safety of your account.",
        "renewed" => "Your browser has a newer session.",
        "malformed_cookie" => "Your browser sent a session cookie that is not one of ours.",
        _ => "Your session is over.",
    };
    let next = local_path(&query.next);
    render(&SignInPage { chrome: Chrome::anonymous(), error: "", notice, next, login: "", doors: &DOORS })
}

/// `POST /login`
pub(crate) async fn sign_in(
    State(app): State<Shared>,
    client: Client,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> PageResult {
    let next = local_path(&form.next);
    let stay = if form.remember.is_empty() { Stay::ThisVisit } else { Stay::Remembered };
    match open_session(&app, client, &form.login, &form.password, stay).await {
        Ok(signed_in) => {
            visitor::end_earlier(&app, &headers).await?;
            let mut reply = Redirect::to(next).into_response();
            set_cookie(&app, reply.headers_mut(), &signed_in)?;
            Ok(reply)
        }
        Err(problem)
            if [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(&problem.status) =>
        {
            let shown = SignInPage {
                chrome: Chrome::anonymous(),
                error: &problem.detail,
                notice: "",
                next,
                login: &form.login,
                doors: &DOORS,
            };
            let mut reply = render(&shown)?;
            *reply.status_mut() = problem.status;
            put_retry_after(reply.headers_mut(), problem.retry_after);
            Ok(reply)
        }
        Err(problem) => Err(problem.into()),
    }
}

/// `POST /logout`: ends the session on every server.
pub(crate) async fn sign_out(State(app): State<Shared>, visitor: Visitor) -> PageResult {
    if let Some(secret) = visitor.secret() {
        app.sso.logout(secret).await.map_err(Problem::from)?;
    }
    end_tokens(&app, &visitor, visitor.session_id()).await?;
    let mut reply = Redirect::to("/login?why=signed_out").into_response();
    clear_cookie(&app, reply.headers_mut())?;
    Ok(reply)
}

/// Ends the refresh tokens that came from sessions which are over.
pub(crate) async fn end_tokens<'a>(
    app: &App,
    visitor: &Visitor,
    ended: impl IntoIterator<Item = &'a SessionId>,
) -> Result<(), Problem> {
    let user = UserId::new(&visitor.account.id)?;
    for id in ended {
        app.refresher.session_ended(&user, id).await?;
    }
    Ok(())
}

/// How long a visitor wants to stay signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stay {
    /// Until the browser closes or the session rests too long.
    ThisVisit,
    /// For [`REMEMBERED`], used or not.
    Remembered,
}

/// How long a remembered session lives.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// Checks the password and opens a session.
pub(crate) async fn open_session(
    app: &App,
    client: Client,
    login: &str,
    password: &str,
    stay: Stay,
) -> Result<SignedIn, Problem> {
    let account = authenticate(app, &client, login, password).await?;
    begin_session(app, client, &UserId::new(&account.id)?, stay).await
}

/// Opens a session for somebody who has proved who they are.
pub(crate) async fn begin_session(
    app: &App,
    client: Client,
    user: &UserId,
    stay: Stay,
) -> Result<SignedIn, Problem> {
    let login = Login::new(DeviceKind::Web, client.agent, client.address);
    let login = if stay == Stay::Remembered { login.remember(REMEMBERED) } else { login };
    match app.sso.login(user, login).await? {
        Admission::Admitted(signed_in) => Ok(signed_in),
        Admission::Refused(refusal) => Err(Problem::conflict(
            "too_many_sessions",
            format!("you are signed in on {} devices already; sign out on one of them first", refusal.limit),
        )),
    }
}

/// The account of a name and password. An unknown name costs the same time and gets the same answer as a wrong
/// password. Guesses are counted before they are checked, and one that comes too early is not checked at all.
pub(crate) async fn authenticate(
    app: &App,
    client: &Client,
    login: &str,
    password: &str,
) -> Result<Account, Problem> {
    // First of all the place: a guess that nobody has time to check must not count as a wrong one.
    let _place = app.hashing_queue.try_acquire().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "many people are signing in; try again in a moment",
        )
    })?;
    let attempt = may_guess(app, client, login).await?;
    let account = app.school.account_by_login(login).await?;
    let hash = match &account {
        // An account that came by a provider has no password.
        Some(account) if account.password_hash.is_empty() => None,
        Some(account) => {
            let parsed = PasswordHash::parse(&account.password_hash);
            Some(parsed.map_err(|cause| Problem::broken("password check", false, &cause))?)
        }
        None => None,
    };
    match (account, check_password(app, hash, password).await?) {
        (Some(account), PasswordCheck::Match | PasswordCheck::MatchRehash) => {
            match app.throttle.succeeded(attempt).await {
                // What is left counted is forgotten with time; the password was right.
                Err(cause) if cause.is_transient() => {
                    tracing::warn!(%cause, "a right password stays counted as a wrong one");
                }
                done => done?,
            }
            Ok(account)
        }
        _ => Err(Problem::unauthenticated("wrong_credentials", "the name or the password is wrong")),
    }
}

/// Asks whether a password may be checked now for this name and from there.
async fn may_guess(app: &App, client: &Client, login: &str) -> Result<Attempt, Problem> {
    match app.throttle.admit(&Guess::new(login, client.ip())).await? {
        MayGuess::Now(attempt) => Ok(attempt),
        MayGuess::Wait(wait) => {
            tracing::info!(by = ?wait.by, address = client.address, "guesses come too fast");
            let secs = wait.retry_after_secs();
            let words = format!("too many attempts to sign in; wait {secs} s, then try again");
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_guesses", words).after(wait.left))
        }
    }
}

/// Hashing takes tens of milliseconds and megabytes: a few at a time, off the async threads. The
/// turn goes with the work, so that a client that leaves does not let another one in early.
async fn check_password(
    app: &App,
    hash: Option<PasswordHash>,
    password: &str,
) -> Result<PasswordCheck, Problem> {
    let turn = Arc::clone(&app.hashing).acquire_owned().await;
    let turn = turn.map_err(|closed| Problem::broken("password check", true, &closed))?;
    let (hasher, password) = (Arc::clone(&app.hasher), password.to_owned());
    let checking = tokio::task::spawn_blocking(move || {
        let checked = hasher.verify(hash.as_ref(), &password);
        drop(turn);
        checked
    });
    let checked = checking.await.map_err(|cause| Problem::broken("password check", false, &cause))?;
    // A password that no account can have is wrong like any other.
    Ok(checked.unwrap_or(PasswordCheck::Mismatch))
}

/// Adds the session cookie to an answer.
pub(crate) fn set_cookie(app: &App, headers: &mut HeaderMap, signed_in: &SignedIn) -> Result<(), Problem> {
    put_cookie(headers, &app.cookie.set(&signed_in.secret, signed_in.session.cookie_max_age()))
}

/// Takes the session cookie away.
pub(crate) fn clear_cookie(app: &App, headers: &mut HeaderMap) -> Result<(), Problem> {
    put_cookie(headers, &app.cookie.clear())
}

fn put_cookie(headers: &mut HeaderMap, text: &str) -> Result<(), Problem> {
    headers.remove(header::SET_COOKIE);
    add_cookie(headers, text)
}

/// Adds a cookie to an answer.
pub(crate) fn add_cookie(headers: &mut HeaderMap, text: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(text).map_err(|cause| Problem::broken("cookie", false, &cause))?;
    headers.append(header::SET_COOKIE, value);
    Ok(())
}

/// A path of this site, or the course list: a redirect never leaves the school.
pub(crate) fn local_path(next: &str) -> &str {
    let local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(|found: char| found == '\\' || found.is_control());
    if local { next } else { "/courses" }
}

#[cfg(test)]
mod tests {
    use super::{SignInForm, local_path};

    #[test]
    fn a_password_is_not_shown() {
        let form = SignInForm {
            login: "lilei".into(),
            password: "pinewood".into(),
            next: String::new(),
            remember: String::new(),
        };
        let shown = format!("{form:?}");
        assert!(shown.contains("lilei") && !shown.contains("pinewood"), "{shown}");
    }

    #[test]
    fn a_redirect_never_leaves_the_school() {
        for outside in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "",
            "javascript:1",
            "/\t/evil",
            "/\u{1}",
        ] {
            assert_eq!(local_path(outside), "/courses", "{outside}");
        }
        assert_eq!(local_path("/lab/shell"), "/lab/shell");
    }
}
