//! The endpoints of OpenID Connect, and the two questions that they may have for a person.

use askama::Template;
use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use serde::Deserialize;
use sso_core::{
    AuthorizeStep, Caller, Confirmed, Consent, EndSessionStep, Provider, SessionId, SiteSession, UnixMillis,
};

use super::auth;
use super::chrome::{Chrome, page as render};
use super::client::Client;
use super::input::Form;
use super::problem::{ApiResult, PageResult, Problem};
use super::visitor::{self, Visitor};
use crate::app::{App, Shared};

/// Where other sites may post to: nothing here believes a cookie that comes with it.
pub(crate) const POSTED_BY_OTHERS: [&str; 4] =
    ["/oauth/authorize", "/oauth/token", "/oauth/userinfo", "/oauth/end-session"];

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    chrome: Chrome,
    client: &'a str,
    scopes: Vec<&'static str>,
    query: &'a str,
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutPage<'a> {
    chrome: Chrome,
    client: Option<&'a str>,
    query: &'a str,
}

/// A person's answer to one of the questions, with the request that led to it.
#[derive(Debug, Deserialize)]
pub(crate) struct AnswerForm {
    query: String,
    answer: String,
}

/// `GET /.well-known/openid-configuration`
pub(crate) async fn discovery(State(app): State<Shared>) -> ApiResult {
    Ok(app.openid()?.provider.discovery().map(Body::from))
}

/// `POST /oauth/token`
pub(crate) async fn token(State(app): State<Shared>, client: Client, request: Request) -> ApiResult {
    let (provider, request) = (&app.openid()?.provider, whole(request).await?);
    Ok(provider.token(&request, caller(&client)).await?.map(Body::from))
}

/// `GET` and `POST /oauth/userinfo`
pub(crate) async fn userinfo(State(app): State<Shared>, client: Client, request: Request) -> ApiResult {
    let (provider, request) = (&app.openid()?.provider, whole(request).await?);
    Ok(provider.userinfo(&request, caller(&client)).await?.map(Body::from))
}

fn caller(client: &Client) -> Caller<'_> {
    Caller { from: &client.address, now: UnixMillis::now() }
}

async fn whole(request: Request) -> Result<Request<Bytes>, Problem> {
    let (parts, body) = request.into_parts();
    let read = axum::body::to_bytes(body, Provider::QUERY_BYTES_MAX).await;
    let words = || format!("the body is larger than {} bytes; send less", Provider::QUERY_BYTES_MAX);
    let body = read.map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", words()))?;
    Ok(Request::from_parts(parts, body))
}

/// `POST /oauth/authorize` and `POST /oauth/end-session`: the same request as a query. A browser sends our cookie with
/// a visit that another site began, but not with a form that another site posts.
pub(crate) async fn posted(uri: Uri, form: String) -> PageResult {
    if form.len() > Provider::QUERY_BYTES_MAX || !form.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::bad_request("invalid", "this is no form that can be read").into());
    }
    Ok(Redirect::to(&format!("{}?{form}", uri.path())).into_response())
}

