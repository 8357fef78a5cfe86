//! What people see instead of names: of users, roles, departments, permissions, windows and scopes, in one language.

use std::collections::{BTreeMap, BTreeSet};

use rbac::{
    DataScope, DepartmentId, DomainName, Entry, PermissionName, PolicyRows, RoleName, Scope, UserId, Window,
};

use super::desk::Desk;
use super::reach::Reach;
use super::text::{Text, with};
use crate::clock;
use crate::http::problem::Problem;
use crate::perm;

/// A line of a select.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) code: String,
    pub(crate) words: String,
    pub(crate) chosen: bool,
}

/// A department in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Branch {
    pub(crate) id: DepartmentId,
    pub(crate) depth: usize,
}

/// The labels of one policy in one language.
#[derive(Debug)]
pub(crate) struct Labels<'a> {
    rows: &'a PolicyRows,
    /// Whose names are told; everybody's without it.
    sight: Option<Reach<'a>>,
    logins: BTreeMap<String, String>,
    tree: Vec<Branch>,
    t: &'static Text,
    lang: rbac::Lang,
}

impl<'a> Labels<'a> {
    /// The labels of a desk's policy.
    pub(crate) async fn of(desk: &'a Desk) -> Result<Self, Problem> {
        let accounts = desk.app.school.accounts().await?;
        let logins = accounts.into_iter().map(|account| (account.id, account.login)).collect();
        let (rows, t, lang) = (desk.rows(), desk.t, desk.visitor.look.lang);
        Ok(Self { rows, sight: None, logins, tree: tree(rows), t, lang })
    }

    /// The same without the names of users whom the visitor may not see: for changes that the visitor thinks up, who
    /// could name anybody in them.
    pub(crate) fn in_sight(self, desk: &'a Desk) -> Self {
        Self { sight: Some(desk.reach()), ..self }
    }

    /// The name somebody signs in with; empty if they cannot.
    pub(crate) fn login(&self, user: &UserId) -> &str {
        self.logins.get(user.as_str()).map_or("", String::as_str)
    }

    /// A user's name, or the id of one that is gone or out of sight.
    pub(crate) fn user(&self, user: &UserId) -> String {
        let told = self.sight.as_ref().is_none_or(|reach| reach.sees(user));
        let row = self.rows.users.get(user).filter(|_| told);
        named(row.map(|row| row.label.as_str()), user.as_str())
    }

    /// A role's label, or its name without one.
    pub(crate) fn role(&self, role: &RoleName) -> String {
        named(self.rows.roles.get(role).map(|row| row.label.as_str()), role.as_str())
    }

    /// A department's label, or its number without one.
    pub(crate) fn department(&self, department: DepartmentId) -> String {
        let number = department.to_string();
        named(self.rows.departments.get(&department).map(|row| row.label.as_str()), &number)
    }

    /// A domain's label, or its name without one.
    pub(crate) fn domain(&self, domain: &DomainName) -> String {
        named(self.rows.domains.get(domain).map(|row| row.label.as_str()), domain.as_str())
    }

    /// A permission's label: of the catalogue, or of its row.
    pub(crate) fn permission(&self, name: &PermissionName) -> String {
        match perm::entry(name.as_str()) {
            Some(Entry { label, .. }) => label.in_lang(self.lang).to_owned(),
            None => named(self.rows.permissions.get(name).map(|row| row.label.as_str()), name.as_str()),
        }
    }

    /// Every department, each below its parent. What hangs in a circle is not among them.
    pub(crate) fn tree(&self) -> &[Branch] {
        &self.tree
    }

    /// Every role, for a select.
    pub(crate) fn roles(&self, chosen: &str) -> Vec<Choice> {
        let line = |role: &RoleName| Choice {
            code: role.to_string(),
            words: self.role(role),
            chosen: role.as_str() == chosen,
        };
        self.rows.roles.keys().map(line).collect()
    }

    /// Every department, for a select.
    pub(crate) fn departments(&self, chosen: Option<DepartmentId>) -> Vec<Choice> {
        let line = |branch: &Branch| Choice {
            code: branch.id.to_string(),
            words: format!("{}{}", "\u{3000}".repeat(branch.depth), self.department(branch.id)),
            chosen: chosen == Some(branch.id),
        };
        self.tree.iter().map(line).collect()
    }

