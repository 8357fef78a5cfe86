//! Texts that go between a payment and the buyer: who pays, and what opens the cashier.

use crate::CallbackUrl;
use crate::error::{Error, refused_value};
use std::fmt;

/// A buyer's id under our application: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OpenId(String);

impl OpenId {
    /// Reads the text.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(refused_value("openid", text, "use 1 to 128 visible ASCII characters"))
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What JSAPI and App give back: good for two hours, to be signed once more for the buyer's telephone
/// ([`InvokeParams`](super::InvokeParams)).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PrepayId(pub(super) String);

/// What Native gives back: the content of a QR code, good for two hours.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CodeUrl(pub(super) String);

/// What H5 gives back: where to send the browser within five minutes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct H5Url(pub(super) String);

impl PrepayId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PrepayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl CodeUrl {
    /// The text to draw.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl H5Url {
    /// The address; the buyer comes back to the page that asked.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with `redirect_url`, where the buyer comes back to.
    #[must_use]
    pub fn returning_to(&self, url: &CallbackUrl) -> String {
        let escaped: String = form_urlencoded::byte_serialize(url.as_str().as_bytes()).collect();
        let joint = if self.0.contains('?') { '&' } else { '?' };
        format!("{}{joint}redirect_url={escaped}", self.0)
    }
}
