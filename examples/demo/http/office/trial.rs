//! Policy cases: a file of who may what, asked of the policy in force and of what changes would make of it.

use std::collections::BTreeMap;

use askama::Template;
use axum::Json as Reply;
use axum::body::Bytes;
use axum::extract::RawForm;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use rbac::{Policy, PolicyCases, admin};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::api::read;
use super::changes::refused_words;
use super::desk::{Desk, Proposal};
use super::fields::Fields;
use super::labels::Labels;
use super::sentences::change_words;
use super::source::TEXT_BYTES_MAX;
use super::wish::Wish;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::{ApiResult, PageResult, Problem};
use crate::perm;

/// The page's address.
const PATH: &str = "/admin/cases";
/// Failing cases that a page shows.
const LINES_MAX: usize = 200;

/// A case that one of the policies answers otherwise.
#[derive(Debug, Serialize)]
pub(crate) struct CaseLine {
    place: String,
    case: String,
    /// What the policy in force says instead; empty if it is as expected.
    live: String,
    /// The same of the draft.
    draft: String,
}

/// What came of some cases.
#[derive(Debug, Serialize)]
pub(crate) struct Trial {
    cases: usize,
    live_failures: usize,
    /// None without a draft, or if it is refused.
    draft_failures: Option<usize>,
    failures: Vec<CaseLine>,
    /// Why there is no draft.
    refused: Option<String>,
}

impl Trial {
    fn live_good(&self) -> usize {
        self.cases.saturating_sub(self.live_failures)
    }

    fn draft_good(&self) -> usize {
        self.cases.saturating_sub(self.draft_failures.unwrap_or(0))
    }
}

/// What a draft would make of the policy; none without changes.
fn drafted(desk: &Desk, proposal: &Proposal) -> Result<(Option<Policy>, Option<String>), Problem> {
    if proposal.changes.is_empty() {
        return Ok((None, None));
    }
    match admin::check(desk.rows(), desk.version(), &proposal.draft(desk), desk.visitor.now) {
        Ok(amended) => Ok((Some(Policy::compile_with(perm::CATALOGUE, &amended.rows)?), None)),
        Err(refused) => Ok((None, Some(refused_words(desk, &refused)))),
    }
}

/// Asks the policy in force, and the draft if there is one.
fn tried(desk: &Desk, text: &str, wishes: &[Wish]) -> Result<Trial, Problem> {
    desk.must_see_all()?;
    if text.len() > TEXT_BYTES_MAX {
        let words = format!("the cases may have {TEXT_BYTES_MAX} bytes here; split them");
        return Err(Problem::bad_request("too_large", words));
    }
    let cases = PolicyCases::parse(text)?;
    if cases.is_empty() {
        let words = "there is no case; write `alice may course:edit`, one a line";
        return Err(Problem::bad_request("invalid", words));
    }
    let (draft, refused) = drafted(desk, &Proposal::of(wishes, "", None)?)?;
    let now = desk.visitor.now;
    let live = cases.run(&desk.policy, now);
    let after = draft.as_ref().map(|draft| cases.run(draft, now));
    let mut lines: BTreeMap<(usize, String), CaseLine> = BTreeMap::new();
    let mut line = |place: &str, case: &str, found: &str, is_draft: bool| {
        let entry = lines.entry((number(place), place.to_owned()));
        let line = entry.or_insert_with(|| CaseLine {
            place: place.to_owned(),
            case: case.to_owned(),
            live: String::new(),
            draft: String::new(),
        });
        let side = if is_draft { &mut line.draft } else { &mut line.live };
        found.clone_into(side);
    };
    live.iter().for_each(|failure| line(&failure.place, &failure.case, &failure.found, false));
    after.iter().flatten().for_each(|failure| line(&failure.place, &failure.case, &failure.found, true));
    Ok(Trial {
        cases: cases.len(),
        live_failures: live.len(),
        draft_failures: after.map(|failures| failures.len()),
        failures: lines.into_values().take(LINES_MAX).collect(),
        refused,
    })
}

/// The number in a place such as `line 12`.
fn number(place: &str) -> usize {
    place.rsplit(' ').next().and_then(|digits| digits.parse().ok()).unwrap_or(usize::MAX)
}

#[derive(Template)]
#[template(path = "office/cases.html")]
struct CasesPage {
    chrome: Chrome,
    text: String,
    /// The changes of the draft as the form sends them.
    wishes: String,
    changes: Vec<String>,
    trial: Option<Trial>,
    error: String,
    sample: String,
}

/// `GET /admin/cases`
pub(crate) async fn page(desk: Desk) -> PageResult {
    desk.must_see_all()?;
    show(&desk, "", &[], None, "").await
}

/// `POST /admin/cases`: with `changes`, those of a draft; without `text`, only the page.
pub(crate) async fn post(desk: Desk, RawForm(body): RawForm) -> PageResult {
    desk.must_see_all()?;
    let fields = Fields::parse(&body);
    let text = fields.whole("text").replace("\r\n", "\n");
    let wishes = if fields.one("changes").is_empty() { Vec::new() } else { fields.wishes()?.wishes };
    if text.is_empty() {
        return show(&desk, "", &wishes, None, "").await;
    }
    match tried(&desk, &text, &wishes) {
        Ok(trial) => show(&desk, &text, &wishes, Some(trial), "").await,
        Err(problem) if problem.status == StatusCode::BAD_REQUEST => {
            let mut reply = show(&desk, &text, &wishes, None, &problem.detail).await?;
            *reply.status_mut() = problem.status;
            Ok(reply)
        }
        Err(problem) => Err(problem.into()),
    }
}

async fn show(desk: &Desk, text: &str, wishes: &[Wish], trial: Option<Trial>, error: &str) -> PageResult {
    let labels = Labels::of(desk).await?;
    let lang = desk.visitor.look.lang;
    let changes = wishes.iter().filter_map(|wish| wish.change().ok());
    let changes = changes.map(|change| change_words(&change, &labels, lang)).collect();
    let wishes = if wishes.is_empty() { Ok(String::new()) } else { serde_json::to_string(wishes) };
    let mut chrome = desk.chrome("cases");
    PATH.clone_into(&mut chrome.here);
    render(&CasesPage {
        chrome,
        text: text.to_owned(),
        wishes: wishes.map_err(|cause| Problem::broken("form", false, &cause))?,
        changes,
        trial,
        error: error.to_owned(),
        sample: sample(desk),
    })
}

/// Cases to begin with: what is true of the visitor now.
fn sample(desk: &Desk) -> String {
    let user = &desk.visitor.user;
    let names = desk.policy.permissions();
    let view = desk.view();
    let word =
        |name| if view.decide(user, name).is_ok_and(|found| found.is_permit()) { "may" } else { "may not" };
    let lines = names.iter().take(3).map(|name| format!("{user} {} {name}", word(name)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Cases by a program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    cases: String,
    #[serde(default)]
    changes: Vec<Wish>,
}

/// `POST /api/v1/admin/policy/cases`
pub(crate) async fn api(desk: Desk, body: Bytes) -> ApiResult {
    desk.must_see_all()?;
    let asked: Asked = read(&body)?;
    let trial = tried(&desk, &asked.cases, &asked.changes)?;
    Ok(Reply(json!({ "trial": trial })).into_response())
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn cases_stand_in_the_order_of_their_places() {
        assert!(number("line 9") < number("line 10"));
        assert_eq!(number("case 3"), 3);
        assert_eq!(number("odd"), usize::MAX);
    }
}
