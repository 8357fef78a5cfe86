//! The graph of roles: an order in which juniors come first, or the circle that prevents one.
//!
//! Nothing here recurses, so a hierarchy may be as deep as there are roles.

use crate::policy::lists::{Lists, place};

/// Every role once, each after all of its juniors; or a circle, its first role repeated at its end.
pub(crate) fn juniors_first(juniors: &Lists<u32>) -> Result<Vec<u32>, Vec<u32>> {
    let roles = place(juniors.count());
    let seniors = juniors.reversed(roles);
    let mut waiting_for: Vec<usize> = (0..juniors.count()).map(|role| juniors.of(role).len()).collect();
    let mut order = Vec::with_capacity(roles);
    order.extend((0..).zip(&waiting_for).filter(|(_, count)| **count == 0).map(|(role, _)| role));
    let mut done = 0;
    while let Some(&role) = order.get(done) {
        done += 1;
        for &senior in seniors.of(role) {
            if let Some(count) = waiting_for.get_mut(place(senior)) {
                *count -= 1;
                if *count == 0 {
                    order.push(senior);
                }
            }
        }
    }
    match (0..).zip(&waiting_for).find(|(_, count)| **count > 0) {
        None => Ok(order),
        Some((start, _)) => Err(circle(juniors, &waiting_for, start)),
    }
}

/// A circle among the roles that still wait. Each of them waits for another one, so a walk must come round.
fn circle(juniors: &Lists<u32>, waiting_for: &[usize], start: u32) -> Vec<u32> {
    let waits = |role: &u32| waiting_for.get(place(*role)).is_some_and(|count| *count > 0);
    let mut met_at = vec![None; waiting_for.len()];
    let mut walk = Vec::new();
    let mut next = Some(start);
    while let Some(role) = next {
        walk.push(role);
        let Some(met) = met_at.get_mut(place(role)) else { break };
        if let Some(first) = *met {
            walk.drain(..first);
            break;
        }
        *met = Some(walk.len() - 1);
        next = juniors.of(role).iter().copied().find(|junior| waits(junior));
    }
    walk
}

#[cfg(test)]
mod tests {
    use super::juniors_first;
    use crate::policy::lists::Lists;

    fn lists(juniors: &[&[u32]]) -> Lists<u32> {
        let mut lists = Lists::with_room(juniors.len(), 0);
        for (senior, own) in (0..).zip(juniors) {
            own.iter().for_each(|&junior| lists.push(senior, junior));
        }
        lists.finish(u32::try_from(juniors.len()).unwrap());
        lists
    }

    #[test]
    fn juniors_come_before_seniors() {
        let diamond: [&[u32]; 4] = [&[1, 2], &[3], &[3], &[]];
        let order = juniors_first(&lists(&diamond)).unwrap();
        let place = |role| order.iter().position(|&at| at == role).unwrap();
        for (senior, juniors) in (0..).zip(&diamond) {
            assert!(juniors.iter().all(|&junior| place(junior) < place(senior)));
        }
    }

    #[test]
    fn a_circle_is_shown_without_the_way_to_it() {
        // 0 → 1 → 2 → 3 → 1, and 4 is innocent.
        let circle = juniors_first(&lists(&[&[1], &[2], &[3], &[1], &[]])).unwrap_err();
        assert_eq!(circle, [1, 2, 3, 1]);
        assert_eq!(juniors_first(&lists(&[&[0]])).unwrap_err(), [0, 0]);
    }
}
