//! The lab's page, and its WebSocket: who may open a terminal, and the pump behind it.

use std::io;
use std::time::Duration;

use askama::Template;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use sso_core::{Check, EndReason};
use tokio::time::timeout;
use webssh_core::frame::{Failure, FailureCode, ServerFrame};
use webssh_core::pump::{BoxFuture, FrameSink, FrameSource, Incoming, run};
use webssh_core::{Bridge, Limits};

use super::chrome::{Chrome, page as render};
use super::courses::{CourseView, find};
use super::problem::{ApiResult, PageResult, Problem};
use super::visitor::{Seat, Visitor};
use crate::app::{App, Shared};
use crate::http::guard;
use crate::perm;

/// The largest WebSocket message a browser may send, in bytes; frames of the wire are far smaller.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// How often an open terminal is checked against session, roles and enrolment.
const RECHECK_EVERY: Duration = Duration::from_secs(3);
/// How long the last words to a browser may take.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

#[derive(Template)]
#[template(path = "lab.html")]
struct LabPage {
    chrome: Chrome,
    course: CourseView,
    user_name: String,
}

/// `GET /lab/{slug}`
pub(crate) async fn page(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> PageResult {
    let course = admitted(&app, &visitor, &slug).await?;
    render(&LabPage { chrome: visitor.chrome("my"), course, user_name: visitor.account.login })
}

/// The course, if the visitor's roles open labs and the course is theirs: as learner, or as somebody who edits it.
async fn admitted(app: &App, visitor: &Visitor, slug: &str) -> Result<CourseView, Problem> {
    visitor.must(perm::LAB_OPEN)?;
    let course = find(app, slug).await?;
    if !course.has_lab {
        return Err(Problem::not_found());
    }
    let enrolled = app.school.is_enrolled(&visitor.account.id, slug).await?;
    if !enrolled && !visitor.may(perm::COURSE_EDIT) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not_enrolled",
            "this lab is for those enrolled in the course",
        ));
    }
    CourseView::of(course, enrolled)
}

/// `GET /api/v1/lab/{slug}/terminal`: upgrades to the terminal's WebSocket.
pub(crate) async fn terminal(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> ApiResult {
    // A WebSocket carries the cookie from any page, so the page's origin must be named and be ours.
    if !headers.contains_key(header::ORIGIN) || !guard::same_origin(&headers, &app.origins) {
        return Err(Problem::forbidden("a terminal opens from the school's own pages only"));
    }
    admitted(&app, &visitor, &slug).await?;
    let upgrade = upgrade.map_err(|cause| Problem::bad_request("no_websocket", cause.body_text()))?;
    let Some(place) = app.lab.place(&visitor.account.id) else {
        let words = "every terminal that you may have is taken; close one, or try again in a few minutes";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "labs_full", words));
    };
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        serve(&app, &visitor, &slug, socket).await;
        drop(place);
    }))
}

/// One terminal, from its first frame to its last.
async fn serve(app: &App, visitor: &Visitor, slug: &str, socket: WebSocket) {
    let (sink, stream) = socket.split();
    let (mut sink, mut stream) = (Sink(sink), Source(stream));
    let user = visitor.account.id.as_str();
    let failure = match app.lab.connect(user).await {
        Ok(shell) => {
            tracing::info!(user, "terminal opened");
            let bridge = Bridge::new(Limits::default(), Duration::ZERO);
            let mut stopping = app.stopping.clone();
            tokio::select! {
                reason = run(bridge, &mut stream, &mut sink, shell) => {
                    tracing::info!(user, %reason, "terminal closed");
                    None
                }
                () = expelled(app, visitor, slug) => Some(Failure::new(FailureCode::NotAllowed)),
                _ = stopping.wait_for(|stop| *stop) => Some(Failure::new(FailureCode::Shutdown)),
            }
        }
        Err(failure) => Some(failure),
    };
    // A browser that takes nothing more must not keep its place.
    if timeout(GOODBYE_MAX, goodbye(&mut sink, failure)).await.is_err() {
        tracing::debug!(user, "the browser took no goodbye");
    }
}

/// Waits until the visitor's session, roles or enrolment no longer open this lab. An open terminal is looked at
/// every few seconds, which also keeps its session in use.
async fn expelled(app: &App, visitor: &Visitor, slug: &str) {
    loop {
        tokio::time::sleep(RECHECK_EVERY).await;
        let open = match &visitor.seat {
            Some(seat) => match lives(app, seat).await {
                Ok(lives) => lives,
                // A store that does not answer says nothing about the session; the next look will.
                Err(_) => continue,
            },
            None => true,
        };
        let refused = |problem: &Problem| problem.status.is_client_error();
        // A policy too old to decide says nothing either.
        let Ok(visitor) = visitor.again(app) else { continue };
        if !open || admitted(app, &visitor, slug).await.as_ref().is_err_and(refused) {
            tracing::info!(user = visitor.account.id, "terminal ended: it is no longer the visitor's to use");
            return;
        }
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

/// Says why there is no terminal, if there is a reason to say, and closes the socket.
async fn goodbye(sink: &mut Sink, failure: Option<Failure>) {
    if let Some(failure) = failure
        && let Err(cause) = sink.send(ServerFrame::Failure(failure).encode()).await
    {
        tracing::debug!(%cause, "terminal socket was gone");
    }
    if let Err(cause) = sink.0.close().await {
        tracing::debug!(%cause, "terminal socket was gone");
    }
}

/// The receiving half of a WebSocket, as the pump wants it.
struct Source(SplitStream<WebSocket>);

impl FrameSource for Source {
    fn recv(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(async {
            loop {
                return match self.0.next().await {
                    Some(Ok(Message::Binary(frame))) => Incoming::Frame(frame),
                    Some(Ok(Message::Text(_))) => Incoming::Text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Close(_))) | None => Incoming::Closed,
                    Some(Err(cause)) => Incoming::Failed(io::Error::other(cause)),
                };
            }
        })
    }
}

/// The sending half.
struct Sink(SplitSink<WebSocket, Message>);

impl FrameSink for Sink {
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async { self.0.send(Message::Binary(frame)).await.map_err(io::Error::other) })
    }
}
