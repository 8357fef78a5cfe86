//! Roles that inherit each other in a circle, as others allow it: which they are, and the same said without a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::collect::Collector;
use crate::name::RoleName;
use crate::rows::Inheritance;

type Links<'a> = BTreeMap<&'a RoleName, Vec<&'a RoleName>>;

impl Collector {
    /// Who inherits each other has the same. One of them, the first by name, gets all that they are granted, and the
    /// others inherit it: nobody may more or less than before.
    pub(super) fn merge_circles(&mut self) {
        for members in circles(&self.rows.inheritance) {
            let Some(first) = members.iter().next().cloned() else { continue };
            let names = members.iter().map(RoleName::as_str).collect::<Vec<_>>().join(", ");
            let inside =
                |edge: &Inheritance| members.contains(&edge.senior) && members.contains(&edge.junior);
            let place = self
                .rows
                .inheritance
                .iter()
                .find(|edge| inside(edge))
                .and_then(|edge| self.inherited_at(edge));
            let place = place.unwrap_or_default();
            let why = format!(
                "they inherit each other; now `{first}` holds what all are granted, the others inherit it"
            );
            self.leave_out(&place, &names, why);
            self.rows.inheritance.retain(|edge| !inside(edge));
            let outwards: Vec<Inheritance> =
                self.rows.inheritance.iter().filter(|edge| members.contains(&edge.senior)).cloned().collect();
            for edge in outwards {
                self.rows.inheritance.remove(&edge);
                self.inherit(&place, first.clone(), edge.junior);
            }
            for member in members.iter().filter(|member| **member != first) {
                self.move_grants(member, &first);
                self.inherit(&place, member.clone(), first.clone());
            }
        }
    }
}

/// The sets of roles that inherit each other, or themselves (Kosaraju's algorithm, without recursion).
fn circles(inheritance: &BTreeSet<Inheritance>) -> Vec<BTreeSet<RoleName>> {
    let (mut down, mut up) = (Links::new(), Links::new());
    for edge in inheritance {
        down.entry(&edge.senior).or_default().push(&edge.junior);
        up.entry(&edge.junior).or_default().push(&edge.senior);
    }
    let mut seen = BTreeSet::new();
    let mut order = Vec::new();
    for &role in down.keys() {
        walk(role, &down, &mut seen, &mut order);
    }
    seen.clear();
    let mut circles = Vec::new();
    for &role in order.iter().rev() {
        let mut together = Vec::new();
        walk(role, &up, &mut seen, &mut together);
        let of_itself = || inheritance.contains(&Inheritance::new(role.clone(), role.clone()));
        if together.len() > 1 || (together.len() == 1 && of_itself()) {
            circles.push(together.into_iter().cloned().collect());
        }
    }
    circles
}

/// Adds what is reached and was not seen, each after all that it leads to.
fn walk<'a>(
    start: &'a RoleName,
    links: &Links<'a>,
    seen: &mut BTreeSet<&'a RoleName>,
    order: &mut Vec<&'a RoleName>,
) {
    let next = |role: &RoleName| links.get(role).map_or(&[][..], Vec::as_slice).iter();
    let mut way = Vec::new();
    if seen.insert(start) {
        way.push((start, next(start)));
    }
    while let Some((role, below)) = way.last_mut() {
        match below.next() {
            Some(&reached) if seen.insert(reached) => way.push((reached, next(reached))),
            Some(_) => {}
            None => {
                order.push(*role);
                way.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Inheritance, circles};

    fn found(edges: &[(&str, &str)]) -> Vec<String> {
        let edge = |&(senior, junior): &(&str, &str)| {
            Inheritance::new(senior.parse().unwrap(), junior.parse().unwrap())
        };
        let circles = circles(&edges.iter().map(edge).collect());
        let mut names: Vec<String> =
            circles.iter().map(|circle| circle.iter().map(|it| it.as_str()).collect()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_roles_that_inherit_each_other_are_a_circle() {
        assert!(found(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]).is_empty());
        assert_eq!(found(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a")]), ["abc"]);
        assert_eq!(found(&[("a", "a"), ("b", "c"), ("c", "b"), ("c", "d")]), ["a", "bc"]);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let name = |at: usize| format!("r{at:06}").parse().unwrap();
        let chain = (0..20_000).map(|at| Inheritance::new(name(at), name(at + 1)));
        let mut edges: std::collections::BTreeSet<_> = chain.collect();
        assert!(circles(&edges).is_empty());
        edges.insert(Inheritance::new(name(20_000), name(0)));
        assert_eq!(circles(&edges)[0].len(), 20_001);
    }
}
