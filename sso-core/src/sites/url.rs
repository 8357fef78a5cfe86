//! Addresses that a client registers: compared letter by letter, never taken apart after they are accepted.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// An address to which a browser or a notice may be sent: registered beforehand, compared exactly.
///
/// `https`, or `http` on the loopback (`127.0.0.1`, `[::1]`, `localhost`), or the private-use scheme of a native
/// application, which has a dot in it (RFC 8252, section 7.1). No fragment, no user before the host, only
/// visible ASCII, at most [`SiteUrl::BYTES_MAX`] bytes.
///
/// ```
/// use sso_core::SiteUrl;
///
/// assert!(SiteUrl::new("https://shop.example/signed-in").is_ok());
/// assert!(SiteUrl::new("http://127.0.0.1:8080/cb").is_ok());
/// assert!(SiteUrl::new("com.example.app:/cb").is_ok());
/// assert!(SiteUrl::new("http://shop.example/signed-in").is_err());
/// assert!(SiteUrl::new("https://shop.example/#cb").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteUrl(String);

impl SiteUrl {
    /// The longest address, in bytes.
    pub const BYTES_MAX: usize = 2048;

    /// An address from its text.
    ///
    /// # Errors
    /// `InvalidInput` if it is none of the kinds above.
    pub fn new(text: &str) -> Result<Self, Error> {
        if text.len() <= Self::BYTES_MAX && text.bytes().all(is_plain) && (is_web(text) || is_native(text)) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "this address cannot be registered: give https, or http on the loopback, without a fragment",
        ))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a server can be reached there, not only an application on the user's device.
    pub(crate) fn is_web(&self) -> bool {
        is_web(&self.0)
    }
}

impl fmt::Display for SiteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Visible ASCII without what ends an attribute of HTML, a header or a path to a browser.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"'<>\\^`{|}#".contains(&byte)
}

fn is_web(text: &str) -> bool {
    let host_of = |rest: &str| rest.split(['/', '?']).next().map(str::to_owned).unwrap_or_default();
    if let Some(rest) = text.strip_prefix("https://") {
        return is_host(&host_of(rest));
    }
    let Some(rest) = text.strip_prefix("http://") else {
        return false;
    };
    let host = host_of(rest);
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    ["127.0.0.1", "[::1]", "localhost"].contains(&name.map_or(host.as_str(), |(name, _)| name))
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && !host.starts_with(':')
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
}

fn is_native(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.contains('.')
            && scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte))
            && rest.starts_with('/')
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::SiteUrl;

    #[test]
    fn what_could_lead_astray_is_refused() {
        for bad in [
            "",
            "https://",
            "https:///cb",
            "https://:80/",
            "https://a@b/",
            "https://a b/",
            "https://a/\n",
            "https://a\\b/",
            "https://a/#x",
            "//a/",
            "javascript:alert(1)",
            "data:text/html,x",
            "http://127.0.0.1.example/",
            "http://localhost:x/",
            "http://127.0.0.1@example/",
            "HTTPS://a/",
        ] {
            assert!(SiteUrl::new(bad).is_err(), "{bad}");
        }
        for good in ["https://a", "https://a:1/b?c=d", "http://[::1]:8/", "http://localhost/"] {
            assert_eq!(SiteUrl::new(good).unwrap().as_str(), good);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(https?://|[a-z.]{1,9}:/)?\\PC{0,30}") {
            if let Ok(url) = SiteUrl::new(&text) {
                prop_assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
