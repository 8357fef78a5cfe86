//! The seal on every text that the gate hands out: HMAC-SHA-256 (RFC 2104) over fields that carry their
//! lengths. What the fields mean is not known here.

use std::fmt;
use std::iter::once;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::fault::in_range;
use crate::error::Error;

pub(super) const MAC_BYTES: usize = 32;
pub(super) const TAG_BYTES: usize = 16;
/// The block of SHA-256. A shorter secret is filled up with zeros, as RFC 2104 says.
const BLOCK_BYTES: usize = 64;

/// 32 to 64 secret bytes, wiped when dropped and never printed.
#[derive(Clone)]
pub(super) struct Secret(Zeroizing<[u8; BLOCK_BYTES]>);

impl Secret {
    pub(super) const BYTES_MIN: u64 = 32;
    pub(super) const BYTES_MAX: u64 = 64;

    pub(super) fn new(secret: &[u8]) -> Result<Self, Error> {
        let length = u128::try_from(secret.len()).unwrap_or(u128::MAX);
        in_range("length of the token secret in bytes", length, Self::BYTES_MIN, Self::BYTES_MAX)?;
        Ok(Self::padded(secret))
    }

    /// INVARIANT: callers bring at most a block; RFC 2104 would hash a longer key first.
    fn padded(secret: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        block.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
        Self(block)
    }

    /// The code over `body` as it goes into the text.
    pub(super) fn mac(&self, domain: &str, body: &[u8]) -> [u8; MAC_BYTES] {
        self.over(&fields(domain, &[body])).finalize().into_bytes().into()
    }

    /// Whether `mac` seals `body`, in constant time.
    pub(super) fn sealed(&self, domain: &str, body: &[u8], mac: &[u8; MAC_BYTES]) -> bool {
        self.over(&fields(domain, &[body])).verify_slice(mac).is_ok()
    }

    /// A name for `parts` that only the holder of the secret can make, so that it tells nobody who a
    /// buyer is.
    pub(super) fn tag(&self, domain: &str, parts: &[&[u8]]) -> [u8; TAG_BYTES] {
        let whole: [u8; MAC_BYTES] = self.over(&fields(domain, parts)).finalize().into_bytes().into();
        let mut tag = [0; TAG_BYTES];
        tag.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        tag
    }

    fn over(&self, input: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new((&*self.0).into());
        mac.update(input);
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The domain and the parts, each behind its length as eight bytes, big end first: no two lists give the
/// same bytes.
pub(super) fn fields(domain: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in once(domain.as_bytes()).chain(parts.iter().copied()) {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn code(key: &[u8], data: &[u8]) -> String {
        hex(&Secret::padded(key).over(data).finalize().into_bytes())
    }

    /// RFC 4231, sections 4.2 to 4.4.
    #[test]
    fn codes_are_those_of_rfc_4231() {
        assert_eq!(
            code(&[0x0b; 20], b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            code(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            code(&[0xaa; 20], &[0xdd; 50]),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        );
    }

    #[test]
    fn no_two_lists_of_fields_are_the_same_bytes() {
        assert_ne!(fields("d", &[b"ab", b"c"]), fields("d", &[b"a", b"bc"]));
        assert_ne!(fields("d", &[b"", b"a"]), fields("d", &[b"a", b""]));
        assert_ne!(fields("d", &[b"a"]), fields("da", &[]));
        assert_eq!(fields("d", &[b"ab"]), b"\0\0\0\0\0\0\0\x01d\0\0\0\0\0\0\0\x02ab");
    }
}
