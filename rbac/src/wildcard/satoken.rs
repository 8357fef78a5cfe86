//! Sa-Token's `vagueMatch`: a `*` is any characters, also none and also `:`; everything else is itself.

use super::STAR;
use crate::name::{NameFault, in_segment};

pub(super) fn fault(text: &str) -> Option<NameFault> {
    let stranger = text.chars().find(|&c| !in_segment(c) && !matches!(c, ':' | '*'));
    stranger.map(NameFault::Character)
}

/// The pieces between the stars stand in the asked text one after the other. The first match of each is as good as
/// any later one, so nothing is tried twice.
pub(super) fn matches(granted: &str, asked: &str) -> bool {
    let Some((start, rest)) = granted.split_once(STAR) else {
        return granted == asked;
    };
    let Some(mut open) = asked.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once(STAR).unwrap_or(("", rest));
    for piece in middle.split(STAR) {
        let Some((_, after)) = open.split_once(piece) else { return false };
        open = after;
    }
    open.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn pieces_stand_in_order_and_do_not_overlap() {
        for (granted, asked) in
            [("*", ""), ("a*", "a"), ("a*b", "ab"), ("a*b*c", "a1b:2c"), ("**", "x"), ("*b", "bb")]
        {
            assert!(matches(granted, asked), "{granted} {asked}");
        }
        for (granted, asked) in
            [("aba*aba", "aba"), ("a*b", "a"), ("a*b*b", "ab"), ("user:*", "user"), ("a", "ab")]
        {
            assert!(!matches(granted, asked), "{granted} {asked}");
        }
    }
}
