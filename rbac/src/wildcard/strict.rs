//! The strict mode: `*` is one whole segment, the last one is one or more.

use super::STAR;
use crate::name::{NameFault, in_segment};

pub(super) fn stranger(segment: &str) -> Option<char> {
    if segment == STAR {
        return None;
    }
    segment.chars().find(|&c| !in_segment(c))
}

pub(super) fn star_fault(text: &str) -> Option<NameFault> {
    let mut after_star = text.split(':').skip_while(|&segment| segment != STAR);
    after_star.any(|segment| segment != STAR).then_some(NameFault::LiteralAfterStar)
}

pub(super) fn matches(granted: &str, asked: &str) -> bool {
    let mut asked = asked.split(':');
    let mut open = false;
    for granted in granted.split(':') {
        let Some(segment) = asked.next() else { return false };
        open = granted == STAR;
        if !open && granted != segment {
            return false;
        }
    }
    open || asked.next().is_none()
}

/// Both begin with letters and end with stars. The more letters and the more stars, the fewer names match.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    matches(wide, narrow)
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_pattern_covers_what_matches_less() {
        for (wide, narrow) in
            [("a:*", "a:*"), ("a:*", "a:*:*"), ("a:*", "a:b:*"), ("*", "*:*"), ("*:*", "a:*")]
        {
            assert!(covers(wide, narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [("a:b", "a:*"), ("a:*:*", "a:*"), ("a:*", "*"), ("a:*", "b:*"), ("*:*", "*")] {
            assert!(!covers(wide, narrow), "{wide} {narrow}");
        }
    }
}
