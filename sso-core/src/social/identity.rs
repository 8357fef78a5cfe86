//! Who a provider says the user is.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::social::provider::ProviderKind;

/// Who the user is to this application at this provider: the openid of QQ and WeChat, the uid of Weibo, the id
/// of GitHub, the `sub` of OpenID Connect. 1 to 255 visible ASCII characters.
///
/// Two applications see two openids of one person. An openid is never a [`UnionId`], and the types say so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(String);

/// Who the user is to all applications of one company at QQ or WeChat. 1 to 255 visible ASCII characters.
///
/// It appears when the company has joined its applications, so it may be absent today and there tomorrow: keep
/// the [`Subject`] of each application as the key, and use this one to recognise a person across them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnionId(String);

fn checked(text: String) -> Result<String, Error> {
    if (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text);
    }
    Err(Error::new(ErrorKind::InvalidInput, "a user's identifier must be 1 to 255 visible ascii characters"))
}

macro_rules! identifier {
    ($name:ident) => {
        impl $name {
            /// An identifier from its text, for instance from the application's own books.
            ///
            /// # Errors
            /// `InvalidInput` unless it is 1 to 255 visible ASCII characters.
            pub fn new(text: impl Into<String>) -> Result<Self, Error> {
                checked(text.into()).map(Self)
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                checked(text).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(Subject);
identifier!(UnionId);

/// An address for mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The address, 3 to 254 bytes.
    pub address: String,
    /// Whether the provider has seen the user read mail there. Never join accounts by an address that is not.
    pub verified: bool,
}

/// A person as a provider describes them.
///
/// `provider`, `app_id` and `subject` together are the key under which an application knows the user again. No two of
/// them will do: with OpenID Connect it is the issuer who hands out both `app_id` and `subject`, so two issuers can
/// name the same pair. An application that may give a provider another name keeps `issuer` in the key instead of
/// the name. Everything else changes at the user's will: show it, never decide by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// The application's name for the provider.
    pub provider: String,
    /// What protocol it speaks.
    pub kind: ProviderKind,
    /// Who vouches for the user, as the ID token names it (OpenID Connect Core, section 2): present for OpenID Connect
    /// alone. There `subject` is unique only within it.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The application, as the provider knows it.
    pub app_id: String,
    /// The user, as this application knows them.
    pub subject: Subject,
    /// The user, as all applications of the company know them.
    pub unionid: Option<UnionId>,
    /// What the user wants to be called, 1 to 128 characters without control characters.
    pub name: Option<String>,
    /// The address of a picture, http or https.
    pub avatar: Option<String>,
    /// Where the user reads mail.
    pub email: Option<Email>,
    /// The members of the provider's profile as they came, at most [`Identity::CLAIMS_BYTES_MAX`].
    pub claims: Map<String, Value>,
}

impl Identity {
    /// How much of a profile is kept in [`Identity::claims`], in bytes of JSON; what does not fit is left out.
    pub const CLAIMS_BYTES_MAX: usize = 16 * 1024;
    /// The longest name, in characters.
    pub const NAME_CHARS_MAX: usize = 128;
    /// The longest address of a picture, in bytes.
    pub const AVATAR_BYTES_MAX: usize = 1024;
}

/// A name without what disturbs a page or a log.
pub(crate) fn name(claims: &Map<String, Value>, members: &[&str]) -> Option<String> {
    let text =
        members.iter().filter_map(|member| claims.get(*member)?.as_str()).find(|text| !text.is_empty())?;
    let visible = text.chars().filter(|c| !disturbs(*c)).take(Identity::NAME_CHARS_MAX);
    let name = visible.collect::<String>().trim().to_owned();
    Some(name).filter(|name| !name.is_empty())
}

/// Control characters, and those that turn the direction of the text after them.
pub(crate) fn disturbs(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first address of a picture that a page may show.
pub(crate) fn avatar(claims: &Map<String, Value>, members: &[&str]) -> Option<String> {
    let fits = |text: &&str| {
        (text.starts_with("https://") || text.starts_with("http://"))
            && text.len() <= Identity::AVATAR_BYTES_MAX
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    members.iter().filter_map(|member| claims.get(*member)?.as_str()).find(fits).map(str::to_owned)
}

/// An address that looks like one.
pub(crate) fn email(address: &str, verified: bool) -> Option<Email> {
    let fits = (3..=254).contains(&address.len())
        && address.contains('@')
        && !address.chars().any(|c| c.is_control() || c.is_whitespace());
    fits.then(|| Email { address: address.to_owned(), verified })
}

/// The members of a profile, as many as fit.
pub(crate) fn bounded(claims: Map<String, Value>) -> Map<String, Value> {
    let mut left = Identity::CLAIMS_BYTES_MAX;
    let fits = |(name, value): &(String, Value)| {
        let size = name.len() + value.to_string().len() + 6;
        let fits = size <= left;
        left = left.saturating_sub(if fits { size } else { 0 });
        fits
    };
    claims.into_iter().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_a_user_chose_cannot_disturb_a_page() {
        let claims = map(
            &json!({"a": "", "b": " Ann\u{202e}\n\u{7} ", "u": "javascript:alert(1)", "v": "https://x/y"}),
        );
        assert_eq!(name(&claims, &["a", "b"]).unwrap(), "Ann");
        assert_eq!(name(&claims, &["a", "c"]), None);
        assert_eq!(avatar(&claims, &["a", "u", "v"]).unwrap(), "https://x/y");
        assert_eq!(email("a b@c", true), None);
        assert!(
            Subject::new("a b").is_err()
                && Subject::new("").is_err()
                && UnionId::new("x".repeat(256)).is_err()
        );
    }

    #[test]
    fn a_profile_is_kept_as_far_as_it_fits() {
        let claims = map(&json!({"big": "x".repeat(20_000), "small": 1}));
        assert_eq!(bounded(claims), map(&json!({"small": 1})));
    }
}
