//! An entry of a stream as it lies there: an id and fields.

use redis::Value;

/// An entry of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    /// The entries in the answer of `XRANGE` or `XCLAIM`, or of one stream in that of `XREADGROUP`. Entries
    /// that were deleted meanwhile are left out.
    pub(crate) fn list(answer: Value) -> Option<Vec<Self>> {
        let Value::Array(rows) = answer else { return matches!(answer, Value::Nil).then(Vec::new) };
        rows.into_iter().filter(|row| *row != Value::Nil).map(Self::one).collect()
    }

    fn one(row: Value) -> Option<Self> {
        let Value::Array(row) = row else { return None };
        let mut row = row.into_iter();
        let id = String::from_utf8(bytes(row.next()?)?).ok()?;
        let fields = match row.next()? {
            Value::Array(flat) => pairs(flat)?,
            Value::Nil => Vec::new(),
            _ => return None,
        };
        Some(Self { id, fields })
    }

    /// The text of a field.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(field, _)| field == name.as_bytes())?;
        std::str::from_utf8(value).ok()
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

fn pairs(flat: Vec<Value>) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut flat = flat.into_iter();
    let mut pairs = Vec::with_capacity(flat.len() / 2);
    while let Some(name) = flat.next() {
        pairs.push((bytes(name)?, bytes(flat.next()?)?));
    }
    Some(pairs)
}
