//! A drawing in layers: boxes above those that they lead to, and edges that pass between boxes, never behind one. Pure
//! arithmetic, after Sugiyama: layers by longest ways, an invisible passage in each layer that an edge crosses, orders
//! by barycentre, places as near to the middle of the neighbours as the order allows.

use std::collections::BTreeMap;

/// Measures, in units of the drawing.
pub(crate) const BOX_WIDTH: i64 = 196;
pub(crate) const BOX_HEIGHT: i64 = 60;
const PASSAGE_WIDTH: i64 = 12;
const GAP_ACROSS: i64 = 22;
const GAP_DOWN: i64 = 80;
const MARGIN: i64 = 16;
/// Between two edges that leave a box, or come to it.
const PORT_STEP: i64 = 22;
/// The arrow's head stands between the line and the box.
const HEAD: i64 = 7;
/// How often layers are put in order by their neighbours, and boxes in place.
const SWEEPS: usize = 12;

/// Where everything stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// The upper left corner of each box.
    pub(crate) corners: Vec<(i64, i64)>,
    /// The way of each edge, as an SVG path.
    pub(crate) paths: Vec<String>,
    pub(crate) width: i64,
    pub(crate) height: i64,
}

/// A drawing of so many boxes and these edges between them, from the upper to the lower one. An edge that closes a
/// circle leads upwards; one from a box to itself is not drawn.
pub(crate) fn plan(boxes: usize, edges: &[(usize, usize)]) -> Plan {
    let mut grid = Grid::new(boxes, edges);
    grid.untangle();
    let centres = grid.centres();
    grid.drawn(edges, &centres)
}

/// Boxes and passages in layers. A passage has a number behind those of the boxes.
#[derive(Debug)]
struct Grid {
    boxes: usize,
    layers: Vec<Vec<usize>>,
    above: BTreeMap<usize, Vec<usize>>,
    below: BTreeMap<usize, Vec<usize>>,
    /// For each edge the vertices from the upper layer to the lower one; empty for one that is not drawn.
    chains: Vec<Vec<usize>>,
}

impl Grid {
    fn new(boxes: usize, edges: &[(usize, usize)]) -> Self {
        let finished = finished(boxes, edges);
        let place = |at: usize| finished.iter().position(|&found| found == at).unwrap_or(0);
        let ranks: Vec<usize> = (0..boxes).map(place).collect();
        let rank = |at: usize| ranks.get(at).copied().unwrap_or(0);
        // Whoever is finished later stands higher.
        let turned =
            edges.iter().map(|&(from, to)| if rank(from) < rank(to) { (to, from) } else { (from, to) });
        let turned: Vec<_> = turned.collect();
        let mut heights = vec![0_usize; boxes];
        for &at in &finished {
            let under = turned.iter().filter(|&&(upper, lower)| upper == at && lower != at);
            let height =
                under.filter_map(|&(_, lower)| heights.get(lower)).max().map_or(0, |height| height + 1);
            if let Some(own) = heights.get_mut(at) {
                *own = height;
            }
        }
        let highest = heights.iter().copied().max().unwrap_or(0);
        let mut grid = Self {
            boxes,
            layers: vec![Vec::new(); if boxes == 0 { 0 } else { highest + 1 }],
            above: BTreeMap::new(),
            below: BTreeMap::new(),
            chains: Vec::new(),
        };
        let layer = |at: usize| highest - heights.get(at).copied().unwrap_or(0);
        (0..boxes).for_each(|at| grid.enter(layer(at), at));
        let mut next = boxes;
        for &(upper, lower) in &turned {
            let chain =
                if upper == lower { Vec::new() } else { grid.chain((upper, lower), layer, &mut next) };
            grid.chains.push(chain);
        }
        grid
    }

    fn enter(&mut self, layer: usize, vertex: usize) {
        if let Some(layer) = self.layers.get_mut(layer) {
            layer.push(vertex);
        }
    }

    /// The vertices of one edge, with a new passage in each layer between its ends.
    fn chain(
        &mut self,
        (upper, lower): (usize, usize),
        layer: impl Fn(usize) -> usize,
        next: &mut usize,
    ) -> Vec<usize> {
        let mut chain = vec![upper];
        for between in layer(upper) + 1..layer(lower) {
            self.enter(between, *next);
            chain.push(*next);
            *next += 1;
        }
        chain.push(lower);
        for (&one, &other) in chain.iter().zip(chain.iter().skip(1)) {
            self.below.entry(one).or_default().push(other);
            self.above.entry(other).or_default().push(one);
        }
        chain
    }

