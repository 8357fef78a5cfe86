//! A data scope as a condition in SQL: values are bound, names are parsed and quoted, nothing is spliced.

mod column;
#[cfg(feature = "_sql")]
mod push;
mod write;

use std::fmt::Display;

pub use self::column::{Column, IDENTIFIER_BYTES_MAX};
#[cfg(feature = "_sql")]
pub use self::push::PredicateDatabase;
use self::write::{Sink, write};
use crate::error::{Error, Repr};
use crate::name::{DepartmentId, UserId};
use crate::scope::Scope;

/// The most departments that one predicate names. All databases take so many values in a statement, and leave room for
/// those of the rest of it.
pub const PREDICATE_DEPARTMENTS_MAX: usize = 8_192;

/// The highest number of a placeholder in PostgreSQL.
const PLACEHOLDER_MAX: u16 = u16::MAX;

/// Whose SQL; MariaDB is [`Dialect::Mysql`]. Not `non_exhaustive`: who writes a statement has to know them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite: placeholders `?`.
    Sqlite,
    /// PostgreSQL: placeholders `$1`, `$2` and so on.
    Postgres,
    /// MySQL and MariaDB: placeholders `?`.
    Mysql,
}

/// A value for a placeholder. Both variants there will ever be: a match need no third arm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bind {
    /// A text.
    Text(String),
    /// A number.
    Integer(i64),
}

impl From<&UserId> for Bind {
    fn from(user: &UserId) -> Self {
        Self::Text(user.as_str().to_owned())
    }
}

impl From<DepartmentId> for Bind {
    fn from(department: DepartmentId) -> Self {
        Self::Integer(department.get())
    }
}

impl From<i64> for Bind {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// Which columns of a table say what a row belongs to.
///
/// Without a column a scope opens nothing through it: a table without owners has no own rows.
///
/// ```
/// use rbac::ScopeColumns;
///
/// let columns = ScopeColumns::new("orders.department".parse()?, "orders.owner".parse()?);
/// assert!(columns.department.is_some() && columns.owner.is_some());
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeColumns {
    /// The number of the row's department; a column of whole numbers.
    pub department: Option<Column>,
    /// Who the row belongs to; a column of texts, or of whole numbers if users are bound as [`Bind::Integer`].
    pub owner: Option<Column>,
}

impl ScopeColumns {
    /// Rows have a department and an owner.
    #[must_use]
    pub const fn new(department: Column, owner: Column) -> Self {
        Self { department: Some(department), owner: Some(owner) }
    }

    /// Rows have a department, but nobody owns them.
    #[must_use]
    pub const fn department(department: Column) -> Self {
        Self { department: Some(department), owner: None }
    }

    /// Rows have an owner, but no department.
    #[must_use]
    pub const fn owner(owner: Column) -> Self {
        Self { department: None, owner: Some(owner) }
    }
}

/// A condition for a `WHERE`, and the values of its placeholders in their order.
///
/// It can stand beside other conditions with `AND`, `OR` and `NOT` as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    sql: String,
    binds: Vec<Bind>,
}

impl Predicate {
    /// The condition.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The values, one for each placeholder.
    #[must_use]
    pub fn binds(&self) -> &[Bind] {
        &self.binds
    }

    /// The condition and the values.
    #[must_use]
    pub fn into_parts(self) -> (String, Vec<Bind>) {
        (self.sql, self.binds)
    }
}

impl Scope {
    /// The scope as a condition on the rows of a table; `user` is whose rows are the own ones.
    ///
    /// No rows is `1 = 0`, all rows is `1 = 1`. A row without a department (`NULL`) is in none, a row without an owner
    /// is nobody's. Owners are compared byte for byte, whatever collation the column has. PostgreSQL's placeholders
    /// are numbered from `first_placeholder` on; for the others it does not matter. The number of values for departments
    /// is filled up to a power of two with one that is there already, so that a database meets few different texts and
    /// its cache of prepared statements stays useful.
    ///
    /// With a feature for a database, `Scope::push_to` writes the same into a query of sqlx.
    ///
    /// ```
    /// use rbac::{Bind, DepartmentId, Dialect, Scope, ScopeColumns, UserId};
    ///
    /// let alice: UserId = "alice".parse()?;
    /// let columns = ScopeColumns::new("department".parse()?, "owner".parse()?);
    /// let scope = Scope { departments: [DepartmentId::new(7)].into(), ..Scope::default() };
    /// let predicate = scope.predicate(Dialect::Postgres, &columns, &alice, 1)?;
    /// assert_eq!(predicate.sql(), r#""department" IN ($1)"#);
    /// assert_eq!(predicate.binds(), [Bind::Integer(7)]);
    ///
    /// let nothing = Scope::default().predicate(Dialect::Sqlite, &columns, &alice, 1)?;
    /// assert_eq!(nothing.sql(), "1 = 0");
    /// # Ok::<(), rbac::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the scope names more than
    /// [`PREDICATE_DEPARTMENTS_MAX`] departments, or if `first_placeholder` is 0 or so high that a placeholder would
    /// exceed 65535.
    pub fn predicate(
        &self,
        dialect: Dialect,
        columns: &ScopeColumns,
        user: impl Into<Bind>,
        first_placeholder: u16,
    ) -> Result<Predicate, Error> {
        let mut text =
            Text { sql: String::new(), binds: Vec::new(), dialect, next: first_placeholder.into() };
        write(self, dialect, columns, &user.into(), &mut text)?;
        let last = text.next.saturating_sub(1);
        if dialect == Dialect::Postgres && (first_placeholder == 0 || last > u32::from(PLACEHOLDER_MAX)) {
            let binds = text.binds.len();
            return Err(Repr::Placeholder { first: first_placeholder, binds, max: PLACEHOLDER_MAX }.into());
        }
        Ok(Predicate { sql: text.sql, binds: text.binds })
    }
}

/// A condition as text, with placeholders of its own.
struct Text {
    sql: String,
    binds: Vec<Bind>,
    dialect: Dialect,
    next: u32,
}

impl Sink for Text {
    fn text(&mut self, text: impl Display) {
        self.sql.push_str(&text.to_string());
    }

    fn bind(&mut self, value: &Bind) {
        let place = self.next;
        match self.dialect {
            Dialect::Postgres => self.text(format_args!("${place}")),
            Dialect::Sqlite | Dialect::Mysql => self.sql.push('?'),
        }
        self.next = place.saturating_add(1);
        self.binds.push(value.clone());
    }
}
