//! Text as a JSON string that shows no control character to whoever looks at the file.

/// Appends `text` without the quotes around it. C0, DEL and C1 become `\u` escapes, or `\n`, `\r`, `\t`.
pub(super) fn escape(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some((plain, tail)) = rest.split_at_checked(plain_len(rest)) {
        out.extend_from_slice(plain);
        rest = match tail {
            [] => return,
            [0xc2, byte @ 0x80..=0x9f, tail @ ..] => {
                escape_control(*byte, out);
                tail
            }
            [byte, tail @ ..] => {
                escape_byte(*byte, out);
                tail
            }
        };
    }
}

/// How many bytes at the front stay as they are. A long output is looked at eight bytes at once.
fn plain_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let found = words.iter().enumerate().find_map(|(at, word)| {
        let marks = special_bytes(u64::from_le_bytes(*word));
        (marks != 0).then(|| 8 * at + usize::try_from(marks.trailing_zeros() / 8).unwrap_or_default())
    });
    found.unwrap_or_else(|| {
        let in_rest = rest.iter().position(|byte| special(*byte));
        bytes.len() - rest.len() + in_rest.unwrap_or(rest.len())
    })
}

/// Bytes that have to be looked at: `c2` is the first one of every C1 control.
fn special(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | b'"' | b'\\' | 0x7f | 0xc2)
}

/// The same for eight bytes: the lowest bit of the result that is set lies in the first byte that is special. Above that
/// one a subtraction may have borrowed, and the marks mean nothing.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word & HIGHEST;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\') | equal(0x7f) | equal(0xc2)
}

fn escape_byte(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0..=0x1f | 0x7f => escape_control(byte, out),
        // The first byte of a character that is no control.
        _ => out.push(byte),
    }
}

fn escape_control(byte: u8, out: &mut Vec<u8>) {
    let hex = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EDGES: &[u8] =
        &[0, 1, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7e, 0x7f, 0x80, 0xc1, 0xc2, 0xc3, 0xff];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_text_comes_back_and_no_control_is_left(text in "[\\x00-\\xa8\"\\\\€😀]{0,60}") {
            let mut out = b"\"".to_vec();
            escape(&text, &mut out);
            out.push(b'"');
            let written = String::from_utf8(out).unwrap();
            prop_assert!(!written.chars().any(char::is_control), "{:?}", written);
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }

        #[test]
        fn eight_bytes_at_once_are_as_one_by_one(bytes in prop::collection::vec(near(), 0..40)) {
            let one_by_one = bytes.iter().take_while(|byte| !special(**byte)).count();
            prop_assert_eq!(plain_len(&bytes), one_by_one);
        }
    }

    /// Mostly plain bytes, and the neighbours of all that are special.
    fn near() -> impl Strategy<Value = u8> {
        prop_oneof![20 => b'a'..=b'z', 1 => prop::sample::select(EDGES), 1 => any::<u8>()]
    }
}