    /// Puts each layer in the order of the middle of its neighbours, down and up in turns, and keeps the order with the
    /// fewest crossings.
    fn untangle(&mut self) {
        let mut best = (self.crossings(), self.layers.clone());
        for sweep in 0..SWEEPS {
            let down = sweep % 2 == 0;
            let count = self.layers.len();
            for step in 0..count {
                let at = if down { step } else { count - 1 - step };
                let ranks = self.ranks();
                let near = if down { &self.above } else { &self.below };
                if let Some(layer) = self.layers.get_mut(at) {
                    layer.sort_by_cached_key(|vertex| barycentre(near.get(vertex), *vertex, &ranks));
                }
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.layers.clone());
            }
        }
        self.layers = best.1;
    }

    /// The place of each vertex in its layer, in thousandths.
    fn ranks(&self) -> BTreeMap<usize, i64> {
        let numbered = |layer: &Vec<usize>| -> Vec<(usize, i64)> {
            layer.iter().zip(0_i64..).map(|(&vertex, at)| (vertex, at * 1000)).collect()
        };
        self.layers.iter().flat_map(numbered).collect()
    }

    fn crossings(&self) -> usize {
        let ranks = self.ranks();
        let rank = |vertex: &usize| ranks.get(vertex).copied().unwrap_or(0);
        let mut crossings = 0;
        for layer in &self.layers {
            let lines: Vec<(i64, i64)> = layer
                .iter()
                .flat_map(|upper| {
                    self.below.get(upper).into_iter().flatten().map(move |lower| (upper, lower))
                })
                .map(|(upper, lower)| (rank(upper), rank(lower)))
                .collect();
            for (at, one) in lines.iter().enumerate() {
                let crossed = lines
                    .iter()
                    .skip(at + 1)
                    .filter(|other| (one.0 - other.0).signum() * (one.1 - other.1).signum() < 0);
                crossings += crossed.count();
            }
        }
        crossings
    }

    const fn width_of(&self, vertex: usize) -> i64 {
        if vertex < self.boxes { BOX_WIDTH } else { PASSAGE_WIDTH }
    }

    /// The middle of each vertex, from left to right.
    fn centres(&self) -> BTreeMap<usize, i64> {
        let mut centres = BTreeMap::new();
        for layer in &self.layers {
            let offsets = self.offsets(layer);
            let half = offsets.last().copied().unwrap_or(0) / 2;
            centres.extend(layer.iter().zip(offsets).map(|(&vertex, offset)| (vertex, offset - half)));
        }
        for sweep in 0..SWEEPS {
            let down = sweep % 2 == 0;
            let count = self.layers.len();
            for step in 0..count {
                let layer = self.layers.get(if down { step } else { count - 1 - step });
                for (vertex, centre) in layer.map(|layer| self.settled(layer, &centres)).unwrap_or_default() {
                    centres.insert(vertex, centre);
                }
            }
        }
        centres
    }

    /// How far to the right of the first one each vertex of a layer stands at least.
    fn offsets(&self, layer: &[usize]) -> Vec<i64> {
        let mut offsets = Vec::new();
        let (mut at, mut before) = (0, None);
        for &vertex in layer {
            let half = self.width_of(vertex) / 2;
            at += before.map_or(0, |half_before: i64| half_before + GAP_ACROSS + half);
            offsets.push(at);
            before = Some(half);
        }
        offsets
    }

    /// A layer with each vertex as near to the middle of its neighbours as the others let it: least squares in a fixed
    /// order, which pools those that would overlap.
    fn settled(&self, layer: &[usize], centres: &BTreeMap<usize, i64>) -> Vec<(usize, i64)> {
        let offsets = self.offsets(layer);
        let centre = |vertex: &usize| centres.get(vertex).copied().unwrap_or(0);
        // Sums and numbers of what stands in one block.
        let mut blocks: Vec<(i64, i64)> = Vec::new();
        for (vertex, offset) in layer.iter().zip(&offsets) {
            let near = [self.above.get(vertex), self.below.get(vertex)].into_iter().flatten().flatten();
            let near: Vec<i64> = near.map(centre).collect();
            let wanted =
                if near.is_empty() { centre(vertex) } else { near.iter().sum::<i64>() / count(near.len()) };
            let mut block = (wanted - offset, 1);
            while let Some(&(sum, length)) = blocks.last()
                && sum * block.1 > block.0 * length
            {
                blocks.pop();
                block = (block.0 + sum, block.1 + length);
            }
            blocks.push(block);
        }
        let bases = blocks.iter().flat_map(|&(sum, length)| (0..length).map(move |_| sum.div_euclid(length)));
        layer
            .iter()
            .zip(offsets)
            .zip(bases)
            .map(|((&vertex, offset), base)| (vertex, base + offset))
            .collect()
    }

    fn drawn(&self, edges: &[(usize, usize)], centres: &BTreeMap<usize, i64>) -> Plan {
        let left = |vertex: usize| centres.get(&vertex).copied().unwrap_or(0) - self.width_of(vertex) / 2;
        let all = || self.layers.iter().flatten().copied();
        let origin = all().map(left).min().unwrap_or(0) - MARGIN;
        let right = all().map(|vertex| left(vertex) + self.width_of(vertex)).max().unwrap_or(0);
        let tops: BTreeMap<usize, i64> = self
            .layers
            .iter()
            .zip(0_i64..)
            .flat_map(|(layer, at)| {
                layer.iter().map(move |&vertex| (vertex, MARGIN + at * (BOX_HEIGHT + GAP_DOWN)))
            })
            .collect();
        let top = |vertex: usize| tops.get(&vertex).copied().unwrap_or(0);
        let middle = |vertex: usize| centres.get(&vertex).copied().unwrap_or(0) - origin;
        let layers = count(self.layers.len());
        let way = |(chain, &(from, _)): (&Vec<usize>, &(usize, usize))| {
            let down = chain.first() == Some(&from);
            self.path(chain, down, &top, &middle)
        };
        Plan {
            corners: (0..self.boxes).map(|at| (left(at) - origin, top(at))).collect(),
            paths: self.chains.iter().zip(edges).map(way).collect(),
            width: right - origin + MARGIN,
            height: (layers * BOX_HEIGHT + (layers - 1) * GAP_DOWN + 2 * MARGIN).max(2 * MARGIN),
        }
    }

    /// The way of one edge: straight through its passages, bent between the layers. It is drawn from its beginning.
    fn path(
        &self,
        chain: &[usize],
        down: bool,
        top: &impl Fn(usize) -> i64,
        middle: &impl Fn(usize) -> i64,
    ) -> String {
        let [upper, .., lower] = chain else { return String::new() };
        let (first, last) = (chain.get(1).unwrap_or(lower), chain.iter().rev().nth(1).unwrap_or(upper));
        let out = middle(*upper) + port(self.below.get(upper), *first, middle);
        let into = middle(*lower) + port(self.above.get(lower), *last, middle);
        let mut points = vec![(out, top(*upper) + BOX_HEIGHT)];
        for &passage in chain.iter().skip(1).take(chain.len().saturating_sub(2)) {
            points.push((middle(passage), top(passage)));
            points.push((middle(passage), top(passage) + BOX_HEIGHT));
        }
        points.push((into, top(*lower)));
        // The head stands at the end that the edge leads to.
        let (end, head) = if down { (points.last_mut(), -HEAD) } else { (points.first_mut(), HEAD) };
        if let Some(end) = end {
            end.1 += head;
        }
        if !down {
            points.reverse();
        }
        let mut points = points.into_iter();
        let Some(mut at) = points.next() else { return String::new() };
        let mut path = format!("M{} {}", at.0, at.1);
        // A bend over a gap, then straight on beside the boxes, and so on.
        let mut bent = true;
        for point in points {
            if bent {
                let half = (point.1 - at.1) / 2;
                path.push_str(&format!(
                    "C{} {} {} {} {} {}",
                    at.0,
                    at.1 + half,
                    point.0,
                    point.1 - half,
                    point.0,
                    point.1
                ));
            } else {
                path.push_str(&format!("V{}", point.1));
            }
            (at, bent) = (point, !bent);
        }
        path
    }
}

