//! The graph of roles: an order in which juniors come first, or the circle that prevents one.
//!
//! Nothing here recurses, so a hierarchy may be as deep as there are roles.

use std::collections::{BTreeMap, VecDeque};

use crate::name::RoleName;
use crate::rows::Inheritance;

/// Every index once, each after all of its juniors; or a circle, its first role repeated at its end.
pub(crate) fn juniors_first(juniors: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut seniors = vec![Vec::new(); juniors.len()];
    let mut waiting_for: Vec<usize> = juniors.iter().map(Vec::len).collect();
    for (senior, own) in juniors.iter().enumerate() {
        for &junior in own {
            if let Some(list) = seniors.get_mut(junior) {
                list.push(senior);
            }
        }
    }
    let mut order: Vec<usize> =
        waiting_for.iter().enumerate().filter(|(_, count)| **count == 0).map(|(at, _)| at).collect();
    let mut done = 0;
    while let Some(&role) = order.get(done) {
        done += 1;
        for &senior in seniors.get(role).into_iter().flatten() {
            if let Some(count) = waiting_for.get_mut(senior) {
                *count -= 1;
                if *count == 0 {
                    order.push(senior);
                }
            }
        }
    }
    match waiting_for.iter().position(|count| *count > 0) {
        None => Ok(order),
        Some(start) => Err(circle(juniors, &waiting_for, start)),
    }
}

/// A circle among the roles that still wait. Each of them waits for another one, so a walk must come round.
fn circle(juniors: &[Vec<usize>], waiting_for: &[usize], start: usize) -> Vec<usize> {
    let waits = |role: &usize| waiting_for.get(*role).is_some_and(|count| *count > 0);
    let mut met_at = vec![None; juniors.len()];
    let mut walk = Vec::new();
    let mut next = Some(start);
    while let Some(role) = next {
        walk.push(role);
        let Some(met) = met_at.get_mut(role) else { break };
        if let Some(first) = *met {
            walk.drain(..first);
            break;
        }
        *met = Some(walk.len() - 1);
        next = juniors.get(role).into_iter().flatten().copied().find(|junior| waits(junior));
    }
    walk
}

/// The shortest chain of inheritances from one role down to another, both included.
pub(crate) fn chain<'a>(
    inheritance: impl IntoIterator<Item = &'a Inheritance>,
    from: &'a RoleName,
    to: &RoleName,
) -> Option<Vec<RoleName>> {
    let mut juniors: BTreeMap<&RoleName, Vec<&RoleName>> = BTreeMap::new();
    for row in inheritance {
        juniors.entry(&row.senior).or_default().push(&row.junior);
    }
    let mut came_from: BTreeMap<&RoleName, Option<&RoleName>> = BTreeMap::from([(from, None)]);
    let mut queue = VecDeque::from([from]);
    while let Some(role) = queue.pop_front() {
        if role == to {
            return Some(walk_back(&came_from, role));
        }
        for &junior in juniors.get(role).into_iter().flatten() {
            came_from.entry(junior).or_insert_with(|| {
                queue.push_back(junior);
                Some(role)
            });
        }
    }
    None
}

fn walk_back(came_from: &BTreeMap<&RoleName, Option<&RoleName>>, last: &RoleName) -> Vec<RoleName> {
    let mut path = vec![last.clone()];
    let mut role = last;
    while let Some(Some(before)) = came_from.get(role) {
        path.push((*before).clone());
        role = before;
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::juniors_first;

    #[test]
    fn juniors_come_before_seniors() {
        let diamond = [vec![1, 2], vec![3], vec![3], vec![]];
        let order = juniors_first(&diamond).unwrap();
        let place = |role| order.iter().position(|&at| at == role).unwrap();
        for (senior, juniors) in diamond.iter().enumerate() {
            assert!(juniors.iter().all(|&junior| place(junior) < place(senior)));
        }
    }

    #[test]
    fn a_circle_is_shown_without_the_way_to_it() {
        // 0 → 1 → 2 → 3 → 1, and 4 is innocent.
        let circle = juniors_first(&[vec![1], vec![2], vec![3], vec![1], vec![]]).unwrap_err();
        assert_eq!(circle, [1, 2, 3, 1]);
        assert_eq!(juniors_first(&[vec![0]]).unwrap_err(), [0, 0]);
    }
}
