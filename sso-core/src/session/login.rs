//! What the application tells of a login, and the session that a store is asked to create from it.

use crate::secret::{SessionKey, SessionSecret};
use crate::user_id::UserId;

/// What kind of device a user signs in from. Login policies count per kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviceKind {
    /// A browser on any device.
    Web,
    /// An application on a telephone or tablet.
    Mobile,
    /// An application on a desk or lap.
    Desktop,
    /// A program without a person in front of it.
    Service,
    /// None of these, or a kind that a newer version of this crate wrote into the store.
    Other,
}

impl DeviceKind {
    /// The kind as stores write it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Mobile => "mobile",
            Self::Desktop => "desktop",
            Self::Service => "service",
            Self::Other => "other",
        }
    }

    /// The kind behind a code; [`DeviceKind::Other`] for a code of a newer version.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code {
            "web" => Self::Web,
            "mobile" => Self::Mobile,
            "desktop" => Self::Desktop,
            "service" => Self::Service,
            _ => Self::Other,
        }
    }
}

/// What is known of a login besides the user. Any text will do: what is too long is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// The kind of device.
    pub device: DeviceKind,
    /// The client's own words about itself, usually the `User-Agent` header.
    pub agent: String,
    /// Where the client comes from, usually an IP address.
    pub address: String,
}

impl Login {
    /// The longest `agent` that is kept, in bytes.
    pub const AGENT_BYTES_MAX: usize = 256;
    /// The longest `address` that is kept, in bytes.
    pub const ADDRESS_BYTES_MAX: usize = 64;

    /// A login from a device.
    #[must_use]
    pub fn new(device: DeviceKind, agent: impl Into<String>, address: impl Into<String>) -> Self {
        Self { device, agent: agent.into(), address: address.into() }
    }
}

/// A session that is not in a store yet. Its key and its user belong together by construction.
///
/// ```
/// use sso_core::{DeviceKind, Login, NewSession, UserId};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
/// let (new, secret) = NewSession::open(UserId::new("alice")?, login, [7; 32]);
/// assert_eq!(new.key(), &secret.key());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    key: SessionKey,
    user: UserId,
    login: Login,
}

impl NewSession {
    /// A new session and its secret, from 32 bytes of a cryptographic random source.
    #[must_use]
    pub fn open(user: UserId, login: Login, random: [u8; 32]) -> (Self, SessionSecret) {
        let secret = SessionSecret::new(&user, random);
        let login = Login {
            device: login.device,
            agent: cut(login.agent, Login::AGENT_BYTES_MAX),
            address: cut(login.address, Login::ADDRESS_BYTES_MAX),
        };
        (Self { key: secret.key(), user, login }, secret)
    }

    /// Where the session will be kept.
    #[must_use]
    pub fn key(&self) -> &SessionKey {
        &self.key
    }

    /// Whose session it will be.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The login, cut to its limits.
    #[must_use]
    pub fn login(&self) -> &Login {
        &self.login
    }
}

/// The beginning of a text, at most so many bytes, never half a character.
fn cut(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("abc".into(), 3), "abc");
        assert_eq!(cut("ab中".into(), 4), "ab");
        assert_eq!(cut("中".into(), 0), "");
    }
}
