//! The audit trail: who changed what, when and why, the rows before and after, and bringing the rows before back.

use askama::Template;
use axum::extract::{Path, RawForm, RawQuery};
use axum::response::{IntoResponse, Redirect};
use rbac::{Actor, Applied, AuditEntry, HistoryQuery, PolicyVersion, Reason, UserId, admin};
use serde::Serialize;

use super::changes::{refused_words, status};
use super::desk::{Desk, Proposal, done_at};
use super::fields::Fields;
use super::gains::{Gain, gains};
use super::labels::Labels;
use super::sentences::{change_words, entry_words, row_lines};
use super::text::with;
use crate::clock;
use crate::http::chrome::{Chrome, Notice, page as render};
use crate::http::client::Client;
use crate::http::problem::{PageResult, Problem};
use crate::http::proof;
use crate::perm;

/// Entries on one page.
const ENTRIES_A_PAGE: u16 = 25;

/// An entry as lists show it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EntryLine {
    pub(crate) version: u64,
    /// The user's id, or what the program called itself.
    pub(crate) actor: String,
    #[serde(skip)]
    pub(crate) actor_name: String,
    pub(crate) by_program: bool,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    #[serde(skip)]
    pub(crate) when: String,
    pub(crate) reason: String,
    pub(crate) changes: Vec<String>,
}

impl EntryLine {
    /// An entry, with names in the desk's language.
    pub(crate) fn of(desk: &Desk, labels: &Labels<'_>, entry: &AuditEntry) -> Self {
        let (actor, actor_name, by_program) = match &entry.actor {
            Actor::User(user) => (user.to_string(), labels.user(user), false),
            Actor::System(name) => (name.to_string(), name.to_string(), true),
        };
        Self {
            version: entry.version.number(),
            actor,
            actor_name,
            by_program,
            at: entry.at.get(),
            when: clock::text(entry.at.get()),
            reason: entry.reason.to_string(),
            changes: entry_words(entry, labels, desk.rows(), desk.visitor.look.lang),
        }
    }
}

/// A page of the trail and where the next one begins.
pub(crate) async fn list(desk: &Desk, fields: &Fields) -> Result<(Vec<EntryLine>, Option<u64>), Problem> {
    desk.must(perm::AUDIT_VIEW)?;
    let mut query = HistoryQuery::latest(ENTRIES_A_PAGE);
    if let Ok(below) = fields.one("below").parse() {
        query = query.below(PolicyVersion::new(below));
    }
    match fields.one("actor") {
        "" => {}
        actor => query = query.by(UserId::new(actor)?),
    }
    let entries = desk.app.live.store().history(&query).await?;
    let full = entries.len() >= usize::from(ENTRIES_A_PAGE);
    let next = entries.last().filter(|_| full).map(|entry| entry.version.number());
    let labels = Labels::of(desk).await?;
    Ok((entries.iter().map(|entry| EntryLine::of(desk, &labels, entry)).collect(), next))
}

#[derive(Template)]
#[template(path = "office/audit.html")]
struct AuditPage {
    chrome: Chrome,
    entries: Vec<EntryLine>,
    next: Option<u64>,
    actor: String,
}

/// `GET /admin/audit`
pub(crate) async fn page(desk: Desk, RawQuery(query): RawQuery) -> PageResult {
    show(&desk, query.as_deref().unwrap_or_default()).await
}

/// A page of the trail.
pub(crate) async fn show(desk: &Desk, query: &str) -> PageResult {
    let fields = Fields::parse(query.as_bytes());
    let (entries, next) = list(desk, &fields).await?;
    render(&AuditPage { chrome: desk.chrome("audit"), entries, next, actor: fields.one("actor").to_owned() })
}

/// A row before and after; an empty side was not there.
#[derive(Debug)]
struct Difference {
    key: String,
    before: String,
    after: String,
    /// `came`, `went` or `moved`.
    kind: &'static str,
}

#[derive(Template)]
#[template(path = "office/audit_entry.html")]
struct EntryPage {
    chrome: Chrome,
    entry: EntryLine,
    differences: Vec<Difference>,
    may_revert: bool,
}

/// `GET /admin/audit/{version}`
pub(crate) async fn one(desk: Desk, Path(version): Path<String>) -> PageResult {
    show_one(&desk, &version).await
}

