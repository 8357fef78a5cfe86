//! The file format of casbin's models: sections, keys, lines that go on.

use std::collections::BTreeMap;

use super::unreadable;
use crate::error::Error;
use crate::name::shown;

pub(super) const WHAT: &str = "casbin model";

/// The sections of a model, each with its keys; casbin's INI.
pub(super) struct Sections {
    /// By section and key: the line, and the value.
    values: BTreeMap<(String, String), (usize, String)>,
}

impl Sections {
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let mut values = BTreeMap::new();
        let mut section = String::new();
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                name.trim().clone_into(&mut section);
                continue;
            }
            let mut whole = without_comment(line).to_owned();
            while let Some(open) = whole.strip_suffix('\\') {
                whole = open.trim_end().to_owned();
                let Some((next, _)) = lines.next() else { break };
                whole.push_str(without_comment(next.trim()));
            }
            let Some((key, value)) = whole.split_once('=') else {
                let fault = format!("`{}` is no `key = value`", shown(line));
                return Err(unreadable(WHAT, format!("line {number}"), fault));
            };
            values.insert((section.clone(), key.trim().to_owned()), (number, value.trim().to_owned()));
        }
        Ok(Self { values })
    }

    fn find(&self, section: &str, key: &str) -> Option<&(usize, String)> {
        self.values.get(&(section.to_owned(), key.to_owned()))
    }

    /// A value and its place.
    pub(super) fn need(&self, section: &str, key: &str) -> Result<(String, String), Error> {
        let found =
            self.find(section, key).map(|(line, value)| (format!("model line {line}"), value.clone()));
        found.ok_or_else(|| {
            let fault = format!("there is no `{key}` in section `[{section}]`; give the whole model");
            unreadable(WHAT, "the end", fault)
        })
    }

    /// How many values a line of this kind of role has.
    pub(super) fn roles(&self, key: &str) -> Option<usize> {
        self.find("role_definition", key).map(|(_, value)| value.split(',').count())
    }
}

/// Up to a `#` that stands outside of quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, char) in line.char_indices() {
        match (char, quote) {
            ('#', None) => return line.get(..at).unwrap_or(line).trim_end(),
            ('"' | '\'', None) => quote = Some(char),
            (char, Some(open)) if char == open => quote = None,
            _ => {}
        }
    }
    line.trim_end()
}
