//! The list of roles: what each says, inherits, gives and opens, and how many have it.

use askama::Template;
use rbac::{DataScope, Effect, PermissionName, RoleName};
use serde::Serialize;

use super::desk::Desk;
use super::labels::Labels;
use super::powers::Powers;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::{PageResult, Problem};
use crate::perm;

/// A role as lists show it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RoleLine {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) enabled: bool,
    pub(crate) inherits: Vec<String>,
    /// What is granted or denied to the role itself.
    pub(crate) grants: Vec<GrantLine>,
    /// How many permissions it gives in all.
    pub(crate) permissions: usize,
    /// How many users are assigned it.
    pub(crate) users: usize,
    #[serde(skip)]
    pub(crate) scope: String,
    pub(crate) data_scope: &'static str,
}

/// A grant of a role.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct GrantLine {
    pub(crate) pattern: String,
    pub(crate) mode: &'static str,
    pub(crate) effect: &'static str,
    /// How many permissions it matches.
    pub(crate) matches: usize,
    #[serde(skip)]
    pub(crate) label: String,
}

/// Every role.
pub(crate) async fn list(desk: &Desk) -> Result<Vec<RoleLine>, Problem> {
    desk.must(perm::ROLE_VIEW)?;
    let labels = Labels::of(desk).await?;
    let (powers, names) = (Powers::of(desk.rows()), desk.policy.permissions());
    Ok(desk.rows().roles.keys().map(|role| line(desk, &labels, &powers, &names, role)).collect())
}

/// One role as lists show it.
pub(crate) fn line<'a>(
    desk: &'a Desk,
    labels: &Labels<'_>,
    powers: &Powers<'a>,
    names: &[PermissionName],
    role: &'a RoleName,
) -> RoleLine {
    let rows = desk.rows();
    let row = rows.roles.get(role);
    let scope = row.map(|row| row.data_scope.clone()).unwrap_or_default();
    let juniors = rows.inheritance.iter().filter(|edge| edge.senior == *role);
    RoleLine {
        name: role.to_string(),
        label: labels.role(role),
        enabled: row.is_some_and(|row| row.enabled),
        inherits: juniors.map(|edge| edge.junior.to_string()).collect(),
        grants: grants(desk, labels, names, role),
        permissions: powers.row(role, names).iter().filter(|power| power.state.allows()).count(),
        users: members(desk, role).len(),
        scope: labels.data_scope(&scope),
        data_scope: scope_code(&scope),
    }
}

fn grants(desk: &Desk, labels: &Labels<'_>, names: &[PermissionName], role: &RoleName) -> Vec<GrantLine> {
    let own = desk.rows().grants.iter().filter(|(grant, _)| grant.role == *role);
    let line = |(grant, effect): (&rbac::Grant, &Effect)| GrantLine {
        pattern: grant.pattern.as_str().to_owned(),
        mode: grant.pattern.mode().as_str(),
        effect: effect.as_str(),
        matches: names.iter().filter(|name| grant.pattern.matches(name)).count(),
        label: grant.pattern.exact().map(|name| labels.permission(&name)).unwrap_or_default(),
    };
    own.map(line).collect()
}

/// The users who are assigned a role and whom the visitor may see, each once.
fn members<'a>(desk: &'a Desk, role: &RoleName) -> Vec<&'a rbac::UserId> {
    let reach = desk.reach();
    let assigned = desk.rows().assignments.keys().filter(|assignment| assignment.role == *role);
    let mut users: Vec<_> =
        assigned.map(|assignment| &assignment.user).filter(|user| reach.sees(user)).collect();
    users.dedup();
    users
}

/// A data scope as forms and the API name it.
pub(crate) const fn scope_code(scope: &DataScope) -> &'static str {
    match scope {
        DataScope::Nothing => "nothing",
        DataScope::Own => "own",
        DataScope::OwnDepartment => "department",
        DataScope::OwnDepartmentAndBelow => "below",
        DataScope::Departments(_) => "departments",
        DataScope::All => "all",
    }
}

#[derive(Template)]
#[template(path = "office/roles.html")]
struct RolesPage {
    chrome: Chrome,
    roles: Vec<RoleLine>,
    may_change: bool,
}

/// `GET /admin/roles`
pub(crate) async fn page(desk: Desk) -> PageResult {
    show(&desk).await
}

/// The list.
pub(crate) async fn show(desk: &Desk) -> PageResult {
    let roles = list(desk).await?;
    render(&RolesPage { chrome: desk.chrome("roles"), roles, may_change: desk.visitor.may(perm::ROLE_EDIT) })
}
