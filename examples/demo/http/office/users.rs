//! The list of users: found by search and facets, sorted, page by page; the address says it all.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::RawQuery;
use rbac::{PolicyRows, RoleName, UserId};
use serde::Serialize;

use super::desk::Desk;
use super::facets::{Facet, Found, facets};
use super::fields::Fields;
use super::labels::{Choice, Labels};
use super::query::{USERS_A_PAGE, UsersQuery};
use crate::http::chrome::{Chrome, initial, page as render};
use crate::http::problem::{PageResult, Problem};
use crate::perm;

/// A user as lists show them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct UserLine {
    pub(crate) id: String,
    /// The name to sign in with; empty without an account.
    pub(crate) login: String,
    pub(crate) display_name: String,
    pub(crate) active: bool,
    pub(crate) department: Option<i64>,
    #[serde(skip)]
    pub(crate) department_name: String,
    #[serde(skip)]
    pub(crate) initial: String,
    /// The roles that are assigned, here or there, now or later.
    pub(crate) roles: Vec<String>,
    #[serde(skip)]
    pub(crate) chips: Vec<RoleChip>,
    /// How many devices they are signed in on.
    pub(crate) sessions: usize,
}

/// An assigned role, short.
#[derive(Debug, Clone)]
pub(crate) struct RoleChip {
    pub(crate) role: String,
    pub(crate) label: String,
    /// Where and until when, if not everywhere and for good.
    pub(crate) note: String,
    /// Whether it holds now.
    pub(crate) holds: bool,
}

/// A page of users, and the ways on from it.
#[derive(Debug)]
pub(crate) struct UsersView {
    pub(crate) query: UsersQuery,
    pub(crate) count: usize,
    pub(crate) users: Vec<UserLine>,
    pub(crate) facets: Vec<Facet>,
    pub(crate) pages: usize,
}

/// The users that a query asks for, as far as the visitor may see them.
pub(crate) async fn list(desk: &Desk, query: UsersQuery) -> Result<UsersView, Problem> {
    desk.must(perm::USER_VIEW)?;
    let labels = Labels::of(desk).await?;
    let reach = desk.reach();
    let mut roles = assigned(desk.rows());
    let known: Vec<Found<'_>> = desk
        .rows()
        .users
        .iter()
        .filter(|(id, _)| reach.sees(id))
        .map(|(id, row)| Found::of(id, row, labels.login(id), roles.remove(id).unwrap_or_default()))
        .collect();
    let facets = facets(desk, &labels, &query, &known);
    let mut fitting: Vec<&Found<'_>> = known.iter().filter(|found| query.fits(found)).collect();
    query.sort(&mut fitting);
    let (count, pages) = (fitting.len(), fitting.len().div_ceil(USERS_A_PAGE).max(1));
    let query = UsersQuery { page: query.page.clamp(1, pages), ..query };
    let mut users = Vec::new();
    for found in fitting.into_iter().skip((query.page - 1) * USERS_A_PAGE).take(USERS_A_PAGE) {
        users.push(line(desk, &labels, found).await?);
    }
    Ok(UsersView { query, count, users, facets, pages })
}

async fn line(desk: &Desk, labels: &Labels<'_>, found: &Found<'_>) -> Result<UserLine, Problem> {
    let sessions = desk.app.sso.sessions(&sso_core::UserId::new(found.id.as_str())?).await?.len();
    Ok(UserLine {
        id: found.id.to_string(),
        login: found.login.to_owned(),
        display_name: found.label.to_owned(),
        active: found.active,
        department: found.department.map(rbac::DepartmentId::get),
        department_name: found.department.map(|id| labels.department(id)).unwrap_or_default(),
        initial: initial(found.label),
        roles: found.roles.iter().map(|role| role.to_string()).collect(),
        chips: chips(desk, labels, found.id),
        sessions,
    })
}

/// The assignments of a user, as chips.
pub(crate) fn chips(desk: &Desk, labels: &Labels<'_>, user: &UserId) -> Vec<RoleChip> {
    let own = desk.rows().assignments.iter().filter(|(assignment, _)| assignment.user == *user);
    own.map(|(assignment, window)| RoleChip {
        role: assignment.role.to_string(),
        label: labels.role(&assignment.role),
        note: labels.place_and_time(assignment.domain.as_ref(), *window),
        holds: window.holds(desk.visitor.now),
    })
    .collect()
}

#[derive(Template)]
#[template(path = "office/users.html")]
struct UsersPage {
    chrome: Chrome,
    view: UsersView,
    columns: Vec<Column>,
    roles: Vec<Choice>,
    departments: Vec<Choice>,
    may_change: bool,
}

/// A head of the table that sorts.
#[derive(Debug)]
struct Column {
    name: &'static str,
    href: String,
    /// `ascending`, `descending` or `none`.
    sorted: &'static str,
}

/// `GET /admin/users`
pub(crate) async fn page(desk: Desk, RawQuery(query): RawQuery) -> PageResult {
    show(&desk, query.as_deref().unwrap_or_default()).await
}

/// The page for a query.
pub(crate) async fn show(desk: &Desk, query: &str) -> PageResult {
    let view = list(desk, UsersQuery::of(&Fields::parse(query.as_bytes()))).await?;
    let column = |key: &str, name| Column {
        name,
        href: view.query.sorted_by(key).href(),
        sorted: view.query.direction(key),
    };
    let t = desk.t;
    let labels = Labels::of(desk).await?;
    render(&UsersPage {
        chrome: desk.chrome("users"),
        columns: vec![column("name", t.user), column("department", t.department), column("roles", t.roles)],
        roles: labels.roles(""),
        departments: labels.departments(None),
        may_change: desk.visitor.may(perm::USER_ASSIGN) || desk.visitor.may(perm::USER_EDIT),
        view,
    })
}

impl UsersView {
    fn first(&self) -> usize {
        if self.count == 0 { 0 } else { (self.query.page - 1) * USERS_A_PAGE + 1 }
    }

    fn last(&self) -> usize {
        self.count.min(self.query.page * USERS_A_PAGE)
    }

    fn before(&self) -> Option<String> {
        (self.query.page > 1).then(|| self.query.at_page(self.query.page - 1).href())
    }

    fn after(&self) -> Option<String> {
        (self.query.page < self.pages).then(|| self.query.at_page(self.query.page + 1).href())
    }
}

/// The roles that each user is assigned, each once, in order of name.
fn assigned(rows: &PolicyRows) -> BTreeMap<&UserId, Vec<&RoleName>> {
    let mut assigned: BTreeMap<&UserId, Vec<&RoleName>> = BTreeMap::new();
    for assignment in rows.assignments.keys() {
        let roles = assigned.entry(&assignment.user).or_default();
        // One role in several domains stands in a row.
        if roles.last() != Some(&&assignment.role) {
            roles.push(&assignment.role);
        }
    }
    assigned
}
