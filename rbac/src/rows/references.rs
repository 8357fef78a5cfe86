//! Who refers to a role, a domain, a permission or a department: the rows turned round.
//!
//! Each direction is built when it is first asked for, in one pass, and kept true from then on. So thousands of changes
//! in one draft do not read all rows thousands of times.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use super::{Assignment, Grant, Inheritance, PolicyRows};
use crate::name::{DepartmentId, DomainName, PermissionName, RoleName};
use crate::scope::DataScope;

/// The directions that were asked for so far.
#[derive(Debug, Default)]
pub(crate) struct References {
    assignments: Option<Assignments>,
    seniors: Option<Sets<RoleName, RoleName>>,
    exact: Option<Sets<PermissionName, Grant>>,
    departments: Option<HashMap<DepartmentId, usize>>,
}

#[derive(Debug, Default)]
struct Assignments {
    of_role: Sets<RoleName, Assignment>,
    in_domain: Sets<DomainName, Assignment>,
}

impl Assignments {
    fn add(&mut self, row: &Assignment) {
        self.of_role.add(&row.role, row.clone());
        if let Some(domain) = &row.domain {
            self.in_domain.add(domain, row.clone());
        }
    }

    fn take(&mut self, row: &Assignment) {
        self.of_role.take(&row.role, row);
        if let Some(domain) = &row.domain {
            self.in_domain.take(domain, row);
        }
    }
}

/// Sets under keys.
#[derive(Debug)]
struct Sets<K, V>(HashMap<K, BTreeSet<V>>);

impl<K, V> Default for Sets<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash, V: Clone + Ord> Sets<K, V> {
    fn add(&mut self, key: &K, value: V) {
        match self.0.get_mut(key) {
            Some(set) => {
                set.insert(value);
            }
            None => {
                self.0.insert(key.clone(), BTreeSet::from([value]));
            }
        }
    }

    fn take(&mut self, key: &K, value: &V) {
        if let Some(set) = self.0.get_mut(key) {
            set.remove(value);
        }
    }

    fn list(&self, key: &K) -> Vec<V> {
        self.0.get(key).into_iter().flatten().cloned().collect()
    }
}

/// What is asked.
impl References {
    /// The assignments of a role.
    pub(super) fn of_role(&mut self, rows: &PolicyRows, role: &RoleName) -> Vec<Assignment> {
        self.assignments(rows).of_role.list(role)
    }

    /// The assignments in a domain.
    pub(super) fn in_domain(&mut self, rows: &PolicyRows, domain: &DomainName) -> Vec<Assignment> {
        self.assignments(rows).in_domain.list(domain)
    }

    /// The roles that inherit a role.
    pub(super) fn seniors(&mut self, rows: &PolicyRows, role: &RoleName) -> Vec<RoleName> {
        let build = || {
            let mut sets = Sets::default();
            rows.inheritance.iter().for_each(|row| sets.add(&row.junior, row.senior.clone()));
            sets
        };
        self.seniors.get_or_insert_with(build).list(role)
    }

    /// The grants that name a permission and nothing else.
    pub(super) fn naming(&mut self, rows: &PolicyRows, permission: &PermissionName) -> Vec<Grant> {
        let build = || {
            let mut sets = Sets::default();
            for row in rows.grants.keys() {
                row.pattern.exact().into_iter().for_each(|name| sets.add(&name, row.clone()));
            }
            sets
        };
        self.exact.get_or_insert_with(build).list(permission)
    }

    /// How many users, departments and data scopes name a department.
    pub(super) fn uses(&mut self, rows: &PolicyRows, department: DepartmentId) -> usize {
        let build = || {
            let mut counts = HashMap::new();
            let of_users = rows.users.values().filter_map(|row| row.department);
            let of_departments = rows.departments.values().filter_map(|row| row.parent);
            let of_roles = rows.roles.values().flat_map(|row| named(&row.data_scope));
            for department in of_users.chain(of_departments).chain(of_roles) {
                *counts.entry(department).or_default() += 1;
            }
            counts
        };
        self.departments.get_or_insert_with(build).get(&department).copied().unwrap_or_default()
    }

    fn assignments(&mut self, rows: &PolicyRows) -> &mut Assignments {
        self.assignments.get_or_insert_with(|| {
            let mut index = Assignments::default();
            rows.assignments.keys().for_each(|row| index.add(row));
            index
        })
    }
}

/// What is told, so that it stays true. A direction that nobody asked for yet needs no telling.
impl References {
    pub(super) fn assigned(&mut self, row: &Assignment) {
        self.assignments.iter_mut().for_each(|index| index.add(row));
    }

    pub(super) fn unassigned(&mut self, row: &Assignment) {
        self.assignments.iter_mut().for_each(|index| index.take(row));
    }

    pub(super) fn inherited(&mut self, row: &Inheritance) {
        self.seniors.iter_mut().for_each(|sets| sets.add(&row.junior, row.senior.clone()));
    }

    pub(super) fn disinherited(&mut self, row: &Inheritance) {
        self.seniors.iter_mut().for_each(|sets| sets.take(&row.junior, &row.senior));
    }

    pub(super) fn granted(&mut self, row: &Grant) {
        if let (Some(sets), Some(name)) = (&mut self.exact, row.pattern.exact()) {
            sets.add(&name, row.clone());
        }
    }

    pub(super) fn revoked(&mut self, row: &Grant) {
        if let (Some(sets), Some(name)) = (&mut self.exact, row.pattern.exact()) {
            sets.take(&name, row);
        }
    }

    /// Somebody or something belongs to a department from now on.
    pub(super) fn enter(&mut self, department: Option<DepartmentId>) {
        if let (Some(counts), Some(department)) = (&mut self.departments, department) {
            *counts.entry(department).or_default() += 1;
        }
    }

    /// Somebody or something does not belong to a department any more.
    pub(super) fn leave(&mut self, department: Option<DepartmentId>) {
        if let (Some(counts), Some(department)) = (&mut self.departments, department) {
            counts.entry(department).and_modify(|count| *count = count.saturating_sub(1));
        }
    }

    /// A role opens the rows of these departments from now on.
    pub(super) fn open(&mut self, scope: &DataScope) {
        named(scope).for_each(|department| self.enter(Some(department)));
    }

    /// A role does not open the rows of these departments any more.
    pub(super) fn close(&mut self, scope: &DataScope) {
        named(scope).for_each(|department| self.leave(Some(department)));
    }

    /// Nothing names the department any more.
    pub(super) fn forget_department(&mut self, department: DepartmentId) {
        self.departments.iter_mut().for_each(|counts| {
            counts.remove(&department);
        });
    }
}

fn named(scope: &DataScope) -> impl Iterator<Item = DepartmentId> + '_ {
    let departments = match scope {
        DataScope::Departments(departments) => Some(departments),
        _ => None,
    };
    departments.into_iter().flatten().copied()
}
