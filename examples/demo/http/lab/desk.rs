//! The teacher's desk: every open terminal, a look at one, and its end.

use askama::Template;
use axum::Json as Reply;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::json;
use webssh_core::ticket::Purpose;

use super::words::{LabText, text};
use super::{TerminalView, issue, session};
use crate::app::Shared;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::{ApiResult, PageResult};
use crate::http::visitor::Visitor;
use crate::perm;

#[derive(Template)]
#[template(path = "lab_desk.html")]
struct DeskPage {
    chrome: Chrome,
    t: &'static LabText,
    words: String,
}

/// `GET /lab/desk`
pub(crate) async fn desk(visitor: Visitor) -> PageResult {
    visitor.must(perm::LAB_WATCH)?;
    let t = text(visitor.look.lang);
    let (chrome, words) = (visitor.chrome("my"), t.script());
    render(&DeskPage { chrome, t, words })
}

/// `GET /api/v1/lab/terminals`: all of them, the oldest first.
pub(crate) async fn list(State(app): State<Shared>, visitor: Visitor) -> ApiResult {
    visitor.must(perm::LAB_WATCH)?;
    let sessions = app.lab.hub.list().into_iter().filter(|session| session.status.ended.is_none());
    let terminals: Vec<_> = sessions.map(|session| TerminalView::of(&session, visitor.look.code())).collect();
    Ok(Reply(json!({ "terminals": terminals })).into_response())
}

#[derive(Template)]
#[template(path = "lab_watch.html")]
struct WatchPage {
    chrome: Chrome,
    t: &'static LabText,
    lang: &'static str,
    terminal: TerminalView,
    words: String,
}

/// `GET /lab/desk/{id}`
pub(crate) async fn watch(State(app): State<Shared>, visitor: Visitor, Path(id): Path<u64>) -> PageResult {
    visitor.must(perm::LAB_WATCH)?;
    let lang = visitor.look.code();
    let t = text(visitor.look.lang);
    let terminal = TerminalView::of(&session(&app, id)?, lang);
    render(&WatchPage { chrome: visitor.chrome("my"), t, lang, terminal, words: t.script() })
}

/// `POST /api/v1/lab/terminals/{id}/watch-ticket`
pub(crate) async fn watch_ticket(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u64>,
) -> ApiResult {
    visitor.must(perm::LAB_WATCH)?;
    let session = session(&app, id)?;
    tracing::info!(by = visitor.account.id, owner = session.user, id, "terminal watched");
    issue(&app, &visitor, Purpose::Watch(session.id))
}
