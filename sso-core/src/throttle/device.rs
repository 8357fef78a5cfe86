//! The proof that an account has been used from a device: a cookie beside the session's, good for nothing else.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::edge;
use crate::error::Error;
use crate::throttle::guess::CounterKey;
use crate::time::UnixMillis;

/// The key under which an application signs [`DeviceProof`]s, the same on all its servers.
///
/// If it is lost or changed, every device is unknown again, and nothing worse happens.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{DeviceKey, DeviceProof, Guess, UnixMillis};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = DeviceKey::new([7; 32]);
/// let now = UnixMillis::now();
///
/// // After a successful login: a fresh proof, beside the session's cookie.
/// let proof = key.issue("alice", now.saturating_add(Duration::from_secs(180 * 24 * 3600)))?;
/// let set_cookie = proof.set_cookie(now);
/// assert!(set_cookie.starts_with("__Host-device="));
///
/// // Before the next one.
/// # let header = set_cookie.split(';').next().unwrap_or_default();
/// let mut guess = Guess::new("alice", "192.0.2.7".parse()?);
/// if let Some(proof) = DeviceProof::from_cookies(header) {
///     guess = guess.with_device(&key, &proof, now);
/// }
/// assert_ne!(guess, Guess::new("alice", "192.0.2.7".parse()?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DeviceKey(Zeroizing<[u8; 32]>);

impl DeviceKey {
    /// A key from 32 bytes of a cryptographic random source, kept with the application's other secrets.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// A proof that an account, by the name that its guesses have, has been used from a device.
    ///
    /// # Errors
    /// `Unavailable` if the system has no random bytes.
    pub fn issue(&self, account: &str, expires_at: UnixMillis) -> Result<DeviceProof, Error> {
        Ok(self.issue_to(account, edge::random()?, expires_at))
    }

    /// The same for a device that is named by bytes of a cryptographic random source.
    #[must_use]
    pub fn issue_to(&self, account: &str, device: [u8; 16], expires_at: UnixMillis) -> DeviceProof {
        let expires_at_secs = expires_at.as_secs();
        let mac = self.mac(&CounterKey::account(account), &device, expires_at_secs);
        DeviceProof { device, expires_at_secs, mac }
    }

    /// Whether a proof is of this key, about this account, and not over.
    pub(crate) fn holds(&self, proof: &DeviceProof, account: &CounterKey, now: UnixMillis) -> bool {
        let ours = self.mac(account, &proof.device, proof.expires_at_secs);
        bool::from(ours.ct_eq(&proof.mac)) && now.as_secs() < proof.expires_at_secs
    }

    fn mac(&self, account: &CounterKey, device: &[u8; 16], expires_at_secs: u64) -> [u8; 32] {
        // A key as long as this one is taken as it is by HMAC (RFC 2104, section 2): this way it cannot fail.
        let mut block = Zeroizing::new([0; 64]);
        for (to, from) in block.iter_mut().zip(self.0.iter()) {
            *to = *from;
        }
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(b"device proof 1");
        mac.update(account.digest());
        mac.update(device);
        mac.update(&expires_at_secs.to_be_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(..)")
    }
}

/// What a device shows: its random name, when the proof ends, and the signature over both and the account.
///
/// Its text is `<22 characters>.<1 to 13 digits>.<43 characters>`. It signs nobody in: it only decides which
/// counter a guess is charged to.
#[derive(Clone)]
pub struct DeviceProof {
    device: [u8; 16],
    expires_at_secs: u64,
    mac: [u8; 32],
}

impl DeviceProof {
    /// The name of the cookie.
    pub const COOKIE: &str = "__Host-device";
    /// The longest text of a proof, in bytes.
    pub const TEXT_BYTES_MAX: usize = 22 + 1 + 13 + 1 + 43;
    /// The longest `Cookie` header that is read, in bytes.
    pub const HEADER_BYTES_MAX: usize = 16 * 1024;

    /// Reads the text of a proof; `None` if it is not exactly such a text. Only a [`DeviceKey`] knows if it holds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::TEXT_BYTES_MAX {
            return None;
        }
        let mut parts = text.split('.');
        let (device, expiry, mac) = (parts.next()?, parts.next()?, parts.next()?);
        let plain = expiry == "0" || !expiry.starts_with('0');
        if parts.next().is_some() || !plain || !expiry.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self { device: bytes(device)?, expires_at_secs: expiry.parse().ok()?, mac: bytes(mac)? })
    }

    /// Reads the value of a `Cookie` header; `None` if it has no proof, a malformed one, or several.
    #[must_use]
    pub fn from_cookies(header: &str) -> Option<Self> {
        let header = Some(header).filter(|header| header.len() <= Self::HEADER_BYTES_MAX)?;
        let pairs = header.split(';').filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='));
        let mut ours = pairs.filter(|(name, _)| *name == Self::COOKIE).map(|(_, value)| value);
        match (ours.next(), ours.next()) {
            (Some(text), None) => Self::parse(text),
            (None | Some(_), _) => None,
        }
    }

    /// The value of a `Set-Cookie` header that hands the proof out until it ends.
    #[must_use]
    pub fn set_cookie(&self, now: UnixMillis) -> String {
        let max_age_secs = self.expires_at_secs.saturating_sub(now.as_secs());
        let (name, text) = (Self::COOKIE, self.expose());
        format!("{name}={text}; Path=/; Max-Age={max_age_secs}; Secure; HttpOnly; SameSite=Lax")
    }

    /// The text for the device.
    #[must_use]
    pub fn expose(&self) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        format!("{}.{}.{}", encode(&self.device), self.expires_at_secs, encode(&self.mac))
    }

    pub(crate) fn device(&self) -> &[u8] {
        &self.device
    }
}

/// Exactly `N` bytes of strict base64url.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

impl fmt::Debug for DeviceProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceProof").field("expires_at_secs", &self.expires_at_secs).finish_non_exhaustive()
    }
}
