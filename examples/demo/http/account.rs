//! A visitor's own account: the devices on which they are signed in, and signing out any of them.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use sso_core::{DeviceKind, Lifespan, Session, SessionId, UserId, Which};

use super::auth;
use super::chrome::{Chrome, page as render};
use super::office::text::Text;
use super::problem::{PageResult, Problem};
use super::visitor::Visitor;
use crate::app::{App, Shared};
use crate::clock;
use crate::school::identity::Identity;
use crate::social::{self, DOORS, Door};

/// A session as its user sees it.
#[derive(Debug, Clone)]
pub(crate) struct DeviceView {
    pub(crate) id: String,
    /// Whether it is the one that asks.
    pub(crate) this: bool,
    pub(crate) kind: &'static str,
    device: DeviceKind,
    pub(crate) agent: String,
    pub(crate) address: String,
    pub(crate) since: String,
    pub(crate) seen: String,
    pub(crate) remembered: bool,
    /// Who acts as the user, if it is somebody else.
    pub(crate) actor: Option<String>,
}

impl DeviceView {
    /// A view of `session`, for the one who asks with `own`.
    pub(crate) fn of(session: &Session, own: Option<&SessionId>) -> Self {
        Self {
            id: session.id.as_str().to_owned(),
            this: own == Some(&session.id),
            kind: kind(session.device),
            device: session.device,
            agent: session.agent.clone(),
            address: session.address.clone(),
            since: clock::text(session.created_at.as_millis()),
            seen: clock::text(session.last_seen_at.as_millis()),
            remembered: matches!(session.lifespan, Lifespan::Remembered(_)),
            actor: session.actor.as_ref().map(|actor| actor.as_str().to_owned()),
        }
    }
}

impl DeviceView {
    /// The kind of the device, in the language of the back office.
    pub(crate) const fn kind_in(&self, t: &Text) -> &'static str {
        match self.device {
            DeviceKind::Web => t.till.browser,
            DeviceKind::Mobile => t.till.telephone,
            DeviceKind::Desktop => t.till.computer,
            DeviceKind::Service => t.till.program,
            _ => t.till.device,
        }
    }
}

fn kind(device: DeviceKind) -> &'static str {
    match device {
        DeviceKind::Web => "Browser",
        DeviceKind::Mobile => "Telephone",
        DeviceKind::Desktop => "Computer",
        DeviceKind::Service => "Program",
        _ => "Device",
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    chrome: Chrome,
    login: String,
    id: String,
    devices: Vec<DeviceView>,
    identities: Vec<IdentityView>,
    doors: &'static [Door],
}

/// An identity elsewhere, as its owner sees it.
#[derive(Debug)]
struct IdentityView {
    label: &'static str,
    name: String,
    subject: String,
}

/// `GET /account`
pub(crate) async fn page(State(app): State<Shared>, visitor: Visitor) -> PageResult {
    let sessions = app.sso.sessions(&user(&visitor)?).await.map_err(Problem::from)?;
    let own = visitor.seat.as_ref().map(|seat| &seat.session.id);
    let identities = app.school.identities(&visitor.account.id).await.map_err(Problem::from)?;
    let view = |known: Identity| IdentityView {
        label: social::find(&known.provider).map_or("a provider that is gone", |door| door.label),
        name: known.name,
        subject: known.subject,
    };
    render(&AccountPage {
        identities: identities.into_iter().map(view).collect(),
        doors: &DOORS,
        chrome: visitor.chrome("account"),
        devices: sessions.iter().rev().map(|session| DeviceView::of(session, own)).collect(),
        login: visitor.account.login,
        id: visitor.account.id,
    })
}

/// `POST /account/devices/{id}/sign-out`
pub(crate) async fn sign_out(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> PageResult {
    let id = SessionId::parse(&id).ok_or_else(Problem::not_found)?;
    end(&app, &visitor, Which::One(id)).await
}

/// `POST /account/devices/others/sign-out`: everywhere but here.
pub(crate) async fn sign_out_others(State(app): State<Shared>, visitor: Visitor) -> PageResult {
    let Some(seat) = &visitor.seat else {
        return Err(Problem::bad_request("no_session", "an access token is no device; sign in first").into());
    };
    let spared = Which::AllBut(seat.session.id.clone());
    end(&app, &visitor, spared).await
}

async fn end(app: &App, visitor: &Visitor, which: Which) -> PageResult {
    let ended = app.sso.logout_some(&user(visitor)?, &which).await.map_err(Problem::from)?;
    auth::end_tokens(app, visitor, &ended).await?;
    tracing::info!(user = visitor.account.id, ended = ended.len(), "devices signed out");
    Ok(Redirect::to("/account").into_response())
}

fn user(visitor: &Visitor) -> Result<UserId, Problem> {
    Ok(UserId::new(&visitor.account.id)?)
}
