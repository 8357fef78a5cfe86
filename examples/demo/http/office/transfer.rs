//! Taking the policy out and bringing others in: exports of our own, and imports that say what is carried over and what
//! is not, are tried out as a diff, and then made like any other change.

use askama::Template;
use axum::Json as Reply;
use axum::body::Bytes;
use axum::extract::{Path, RawForm};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use rbac::import::{self, Imported, LeftOut};
use rbac::{Applied, PolicyRows, PolicyVersion, Preview, Reason, export};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::api::read;
use super::api_policy::made;
use super::changes::{refused_words, status};
use super::desk::{Desk, Proposal, done_at};
use super::fields::Fields;
use super::gains::{Gain, gains};
use super::labels::{Choice, Labels};
use super::sentences::change_words;
use super::source::{Format, Key, Source, TEXT_BYTES_MAX};
use crate::http::chrome::{Chrome, page as render};
use crate::http::client::Client;
use crate::http::problem::{ApiResult, PageResult, Problem};
use crate::http::proof;

/// The page's address.
pub(crate) const PATH: &str = "/admin/transfer";
/// Lines of each list that a page or an answer holds.
const LINES_MAX: usize = 200;

/// Something that is not carried over, or stands against it.
#[derive(Debug, Serialize)]
pub(crate) struct LeftLine {
    place: String,
    what: String,
    why: String,
}

impl LeftLine {
    fn all(left: &[LeftOut]) -> Vec<Self> {
        let line = |left: &LeftOut| Self {
            place: left.place.clone(),
            what: left.what.clone(),
            why: left.why.clone(),
        };
        left.iter().take(LINES_MAX).map(line).collect()
    }
}

/// What an import comes to.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Rows by kind.
    carried: Vec<Carried>,
    left_out: Vec<LeftLine>,
    left_out_count: usize,
    /// Roles that are called otherwise now.
    renamed: Vec<(String, String)>,
    /// What the policy says otherwise; it stays.
    conflicts: Vec<LeftLine>,
    conflict_count: usize,
    changes: Vec<String>,
    change_count: usize,
    /// Why it cannot be made.
    refused: Option<String>,
    effects: Vec<Gain>,
}

/// How many rows of a kind the text has.
#[derive(Debug, Serialize)]
pub(crate) struct Carried {
    kind: &'static str,
    #[serde(skip)]
    words: &'static str,
    count: usize,
}

fn carried(rows: &PolicyRows, desk: &Desk) -> Vec<Carried> {
    let t = desk.t;
    let all = [
        ("users", t.users, rows.users.len()),
        ("roles", t.roles, rows.roles.len()),
        ("permissions", t.permissions, rows.permissions.len()),
        ("domains", t.rooms.domains, rows.domains.len()),
        ("departments", t.departments, rows.departments.len()),
        ("assignments", t.rooms.assignments, rows.assignments.len()),
        ("grants", t.grants, rows.grants.len()),
        ("inheritance", t.inherits, rows.inheritance.len()),
        ("duties", t.duties, rows.duties.len()),
    ];
    let some = all.into_iter().filter(|(_, _, count)| *count > 0);
    some.map(|(kind, words, count)| Carried { kind, words, count }).collect()
}

/// An import that was read, and the changes that it takes here.
struct Read {
    imported: Imported,
    conflicts: Vec<LeftOut>,
    proposal: Proposal,
}

fn proposed(
    desk: &Desk,
    source: &Source,
    reason: &str,
    expected: Option<PolicyVersion>,
) -> Result<Read, Problem> {
    desk.must_see_all()?;
    let imported = source.read()?;
    let additions = import::additions(desk.rows(), &imported.rows);
    let words = match reason.trim() {
        "" => format!("import {}", source.format.as_str()),
        reason => reason.to_owned(),
    };
    let proposal = Proposal {
        changes: additions.changes,
        reason: Reason::new(&words)?,
        expected,
        worked_out: Some(desk.version()),
    };
    Ok(Read { imported, conflicts: additions.conflicts, proposal })
}

async fn report(desk: &Desk, found: &Read) -> Result<Report, Problem> {
    let Read { imported, conflicts, proposal } = found;
    let preview: Preview = desk.preview(proposal)?;
    let labels = Labels::of(desk).await?;
    let lang = desk.visitor.look.lang;
    let refused = preview.refused.as_ref().filter(|_| !proposal.changes.is_empty());
    let changes = proposal.changes.iter().take(LINES_MAX);
    Ok(Report {
        carried: carried(&imported.rows, desk),
        left_out: LeftLine::all(&imported.left_out),
        left_out_count: imported.left_out.len(),
        renamed: imported.renamed.iter().map(|one| (one.from.clone(), one.to.to_string())).collect(),
        conflicts: LeftLine::all(conflicts),
        conflict_count: conflicts.len(),
        changes: changes.map(|change| change_words(change, &labels, lang)).collect(),
        change_count: proposal.changes.len(),
        refused: refused.map(|refused| refused_words(desk, refused)),
        effects: gains(desk, &labels, &preview),
    })
}

