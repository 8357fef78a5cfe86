//! A statement as a value: text with `?` where values go, and the values. Each database writes the marks in its own way.

use crate::UnixMillis;

/// What is bound to a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(Option<String>),
    Number(i64),
}

/// One statement.
#[derive(Debug, Clone)]
#[expect(unnameable_types, reason = "a sealed trait that is public speaks of it")]
pub struct Statement<'a> {
    text: &'a str,
    values: Vec<Value>,
}

impl<'a> Statement<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, values: Vec::new() }
    }

    /// The same statement with one more value.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The pieces of text, each with the value that follows it.
    pub(super) fn parts(self) -> impl Iterator<Item = (&'a str, Option<Value>)> {
        let mut values = self.values.into_iter();
        self.text.split('?').map(move |text| (text, values.next()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<UnixMillis> for Value {
    /// A moment never exceeds the year 9999, so it always fits.
    fn from(at: UnixMillis) -> Self {
        Self::Number(i64::try_from(at.as_millis()).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    /// Rows of one order are few, so their number always fits.
    fn from(count: usize) -> Self {
        Self::Number(i64::try_from(count).unwrap_or(i64::MAX))
    }
}
