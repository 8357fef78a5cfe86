//! The roles as a drawing: who inherits whom, in layers, as SVG. Where everything stands is worked out beside it.

use std::collections::BTreeSet;

use askama::Template;
use rbac::{PolicyRows, RoleName};

use super::desk::Desk;
use super::labels::Labels;
use super::layout::{BOX_HEIGHT, BOX_WIDTH, Plan, plan};
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::PageResult;
use crate::perm;

/// The widest label, in letters of the width of a digit.
const LABEL_WIDTH_MAX: usize = 25;
/// Roles that one drawing holds; more would be a tangle.
const ROLES_MAX: usize = 200;

/// A role with its place.
#[derive(Debug)]
struct Node {
    name: String,
    label: String,
    enabled: bool,
    users: usize,
    x: i64,
    y: i64,
}

/// An inheritance: a curve from the lower edge of the senior role to the upper edge of the junior one.
#[derive(Debug)]
struct Edge {
    senior: String,
    junior: String,
    path: String,
}

#[derive(Template)]
#[template(path = "office/graph.html")]
struct GraphPage {
    chrome: Chrome,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    width: i64,
    height: i64,
    box_width: i64,
    box_height: i64,
    left_out: usize,
}

/// `GET /admin/graph`
pub(crate) async fn page(desk: Desk) -> PageResult {
    desk.must(perm::ROLE_VIEW)?;
    let (labels, reach) = (Labels::of(&desk).await?, desk.reach());
    let rows = desk.rows();
    let names: Vec<&RoleName> = rows.roles.keys().take(ROLES_MAX).collect();
    let (edges, plan) = drawing(rows, &names);
    let users = |role: &RoleName| {
        let members = rows.assignments.keys().filter(|row| row.role == *role && reach.sees(&row.user));
        members.map(|row| &row.user).collect::<BTreeSet<_>>().len()
    };
    let node = |(role, &(x, y)): (&&RoleName, &(i64, i64))| Node {
        name: role.to_string(),
        label: short(&labels.role(role)),
        enabled: rows.roles.get(*role).is_some_and(|row| row.enabled),
        users: users(role),
        x,
        y,
    };
    let edge = |((senior, junior), path): ((&RoleName, &RoleName), String)| Edge {
        senior: senior.to_string(),
        junior: junior.to_string(),
        path,
    };
    render(&GraphPage {
        chrome: desk.chrome("graph"),
        nodes: names.iter().zip(&plan.corners).map(node).collect(),
        edges: edges.into_iter().zip(plan.paths).map(edge).collect(),
        width: plan.width,
        height: plan.height,
        box_width: BOX_WIDTH,
        box_height: BOX_HEIGHT,
        left_out: rows.roles.len().saturating_sub(ROLES_MAX),
    })
}

/// The inheritances between these roles, and where everything stands.
fn drawing<'a>(rows: &'a PolicyRows, names: &[&RoleName]) -> (Vec<(&'a RoleName, &'a RoleName)>, Plan) {
    let place = |role: &RoleName| names.binary_search(&role).ok();
    let drawn = rows.inheritance.iter().filter_map(|edge| {
        Some(((&edge.senior, &edge.junior), (place(&edge.senior)?, place(&edge.junior)?)))
    });
    let (edges, places): (Vec<_>, Vec<_>) = drawn.unzip();
    (edges, plan(names.len(), &places))
}

/// A label that fits its box: a Chinese letter is as wide as two others.
fn short(label: &str) -> String {
    let mut width = 0;
    let fitting = label.chars().take_while(|letter| {
        width += if letter.is_ascii() { 1 } else { 2 };
        width <= LABEL_WIDTH_MAX
    });
    let fitting: String = fitting.collect();
    if fitting.len() < label.len() { format!("{}…", fitting.trim_end()) } else { fitting }
}

#[cfg(test)]
mod tests {
    use rbac::{Inheritance, RoleRow};

    use super::*;

    #[test]
    fn inheritance_is_drawn_between_the_roles_that_are_shown() {
        let mut rows = PolicyRows::default();
        for role in ["head", "member", "teacher"] {
            rows.roles.insert(role.parse().unwrap(), RoleRow::new("".parse().unwrap()));
        }
        for (senior, junior) in [("head", "teacher"), ("teacher", "member"), ("head", "gone")] {
            rows.inheritance.insert(Inheritance::new(senior.parse().unwrap(), junior.parse().unwrap()));
        }
        let names: Vec<_> = rows.roles.keys().collect();
        let (edges, plan) = drawing(&rows, &names);
        assert_eq!((edges.len(), plan.paths.len(), plan.corners.len()), (2, 2, 3));
        assert!(plan.corners[0].1 < plan.corners[2].1 && plan.corners[2].1 < plan.corners[1].1);
    }

    #[test]
    fn a_label_fits_its_box() {
        assert_eq!(short("教研主任 Head Teacher"), "教研主任 Head Teacher");
        assert_eq!(short("a label that is much too long"), "a label that is much too…");
    }
}
