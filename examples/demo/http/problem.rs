//! Problems: every answer that is not what was asked for, with a status, a stable code and a remedy in words.

use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::json;

use super::chrome::Chrome;
use super::{active_roles, proof, social, visitor};
use crate::app::Shared;

/// A refusal or failure, as the API sends it: `{"code": .., "detail": ..}`.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    /// When to try again, where waiting helps.
    pub(crate) retry_after: Option<Duration>,
}

/// How long to wait for a part that is away for a moment.
const AWAY_RETRY: Duration = Duration::from_secs(1);
/// The challenge to somebody whose proof is too old (RFC 9470).
const STEP_UP: &str = "Bearer error=\"insufficient_user_authentication\", max_age=600";
/// How long to wait for a part that a person has to repair.
const REPAIR_RETRY: Duration = Duration::from_secs(60);

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(AWAY_RETRY);
        Self { status, code, detail: detail.into(), retry_after }
    }

    /// The same, worth another try after `wait`.
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "nothing is here; check the address")
    }

    pub(crate) fn unauthenticated(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// A part that the demo stands on failed. The cause goes to the log, not to the client.
    pub(crate) fn broken(part: &'static str, transient: bool, cause: &dyn std::error::Error) -> Self {
        report(part, transient, cause);
        if transient {
            Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                format!("the {part} cannot be reached; try again in a moment"),
            )
        } else {
            Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                format!("the {part} failed; the school has been told"),
            )
        }
    }
}

impl Problem {
    /// What a payment gateway, or the way to it, made fail.
    #[expect(clippy::needless_pass_by_value, reason = "it is the last word of a `map_err`")]
    pub(crate) fn gateway(cause: payments::Error) -> Self {
        if cause.kind() == payments::ErrorKind::InvalidInput {
            return Self::conflict("gateway_refused", cause.to_string());
        }
        Self::broken("payment gateway", cause.is_transient(), &cause)
    }
}

/// Tells the log why a part failed, down to the last cause.
fn report(part: &'static str, transient: bool, cause: &dyn std::error::Error) {
    let mut chain = cause.to_string();
    let mut next = cause.source();
    while let Some(source) = next {
        chain.push_str(": ");
        chain.push_str(&source.to_string());
        next = source.source();
    }
    tracing::error!(part, transient, cause = chain.escape_debug().to_string(), "a part failed");
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut reply =
            (self.status, axum::Json(json!({ "code": self.code, "detail": self.detail }))).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = if self.code == proof::NEEDED { STEP_UP } else { "Bearer" };
            reply.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        put_retry_after(reply.headers_mut(), self.retry_after);
        reply
    }
}

impl From<sqlx::Error> for Problem {
    fn from(cause: sqlx::Error) -> Self {
        let transient = matches!(cause, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut);
        Self::broken("database", transient, &cause)
    }
}

impl From<sso_core::Error> for Problem {
    fn from(cause: sso_core::Error) -> Self {
        if cause.kind() == sso_core::ErrorKind::InvalidInput {
            return Self::bad_request("invalid", cause.to_string());
        }
        Self::broken("session store", cause.is_transient(), &cause)
    }
}

impl From<rbac::Error> for Problem {
    fn from(cause: rbac::Error) -> Self {
        if cause.kind() == rbac::ErrorKind::InvalidInput {
            return Self::bad_request("invalid", cause.to_string());
        }
        Self::broken("permission store", cause.is_transient(), &cause)
    }
}

impl From<seckill::Error> for Problem {
    fn from(cause: seckill::Error) -> Self {
        let still = |code, words: &str| {
            report("sale store", false, &cause);
            Self::new(StatusCode::SERVICE_UNAVAILABLE, code, words).after(REPAIR_RETRY)
        };
        match cause.kind() {
            seckill::ErrorKind::InvalidInput => Self::bad_request("invalid", cause.to_string()),
            seckill::ErrorKind::Frozen => still(
                "sale_frozen",
                "the sale stands still until its records are restored, so that no seat is sold twice; try again later",
            ),
            seckill::ErrorKind::NotLoaded => still(
                "sale_not_loaded",
                "the sale's seats are not loaded; the school has been told, try again later",
            ),
            _ => Self::broken("sale store", cause.is_transient(), &cause),
        }
    }
}

