//! Wake-ups between processes: "there is a new version, look now". They are never the truth and may get lost.

#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::fmt;

use crate::error::Error;
use crate::store::{BoxFuture, PolicyVersion};

/// The longest text of a [`Wake`], in bytes: a `u64` in decimal.
const WAKE_BYTES_MAX: usize = 20;

/// Tells processes that share a store that it has changed, so that they need not wait for their next poll.
///
/// A hint may lose, double, delay and reorder what it carries: whoever is woken asks the store itself, and polls
/// when nobody wakes it. With feature `redis` there is `RedisHint`.
///
/// # Examples
///
/// One that reaches nobody, so that polling alone has to do:
///
/// ```
/// use rbac::{BoxFuture, ChangeHint, Error, PolicyVersion, Wake, Wakeups};
///
/// #[derive(Debug)]
/// struct Nobody;
///
/// impl ChangeHint for Nobody {
///     fn announce(&self, _: PolicyVersion) -> BoxFuture<'_, Result<(), Error>> {
///         Box::pin(async { Ok(()) })
///     }
///
///     fn subscribe(&self) -> Box<dyn Wakeups> {
///         Box::new(Self)
///     }
/// }
///
/// impl Wakeups for Nobody {
///     fn next(&mut self) -> BoxFuture<'_, Result<Wake, Error>> {
///         Box::pin(std::future::pending())
///     }
/// }
/// ```
pub trait ChangeHint: fmt::Debug + Send + Sync {
    /// Says that the store has this version now. A commit waits for it, so it has to give up early.
    ///
    /// # Errors
    ///
    /// The message was not sent. The change stands all the same.
    fn announce(&self, version: PolicyVersion) -> BoxFuture<'_, Result<(), Error>>;

    /// Listens from now on. Nothing is connected before the first call of [`Wakeups::next`].
    fn subscribe(&self) -> Box<dyn Wakeups>;
}

/// What one listener is told.
pub trait Wakeups: fmt::Debug + Send {
    /// The next wake-up. When the connection was made or made anew, that is [`Wake::Look`], because what was said
    /// before is lost.
    ///
    /// # Errors
    ///
    /// The connection broke or cannot be made. That is not the end: the next call tries again. The caller pauses in
    /// between.
    fn next(&mut self) -> BoxFuture<'_, Result<Wake, Error>>;
}

/// A wake-up. Both variants there will ever be: a match need no third arm.
///
/// As text it is the version in decimal; any other text means "look".
///
/// ```
/// use rbac::{PolicyVersion, Wake};
///
/// assert_eq!(Wake::from_bytes(b"17"), Wake::Version(PolicyVersion::new(17)));
/// assert_eq!(Wake::from_bytes(b"+17"), Wake::Look);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wake {
    /// The store had this version a moment ago.
    Version(PolicyVersion),
    /// Something may have been missed.
    Look,
}

impl Wake {
    /// Reads a message. Whatever it is, it wakes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let digits = bytes.len() <= WAKE_BYTES_MAX && bytes.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(bytes).ok().filter(|_| digits).and_then(|text| text.parse().ok());
        number.map_or(Self::Look, |number| Self::Version(PolicyVersion::new(number)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_wake(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Wake::Version(version) = Wake::from_bytes(&bytes) {
                let number: u64 = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
                prop_assert_eq!(version.number(), number);
            }
        }

        #[test]
        fn a_version_comes_back(number: u64) {
            let version = PolicyVersion::new(number);
            prop_assert_eq!(Wake::from_bytes(version.to_string().as_bytes()), Wake::Version(version));
        }
    }
}
