//! Why a sign-in with a provider did not happen: the expected "no".

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::social::identity::disturbs;

/// Why nobody was signed in. It holds no secret; a text of the provider's is cut and cleaned, but is not ours.
///
/// Show the user a page with a button that begins again. Nothing here is an outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[must_use]
pub enum SocialRefused {
    /// The user did not consent, or closed the provider's page.
    Denied,
    /// The code was redeemed before. The other request may have succeeded.
    CodeUsed,
    /// The code is too old or is not the provider's: most of them do not tell which.
    CodeExpired,
    /// The provider's token was given to another application: somebody tried to pass it off here.
    WrongApp,
    /// WeChat shows the page to a virtual user, who is not a person. Ask for the whole page to be opened.
    SnapshotUser,
    /// The query of the callback is not one: a parameter is missing, doubled, too long or in the wrong alphabet.
    Malformed,
    /// The state was never given out for this provider, is over, or was used up.
    StateUnknown,
    /// The sign-in began in another browser, or the browser lost its cookie. Never continue it here; beginning
    /// again is safe, and inside WeChat's client needs no click with the scope `snsapi_base`.
    OtherBrowser,
    /// The callback names another issuer than the sign-in was sent to (RFC 9207).
    WrongIssuer,
    /// The ID token belongs to another sign-in: a code was slipped in (OpenID Connect Core, section 15.5.2).
    WrongNonce,
    /// The ID token is not one to trust: its signature, issuer, type, or time. The text says which.
    UntrustedIdToken {
        /// What is wrong with it.
        why: String,
    },
    /// The provider refuses for a reason of its own.
    ProviderSays {
        /// Its number or word for it.
        code: String,
        /// Its text, at most [`SocialRefused::TEXT_CHARS_MAX`] characters, without control characters.
        text: String,
    },
}

impl SocialRefused {
    /// How much of a provider's text is kept, in characters.
    pub const TEXT_CHARS_MAX: usize = 200;

    pub(crate) fn says(code: &str, text: &str) -> Self {
        let clean = |text: &str, most| text.chars().filter(|c| !disturbs(*c)).take(most).collect();
        Self::ProviderSays { code: clean(code, 64), text: clean(text, Self::TEXT_CHARS_MAX) }
    }
}

impl fmt::Display for SocialRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "the user did not consent",
            Self::CodeUsed => "the code was used before",
            Self::CodeExpired => "the code has expired or is unknown",
            Self::WrongApp => "the token was given to another application",
            Self::SnapshotUser => "the page was shown to a virtual user",
            Self::Malformed => "the callback is malformed",
            Self::StateUnknown => "the state is unknown or used up",
            Self::OtherBrowser => "the sign-in began in another browser",
            Self::WrongIssuer => "another issuer answered",
            Self::WrongNonce => "the id token belongs to another sign-in",
            Self::UntrustedIdToken { why } => return write!(f, "the id token is not trusted: {why}"),
            Self::ProviderSays { code, text } => {
                return write!(f, "the provider says `{}`: `{}`", code.escape_debug(), text.escape_debug());
            }
        })
    }
}
