//! The cookie that ties a sign-in to the browser in which it began, as text (RFC 6265).

use zeroize::Zeroizing;

use crate::social::attempt::BrowserSecret;
use crate::social::pending::PENDING_MILLIS;

/// The name and the attributes of the cookie that holds a [`BrowserSecret`] while somebody signs in.
///
/// `SameSite=Lax` sends it along when the provider's page leads back. One secret serves several attempts of one
/// browser, in several tabs.
///
/// ```
/// use sso_core::social::{BrowserCookie, BrowserSecret};
///
/// let cookie = BrowserCookie::host();
/// let secret = BrowserSecret::new([7; 32]);
/// let set = cookie.set(&secret);
/// assert!(set.starts_with("__Host-gh-sign-in=0707"));
/// assert!(set.ends_with("; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"));
/// assert_eq!(cookie.read("a=b; __Host-gh-sign-in=x"), None);
/// assert_eq!(cookie.read(&format!("a=b; __Host-gh-sign-in={}", *secret.expose())), Some(secret));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrowserCookie {
    name: &'static str,
    attributes: &'static str,
}

impl BrowserCookie {
    /// The longest `Cookie` header that is read, in bytes.
    pub const HEADER_BYTES_MAX: usize = 16 * 1024;

    /// The cookie `__Host-gh-sign-in`, which no other host can plant (RFC 6265bis, section 4.1.3.2).
    #[must_use]
    pub const fn host() -> Self {
        Self { name: "__Host-gh-sign-in", attributes: "; Secure; HttpOnly; SameSite=Lax" }
    }

    /// A cookie for plain http on the loopback of a developer's machine.
    #[must_use]
    pub const fn danger_insecure() -> Self {
        Self { name: "gh-sign-in", attributes: "; HttpOnly; SameSite=Lax" }
    }

    /// Reads the value of a `Cookie` header; `None` if there is no such cookie, or two, or one that is no secret.
    #[must_use]
    pub fn read(&self, header: &str) -> Option<BrowserSecret> {
        let header = Some(header).filter(|header| header.len() <= Self::HEADER_BYTES_MAX)?;
        let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        let mut ours = pairs.filter(|(name, _)| *name == self.name);
        let ((_, value), None) = (ours.next()?, ours.next()) else { return None };
        BrowserSecret::parse(value)
    }

    /// The value of a `Set-Cookie` header that hands out a secret for ten minutes. It is as secret.
    #[must_use]
    pub fn set(&self, secret: &BrowserSecret) -> Zeroizing<String> {
        let max_age_secs = PENDING_MILLIS / 1000;
        let (name, value, attributes) = (self.name, secret.expose(), self.attributes);
        Zeroizing::new(format!("{name}={}; Path=/; Max-Age={max_age_secs}{attributes}", *value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_cookies_are_none() {
        let (cookie, secret) = (BrowserCookie::host(), BrowserSecret::new([7; 32]));
        let pair = format!("__Host-gh-sign-in={}", *secret.expose());
        assert_eq!(cookie.read(&format!(" {pair} ;x")), Some(secret));
        assert_eq!(cookie.read(&format!("{pair}; {pair}")), None);
        assert_eq!(cookie.read(&format!("{pair}0")), None);
        assert_eq!(BrowserCookie::danger_insecure().read(&pair), None);
        assert_eq!(cookie.read(&format!("{pair};{}", " ".repeat(BrowserCookie::HEADER_BYTES_MAX))), None);
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(header in "((gh-sign-in|x)=\\PC{0,70};?){0,3}|\\PC{0,90}") {
            prop_assert_eq!(BrowserCookie::danger_insecure().read(&header), None);
        }
    }
}
