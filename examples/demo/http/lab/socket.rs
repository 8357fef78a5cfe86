//! The WebSockets of the lab, and the look every few seconds at whether a terminal is still somebody's to use.

use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, State, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use sso_core::{Check, EndReason};
use tokio::time::sleep;
use webssh_core::CloseReason;
use webssh_core::edge::axum::{AxumSink, AxumSource, prepare, split};
use webssh_core::frame::{Failure, FailureCode, ServerFrame};
use webssh_core::pump::FrameSink as _;

use super::admitted;
use crate::app::{App, Shared};
use crate::http::problem::{ApiResult, Problem};
use crate::http::visitor::{Seat, Visitor};
use crate::perm;

/// How often open terminals are checked against session, roles and enrolment.
const RECHECK_EVERY: Duration = Duration::from_secs(3);
/// How long the last words to a browser may take.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// What a connection needs for as long as it lasts.
#[derive(Debug, Clone)]
pub(super) enum Need {
    /// To be a learner of the course with this slug, or one who edits it.
    Course(String),
    /// To watch over terminals.
    Watch,
}

/// `GET /api/v1/lab/{slug}/terminal`: upgrades to a learner's WebSocket.
pub(crate) async fn terminal(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> ApiResult {
    upgraded(app, visitor, Need::Course(slug), &headers, upgrade).await
}

/// `GET /api/v1/lab/watch`: upgrades to an observer's WebSocket.
pub(crate) async fn watching(
    State(app): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> ApiResult {
    upgraded(app, visitor, Need::Watch, &headers, upgrade).await
}

async fn upgraded(
    app: Shared,
    visitor: Visitor,
    need: Need,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> ApiResult {
    // A WebSocket carries the cookie from any page, so the page's origin must be named and be ours.
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    if !app.lab.origins.admit(origin) {
        return Err(Problem::forbidden("a terminal opens from the school's own pages only"));
    }
    meets(&app, &visitor, &need).await?;
    let upgrade = upgrade.map_err(|cause| Problem::bad_request("no_websocket", cause.body_text()))?;
    Ok(prepare(upgrade).on_upgrade(async move |socket| {
        let (mut source, mut sink) = split(socket);
        let reason = serve(&app, &visitor, &need, &mut source, &mut sink).await;
        tracing::debug!(user = visitor.account.id, %reason, "terminal connection closed");
        sink.close(&reason).await;
    }))
}

/// One connection, from its first frame to its last.
async fn serve(
    app: &App,
    visitor: &Visitor,
    need: &Need,
    source: &mut AxumSource,
    sink: &mut AxumSink,
) -> CloseReason {
    tokio::select! {
        reason = app.lab.hub.serve_user(&visitor.account.id, source, sink, &app.lab) => return reason,
        () = expelled(app, visitor, need) => {}
    }
    let failure = Failure::new(FailureCode::NotAllowed);
    // A browser that takes nothing more is told nothing.
    let told =
        tokio::time::timeout(GOODBYE_MAX, sink.send(ServerFrame::Failure(failure.clone()).encode())).await;
    tracing::info!(
        user = visitor.account.id,
        told = matches!(told, Ok(Ok(()))),
        "terminal connection expelled"
    );
    CloseReason::Kicked(failure)
}

/// Waits until a connection is no longer the visitor's to have.
pub(super) async fn expelled(app: &App, visitor: &Visitor, need: &Need) {
    loop {
        sleep(RECHECK_EVERY).await;
        if may_watch_no_more(app, visitor) || !may_stay(app, visitor, need).await {
            return;
        }
    }
}

/// Ends, every few seconds, the terminals that are no longer their owner's to use, connected or not; at the end of the
/// demo all of them.
pub(crate) async fn recheck(app: Shared) {
    let mut stopping = app.stopping.clone();
    loop {
        tokio::select! {
            () = sleep(RECHECK_EVERY) => {}
            _ = stopping.wait_for(|stop| *stop) => break,
        }
        for session in app.lab.hub.list() {
            let need = Need::Course(session.target.slug.clone());
            if !may_stay(&app, &session.target.visitor, &need).await {
                tracing::info!(user = session.user, "terminal ended: it is no longer the visitor's to use");
                app.lab.hub.kick(session.id, Failure::new(FailureCode::NotAllowed));
            }
        }
    }
    app.lab.hub.shutdown().await;
}

/// Whether session, roles and enrolment still give a visitor what they need. A look keeps the session in use.
async fn may_stay(app: &App, visitor: &Visitor, need: &Need) -> bool {
    let signed_in = match &visitor.seat {
        // A store that does not answer says nothing about the session; the next look will.
        Some(seat) => lives(app, seat).await.unwrap_or(true),
        None => true,
    };
    let refused = |problem: &Problem| problem.status.is_client_error();
    // A policy too old to decide says nothing either.
    let Ok(visitor) = visitor.again(app) else { return signed_in };
    signed_in && !meets(app, &visitor, need).await.as_ref().is_err_and(refused)
}

/// Whether a visitor may no longer watch. They could do so on any connection of theirs, by a ticket for it.
fn may_watch_no_more(app: &App, visitor: &Visitor) -> bool {
    let still = |now: Visitor| now.may(perm::LAB_WATCH);
    visitor.may(perm::LAB_WATCH) && !visitor.again(app).is_ok_and(still)
}

async fn meets(app: &App, visitor: &Visitor, need: &Need) -> Result<(), Problem> {
    match need {
        Need::Course(slug) => admitted(app, visitor, slug).await.map(drop),
        Need::Watch => visitor.must(perm::LAB_WATCH),
    }
}

/// Whether a session goes on, be it under a newer secret.
async fn lives(app: &App, seat: &Seat) -> Result<bool, sso_core::Error> {
    match app.sso.check(&seat.secret).await? {
        Check::Active(_) => Ok(true),
        Check::Ended(end) if end.reason == EndReason::Renewed => {
            let sessions = app.sso.sessions(&seat.session.user).await?;
            Ok(sessions.iter().any(|session| session.id == seat.session.id))
        }
        Check::Ended(_) | Check::Unknown => Ok(false),
    }
}
