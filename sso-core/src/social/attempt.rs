//! One attempt to sign in: a state, and the secret of the browser in which it began. Everything else that has to
//! be kept between the two requests is computed from them, so no store holds it.

use std::fmt;

use aws_lc_rs::hmac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::jws;

/// What ties the answer of a provider to one attempt: 256 random bits as 64 lower-case hex digits.
///
/// Every provider takes this alphabet; WeChat takes little else, and at most 128 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct State(String);

impl State {
    /// How long the text is, always, in bytes.
    pub const TEXT_BYTES: usize = 64;

    /// A state from 32 bytes of a cryptographic random source.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(hex(&random))
    }

    /// Reads the text of a state; `None` if it is not exactly such a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        unhex(text).map(|bytes| Self(hex(&bytes)))
    }

    /// The state as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where a store keeps the attempt: a digest of the provider's name and the state.
    #[must_use]
    pub fn key(&self, provider: &str) -> PendingKey {
        let text = format!("{provider}\n{}", self.0);
        PendingKey(Sha256::digest(text).into())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State(..)")
    }
}

/// Where a store keeps an attempt. The state cannot be computed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PendingKey([u8; 32]);

impl PendingKey {
    /// The digest as 64 lower-case hex digits.
    #[must_use]
    pub fn digest_text(&self) -> String {
        hex(&self.0)
    }
}

/// What a browser holds in a cookie while somebody signs in: 256 random bits.
///
/// It is wiped when it is dropped, compared in constant time, and never printed. Stores know its digest.
#[derive(Clone)]
pub struct BrowserSecret(Zeroizing<[u8; 32]>);

impl BrowserSecret {
    /// A secret from 32 bytes of a cryptographic random source.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// Reads the text of a cookie; `None` if it is not 64 lower-case hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        unhex(text).map(Self::new)
    }

    /// The text for the cookie.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(self.0.as_slice()))
    }

    /// What a store may know of the browser.
    #[must_use]
    pub fn digest(&self) -> BrowserDigest {
        BrowserDigest(Sha256::digest(self.0.as_slice()).into())
    }
}

impl PartialEq for BrowserSecret {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.0.ct_eq(other.0.as_slice()))
    }
}

impl Eq for BrowserSecret {}

impl fmt::Debug for BrowserSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserSecret(..)")
    }
}

/// SHA-256 of a [`BrowserSecret`]. No cookie can be made from it.
#[derive(Clone, Copy, Debug)]
pub struct BrowserDigest([u8; 32]);

impl BrowserDigest {
    /// The digest as 64 lower-case hex digits.
    #[must_use]
    pub fn digest_text(&self) -> String {
        hex(&self.0)
    }
}

impl PartialEq for BrowserDigest {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.0.ct_eq(&other.0))
    }
}

impl Eq for BrowserDigest {}

/// One attempt: its state and the browser in which it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    state: State,
    browser: BrowserSecret,
}

impl Attempt {
    /// An attempt, new or continued.
    #[must_use]
    pub fn new(state: State, browser: BrowserSecret) -> Self {
        Self { state, browser }
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The value of `nonce` (OpenID Connect Core, section 3.1.2.1): 64 hex digits.
    pub(crate) fn nonce(&self) -> String {
        self.derive("nonce")
    }

    /// The code verifier (RFC 7636, section 4.1): 64 hex digits.
    pub(crate) fn code_verifier(&self) -> Zeroizing<String> {
        Zeroizing::new(self.derive("code verifier"))
    }

    /// The code challenge of the method S256 (RFC 7636, section 4.2).
    pub(crate) fn code_challenge(&self) -> String {
        jws::encode(Sha256::digest(self.code_verifier().as_bytes()))
    }

    /// A value for one purpose that only this browser's secret and this state give.
    fn derive(&self, purpose: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.browser.0.as_slice());
        hex(hmac::sign(&key, format!("{purpose}\n{}", self.state.0).as_bytes()).as_ref())
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// 32 bytes from exactly 64 lower-case hex digits.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect();
    bytes?.try_into().ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_derived_depends_on_browser_state_and_purpose() {
        let attempt =
            |state, browser| Attempt::new(State::new([state; 32]), BrowserSecret::new([browser; 32]));
        let (one, other_state, other_browser) = (attempt(1, 1), attempt(2, 1), attempt(1, 2));
        assert_ne!(one.nonce(), *one.code_verifier());
        assert_ne!(one.nonce(), other_state.nonce());
        assert_ne!(one.nonce(), other_browser.nonce());
        assert_eq!(one.nonce(), attempt(1, 1).nonce());
        assert_eq!((one.code_challenge().len(), one.code_verifier().len()), (43, 64));
        assert_ne!(one.state().key("qq"), one.state().key("weibo"));
        assert!(!format!("{one:?}").contains("01"));
    }

    proptest! {
        #[test]
        fn states_and_browsers_survive_their_text(random: [u8; 32]) {
            let state = State::new(random);
            prop_assert_eq!(State::parse(state.as_str()), Some(state));
            let browser = BrowserSecret::new(random);
            prop_assert_eq!(BrowserSecret::parse(&browser.expose()), Some(browser));
        }

        #[test]
        fn other_text_is_no_state(text in "[0-9a-fA-F]{62,66}|\\PC{0,64}") {
            let lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            let is_one = text.len() == 64 && text.chars().all(lower_hex);
            prop_assert_eq!(State::parse(&text).is_some(), is_one);
        }
    }
}
