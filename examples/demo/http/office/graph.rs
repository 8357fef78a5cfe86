//! The roles as a drawing: who inherits whom, in layers, each role right above the highest that it inherits, laid out
//! here and drawn as SVG.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use rbac::{PolicyRows, RoleName};

use super::desk::Desk;
use super::labels::Labels;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::PageResult;
use crate::perm;

/// Measures of the drawing, in units of its view box.
const BOX_WIDTH: i64 = 196;
const BOX_HEIGHT: i64 = 60;
const GAP_ACROSS: i64 = 20;
const GAP_DOWN: i64 = 76;
const MARGIN: i64 = 14;
/// The widest label, in letters of the width of a digit.
const LABEL_WIDTH_MAX: usize = 25;
/// How often the layers are put in order by their neighbours.
const SWEEPS: usize = 4;
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
    let labels = Labels::of(&desk).await?;
    let rows = desk.rows();
    let layers = layers(rows);
    let places = places(&layers);
    let users = |role: &RoleName| {
        let members = rows.assignments.keys().filter(|assignment| assignment.role == *role);
        members.map(|assignment| &assignment.user).collect::<BTreeSet<_>>().len()
    };
    let node = |(role, &(x, y)): (&&RoleName, &(i64, i64))| Node {
        name: role.to_string(),
        label: short(&labels.role(role)),
        enabled: rows.roles.get(*role).is_some_and(|row| row.enabled),
        users: users(role),
        x,
        y,
    };
    let (width, height) = size(&layers);
    render(&GraphPage {
        chrome: desk.chrome("graph"),
        nodes: places.iter().map(node).collect(),
        edges: edges(rows, &places),
        width,
        height,
        box_width: BOX_WIDTH,
        box_height: BOX_HEIGHT,
        left_out: rows.roles.len().saturating_sub(ROLES_MAX),
    })
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

/// Roles layer by layer from the top: each above all that it inherits, and as near to them as that allows. Roles that
/// inherit nobody stand at the bottom.
fn layers(rows: &PolicyRows) -> Vec<Vec<&RoleName>> {
    let shown: BTreeSet<&RoleName> = rows.roles.keys().take(ROLES_MAX).collect();
    let edges =
        rows.inheritance.iter().filter(|edge| shown.contains(&edge.senior) && shown.contains(&edge.junior));
    let edges: Vec<_> = edges.map(|edge| (&edge.senior, &edge.junior)).collect();
    let mut height: BTreeMap<&RoleName, usize> = shown.iter().map(|role| (*role, 0)).collect();
    // A longest way passes each role once, so it is found after as many rounds; a circle must not go on for ever.
    for _ in 0..shown.len() {
        let mut moved = false;
        for (senior, junior) in &edges {
            let above = height.get(junior).map_or(0, |height| height + 1);
            if height.get(senior).is_some_and(|now| *now < above) && above < shown.len() {
                height.insert(senior, above);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let mut layers: BTreeMap<usize, Vec<&RoleName>> = BTreeMap::new();
    for (role, height) in height {
        layers.entry(height).or_default().push(role);
    }
    let mut layers: Vec<_> = layers.into_values().rev().collect();
    untangle(&mut layers, &edges);
    layers
}

/// Puts each layer in the order of the middle of its neighbours above, then of those below, a few times.
fn untangle(layers: &mut [Vec<&RoleName>], edges: &[(&RoleName, &RoleName)]) {
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let rank: BTreeMap<&RoleName, i64> = layers.iter().flat_map(|layer| ranks(layer)).collect();
        for layer in layers.iter_mut() {
            layer.sort_by_cached_key(|role| {
                let near = edges.iter().filter_map(|(senior, junior)| match down {
                    true if junior == role => rank.get(senior),
                    false if senior == role => rank.get(junior),
                    _ => None,
                });
                let near: Vec<i64> = near.copied().collect();
                let count = i64::try_from(near.len()).unwrap_or(1);
                let own = rank.get(*role).copied().unwrap_or(0);
                (if near.is_empty() { own } else { near.iter().sum::<i64>() / count }, own)
            });
        }
    }
}

/// The place of each role in its layer, counted from the middle, in thousandths, so that means differ.
fn ranks<'a>(layer: &[&'a RoleName]) -> Vec<(&'a RoleName, i64)> {
    let count = i64::try_from(layer.len()).unwrap_or(i64::MAX);
    let place = |at: usize| i64::try_from(at).unwrap_or(0) * 1000 - count.saturating_sub(1) * 500;
    layer.iter().enumerate().map(|(at, role)| (*role, place(at))).collect()
}

