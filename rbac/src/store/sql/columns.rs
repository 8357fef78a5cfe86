//! Whole tables of SQLite in one row each, as one JSON list a column.
//!
//! The driver hands rows over one by one from a thread of its own, which takes several times longer than reading them.
//! As lists they come at once, and JSON keeps any stored text apart from its neighbours. The lists are read in step,
//! without a copy of what is in them.

use std::borrow::Cow;

use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::backend::Keep;
use super::record::Cell;
use super::table::Table;

pub(super) async fn whole(
    connection: &mut SqliteConnection,
    table: &'static Table,
    keep: Keep<'_>,
) -> Result<(), sqlx::Error> {
    let lists: Vec<_> =
        table.columns.iter().map(|column| format!("json_group_array({})", column.name)).collect();
    let mut query = QueryBuilder::<Sqlite>::new(format!("SELECT {} FROM {}", lists.join(", "), table.name));
    let row = query.build().fetch_one(connection).await?;
    let texts = (0..lists.len()).map(|at| row.try_get::<&[u8], _>(at).map(text));
    let texts: Vec<Cow<'_, str>> = texts.collect::<Result<_, _>>()?;
    let mut columns: Vec<_> = texts.iter().map(|text| List { rest: text, begun: false }).collect();
    by_row(&mut columns, keep).ok_or_else(|| sqlx::Error::Decode("the database gave no lists".into()))
}

/// Bytes that are no text become marks, which no name may hold.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    // The check alone is several times faster than the one that can mend.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// None if a list is no list, or they are not equally long: the database fills them together.
fn by_row(columns: &mut [List<'_>], keep: Keep<'_>) -> Option<()> {
    let mut row = Vec::with_capacity(columns.len());
    loop {
        row.clear();
        for column in &mut *columns {
            row.extend(column.next()?);
        }
        if row.is_empty() {
            return Some(());
        }
        if row.len() < columns.len() {
            return None;
        }
        keep(&row);
    }
}

/// A JSON list of texts, whole numbers and nulls, written without blanks, read from left to right.
struct List<'a> {
    rest: &'a str,
    begun: bool,
}

impl<'a> List<'a> {
    /// The next value; some none at the end, none if it is no such list.
    fn next(&mut self) -> Option<Option<Cell<'a>>> {
        if let Some(end) = self.rest.strip_prefix(']').filter(|_| self.begun) {
            return end.is_empty().then_some(None);
        }
        let before = if self.begun { ',' } else { '[' };
        let value = self.rest.strip_prefix(before)?;
        if !self.begun && value == "]" {
            (self.rest, self.begun) = (value, true);
            return Some(None);
        }
        self.begun = true;
        let (cell, rest) = if value.starts_with('"') { quoted(value)? } else { plain(value)? };
        self.rest = rest;
        Some(Some(cell))
    }
}

/// A text, and what comes after it.
fn quoted(value: &str) -> Option<(Cell<'_>, &str)> {
    let inside = value.strip_prefix('"')?;
    let (text, rest) = inside.split_at_checked(inside.bytes().position(|b| matches!(b, b'"' | b'\\'))?)?;
    if let Some(rest) = rest.strip_prefix('"') {
        return Some((Cell::Text(Cow::Borrowed(text)), rest));
    }
    let mut values = serde_json::Deserializer::from_str(value).into_iter::<String>();
    let text = values.next()?.ok()?;
    let (_, rest) = value.split_at_checked(values.byte_offset())?;
    Some((Cell::Text(Cow::Owned(text)), rest))
}

/// A number or null, and what comes after it. Any other word stays a text, which is a fault where a number is due.
fn plain(value: &str) -> Option<(Cell<'_>, &str)> {
    let (word, rest) = value.split_at_checked(value.bytes().position(|b| matches!(b, b',' | b']'))?)?;
    let cell = match word {
        "" => return None,
        "null" => Cell::Null,
        word => word.parse().map_or_else(|_| Cell::Text(Cow::Borrowed(word)), Cell::Number),
    };
    Some((cell, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// All that the lists hold, row by row.
    fn rows(texts: &[String]) -> Option<Vec<Vec<Value>>> {
        let mut columns: Vec<_> = texts.iter().map(|text| List { rest: text, begun: false }).collect();
        let mut rows = Vec::new();
        let value = |cell: &Cell<'_>| match cell {
            Cell::Null => Value::Null,
            Cell::Number(number) => Value::from(*number),
            Cell::Text(text) => Value::from(text.as_ref()),
        };
        by_row(&mut columns, &mut |row| rows.push(row.iter().map(value).collect())).map(|()| rows)
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a-z\"\\\\,\\]\\[]{0,6}".prop_map(Value::from),
        ]
    }

    #[test]
    fn what_is_no_list_is_no_rows() {
        let lists = |texts: &[&str]| rows(&texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(lists(&["[]", "[]"]), Some(vec![]));
        for texts in [
            &["", "[]"][..],
            &["[1]", "[1,2]"],
            &["[1,2]", "[1]"],
            &["[1", "[1]"],
            &["[1]x", "[1]"],
            &["[\"a", "[1]"],
            &["[\"\\", "[1]"],
            &["]", "]"],
            &["[1,]", "[1,2]"],
        ] {
            assert_eq!(lists(texts), None, "{texts:?}");
        }
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_lists(wanted in prop::collection::vec([value(), value(), value()], 0..8)) {
            let columns: Vec<String> = (0..3)
                .map(|at| Value::from(wanted.iter().map(|row| row[at].clone()).collect::<Vec<_>>()).to_string())
                .collect();
            let found = rows(&columns).unwrap();
            prop_assert_eq!(found, wanted.iter().map(|row| row.to_vec()).collect::<Vec<_>>());
        }

        #[test]
        fn any_text_is_read_or_refused(one in any::<String>(), other in "[\\[\\],\"\\\\a1 ]{0,20}") {
            for text in [format!("[{one}]"), one, format!("[{other}"), other] {
                let _rows = rows(&[text]);
            }
        }
    }
}
