//! The matrix: roles by permissions, each cell with where its answer comes from. Its edits are collected in the browser and
//! come back as one list of changes; without a script a small form makes one change at a time.

use askama::Template;
use axum::extract::RawQuery;
use rbac::{Effect, PermissionName, RoleName};

use super::desk::Desk;
use super::fields::Fields;
use super::grouped::{Group, grouped};
use super::labels::{Choice, Labels};
use super::powers::{Power, Powers};
use super::role::why;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::PageResult;
use crate::perm;

/// Roles beside each other; more can be chosen instead of these.
const ROLES_MAX: usize = 12;

#[derive(Debug)]
struct Column {
    name: String,
    label: String,
    enabled: bool,
}

#[derive(Debug)]
struct Line {
    name: String,
    label: String,
    sensitive: bool,
    cells: Vec<Cell>,
}

#[derive(Debug)]
struct Cell {
    role: String,
    /// `allow`, `deny` or nothing: what the role is told by name, which is what an edit changes.
    own: &'static str,
    state: &'static str,
    why: String,
    /// For those who hear the page.
    spoken: String,
}

#[derive(Template)]
#[template(path = "office/matrix.html")]
struct MatrixPage {
    chrome: Chrome,
    columns: Vec<Column>,
    groups: Vec<Group<Line>>,
    /// Every role, those that are shown ticked.
    roles: Vec<Choice>,
    roles_max: usize,
    permissions: Vec<Choice>,
    may_change: bool,
}

/// `GET /admin/matrix`
pub(crate) async fn page(desk: Desk, RawQuery(query): RawQuery) -> PageResult {
    show(&desk, query.as_deref().unwrap_or_default()).await
}

/// The matrix of the roles that a query names; of the first ones, if it names none.
pub(crate) async fn show(desk: &Desk, query: &str) -> PageResult {
    desk.must(perm::ROLE_VIEW)?;
    let wanted = Fields::parse(query.as_bytes()).all("role");
    let labels = Labels::of(desk).await?;
    let (powers, names) = (Powers::of(desk.rows()), desk.policy.permissions());
    let shown = desk.rows().roles.iter();
    let shown =
        shown.filter(|(role, _)| wanted.is_empty() || wanted.iter().any(|name| name == role.as_str()));
    let shown: Vec<_> = shown.take(ROLES_MAX).collect();
    let table: Vec<_> = shown.iter().map(|(role, _)| (*role, powers.row(role, &names))).collect();
    let column = |(role, row): &(&RoleName, &rbac::RoleRow)| Column {
        name: role.to_string(),
        label: labels.role(role),
        enabled: row.enabled,
    };
    let roles = labels.roles("").into_iter();
    let ticked = |code: &str| shown.iter().any(|(role, _)| role.as_str() == code);
    render(&MatrixPage {
        chrome: desk.chrome("matrix"),
        columns: shown.iter().map(column).collect(),
        groups: groups(desk, &labels, &table, &names),
        roles: roles.map(|choice| Choice { chosen: ticked(&choice.code), ..choice }).collect(),
        roles_max: ROLES_MAX,
        permissions: labels.permissions(&names, ""),
        may_change: desk.visitor.may(perm::ROLE_EDIT),
    })
}

fn groups(
    desk: &Desk,
    labels: &Labels<'_>,
    table: &[(&RoleName, Vec<Power>)],
    names: &[PermissionName],
) -> Vec<Group<Line>> {
    let lines = names.iter().enumerate().map(|(at, name)| {
        let cells =
            table.iter().filter_map(|(role, powers)| Some(cell(desk, labels, role, name, powers.get(at)?)));
        let line = Line {
            name: name.to_string(),
            label: labels.permission(name),
            sensitive: perm::entry(name.as_str()).is_some_and(|entry| entry.sensitive),
            cells: cells.collect(),
        };
        (name, line)
    });
    grouped(lines, desk.visitor.look.lang)
}

fn cell(desk: &Desk, labels: &Labels<'_>, role: &RoleName, name: &PermissionName, power: &Power) -> Cell {
    let why = why(desk, labels, power);
    Cell {
        role: role.to_string(),
        own: power.own.map_or("", Effect::as_str),
        state: power.state.as_str(),
        spoken: format!("{}, {}: {why}", labels.role(role), labels.permission(name)),
        why,
    }
}
