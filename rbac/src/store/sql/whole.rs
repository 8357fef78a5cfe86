//! Whole tables of SQLite, each in one row as two JSON lists.
//!
//! The driver hands rows over one by one from a thread of its own, which takes several times longer than reading them.
//! As lists they come at once, and JSON keeps any stored text apart from its neighbours. One list is of the first column.
//! The other is of the rest, of which most rows hold in all but one column what they usually hold, so that this one is all
//! it says of them:
//!
//! ```json
//! ["alice","bob"]
//! ["editor",["clerk","branch-1",null,1767225600000]]
//! ```
//!
//! An object would be one list, but its names end where a text holds a zero byte.

use std::borrow::Cow;

use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::backend::Keep;
use super::record::Cell;
use super::table::{self, Table};

pub(super) async fn table(
    connection: &mut SqliteConnection,
    table: &'static Table,
    keep: Keep<'_>,
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(select(table));
    let row = query.build().fetch_one(connection).await?;
    let (firsts, others) = (text(row.try_get(0)?), text(row.try_get(1)?));
    each_row(table, [&firsts, &others], keep)
        .ok_or_else(|| sqlx::Error::Decode("the database gave no such lists".into()))
}

/// The lists: the first column; the second one, or all but the first.
fn select(table: &Table) -> String {
    let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
    let first = names.first().copied().unwrap_or_default();
    let second = names.get(1).copied().unwrap_or_default();
    let others = format!("json_array({})", names.get(1..).unwrap_or_default().join(", "));
    let value = match usual(table) {
        Some([]) => second.to_owned(),
        Some(usual) => {
            let is_usual = names.iter().skip(2).zip(usual);
            let is_usual: Vec<_> =
                is_usual.map(|(name, usual)| format!("{name} IS {}", usual.literal())).collect();
            format!("CASE WHEN {} THEN {second} ELSE {others} END", is_usual.join(" AND "))
        }
        None => others,
    };
    format!("SELECT json_group_array({first}), json_group_array({value}) FROM {}", table.name)
}

/// Bytes that are no text become marks, which no name may hold.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    // The check alone is several times faster than the one that can mend.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// None if the texts are no such lists, equally long: the database writes them, whatever the rows hold.
fn each_row(table: &Table, [firsts, others]: [&str; 2], keep: Keep<'_>) -> Option<()> {
    let unsaid = usual(table).unwrap_or_default();
    let (mut firsts, mut others) = (List::new(firsts)?, List::new(others)?);
    let mut row = Vec::with_capacity(table.columns.len());
    loop {
        match (firsts.more()?, others.more()?) {
            (true, true) => row.clear(),
            (false, false) => return Some(()),
            _ => return None,
        }
        row.push(firsts.next()?);
        if let Some(list) = others.rest.strip_prefix('[') {
            others.rest = cells(list, &mut row)?;
        } else {
            row.push(others.next()?);
            row.extend(unsaid.iter().map(|usual| usual.cell()));
        }
        keep(&row);
    }
}

/// A list that is read from left to right, written without blanks.
struct List<'a> {
    rest: &'a str,
    begun: bool,
}

impl<'a> List<'a> {
    fn new(text: &'a str) -> Option<Self> {
        text.strip_prefix('[').map(|rest| Self { rest, begun: false })
    }

    /// Whether another value comes.
    fn more(&mut self) -> Option<bool> {
        if let Some(end) = self.rest.strip_prefix(']') {
            return end.is_empty().then_some(false);
        }
        if self.begun {
            self.rest = self.rest.strip_prefix(',')?;
        }
        self.begun = true;
        Some(true)
    }

    fn next(&mut self) -> Option<Cell<'a>> {
        let (cell, rest) = one(self.rest)?;
        self.rest = rest;
        Some(cell)
    }
}

/// The cells of a list of at least one, and what comes after it.
fn cells<'a>(list: &'a str, row: &mut Vec<Cell<'a>>) -> Option<&'a str> {
    let mut rest = list;
    loop {
        let (cell, after) = one(rest)?;
        row.push(cell);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.strip_prefix(']'),
        }
    }
}