#[derive(Template)]
#[template(path = "office/transfer.html")]
struct TransferPage {
    chrome: Chrome,
    formats: Vec<Choice>,
    source: Source,
    by_number: bool,
    report: Option<Report>,
    reason: String,
    error: String,
    bytes_max: usize,
}

/// `GET /admin/transfer`
pub(crate) async fn page(desk: Desk) -> PageResult {
    desk.must_see_all()?;
    show(&desk, Source::default(), None, "", "")
}

fn show(desk: &Desk, source: Source, report: Option<Report>, reason: &str, error: &str) -> PageResult {
    let mut chrome = desk.chrome("transfer");
    PATH.clone_into(&mut chrome.here);
    render(&TransferPage {
        chrome,
        formats: Format::choices(source.format, desk.t),
        by_number: source.users == Key::Number,
        source,
        report,
        reason: reason.to_owned(),
        error: error.to_owned(),
        bytes_max: TEXT_BYTES_MAX,
    })
}

/// `POST /admin/transfer`: reads and tries out; with `commit`, makes it.
pub(crate) async fn post(desk: Desk, client: Client, RawForm(body): RawForm) -> PageResult {
    desk.must_see_all()?;
    proof::with(desk, client, Fields::parse(&body), bring).await
}

async fn bring(desk: Desk, fields: Fields) -> PageResult {
    let source = Source::of(&fields)?;
    let expected = fields.expected()?.filter(|_| fields.one("commit") == "yes");
    let found = match proposed(&desk, &source, fields.one("reason"), expected) {
        Ok(found) => found,
        Err(problem) if problem.status == StatusCode::BAD_REQUEST => {
            let mut reply = show(&desk, source, None, "", &problem.detail)?;
            *reply.status_mut() = problem.status;
            return Ok(reply);
        }
        Err(problem) => return Err(problem.into()),
    };
    let reason = fields.one("reason");
    if fields.one("commit") != "yes" {
        let report = report(&desk, &found).await?;
        return show(&desk, source, Some(report), reason, "");
    }
    match desk.commit(&found.proposal).await? {
        Applied::Done(version) => Ok(Redirect::to(&done_at(PATH, version)).into_response()),
        Applied::Refused(refused) => {
            let words = refused_words(&desk, &refused);
            let desk = desk.fresh(PATH.to_owned(), None).await?;
            let found = proposed(&desk, &source, reason, None)?;
            let report = report(&desk, &found).await?;
            let mut reply = show(&desk, source, Some(report), reason, &words)?;
            *reply.status_mut() = status(&refused.why);
            Ok(reply)
        }
    }
}

/// `GET /admin/export/{file}`: `policy.json` or `policy.csv`.
pub(crate) async fn download(desk: Desk, Path(file): Path<String>) -> PageResult {
    Ok(exported(&desk, &file)?)
}

/// `GET /api/v1/admin/policy/export/{file}`
pub(crate) async fn api_export(desk: Desk, Path(file): Path<String>) -> ApiResult {
    exported(&desk, &file)
}

fn exported(desk: &Desk, file: &str) -> Result<Response, Problem> {
    desk.must_see_all()?;
    let (kind, text) = match file {
        "policy.json" => ("application/json", desk.rows().to_json()),
        "policy.csv" => ("text/csv; charset=utf-8", export::csv(desk.rows()).text),
        _ => return Err(Problem::not_found()),
    };
    tracing::info!(actor = desk.visitor.account.id, file, "policy exported");
    let name = format!("attachment; filename=\"{file}\"");
    let name = HeaderValue::from_str(&name).map_err(|cause| Problem::broken("export", false, &cause))?;
    let kind = HeaderValue::from_static(kind);
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], text).into_response())
}

/// An import by a program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    format: Format,
    text: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    users: Key,
    #[serde(default)]
    reason: String,
    /// The version that its preview was for.
    expected: Option<u64>,
    /// Only tries it out.
    #[serde(default)]
    preview: bool,
}

/// `POST /api/v1/admin/policy/import`: tries an import out, or makes it; the answer is the report either way.
pub(crate) async fn api_import(desk: Desk, body: Bytes) -> ApiResult {
    desk.must_see_all()?;
    let Asked { format, text, model, users, reason, expected, preview } = read(&body)?;
    let source = Source { format, text, model, users };
    let found = proposed(&desk, &source, &reason, expected.map(PolicyVersion::new))?;
    let report = report(&desk, &found).await?;
    if preview || found.proposal.changes.is_empty() {
        return Ok(Reply(json!({ "version": null, "report": report })).into_response());
    }
    let version = made(&desk, desk.commit(&found.proposal).await?)?;
    Ok((StatusCode::CREATED, Reply(json!({ "version": version.number(), "report": report }))).into_response())
}
