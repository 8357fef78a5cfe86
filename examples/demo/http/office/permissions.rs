//! The tree of permissions, module by module, and the rooms of the menu that each opens.

use askama::Template;
use rbac::PermissionName;
use serde::Serialize;

use super::desk::Desk;
use super::grouped::{Group, grouped};
use super::labels::Labels;
use super::powers::Powers;
use super::rooms::WINGS;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::{PageResult, Problem};
use crate::perm;

/// A permission as the tree shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PermissionLine {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) sensitive: bool,
    /// Declared in code, or registered by a row.
    pub(crate) declared: bool,
    /// The roles that give it.
    pub(crate) roles: Vec<String>,
    /// How many users hold it now.
    pub(crate) users: usize,
    #[serde(skip)]
    pub(crate) doors: Vec<&'static str>,
}

/// Every permission in its group.
pub(crate) async fn list(desk: &Desk) -> Result<Vec<Group<PermissionLine>>, Problem> {
    desk.must(perm::ROLE_VIEW)?;
    let labels = Labels::of(desk).await?;
    let names = desk.policy.permissions();
    let powers = Powers::of(desk.rows());
    let table: Vec<_> = desk.rows().roles.keys().map(|role| (role, powers.row(role, &names))).collect();
    let lines = names.iter().enumerate().map(|(at, name)| {
        let gives = table.iter().filter(|(_, row)| row.get(at).is_some_and(|power| power.state.allows()));
        let line = PermissionLine {
            name: name.to_string(),
            label: labels.permission(name),
            sensitive: perm::entry(name.as_str()).is_some_and(|entry| entry.sensitive),
            declared: perm::entry(name.as_str()).is_some(),
            roles: gives.map(|(role, _)| labels.role(role)).collect(),
            users: desk.policy.permission(name).map_or(0, |id| desk.view().who_can(id).len()),
            doors: doors(desk, name),
        };
        (name, line)
    });
    Ok(grouped(lines, desk.visitor.look.lang))
}

/// The rooms that a permission opens.
fn doors(desk: &Desk, name: &PermissionName) -> Vec<&'static str> {
    let rooms = WINGS.iter().flat_map(|wing| wing.rooms);
    rooms.filter(|room| room.permission.name() == name.as_str()).map(|room| (room.name)(desk.t)).collect()
}

#[derive(Template)]
#[template(path = "office/permissions.html")]
struct PermissionsPage {
    chrome: Chrome,
    groups: Vec<Group<PermissionLine>>,
    may_change: bool,
    may_ask: bool,
}

/// `GET /admin/permissions`
pub(crate) async fn page(desk: Desk) -> PageResult {
    show(&desk).await
}

/// The page.
pub(crate) async fn show(desk: &Desk) -> PageResult {
    let groups = list(desk).await?;
    let (may_change, may_ask) = (desk.visitor.may(perm::PERMISSION_EDIT), desk.visitor.may(perm::USER_VIEW));
    render(&PermissionsPage { chrome: desk.chrome("permissions"), groups, may_change, may_ask })
}
