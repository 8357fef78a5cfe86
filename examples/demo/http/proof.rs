//! Proving again who one is (step-up): asked before a change of the policy that rests on a sensitive permission, before
//! money is given back and before somebody is signed out; good for ten minutes. A sign-in proves it as well.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Json as Reply;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use rbac::{Draft, admin};
use serde::Deserialize;
use serde_json::json;
use sso_core::{Amended, Proof, Purpose, SignedIn, UnixMillis};

use super::auth::{authenticate, set_cookie};
use super::chrome::{Chrome, page as render};
use super::client::Client;
use super::office::api::read;
use super::office::desk::Desk;
use super::office::fields::Fields;
use super::problem::{ApiResult, PageResult, Problem, put_retry_after};
use super::visitor::{Seat, Visitor};
use crate::app::{App, Shared};
use crate::perm;

/// The code of the answer that asks for a proof.
pub(crate) const NEEDED: &str = "proof_needed";
/// For how long a proof counts, in seconds.
pub(crate) const FRESH_SECS: u64 = 600;
/// What it is for.
const PURPOSE: &str = "policy";
/// The field of a form that the password comes in.
const FIELD: &str = "proof";

/// Whether the visitor has proved lately who they are. An access token proves it of nobody who sits there now.
pub(crate) fn is_fresh(visitor: &Visitor) -> Result<bool, Problem> {
    let Some(Seat { session, .. }) = &visitor.seat else { return Ok(false) };
    let now = UnixMillis::new(visitor.now.get())?;
    let signed_in = session.created_at.saturating_add(Duration::from_secs(FRESH_SECS));
    Ok((session.actor.is_none() && now < signed_in) || session.is_proved(&Purpose::new(PURPOSE)?, now))
}

/// Refuses a visitor who has not proved it lately.
pub(crate) fn must_be_fresh(visitor: &Visitor) -> Result<(), Problem> {
    if is_fresh(visitor)? { Ok(()) } else { Err(needed()) }
}

/// Whether a draft rests on a permission that is marked as sensitive.
pub(crate) fn is_sensitive(desk: &Desk, draft: &Draft) -> bool {
    let needed = admin::needed(desk.rows(), draft, desk.visitor.now);
    needed.iter().any(|name| perm::entry(name.as_str()).is_some_and(|entry| entry.sensitive))
}

/// The answer that asks for a proof (RFC 9470).
pub(crate) fn needed() -> Problem {
    let words = "this needs a fresh proof of who you are: send your password to /api/v1/session/proof, then try again";
    Problem::unauthenticated(NEEDED, words)
}

/// Checks the password of the visitor and notes the proof. The session moves to a new secret.
pub(crate) async fn prove(
    app: &App,
    client: &Client,
    visitor: &mut Visitor,
    password: &str,
) -> Result<SignedIn, Problem> {
    let Some(seat) = visitor.seat.clone() else {
        return Err(Problem::conflict("no_session", "an access token has no session; sign in first"));
    };
    authenticate(app, client, &visitor.account.login, password).await?;
    let proof = Proof::new(Purpose::new(PURPOSE)?, Duration::from_secs(FRESH_SECS))?;
    match app.sso.step_up(&seat.secret, proof).await? {
        Amended::Done(signed_in) => {
            tracing::info!(user = visitor.account.id, "proved again who they are");
            visitor.seat =
                Some(Seat { secret: signed_in.secret.clone(), session: signed_in.session.clone() });
            Ok(signed_in)
        }
        Amended::Impersonated => Err(Problem::forbidden("nobody proves anything on behalf of somebody else")),
        Amended::Full => {
            Err(Problem::conflict("refused", "the session holds too much already; sign in again"))
        }
        _ => Err(Problem::unauthenticated("unknown_session", "this session is over; sign in again")),
    }
}

/// A password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    password: String,
}

/// `POST /api/v1/session/proof`: `{"password": ".."}`.
pub(crate) async fn api(
    State(app): State<Shared>,
    client: Client,
    visitor: Visitor,
    body: Bytes,
) -> ApiResult {
    let given: Given = read(&body)?;
    let mut visitor = visitor;
    let signed_in = prove(&app, &client, &mut visitor, &given.password).await?;
    let until = signed_in.session.proofs.until(&Purpose::new(PURPOSE)?).map(UnixMillis::as_millis);
    let mut reply = (StatusCode::CREATED, Reply(json!({ "until": until }))).into_response();
    set_cookie(&app, reply.headers_mut(), &signed_in)?;
    Ok(reply)
}

#[derive(Template)]
#[template(path = "office/prove.html")]
struct ProvePage {
    chrome: Chrome,
    /// Where the form was sent, and what it held.
    action: String,
    fields: Vec<(String, String)>,
    back: String,
    login: String,
    has_password: bool,
    error: String,
}

/// Does what a form asks for. If it needs a proof, the form comes back with a field for the password, and does it when
/// the password is right.
pub(crate) async fn with<Act, Doing>(desk: Desk, client: Client, fields: Fields, act: Act) -> PageResult
where
    Act: FnOnce(Desk, Fields) -> Doing,
    Doing: Future<Output = PageResult>,
{
    let (app, mut desk) = (Arc::clone(&desk.app), desk);
    let password = fields.whole(FIELD).to_owned();
    // The name is there for programs that keep passwords.
    let fields = fields.without(FIELD).without("username");
    let mut proved = None;
    if !password.is_empty() {
        match prove(&app, &client, &mut desk.visitor, &password).await {
            Ok(signed_in) => proved = Some(signed_in),
            Err(problem) if problem.code == "wrong_credentials" => {
                return ask(&desk, &fields, desk.t.rooms.prove_wrong, &problem);
            }
            Err(problem) if problem.status == StatusCode::TOO_MANY_REQUESTS => {
                return ask(&desk, &fields, &problem.detail, &problem);
            }
            Err(problem) => return Err(problem.into()),
        }
    }
    let shown = desk.clone();
    let mut reply = match act(desk, fields.clone()).await {
        Err(problem) if problem.code() == NEEDED => return ask(&shown, &fields, "", &needed()),
        Err(problem) => problem.into_response(),
        Ok(reply) => reply,
    };
    if let Some(signed_in) = proved {
        set_cookie(&app, reply.headers_mut(), &signed_in)?;
    }
    Ok(reply)
}

fn ask(desk: &Desk, fields: &Fields, error: &str, problem: &Problem) -> PageResult {
    let action = desk.here.split('?').next().unwrap_or_default().to_owned();
    let back = super::auth::local_path(fields.one("back")).to_owned();
    let mut chrome = desk.chrome("");
    back.clone_into(&mut chrome.here);
    let mut reply = render(&ProvePage {
        chrome,
        action,
        fields: fields.pairs().to_vec(),
        back,
        login: desk.visitor.account.login.clone(),
        has_password: !desk.visitor.account.password_hash.is_empty(),
        error: error.to_owned(),
    })?;
    // A browser asks for a password itself on a 401; this page has a field for it.
    *reply.status_mut() =
        if problem.status == StatusCode::UNAUTHORIZED { StatusCode::FORBIDDEN } else { problem.status };
    put_retry_after(reply.headers_mut(), problem.retry_after);
    Ok(reply)
}
