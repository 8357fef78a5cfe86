//! Escaping for HTML text and double-quoted attributes; nothing else about pages lives here.

/// Escapes `&`, `<`, `>`, `"` and `'`. Escaping only quotes is not enough: a browser reads `&copy=` in an
/// attribute as `©=`, and the signature over it no longer fits.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_five_characters() {
        assert_eq!(super::escape(r#"<a b="c">&'课"#), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;课");
    }
}
