//! Guessing is slow: the throttle beside buckets kept by hand, and its bounds.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use webssh_core::{Admission, Attempt, Target, TargetPolicy, Throttle, ThrottleConfig, Throttled};

fn target(user: &str) -> Target {
    match TargetPolicy::new(["lab:22"]).unwrap().admit("lab", 22, user).unwrap() {
        Admission::Allowed(target) => target,
        Admission::NotListed => panic!("listed"),
    }
}

fn config(user: u32, target: u32, source: u32, refill_secs: u32) -> ThrottleConfig {
    ThrottleConfig {
        user_failures_max: user,
        target_failures_max: target,
        source_failures_max: source,
        refill_secs,
        ..ThrottleConfig::default()
    }
}

/// Buckets whose levels are written down, in milliseconds worth of filling.
struct ByHand {
    refill: u64,
    levels: BTreeMap<(u8, u8), (u64, u64)>,
    sizes: [u32; 3],
}

impl ByHand {
    fn level(&mut self, now: u64, which: u8, name: u8) -> &mut u64 {
        let full = u64::from(self.sizes[usize::from(which)]) * self.refill;
        let (at, level) = self.levels.entry((which, name)).or_insert((now, full));
        *level = full.min(*level + (now - *at));
        *at = now;
        level
    }

    fn wait(&mut self, now: u64, names: [u8; 3]) -> u64 {
        let refill = self.refill;
        (0..)
            .zip(names)
            .map(|(which, name)| refill.saturating_sub(*self.level(now, which, name)))
            .max()
            .unwrap()
    }

    fn change(&mut self, now: u64, names: [u8; 3], take: bool) {
        let refill = self.refill;
        for (which, name) in (0..).zip(names) {
            let full = u64::from(self.sizes[usize::from(which)]) * refill;
            let level = self.level(now, which, name);
            *level = if take { *level - refill } else { full.min(*level + refill) };
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn agrees_with_buckets_kept_by_hand(
        sizes in [1_u32..4, 1_u32..6, 1_u32..6],
        refill in 1_u32..20,
        steps in prop::collection::vec((0_u64..9000, 0_u8..3, 0_u8..2, 0_u8..3, any::<bool>()), 1..80),
    ) {
        let mut throttle = Throttle::new(config(sizes[0], sizes[1], sizes[2], refill)).unwrap();
        let mut by_hand = ByHand { refill: u64::from(refill) * 1000, levels: BTreeMap::new(), sizes };
        let mut now = 0;
        for (later, user, account, source, succeeds) in steps {
            now += later;
            let names = [user, account, source];
            let target = target(&format!("u{account}"));
            let user = format!("user{user}");
            let attempt = Attempt { user: &user, target: &target, source: [10, 0, 0, source].into() };
            let time = Duration::from_millis(now);
            let wait = by_hand.wait(now, names);
            let want = if wait == 0 { Throttled::Allowed } else { Throttled::Wait(Duration::from_millis(wait)) };
            prop_assert_eq!(throttle.check(time, &attempt), want);
            if want != Throttled::Allowed {
                continue;
            }
            by_hand.change(now, names, true);
            if succeeds {
                throttle.succeeded(time, &attempt);
                by_hand.change(now, names, false);
            } else {
                let next = Duration::from_millis(by_hand.wait(now, names));
                prop_assert_eq!(throttle.failed(time, &attempt), next);
            }
        }
    }
}

#[test]
fn attempts_side_by_side_do_not_slip_through() {
    let mut throttle = Throttle::new(ThrottleConfig::default()).unwrap();
    let target = target("root");
    let attempt = Attempt { user: "mallory", target: &target, source: [192, 0, 2, 1].into() };
    let allowed = (0..100).filter(|_| throttle.check(Duration::ZERO, &attempt) == Throttled::Allowed).count();
    assert_eq!(allowed, 5);
}

#[test]
fn one_network_of_ipv6_is_one_source() {
    let mut throttle = Throttle::new(config(1000, 1000, 3, 30)).unwrap();
    let target = target("root");
    let mut allowed = |user: &str, source: &str| {
        let attempt = Attempt { user, target: &target, source: source.parse().unwrap() };
        throttle.check(Duration::ZERO, &attempt) == Throttled::Allowed
    };
    for host in 0..3 {
        assert!(allowed(&format!("u{host}"), &format!("2001:db8:1:2::{host}")));
    }
    assert!(!allowed("u4", "2001:db8:1:2:ffff::1"));
    assert!(allowed("u4", "2001:db8:1:3::1"));
    for _ in 0..3 {
        assert!(allowed("u5", "::ffff:192.0.2.1"));
    }
    assert!(!allowed("u5", "192.0.2.1"), "mapped and plain are one");
}

#[test]
fn memory_is_bounded_and_comes_back() {
    let config = ThrottleConfig { buckets_max: 100, ..config(5, 1000, 5, 30) };
    let mut throttle = Throttle::new(config).unwrap();
    let target = target("root");
    let mut most = 0;
    for number in 0_u32..5000 {
        let user = number.to_string();
        let attempt = Attempt { user: &user, target: &target, source: number.to_be_bytes().into() };
        assert_eq!(
            throttle.check(Duration::from_millis(number.into()), &attempt) == Throttled::Allowed,
            number < 1000
        );
        most = most.max(throttle.buckets());
    }
    assert!((90..=100).contains(&most), "{most}");
    // Years later one look is enough to forget a few, and a few looks to forget all.
    for _ in 0..60 {
        let attempt = Attempt { user: "x", target: &target, source: [1, 1, 1, 1].into() };
        let now = Duration::from_secs(100_000_000);
        assert_eq!(throttle.check(now, &attempt), Throttled::Allowed);
        throttle.succeeded(now, &attempt);
    }
    assert!(throttle.buckets() < 5, "{}", throttle.buckets());
}

#[test]
fn numbers_out_of_range_are_refused() {
    for config in [config(0, 1, 1, 1), config(1, 1001, 1, 1), config(1, 1, 1, 0), config(1, 1, 1, 86_401)] {
        assert!(Throttle::new(config).is_err(), "{config:?}");
    }
    let config = ThrottleConfig { buckets_max: 99, ..ThrottleConfig::default() };
    assert!(Throttle::new(config).unwrap_err().to_string().contains("buckets_max"));
}
