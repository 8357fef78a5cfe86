//! Comma-separated records (RFC 4180), and the looser ones of casbin. Which columns there are is not known here.

use crate::error::Error;

use super::unreadable;

/// One record and the line that it begins on, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) line: usize,
    pub(crate) fields: Vec<String>,
}

/// How records are written. Both variants there will ever be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// RFC 4180: a space is part of its field.
    Exact,
    /// As casbin has it: spaces around a field go, and a line that begins with `#` is a comment.
    Loose,
}

/// The records of a text, one after the other. Empty lines are skipped.
///
/// The last one is an error if a quoted field never ends, or goes on after its quote.
pub(crate) struct Records<'a> {
    what: &'static str,
    rest: &'a str,
    line: usize,
    style: Style,
}

impl<'a> Records<'a> {
    pub(crate) const fn new(what: &'static str, text: &'a str, style: Style) -> Self {
        Self { what, rest: text, line: 1, style }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.record() {
                Ok(Some(record)) => return Some(Ok(record)),
                Ok(None) => {}
                Err(error) => {
                    self.rest = "";
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// Adds one record and a line break. A field is quoted where it must be.
pub(crate) fn write_record(text: &mut String, fields: &[&str], separator: &str) {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            text.push_str(separator);
        }
        if field.contains([',', '"', '\n', '\r', '#']) || field.trim() != *field {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push('\n');
}

impl<'a> Records<'a> {
    /// The next record; none for an empty line or a comment.
    fn record(&mut self) -> Result<Option<Record>, Error> {
        let line = self.line;
        self.skip_spaces();
        if self.style == Style::Loose && self.rest.starts_with('#') {
            self.until(['\n']);
            self.end_of_line();
            return Ok(None);
        }
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            self.end_of_line();
            break;
        }
        let empty = matches!(fields.as_slice(), [only] if only.is_empty());
        Ok((!empty).then_some(Record { line, fields }))
    }

    fn field(&mut self) -> Result<String, Error> {
        self.skip_spaces();
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let plain = self.until([',', '\n', '\r']);
            return Ok(if self.style == Style::Loose { plain.trim() } else { plain }.to_owned());
        };
        let began = self.line;
        self.rest = quoted;
        let field = self.quoted(began)?;
        self.skip_spaces();
        if self.rest.is_empty() || self.rest.starts_with([',', '\n', '\r']) {
            return Ok(field);
        }
        let fault = "something stands after the closing quote of a field; put a comma or a line break there";
        Err(unreadable(self.what, format!("line {began}"), fault))
    }

    fn quoted(&mut self, began: usize) -> Result<String, Error> {
        let mut field = String::new();
        loop {
            let Some((piece, after)) = self.rest.split_once('"') else {
                let fault = "the quote of a field is never closed; double a quote that is meant as itself";
                return Err(unreadable(self.what, format!("line {began}"), fault));
            };
            self.line += piece.bytes().filter(|&byte| byte == b'\n').count();
            field.push_str(piece);
            let Some(more) = after.strip_prefix('"') else {
                self.rest = after;
                return Ok(field);
            };
            field.push('"');
            self.rest = more;
        }
    }

    /// Takes what stands before the first of these, or everything.
    fn until<const N: usize>(&mut self, ends: [char; N]) -> &'a str {
        let (piece, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        piece
    }

    fn skip_spaces(&mut self) {
        if self.style == Style::Loose {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
        }
    }

    /// A carriage return alone ends a line too, but is none of its own before a line feed.
    fn end_of_line(&mut self) {
        let after = self.rest.strip_prefix('\r').unwrap_or(self.rest);
        self.rest = after.strip_prefix('\n').unwrap_or(after);
        self.line += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Record, Records, Style, write_record};

    fn fields(text: &str, style: Style) -> Vec<Vec<String>> {
        all(text, style).unwrap().into_iter().map(|record| record.fields).collect()
    }

    fn all(text: &str, style: Style) -> Result<Vec<Record>, crate::Error> {
        Records::new("table", text, style).collect()
    }

    #[test]
    fn records_are_those_of_the_standard() {
        assert_eq!(fields("a,b\r\nc,d", Style::Exact), [["a", "b"], ["c", "d"]]);
        assert_eq!(fields("a,\"b,\"\"c\r\nd\"\n\n ,", Style::Exact), [["a", "b,\"c\r\nd"], [" ", ""]]);
        assert_eq!(fields("# no\n p , a,\"b\" \n", Style::Loose), [["p", "a", "b"]]);
        let lines: Vec<usize> =
            all("\"a\nb\"\n\nc", Style::Exact).unwrap().iter().map(|it| it.line).collect();
        assert_eq!(lines, [1, 4]);
        for bad in ["a,\"b", "\"a\"b", "\""] {
            assert!(all(bad, Style::Exact).unwrap_err().to_string().contains("line 1"), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(
            records in prop::collection::vec(prop::collection::vec("[a,\"\r\n# é]{0,4}", 2..4), 0..4),
        ) {
            for (style, separator) in [(Style::Exact, ","), (Style::Loose, ", ")] {
                let mut text = String::new();
                for record in &records {
                    write_record(&mut text, &record.iter().map(String::as_str).collect::<Vec<_>>(), separator);
                }
                prop_assert_eq!(&fields(&text, style), &records);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            for style in [Style::Exact, Style::Loose] {
                if let Err(error) = all(&text, style) {
                    prop_assert!(!error.to_string().chars().any(char::is_control));
                }
            }
        }
    }
}
