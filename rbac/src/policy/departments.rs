//! The tree of departments, laid out so that a department and all below it stand in a row.

use std::collections::BTreeMap;

use super::lists::{index, place};
use super::problem::Problem;
use crate::name::DepartmentId;
use crate::rows::PolicyRows;

/// Departments, parents before children.
#[derive(Debug, Default)]
pub(crate) struct Departments {
    /// Each department directly before all those below it.
    row: Vec<DepartmentId>,
    /// Where each stands in the row, and where those below it end.
    spans: BTreeMap<DepartmentId, (u32, u32)>,
}

impl Departments {
    /// Links to parents that do not exist, and those of departments that belong to each other, are left out: such
    /// departments stand at the top.
    pub(crate) fn new(rows: &PolicyRows, problems: &mut Vec<Problem>) -> Self {
        let mut parents: BTreeMap<DepartmentId, Option<DepartmentId>> = BTreeMap::new();
        for (&department, row) in &rows.departments {
            let known = row.parent.filter(|parent| rows.departments.contains_key(parent));
            if let (Some(parent), None) = (row.parent, known) {
                problems.push(Problem::DepartmentParentUnknown { department, parent });
            }
            parents.insert(department, known);
        }
        for circle in circles(&parents) {
            circle.iter().for_each(|department| {
                parents.insert(*department, None);
            });
            problems.push(Problem::DepartmentCircle { departments: circle });
        }
        Self::laid_out(&parents)
    }

    fn laid_out(parents: &BTreeMap<DepartmentId, Option<DepartmentId>>) -> Self {
        let mut children: BTreeMap<Option<DepartmentId>, Vec<DepartmentId>> = BTreeMap::new();
        for (&department, &parent) in parents {
            children.entry(parent).or_default().push(department);
        }
        let mut tree = Self::default();
        // What is still to do: a department to enter, or one whose children are all in the row.
        let mut open: Vec<(DepartmentId, bool)> = Vec::new();
        let enter = |of: Option<DepartmentId>, open: &mut Vec<(DepartmentId, bool)>| {
            open.extend(children.get(&of).into_iter().flatten().rev().map(|&child| (child, false)));
        };
        enter(None, &mut open);
        while let Some((department, left)) = open.pop() {
            let here = index(tree.row.len());
            if left {
                tree.spans.entry(department).and_modify(|span| span.1 = here);
                continue;
            }
            tree.spans.insert(department, (here, here));
            tree.row.push(department);
            open.push((department, true));
            enter(Some(department), &mut open);
        }
        tree
    }

    /// The department and all below it; nothing if there is no such department.
    pub(crate) fn with_below(&self, department: DepartmentId) -> &[DepartmentId] {
        let span = self.spans.get(&department).copied();
        span.and_then(|(from, to)| self.row.get(place(from)..place(to))).unwrap_or_default()
    }
}

/// All circles of parents, each from its lowest department upwards.
fn circles(parents: &BTreeMap<DepartmentId, Option<DepartmentId>>) -> Vec<Vec<DepartmentId>> {
    let mut walked_from: BTreeMap<DepartmentId, DepartmentId> = BTreeMap::new();
    let mut circles: Vec<Vec<DepartmentId>> = Vec::new();
    for &start in parents.keys() {
        let mut walk = Vec::new();
        let mut next = Some(start);
        while let Some(department) = next {
            if let Some(&before) = walked_from.get(&department) {
                if before == start {
                    circles.push(walk.into_iter().skip_while(|met| *met != department).collect());
                }
                break;
            }
            walked_from.insert(department, start);
            walk.push(department);
            next = parents.get(&department).copied().flatten();
        }
    }
    for circle in &mut circles {
        turn(circle);
    }
    circles
}

/// Turns a circle so that its lowest department is the first.
fn turn(circle: &mut [DepartmentId]) {
    let lowest = circle.iter().enumerate().min_by_key(|(_, department)| **department);
    if let Some(at) = lowest.map(|(at, _)| at) {
        circle.rotate_left(at);
    }
}

#[cfg(test)]
mod tests {
    use super::{Departments, circles};
    use crate::name::DepartmentId;

    fn parents(links: &[(i64, i64)]) -> std::collections::BTreeMap<DepartmentId, Option<DepartmentId>> {
        let parent = |up: i64| (up != 0).then_some(DepartmentId::new(up));
        links.iter().map(|&(of, up)| (DepartmentId::new(of), parent(up))).collect()
    }

    #[test]
    fn all_below_stand_in_a_row() {
        let tree = Departments::laid_out(&parents(&[(1, 0), (2, 1), (3, 1), (4, 2), (5, 0), (6, 3)]));
        let below = |of| tree.with_below(DepartmentId::new(of)).iter().map(|it| it.get()).collect::<Vec<_>>();
        assert_eq!(below(1), [1, 2, 4, 3, 6]);
        assert_eq!((below(2), below(3), below(5)), (vec![2, 4], vec![3, 6], vec![5]));
        assert!(below(9).is_empty());
    }

    #[test]
    fn each_circle_is_found_once_without_the_ways_to_it() {
        let found = circles(&parents(&[(1, 3), (2, 1), (3, 2), (4, 1), (5, 5), (6, 0), (7, 8), (8, 7)]));
        let found: Vec<Vec<i64>> = found.iter().map(|it| it.iter().map(|id| id.get()).collect()).collect();
        assert_eq!(found, [vec![1, 3, 2], vec![5], vec![7, 8]]);
    }
}
