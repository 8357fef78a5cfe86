//! The back office's list of who is signed in, page by page, and ending their sessions.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use sso_core::{Cursor, Families, PageSize, SessionId, UserId, Which};

use super::account::DeviceView;
use super::chrome::{Chrome, page as render};
use super::client::Client;
use super::office::desk::Desk;
use super::office::fields::Fields;
use super::problem::{PageResult, Problem};
use super::proof;
use super::visitor::Visitor;
use crate::app::{App, Shared};
use crate::perm;

/// Users on one page.
const USERS_A_PAGE: usize = 20;

#[derive(Debug)]
struct OnlineView {
    id: String,
    name: String,
    devices: Vec<DeviceView>,
}

#[derive(Template)]
#[template(path = "online.html")]
struct OnlinePage {
    chrome: Chrome,
    count: u64,
    users: Vec<OnlineView>,
    next: Option<String>,
    may_end: bool,
}

/// Where the page begins.
#[derive(Debug, Deserialize)]
pub(crate) struct OnlineQuery {
    #[serde(default)]
    after: String,
}

/// `GET /admin/online`
pub(crate) async fn page(
    State(app): State<Shared>,
    visitor: Visitor,
    Query(query): Query<OnlineQuery>,
) -> PageResult {
    visitor.must(perm::SESSION_VIEW)?;
    let after = match query.after.as_str() {
        "" => None,
        text => {
            let unreadable = || Problem::bad_request("invalid", "this is no page; begin with the first one");
            Some(Cursor::parse(text).ok_or_else(unreadable)?)
        }
    };
    let size = PageSize::saturating_new(USERS_A_PAGE);
    let found = app.sso.online(after.as_ref(), size).await.map_err(Problem::from)?;
    let mut users = Vec::new();
    for online in &found.users {
        users.push(view(&app, &visitor, &online.user).await?);
    }
    render(&OnlinePage {
        chrome: visitor.chrome("online"),
        count: app.sso.online_count().await.map_err(Problem::from)?,
        users,
        next: found.next.map(|cursor| cursor.to_string()),
        may_end: visitor.may(perm::SESSION_END),
    })
}

async fn view(app: &App, visitor: &Visitor, user: &UserId) -> Result<OnlineView, Problem> {
    let own = visitor.seat.as_ref().map(|seat| &seat.session.id);
    let sessions = app.sso.sessions(user).await?;
    let account = app.school.account(user.as_str()).await?;
    Ok(OnlineView {
        id: user.as_str().to_owned(),
        name: account
            .map_or_else(|| visitor.look.text().till.gone_account.to_owned(), |account| account.display_name),
        devices: sessions.iter().map(|session| DeviceView::of(session, own)).collect(),
    })
}

/// `POST /admin/online/{user}/sign-out`: ends a user's sessions, and tells them who did it.
pub(crate) async fn sign_out(desk: Desk, client: Client, Path(id): Path<String>, body: Bytes) -> PageResult {
    desk.must(perm::SESSION_END)?;
    proof::with(desk, client, Fields::parse(&body), |desk, _| async move {
        kick(&desk.app, &desk.visitor, &id).await?;
        Ok(Redirect::to("/admin/online").into_response())
    })
    .await
}

/// Ends every session of a user, on every server. It takes a fresh proof.
pub(crate) async fn kick(app: &App, visitor: &Visitor, id: &str) -> Result<(), Problem> {
    visitor.must(perm::SESSION_END)?;
    proof::must_be_fresh(visitor)?;
    let (user, by) = (UserId::new(id)?, UserId::new(&visitor.account.id)?);
    let ended = app.sso.kick(&user, &Which::All, Some(&by)).await?;
    // Tokens know no sessions: they are called back beside them.
    let families = app.refresher.revoke_user(&user, &Families::All).await?;
    app.revoker.revoke_user(&user).await?;
    let user = id.escape_debug().to_string();
    tracing::info!(actor = visitor.account.id, user, ended = ended.len(), families, "signed out everywhere");
    Ok(())
}

/// Ends one session of a user, and the tokens that came from it. It takes a fresh proof.
pub(crate) async fn kick_one(app: &App, visitor: &Visitor, id: &str, session: &str) -> Result<(), Problem> {
    visitor.must(perm::SESSION_END)?;
    proof::must_be_fresh(visitor)?;
    let (user, by) = (UserId::new(id)?, UserId::new(&visitor.account.id)?);
    let session = SessionId::parse(session).ok_or_else(Problem::not_found)?;
    for ended in app.sso.kick(&user, &Which::One(session), Some(&by)).await? {
        app.refresher.session_ended(&user, &ended).await?;
    }
    let user = id.escape_debug().to_string();
    tracing::info!(actor = visitor.account.id, user, "one session signed out");
    Ok(())
}
