//! The departments of some rows as a tree: what a data scope comes to for somebody of a department.

use std::collections::BTreeSet;

use crate::name::DepartmentId;
use crate::policy::Departments;
use crate::rows::PolicyRows;
use crate::scope::{DataScope, Scope};

/// Who belongs to whom. Departments of a circle stand at the top, as in a [`Policy`](crate::Policy).
#[derive(Debug)]
pub(super) struct Tree<'a> {
    rows: &'a PolicyRows,
    departments: Departments,
}

impl<'a> Tree<'a> {
    pub(super) fn new(rows: &'a PolicyRows) -> Self {
        // What is wrong with the rows is for their policy to tell.
        Self { rows, departments: Departments::new(rows, &mut Vec::new()) }
    }

    pub(super) fn contains(&self, department: DepartmentId) -> bool {
        self.rows.departments.contains_key(&department)
    }

    /// All departments above it.
    pub(super) fn above(&self, department: DepartmentId) -> BTreeSet<DepartmentId> {
        let parent = |department| self.rows.departments.get(&department).and_then(|row| row.parent);
        let mut met = BTreeSet::new();
        let mut next = parent(department);
        while let Some(above) = next.filter(|&above| met.insert(above)) {
            next = parent(above);
        }
        met.retain(|&above| self.departments.with_below(above).contains(&department));
        met
    }

    /// The rows that a role opens to somebody of a department.
    pub(super) fn resolve(&self, opened: &DataScope, home: Option<DepartmentId>) -> Scope {
        let mut scope = Scope::default();
        let home = home.filter(|&home| self.contains(home));
        match opened {
            DataScope::Nothing => {}
            DataScope::Own => scope.own = true,
            DataScope::OwnDepartment => scope.departments.extend(home),
            DataScope::OwnDepartmentAndBelow => {
                let below = home.into_iter().flat_map(|home| self.departments.with_below(home));
                scope.departments.extend(below);
            }
            DataScope::Departments(departments) => {
                scope.departments.extend(departments.iter().filter(|&&id| self.contains(id)));
            }
            DataScope::All => scope.all = true,
        }
        scope
    }
}
