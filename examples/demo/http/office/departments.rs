//! The departments as a tree, with who works where and which roles name them.

use askama::Template;
use rbac::DataScope;

use super::desk::Desk;
use super::labels::{Choice, Labels};
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::PageResult;
use crate::perm;

#[derive(Debug)]
struct DepartmentLine {
    id: String,
    label: String,
    depth: usize,
    /// Users in it, without those below it.
    users: usize,
    /// Roles whose data scope names it.
    roles: Vec<String>,
    parents: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "office/departments.html")]
struct DepartmentsPage {
    chrome: Chrome,
    departments: Vec<DepartmentLine>,
    all: Vec<Choice>,
    may_change: bool,
}

/// `GET /admin/departments`
pub(crate) async fn page(desk: Desk) -> PageResult {
    show(&desk).await
}

/// The page.
pub(crate) async fn show(desk: &Desk) -> PageResult {
    desk.must(perm::USER_VIEW)?;
    let labels = Labels::of(desk).await?;
    let rows = desk.rows();
    let line = |branch: &super::labels::Branch| {
        let parent = rows.departments.get(&branch.id).and_then(|row| row.parent);
        let names =
            |scope: &DataScope| matches!(scope, DataScope::Departments(set) if set.contains(&branch.id));
        let naming = rows.roles.iter().filter(|(_, row)| names(&row.data_scope));
        let parents = labels.departments(parent).into_iter();
        DepartmentLine {
            id: branch.id.to_string(),
            label: labels.department(branch.id),
            depth: branch.depth,
            users: rows.users.values().filter(|user| user.department == Some(branch.id)).count(),
            roles: naming.map(|(role, _)| labels.role(role)).collect(),
            parents: parents.filter(|choice| choice.code != branch.id.to_string()).collect(),
        }
    };
    render(&DepartmentsPage {
        chrome: desk.chrome("departments"),
        departments: labels.tree().iter().map(line).collect(),
        all: labels.departments(None),
        may_change: desk.visitor.may(perm::DEPARTMENT_EDIT),
    })
}
