//! The PEM text of an unencrypted private key (RFC 7468): PKCS #8, PKCS #1 and SEC 1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const LINE_CHARS: usize = 64;
/// Some tools write the name of the curve in a block of its own before the key.
const EC_PARAMETERS: &str = "EC PARAMETERS";

/// What the bytes of a block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `PRIVATE KEY`: any kind of key (RFC 5208).
    Pkcs8,
    /// `RSA PRIVATE KEY` (RFC 8017, appendix A.1.2).
    Pkcs1,
    /// `EC PRIVATE KEY` (RFC 5915).
    Sec1,
}

impl Form {
    const ALL: [Self; 3] = [Self::Pkcs8, Self::Pkcs1, Self::Sec1];

    const fn label(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PRIVATE KEY",
            Self::Pkcs1 => "RSA PRIVATE KEY",
            Self::Sec1 => "EC PRIVATE KEY",
        }
    }
}

/// The form and the bytes of the one key in a PEM text, or nothing.
pub(crate) fn decode(pem: &str) -> Option<(Form, Zeroizing<Vec<u8>>)> {
    let text = pem.trim();
    let text = block(text, EC_PARAMETERS).map_or(text, |(_, rest)| rest.trim_start());
    let (form, (body, rest)) =
        Form::ALL.into_iter().find_map(|form| Some((form, block(text, form.label())?)))?;
    if !rest.is_empty() {
        return None;
    }
    let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
    for line in body.lines() {
        base64.push_str(line.trim_end());
    }
    Some((form, Zeroizing::new(STANDARD.decode(base64.as_bytes()).ok()?)))
}

/// The body of the block of this label at the start of a text, and what follows the block.
fn block<'a>(text: &'a str, label: &str) -> Option<(&'a str, &'a str)> {
    let after = text.strip_prefix("-----BEGIN ")?.strip_prefix(label)?.strip_prefix("-----")?;
    after.split_once(&format!("-----END {label}-----"))
}

/// The PEM text of a PKCS #8 key.
pub(crate) fn encode(der: &[u8]) -> Zeroizing<String> {
    let label = Form::Pkcs8.label();
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut pem = Zeroizing::new(String::with_capacity(base64.len() * 2 + 64));
    for part in ["-----BEGIN ", label, "-----"] {
        pem.push_str(part);
    }
    for (place, character) in base64.chars().enumerate() {
        if place % LINE_CHARS == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    for part in ["\n-----END ", label, "-----\n"] {
        pem.push_str(part);
    }
    pem
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Form, decode, encode};

    #[test]
    fn a_block_of_curve_parameters_may_stand_before_a_key() {
        let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        let key = "-----BEGIN EC PRIVATE KEY-----\r\nAAAA\r\n-----END EC PRIVATE KEY-----\r\n";
        assert_eq!(decode(&format!("{parameters}{key}")).unwrap(), (Form::Sec1, vec![0; 3].into()));
        assert_eq!(decode(parameters), None);
        assert_eq!(decode(&format!("{key}{key}")), None);
        assert_eq!(decode(&key.replace("EC PRIVATE", "ENCRYPTED PRIVATE")), None);
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(der in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (form, read) = decode(&encode(&der)).unwrap();
            prop_assert_eq!((form, read.to_vec()), (Form::Pkcs8, der));
        }

        #[test]
        fn any_text_is_read_without_panic(
            text in "(-----BEGIN (RSA |EC )?PRIVATE KEY-----)?\\PC{0,80}(-----END (RSA |EC )?PRIVATE KEY-----)?",
        ) {
            if let Some((_, der)) = decode(&text) {
                prop_assert_eq!(decode(&encode(&der)).unwrap().1, der);
            }
        }
    }
}
