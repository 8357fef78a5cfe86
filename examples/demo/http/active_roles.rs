//! The roles that somebody uses in their session (INCITS 359: active roles). They are kept with the session, so that
//! every server knows them; without a choice all roles are in use.

use axum::Json as Reply;
use axum::body::Bytes;
use axum::extract::{RawForm, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use rbac::RoleName;
use serde::Deserialize;
use sso_core::{Amended, AttributeName, AttributeValue, Changes, SignedIn};

use super::auth::{local_path, set_cookie};
use super::office::api::read;
use super::office::desk::Desk;
use super::office::fields::Fields;
use super::office::hats;
use super::problem::{ApiResult, PageResult, Problem};
use super::visitor::{Seat, Visitor};
use crate::app::{App, Shared};

/// The code of the answer to somebody whose roles must not be used together.
pub(crate) const TO_CHOOSE: &str = "roles_to_choose";
/// Where roles are chosen.
pub(crate) const PATH: &str = "/session/roles";
/// Attributes of a session that a choice may take; each holds 256 bytes of it.
const PARTS_MAX: usize = 6;

/// The roles that were chosen in a session; none if all are in use.
pub(crate) fn of(session: &sso_core::Session) -> Result<Option<rbac::Session>, Problem> {
    let mut text = String::new();
    for at in 0..PARTS_MAX {
        match session.attributes.value(&part(at)?).and_then(AttributeValue::as_text) {
            Some(more) => text.push_str(more),
            None => break,
        }
    }
    if text.is_empty() {
        return Ok(None);
    }
    // What cannot be read is no choice of everything: nothing is permitted until somebody chooses again.
    let chosen = serde_json::from_str(&text).map_err(|cause| Problem::broken("session", false, &cause))?;
    Ok(Some(chosen))
}

fn part(at: usize) -> Result<AttributeName, Problem> {
    Ok(AttributeName::new(format!("roles.{at}"))?)
}

/// The changes of the attributes that keep a choice.
fn kept(chosen: Option<&rbac::Session>) -> Result<Changes, Problem> {
    let text = chosen.map(serde_json::to_string).transpose();
    let text = text.map_err(|cause| Problem::broken("session", false, &cause))?.unwrap_or_default();
    let parts = pieces(&text, AttributeValue::BYTES_MAX);
    if parts.len() > PARTS_MAX {
        return Err(Problem::conflict(
            "too_many_roles",
            "these are too many roles for one session; choose fewer",
        ));
    }
    let mut parts = parts.into_iter();
    let mut changes = Changes::new();
    for at in 0..PARTS_MAX {
        let name = part(at)?;
        changes = match parts.next() {
            Some(piece) => changes.set(name, AttributeValue::text(piece)?),
            None => changes.remove(name),
        };
    }
    Ok(changes)
}

/// A text in pieces of at most so many bytes.
fn pieces(text: &str, bytes_max: usize) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let cut = (0..=bytes_max.min(rest.len())).rev().find(|&at| rest.is_char_boundary(at)).unwrap_or(0);
        let (piece, more) = rest.split_at_checked(cut.max(1)).unwrap_or((rest, ""));
        pieces.push(piece);
        rest = more;
    }
    pieces
}

/// Uses these roles from now on, or all of them. The session moves to a new secret, as whenever rights change.
pub(crate) async fn choose(
    app: &App,
    visitor: &mut Visitor,
    roles: Option<Vec<RoleName>>,
) -> Result<SignedIn, Problem> {
    let Some(seat) = &visitor.seat else {
        return Err(Problem::conflict(
            "no_session",
            "an access token has no session; sign in to choose roles",
        ));
    };
    let view = visitor.policy.at(visitor.now);
    let lang = visitor.look.lang;
    let chosen = roles.map(|roles| view.session(&visitor.user, roles)).transpose();
    let chosen = chosen.map_err(|refusal| Problem::conflict("refused", refusal.words(lang)))?;
    match app.sso.renew(&seat.secret, kept(chosen.as_ref())?).await? {
        Amended::Done(signed_in) => {
            let count = chosen.as_ref().map(|session| session.roles().count());
            tracing::info!(user = visitor.account.id, roles = count, "active roles chosen");
            visitor.seat =
                Some(Seat { secret: signed_in.secret.clone(), session: signed_in.session.clone() });
            visitor.active = chosen;
            Ok(signed_in)
        }
        Amended::Full => {
            Err(Problem::conflict("refused", "the session holds too much already; sign in again"))
        }
        _ => Err(Problem::unauthenticated("unknown_session", "this session is over; sign in again")),
    }
}

/// `GET /session/roles`
pub(crate) async fn page(desk: Desk) -> PageResult {
    let (_, query) = desk.here.split_once('?').unwrap_or_default();
    let next = Fields::parse(query.as_bytes()).one("next").to_owned();
    hats::show(&desk, local_path(&next), "").await
}

/// `POST /session/roles`: with `use` `all`, `these` (the ticked `role`s) or `only` and one `role`.
pub(crate) async fn post(State(app): State<Shared>, desk: Desk, RawForm(body): RawForm) -> PageResult {
    let fields = Fields::parse(&body);
    let (next, only) = (local_path(fields.one("next")).to_owned(), fields.one("only"));
    let names = if only.is_empty() { fields.all("role") } else { vec![only.to_owned()] };
    let roles = names.iter().map(|name| RoleName::new(name)).collect::<Result<Vec<_>, _>>();
    let roles = roles.map_err(Problem::from)?;
    let mut desk = desk;
    let wanted = (fields.one("use") != "all").then_some(roles);
    match choose(&app, &mut desk.visitor, wanted).await {
        Ok(signed_in) => {
            let mut reply = Redirect::to(&next).into_response();
            set_cookie(&app, reply.headers_mut(), &signed_in)?;
            Ok(reply)
        }
        Err(problem) if problem.status == StatusCode::CONFLICT => {
            let mut reply = hats::show(&desk, &next, &problem.detail).await?;
            *reply.status_mut() = problem.status;
            Ok(reply)
        }
        Err(problem) => Err(problem.into()),
    }
}

/// `GET /api/v1/session/roles`
pub(crate) async fn get(desk: Desk) -> ApiResult {
    Ok(Reply(hats::view(&desk).await?).into_response())
}

/// Which roles to use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    roles: Vec<RoleName>,
}

/// `PUT /api/v1/session/roles`: `{"roles": [..]}`.
pub(crate) async fn put(State(app): State<Shared>, desk: Desk, body: Bytes) -> ApiResult {
    let wanted: Wanted = read(&body)?;
    chosen(&app, desk, Some(wanted.roles)).await
}

/// `DELETE /api/v1/session/roles`: all of them again.
pub(crate) async fn delete(State(app): State<Shared>, desk: Desk) -> ApiResult {
    chosen(&app, desk, None).await
}

async fn chosen(app: &App, mut desk: Desk, roles: Option<Vec<RoleName>>) -> Result<Response, Problem> {
    let signed_in = choose(app, &mut desk.visitor, roles).await?;
    let mut reply = Reply(hats::view(&desk).await?).into_response();
    set_cookie(app, reply.headers_mut(), &signed_in)?;
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_letters_end() {
        assert_eq!(pieces("", 4), Vec::<&str>::new());
        assert_eq!(pieces("abcdefghi", 4), ["abcd", "efgh", "i"]);
        assert_eq!(pieces("a角色b", 4), ["a角", "色b"]);
        let changes = kept(None).unwrap();
        assert_eq!(changes.iter().filter(|(_, value)| value.is_none()).count(), PARTS_MAX);
    }
}
