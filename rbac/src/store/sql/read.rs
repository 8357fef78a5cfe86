//! From tables to rows. A row that does not parse is set aside with its fault; the others are read on.

use super::backend::Backend;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use super::backend::Keep;
use super::fault::Doing;
use super::loading::{Loading, Read};
use super::record::Record;
use super::statement::Statement;
use super::table::{self, Table};
use crate::error::{Error, Repr};
use crate::rows::PolicyRows;
use crate::store::{Mark, PolicyVersion, Revision};

/// The version now and its mark. With the lock of the database behind it, nobody else changes the policy until the transaction
/// ends.
pub(super) async fn revision<B: Backend>(
    connection: &mut B::Connection,
    lock: &str,
    doing: &'static str,
) -> Result<Revision, Error> {
    let statement = Statement::new(format!("SELECT version, mark FROM rbac_version{lock}"));
    let found = B::rows(connection, statement, table::VERSION.columns).await.doing(doing)?;
    let revision = found.first().and_then(|cells| {
        let mut record = Record::new(&table::VERSION, cells);
        let version = u64::try_from(record.number().ok()?).ok()?;
        Some(Revision::new(PolicyVersion::new(version), Mark::new(record.number().ok()?)))
    });
    revision.ok_or_else(|| Repr::NoVersion.into())
}

/// Raises the version from what it was seen to be, and marks it.
pub(super) fn raise(old: i64, new: i64, mark: Mark) -> Statement {
    let statement = Statement::new("UPDATE rbac_version SET version = ?, mark = ? WHERE version = ?");
    statement.bind(new).bind(mark.number()).bind(old)
}

/// All rows. What other rows name comes before them.
pub(super) async fn rows<B: Backend>(connection: &mut B::Connection) -> Result<PolicyRows, sqlx::Error> {
    /// How one row of a table is kept.
    type Step = (&'static Table, Read);
    const STEPS: [Step; 11] = [
        (&table::DOMAINS, Loading::domain),
        (&table::DEPARTMENTS, Loading::department),
        (&table::PERMISSIONS, Loading::permission),
        (&table::ROLE_DEPARTMENTS, Loading::role_department),
        (&table::ROLES, Loading::role),
        (&table::USERS, Loading::user),
        (&table::ASSIGNMENTS, Loading::assignment),
        (&table::GRANTS, Loading::grant),
        (&table::INHERITANCE, Loading::inheritance),
        (&table::DUTY_ROLES, Loading::duty_role),
        (&table::DUTIES, Loading::duty),
    ];
    let mut loading = Loading::default();
    for (table, read) in STEPS {
        B::table(connection, table, &mut |cells| loading.keep(table, cells, read)).await?;
    }
    Ok(loading.finish())
}

/// A whole table as the driver gives it.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(super) async fn by_rows<B: Backend>(
    connection: &mut B::Connection,
    table: &'static Table,
    keep: Keep<'_>,
) -> Result<(), sqlx::Error> {
    let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
    let statement = Statement::new(format!("SELECT {} FROM {}", names.join(", "), table.name));
    for cells in B::rows(connection, statement, table.columns).await? {
        keep(&cells);
    }
    Ok(())
}
