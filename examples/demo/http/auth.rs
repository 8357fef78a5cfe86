//! Signing in and out: the page, the form, and the one function behind both page and API.

use std::fmt;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use sso_core::{DeviceKind, Login, PasswordCheck, PasswordHash, SignedIn, UserId};

use super::chrome::{Chrome, page as render};
use super::input::Form;
use super::problem::{PageResult, Problem};
use super::visitor::Visitor;
use crate::app::{App, Shared};
use crate::school::account::Account;

/// What the sign-in form sends.
#[derive(Deserialize)]
pub(crate) struct SignInForm {
    pub(crate) login: String,
    pub(crate) password: String,
    #[serde(default)]
    pub(crate) next: String,
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
}

/// `GET /login`
pub(crate) async fn page(Query(query): Query<SignInQuery>) -> PageResult {
    let notice = match query.why.as_str() {
        "" | "not_signed_in" => "",
        "signed_out" => "You signed out.",
        "expired_idle" => "You were away for a while, so your session ended.",
        "expired_absolute" => "Your session reached its age limit.",
        "malformed_cookie" => "Your browser sent a session cookie that is not one of ours.",
        _ => "Your session is over.",
    };
    let next = local_path(&query.next);
    render(&SignInPage { chrome: Chrome::anonymous(), error: "", notice, next, login: "" })
}

/// `POST /login`
pub(crate) async fn sign_in(
    State(app): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> PageResult {
    let next = local_path(&form.next);
    match open_session(&app, &headers, &form.login, &form.password).await {
        Ok(signed_in) => {
            let mut reply = Redirect::to(next).into_response();
            set_cookie(&app, reply.headers_mut(), &signed_in)?;
            Ok(reply)
        }
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => {
            let shown = SignInPage {
                chrome: Chrome::anonymous(),
                error: &problem.detail,
                notice: "",
                next,
                login: &form.login,
            };
            let mut reply = render(&shown)?;
            *reply.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(reply)
        }
        Err(problem) => Err(problem.into()),
    }
}

/// `POST /logout`: ends the session on every server.
pub(crate) async fn sign_out(State(app): State<Shared>, visitor: Visitor) -> PageResult {
    if let Some(secret) = &visitor.secret {
        app.sso.logout(secret).await.map_err(Problem::from)?;
    }
    let mut reply = Redirect::to("/login?why=signed_out").into_response();
    clear_cookie(&app, reply.headers_mut())?;
    Ok(reply)
}

/// Checks the password and opens a session.
pub(crate) async fn open_session(
    app: &App,
    headers: &HeaderMap,
    login: &str,
    password: &str,
) -> Result<SignedIn, Problem> {
    let account = authenticate(app, login, password).await?;
    let user = UserId::new(&account.id)?;
    let agent: String = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("unknown")
        .chars()
        .take(200)
        .collect();
    Ok(app.sso.login(&user, Login::new(DeviceKind::Web, agent, "")).await?)
}

/// The account of a name and password. An unknown name costs the same time and gets the same answer as a wrong
/// password.
pub(crate) async fn authenticate(app: &App, login: &str, password: &str) -> Result<Account, Problem> {
    let account = app.school.account_by_login(login).await?;
    let hash = match &account {
        Some(account) => {
            let parsed = PasswordHash::parse(&account.password_hash);
            Some(parsed.map_err(|cause| Problem::broken("password check", false, &cause))?)
        }
        None => None,
    };
    match (account, check_password(app, hash, password).await?) {
        (Some(account), PasswordCheck::Match | PasswordCheck::MatchRehash) => Ok(account),
        _ => Err(Problem::unauthenticated("wrong_credentials", "the name or the password is wrong")),
    }
}

/// Hashing takes tens of milliseconds and megabytes: a few at a time, off the async threads, with a bounded queue. The
/// turn goes with the work, so that a client that leaves does not let another one in early.
async fn check_password(
    app: &App,
    hash: Option<PasswordHash>,
    password: &str,
) -> Result<PasswordCheck, Problem> {
    let busy = || {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "many people are signing in; try again in a moment",
        )
    };
    let _place = app.hashing_queue.try_acquire().map_err(|_| busy())?;
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
    put_cookie(headers, &app.cookie.set(&signed_in.secret, app.sso.limits().absolute()))
}

/// Takes the session cookie away.
pub(crate) fn clear_cookie(app: &App, headers: &mut HeaderMap) -> Result<(), Problem> {
    put_cookie(headers, &app.cookie.clear())
}

fn put_cookie(headers: &mut HeaderMap, text: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(text).map_err(|cause| Problem::broken("cookie", false, &cause))?;
    headers.insert(header::SET_COOKIE, value);
    Ok(())
}

/// A path of this site, or the course list: a redirect never leaves the school.
fn local_path(next: &str) -> &str {
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
        let form = SignInForm { login: "lilei".into(), password: "pinewood".into(), next: String::new() };
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
