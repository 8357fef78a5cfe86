//! The same condition, written into a query of sqlx with placeholders of the query's own.

use sqlx::{Database, QueryBuilder};

use self::sealed::Binding;
use super::write::{Sink, write};
use super::{Bind, ScopeColumns};
use crate::error::Error;
use crate::scope::Scope;

/// A database that a predicate can be written for: `sqlx::Sqlite`, `sqlx::Postgres` or `sqlx::MySql`, by the feature of
/// the same name. No other can be added from outside.
pub trait PredicateDatabase: Database + Binding {}

mod sealed {
    use super::super::{Bind, Dialect};
    use sqlx::{Database, QueryBuilder};

    #[expect(unnameable_types, reason = "who cannot name it cannot implement it")]
    pub trait Binding: Database {
        const DIALECT: Dialect;

        fn push_bind(query: &mut QueryBuilder<Self>, value: &Bind);
    }
}

/// The same Rust for each, which generics could only say with a page of bounds.
macro_rules! predicate_database {
    ($database:ty, $dialect:ident) => {
        impl PredicateDatabase for $database {}

        impl Binding for $database {
            const DIALECT: super::Dialect = super::Dialect::$dialect;

            fn push_bind(query: &mut QueryBuilder<Self>, value: &Bind) {
                match value {
                    Bind::Text(text) => query.push_bind(text.clone()),
                    Bind::Integer(number) => query.push_bind(*number),
                };
            }
        }
    };
}

#[cfg(feature = "sqlite")]
predicate_database!(sqlx::Sqlite, Sqlite);
#[cfg(feature = "postgres")]
predicate_database!(sqlx::Postgres, Postgres);
#[cfg(feature = "mysql")]
predicate_database!(sqlx::MySql, Mysql);

impl<DB: PredicateDatabase> Sink for QueryBuilder<DB> {
    fn text(&mut self, text: impl std::fmt::Display) {
        self.push(text);
    }

    fn bind(&mut self, value: &Bind) {
        DB::push_bind(self, value);
    }
}

impl Scope {
    /// Writes the condition of [`Scope::predicate`] to the end of a query, so that "list only what I may see" is one
    /// query. The dialect is that of the query's database.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # fn main() -> Result<(), rbac::Error> {
    /// use rbac::{Scope, ScopeColumns, UserId};
    /// use sqlx::{QueryBuilder, Sqlite};
    ///
    /// let alice: UserId = "alice".parse()?;
    /// let scope = Scope { own: true, ..Scope::default() };
    /// let columns = ScopeColumns::owner("owner".parse()?);
    /// let mut query = QueryBuilder::<Sqlite>::new("SELECT title FROM courses WHERE ");
    /// scope.push_to(&mut query, &columns, &alice)?;
    /// query.push(" ORDER BY title LIMIT ").push_bind(20);
    /// # let sql = query.sql();
    /// # assert!(sql.as_str().contains("`owner` = ?"), "{}", sql.as_str());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Scope::predicate`]; then nothing was written.
    pub fn push_to<DB: PredicateDatabase>(
        &self,
        query: &mut QueryBuilder<DB>,
        columns: &ScopeColumns,
        user: impl Into<Bind>,
    ) -> Result<(), Error> {
        write(self, DB::DIALECT, columns, &user.into(), query)
    }
}
