//! AES-256-GCM, in which WeChat Pay wraps notifies and certificates (`AEAD_AES_256_GCM`, RFC 5116 section 5.2).

use crate::error::{Cause, Error};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// Bytes of a key: the APIv3 key of a merchant, 32 ASCII characters.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
const NONCE_BYTES: usize = 12;

const WHAT: &str = "encrypted resource";

/// Opens `ciphertext`, whose last 16 bytes are the tag. The plaintext is wiped when it is dropped.
///
/// # Errors
/// `Unverified` if the nonce has another length than 12, or if key, nonce, associated data and text do not fit.
pub(crate) fn open(
    key: &[u8; KEY_BYTES],
    nonce: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let refused = |why| Cause::Unverified { what: WHAT, why };
    let nonce = nonce_of(nonce).ok_or_else(|| refused("its nonce has not 12 bytes"))?;
    let key = cipher(key).ok_or_else(|| refused("the key cannot be used"))?;
    let mut text = Zeroizing::new(ciphertext.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(aad), &mut text)
        .map(|plaintext| plaintext.len())
        .map_err(|_| refused("it does not open with our key"))?;
    text.truncate(length);
    Ok(text)
}

/// Seals `plaintext`; the tag follows the text. A nonce must never come twice with one key.
#[cfg(feature = "sandbox")]
pub(crate) fn seal(
    key: &[u8; KEY_BYTES],
    nonce: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    let refused = |why| Cause::Shape { what: "resource to encrypt", why };
    let nonce = nonce_of(nonce).ok_or_else(|| refused("its nonce has not 12 bytes"))?;
    let key = cipher(key).ok_or_else(|| refused("the key cannot be used"))?;
    let mut text = plaintext.to_vec();
    key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut text).map_err(|_| refused("it is too long"))?;
    Ok(text)
}

fn nonce_of(bytes: &[u8]) -> Option<Nonce> {
    if bytes.len() == NONCE_BYTES { Nonce::try_assume_unique_for_key(bytes).ok() } else { None }
}

fn cipher(key: &[u8; KEY_BYTES]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    const VECTORS: &str = include_str!("../tests/it/vectors/wechat-crypto.json");

    #[test]
    fn vectors() {
        let file: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
        let mut opened = 0;
        for case in file["aead"].as_array().unwrap() {
            let text = |name: &str| case[name].as_str().unwrap();
            // A key of 16 bytes is none: `AEAD_AES_256_GCM` has 32.
            let Ok(key) = <&[u8; KEY_BYTES]>::try_from(text("key").as_bytes()) else { continue };
            let (nonce, aad) = (text("nonce").as_bytes(), text("associated_data").as_bytes());
            let ciphertext = STANDARD.decode(text("ciphertext")).unwrap();
            assert_eq!(*open(key, nonce, aad, &ciphertext).unwrap(), text("plaintext").as_bytes());
            assert!(open(key, nonce, b"other", &ciphertext).is_err());
            assert!(open(&[7; 32], nonce, aad, &ciphertext).is_err());
            for bad in [&nonce[1..], b"", &[nonce, b"0"].concat()] {
                assert_eq!(
                    open(key, bad, aad, &ciphertext).unwrap_err().kind(),
                    crate::ErrorKind::Unverified
                );
            }
            for length in [0, 1, 15, 16, ciphertext.len() - 1] {
                assert!(open(key, nonce, aad, &ciphertext[..length]).is_err());
            }
            opened += 1;
        }
        assert_eq!(opened, 2);
    }

    #[cfg(feature = "sandbox")]
    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn what_is_sealed_is_opened_and_a_flipped_bit_is_seen(
            key in any::<[u8; 32]>(),
            nonce in any::<[u8; 12]>(),
            aad in proptest::collection::vec(any::<u8>(), 0..20),
            text in proptest::collection::vec(any::<u8>(), 0..100),
            place in any::<prop::sample::Index>(),
            bit in 0..8_u32,
        ) {
            let mut sealed = seal(&key, &nonce, &aad, &text).unwrap();
            prop_assert_eq!(&*open(&key, &nonce, &aad, &sealed).unwrap(), &text);
            let place = place.index(sealed.len());
            sealed[place] ^= 1_u8 << bit;
            prop_assert!(open(&key, &nonce, &aad, &sealed).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn any_bytes_are_answered(nonce in proptest::collection::vec(any::<u8>(), 0..20), text in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(open(&[1; 32], &nonce, b"", &text).is_err());
        }
    }
}
