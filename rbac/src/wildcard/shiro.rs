//! Apache Shiro's `WildcardPermission`: parts joined by `:`, lists joined by `,`, letters of either case.

use super::STAR;
use crate::name::{NameFault, in_segment};

pub(super) fn fault(text: &str) -> Option<NameFault> {
    let stranger = text.chars().find(|&c| !in_segment(c) && !matches!(c, ':' | ',' | '*'));
    if let Some(found) = stranger {
        return Some(NameFault::Character(found));
    }
    let words = || text.split(':').flat_map(|part| part.split(','));
    if words().any(str::is_empty) {
        return Some(NameFault::EmptySegment);
    }
    words().any(|word| word.contains(STAR) && word != STAR).then_some(NameFault::Character('*'))
}

/// Each asked part is in the granted one, or that holds `*`; a granted text that ends earlier implies the rest, one
/// that goes on must hold `*` in every further part.
pub(super) fn implies(granted: &str, asked: &str) -> bool {
    let mut granted = granted.split(':');
    for asked in asked.split(':') {
        let Some(part) = granted.next() else { return true };
        if !has(part, STAR) && !asked.split(',').all(|word| has(part, word)) {
            return false;
        }
    }
    granted.all(|part| has(part, STAR))
}

fn has(part: &str, wanted: &str) -> bool {
    part.split(',').any(|word| word.eq_ignore_ascii_case(wanted))
}
