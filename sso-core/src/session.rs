//! The nouns of a session: what the application sees of it, and the answers it gets.
//!
//! The limits are in `limits`, the login in `login`, and what makes a session live or end in `rule`.

pub(crate) mod limits;
pub(crate) mod login;
pub(crate) mod rule;

use std::fmt;

use crate::session::login::DeviceKind;
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// A live session, as the application and its user may see it. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The session's public name, for lists and logs.
    pub id: SessionId,
    /// Who is signed in.
    pub user: UserId,
    /// When the user signed in.
    pub created_at: UnixMillis,
    /// When the session was last used, at most `touch_every` too early.
    pub last_seen_at: UnixMillis,
    /// When it ends if it is not used again, under the limits of this call.
    pub expires_at: UnixMillis,
    /// What kind of device the user signed in from.
    pub device: DeviceKind,
    /// The client's own words about itself (`User-Agent`), cut to a bounded length. Escape it in logs.
    pub agent: String,
    /// Where the client came from, cut to a bounded length. Escape it in logs.
    pub address: String,
}

/// The public name of a session: 16 characters of base64url, 96 bits of the digest of its secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// How many characters a name has.
    pub const CHARS: usize = 16;

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
    Ended(EndReason),
    /// There is no such session: never, or not any more.
    Unknown,
}

/// What ending a session came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum EndOutcome {
    /// This call ended it.
    Ended,
    /// It had ended before, and keeps its first reason.
    AlreadyEnded(EndReason),
    /// There is no such session.
    Unknown,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The user signed out.
    SignedOut,
    /// It was not used for as long as the idle limit.
    ExpiredIdle,
    /// It was older than the absolute limit.
    ExpiredAbsolute,
    /// A later login took its place.
    Replaced,
    /// The application or an administrator ended it.
    Revoked,
    /// A reason that a newer version of this crate wrote into the store.
    Other,
}

impl EndReason {
    /// The reason as stores write it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::ExpiredIdle => "expired_idle",
            Self::ExpiredAbsolute => "expired_absolute",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Other => "other",
        }
    }

    /// The reason behind a code; [`EndReason::Other`] for a code of a newer version.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code {
            "signed_out" => Self::SignedOut,
            "expired_idle" => Self::ExpiredIdle,
            "expired_absolute" => Self::ExpiredAbsolute,
            "replaced" => Self::Replaced,
            "revoked" => Self::Revoked,
            _ => Self::Other,
        }
    }
}
