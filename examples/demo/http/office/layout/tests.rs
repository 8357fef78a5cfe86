//! Drawings of random policies: nothing overlaps, and no edge touches a box that it does not belong to.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// The points of a path with what is between them: a bend, or a straight line down.
fn points(path: &str) -> Vec<(i64, i64)> {
    let (mut points, mut x) = (Vec::new(), 0);
    for part in path.split_inclusive(|letter: char| "MCV".contains(letter)).collect::<Vec<_>>().windows(2) {
        let kind = part[0].chars().last().unwrap();
        let numbers = part[1].trim_end_matches(['M', 'C', 'V']).split_whitespace();
        let numbers: Vec<i64> = numbers.map(|number| number.parse().unwrap()).collect();
        let y = *numbers.last().unwrap();
        x = if kind == 'V' { x } else { numbers[numbers.len() - 2] };
        points.push((x, y));
    }
    points
}

/// Whether a way stays in the gaps between layers where it bends, and beside all boxes where it is straight.
fn passes(plan: &Plan, path: &str) -> bool {
    let points = points(path);
    let beside = |x: i64, top: i64| {
        let mut boxes = plan.corners.iter().filter(|corner| corner.1 == top);
        boxes.all(|corner| x < corner.0 || x > corner.0 + BOX_WIDTH)
    };
    points.windows(2).enumerate().all(|(at, pair)| {
        let (upper, lower) = (pair[0].1.min(pair[1].1), pair[0].1.max(pair[1].1));
        if at % 2 == 1 {
            pair[0].0 == pair[1].0 && lower - upper == BOX_HEIGHT && beside(pair[0].0, upper)
        } else {
            lower - upper <= GAP_DOWN
                && (lower - MARGIN - BOX_HEIGHT - 1) % (BOX_HEIGHT + GAP_DOWN) < GAP_DOWN
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_edge_passes_behind_a_box(edges in prop::collection::vec((0_usize..14, 0_usize..14), 0..32)) {
        let plan = plan(14, &edges);
        prop_assert_eq!(plan.corners.len(), 14);
        prop_assert_eq!(plan.paths.len(), edges.len());
        for (at, one) in plan.corners.iter().enumerate() {
            prop_assert!(one.0 >= MARGIN && one.0 + BOX_WIDTH + MARGIN <= plan.width);
            prop_assert!(one.1 >= MARGIN && one.1 + BOX_HEIGHT + MARGIN <= plan.height);
            for other in &plan.corners[at + 1..] {
                prop_assert!(one.1 != other.1 || (one.0 - other.0).abs() >= BOX_WIDTH, "two on one place");
            }
        }
        for ((from, to), path) in edges.iter().zip(&plan.paths) {
            prop_assert_eq!(path.is_empty(), from == to);
            prop_assert!(path.is_empty() || passes(&plan, path), "{} in {:?}", path, plan);
        }
    }

    #[test]
    fn without_circles_everything_leads_down(edges in prop::collection::vec((0_usize..14, 0_usize..14), 0..32)) {
        let edges: Vec<_> = edges.into_iter().filter(|(from, to)| from < to).collect();
        let plan = plan(14, &edges);
        for ((from, to), path) in edges.iter().zip(&plan.paths) {
            prop_assert!(plan.corners[*from].1 < plan.corners[*to].1);
            let points = points(path);
            prop_assert_eq!(points[0].1, plan.corners[*from].1 + BOX_HEIGHT);
            prop_assert_eq!(points.last().unwrap().1, plan.corners[*to].1 - HEAD);
        }
    }

    #[test]
    fn sweeping_never_adds_a_crossing(edges in prop::collection::vec((0_usize..10, 0_usize..10), 0..24)) {
        let mut grid = Grid::new(10, &edges);
        let before = grid.crossings();
        let all = |grid: &Grid| grid.layers.iter().flatten().copied().collect::<BTreeSet<_>>();
        let vertices = all(&grid);
        grid.untangle();
        prop_assert!(grid.crossings() <= before);
        prop_assert_eq!(all(&grid), vertices);
    }
}

#[test]
fn what_can_be_drawn_without_a_crossing_is() {
    // Two trees whose branches are entered crosswise, and an edge past a layer.
    let edges = [(0, 3), (1, 2), (0, 5), (1, 4), (2, 6), (3, 7), (0, 7)];
    let mut grid = Grid::new(8, &edges);
    assert!(grid.crossings() > 0);
    grid.untangle();
    assert_eq!(grid.crossings(), 0);
    assert_eq!(grid.chains.last().unwrap().len(), 3, "the long edge has a passage");
}

#[test]
fn nothing_is_drawn_of_nothing() {
    let empty = plan(0, &[]);
    assert_eq!((empty.width, empty.height, empty.paths.len()), (2 * MARGIN, 2 * MARGIN, 0));
    let circle = plan(3, &[(0, 1), (1, 2), (2, 0)]);
    assert_eq!(circle.corners.iter().map(|corner| corner.1).collect::<BTreeSet<_>>().len(), 3);
}
