//! Recordings: a learner's list, the player, and the file to take away.

use askama::Template;
use axum::Json as Reply;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::json;

use super::admitted;
use super::words::{LabText, text};
use crate::app::{App, Shared};
use crate::clock;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::{ApiResult, PageResult, Problem};
use crate::http::visitor::Visitor;
use crate::lab::{Recording, read_recording};

/// A recording, as pages show it.
#[derive(Debug, serde::Serialize)]
pub(super) struct RecordingView {
    pub(super) id: String,
    pub(super) title: &'static str,
    pub(super) started: String,
}

impl RecordingView {
    fn of(recording: &Recording, lang: &str) -> Self {
        let title = recording.exercise.title(lang);
        Self { id: recording.id(), title, started: clock::text(recording.started) }
    }
}

/// The visitor's recordings in a course, the newest first.
pub(super) async fn views(app: &App, visitor: &Visitor, slug: &str) -> Result<Vec<RecordingView>, Problem> {
    let all = app.lab.recordings.of(&visitor.account.id).await.map_err(|cause| broken(&cause))?;
    let here = all.iter().filter(|recording| recording.slug == slug);
    Ok(here.map(|recording| RecordingView::of(recording, visitor.look.code())).collect())
}

#[derive(Template)]
#[template(path = "lab_replay.html")]
struct ReplayPage {
    chrome: Chrome,
    t: &'static LabText,
    slug: String,
    recording: RecordingView,
    words: String,
}

/// `GET /lab/{slug}/recordings/{id}`
pub(crate) async fn page(
    State(app): State<Shared>,
    visitor: Visitor,
    Path((slug, id)): Path<(String, String)>,
) -> PageResult {
    admitted(&app, &visitor, &slug).await?;
    let found = app.lab.recordings.find(&visitor.account.id, &id).await;
    let found = found.map_err(|cause| broken(&cause))?.filter(|(recording, _)| recording.slug == slug);
    let (recording, _) = found.ok_or_else(Problem::not_found)?;
    let t = text(visitor.look.lang);
    let recording = RecordingView::of(&recording, visitor.look.code());
    render(&ReplayPage { chrome: visitor.chrome("my"), t, slug, recording, words: t.script() })
}

/// `GET /api/v1/lab/{slug}/recordings`: the visitor's own in this course, the newest first.
pub(crate) async fn list(State(app): State<Shared>, visitor: Visitor, Path(slug): Path<String>) -> ApiResult {
    admitted(&app, &visitor, &slug).await?;
    let recordings = views(&app, &visitor, &slug).await?;
    Ok(Reply(json!({ "recordings": recordings })).into_response())
}

/// `GET /api/v1/lab/recordings/{id}`: the visitor's own recording, without what could harm whoever replays it.
pub(crate) async fn cast(State(app): State<Shared>, visitor: Visitor, Path(id): Path<String>) -> ApiResult {
    let found = app.lab.recordings.find(&visitor.account.id, &id).await.map_err(|cause| broken(&cause))?;
    let (recording, path) = found.ok_or_else(Problem::not_found)?;
    let exported = read_recording(&path).await.map_err(|cause| broken(&cause))?;
    let lines = exported.map_err(|cause| broken(&cause))?;
    let name = format!("attachment; filename=\"{}.cast\"", recording.id());
    let headers =
        [(header::CONTENT_TYPE, "application/x-asciicast".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, lines).into_response())
}

fn broken(cause: &dyn std::error::Error) -> Problem {
    Problem::broken("folder of the recordings", false, cause)
}
