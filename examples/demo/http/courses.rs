//! The course list, a course's flash sale, and the visitor's own courses.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use payments::OutTradeNo;
use seckill::Phase;

use super::chrome::{Chrome, page};
use super::input::Form;
use super::problem::{PageResult, Problem, put_retry_after};
use super::visitor::Visitor;
use super::words::{ANSWERS, Words, words_of};
use crate::app::{App, Shared};
use crate::perm;
use crate::purchase::{self, Wish};
use crate::school::checkout::Checkout;
use crate::school::course::Course;

/// A course as pages and the API show it.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct CourseView {
    pub(crate) slug: String,
    pub(crate) title_zh: String,
    pub(crate) title_en: String,
    pub(crate) summary: String,
    pub(crate) teacher: String,
    pub(crate) weeks: i64,
    /// Yuan, two places.
    pub(crate) price: String,
    pub(crate) seats: i64,
    pub(crate) has_lab: bool,
    pub(crate) enrolled: bool,
}

impl CourseView {
    /// The view of a course for somebody who is enrolled or not.
    pub(crate) fn of(course: Course, enrolled: bool) -> Result<Self, Problem> {
        let price = course.price()?.yuan_text();
        let Course { slug, title_zh, title_en, summary, teacher, weeks, seats, has_lab, .. } = course;
        Ok(Self { slug, title_zh, title_en, summary, teacher, weeks, price, seats, has_lab, enrolled })
    }
}

/// Every course, as one visitor sees it.
pub(crate) async fn views(app: &App, account_id: &str) -> Result<Vec<CourseView>, Problem> {
    let mine = app.school.enrolments_of(account_id).await?;
    let courses = app.school.courses().await?;
    let view = |course: Course| {
        let enrolled = mine.contains(&course.slug);
        CourseView::of(course, enrolled)
    };
    courses.into_iter().map(view).collect()
}

/// A course, or 404.
pub(crate) async fn find(app: &App, slug: &str) -> Result<Course, Problem> {
    app.school.course(slug).await?.ok_or_else(Problem::not_found)
}

#[derive(Template)]
#[template(path = "courses.html")]
struct CoursesPage {
    chrome: Chrome,
    courses: Vec<CourseView>,
    pay_minutes: u64,
}

/// `GET /courses`
pub(crate) async fn list(State(app): State<Shared>, visitor: Visitor) -> PageResult {
    visitor.must(perm::COURSE_VIEW)?;
    let courses = views(&app, &visitor.account.id).await?;
    page(&CoursesPage { chrome: visitor.chrome("courses"), courses, pay_minutes: app.pay_minutes })
}

#[derive(Template)]
#[template(path = "sale.html")]
struct SalePage {
    chrome: Chrome,
    course: CourseView,
    pay_minutes: u64,
    left: u64,
    held: u64,
    /// Seats that the sale answers for: left, held and paid.
    total: u64,
    /// Why nobody can win now; none while the sale is open.
    phase_words: Option<&'static Words>,
    message: Option<&'static Words>,
    checkout: String,
    request_id: String,
    answers: &'static [Words],
}

/// `GET /courses/{slug}`
pub(crate) async fn sale(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> PageResult {
    visitor.must(perm::COURSE_VIEW)?;
    sale_page(&app, &visitor, &slug, None).await
}

async fn sale_page(app: &App, visitor: &Visitor, slug: &str, message: Option<&'static Words>) -> PageResult {
    let course = find(app, slug).await?;
    let enrolled = app.school.is_enrolled(&visitor.account.id, slug).await?;
    let state = app.sale(slug)?.state().await.map_err(Problem::from)?;
    let shown = SalePage {
        chrome: visitor.chrome("courses"),
        course: CourseView::of(course, enrolled)?,
        pay_minutes: app.pay_minutes,
        left: state.left(),
        held: state.held(),
        total: state.left() + state.held() + state.paid(),
        phase_words: phase_words(state.phase),
        message,
        checkout: open_checkout(app, &visitor.account.id, slug).await?,
        request_id: request_id()?,
        answers: &ANSWERS,
    };
    page(&shown)
}

/// What keeps buyers from winning in this phase.
fn phase_words(phase: Phase) -> Option<&'static Words> {
    words_of(match phase {
        Phase::Open => return None,
        Phase::Draft | Phase::Warmed => "not_open",
        Phase::Paused => "paused",
        _ => "closed",
    })
}

/// The order number of the seat that the visitor holds and can still pay for; empty when there is none.
async fn open_checkout(app: &App, account_id: &str, slug: &str) -> Result<String, Problem> {
    for checkout in app.school.checkouts_of(account_id).await? {
        if checkout.course_slug == slug && payable(app, &checkout).await? {
            return Ok(checkout.out_trade_no);
        }
    }
    Ok(String::new())
}

async fn payable(app: &App, checkout: &Checkout) -> Result<bool, Problem> {
    let order = app.orders.find(&OutTradeNo::parse(&checkout.out_trade_no)?).await?;
    Ok(order.is_some_and(|order| order.state.is_open()) && !checkout.is_over()?)
}

/// A fresh request id: 128 random bits in hex.
pub(crate) fn request_id() -> Result<String, Problem> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|cause| Problem::broken("random source", true, &cause))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// `POST /courses/{slug}/reserve`: the same as the API, for browsers without scripts.
pub(crate) async fn reserve(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Form(wish): Form<Wish>,
) -> PageResult {
    visitor.must(perm::SALE_BUY)?;
    let course = find(&app, &slug).await?;
    let problem = match purchase::reserve(&app, &visitor.account, &course, &wish).await {
        Ok(checkout) => {
            return Ok(Redirect::to(&format!("/checkout/{}", checkout.out_trade_no)).into_response());
        }
        Err(problem) => problem,
    };
    let Some(words) = words_of(problem.code) else { return Err(problem.into()) };
    let mut reply = sale_page(&app, &visitor, &slug, Some(words)).await?;
    *reply.status_mut() = problem.status;
    put_retry_after(reply.headers_mut(), problem.retry_after);
    Ok(reply)
}

/// An order that waits for its payment.
#[derive(Debug)]
struct PendingOrder {
    title_en: String,
    amount: String,
    out_trade_no: String,
}

#[derive(Template)]
#[template(path = "my.html")]
struct MyPage {
    chrome: Chrome,
    courses: Vec<CourseView>,
    pending: Vec<PendingOrder>,
    may_lab: bool,
}

/// `GET /my`
pub(crate) async fn my(State(app): State<Shared>, visitor: Visitor) -> PageResult {
    let (mine, others): (Vec<_>, Vec<_>) =
        views(&app, &visitor.account.id).await?.into_iter().partition(|course| course.enrolled);
    let mut pending = Vec::new();
    for checkout in app.school.checkouts_of(&visitor.account.id).await? {
        let course = others.iter().find(|course| course.slug == checkout.course_slug);
        if let Some(course) = course
            && payable(&app, &checkout).await?
        {
            pending.push(PendingOrder {
                title_en: course.title_en.clone(),
                amount: course.price.clone(),
                out_trade_no: checkout.out_trade_no,
            });
        }
    }
    let may_lab = visitor.may(perm::LAB_OPEN);
    page(&MyPage { chrome: visitor.chrome("my"), courses: mine, pending, may_lab })
}
