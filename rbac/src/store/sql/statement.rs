//! A statement as a value: text with `?` where values go, and the values. Each database writes the marks in its own
//! way; the other differences between them are the words in [`Words`].

use crate::name::DepartmentId;
use crate::time::UnixMillis;

use super::table::Table;

/// How many values one statement carries at most: what the strictest database was built for.
const VALUES_MAX: usize = 900;
/// How many rows one DELETE names at most: the depth of an expression has limits too.
const DELETED_ROWS_MAX: usize = 200;

/// What is bound to a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(Option<i64>),
    Flag(bool),
}

/// One statement.
#[derive(Debug)]
#[expect(unnameable_types, reason = "a sealed trait that is public speaks of it")]
pub struct Statement {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

/// How a database says that a row which is there already becomes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(unnameable_types, reason = "a sealed trait that is public speaks of it")]
pub enum Upsert {
    /// `ON CONFLICT .. DO UPDATE`: SQLite, PostgreSQL.
    OnConflict,
    /// `ON DUPLICATE KEY UPDATE`: MySQL, MariaDB.
    OnDuplicateKey,
}

impl Statement {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// The same statement with one more value.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds one row that must not be there yet.
    pub(super) fn insert(table: &Table, row: Vec<Value>) -> Self {
        let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let text = format!("INSERT INTO {} ({}) VALUES ({marks})", table.name, names.join(", "));
        Self { text, values: row }
    }

    /// Removes the rows in which these columns have these values.
    pub(super) fn deletes(table: &Table, columns: &[&str], keys: Vec<Vec<Value>>) -> Vec<Self> {
        let one = columns.iter().map(|column| format!("{column} = ?")).collect::<Vec<_>>().join(" AND ");
        let rows_max = (VALUES_MAX / columns.len().max(1)).min(DELETED_ROWS_MAX);
        in_pieces(keys, rows_max, |count| {
            let rows = vec![format!("({one})"); count].join(" OR ");
            format!("DELETE FROM {} WHERE {rows}", table.name)
        })
    }

    /// Adds the rows; of those that are there already only the columns `set` become others.
    pub(super) fn upserts(style: Upsert, table: &Table, set: &[&str], rows: Vec<Vec<Value>>) -> Vec<Self> {
        let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        let row = format!("({})", vec!["?"; names.len()].join(", "));
        let tail = style.tail(&table.keys().collect::<Vec<_>>(), set);
        in_pieces(rows, VALUES_MAX / names.len().max(1), |count| {
            let rows = vec![row.as_str(); count].join(", ");
            format!("INSERT INTO {} ({}) VALUES {rows}{tail}", table.name, names.join(", "))
        })
    }
}

impl Upsert {
    fn tail(self, keys: &[&str], set: &[&str]) -> String {
        let assign = |say: fn(&str) -> String, names: &[&str]| {
            names.iter().map(|name| say(name)).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::OnConflict if set.is_empty() => format!(" ON CONFLICT ({}) DO NOTHING", keys.join(", ")),
            Self::OnConflict => {
                let set = assign(|name| format!("{name} = excluded.{name}"), set);
                format!(" ON CONFLICT ({}) DO UPDATE SET {set}", keys.join(", "))
            }
            Self::OnDuplicateKey => {
                // A key that becomes what it is: the way to say that nothing happens.
                let set = if set.is_empty() { keys } else { set };
                format!(" ON DUPLICATE KEY UPDATE {}", assign(|name| format!("{name} = VALUES({name})"), set))
            }
        }
    }
}

/// One statement for every so many rows.
fn in_pieces(rows: Vec<Vec<Value>>, rows_max: usize, text: impl Fn(usize) -> String) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let piece: Vec<_> = rows.by_ref().take(rows_max.max(1)).collect();
        let text = text(piece.len());
        statements.push(Statement { text, values: piece.into_iter().flatten().collect() });
    }
    statements
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<DepartmentId> for Value {
    fn from(id: DepartmentId) -> Self {
        Self::Number(Some(id.get()))
    }
}

impl From<Option<DepartmentId>> for Value {
    fn from(id: Option<DepartmentId>) -> Self {
        Self::Number(id.map(DepartmentId::get))
    }
}

impl From<UnixMillis> for Value {
    /// A moment never exceeds the year 9999, so it always fits.
    fn from(at: UnixMillis) -> Self {
        Self::Number(Some(i64::try_from(at.get()).unwrap_or(i64::MAX)))
    }
}

impl From<Option<UnixMillis>> for Value {
    fn from(at: Option<UnixMillis>) -> Self {
        at.map_or(Self::Number(None), Self::from)
    }
}
