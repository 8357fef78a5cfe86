//! Who is asking: a session cookie or a bearer token becomes a known account, or a typed reason why not.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rbac::{DenyReason, Permission, Policy, Scope};
use sso_core::{Check, CookieRead, End, EndReason, Session, SessionId, SessionSecret, UnixMillis};

use super::active_roles;
use super::chrome::Chrome;
use super::office::look::Look;
use super::office::rooms;
use super::problem::{PageProblem, Problem};
use super::seen;
use crate::app::{App, Shared};
use crate::clock;
use crate::school::account::Account;

/// A known person, and the policy that their request is judged by.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) account: Account,
    /// The session, when a cookie brought them here and not a token.
    pub(crate) seat: Option<Seat>,
    /// Who they are in the policy.
    pub(crate) user: rbac::UserId,
    /// The roles that they use; all of theirs without a choice.
    pub(crate) active: Option<rbac::Session>,
    /// One policy for all checks of a request.
    pub(crate) policy: Arc<Policy>,
    /// When the request came.
    pub(crate) now: rbac::UnixMillis,
    pub(crate) look: Look,
    /// The address that they asked for, with its query.
    pub(crate) here: String,
}

/// A session and what opens it.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) secret: SessionSecret,
    pub(crate) session: Session,
}

impl Visitor {
    /// Refuses unless the visitor's roles carry the permission.
    pub(crate) fn must(&self, permission: Permission) -> Result<(), Problem> {
        if self.may(permission) {
            return Ok(());
        }
        self.must_not_choose(permission)?;
        let name = permission.name();
        Err(Problem::forbidden(match &self.active {
            Some(_) => format!(
                "the roles that you use now lack the permission `{name}`; choose others at {}",
                active_roles::PATH
            ),
            None => format!("this needs the permission `{name}`; ask an administrator for a role with it"),
        }))
    }

    /// Refuses somebody whose roles must not be used together, and says where they choose.
    pub(crate) fn must_not_choose(&self, permission: Permission) -> Result<(), Problem> {
        let view = self.policy.at(self.now);
        let denied = match &self.active {
            Some(session) => session.resume(view).and_then(|active| active.subject().check(permission).err()),
            None => view.subject(&self.user).and_then(|subject| subject.check(permission).err()),
        };
        match denied.as_ref().map(rbac::Denied::reason) {
            Some(DenyReason::RolesToChoose { duty }) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                active_roles::TO_CHOOSE,
                format!(
                    "your roles must not be used together (separation of duties `{duty}`); choose which to use at {}",
                    active_roles::PATH
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Answers whether the visitor's roles carry the permission.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        let view = self.policy.at(self.now);
        match &self.active {
            Some(session) => session.can(view, permission),
            None => view.subject(&self.user).is_some_and(|subject| subject.can(permission)),
        }
    }

    /// Which rows the visitor's roles open for a permission.
    pub(crate) fn scope(&self, permission: Permission) -> Scope {
        let view = self.policy.at(self.now);
        match &self.active {
            Some(session) => {
                session.resume(view).map(|active| active.subject().scope(permission)).unwrap_or_default()
            }
            None => view.scope(&self.user, permission),
        }
    }

    /// The roles that are theirs now, wherever they hold in no domain.
    fn held_roles(&self) -> usize {
        self.policy.at(self.now).subject(&self.user).map_or(0, |subject| subject.roles().count())
    }

    /// The same visitor, judged by the policy of this moment: for what goes on longer than a request.
    pub(crate) fn again(&self, app: &App) -> Result<Self, Problem> {
        let now = clock::now()?;
        Ok(Self { policy: app.live.policy(now)?, now, ..self.clone() })
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
    pub(crate) fn chrome(&self, tab: &'static str) -> Chrome {
        let menu = rooms::menu(|permission| self.may(permission), self.look.text());
        let mut chrome = Chrome::of(&self.account.display_name, menu, self.look, tab);
        chrome.here.clone_from(&self.here);
        let names = self.active.iter().flat_map(rbac::Session::roles).map(ToString::to_string);
        chrome.active_roles = self.active.as_ref().map(|_| names.collect::<Vec<_>>().join(", "));
        chrome.may_choose_roles = self.seat.is_some() && (self.active.is_some() || self.held_roles() > 1);
        chrome
    }
}

/// Finds out who sent the request.
pub(crate) async fn identify(app: &App, parts: &Parts) -> Result<Visitor, Problem> {
    let headers = &parts.headers;
    if let Some(bearer) = headers.get(header::AUTHORIZATION) {
        let id = bearer_subject(app, bearer.as_bytes())?;
        return known(app, parts, &id, None).await;
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
                known(app, parts, &id, Some(Seat { secret, session })).await
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

async fn known(app: &App, parts: &Parts, id: &str, seat: Option<Seat>) -> Result<Visitor, Problem> {
    let Some(account) = app.school.account(id).await? else {
        let words = "this account is gone; sign in with another";
        return Err(Problem::unauthenticated("unknown_account", words));
    };
    let now = clock::now()?;
    // Fails closed: on a policy that nobody has confirmed for too long nothing is decided.
    let policy = match seen::version(&parts.headers) {
        Some(version) => app.live.snapshot_at_least(version, now).await?.into_policy(),
        None => app.live.policy(now)?,
    };
    let user = rbac::UserId::new(&account.id)?;
    let active = seat.as_ref().map(|seat| active_roles::of(&seat.session)).transpose()?.flatten();
    // Nobody else's choice opens anything.
    if active.as_ref().is_some_and(|session| *session.user() != user) {
        return Err(Problem::unauthenticated("unknown_session", "this session is not yours; sign in again"));
    }
    Ok(Visitor {
        user,
        active,
        look: Look::of(&parts.headers),
        here: here(parts),
        account,
        seat,
        policy,
        now,
    })
}

/// The address that was asked for: a nested router sees one without its prefix.
fn here(parts: &Parts) -> String {
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string)
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