/// A text, a whole number or null, and what comes after it.
fn one(value: &str) -> Option<(Cell<'_>, &str)> {
    if value.starts_with('"') {
        return quoted(value);
    }
    let (word, rest) = value.split_at_checked(value.bytes().position(|b| matches!(b, b',' | b']'))?)?;
    let cell = match word {
        "" => return None,
        "null" => Cell::Null,
        // Any other word stays a text, which is a fault where a number is due.
        word => word.parse().map_or_else(|_| Cell::Text(Cow::Borrowed(word)), Cell::Number),
    };
    Some((cell, rest))
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

/// What a column of most rows holds.
#[derive(Clone, Copy, Debug)]
enum Usual {
    Null,
    Number(i64),
    Text(&'static str),
}

/// What all columns but the first two hold in most rows; none if nothing is usual.
fn usual(table: &Table) -> Option<&'static [Usual]> {
    use Usual::{Null, Number, Text};

    const USUAL: [(&str, &[Usual]); 5] = [
        (table::USERS.name, &[Number(1), Null]),
        (table::ROLES.name, &[Number(1), Text("nothing")]),
        (table::DEPARTMENTS.name, &[Null]),
        (table::ASSIGNMENTS.name, &[Text(""), Null, Null]),
        (table::GRANTS.name, &[Text("strict"), Text("allow")]),
    ];
    let known = USUAL.iter().find(|(name, _)| *name == table.name).map(|(_, usual)| *usual);
    known.or_else(|| (table.columns.len() == 2).then_some(&[]))
}

impl Usual {
    fn literal(self) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(word) => format!("'{word}'"),
        }
    }

    const fn cell(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Number(number) => Cell::Number(number),
            Self::Text(word) => Cell::Text(Cow::Borrowed(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn rows(table: &Table, lists: [&str; 2]) -> Option<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        let value = |cell: &Cell<'_>| match cell {
            Cell::Null => Value::Null,
            Cell::Number(number) => Value::from(*number),
            Cell::Text(text) => Value::from(text.as_ref()),
        };
        each_row(table, lists, &mut |row| rows.push(row.iter().map(value).collect())).map(|()| rows)
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[a-z\"\\\\,:{}\\]\\[]{0,6}"]
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            text().prop_map(Value::from),
            Just(Value::from("")),
            Just(Value::from(1)),
        ]
    }

    #[test]
    fn tables_are_asked_for_what_is_unusual() {
        assert_eq!(
            select(&table::USERS),
            "SELECT json_group_array(id), json_group_array(CASE WHEN active IS 1 AND department IS NULL THEN label \
             ELSE json_array(label, active, department) END) FROM rbac_user"
        );
        assert_eq!(
            select(&table::INHERITANCE),
            "SELECT json_group_array(senior), json_group_array(junior) FROM rbac_role_inheritance"
        );
        assert_eq!(
            select(&table::DUTIES),
            "SELECT json_group_array(name), json_group_array(json_array(label, kind, cardinality)) FROM rbac_duty"
        );
    }

    #[test]
    fn what_is_usual_is_said_of_all_columns_but_two() {
        for table in [&table::USERS, &table::ROLES, &table::DEPARTMENTS, &table::ASSIGNMENTS, &table::GRANTS]
        {
            assert_eq!(usual(table).map(<[_]>::len), Some(table.columns.len() - 2), "{}", table.name);
        }
    }

    #[test]
    fn what_is_no_such_list_is_no_rows() {
        let read = |firsts, others| rows(&table::DOMAINS, [firsts, others]);
        assert_eq!(read("[]", "[]"), Some(vec![]));
        assert_eq!(read("[\"a\"]", "[[\"b\"]]"), Some(vec![vec!["a".into(), "b".into()]]));
        for (firsts, others) in [
            ("", "[]"),
            ("[]", ""),
            ("[1]", "[1,2]"),
            ("[1,2]", "[1]"),
            ("[1", "[1]"),
            ("[1]x", "[1]"),
            ("[1]", "[1]x"),
            ("[\"a", "[1]"),
            ("[\"\\", "[1]"),
            ("]", "]"),
            ("[1,]", "[1,2]"),
            ("[1]", "[[]]"),
            ("[1]", "[[1]"),
            ("[1]", "[[1,]]"),
            ("[1,2]", "[[1]2]"),
            ("[[1]]", "[1]"),
        ] {
            assert_eq!(read(firsts, others), None, "{firsts} {others}");
        }
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_lists(wanted in prop::collection::vec([value(), value(), value(), value()], 0..8)) {
            let firsts: Vec<_> = wanted.iter().map(|[first, ..]| first.clone()).collect();
            let other = |[_, second, third, fourth]: &[Value; 4]| {
                let is_usual = third.as_i64() == Some(1) && fourth.is_null();
                let all = Value::from(vec![second.clone(), third.clone(), fourth.clone()]);
                if is_usual { second.clone() } else { all }
            };
            let others: Vec<_> = wanted.iter().map(other).collect();
            let lists = [Value::from(firsts).to_string(), Value::from(others).to_string()];
            let found = rows(&table::USERS, [&lists[0], &lists[1]]).unwrap();
            prop_assert_eq!(found, wanted.into_iter().map(Vec::from).collect::<Vec<_>>());
        }

        #[test]
        fn any_text_is_read_or_refused(one in any::<String>(), other in "[{}:\\[\\],\"\\\\a1 ]{0,20}") {
            for text in [format!("[{one}]"), one, format!("[{other}"), other] {
                let _read = rows(&table::USERS, [&text, &text]);
                let _read = rows(&table::USERS, ["[1,2,3]", &text]);
            }
        }
    }
}
