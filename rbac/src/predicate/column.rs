//! Names of columns: parsed once, so that what is written into a statement can only ever be a name.

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

use super::Dialect;
use crate::error::Error;
use crate::name::{NameFault, accept};

/// The longest name of a table or a column, in bytes: PostgreSQL cuts longer ones off.
pub const IDENTIFIER_BYTES_MAX: usize = 63;

const RULE: &str = "use `column` or `table.column`, each of 1 to 63 ascii letters, digits and `_`, \
                    not beginning with a digit";

/// A column, alone or with its table or the table's alias: `owner`, `orders.owner`.
///
/// It is quoted where it is written, so spell it as the database has it: PostgreSQL folds names to lower case when a
/// table is created without quotes.
///
/// ```
/// use rbac::Column;
///
/// let owner = Column::new("orders.owner")?;
/// assert_eq!(owner.to_string(), "orders.owner");
/// assert!(Column::new("owner = owner OR 1").is_err());
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column(SmolStr);

impl Column {
    /// Parses the name of a column.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text is anything but one or two identifiers
    /// joined by a dot, each of 1 to [`IDENTIFIER_BYTES_MAX`] ASCII letters, digits and `_`, not beginning with a
    /// digit.
    pub fn new(text: &str) -> Result<Self, Error> {
        accept("column", text, fault(text), RULE).map(Self)
    }

    /// The name as it was parsed, without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a statement has it.
    pub(super) const fn quoted(&self, dialect: Dialect) -> Quoted<'_> {
        Quoted { column: self, dialect }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Column {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

/// A column in the quotes of a dialect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoted<'a> {
    column: &'a Column,
    dialect: Dialect,
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In double quotes SQLite takes a name that it does not know for a text, and compares with that: a slip in the
        // name of a column would open all rows to the user of that name. Between grave accents it is always a name.
        let quote = match self.dialect {
            Dialect::Postgres => '"',
            Dialect::Sqlite | Dialect::Mysql => '`',
        };
        for (at, identifier) in self.column.as_str().split('.').enumerate() {
            let dot = if at == 0 { "" } else { "." };
            write!(f, "{dot}{quote}{identifier}{quote}")?;
        }
        Ok(())
    }
}

/// INVARIANT: a text without a fault holds no quote of any dialect.
fn fault(text: &str) -> Option<NameFault> {
    if text.is_empty() {
        return Some(NameFault::Empty);
    }
    match text.split_once('.') {
        None => identifier_fault(text),
        Some((table, column)) => identifier_fault(table).or_else(|| identifier_fault(column)),
    }
}

fn identifier_fault(text: &str) -> Option<NameFault> {
    if text.is_empty() {
        return Some(NameFault::EmptySegment);
    }
    if text.len() > IDENTIFIER_BYTES_MAX {
        return Some(NameFault::TooLong { bytes_max: IDENTIFIER_BYTES_MAX });
    }
    let in_identifier = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let stranger = text.chars().find(|c| !in_identifier(c));
    stranger.or_else(|| text.chars().next().filter(char::is_ascii_digit)).map(NameFault::Character)
}
