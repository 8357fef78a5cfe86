//! A ring as the JSON that stores keep: written, and read without trust.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{Error, ErrorKind};
use crate::key_ring::rule::Ring;
use crate::key_ring::store::KeptRing;
use crate::key_set::algorithm::Algorithm;
use crate::key_set::signing_key::SigningKey;
use crate::time::UnixMillis;

/// The members of the text. `at` is when a key became active, was published, or will leave.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RingText {
    version: u64,
    active: KeyText,
    next: KeyText,
    retiring: Vec<KeyText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText {
    kid: String,
    alg: String,
    /// PKCS #8 as PEM, or a secret of HS256 as base64url.
    secret: String,
    at: u64,
}

impl Drop for KeyText {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// The text of a ring.
pub(crate) fn write(ring: &Ring) -> Result<KeptRing, Error> {
    let retiring = ring.retiring.iter().map(write_key).collect::<Result<_, _>>()?;
    let text = RingText {
        version: ring.version,
        active: write_key(&ring.active)?,
        next: write_key(&ring.next)?,
        retiring,
    };
    // With room from the start, the text is never copied while it grows.
    let mut json = Zeroizing::new(Vec::with_capacity(64 * 1024));
    serde_json::to_writer(&mut *json, &text).map_err(unreadable)?;
    let json = std::str::from_utf8(&json).map_err(unreadable)?;
    KeptRing::new(ring.version, Zeroizing::new(json.to_owned()))
}

/// The ring of a text.
pub(crate) fn read(kept: &KeptRing) -> Result<Ring, Error> {
    let text: RingText = serde_json::from_str(kept.expose()).map_err(unreadable)?;
    if text.version != kept.version() || text.retiring.len() > Ring::RETIRING_MAX {
        return Err(Error::new(ErrorKind::Corrupt, "the key ring of the store does not fit together"));
    }
    let retiring = text.retiring.iter().map(read_key).collect::<Result<_, _>>()?;
    Ok(Ring { version: text.version, active: read_key(&text.active)?, next: read_key(&text.next)?, retiring })
}

fn write_key((key, at): &(SigningKey, UnixMillis)) -> Result<KeyText, Error> {
    let secret = match key.hmac_secret() {
        Some(secret) => URL_SAFE_NO_PAD.encode(secret),
        None => std::mem::take(&mut *key.to_pkcs8_pem()?),
    };
    let (kid, alg) = (key.kid().to_owned(), key.algorithm().name().to_owned());
    Ok(KeyText { kid, alg, secret, at: at.as_millis() })
}

fn read_key(text: &KeyText) -> Result<(SigningKey, UnixMillis), Error> {
    let strange = || Error::new(ErrorKind::Corrupt, "the key ring of the store has a key that does not fit");
    let key = match Algorithm::parse(&text.alg).ok_or_else(strange)? {
        Algorithm::Hs256 => {
            let secret = URL_SAFE_NO_PAD.decode(text.secret.as_bytes()).map(Zeroizing::new);
            SigningKey::hs256(&secret.map_err(unreadable)?)
        }
        algorithm => SigningKey::from_pem_for(algorithm, &text.secret),
    };
    let key = key.map_err(unreadable)?;
    let at = UnixMillis::new(text.at).map_err(unreadable)?;
    if key.kid() != text.kid {
        return Err(strange());
    }
    Ok((key, at))
}

fn unreadable(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::Corrupt, "the key ring of the store cannot be read", source)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring() -> Ring {
        let key = |algorithm| SigningKey::generate(algorithm).unwrap();
        let now = UnixMillis::saturating_new(1_700_000_000_000);
        let mut ring = Ring::first(key(Algorithm::Es256), key(Algorithm::Hs256), now);
        ring.retiring.push((key(Algorithm::EdDsa), now));
        ring.retiring.push((key(Algorithm::Ps256), now));
        ring
    }

    #[test]
    fn a_ring_is_read_as_it_was_written() {
        let ring = ring();
        let kept = write(&ring).unwrap();
        let again = read(&kept).unwrap();
        assert_eq!(format!("{again:?}"), format!("{ring:?}"));
        assert_eq!(write(&again).unwrap(), kept);
        assert_eq!(format!("{kept:?}"), "KeptRing { version: 1, .. }");
        for (from, to) in [
            ("\"version\":1", "\"version\":2"),
            ("ES256", "RS256"),
            ("ES256", "none"),
            ("\"at\":17", "\"at\":-17"),
            ("\"retiring\"", "\"others\""),
        ] {
            let bad = KeptRing::new(1, Zeroizing::new(kept.expose().replacen(from, to, 1))).unwrap();
            assert_eq!(read(&bad).unwrap_err().kind(), ErrorKind::Corrupt, "{to}");
        }
        let kid = ring.active().kid();
        let other = kept.expose().replacen(kid, ring.next.0.kid(), 1);
        assert!(read(&KeptRing::new(1, Zeroizing::new(other)).unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,60}|\\{(\"(version|active|next|retiring)\":(1|\\{\\}|\\[\\]),?){0,5}\\}") {
            let kept = KeptRing::new(1, Zeroizing::new(text)).unwrap();
            prop_assert_eq!(read(&kept).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }
}
