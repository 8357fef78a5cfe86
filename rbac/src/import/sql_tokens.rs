//! The text of a dump of MySQL or MariaDB as words, names, texts and signs: quotes, escapes and comments end here.

use super::unreadable;
use crate::error::Error;

pub(super) const WHAT: &str = "sql dump";

/// A piece of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Letters and digits without quotes: a keyword, a name, a number.
    Word(&'a str),
    /// A name in backticks.
    Name(String),
    /// A text in quotes.
    Text(String),
    Sign(char),
}

/// Takes a dump apart.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    pub(super) line: usize,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// The next piece; none at the end.
    pub(super) fn token(&mut self) -> Result<Option<Token<'a>>, Error> {
        self.skip_blank()?;
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        if matches!(first, '\'' | '"' | '`') {
            self.advance(1);
            let text = self.quoted(first)?;
            return Ok(Some(if first == '`' { Token::Name(text) } else { Token::Text(text) }));
        }
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '@' | '.');
        if in_word(first) && first != '.' {
            let end = self.rest.find(|c| !in_word(c)).unwrap_or(self.rest.len());
            return Ok(Some(Token::Word(self.advance(end))));
        }
        self.advance(first.len_utf8());
        Ok(Some(Token::Sign(first)))
    }

    /// Takes so many bytes, and counts their lines.
    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += taken.bytes().filter(|&byte| byte == b'\n').count();
        self.rest = rest;
        taken
    }

    /// Spaces and the three kinds of comments.
    fn skip_blank(&mut self) -> Result<(), Error> {
        loop {
            let blank = self.rest.find(|c: char| !c.is_whitespace()).unwrap_or(self.rest.len());
            self.advance(blank);
            let dashes = self.rest.strip_prefix("--");
            let line_comment =
                dashes.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
            if line_comment || self.rest.starts_with('#') {
                self.advance(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                let line = self.line;
                let Some(end) = self.rest.find("*/") else {
                    return Err(unreadable(WHAT, format!("line {line}"), "a comment never ends"));
                };
                self.advance(end + 2);
            } else {
                return Ok(());
            }
        }
    }

    /// The inside of quotes. A doubled quote is one; a backslash changes what follows, but not in a name.
    fn quoted(&mut self, quote: char) -> Result<String, Error> {
        let (began, mut text) = (self.line, String::new());
        loop {
            let special = |c: char| c == quote || (c == '\\' && quote != '`');
            let Some(at) = self.rest.find(special) else {
                let fault = format!("a quote `{quote}` is never closed; give the whole dump");
                return Err(unreadable(WHAT, format!("line {began}"), fault));
            };
            text.push_str(self.advance(at));
            if self.advance(1) == "\\" {
                let escaped = self.rest.chars().next();
                self.advance(escaped.map_or(0, char::len_utf8));
                text.extend(escaped.into_iter().flat_map(unescaped));
            } else if self.rest.starts_with(quote) {
                self.advance(1);
                text.push(quote);
            } else {
                return Ok(text);
            }
        }
    }
}

/// What a backslash and this character stand for (MySQL manual, "String Literals").
fn unescaped(char: char) -> impl Iterator<Item = char> {
    let (first, second) = match char {
        '0' => ('\0', None),
        'b' => ('\u{8}', None),
        'n' => ('\n', None),
        'r' => ('\r', None),
        't' => ('\t', None),
        'Z' => ('\u{1a}', None),
        '%' | '_' => ('\\', Some(char)),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}
