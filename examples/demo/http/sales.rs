//! The back office of sales: where each stands, the steps and changes by hand, and the audit. Pages and API share it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use rbac::{Lang, Permission};
use seckill::{Count, Phase, SaleState};
use serde::{Deserialize, Serialize};

use super::chrome::{Chrome, page as render};
use super::courses::{find, request_id};
use super::input::Form;
use super::office::text::with;
use super::office::text_till::Till;
use super::problem::{PageResult, Problem};
use super::sale_audit::AuditView;
use super::visitor::Visitor;
use super::words::{Said, said};
use crate::app::{App, Shared};
use crate::clock;
use crate::perm;
use crate::sales::{self, SEATS_MAX};
use crate::school::course::Course;
use crate::school::sale_change::{SaleChange, SaleStep, Way};

/// What running sales needs.
pub(crate) const PERMISSION: Permission = perm::SALE_EDIT;

/// A sale as the back office shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SaleView {
    slug: String,
    title_en: String,
    title_zh: String,
    pub(crate) phase: &'static str,
    #[serde(skip)]
    phase_words: &'static str,
    #[serde(skip)]
    tone: &'static str,
    /// Milliseconds since the epoch.
    opens_at: i64,
    /// Milliseconds since the epoch.
    closes_at: i64,
    /// Absent when the store cannot tell.
    #[serde(flatten)]
    counts: Option<Counts>,
    /// Why the store cannot tell; else empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    trouble: String,
}

/// The counters of a sale, in seats.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Counts {
    initial: u64,
    added: u64,
    withdrawn: u64,
    left: u64,
    held: u64,
    paid: u64,
}

impl Counts {
    fn of(state: &SaleState) -> Self {
        let sum = |field: fn(&Count) -> u64| state.skus.iter().map(|(_, count)| field(count)).sum();
        Self {
            initial: sum(|count| count.initial),
            added: sum(|count| count.added),
            withdrawn: sum(|count| count.withdrawn),
            left: state.left(),
            held: state.held(),
            paid: state.paid(),
        }
    }
}

impl SaleView {
    /// The course's title in one language.
    fn title(&self, lang: Lang) -> &str {
        if lang == Lang::Zh { &self.title_zh } else { &self.title_en }
    }

    fn may_pause(&self) -> bool {
        matches!(self.phase, "warmed" | "open")
    }

    fn may_resume(&self) -> bool {
        self.phase == "paused"
    }

    fn may_close(&self) -> bool {
        matches!(self.phase, "draft" | "warmed" | "open" | "paused")
    }
}

/// A phase that nobody knows.
const UNKNOWN: (&str, Said, &str) = ("unknown", said("Unknown", "未知"), "hot");

/// The name of a phase in the API, its words on a page, and their tone.
pub(crate) const fn phase_name(phase: Phase) -> (&'static str, Said, &'static str) {
    match phase {
        Phase::Draft => ("draft", said("Draft", "草稿"), "plain"),
        Phase::Warmed => ("warmed", said("Ready", "待开始"), "gold"),
        Phase::Open => ("open", said("Open", "进行中"), ""),
        Phase::Paused => ("paused", said("Paused", "暂停"), "hot"),
        Phase::Closed => ("closed", said("Closed", "已结束"), "plain"),
        Phase::Settled => ("settled", said("Settled", "已结清"), "plain"),
        _ => UNKNOWN,
    }
}

/// Every sale. One that the store cannot tell about does not hide the others.
pub(crate) async fn views(app: &App, lang: Lang) -> Result<Vec<SaleView>, Problem> {
    let mut views = Vec::new();
    for course in app.school.courses().await? {
        views.push(view(app, course, lang).await);
    }
    Ok(views)
}

async fn view(app: &App, course: Course, lang: Lang) -> SaleView {
    let state = async { app.sale(&course.slug)?.state().await.map_err(Problem::from) };
    let ((phase, phase_words, tone), counts, trouble) = match state.await {
        Ok(state) => (phase_name(state.phase), Some(Counts::of(&state)), String::new()),
        Err(problem) => (UNKNOWN, None, problem.detail),
    };
    let Course { slug, title_en, title_zh, sale_opens, sale_closes, .. } = course;
    let (opens_at, closes_at) = (sale_opens, sale_closes);
    let phase_words = phase_words.in_lang(lang);
    SaleView { slug, title_en, title_zh, phase, phase_words, tone, opens_at, closes_at, counts, trouble }
}

/// One sale, or 404.
pub(crate) async fn one(app: &App, slug: &str, lang: Lang) -> Result<SaleView, Problem> {
    Ok(view(app, find(app, slug).await?, lang).await)
}

#[derive(Debug)]
struct Row {
    sale: SaleView,
    /// Names the change that this row's form sends, so that it counts once.
    form_id: String,
}

#[derive(Template)]
#[template(path = "sales.html")]
struct SalesPage {
    chrome: Chrome,
    rows: Vec<Row>,
    seats_max: i64,
    message: String,
    tone: &'static str,
}

