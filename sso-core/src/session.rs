//! The nouns of a session: what the application sees of it, and the answers it gets.
//!
//! Each file of the folder holds one idea: how long a session lives (`limits`), how it begins (`login`, `policy`,
//! `admission`), what changes in it (`amend`, `changes`, `attributes`, `proof`), how it ends (`end`), who is told (`event`), who is there
//! (`online`), and the rule that says whether it lives (`rule`).
//!
//! Answers are enums that a caller must match in full: whoever adds one wants every caller to see it.

pub(crate) mod admission;
pub(crate) mod amend;
pub(crate) mod attributes;
pub(crate) mod changes;
pub(crate) mod end;
pub(crate) mod event;
pub(crate) mod limits;
pub(crate) mod login;
pub(crate) mod online;
pub(crate) mod policy;
pub(crate) mod proof;
pub(crate) mod rule;

use std::fmt;
use std::time::Duration;

use crate::session::attributes::Attributes;
use crate::session::end::End;
use crate::session::login::{DeviceKind, Lifespan};
use crate::session::proof::{Proofs, Purpose};
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// A live session, as the application and its user may see it. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The session's public name, for lists and logs. It stays when the secret is rotated.
    pub id: SessionId,
    /// Who is signed in.
    pub user: UserId,
    /// Who acts as the user, if it is somebody else: see [`Sso::impersonate`](crate::Sso::impersonate).
    pub actor: Option<UserId>,
    /// When the user signed in.
    pub created_at: UnixMillis,
    /// When the session was last used, at most `touch_every` too early.
    pub last_seen_at: UnixMillis,
    /// When it ends if it is not used again, under the limits of this call.
    pub expires_at: UnixMillis,
    /// Whose limits it lives under.
    pub lifespan: Lifespan,
    /// What kind of device the user signed in from.
    pub device: DeviceKind,
    /// The client's own words about itself (`User-Agent`), cut to a bounded length. Escape it in logs.
    pub agent: String,
    /// Where the client came from, cut to a bounded length. Escape it in logs.
    pub address: String,
    /// What the application keeps with the session.
    pub attributes: Attributes,
    /// How often the attributes were changed.
    pub version: u64,
    /// What the user has proved lately.
    pub proofs: Proofs,
}

impl Session {
    /// Whether the user has proved who they are for this purpose, and the proof still counts.
    ///
    /// The proof ends by the store's clock, `now` is the caller's: they agree as far as the clocks do.
    #[must_use]
    pub fn is_proved(&self, purpose: &Purpose, now: UnixMillis) -> bool {
        self.proofs.until(purpose).is_some_and(|until| now < until)
    }

    /// The `Max-Age` of the session's cookie when it is handed out now, at a login or a renewal: what is left of a
    /// remembered session, `None` for a cookie that the browser drops when it closes.
    #[must_use]
    pub fn cookie_max_age(&self) -> Option<Duration> {
        match self.lifespan {
            Lifespan::Remembered(life) => Some(self.created_at.saturating_add(life).since(self.last_seen_at)),
            Lifespan::Limits | Lifespan::AtMost(_) => None,
        }
    }
}

/// The public name of a session: 16 characters of base64url, 96 bits of the digest of its first secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// How many characters a name has.
    pub const CHARS: usize = 16;

    /// Reads a name, as it comes back from a page that lists sessions; `None` if it is not one.
    ///
    /// ```
    /// use sso_core::SessionId;
    ///
    /// assert!(SessionId::parse("0123456789abc-_Z").is_some());
    /// assert!(SessionId::parse("../../etc/passwd").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (text.len() == Self::CHARS && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn from_digest_text(digest: &str) -> Self {
        Self(digest.chars().take(Self::CHARS).collect())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The answer to "whose session is this?".
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Check {
    /// The session lives.
    Active(Session),
    /// The session has ended, less than [`TOMBSTONE_MILLIS`](crate::TOMBSTONE_MILLIS) ago. Tell the user why,
    /// and let them sign in again.
    Ended(End),
    /// There is no such session: never, or not any more.
    Unknown,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::SessionId;

    proptest! {
        #[test]
        fn an_id_is_read_as_it_was_written(text in "[A-Za-z0-9_-]{16}|\\PC{0,20}") {
            if let Some(id) = SessionId::parse(&text) {
                prop_assert_eq!(id.as_str(), &text);
                prop_assert_eq!(SessionId::from_digest_text(&text), id);
            } else {
                prop_assert!(text.len() != SessionId::CHARS || !text.is_ascii() || text.contains(|c: char| !c.is_ascii_alphanumeric()));
            }
        }
    }
}
