//! The armour of certificates (RFC 7468), read leniently: Alipay's lines have 76 columns, others have text around.

use crate::key::LENIENT;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest base64 of one certificate.
const BODY_CHARS_MAX: usize = 32_768;

/// What stands between the armour lines of each certificate. An armour that is not closed ends the search.
pub(super) fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (label, after) = rest.split_once("-----BEGIN ")?.1.split_once("-----")?;
            let (body, after) = after.split_once("-----END ")?;
            rest = after;
            // `X509 CERTIFICATE` and `TRUSTED CERTIFICATE` are older names; requests and lists are something else.
            if label.ends_with("CERTIFICATE") {
                return Some(body);
            }
        }
    })
}

/// The bytes of one block, or of a bare base64 text.
pub(super) fn decode(body: &str) -> Option<Vec<u8>> {
    let packed: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if packed.len() > BODY_CHARS_MAX {
        return None;
    }
    LENIENT.decode(packed).ok()
}

/// The armour as RFC 7468 section 3 writes it.
pub(super) fn encode(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----");
    for (place, character) in STANDARD.encode(der).chars().enumerate() {
        if place % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}