async fn show(app: &App, visitor: &Visitor, message: String, tone: &'static str) -> PageResult {
    let mut rows = Vec::new();
    for sale in views(app, visitor.look.lang).await? {
        rows.push(Row { sale, form_id: request_id()? });
    }
    let chrome = visitor.chrome("sales");
    render(&SalesPage { chrome, rows, seats_max: SEATS_MAX, message, tone })
}

/// Which change the page should tell the result of.
#[derive(Debug, Deserialize)]
pub(crate) struct Told {
    #[serde(default)]
    sale: String,
    #[serde(default)]
    change: String,
}

/// `GET /admin/sales`
pub(crate) async fn page(
    State(app): State<Shared>,
    visitor: Visitor,
    Query(told): Query<Told>,
) -> PageResult {
    visitor.must(PERMISSION)?;
    let change = app.school.sale_change(&told.sale, &told.change).await?;
    let message =
        change.as_ref().map_or_else(String::new, |change| change_words(change, visitor.look.text().till));
    show(&app, &visitor, message, "good").await
}

fn change_words(change: &SaleChange, w: &Till) -> String {
    let SaleChange { course_slug, direction, units, done, .. } = change;
    match (direction, done) {
        (_, None) => with(w.sale_silent, course_slug),
        (Way::Add, Some(done)) => with(&with(w.sale_added, course_slug), done),
        (Way::Withdraw, Some(done)) if done == units => with(&with(w.sale_withdrawn, course_slug), done),
        (Way::Withdraw, Some(done)) => with(&with(&with(w.sale_withdrawn_some, course_slug), done), units),
    }
}

/// The step that a form or a program asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct StepInput {
    pub(crate) step: SaleStep,
}

/// Takes a step, if the visitor may.
pub(crate) async fn take_step(
    app: &App,
    visitor: &Visitor,
    slug: &str,
    step: SaleStep,
) -> Result<(), Problem> {
    visitor.must(PERMISSION)?;
    sales::steer(app, &visitor.account.id, slug, step).await
}

/// `POST /admin/sales/{slug}/steps`
pub(crate) async fn steps(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Form(input): Form<StepInput>,
) -> PageResult {
    match take_step(&app, &visitor, &slug, input.step).await {
        Ok(()) => Ok(Redirect::to("/admin/sales").into_response()),
        Err(problem) => shown_refusal(&app, &visitor, problem).await,
    }
}

/// How many seats go which way.
#[derive(Debug, Deserialize)]
pub(crate) struct SeatsInput {
    pub(crate) direction: Way,
    pub(crate) units: i64,
}

/// The same from a form, with the id that the page gave it.
#[derive(Debug, Deserialize)]
pub(crate) struct SeatsForm {
    id: String,
    direction: Way,
    units: i64,
}

/// Adds or withdraws seats, if the visitor may, and answers what it came to.
pub(crate) async fn change_seats(
    app: &App,
    visitor: &Visitor,
    slug: &str,
    id: &str,
    input: &SeatsInput,
) -> Result<i64, Problem> {
    visitor.must(PERMISSION)?;
    let asked = SaleChange {
        course_slug: slug.to_owned(),
        id: id.to_owned(),
        direction: input.direction,
        units: input.units,
        done: None,
        actor: visitor.account.id.clone(),
        at: clock::to_column(clock::now_millis()),
    };
    sales::restock(app, &asked).await
}

/// `POST /admin/sales/{slug}/seats`
pub(crate) async fn seats(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Form(SeatsForm { id, direction, units }): Form<SeatsForm>,
) -> PageResult {
    match change_seats(&app, &visitor, &slug, &id, &SeatsInput { direction, units }).await {
        // Slug and id are plain letters by now: the sale has taken them.
        Ok(_) => Ok(Redirect::to(&format!("/admin/sales?sale={slug}&change={id}")).into_response()),
        Err(problem) => shown_refusal(&app, &visitor, problem).await,
    }
}

/// A refusal that the page tells above its table; any other problem is a page of its own.
async fn shown_refusal(app: &App, visitor: &Visitor, problem: Problem) -> PageResult {
    if !matches!(problem.code, "refused" | "request_id_reused") {
        return Err(problem.into());
    }
    let mut reply = show(app, visitor, problem.detail, "bad").await?;
    *reply.status_mut() = problem.status;
    Ok(reply)
}

/// The audit of a sale, if the visitor may.
pub(crate) async fn audited(app: &App, visitor: &Visitor, slug: &str) -> Result<AuditView, Problem> {
    visitor.must(PERMISSION)?;
    let audit = app.sale(slug)?.audit().await?;
    tracing::info!(actor = visitor.account.id, slug, conserved = audit.conserved(), "sale audited");
    Ok(AuditView::of(slug, &audit, visitor.look.lang))
}

/// `GET /admin/sales/{slug}/audit`
pub(crate) async fn audit(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> PageResult {
    let audit = audited(&app, &visitor, &slug).await?;
    let tone = if audit.conserved { "good" } else { "bad" };
    show(&app, &visitor, audit.words, tone).await
}