/// How far from the middle of a box an edge leaves it, so that edges stand side by side in the order of their ends.
fn port(ends: Option<&Vec<usize>>, end: usize, middle: &impl Fn(usize) -> i64) -> i64 {
    let mut ends: Vec<(i64, usize)> = ends.into_iter().flatten().map(|&end| (middle(end), end)).collect();
    ends.sort_unstable();
    let step = PORT_STEP.min((BOX_WIDTH - 2 * PORT_STEP) / count(ends.len()).max(1));
    let at = ends.iter().position(|&(_, found)| found == end).map_or(0, count);
    at * step - (count(ends.len()) - 1) * step / 2
}

fn barycentre(near: Option<&Vec<usize>>, vertex: usize, ranks: &BTreeMap<usize, i64>) -> (i64, i64) {
    let own = ranks.get(&vertex).copied().unwrap_or(0);
    let near: Vec<i64> = near.into_iter().flatten().filter_map(|other| ranks.get(other)).copied().collect();
    (if near.is_empty() { own } else { near.iter().sum::<i64>() / count(near.len()) }, own)
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The boxes in an order in which each comes behind all that it leads to, as far as no circle stands against it.
fn finished(boxes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut finished = Vec::new();
    let mut seen = vec![false; boxes];
    for root in 0..boxes {
        let mut open = vec![(root, false)];
        while let Some((at, left)) = open.pop() {
            if left {
                finished.push(at);
                continue;
            }
            let Some(known) = seen.get_mut(at) else { continue };
            if std::mem::replace(known, true) {
                continue;
            }
            open.push((at, true));
            open.extend(edges.iter().filter(|(from, _)| *from == at).map(|&(_, to)| (to, false)));
        }
    }
    finished
}

#[cfg(test)]
mod tests;
