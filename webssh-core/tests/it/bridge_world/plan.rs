//! What may happen in a world, and the limits of its bridge.

use webssh_core::{Limits, LimitsConfig};

pub(super) const RING_BYTES: u64 = 96 << 10;

/// What may happen in a world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// One in so many steps cuts the connection; 0 never.
    pub(crate) cut_in: usize,
    /// The shell goes on writing while nobody is attached, past what the ring holds.
    pub(crate) overrun: bool,
    /// One in so many steps another device takes the session; 0 never.
    pub(crate) device_in: usize,
    /// How many observers come and go.
    pub(crate) observers: usize,
    /// How many observers attach first, and are dead from then on.
    pub(crate) dead_observers: usize,
}

impl Plan {
    pub(crate) const CUTS: Self =
        Self { cut_in: 60, overrun: false, device_in: 0, observers: 0, dead_observers: 0 };
}

/// Small, so that every limit is met often.
pub(super) fn limits() -> Limits {
    Limits::new(LimitsConfig {
        ring_bytes_max: u32::try_from(RING_BYTES).unwrap(),
        unacked_bytes_max: 24 << 10,
        resume_bytes: 16 << 10,
        input_bytes_max: 20 << 10,
        replay_bytes: 8 << 10,
        heartbeat_secs: 1,
        heartbeat_timeout_secs: 3600,
        idle_secs_max: 604_800,
        absolute_secs_max: 604_800,
        detached_secs_max: 86_400,
        ..LimitsConfig::default()
    })
    .unwrap()
}
