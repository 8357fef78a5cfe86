//! UTF-8 that arrives in pieces: the same text as [`String::from_utf8_lossy`] gives for the whole.

use crate::utf8::whole_chars;

/// Decodes pieces; a character that has begun is kept for the next piece.
#[derive(Debug, Default)]
pub(crate) struct Lossy {
    /// At most three bytes.
    held: Vec<u8>,
}

impl Lossy {
    /// Hands the text of `bytes`, and of what was kept before, to `sink` in pieces that are never empty.
    pub(crate) fn decode(&mut self, bytes: &[u8], mut sink: impl FnMut(&str)) {
        let joined;
        let bytes = if self.held.is_empty() {
            bytes
        } else {
            self.held.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.held);
            &joined
        };
        let (whole, rest) = bytes.split_at(whole_chars(bytes));
        // The check alone is several times faster than looking for what is wrong.
        match std::str::from_utf8(whole) {
            Ok("") => {}
            Ok(text) => sink(text),
            Err(_) => mended(whole, &mut sink),
        }
        self.held.extend_from_slice(rest);
    }

    /// There is no more: a character that was kept will never be whole.
    pub(crate) fn finish(&mut self, sink: impl FnOnce(&str)) {
        if !self.held.is_empty() {
            self.held.clear();
            sink("\u{fffd}");
        }
    }
}

fn mended(bytes: &[u8], sink: &mut impl FnMut(&str)) {
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            sink(chunk.valid());
        }
        if !chunk.invalid().is_empty() {
            sink("\u{fffd}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_cuts_give_the_text_of_the_whole(pieces in prop::collection::vec(pieces(), 0..12)) {
            let (mut lossy, mut text) = (Lossy::default(), String::new());
            for piece in &pieces {
                lossy.decode(piece, |part| { assert!(!part.is_empty()); text.push_str(part); });
                prop_assert!(lossy.held.len() <= 3);
            }
            lossy.finish(|part| text.push_str(part));
            let all = pieces.concat();
            prop_assert_eq!(text, String::from_utf8_lossy(&all));
        }
    }

    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop::sample::select(&b"a\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9\xff\xc0\xed\xa0"[..]);
        prop_oneof![prop::collection::vec(byte, 0..6), prop::collection::vec(any::<u8>(), 0..6)]
    }
}
