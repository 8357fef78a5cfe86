//! The PEM text of an unencrypted PKCS #8 private key (RFC 7468, section 10).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
const LINE_CHARS: usize = 64;

/// The bytes of the one key in a PEM text, or nothing.
pub(crate) fn decode(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let body = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
    for line in body.lines() {
        base64.push_str(line.trim_end());
    }
    STANDARD.decode(base64.as_bytes()).ok().map(Zeroizing::new)
}

/// The PEM text of a key.
pub(crate) fn encode(der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut pem = Zeroizing::new(String::with_capacity(base64.len() * 2 + BEGIN.len() + END.len()));
    pem.push_str(BEGIN);
    for (place, character) in base64.chars().enumerate() {
        if place % LINE_CHARS == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push('\n');
    pem.push_str(END);
    pem.push('\n');
    pem
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{decode, encode};

    proptest! {
        #[test]
        fn what_is_written_can_be_read(der in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(decode(&encode(&der)).unwrap().to_vec(), der);
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(-----BEGIN PRIVATE KEY-----)?\\PC{0,80}(-----END PRIVATE KEY-----)?") {
            if let Some(der) = decode(&text) {
                prop_assert_eq!(decode(&encode(&der)).unwrap(), der);
            }
        }
    }
}