/// `GET /oauth/authorize`
pub(crate) async fn authorize(
    State(app): State<Shared>,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> PageResult {
    go_on(&app, &parts, &query.unwrap_or_default(), Consent::NotAsked).await
}

/// `POST /oauth/consent`: the answer to whether a site may know who its visitor is.
pub(crate) async fn consent(
    State(app): State<Shared>,
    parts: Parts,
    Form(form): Form<AnswerForm>,
) -> PageResult {
    let answer = if form.answer == "yes" { Consent::Granted } else { Consent::Refused };
    go_on(&app, &parts, &form.query, answer).await
}

async fn go_on(app: &App, parts: &Parts, query: &str, consent: Consent) -> PageResult {
    let provider = &app.openid()?.provider;
    let visitor = signed_in(app, parts).await?;
    let session = visitor.as_ref().and_then(session);
    let step = provider.authorize(query, session.as_ref(), consent, UnixMillis::now()).await;
    match step.map_err(Problem::from)? {
        AuthorizeStep::Redirect(to) => Ok(Redirect::to(&to).into_response()),
        AuthorizeStep::SignInNeeded { resume, .. } => Ok(sign_in_first(&resume)),
        AuthorizeStep::ConsentNeeded { resume, scopes, client } => render(&ConsentPage {
            chrome: chrome(visitor.as_ref()),
            client: client.id().as_str(),
            scopes: scopes.iter().filter_map(|scope| meaning(scope)).collect(),
            query: &resume,
        }),
        AuthorizeStep::ShowError { words } => Err(Problem::bad_request("openid", words).into()),
    }
}

fn sign_in_first(resume: &str) -> Response {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", &format!("/oauth/authorize?{resume}"))
        .finish();
    Redirect::to(&format!("/login?{query}")).into_response()
}

/// What a scope shows, for people.
fn meaning(scope: &str) -> Option<&'static str> {
    match scope {
        "openid" => Some("which account is yours, by its number"),
        "profile" => Some("your name, and the one that you sign in with"),
        "offline_access" => Some("the same again later, until you sign out"),
        _ => None,
    }
}

/// `GET /oauth/end-session`
pub(crate) async fn end_session(
    State(app): State<Shared>,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> PageResult {
    end(&app, &parts, &query.unwrap_or_default(), Confirmed::NotAsked).await
}

/// `POST /oauth/sign-out`: the answer to whether the visitor wants to sign out.
pub(crate) async fn sign_out(
    State(app): State<Shared>,
    parts: Parts,
    Form(form): Form<AnswerForm>,
) -> PageResult {
    if form.answer != "yes" {
        return Ok(Redirect::to("/courses").into_response());
    }
    end(&app, &parts, &form.query, Confirmed::Yes).await
}

async fn end(app: &App, parts: &Parts, query: &str, confirmed: Confirmed) -> PageResult {
    let provider = &app.openid()?.provider;
    let visitor = signed_in(app, parts).await?;
    let session = visitor.as_ref().and_then(session);
    match provider.end_session(query, session.as_ref(), confirmed) {
        EndSessionStep::SignOut { session, then } => {
            end_everywhere(app, visitor.as_ref(), &session).await?;
            signed_out(app, then)
        }
        EndSessionStep::NobodySignedIn { then } => signed_out(app, then),
        EndSessionStep::ConfirmNeeded { client } => render(&SignOutPage {
            chrome: chrome(visitor.as_ref()),
            client: client.as_ref().map(sso_core::ClientId::as_str),
            query,
        }),
        EndSessionStep::ShowError { words } => Err(Problem::bad_request("openid", words).into()),
    }
}

async fn end_everywhere(app: &App, visitor: Option<&Visitor>, session: &SessionId) -> Result<(), Problem> {
    if let Some(secret) = visitor.and_then(Visitor::secret) {
        app.sso.logout(secret).await?;
    }
    // From the next request on no token of it is good; the listener of sessions does the rest.
    app.openid()?.single_logout.end(session).await.map(drop).map_err(Problem::from)
}

fn signed_out(app: &App, then: Option<String>) -> PageResult {
    let to = then.unwrap_or_else(|| "/login?why=signed_out".to_owned());
    let mut reply = Redirect::to(&to).into_response();
    auth::clear_cookie(app, reply.headers_mut())?;
    Ok(reply)
}

/// The visitor, if a session brought them here.
async fn signed_in(app: &App, parts: &Parts) -> Result<Option<Visitor>, Problem> {
    match visitor::identify(app, parts).await {
        Ok(visitor) => Ok(Some(visitor).filter(|visitor| visitor.seat.is_some())),
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn session(visitor: &Visitor) -> Option<SiteSession> {
    visitor.seat.as_ref().map(|seat| SiteSession::from(&seat.session))
}

fn chrome(visitor: Option<&Visitor>) -> Chrome {
    visitor.map_or_else(Chrome::anonymous, |visitor| visitor.chrome(""))
}
