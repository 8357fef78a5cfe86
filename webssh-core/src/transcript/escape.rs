//! Text as a JSON string that shows no control character to whoever looks at the file.

/// Appends `text` without the quotes around it. C0, DEL and C1 become `\u` escapes, or `\n`, `\r`, `\t`.
pub(super) fn escape(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((plain, tail)) = rest.bytes().position(special).and_then(|at| rest.split_at_checked(at)) {
        out.extend_from_slice(plain.as_bytes());
        let mut chars = tail.chars();
        if let Some(first) = chars.next() {
            escape_char(first, out);
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Bytes that begin a character to be looked at: `c2` is the first one of every C1 control.
fn special(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | b'"' | b'\\' | 0x7f | 0xc2)
}

fn escape_char(c: char, out: &mut Vec<u8>) {
    let short = match c {
        '"' => Some(b'"'),
        '\\' => Some(b'\\'),
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        _ => None,
    };
    if let Some(short) = short {
        out.extend_from_slice(&[b'\\', short]);
    } else if c.is_control() {
        let byte = u8::try_from(c).unwrap_or_default();
        let hex = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]);
    } else {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
    }
}
