//! The clock of the latches: cheap to read, since it is read with every refusal, and behind by a tick at most.

/// The longest tick of the clock, in milliseconds: that of a Linux with 100 ticks a second.
#[cfg(feature = "redis")]
pub(crate) const TICK_MILLIS_MAX: u64 = 10;

/// Microseconds since some fixed moment.
#[cfg(all(feature = "redis", target_os = "linux"))]
pub(crate) fn micros() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    let whole = |part: i64| u64::try_from(part).unwrap_or(0);
    whole(now.tv_sec).saturating_mul(1_000_000).saturating_add(whole(now.tv_nsec) / 1_000)
}

/// Microseconds since this process first asked.
#[cfg(not(all(feature = "redis", target_os = "linux")))]
pub(crate) fn micros() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_micros()).unwrap_or(u64::MAX)
}
