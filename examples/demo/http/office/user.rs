//! The page of one user: where they work, their roles and until when, what they may do and why, where they are signed in,
//! what was changed about them.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Redirect};
use rbac::{HistoryQuery, PermissionName, UserId};
use serde::Serialize;

use super::audit::EntryLine;
use super::desk::Desk;
use super::expiry::Term;
use super::fields::Fields;
use super::grouped::{Group, grouped};
use super::labels::{Choice, Labels};
use super::who::in_domain;
use super::why::{Step, Why, why};
use crate::http::account::DeviceView;
use crate::http::chrome::{Chrome, initial, page as render};
use crate::http::client::Client;
use crate::http::online::{kick, kick_one};
use crate::http::problem::{PageResult, Problem};
use crate::http::proof;
use crate::perm;

/// Entries of the audit trail that are looked through for a user.
const ENTRIES_LOOKED_AT: u16 = 200;
/// Entries of them that are shown.
const ENTRIES_SHOWN_MAX: usize = 6;

/// A user, as pages and the API tell of one.
#[derive(Debug, Serialize)]
pub(crate) struct UserView {
    pub(crate) id: String,
    /// The name to sign in with; empty without an account.
    pub(crate) login: String,
    pub(crate) display_name: String,
    pub(crate) active: bool,
    pub(crate) department: Option<i64>,
    pub(crate) assignments: Vec<Term>,
    /// What they may do now, in the domain asked about.
    pub(crate) permissions: Vec<String>,
}

/// One user whom the visitor may see.
pub(crate) async fn view(desk: &Desk, id: &str, domain: &str) -> Result<UserView, Problem> {
    desk.must(perm::USER_VIEW)?;
    let user = UserId::new(id)?;
    desk.reach().must_see(&user)?;
    let row = desk.rows().users.get(&user).ok_or_else(Problem::not_found)?;
    let labels = Labels::of(desk).await?;
    let own = desk.rows().assignments.iter().filter(|(assignment, _)| assignment.user == user);
    Ok(UserView {
        id: user.to_string(),
        login: labels.login(&user).to_owned(),
        display_name: labels.user(&user),
        active: row.active,
        department: row.department.map(rbac::DepartmentId::get),
        assignments: own.map(|(assignment, window)| Term::of(desk, &labels, assignment, *window)).collect(),
        permissions: in_domain(desk, domain)?.what_can(&user).iter().map(ToString::to_string).collect(),
    })
}

/// A permission that a user holds, and the way to it.
#[derive(Debug)]
struct HeldLine {
    name: String,
    label: String,
    sensitive: bool,
    steps: Vec<Step>,
    scope: String,
}

#[derive(Template)]
#[template(path = "office/user.html")]
struct UserPage {
    chrome: Chrome,
    user: UserView,
    initial: String,
    department: String,
    departments: Vec<Choice>,
    roles: Vec<Choice>,
    domains: Vec<Choice>,
    held: Vec<Group<HeldLine>>,
    permissions: Vec<Choice>,
    /// What was asked in the box, and the answer.
    asked: String,
    answer: Option<Why>,
    devices: Vec<DeviceView>,
    entries: Vec<EntryLine>,
    may_edit: bool,
    may_assign: bool,
    may_end: bool,
}

/// `GET /admin/users/{id}?why=&domain=`
pub(crate) async fn page(desk: Desk, Path(id): Path<String>, RawQuery(query): RawQuery) -> PageResult {
    show(&desk, &id, query.as_deref().unwrap_or_default()).await
}

/// The page of one user.
pub(crate) async fn show(desk: &Desk, id: &str, query: &str) -> PageResult {
    let fields = Fields::parse(query.as_bytes());
    let (asked, domain) = (fields.one("why"), fields.one("domain"));
    let user = view(desk, id, domain).await?;
    let labels = Labels::of(desk).await?;
    let user_id = UserId::new(id).map_err(Problem::from)?;
    let names = desk.policy.permissions();
    let answer = match asked {
        "" => None,
        asked => Some(answer(desk, &labels, &user_id, asked, domain)?),
    };
    let department = user.department.map(rbac::DepartmentId::new);
    let may = |permission| desk.visitor.may(permission);
    render(&UserPage {
        chrome: desk.chrome("users"),
        initial: initial(&user.display_name),
        department: department.map(|id| labels.department(id)).unwrap_or_default(),
        departments: labels.departments(department),
        roles: labels.roles(""),
        domains: labels.domains(domain),
        held: held(desk, &labels, &user_id, domain)?,
        permissions: labels.permissions(&names, asked),
        asked: asked.to_owned(),
        answer,
        devices: devices(desk, &user_id).await?,
        entries: entries(desk, &labels, &user_id).await?,
        may_edit: may(perm::USER_EDIT),
        may_assign: may(perm::USER_ASSIGN),
        may_end: may(perm::SESSION_END),
        user,
    })
}

