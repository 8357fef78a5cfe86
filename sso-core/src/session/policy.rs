//! How many sessions a user may have, as the application says, and what a login comes to.

use crate::error::{Error, ErrorKind};
use crate::session::login::DeviceKind;
use crate::session::{Session, rule};

/// How many sessions one user may have at a time, in all and for each kind of device.
///
/// The policy in force is the one of the login: a tighter one takes effect with the user's next login.
/// Impersonated sessions do not count.
///
/// ```
/// use sso_core::{DeviceKind, LoginPolicy, Overflow};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// // Five sessions, only one of them on a telephone, and the sixth is refused.
/// let policy =
///     LoginPolicy::at_most(5)?.per_device(DeviceKind::Mobile, 1)?.on_overflow(Overflow::RefuseNew);
/// assert_eq!(policy.total(), 5);
/// assert_eq!(policy.of(DeviceKind::Mobile), 1);
/// assert!(LoginPolicy::at_most(0).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginPolicy {
    total: u8,
    devices: [u8; DeviceKind::ALL.len()],
    overflow: Overflow,
}

/// What happens to a login beyond the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest session ends as [`Replaced`](crate::EndReason::Replaced), and the new one begins.
    OldestOut,
    /// The login is refused, and the sessions go on.
    RefuseNew,
}

/// What a login came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Admission<T = Session> {
    /// It is done.
    Admitted(T),
    /// The user has as many sessions as the policy allows.
    Refused(Refusal),
}

impl<T> Admission<T> {
    /// What began, or `None` if it was refused.
    #[must_use]
    pub fn admitted(self) -> Option<T> {
        match self {
            Self::Admitted(begun) => Some(begun),
            Self::Refused(_) => None,
        }
    }
}

/// A login that would have been one too many. The remedy: let the user end one of the sessions, or wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// How many sessions there may be.
    pub limit: u8,
    /// The kind of device which that limit is for; `None` if it is for all together.
    pub device: Option<DeviceKind>,
    /// The sessions that fill the limit, oldest first.
    pub live: Vec<Session>,
}

impl LoginPolicy {
    /// The most sessions that any policy allows.
    pub const TOTAL_MAX: u8 = rule::SESSIONS_PER_USER_MAX;

    /// As many as a store keeps, which is [`LoginPolicy::TOTAL_MAX`]; then the oldest goes.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            total: Self::TOTAL_MAX,
            devices: [Self::TOTAL_MAX; DeviceKind::ALL.len()],
            overflow: Overflow::OldestOut,
        }
    }

    /// One session an account: each login ends the one before.
    #[must_use]
    pub const fn one() -> Self {
        Self { total: 1, ..Self::unlimited() }
    }

    /// One session for each kind of device.
    #[must_use]
    pub const fn one_per_device() -> Self {
        Self { devices: [1; DeviceKind::ALL.len()], ..Self::unlimited() }
    }

    /// So many sessions, of any kind; then the oldest goes.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to [`LoginPolicy::TOTAL_MAX`].
    pub fn at_most(total: u8) -> Result<Self, Error> {
        Ok(Self { total: in_range(total)?, ..Self::unlimited() })
    }

    /// What holds for those who act as a user.
    pub(crate) const fn impersonators() -> Self {
        Self { total: rule::IMPERSONATIONS_PER_USER_MAX, ..Self::unlimited() }
    }

    /// Allows so many sessions on devices of one kind, besides the limit of all together.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to [`LoginPolicy::TOTAL_MAX`].
    pub fn per_device(mut self, device: DeviceKind, most: u8) -> Result<Self, Error> {
        let most = in_range(most)?;
        for (kind, kept) in DeviceKind::ALL.iter().zip(&mut self.devices) {
            if *kind == device {
                *kept = most;
            }
        }
        Ok(self)
    }

    /// Says what happens to a login beyond the limits.
    #[must_use]
    pub const fn on_overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// How many sessions there may be.
    #[must_use]
    pub const fn total(&self) -> u8 {
        self.total
    }

    /// How many there may be on devices of one kind.
    #[must_use]
    pub fn of(&self, device: DeviceKind) -> u8 {
        let mut limits = DeviceKind::ALL.iter().zip(self.devices);
        limits.find(|(kind, _)| **kind == device).map_or(self.total, |(_, most)| most)
    }

    /// What happens to a login beyond the limits.
    #[must_use]
    pub const fn overflow(&self) -> Overflow {
        self.overflow
    }
}

impl Default for LoginPolicy {
    fn default() -> Self {
        Self::unlimited()
    }
}

fn in_range(most: u8) -> Result<u8, Error> {
    if most == 0 || most > LoginPolicy::TOTAL_MAX {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("`{most}` sessions are no limit: give 1 to {}", LoginPolicy::TOTAL_MAX),
        ));
    }
    Ok(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_policy_allows_none_or_too_many() {
        for most in [0, 101, 255] {
            assert!(LoginPolicy::at_most(most).is_err());
            assert!(LoginPolicy::unlimited().per_device(DeviceKind::Web, most).is_err());
        }
        assert_eq!(LoginPolicy::at_most(100).unwrap(), LoginPolicy::default());
    }
}
