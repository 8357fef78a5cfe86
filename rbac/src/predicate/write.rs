//! How a condition reads: where the names stand, and where the values.

use std::fmt::Display;

use super::{Bind, Column, Dialect, PREDICATE_DEPARTMENTS_MAX, ScopeColumns};
use crate::error::{Error, Repr};
use crate::scope::Scope;

/// What a condition is written into.
pub(super) trait Sink {
    fn text(&mut self, text: impl Display);
    /// A placeholder and its value.
    fn bind(&mut self, value: &Bind);
}

/// Writes the condition, or nothing at all and says why.
pub(super) fn write(
    scope: &Scope,
    dialect: Dialect,
    columns: &ScopeColumns,
    user: &Bind,
    sink: &mut impl Sink,
) -> Result<(), Error> {
    if scope.all {
        sink.text("1 = 1");
        return Ok(());
    }
    let departments = columns.department.as_ref().filter(|_| !scope.departments.is_empty());
    if departments.is_some() && scope.departments.len() > PREDICATE_DEPARTMENTS_MAX {
        let departments = scope.departments.len();
        return Err(
            Repr::TooManyDepartments { departments, departments_max: PREDICATE_DEPARTMENTS_MAX }.into()
        );
    }
    let owner = columns.owner.as_ref().filter(|_| scope.own);
    match (departments, owner) {
        (None, None) => sink.text("1 = 0"),
        (Some(department), None) => write_departments(scope, department, dialect, sink),
        (None, Some(owner)) => write_owner(owner, user, dialect, sink),
        (Some(department), Some(owner)) => {
            sink.text("(");
            write_departments(scope, department, dialect, sink);
            sink.text(" OR ");
            write_owner(owner, user, dialect, sink);
            sink.text(")");
        }
    }
    Ok(())
}

fn write_departments(scope: &Scope, column: &Column, dialect: Dialect, sink: &mut impl Sink) {
    let ids = || scope.departments.iter().copied();
    let filling = ids().next_back().into_iter().cycle();
    let count = ids().len().next_power_of_two();
    sink.text(format_args!("{} IN (", column.quoted(dialect)));
    for (at, department) in ids().chain(filling).take(count).enumerate() {
        if at > 0 {
            sink.text(", ");
        }
        sink.bind(&department.into());
    }
    sink.text(")");
}

/// The first comparison is one that an index helps with. It may take `Alice` or `alice ` for `alice` if the column's
/// collation does, and 42 for `42x` if the column holds numbers: the second one, byte for byte, does not.
fn write_owner(column: &Column, user: &Bind, dialect: Dialect, sink: &mut impl Sink) {
    let column = column.quoted(dialect);
    if matches!(user, Bind::Integer(_)) {
        sink.text(format_args!("{column} = "));
        return sink.bind(user);
    }
    let (exactly, before, after) = match dialect {
        // A cast keeps the collation of its column.
        Dialect::Sqlite => (format!("CAST({column} AS TEXT)"), "", " COLLATE BINARY"),
        Dialect::Postgres => (format!("CAST({column} AS TEXT) COLLATE \"C\""), "", ""),
        Dialect::Mysql => (format!("CAST({column} AS BINARY)"), "CAST(", " AS BINARY)"),
    };
    sink.text(format_args!("({column} = "));
    sink.bind(user);
    sink.text(format_args!(" AND {exactly} = {before}"));
    sink.bind(user);
    sink.text(format_args!("{after})"));
}
