//! Circles that a change would close: the way that leads back, to show it.
//!
//! Nothing here recurses, and circles that stand in the rows already are walked only once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::name::{DepartmentId, RoleName};
use crate::rows::PolicyRows;

/// The circle that this inheritance would close: the senior role, the shortest way down from the junior, the senior.
pub(super) fn of_roles(rows: &PolicyRows, senior: &RoleName, junior: &RoleName) -> Option<Vec<RoleName>> {
    let mut came_from: BTreeMap<&RoleName, &RoleName> = BTreeMap::new();
    let mut met = BTreeSet::from([junior]);
    let mut open = VecDeque::from([junior]);
    while let Some(role) = open.pop_front() {
        if role == senior {
            return Some(way_back(&came_from, senior, role));
        }
        for next in rows.juniors_of(role).map(|row| &row.junior) {
            if met.insert(next) {
                came_from.insert(next, role);
                open.push_back(next);
            }
        }
    }
    None
}

fn way_back<'a>(
    came_from: &BTreeMap<&RoleName, &'a RoleName>,
    senior: &RoleName,
    mut role: &'a RoleName,
) -> Vec<RoleName> {
    let mut way = vec![role.clone()];
    while let Some(before) = came_from.get(role) {
        way.push(RoleName::clone(before));
        role = before;
    }
    way.push(senior.clone());
    way.reverse();
    way
}

/// The circle that this parent would close: the department, the way up from the parent, the department.
pub(super) fn of_departments(
    rows: &PolicyRows,
    department: DepartmentId,
    parent: DepartmentId,
) -> Option<Vec<DepartmentId>> {
    let mut way = vec![department];
    let mut met = BTreeSet::new();
    let mut next = Some(parent);
    while let Some(above) = next.filter(|&above| met.insert(above)) {
        way.push(above);
        if above == department {
            return Some(way);
        }
        next = rows.departments.get(&above).and_then(|row| row.parent);
    }
    None
}
