//! Who gives way to a login: a pure decision, which stores make inside the login itself.

use crate::session::Session;
use crate::session::login::{DeviceKind, NewSession};
use crate::session::policy::{Admission, LoginPolicy, Overflow, Refusal};

/// What a policy says of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The login is fine once the sessions at these places have ended.
    Admit {
        /// Places in the list that was given, in rising order.
        out: Vec<usize>,
    },
    /// The login is refused.
    Refuse {
        /// How many sessions there may be.
        limit: u8,
        /// The kind of device which that limit is for; `None` if it is for all together.
        device: Option<DeviceKind>,
    },
}

/// Says which of a user's live sessions, oldest first, end for a new one (by their places), or that it is refused.
///
/// Impersonators have a limit of their own: they neither take a place of the user nor wait for one.
pub fn admit(live: &[Session], new: &NewSession, policy: &LoginPolicy) -> Admission<Vec<usize>> {
    let impersonators = LoginPolicy::impersonators();
    let policy = if new.actor().is_some() { &impersonators } else { policy };
    let rivals = || {
        let places = live.iter().enumerate();
        places.filter(|(_, session)| session.actor.is_some() == new.actor().is_some())
    };
    let devices: Vec<DeviceKind> = rivals().map(|(_, session)| session.device).collect();
    match fits(&devices, new.login().device, policy) {
        Verdict::Admit { out } => {
            let places = rivals().enumerate().filter(|(rank, _)| out.contains(rank));
            Admission::Admitted(places.map(|(_, (place, _))| place).collect())
        }
        Verdict::Refuse { limit, device } => {
            let fills = |session: &&Session| device.is_none_or(|kind| kind == session.device);
            let live = rivals().map(|(_, session)| session).filter(fills).cloned().collect();
            Admission::Refused(Refusal { limit, device, live })
        }
    }
}

/// Says whether a login fits in beside the live sessions, given as their devices, oldest first.
///
/// Oldest out: first the oldest of the same kind go until that kind's limit holds, then the oldest of all.
/// Refusal: the kind's limit is looked at first.
pub fn fits(live: &[DeviceKind], device: DeviceKind, policy: &LoginPolicy) -> Verdict {
    let (total, of_kind) = (usize::from(policy.total()), usize::from(policy.of(device)));
    let same = live.iter().filter(|kind| **kind == device).count();
    let too_many_of_kind = (same + 1).saturating_sub(of_kind);
    if policy.overflow() == Overflow::RefuseNew {
        return match (too_many_of_kind > 0, live.len() + 1 > total) {
            (true, _) => Verdict::Refuse { limit: policy.of(device), device: Some(device) },
            (false, true) => Verdict::Refuse { limit: policy.total(), device: None },
            (false, false) => Verdict::Admit { out: Vec::new() },
        };
    }
    let places = live.iter().enumerate();
    let of_this_kind = places.filter_map(|(place, kind)| (*kind == device).then_some(place));
    let mut out: Vec<usize> = of_this_kind.take(too_many_of_kind).collect();
    let too_many = (live.len() - out.len() + 1).saturating_sub(total);
    let others: Vec<usize> = (0..live.len()).filter(|place| !out.contains(place)).take(too_many).collect();
    out.extend(others);
    out.sort_unstable();
    Verdict::Admit { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [DeviceKind; 3] = [DeviceKind::Web, DeviceKind::Mobile, DeviceKind::Other];

    /// Every list of at most `len` devices of three kinds.
    fn worlds(len: usize) -> Vec<Vec<DeviceKind>> {
        let mut worlds = vec![Vec::new()];
        for begin in 0.. {
            let Some(world) = worlds.get(begin).cloned() else { break };
            if world.len() < len {
                worlds.extend(KINDS.map(|kind| [world.as_slice(), &[kind]].concat()));
            }
        }
        worlds
    }

    fn policies(overflow: Overflow) -> Vec<LoginPolicy> {
        let mut policies = vec![LoginPolicy::one_per_device().on_overflow(overflow)];
        for total in 1..=4 {
            let policy = LoginPolicy::at_most(total).unwrap().on_overflow(overflow);
            policies.push(policy);
            policies.extend((1..=3).map(|most| policy.per_device(DeviceKind::Mobile, most).unwrap()));
        }
        policies
    }

    fn within(live: &[DeviceKind], policy: &LoginPolicy) -> bool {
        let of = |kind| live.iter().filter(|other| **other == kind).count();
        live.len() <= usize::from(policy.total())
            && KINDS.iter().all(|kind| of(*kind) <= usize::from(policy.of(*kind)))
    }

    fn after(live: &[DeviceKind], out: &[usize], device: DeviceKind) -> Vec<DeviceKind> {
        let stay = live.iter().enumerate().filter(|(place, _)| !out.contains(place)).map(|(_, kind)| *kind);
        stay.chain([device]).collect()
    }

    /// In every small world: the new one comes in, nobody goes without need, and an older one of the same kind
    /// goes before a younger one.
    #[test]
    fn the_oldest_go_until_the_new_one_fits() {
        for live in worlds(5) {
            for policy in policies(Overflow::OldestOut) {
                for device in KINDS {
                    let Verdict::Admit { out } = fits(&live, device, &policy) else { panic!("refused") };
                    let left = after(&live, &out, device);
                    // A kind other than the new one's may be over a limit that was tightened since.
                    let of = |kind| left.iter().filter(|other| **other == kind).count();
                    assert!(left.len() <= usize::from(policy.total()), "{live:?} {policy:?}");
                    assert!(of(device) <= usize::from(policy.of(device)), "{live:?} {policy:?}");
                    assert!(out.is_sorted() && out.iter().all(|place| *place < live.len()));
                    if within(&live, &policy) {
                        assert!(within(&left, &policy), "{live:?} {policy:?} {left:?}");
                        let fits_anyway = within(&after(&live, &[], device), &policy);
                        assert_eq!(out.is_empty(), fits_anyway, "{live:?} {policy:?}");
                        assert!(out.len() <= 1, "one comes, at most one goes: {live:?} {policy:?} {out:?}");
                    }
                    for gone in &out {
                        let older = (0..*gone).filter(|place| live[*place] == live[*gone]);
                        assert!(older.into_iter().all(|place| out.contains(&place)), "{live:?} {out:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_refusal_is_exactly_a_login_beyond_the_policy() {
        for live in worlds(5) {
            for policy in policies(Overflow::RefuseNew) {
                for device in KINDS {
                    let same = live.iter().filter(|kind| **kind == device).count();
                    let full_kind = same >= usize::from(policy.of(device));
                    let full = live.len() >= usize::from(policy.total());
                    let expected = if full_kind {
                        Verdict::Refuse { limit: policy.of(device), device: Some(device) }
                    } else if full {
                        Verdict::Refuse { limit: policy.total(), device: None }
                    } else {
                        Verdict::Admit { out: Vec::new() }
                    };
                    assert_eq!(fits(&live, device, &policy), expected, "{live:?} {policy:?}");
                }
            }
        }
    }
}