fn across(count: usize) -> i64 {
    let count = i64::try_from(count).unwrap_or(0);
    count * BOX_WIDTH + (count - 1).max(0) * GAP_ACROSS
}

fn size(layers: &[Vec<&RoleName>]) -> (i64, i64) {
    let widest = layers.iter().map(|layer| across(layer.len())).max().unwrap_or(0);
    let count = i64::try_from(layers.len()).unwrap_or(0);
    (widest + 2 * MARGIN, count * BOX_HEIGHT + (count - 1).max(0) * GAP_DOWN + 2 * MARGIN)
}

/// The upper left corner of each role; layers stand in the middle.
fn places<'a>(layers: &[Vec<&'a RoleName>]) -> BTreeMap<&'a RoleName, (i64, i64)> {
    let (width, _) = size(layers);
    let mut places = BTreeMap::new();
    let mut y = MARGIN;
    for layer in layers {
        let mut x = (width - across(layer.len())) / 2;
        for role in layer {
            places.insert(*role, (x, y));
            x += BOX_WIDTH + GAP_ACROSS;
        }
        y += BOX_HEIGHT + GAP_DOWN;
    }
    places
}

fn edges(rows: &PolicyRows, places: &BTreeMap<&RoleName, (i64, i64)>) -> Vec<Edge> {
    let found = rows.inheritance.iter().filter_map(|edge| {
        let ((from_x, from_y), (to_x, to_y)) = (places.get(&edge.senior)?, places.get(&edge.junior)?);
        let (x1, y1) = (from_x + BOX_WIDTH / 2, from_y + BOX_HEIGHT);
        // The arrow's head stands between the line and the box.
        let (x2, y2) = (to_x + BOX_WIDTH / 2, to_y - 7);
        let bend = ((y2 - y1) / 2).max(GAP_DOWN / 2);
        let path = format!("M{x1} {y1}C{x1} {} {x2} {} {x2} {y2}", y1 + bend, y2 - bend);
        Some(Edge { senior: edge.senior.to_string(), junior: edge.junior.to_string(), path })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rbac::{Inheritance, RoleRow};

    use super::*;

    fn rows(roles: usize, edges: &[(usize, usize)]) -> PolicyRows {
        let name = |at: usize| format!("r{at:03}").parse::<RoleName>().unwrap();
        let mut rows = PolicyRows::default();
        for at in 0..roles {
            rows.roles.insert(name(at), RoleRow::new("".parse().unwrap()));
        }
        for (senior, junior) in edges {
            rows.inheritance.insert(Inheritance::new(name(*senior), name(*junior)));
        }
        rows
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_role_stands_once_and_below_its_seniors(edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..30)) {
            let forward: Vec<_> = edges.into_iter().filter(|(senior, junior)| senior < junior).collect();
            let rows = rows(12, &forward);
            let layers = layers(&rows);
            let places = places(&layers);
            prop_assert_eq!(places.len(), 12);
            prop_assert_eq!(places.values().collect::<BTreeSet<_>>().len(), 12, "two on one place");
            for edge in &rows.inheritance {
                prop_assert!(places[&edge.senior].1 < places[&edge.junior].1);
            }
            prop_assert_eq!(super::edges(&rows, &places).len(), rows.inheritance.len());
        }
    }

    #[test]
    fn a_circle_is_drawn_all_the_same() {
        let rows = rows(3, &[(0, 1), (1, 2), (2, 0)]);
        assert_eq!(layers(&rows).iter().map(Vec::len).sum::<usize>(), 3);
    }
}
