//! Assignments that begin or end: what ends soonest stands first.

use askama::Template;
use rbac::{Assignment, Window};
use serde::Serialize;

use super::desk::Desk;
use super::labels::Labels;
use crate::clock;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::{PageResult, Problem};
use crate::perm;

/// A day.
const DAY_MILLIS: u64 = 24 * 3600 * 1000;
/// What ends within so many days ends soon.
const SOON_DAYS: u64 = 14;

/// An assignment and when it holds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Term {
    pub(crate) user: String,
    pub(crate) role: String,
    /// Empty for everywhere.
    pub(crate) domain: String,
    #[serde(skip)]
    pub(crate) user_name: String,
    #[serde(skip)]
    pub(crate) role_label: String,
    #[serde(skip)]
    pub(crate) domain_label: String,
    /// UTC; empty if it has no beginning.
    pub(crate) from: String,
    /// UTC; empty if it has no end.
    pub(crate) until: String,
    #[serde(skip)]
    pub(crate) from_day: String,
    #[serde(skip)]
    pub(crate) until_day: String,
    /// `holds`, `soon` (ends in a few days), `later` (has not begun) or `over`.
    pub(crate) state: &'static str,
    #[serde(skip)]
    pub(crate) words: &'static str,
}

impl Term {
    /// An assignment at the moment of a desk.
    pub(crate) fn of(desk: &Desk, labels: &Labels<'_>, assignment: &Assignment, window: Window) -> Self {
        let (now, t) = (desk.visitor.now, desk.t);
        let soon = now.plus_millis(SOON_DAYS * DAY_MILLIS);
        let (state, words) = if window.not_after().is_some_and(|until| until <= now) {
            ("over", t.term_over)
        } else if window.not_before().is_some_and(|from| from > now) {
            ("later", t.term_later)
        } else if window.not_after().is_some_and(|until| until <= soon) {
            ("soon", t.term_soon)
        } else {
            ("holds", t.term_holds)
        };
        let field = |at: Option<rbac::UnixMillis>| at.map(|at| clock::field(at.get())).unwrap_or_default();
        let day = |at: Option<rbac::UnixMillis>| at.map(|at| clock::day(at.get())).unwrap_or_default();
        Self {
            user: assignment.user.to_string(),
            role: assignment.role.to_string(),
            domain: assignment.domain.as_ref().map(ToString::to_string).unwrap_or_default(),
            user_name: labels.user(&assignment.user),
            role_label: labels.role(&assignment.role),
            domain_label: assignment.domain.as_ref().map(|domain| labels.domain(domain)).unwrap_or_default(),
            from: field(window.not_before()),
            until: field(window.not_after()),
            from_day: day(window.not_before()),
            until_day: day(window.not_after()),
            state,
            words,
        }
    }

    /// How the state is coloured.
    pub(crate) fn tone(&self) -> &'static str {
        match self.state {
            "soon" => "gold",
            "over" => "hot",
            "later" => "plain",
            _ => "",
        }
    }
}

/// Every assignment with a beginning or an end, as far as the visitor may see its user.
pub(crate) async fn list(desk: &Desk) -> Result<Vec<Term>, Problem> {
    desk.must(perm::USER_VIEW)?;
    let (labels, reach) = (Labels::of(desk).await?, desk.reach());
    let mut bound: Vec<_> = desk
        .rows()
        .assignments
        .iter()
        .filter(|(assignment, window)| !window.is_always() && reach.sees(&assignment.user))
        .collect();
    let end = |window: &Window| window.not_after().unwrap_or(rbac::UnixMillis::MAX);
    bound.sort_by_key(|(_, window)| (end(window), window.not_before()));
    Ok(bound.into_iter().map(|(assignment, window)| Term::of(desk, &labels, assignment, *window)).collect())
}

#[derive(Template)]
#[template(path = "office/expiry.html")]
struct ExpiryPage {
    chrome: Chrome,
    terms: Vec<Term>,
    may_change: bool,
}

/// `GET /admin/expiry`
pub(crate) async fn page(desk: Desk) -> PageResult {
    show(&desk).await
}

/// The page.
pub(crate) async fn show(desk: &Desk) -> PageResult {
    let terms = list(desk).await?;
    render(&ExpiryPage {
        chrome: desk.chrome("expiry"),
        terms,
        may_change: desk.visitor.may(perm::USER_ASSIGN),
    })
}