    /// Every domain, for a select.
    pub(crate) fn domains(&self, chosen: &str) -> Vec<Choice> {
        let line = |domain: &DomainName| Choice {
            code: domain.to_string(),
            words: self.domain(domain),
            chosen: domain.as_str() == chosen,
        };
        self.rows.domains.keys().map(line).collect()
    }

    /// Every permission that the policy knows, for a select.
    pub(crate) fn permissions(&self, names: &[PermissionName], chosen: &str) -> Vec<Choice> {
        let line = |name: &PermissionName| Choice {
            code: name.to_string(),
            words: self.permission(name),
            chosen: name.as_str() == chosen,
        };
        names.iter().map(line).collect()
    }

    /// Where and when an assignment holds; empty for everywhere and always.
    pub(crate) fn place_and_time(&self, domain: Option<&DomainName>, window: Window) -> String {
        let place = domain.map(|domain| self.domain(domain));
        let from = window.not_before().map(|from| with(self.t.from_when, clock::day(from.get())));
        let until = window.not_after().map(|until| with(self.t.until_when, clock::day(until.get())));
        place.into_iter().chain(from).chain(until).collect::<Vec<_>>().join(" · ")
    }

    /// Which rows a role opens.
    pub(crate) fn data_scope(&self, scope: &DataScope) -> String {
        match scope {
            DataScope::Nothing => self.t.scope_nothing.to_owned(),
            DataScope::Own => self.t.scope_own.to_owned(),
            DataScope::OwnDepartment => self.t.scope_department.to_owned(),
            DataScope::OwnDepartmentAndBelow => self.t.scope_below.to_owned(),
            DataScope::All => self.t.scope_all.to_owned(),
            DataScope::Departments(set) => self.set(set),
        }
    }

    /// Which rows a user sees.
    pub(crate) fn scope(&self, scope: &Scope) -> String {
        let own = scope.own.then(|| self.t.scope_own.to_owned());
        let departments = (!scope.departments.is_empty()).then(|| self.set(&scope.departments));
        let parts: Vec<String> = departments.into_iter().chain(own).collect();
        match (scope.all, parts.is_empty()) {
            (true, _) => self.t.scope_all.to_owned(),
            (false, true) => self.t.scope_nothing.to_owned(),
            (false, false) => parts.join(self.t.comma),
        }
    }

    fn set(&self, departments: &BTreeSet<DepartmentId>) -> String {
        let names: Vec<String> = departments.iter().map(|&id| self.department(id)).collect();
        names.join(self.t.comma)
    }
}

fn named(label: Option<&str>, name: &str) -> String {
    label.filter(|label| !label.is_empty()).unwrap_or(name).to_owned()
}

/// The departments as a tree, each below its parent, siblings by number.
fn tree(rows: &PolicyRows) -> Vec<Branch> {
    let mut below: BTreeMap<Option<DepartmentId>, Vec<DepartmentId>> = BTreeMap::new();
    for (&id, row) in &rows.departments {
        // One whose parent is gone stands at the top.
        let parent = row.parent.filter(|parent| rows.departments.contains_key(parent));
        below.entry(parent).or_default().push(id);
    }
    let mut found = Vec::new();
    let mut open: Vec<Branch> = Vec::new();
    let push = |parent, depth, open: &mut Vec<Branch>| {
        let children = below.get(&parent).into_iter().flatten();
        open.extend(children.rev().map(|&id| Branch { id, depth }));
    };
    push(None, 0, &mut open);
    while let Some(branch) = open.pop() {
        found.push(branch);
        push(Some(branch.id), branch.depth + 1, &mut open);
    }
    found
}

#[cfg(test)]
mod tests {
    use rbac::DepartmentRow;

    use super::*;

    #[test]
    fn a_tree_stands_in_its_order_and_ends() {
        let id = DepartmentId::new;
        let mut rows = PolicyRows::default();
        // 8 and 9 belong to each other; 5 belongs to nothing that is there.
        for (number, parent) in
            [(1, None), (2, Some(1)), (3, Some(2)), (4, Some(1)), (5, Some(77)), (8, Some(9)), (9, Some(8))]
        {
            let row = DepartmentRow::new("".parse().unwrap(), parent.map(id));
            rows.departments.insert(id(number), row);
        }
        let seen: Vec<_> = tree(&rows).into_iter().map(|branch| (branch.id.get(), branch.depth)).collect();
        assert_eq!(seen, [(1, 0), (2, 1), (3, 2), (4, 1), (5, 0)]);
    }
}
