//! The page of one role: what it may do and why, what it inherits, who has it, which rows it opens.

use askama::Template;
use axum::extract::Path;
use rbac::{DataScope, PermissionName, RoleName};

use super::desk::Desk;
use super::grouped::{Group, grouped};
use super::labels::{Branch, Choice, Labels};
use super::powers::{Power, Powers, State};
use super::roles::{RoleLine, line, scope_code};
use super::text::with;
use crate::http::chrome::{Chrome, initial, page as render};
use crate::http::problem::{PageResult, Problem};
use crate::perm;

/// Another role, as a link.
#[derive(Debug)]
struct RoleRef {
    name: String,
    label: String,
}

/// A user who has the role.
#[derive(Debug)]
struct Member {
    id: String,
    name: String,
    initial: String,
    note: String,
    holds: bool,
}

/// A department to tick.
#[derive(Debug)]
struct ScopeBranch {
    id: String,
    words: String,
    depth: usize,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "office/role.html")]
struct RolePage {
    chrome: Chrome,
    role: RoleLine,
    juniors: Vec<RoleRef>,
    seniors: Vec<RoleRef>,
    /// Roles that it may be made to inherit; a circle is refused when it is tried.
    others: Vec<Choice>,
    members: Vec<Member>,
    scopes: Vec<Choice>,
    branches: Vec<ScopeBranch>,
    groups: Vec<Group<PowerLine>>,
    known: Vec<Choice>,
    duties: Vec<String>,
    may_change: bool,
}

/// A permission of the role, and why.
#[derive(Debug)]
pub(crate) struct PowerLine {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) sensitive: bool,
    pub(crate) state: &'static str,
    pub(crate) why: String,
}

/// `GET /admin/roles/{role}`
pub(crate) async fn page(desk: Desk, Path(role): Path<String>) -> PageResult {
    show(&desk, &role).await
}

/// The page of one role.
pub(crate) async fn show(desk: &Desk, name: &str) -> PageResult {
    desk.must(perm::ROLE_VIEW)?;
    let found = desk.rows().roles.get_key_value(name);
    let (role, row) = found.ok_or_else(Problem::not_found)?;
    let labels = Labels::of(desk).await?;
    let (powers, names) = (Powers::of(desk.rows()), desk.policy.permissions());
    let link = |role: &RoleName| RoleRef { name: role.to_string(), label: labels.role(role) };
    let edges = &desk.rows().inheritance;
    let juniors: Vec<_> =
        edges.iter().filter(|edge| edge.senior == *role).map(|edge| link(&edge.junior)).collect();
    let others = labels.roles("").into_iter();
    let others = others
        .filter(|choice| choice.code != name && !juniors.iter().any(|junior| junior.name == choice.code));
    let duties = desk.rows().duties.iter().filter(|(_, duty)| duty.roles.contains(role));
    render(&RolePage {
        chrome: desk.chrome("roles"),
        role: line(desk, &labels, &powers, &names, role),
        others: others.collect(),
        seniors: edges.iter().filter(|edge| edge.junior == *role).map(|edge| link(&edge.senior)).collect(),
        members: members_of(desk, &labels, role),
        scopes: scopes(desk, &row.data_scope),
        branches: branches(&labels, &row.data_scope),
        groups: power_groups(desk, &labels, &powers.row(role, &names), &names),
        known: labels.permissions(&names, ""),
        duties: duties.map(|(name, _)| name.to_string()).collect(),
        may_change: desk.visitor.may(perm::ROLE_EDIT),
        juniors,
    })
}

fn members_of(desk: &Desk, labels: &Labels<'_>, role: &RoleName) -> Vec<Member> {
    let reach = desk.reach();
    let own = desk.rows().assignments.iter().filter(|(assignment, _)| assignment.role == *role);
    own.filter(|(assignment, _)| reach.sees(&assignment.user))
        .map(|(assignment, window)| {
            let name = labels.user(&assignment.user);
            Member {
                id: assignment.user.to_string(),
                initial: initial(&name),
                name,
                note: labels.place_and_time(assignment.domain.as_ref(), *window),
                holds: window.holds(desk.visitor.now),
            }
        })
        .collect()
}

fn scopes(desk: &Desk, now: &DataScope) -> Vec<Choice> {
    let t = desk.t;
    let all = [
        ("nothing", t.scope_nothing),
        ("own", t.scope_own),
        ("department", t.scope_department),
        ("below", t.scope_below),
        ("departments", t.scope_departments),
        ("all", t.scope_all),
    ];
    let choice = |(code, words): (&str, &str)| Choice {
        code: code.to_owned(),
        words: words.to_owned(),
        chosen: scope_code(now) == code,
    };
    all.into_iter().map(choice).collect()
}

fn branches(labels: &Labels<'_>, now: &DataScope) -> Vec<ScopeBranch> {
    let chosen = |id| matches!(now, DataScope::Departments(set) if set.contains(&id));
    let branch = |branch: &Branch| ScopeBranch {
        id: branch.id.to_string(),
        words: labels.department(branch.id),
        depth: branch.depth,
        chosen: chosen(branch.id),
    };
    labels.tree().iter().map(branch).collect()
}

fn power_groups(
    desk: &Desk,
    labels: &Labels<'_>,
    powers: &[Power],
    names: &[PermissionName],
) -> Vec<Group<PowerLine>> {
    let lines = names.iter().zip(powers).map(|(name, power)| {
        let line = PowerLine {
            name: name.to_string(),
            label: labels.permission(name),
            sensitive: perm::entry(name.as_str()).is_some_and(|entry| entry.sensitive),
            state: power.state.as_str(),
            why: why(desk, labels, power),
        };
        (name, line)
    });
    grouped(lines, desk.visitor.look.lang)
}

/// Where a power of a role comes from, in words.
pub(crate) fn why(desk: &Desk, labels: &Labels<'_>, power: &Power) -> String {
    let t = desk.t;
    let Some(by) = &power.by else { return t.power_nothing.to_owned() };
    let from = by.path.last().map(|role| labels.role(role)).unwrap_or_default();
    let inherited = by.path.len() > 1;
    let pattern = by.pattern.as_str();
    match power.state {
        State::Nothing => t.power_nothing.to_owned(),
        State::Direct => t.power_direct.to_owned(),
        State::Wildcard => with(t.power_wildcard, pattern),
        State::Inherited => with(&with(t.power_inherited, from), pattern),
        State::Denied if inherited => with(&with(t.power_denied_by, from), pattern),
        State::Denied => with(t.power_denied, pattern),
    }
}
