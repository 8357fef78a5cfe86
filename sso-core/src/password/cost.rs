//! What a hash of a password costs: memory, passes over it, and lanes (RFC 9106, section 3.1).

use crate::error::{Error, ErrorKind};

/// The cost of a hash.
///
/// ```
/// use sso_core::PasswordParams;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// assert_eq!(PasswordParams::new(19 * 1024, 2, 1)?, PasswordParams::default());
/// assert!(PasswordParams::new(1024, 1, 1).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordParams {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl PasswordParams {
    /// The most memory of one hash, in KiB: 256 MiB.
    pub const MEMORY_KIB_MAX: u32 = 256 * 1024;
    /// The most passes over the memory.
    pub const PASSES_MAX: u32 = 16;
    /// The most lanes.
    pub const LANES_MAX: u32 = 16;

    /// A cost that is at least as high as one that the [OWASP Password Storage Cheat Sheet] recommends: 46 MiB
    /// with 1 pass, 19 MiB with 2, 12 MiB with 3, 9 MiB with 4, 7 MiB with 5 or more.
    ///
    /// [OWASP Password Storage Cheat Sheet]:
    ///     https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
    ///
    /// # Errors
    /// `InvalidInput` if the cost is lower than that or above the limits of this type.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, Error> {
        let memory_kib_min = match passes {
            0 | 1 => 46 * 1024,
            2 => 19 * 1024,
            3 => 12 * 1024,
            4 => 9 * 1024,
            5.. => 7 * 1024,
        };
        if memory_kib < memory_kib_min {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "this password cost is too low: take at least 19456 KiB and 2 passes, or 7168 KiB and 5",
            ));
        }
        Self::danger_weak(memory_kib, passes, lanes)
    }

    /// Any cost that can be computed, for tests. Weak hashes are guessed quickly once they leak.
    ///
    /// # Errors
    /// `InvalidInput` if there are less than 8 KiB a lane, no passes or no lanes, or more than the limits.
    pub fn danger_weak(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, Error> {
        let known = (1..=Self::PASSES_MAX).contains(&passes)
            && (1..=Self::LANES_MAX).contains(&lanes)
            && (8 * lanes..=Self::MEMORY_KIB_MAX).contains(&memory_kib);
        if !known {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a password cost is 8 KiB a lane to 256 MiB, 1 to 16 passes, 1 to 16 lanes",
            ));
        }
        Ok(Self { memory_kib, passes, lanes })
    }

    /// The blocks that are filled, in KiB: what the time of a hash is proportional to.
    fn work_kib(self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.passes)
    }

    /// The cost of the work by which `done` is cheaper than this; `None` if it is not.
    ///
    /// It never takes more memory than this cost does.
    pub(super) fn missing_after(self, done: Self) -> Option<Self> {
        let missing = self.work_kib().checked_sub(done.work_kib()).filter(|missing| *missing > 0)?;
        let passes = missing.div_ceil(u64::from(self.memory_kib));
        let memory_kib = u32::try_from(missing / passes).ok()?.max(8 * self.lanes);
        Self::danger_weak(memory_kib, u32::try_from(passes).ok()?, self.lanes).ok()
    }
}

impl Default for PasswordParams {
    /// 19 MiB, 2 passes, 1 lane.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A cheaper hash and what is missing are as much work as one of this cost, to less than nine blocks a
        /// pass and lane, and never take more memory.
        #[test]
        fn missing_work_fills_up(
            (memory, passes, lanes) in (8..100_000_u32, 1..6_u32, 1..4_u32),
            (done_memory, done_passes) in (8..100_000_u32, 1..6_u32),
        ) {
            let Ok(wanted) = PasswordParams::danger_weak(memory, passes, lanes) else { return Ok(()) };
            let done = PasswordParams::danger_weak(done_memory, done_passes, 1).unwrap();
            let Some(missing) = wanted.missing_after(done) else {
                prop_assert!(done.work_kib() >= wanted.work_kib());
                return Ok(());
            };
            prop_assert!(missing.memory_kib <= wanted.memory_kib);
            let both = done.work_kib() + missing.work_kib();
            prop_assert!(both.abs_diff(wanted.work_kib()) < u64::from(9 * lanes * passes), "{}", both);
        }
    }
}
