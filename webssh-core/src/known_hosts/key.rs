//! A public host key and its fingerprint.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Inner};

/// The longest key, in bytes; a 16384-bit RSA key has about 2 KiB.
const KEY_BYTES_MAX: usize = 16 * 1024;

/// A public host key: its algorithm name and its bytes as they go over the wire (RFC 4253, section 6.6).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostKey {
    algorithm: String,
    blob: Vec<u8>,
}

/// `SHA256:` and the unpadded base64 of the SHA-256 of a key, as OpenSSH shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl HostKey {
    /// Takes the bytes of a key; the algorithm name stands at their start.
    ///
    /// # Errors
    /// `InvalidInput` when there is no readable name at the start, nothing after it, or more than 16 KiB.
    pub fn from_blob(blob: &[u8]) -> Result<Self, Error> {
        if blob.len() > KEY_BYTES_MAX {
            return Err(Inner::HostKey("it has more than 16 KiB").into());
        }
        let algorithm = algorithm(blob).ok_or(Inner::HostKey("it does not start with an algorithm name"))?;
        Ok(Self { algorithm: algorithm.to_owned(), blob: blob.to_vec() })
    }

    pub(super) fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok().and_then(|blob| Self::from_blob(&blob).ok())
    }

    /// The algorithm name, such as `ssh-ed25519`.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The bytes as they go over the wire.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Whether this is a certificate of OpenSSH: a key together with what an authority says of it.
    #[must_use]
    pub fn is_certificate(&self) -> bool {
        self.algorithm.ends_with("-cert-v01@openssh.com")
    }

    /// What to show to a person.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&self.blob))))
    }

    /// The two fields that follow the host in a known_hosts line.
    #[must_use]
    pub fn to_line_fields(&self) -> String {
        format!("{} {}", self.algorithm, STANDARD.encode(&self.blob))
    }
}

impl Fingerprint {
    /// The text, such as `SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name at the start of a key, if something follows it.
fn algorithm(blob: &[u8]) -> Option<&str> {
    let (len, rest) = blob.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
    let (name, key) = rest.split_at_checked(len)?;
    let good = (1..=64).contains(&len) && !key.is_empty() && name.iter().all(u8::is_ascii_graphic);
    good.then(|| std::str::from_utf8(name).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_key_are_refused() {
        for blob in [
            &b""[..],
            b"\0\0\0\x04rsa",
            b"\0\0\0\x03rsa",
            b"\xff\xff\xff\xffrsa1",
            b"\0\0\0\x03r\x1ba1",
            b"\0\0\0\0a",
        ] {
            assert!(HostKey::from_blob(blob).is_err(), "{blob:?}");
        }
        assert_eq!(HostKey::from_blob(b"\0\0\0\x03rsa1").unwrap().algorithm(), "rsa");
    }
}
