//! The bridge under random histories: whatever is delayed and wherever connections are cut, both streams come out
//! whole.

use std::time::Duration;

use proptest::prelude::*;
use webssh_core::frame::Hello;
use webssh_core::{Action, Bridge, Limits, Role, Send, WinSize};

use crate::bridge_world::{Plan, World, token};

fn run(seed: u64, steps: usize, plan: Plan) -> World {
    let mut world = World::new(seed, plan);
    world.steps(steps);
    world.settle();
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_streams_come_whole_through_one_connection(seed: u64, steps in 0..2500_usize) {
        let world = run(seed, steps, Plan { cut_in: 0, ..Plan::CUTS });
        prop_assert!(world.client.gaps.is_empty());
    }

    #[test]
    fn both_streams_come_whole_through_cuts(seed: u64, steps in 0..2500_usize, cut_in in 3..200_usize) {
        let world = run(seed, steps, Plan { cut_in, ..Plan::CUTS });
        prop_assert!(world.client.gaps.is_empty(), "nothing was overrun");
    }

    /// The client itself checks that a gap begins where it was and that output goes on behind it.
    #[test]
    fn output_that_is_lost_is_said_to_be_lost(seed: u64, steps in 0..2500_usize, cut_in in 3..200_usize) {
        run(seed, steps, Plan { cut_in, overrun: true, ..Plan::CUTS });
    }

    #[test]
    fn devices_take_turns_and_no_key_runs_twice(seed: u64, steps in 0..2500_usize) {
        run(seed, steps, Plan { device_in: 150, ..Plan::CUTS });
    }

    #[test]
    fn observers_see_the_same(seed: u64, steps in 0..2500_usize) {
        run(seed, steps, Plan { observers: 3, cut_in: 300, ..Plan::CUTS });
    }

    /// The owner of a session cannot tell whether dead observers hang on to it.
    #[test]
    fn dead_observers_do_not_slow_the_owner(seed: u64, steps in 0..2500_usize) {
        let alone = run(seed, steps, Plan { overrun: true, ..Plan::CUTS });
        let watched = run(seed, steps, Plan { overrun: true, dead_observers: 5, ..Plan::CUTS });
        prop_assert_eq!(alone.client.trace, watched.client.trace);
        prop_assert_eq!(alone.produced, watched.produced);
    }

    /// Whatever a hostile browser sends, nothing breaks, and only its own connection closes.
    #[test]
    fn hostile_frames_do_no_harm(frames in prop::collection::vec(prop::collection::vec(0..9_u8, 0..14), 0..40)) {
        let mut bridge = Bridge::new(Limits::default(), Duration::ZERO);
        let hello = Hello::plain(WinSize::default());
        let mut id = bridge.attach(Duration::ZERO, &hello, Role::Owner, &token());
        bridge.on_channel(Duration::ZERO, b"prompt").unwrap();
        let mut left = false;
        for (second, frame) in (0..).zip(frames) {
            let now = Duration::from_secs(second);
            bridge.on_frame(now, id, &frame);
            bridge.on_tick(now);
            while let Some(send) = bridge.poll_connection(id) {
                if let Send::Close(_) = send {
                    id = bridge.attach(now, &hello, Role::Owner, &token());
                    break;
                }
            }
            while let Some(action) = bridge.poll() {
                left |= matches!(action, Action::Close(_));
            }
        }
        prop_assert_eq!(left, bridge.wake_at().is_none());
    }
}

/// The goal of the wire: ten thousand cuts at random places, and not a byte is lost or repeated either way.
#[test]
fn ten_thousand_cuts() {
    let mut world = World::new(20_261_123, Plan { cut_in: 25, ..Plan::CUTS });
    while world.cuts < 10_000 {
        world.steps(1000);
    }
    let (output, input) = (world.produced, world.typed_through);
    assert!(
        output > 1 << 20 && input > 1 << 20,
        "{output} bytes out and {input} bytes in are too few to tell"
    );
    world.settle();
    assert!(world.client.gaps.is_empty());
}

/// A world in which output is lost must lose some, or the tests above say nothing.
#[test]
fn a_flood_without_a_browser_overruns_the_ring() {
    let gaps: usize = (0..8)
        .map(|seed| run(seed, 3000, Plan { cut_in: 100, overrun: true, ..Plan::CUTS }).client.gaps.len())
        .sum();
    assert!(gaps > 0);
}
