//! Which names a known_hosts line is about: patterns, or one hashed name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// The length of a SHA-1 digest, and of the salt beside it.
const SHA1_BYTES: usize = 20;

/// The first field of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    /// Patterns in lower case, separated by commas in the file.
    Patterns(Vec<String>),
    /// The HMAC-SHA-1 of one name under a salt.
    Hashed { salt: [u8; SHA1_BYTES], hash: [u8; SHA1_BYTES] },
}

impl Names {
    pub(super) fn parse(field: &str) -> Option<Self> {
        let Some(hashed) = field.strip_prefix("|1|") else {
            let plain = !field.starts_with('|') && !field.is_empty();
            return plain.then(|| Self::Patterns(field.split(',').map(str::to_ascii_lowercase).collect()));
        };
        let (salt, hash) = hashed.split_once('|')?;
        Some(Self::Hashed { salt: digest(salt)?, hash: digest(hash)? })
    }

    /// Whether the line is about `name`, which is in lower case. One negated match outweighs all others.
    pub(super) fn contain(&self, name: &str) -> bool {
        match self {
            Self::Hashed { salt, hash } => hmac_sha1(salt, name.as_bytes()) == *hash,
            Self::Patterns(patterns) => {
                let negated =
                    |pattern: &String| pattern.strip_prefix('!').is_some_and(|not| matches(not, name));
                !patterns.iter().any(negated) && patterns.iter().any(|pattern| matches(pattern, name))
            }
        }
    }
}

fn digest(text: &str) -> Option<[u8; SHA1_BYTES]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// `*` stands for any text, `?` for one byte. The time is bounded by the product of the lengths.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.as_bytes(), name.as_bytes());
    let mut after_star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), name.split_first()) {
            (Some((b'*', rest)), _) => {
                after_star = Some((rest, name));
                pattern = rest;
                continue;
            }
            (Some((want, rest_pattern)), Some((have, rest_name))) if want == have || *want == b'?' => {
                (pattern, name) = (rest_pattern, rest_name);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        // A mismatch: let the last star swallow one byte more, if there is one.
        let Some((rest_pattern, [_, rest_name @ ..])) = after_star else {
            return false;
        };
        after_star = Some((rest_pattern, rest_name));
        (pattern, name) = (rest_pattern, rest_name);
    }
}

/// RFC 2104 for keys of at most one block; a salt is such a key.
fn hmac_sha1(key: &[u8; SHA1_BYTES], message: &[u8]) -> [u8; SHA1_BYTES] {
    let pad = |with: u8| {
        let mut block = [with; 64];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha1::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha1::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_agrees_with_rfc_2202() {
        // Test case 1.
        let want = b"\xb6\x17\x31\x86\x55\x05\x72\x64\xe2\x8b\xc0\xb6\xfb\x37\x8c\x8e\xf1\x46\xbe\x00";
        assert_eq!(&hmac_sha1(&[0x0b; 20], b"Hi There"), want);
        // Test case 3.
        let want = b"\x12\x5d\x73\x42\xb9\xac\x11\xcd\x91\xa3\x9a\xf4\x8a\xa1\x7b\x4f\x63\xf1\x75\xd3";
        assert_eq!(&hmac_sha1(&[0xaa; 20], &[0xdd; 50]), want);
    }

    #[test]
    fn wildcards() {
        for (pattern, name, want) in [
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("*a*b*", "xxaxxbxx", true),
            ("?", "", false),
            ("a?c", "abc", true),
            ("", "a", false),
            ("[10.0.0.*]:2222", "[10.0.0.7]:2222", true),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn a_hard_pattern_ends_soon() {
        assert!(!matches(&"*a".repeat(500), &"a".repeat(400)));
    }
}
