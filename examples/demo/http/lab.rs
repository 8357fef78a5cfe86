//! The lab's page and its tickets: who may open a terminal, and which of theirs is there already.

mod desk;
mod files;
mod replay;
mod socket;
mod words;

use askama::Template;
use axum::Json as Reply;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;
use webssh_core::frame::{Failure, FailureCode, Role};
use webssh_core::hub::SessionView;
use webssh_core::ticket::{Grant, Issue, Purpose, SessionId};

pub(crate) use self::desk::{desk, list as desk_list, watch, watch_ticket};
pub(crate) use self::files::{download, list as files, part, upload};
pub(crate) use self::replay::{cast, list as recordings, page as replay};
pub(crate) use self::socket::{recheck, terminal, watching};

use self::replay::RecordingView;
use self::words::{LabText, text};
use super::chrome::{Chrome, page as render};
use super::courses::{CourseView, find};
use super::input::Json;
use super::problem::{ApiResult, PageResult, Problem};
use super::visitor::Visitor;
use crate::app::{App, Shared};
use crate::lab::{Exercise, Place, exercise, exercises};
use crate::perm;

/// The longest name that a page may give a terminal.
const TAB_BYTES_MAX: usize = 40;

/// A terminal, as pages show it.
#[derive(Debug, serde::Serialize)]
struct TerminalView {
    id: u64,
    tab: String,
    course: String,
    exercise: &'static str,
    title: &'static str,
    learner: String,
    secs: u64,
    /// Whether its owner is connected.
    attached: bool,
    watchers: usize,
}

impl TerminalView {
    fn of(session: &SessionView<Place>, lang: &str) -> Self {
        let place = &session.target;
        let connections = session.status.connections.iter().filter(|connection| connection.open);
        let watchers = connections.clone().filter(|it| it.role == Role::Observer).count();
        Self {
            id: session.id.number(),
            tab: place.tab.clone(),
            course: place.slug.clone(),
            exercise: place.exercise.id,
            title: place.exercise.title(lang),
            learner: place.visitor.account.display_name.clone(),
            secs: session.status.age.as_secs(),
            attached: connections.clone().any(|it| it.role == Role::Owner),
            watchers,
        }
    }
}

#[derive(Template)]
#[template(path = "lab.html")]
struct LabPage {
    chrome: Chrome,
    t: &'static LabText,
    lang: &'static str,
    course: CourseView,
    exercises: &'static [Exercise],
    recordings: Vec<RecordingView>,
    may_watch: bool,
    words: String,
}

/// `GET /lab/{slug}`
pub(crate) async fn page(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> PageResult {
    let course = admitted(&app, &visitor, &slug).await?;
    let lang = visitor.look.code();
    let t = text(visitor.look.lang);
    render(&LabPage {
        recordings: replay::views(&app, &visitor, &slug).await?,
        may_watch: visitor.may(perm::LAB_WATCH),
        exercises: exercises(&slug),
        chrome: visitor.chrome("my"),
        words: t.script(),
        t,
        lang,
        course,
    })
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

/// `GET /api/v1/lab/{slug}/terminals`: the visitor's own in this course, the oldest first.
pub(crate) async fn list(State(app): State<Shared>, visitor: Visitor, Path(slug): Path<String>) -> ApiResult {
    admitted(&app, &visitor, &slug).await?;
    let sessions = app.lab.hub.list_of(&visitor.account.id).into_iter();
    let mine = sessions.filter(|session| session.target.slug == slug && session.status.ended.is_none());
    let terminals: Vec<_> = mine.map(|session| TerminalView::of(&session, visitor.look.code())).collect();
    Ok(Reply(json!({ "terminals": terminals })).into_response())
}

/// What a page wants a ticket for.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Wish {
    exercise: String,
    tab: String,
}

/// `POST /api/v1/lab/{slug}/ticket`: to the terminal that the page has under this name, or to a new one.
pub(crate) async fn ticket(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Json(wish): Json<Wish>,
) -> ApiResult {
    admitted(&app, &visitor, &slug).await?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !(1..=TAB_BYTES_MAX).contains(&wish.tab.len()) || !wish.tab.bytes().all(plain) {
        return Err(Problem::bad_request(
            "invalid_tab",
            format!("`tab` must be 1 to {TAB_BYTES_MAX} letters, digits or `-`"),
        ));
    }
    let Some(exercise) = exercise(&slug, &wish.exercise) else {
        return Err(Problem::bad_request("unknown_exercise", "this course has no such exercise"));
    };
    let mut sessions = app.lab.hub.list_of(&visitor.account.id).into_iter();
    let there =
        sessions.find(|it| it.target.slug == slug && it.target.tab == wish.tab && it.status.ended.is_none());
    let purpose = match there {
        Some(session) => Purpose::Attach(session.id),
        None => Purpose::Open(Place { slug, exercise, tab: wish.tab, visitor: visitor.clone() }),
    };
    issue(&app, &visitor, purpose)
}

fn issue(app: &App, visitor: &Visitor, purpose: Purpose<Place>) -> ApiResult {
    let grant = Grant { user: visitor.account.id.clone(), purpose };
    match app.lab.hub.ticket(grant).map_err(|cause| Problem::broken("lab", true, &cause))? {
        Issue::Ticket(ticket) => Ok(Reply(json!({ "ticket": ticket.as_str() })).into_response()),
        Issue::Full { wait } => {
            let words = "too many terminals are being opened; try again in a moment";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "labs_full", words).after(wait))
        }
    }
}

/// `DELETE /api/v1/lab/terminals/{id}`: ends a terminal, one's own or as somebody who watches over them.
pub(crate) async fn end(State(app): State<Shared>, visitor: Visitor, Path(id): Path<u64>) -> ApiResult {
    let session = session(&app, id)?;
    if session.target.visitor.account.id != visitor.account.id {
        visitor.must(perm::LAB_WATCH)?;
    }
    tracing::info!(by = visitor.account.id, owner = session.user, id, "terminal ended");
    app.lab.hub.kick(session.id, Failure::new(FailureCode::Kicked));
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn session(app: &App, id: u64) -> Result<SessionView<Place>, Problem> {
    let id = SessionId::new(id);
    let found = app.lab.hub.list().into_iter().find(|session| session.id == id);
    found.filter(|session| session.status.ended.is_none()).ok_or_else(Problem::not_found)
}