/// The answer to one question about a user.
pub(crate) fn answer(
    desk: &Desk,
    labels: &Labels<'_>,
    user: &UserId,
    permission: &str,
    domain: &str,
) -> Result<Why, Problem> {
    why(desk, labels, in_domain(desk, domain)?, user, &PermissionName::new(permission)?)
}

/// Everything that a user may do, group by group, each with its way and the rows it opens.
fn held(
    desk: &Desk,
    labels: &Labels<'_>,
    user: &UserId,
    domain: &str,
) -> Result<Vec<Group<HeldLine>>, Problem> {
    let view = in_domain(desk, domain)?;
    let names = view.what_can(user);
    let mut lines = Vec::new();
    for name in &names {
        let scope = desk.policy.permission(name).map(|id| view.scope(user, id)).unwrap_or_default();
        let line = HeldLine {
            name: name.to_string(),
            label: labels.permission(name),
            sensitive: perm::entry(name.as_str()).is_some_and(|entry| entry.sensitive),
            steps: why(desk, labels, view, user, name)?.because,
            scope: labels.scope(&scope),
        };
        lines.push((name, line));
    }
    Ok(grouped(lines.into_iter(), desk.visitor.look.lang))
}

async fn devices(desk: &Desk, user: &UserId) -> Result<Vec<DeviceView>, Problem> {
    if !desk.visitor.may(perm::SESSION_VIEW) {
        return Ok(Vec::new());
    }
    let sessions = desk.app.sso.sessions(&sso_core::UserId::new(user.as_str())?).await?;
    Ok(sessions.iter().map(|session| DeviceView::of(session, desk.visitor.session_id())).collect())
}

/// What was changed about a user lately.
async fn entries(desk: &Desk, labels: &Labels<'_>, user: &UserId) -> Result<Vec<EntryLine>, Problem> {
    if !desk.visitor.may(perm::AUDIT_VIEW) {
        return Ok(Vec::new());
    }
    let names = |rows: &rbac::PolicyRows| {
        rows.users.contains_key(user) || rows.assignments.keys().any(|assignment| assignment.user == *user)
    };
    let history = desk.app.live.store().history(&HistoryQuery::latest(ENTRIES_LOOKED_AT)).await?;
    let about = history.iter().filter(|entry| names(&entry.before) || names(&entry.after));
    Ok(about.take(ENTRIES_SHOWN_MAX).map(|entry| EntryLine::of(desk, labels, entry)).collect())
}

/// `POST /admin/users/{id}/sign-out`: ends every session of a user, on every server.
pub(crate) async fn sign_out(desk: Desk, client: Client, Path(id): Path<String>, body: Bytes) -> PageResult {
    desk.reach().must_see(&UserId::new(&id).map_err(Problem::from)?)?;
    proof::with(desk, client, Fields::parse(&body), |desk, _| async move {
        kick(&desk.app, &desk.visitor, &id).await?;
        Ok(Redirect::to(&address(&id)).into_response())
    })
    .await
}

/// `POST /admin/users/{id}/sessions/{session}/sign-out`: ends one of them.
pub(crate) async fn sign_out_one(
    desk: Desk,
    client: Client,
    Path((id, session)): Path<(String, String)>,
    body: Bytes,
) -> PageResult {
    desk.reach().must_see(&UserId::new(&id).map_err(Problem::from)?)?;
    proof::with(desk, client, Fields::parse(&body), |desk, _| async move {
        kick_one(&desk.app, &desk.visitor, &id, &session).await?;
        Ok(Redirect::to(&address(&id)).into_response())
    })
    .await
}

fn address(id: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/admin/users/{id}#sessions")
}
