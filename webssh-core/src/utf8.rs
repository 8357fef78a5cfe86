//! Where output may be cut so that no UTF-8 character is torn apart.

/// The length of `bytes` without a character that has begun but not ended: at most 3 bytes less.
///
/// Bytes that are not UTF-8 and cannot become UTF-8 are never held back.
pub(crate) fn whole_chars(bytes: &[u8]) -> usize {
    let tail_max = bytes.len().min(3);
    for tail in 1..=tail_max {
        let cut = bytes.len() - tail;
        let Some(rest) = bytes.get(cut..) else { break };
        if rest.first().is_some_and(|byte| is_continuation(*byte)) {
            continue;
        }
        let unfinished = std::str::from_utf8(rest).is_err_and(|error| error.error_len().is_none());
        return if unfinished { cut } else { bytes.len() };
    }
    bytes.len()
}

/// How many bytes at the front of `bytes` end a character that began before them: at most 3.
///
/// More continuation bytes than a character can have are not UTF-8, and are not held back.
pub(crate) fn torn_head(bytes: &[u8]) -> usize {
    let stray = bytes.iter().take(4).take_while(|byte| is_continuation(**byte)).count();
    if stray > 3 { 0 } else { stray }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn holds_back_a_begun_character_and_nothing_else() {
        assert_eq!(whole_chars(b""), 0);
        assert_eq!(whole_chars(b"abc"), 3);
        assert_eq!(whole_chars("a€".as_bytes()), 4);
        assert_eq!(whole_chars(b"a\xe2"), 1);
        assert_eq!(whole_chars(b"a\xe2\x82"), 1);
        assert_eq!(whole_chars(b"\xf0\x9f\x98"), 0);
        assert_eq!(whole_chars(b"a\x80\x80\x80\x80"), 5, "stray continuations go through");
        assert_eq!(whole_chars(b"a\xc0\xaf"), 3, "so does an overlong form");
        assert_eq!(whole_chars(b"a\xff"), 2);
    }

    #[test]
    fn a_torn_head_is_what_is_left_of_a_character() {
        assert_eq!(torn_head("€".as_bytes()), 0);
        assert_eq!(torn_head(b"\x82\xacb"), 2);
        assert_eq!(torn_head(b"\x9f\x98\x80"), 3);
        assert_eq!(torn_head(b"\x80\x80\x80\x80b"), 0, "no character has four of them");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_rest_of_text_becomes_text(text in "\\PC{0,40}", at in any::<prop::sample::Index>()) {
            let rest = &text.as_bytes()[at.index(text.len() + 1)..];
            prop_assert!(std::str::from_utf8(&rest[torn_head(rest)..]).is_ok());
        }

        #[test]
        fn any_cut_of_text_becomes_text(text in "\\PC{0,40}", at in any::<prop::sample::Index>()) {
            let bytes = &text.as_bytes()[..at.index(text.len() + 1)];
            let cut = whole_chars(bytes);
            prop_assert!(bytes.len() - cut <= 3);
            prop_assert!(std::str::from_utf8(&bytes[..cut]).is_ok());
        }

        #[test]
        fn any_bytes_lose_at_most_three(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(bytes.len() - whole_chars(&bytes) <= 3);
        }
    }
}
