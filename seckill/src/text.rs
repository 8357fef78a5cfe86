//! Escaping of names where some bytes mean something: `~` and two hexadecimal digits for each such byte.

use std::borrow::Cow;

/// Bytes that stand for themselves in a URL and beside a full stop.
pub(crate) fn in_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Bytes that stand for themselves in a list of words: all but spaces, controls and the escape itself.
#[cfg(any(test, feature = "redis"))]
pub(crate) fn in_list(byte: u8) -> bool {
    byte > 0x20 && byte != 0x7f && byte != b'~'
}

/// Escapes the bytes of `text` that are not `plain`.
pub(crate) fn escape(text: &str, plain: fn(u8) -> bool) -> Cow<'_, str> {
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if plain(byte) {
            bytes.push(byte);
        } else {
            bytes.extend([b'~', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    // Whole characters are escaped or kept: every byte of one is above 0x7f, and `plain` treats them alike.
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads what [`escape`] wrote; `None` for what it never writes.
pub(crate) fn unescape(text: &str, plain: fn(u8) -> bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'~' {
            bytes.push(plain(byte).then_some(byte)?);
            continue;
        }
        let escaped = (value(rest.next()?)? << 4) | value(rest.next()?)?;
        bytes.push((!plain(escaped)).then_some(escaped)?);
    }
    String::from_utf8(bytes).ok()
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'A' + value - 10 }
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: [fn(u8) -> bool; 2] = [in_url, in_list];

    proptest! {
        #[test]
        fn names_survive(name in ".{0,40}") {
            for plain in PLAIN {
                let escaped = escape(&name, plain);
                prop_assert!(escaped.bytes().all(|byte| plain(byte) || byte == b'~'));
                prop_assert_eq!(unescape(&escaped, plain), Some(name.clone()));
            }
        }

        #[test]
        fn what_is_read_is_what_would_be_written(text in "[a~0-9A-F ]{0,12}") {
            for plain in PLAIN {
                if let Some(name) = unescape(&text, plain) {
                    prop_assert_eq!(&*escape(&name, plain), text.as_str());
                }
            }
        }
    }

    #[test]
    fn separators_are_escaped() {
        assert_eq!(escape("a b\n~买", in_list), "a~20b~0A~7E买");
        assert_eq!(escape("a@b", in_url), "a~40b");
    }
}
