//! Who is asking: a session cookie or a bearer token becomes a known account, or a typed reason why not.

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use rbac::{Decision, PermissionName};
use sso_core::{Check, CookieRead, End, EndReason, Session, SessionId, SessionSecret, UnixMillis};

use super::chrome::{Chrome, Doors};
use super::problem::{PageProblem, Problem};
use super::{orders, reconcile};
use crate::app::{App, Shared};
use crate::school::account::Account;

/// A known person.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) account: Account,
    /// The session, when a cookie brought them here and not a token.
    pub(crate) seat: Option<Seat>,
}

/// A session and what opens it.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) secret: SessionSecret,
    pub(crate) session: Session,
}

impl Visitor {
    /// Refuses unless the visitor's roles carry the permission.
    pub(crate) fn must(&self, app: &App, permission: &str) -> Result<(), Problem> {
        if self.may(app, permission)? {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "this needs the permission `{permission}`; ask an administrator for a role with it"
        )))
    }

    /// Answers whether the visitor's roles carry the permission.
    pub(crate) fn may(&self, app: &App, permission: &str) -> Result<bool, Problem> {
        let user = rbac::UserId::new(&self.account.id)?;
        let asked = PermissionName::new(permission)?;
        let policy = app.live.snapshot();
        match policy.decide(&user, &asked) {
            Ok(decision) => Ok(matches!(decision, Decision::Permit)),
            Err(unknown) => Err(Problem::broken("permission catalogue", false, &unknown)),
        }
    }

    /// Their session's secret.
    pub(crate) fn secret(&self) -> Option<&SessionSecret> {
        self.seat.as_ref().map(|seat| &seat.secret)
    }

    /// Their session.
    pub(crate) fn session_id(&self) -> Option<&SessionId> {
        self.seat.as_ref().map(|seat| &seat.session.id)
    }

    /// The frame of this visitor's pages.
    pub(crate) fn chrome(&self, app: &App, tab: &'static str) -> Result<Chrome, Problem> {
        let doors = Doors {
            users: self.may(app, "user:view")?,
            sales: self.may(app, "sale:edit")?,
            orders: self.may(app, orders::VIEW)?,
            bills: self.may(app, reconcile::RECONCILE)?,
        };
        Ok(Chrome::of(&self.account.display_name, doors, tab))
    }
}

/// Finds out who sent the request.
pub(crate) async fn identify(app: &App, parts: &Parts) -> Result<Visitor, Problem> {
    let headers = &parts.headers;
    if let Some(bearer) = headers.get(header::AUTHORIZATION) {
        let id = bearer_subject(app, bearer.as_bytes())?;
        return known(app, &id, None).await;
    }
    match app.cookie.read(&cookies(headers)) {
        CookieRead::Absent => Err(Problem::unauthenticated("not_signed_in", "sign in first")),
        CookieRead::Malformed => Err(Problem::unauthenticated(
            "malformed_cookie",
            "the session cookie is not one of ours; sign in again",
        )),
        CookieRead::Secret(secret) => match app.sso.check(&secret).await? {
            Check::Active(session) => {
                let id = session.user.as_str().to_owned();
                known(app, &id, Some(Seat { secret, session })).await
            }
            Check::Ended(end) => Err(ended(&end)),
            Check::Unknown => {
                Err(Problem::unauthenticated("unknown_session", "this session is over; sign in again"))
            }
        },
    }
}

/// The cookies of a request as one line.
pub(crate) fn cookies(headers: &HeaderMap) -> String {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.collect::<Vec<_>>().join("; ")
}

/// Ends the session that a browser had before it signed in again: its cookie is gone, so nobody would.
pub(crate) async fn end_earlier(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let CookieRead::Secret(secret) = app.cookie.read(&cookies(headers)) else { return Ok(()) };
    let Check::Active(earlier) = app.sso.check(&secret).await? else { return Ok(()) };
    app.sso.logout(&secret).await?;
    app.refresher.session_ended(&earlier.user, &earlier.id).await?;
    Ok(())
}

fn bearer_subject(app: &App, header: &[u8]) -> Result<String, Problem> {
    let refused = |words: String| Problem::unauthenticated("invalid_token", words);
    let token = std::str::from_utf8(header)
        .ok()
        .and_then(|text| text.strip_prefix("Bearer "))
        .ok_or_else(|| refused("the Authorization header must be `Bearer` and a token".to_owned()))?;
    match app.verifier.verify(token, UnixMillis::now()) {
        Ok(claims) => Ok(claims.subject().as_str().to_owned()),
        Err(rejected) => Err(refused(format!("the access token was refused: {rejected}"))),
    }
}

async fn known(app: &App, id: &str, seat: Option<Seat>) -> Result<Visitor, Problem> {
    match app.school.account(id).await? {
        Some(account) => Ok(Visitor { account, seat }),
        None => {
            Err(Problem::unauthenticated("unknown_account", "this account is gone; sign in with another"))
        }
    }
}

/// The problem of a session that ended, with its reason as the code.
fn ended(end: &End) -> Problem {
    let words = match &end.reason {
        EndReason::SignedOut => "you signed out; sign in again",
        EndReason::ExpiredIdle => "you were away for too long; sign in again",
        EndReason::ExpiredAbsolute => "your session reached its age limit; sign in again",
        EndReason::Kicked { .. } => "the school ended your session; sign in again, or ask why",
        EndReason::Replaced { .. } => "you signed in on too many devices, so this one was signed out",
        EndReason::Revoked => "your session was ended for the safety of your account; sign in again",
        EndReason::Renewed => "your browser has a newer session; load the page again",
        _ => "your session was ended; sign in again",
    };
    Problem::unauthenticated(end.reason.code(), words)
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Response> {
        let problem = match identify(app, parts).await {
            Ok(visitor) => return Ok(visitor),
            Err(problem) => problem,
        };
        // A nested router sees a path without its prefix; the original is what the client asked for.
        let path = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |uri| uri.path());
        if path.starts_with("/api/") {
            return Err(problem.into_response());
        }
        let next = if parts.method == Method::GET { path } else { "/courses" };
        Err(PageProblem::at(problem, next).into_response())
    }
}
