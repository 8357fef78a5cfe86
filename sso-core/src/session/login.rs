//! What the application tells of a login, and the session that a store is asked to create from it.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::secret::{SessionKey, SessionSecret};
use crate::session::limits::SessionLimits;
use crate::time::whole_millis;
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
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Web, Self::Mobile, Self::Desktop, Self::Service, Self::Other];

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

/// Whose limits a session lives under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lifespan {
    /// Those of each call.
    Limits,
    /// Its own: it ends so long after its creation, used or not ("remember me").
    Remembered(Duration),
    /// Those of each call, and at most so long after its creation.
    AtMost(Duration),
}

impl Lifespan {
    /// The lifespan as a store keeps it: empty, or `r` or `m` and milliseconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sso_core::Lifespan;
    ///
    /// # fn main() -> Result<(), sso_core::Error> {
    /// let hour = Lifespan::AtMost(Duration::from_secs(3600));
    /// assert_eq!(hour.encode(), "m3600000");
    /// assert_eq!(Lifespan::decode("m3600000")?, hour);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Limits => String::new(),
            Self::Remembered(life) => format!("r{}", whole_millis(*life)),
            Self::AtMost(life) => format!("m{}", whole_millis(*life)),
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// `Corrupt` if it is anything else.
    pub fn decode(text: &str) -> Result<Self, Error> {
        let life = |millis: &str| millis.parse().ok().map(Duration::from_millis);
        let lifespan = match text.split_at_checked(1) {
            None if text.is_empty() => Some(Self::Limits),
            Some(("r", millis)) => life(millis).map(Self::Remembered),
            Some(("m", millis)) => life(millis).map(Self::AtMost),
            _ => None,
        };
        lifespan
            .filter(|lifespan| lifespan.encode() == text)
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, "the store holds a lifespan that cannot be read"))
    }
}

/// What is known of a login besides the user. Any text will do: what is too long is cut.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{DeviceKind, Login};
///
/// let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7")
///     .remember(Duration::from_secs(30 * 24 * 3600));
/// assert!(login.remember.is_some());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// The kind of device.
    pub device: DeviceKind,
    /// The client's own words about itself, usually the `User-Agent` header.
    pub agent: String,
    /// Where the client comes from, usually an IP address.
    pub address: String,
    /// How long the session lives, used or not, instead of under the limits of all.
    pub remember: Option<Duration>,
}

impl Login {
    /// The longest `agent` that is kept, in bytes.
    pub const AGENT_BYTES_MAX: usize = 256;
    /// The longest `address` that is kept, in bytes.
    pub const ADDRESS_BYTES_MAX: usize = 64;
    /// The shortest life of a remembered session; the longest is [`SessionLimits::ABSOLUTE_MAX`].
    pub const REMEMBER_MIN: Duration = Duration::from_secs(1);

    /// A login from a device.
    #[must_use]
    pub fn new(device: DeviceKind, agent: impl Into<String>, address: impl Into<String>) -> Self {
        Self { device, agent: agent.into(), address: address.into(), remember: None }
    }

    /// Remembers the user for so long, whether or not they come back in between, in whole milliseconds.
    ///
    /// A life outside of [`Login::REMEMBER_MIN`] and [`SessionLimits::ABSOLUTE_MAX`] is cut to them.
    #[must_use]
    pub fn remember(mut self, life: Duration) -> Self {
        self.remember = Some(life);
        self
    }

    fn cut(self) -> Self {
        Self {
            device: self.device,
            agent: cut(self.agent, Self::AGENT_BYTES_MAX),
            address: cut(self.address, Self::ADDRESS_BYTES_MAX),
            remember: self.remember.map(bounded),
        }
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
    actor: Option<UserId>,
    login: Login,
    lifespan: Lifespan,
}

impl NewSession {
    /// A new session and its secret, from 32 bytes of a cryptographic random source.
    #[must_use]
    pub fn open(user: UserId, login: Login, random: [u8; 32]) -> (Self, SessionSecret) {
        let secret = SessionSecret::new(&user, random);
        let login = login.cut();
        let lifespan = login.remember.map_or(Lifespan::Limits, Lifespan::Remembered);
        (Self { key: secret.key(), user, actor: None, login, lifespan }, secret)
    }

    /// A new session in which `actor` acts as the user, for at most so long and under the limits of all. It is not
    /// remembered, whatever the login says.
    #[must_use]
    pub fn impersonate(
        actor: UserId,
        user: UserId,
        login: Login,
        life: Duration,
        random: [u8; 32],
    ) -> (Self, SessionSecret) {
        let secret = SessionSecret::new(&user, random);
        let login = Login { remember: None, ..login.cut() };
        let lifespan = Lifespan::AtMost(bounded(life));
        (Self { key: secret.key(), user, actor: Some(actor), login, lifespan }, secret)
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

    /// Who will act as the user, if it is somebody else.
    #[must_use]
    pub fn actor(&self) -> Option<&UserId> {
        self.actor.as_ref()
    }

    /// The login, cut to its limits.
    #[must_use]
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// Whose limits it will live under.
    #[must_use]
    pub fn lifespan(&self) -> Lifespan {
        self.lifespan
    }
}

fn bounded(life: Duration) -> Duration {
    Duration::from_millis(whole_millis(life)).clamp(Login::REMEMBER_MIN, SessionLimits::ABSOLUTE_MAX)
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
