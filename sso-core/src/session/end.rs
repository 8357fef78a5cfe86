//! How sessions end: why, when, and which of a user's sessions are meant.

use std::borrow::Cow;

use crate::session::SessionId;
use crate::session::login::DeviceKind;
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// The end of a session: what a store remembers of it for ten minutes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct End {
    /// Why it ended.
    pub reason: EndReason,
    /// When it ended.
    pub at: UnixMillis,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The user signed out.
    SignedOut,
    /// Somebody else ended it: an administrator, or a program if nobody is named.
    Kicked {
        /// Who did it.
        by: Option<UserId>,
    },
    /// A later login took its place, as the [`LoginPolicy`](crate::LoginPolicy) demands.
    Replaced {
        /// The device of that login.
        by: DeviceKind,
    },
    /// It was not used for as long as the idle limit.
    ExpiredIdle,
    /// It was older than the absolute limit.
    ExpiredAbsolute,
    /// The application ended it for its own reasons: a stolen password, a banned account.
    Revoked,
    /// The session lives on under a newer secret. The client that still shows this one has missed its new cookie.
    Renewed,
    /// A reason that a newer version of this crate wrote into the store.
    Other,
}

impl EndReason {
    /// The reason without its detail, as stores and answers to clients write it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Kicked { .. } => "kicked",
            Self::Replaced { .. } => "replaced",
            Self::ExpiredIdle => "expired_idle",
            Self::ExpiredAbsolute => "expired_absolute",
            Self::Revoked => "revoked",
            Self::Renewed => "renewed",
            Self::Other => "other",
        }
    }

    /// The reason as a store keeps it: the code, and behind a colon the detail.
    ///
    /// ```
    /// use sso_core::{DeviceKind, EndReason};
    ///
    /// let reason = EndReason::Replaced { by: DeviceKind::Mobile };
    /// assert_eq!(reason.to_text(), "replaced:mobile");
    /// assert_eq!(EndReason::from_text("replaced:mobile"), reason);
    /// ```
    #[must_use]
    pub fn to_text(&self) -> Cow<'static, str> {
        let code = self.code();
        match self {
            Self::Kicked { by: Some(by) } => Cow::Owned(format!("{code}:{}", by.as_str())),
            Self::Replaced { by } => Cow::Owned(format!("{code}:{}", by.code())),
            _ => Cow::Borrowed(code),
        }
    }

    /// The reason behind a text; [`EndReason::Other`] for a text of a newer version.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let (code, detail) = text.split_once(':').map_or((text, None), |(code, rest)| (code, Some(rest)));
        match (code, detail) {
            ("signed_out", None) => Self::SignedOut,
            ("kicked", None) => Self::Kicked { by: None },
            ("kicked", Some(by)) => UserId::new(by).map_or(Self::Other, |by| Self::Kicked { by: Some(by) }),
            ("replaced", Some(by)) => Self::Replaced { by: DeviceKind::from_code(by) },
            ("expired_idle", None) => Self::ExpiredIdle,
            ("expired_absolute", None) => Self::ExpiredAbsolute,
            ("revoked", None) => Self::Revoked,
            ("renewed", None) => Self::Renewed,
            _ => Self::Other,
        }
    }
}

/// What ending a session came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum EndOutcome {
    /// This call ended it.
    Ended,
    /// It had ended before, and keeps its first reason.
    AlreadyEnded(End),
    /// There is no such session.
    Unknown,
}

/// Which of a user's sessions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// All but this one: "sign out everywhere else". A name that no session has spares none.
    AllBut(SessionId),
    /// This one.
    One(SessionId),
}

impl Which {
    /// Whether a session is meant.
    #[must_use]
    pub fn means(&self, id: &SessionId) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(spared) => spared != id,
            Self::One(meant) => meant == id,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reasons_come_back_as_what_they_were() {
        let by = |text: &str| EndReason::Kicked { by: Some(UserId::new(text).unwrap()) };
        let mut reasons = vec![
            EndReason::SignedOut,
            EndReason::Kicked { by: None },
            by("root"),
            by(":"),
            by("a:b\n"),
            EndReason::ExpiredIdle,
            EndReason::ExpiredAbsolute,
            EndReason::Revoked,
            EndReason::Renewed,
            EndReason::Other,
        ];
        reasons.extend(DeviceKind::ALL.map(|by| EndReason::Replaced { by }));
        for reason in reasons {
            assert_eq!(EndReason::from_text(&reason.to_text()), reason);
        }
        for text in ["", ":", "of a later version", "kicked:", "replaced", "revoked:x"] {
            assert_eq!(EndReason::from_text(text), EndReason::Other, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_some_reason(text in "(kicked|replaced|revoked)?:?\\PC{0,20}") {
            let reason = EndReason::from_text(&text);
            prop_assert_eq!(EndReason::from_text(&reason.to_text()), reason);
        }
    }
}