impl From<payments::Error> for Problem {
    fn from(cause: payments::Error) -> Self {
        if cause.kind() == payments::ErrorKind::InvalidInput {
            return Self::bad_request("invalid", cause.to_string());
        }
        Self::broken("order store", cause.is_transient(), &cause)
    }
}

/// Says in whole seconds when to try again.
pub(crate) fn put_retry_after(headers: &mut HeaderMap, wait: Option<Duration>) {
    if let Some(wait) = wait {
        let secs = wait.as_millis().div_ceil(1000).max(1);
        if let Ok(value) = HeaderValue::from_str(&secs.to_string()) {
            headers.insert(header::RETRY_AFTER, value);
        }
    }
}

/// The same problem as a page for people. A missing sign-in becomes a way to sign in.
#[derive(Debug)]
pub(crate) struct PageProblem {
    problem: Problem,
    next: String,
}

impl PageProblem {
    /// Where to come back to after signing in.
    pub(crate) fn at(problem: Problem, next: &str) -> Self {
        Self { problem, next: next.to_owned() }
    }

    /// The code of the problem.
    pub(crate) const fn code(&self) -> &'static str {
        self.problem.code
    }
}

impl<E: Into<Problem>> From<E> for PageProblem {
    fn from(cause: E) -> Self {
        Self { problem: cause.into(), next: "/courses".to_owned() }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    chrome: Chrome,
    status: u16,
    title: &'a str,
    detail: &'a str,
}

impl IntoResponse for PageProblem {
    fn into_response(self) -> Response {
        let Self { problem, next } = self;
        if problem.status == StatusCode::UNAUTHORIZED {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("next", &next)
                .append_pair("why", problem.code)
                .finish();
            return Redirect::to(&format!("/login?{query}")).into_response();
        }
        let mut reply = problem.status.into_response();
        reply.extensions_mut().insert(Shown(problem));
        reply
    }
}

/// A problem that still has to become a page: only the layer below knows who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Shown(Problem);

/// Turns the problems of pages into pages, in the frame of whoever is signed in.
pub(crate) async fn pages(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let asked = Parts::clone(&parts);
    let mut reply = next.run(Request::from_parts(parts, body)).await;
    let Some(Shown(problem)) = reply.extensions_mut().remove::<Shown>() else { return reply };
    if problem.code == active_roles::TO_CHOOSE && asked.method == Method::GET {
        let here = asked.uri.path_and_query().map_or(asked.uri.path(), |address| address.as_str());
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", here).finish();
        return Redirect::to(&format!("{}?{query}", active_roles::PATH)).into_response();
    }
    let visitor = visitor::identify(&app, &asked).await.ok();
    let chrome = visitor.map_or_else(Chrome::anonymous, |visitor| visitor.chrome(""));
    let mut page = problem_page(&problem, chrome);
    put_retry_after(page.headers_mut(), problem.retry_after);
    if let Some(allow) = reply.headers().get(header::ALLOW) {
        page.headers_mut().insert(header::ALLOW, allow.clone());
    }
    page
}

fn problem_page(problem: &Problem, chrome: Chrome) -> Response {
    let title = match problem.status {
        _ if problem.code == social::REFUSED => "Nobody was signed in",
        StatusCode::NOT_FOUND => "This page is not here",
        StatusCode::FORBIDDEN => "Your roles do not allow this",
        StatusCode::SERVICE_UNAVAILABLE => "The school is busy",
        status if status.is_client_error() => "That did not work",
        _ => "Something broke",
    };
    let page = ProblemPage { chrome, status: problem.status.as_u16(), title, detail: &problem.detail };
    match page.render() {
        Ok(text) => (problem.status, Html(text)).into_response(),
        Err(_) => problem.clone().into_response(),
    }
}

/// What a page handler answers.
pub(crate) type PageResult = Result<Response, PageProblem>;
/// What an API handler answers.
pub(crate) type ApiResult = Result<Response, Problem>;
