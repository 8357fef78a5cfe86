//! Text as a JSON string that shows no control character to whoever looks at the file.

/// Bytes that are looked at at once.
const BLOCK: usize = 512;

/// Plain bytes that are copied at once: a copy of a fixed length takes a few instructions.
const RUN: usize = 32;

/// Appends `text` without the quotes around it. C0, DEL and C1 become `\u` escapes, or `\n`, `\r`, `\t`.
pub(super) fn escape(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len());
    let mut marks = [0; BLOCK];
    let mut done = 0;
    for (n, block) in bytes.chunks(BLOCK).enumerate() {
        mark(block, &mut marks);
        let words = marks.as_chunks::<8>().0.iter().take(block.len().div_ceil(8));
        for (m, word) in words.enumerate() {
            let mut left = u64::from_le_bytes(*word);
            while left != 0 {
                let at = BLOCK * n + 8 * m + usize::try_from(left.trailing_zeros() / 8).unwrap_or_default();
                left &= left - 1;
                push_plain(bytes.get(done..).unwrap_or_default(), at - done, out);
                done = at + escape_first(bytes.get(at..).unwrap_or_default(), out);
            }
        }
    }
    out.extend_from_slice(bytes.get(done..).unwrap_or_default());
}

/// A 1 for each byte of the block that has to be looked at, a 0 for all others. `c2` is the first byte of every C1
/// control. Without branches, so that the compiler compares sixteen bytes at once.
fn mark(block: &[u8], marks: &mut [u8; BLOCK]) {
    for (mark, byte) in marks.iter_mut().zip(block) {
        let control = (*byte < 0x20) | (*byte == 0x7f) | (*byte == 0xc2);
        *mark = u8::from(control | (*byte == b'"') | (*byte == b'\\'));
    }
    if let Some(rest) = marks.get_mut(block.len()..) {
        rest.fill(0);
    }
}

/// Appends the first `len` bytes as they are.
#[inline]
fn push_plain(bytes: &[u8], len: usize, out: &mut Vec<u8>) {
    match bytes.first_chunk::<RUN>() {
        Some(run) if len <= RUN => {
            let end = out.len() + len;
            out.extend_from_slice(run);
            out.truncate(end);
        }
        _ => out.extend_from_slice(bytes.get(..len).unwrap_or(bytes)),
    }
}

/// Appends the byte at the front, or the two of a C1 control. Gives how many it were.
#[inline]
fn escape_first(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let letter = match bytes.first() {
        Some(byte @ (b'"' | b'\\')) => *byte,
        Some(b'\n') => b'n',
        Some(b'\r') => b'r',
        Some(b'\t') => b't',
        _ => return escape_rare(bytes, out),
    };
    out.extend_from_slice(&[b'\\', letter]);
    1
}

#[cold]
fn escape_rare(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    match bytes {
        [0xc2, byte @ 0x80..=0x9f, ..] => {
            escape_control(*byte, out);
            return 2;
        }
        [byte @ (0..=0x1f | 0x7f), ..] => escape_control(*byte, out),
        // A character that is no control.
        [byte, ..] => out.push(*byte),
        [] => {}
    }
    1
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
        fn any_text_comes_back_and_no_control_is_left(
            pieces in prop::collection::vec("[\\x00-\\xa8\"\\\\€😀]{0,60}|[a-z]{0,700}", 0..4),
        ) {
            let text = pieces.concat();
            let mut out = b"\"".to_vec();
            escape(&text, &mut out);
            out.push(b'"');
            let written = String::from_utf8(out).unwrap();
            prop_assert!(!written.chars().any(char::is_control), "{:?}", written);
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }

        #[test]
        fn blocks_are_marked_as_one_byte_after_the_other(block in prop::collection::vec(near(), 0..=BLOCK)) {
            let mut marks = [7; BLOCK];
            mark(&block, &mut marks);
            let special = |byte: &u8| matches!(byte, 0..=0x1f | b'"' | b'\\' | 0x7f | 0xc2);
            let one_by_one: Vec<u8> = block.iter().map(|byte| u8::from(special(byte))).collect();
            prop_assert_eq!(marks.get(..block.len()).unwrap(), &one_by_one[..]);
            prop_assert!(marks.iter().skip(block.len()).all(|mark| *mark == 0));
        }
    }

    /// Mostly plain bytes, and the neighbours of all that are special.
    fn near() -> impl Strategy<Value = u8> {
        prop_oneof![20 => b'a'..=b'z', 1 => prop::sample::select(EDGES), 1 => any::<u8>()]
    }
}
