//! The text of a matcher of casbin, taken apart: what stands between `&&`, in parentheses, in quotes, in a call.

/// Without spaces, but for those in quotes.
pub(super) fn squeezed(text: &str) -> String {
    let mut quote = None;
    let keep = |&char: &char| {
        quote = match (char, quote) {
            (char, Some(open)) => (char != open).then_some(open),
            ('"' | '\'', None) => Some(char),
            _ => None,
        };
        quote.is_some() || !char.is_whitespace()
    };
    text.chars().filter(keep).collect()
}

/// The parts between a sign that stands outside of parentheses and quotes.
pub(super) fn split_top<'a>(text: &'a str, sign: &str) -> Vec<&'a str> {
    let (mut depth, mut quote, mut from) = (0_usize, None, 0);
    let mut parts = Vec::new();
    for (at, char) in text.char_indices() {
        match (char, quote) {
            (char, Some(open)) => quote = (char != open).then_some(open),
            ('"' | '\'', None) => quote = Some(char),
            ('(', None) => depth += 1,
            (')', None) => depth = depth.saturating_sub(1),
            _ if depth == 0 && at >= from && text.get(at..).is_some_and(|rest| rest.starts_with(sign)) => {
                parts.extend(text.get(from..at));
                from = at + sign.len();
            }
            _ => {}
        }
    }
    parts.extend(text.get(from..));
    parts
}

/// Without parentheses around the whole.
pub(super) fn unwrapped(mut text: &str) -> &str {
    while let Some(inside) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        let mut depth = 0_usize;
        for char in inside.chars() {
            match char {
                '(' => depth += 1,
                ')' if depth == 0 => return text,
                ')' => depth -= 1,
                _ => {}
            }
        }
        text = inside;
    }
    text
}

pub(super) fn quoted(text: &str) -> Option<&str> {
    let inside = |quote| text.strip_prefix(quote).and_then(|text: &str| text.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).filter(|name| !name.contains(['"', '\'']))
}

/// A function and its arguments.
pub(super) fn call(condition: &str) -> Option<(&str, Vec<&str>)> {
    let (name, inside) = condition.strip_suffix(')')?.split_once('(')?;
    let plain =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()) && !inside.contains(['(', ')']);
    plain.then(|| (name, inside.split(',').collect()))
}