/// The entry of a version.
pub(crate) async fn find(desk: &Desk, version: &str) -> Result<AuditEntry, Problem> {
    desk.must(perm::AUDIT_VIEW)?;
    let number: u64 = version.parse().map_err(|_| Problem::not_found())?;
    let query = HistoryQuery::latest(1).below(PolicyVersion::new(number).next());
    let found = desk.app.live.store().history(&query).await?.into_iter().next();
    found.filter(|entry| entry.version.number() == number).ok_or_else(Problem::not_found)
}

/// One entry with its rows.
pub(crate) async fn show_one(desk: &Desk, version: &str) -> PageResult {
    let entry = find(desk, version).await?;
    let labels = Labels::of(desk).await?;
    render(&EntryPage {
        chrome: desk.chrome("audit"),
        differences: differences(desk, &labels, &entry),
        entry: EntryLine::of(desk, &labels, &entry),
        may_revert: desk.visitor.may(perm::ROLE_EDIT) || desk.visitor.may(perm::USER_ASSIGN),
    })
}

fn differences(desk: &Desk, labels: &Labels<'_>, entry: &AuditEntry) -> Vec<Difference> {
    let lang = desk.visitor.look.lang;
    let before = row_lines(&entry.before, labels, lang);
    let mut after = row_lines(&entry.after, labels, lang);
    let mut found = Vec::new();
    for old in before {
        let at = after.iter().position(|new| new.key == old.key);
        let new = at.map(|at| after.remove(at).value).unwrap_or_default();
        let kind = if new.is_empty() { "went" } else { "moved" };
        found.push(Difference { key: old.key, before: old.value, after: new, kind });
    }
    let came = |new: super::sentences::RowLine| Difference {
        key: new.key,
        before: String::new(),
        after: new.value,
        kind: "came",
    };
    found.extend(after.into_iter().map(came));
    found
}

#[derive(Template)]
#[template(path = "office/revert.html")]
struct RevertPage {
    chrome: Chrome,
    entry: EntryLine,
    changes: Vec<String>,
    refusal: String,
    gains: Vec<Gain>,
}

/// What reverting an entry would take.
pub(crate) fn proposal(
    desk: &Desk,
    entry: &AuditEntry,
    reason: Reason,
    expected: Option<PolicyVersion>,
) -> Proposal {
    let changes = admin::revert(desk.rows(), entry);
    Proposal { changes, reason, expected, worked_out: Some(desk.version()) }
}

/// `GET /admin/audit/{version}/revert`: what it would come to.
pub(crate) async fn revert_page(desk: Desk, Path(version): Path<String>) -> PageResult {
    let entry = find(&desk, &version).await?;
    let reason = Reason::new(&with(desk.t.revert_reason, &version)).map_err(Problem::from)?;
    let proposal = proposal(&desk, &entry, reason, None);
    let preview = desk.preview(&proposal)?;
    let refused = preview.refused.as_ref().filter(|_| !proposal.changes.is_empty());
    let labels = Labels::of(&desk).await?;
    let line = EntryLine::of(&desk, &labels, &entry);
    let (labels, lang) = (labels.in_sight(&desk), desk.visitor.look.lang);
    render(&RevertPage {
        chrome: desk.chrome("audit"),
        entry: line,
        changes: proposal.changes.iter().map(|change| change_words(change, &labels, lang)).collect(),
        refusal: refused.map(|refused| refused_words(&desk, refused)).unwrap_or_default(),
        gains: gains(&desk, &labels, &preview),
    })
}

/// `POST /admin/audit/{version}/revert`
pub(crate) async fn revert(
    desk: Desk,
    client: Client,
    Path(version): Path<String>,
    RawForm(body): RawForm,
) -> PageResult {
    proof::with(desk, client, Fields::parse(&body), |desk, fields| undo(desk, fields, version)).await
}

async fn undo(desk: Desk, fields: Fields, version: String) -> PageResult {
    let entry = find(&desk, &version).await?;
    let words = match fields.one("reason") {
        "" => with(desk.t.revert_reason, &version),
        reason => reason.to_owned(),
    };
    let expected = fields.expected()?;
    let reason = Reason::new(&words).map_err(Problem::from)?;
    let back = format!("/admin/audit/{version}");
    match desk.commit(&proposal(&desk, &entry, reason, expected)).await? {
        Applied::Done(made) => Ok(Redirect::to(&done_at(&back, made)).into_response()),
        Applied::Refused(refused) => {
            let notice = Notice::bad(refused_words(&desk, &refused));
            let desk = desk.fresh(back, Some(notice)).await?;
            let mut reply = show_one(&desk, &version).await?;
            *reply.status_mut() = status(&refused.why);
            Ok(reply)
        }
    }
}
