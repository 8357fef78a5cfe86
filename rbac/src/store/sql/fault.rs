//! From database errors to this crate's error: whose fault, and what to do about it.

use sqlx::migrate::MigrateError;

use crate::error::{DatabaseFault, Error, Repr};

/// Says what was being done when the database failed.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Repr::Database { doing, fault: fault(&source), source }.into())
    }
}

pub(super) fn migration(source: MigrateError) -> Error {
    let fault = match &source {
        MigrateError::Execute(inner) | MigrateError::ExecuteMigration(inner, _) => fault(inner),
        _ => DatabaseFault::OtherTables,
    };
    Repr::Migrate { fault, source }.into()
}

fn fault(error: &sqlx::Error) -> DatabaseFault {
    match error {
        sqlx::Error::Database(inner) => {
            let code = inner.code().and_then(|code| code.parse::<u32>().ok());
            sqlite_fault(code.unwrap_or_default(), inner.message())
        }
        sqlx::Error::PoolTimedOut => DatabaseFault::Busy,
        sqlx::Error::PoolClosed => DatabaseFault::Closed,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => {
            DatabaseFault::Damaged
        }
        _ => DatabaseFault::Unreachable,
    }
}

/// The low byte of an extended result code is the primary one (<https://www.sqlite.org/rescode.html>).
fn sqlite_fault(code: u32, message: &str) -> DatabaseFault {
    const ERROR: u32 = 1;
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const CORRUPT: u32 = 11;
    const CONSTRAINT: u32 = 19;
    const MISMATCH: u32 = 20;
    const NOT_A_DATABASE: u32 = 26;
    match code & 0xff {
        BUSY | LOCKED => DatabaseFault::Busy,
        CORRUPT | NOT_A_DATABASE | CONSTRAINT | MISMATCH => DatabaseFault::Damaged,
        ERROR if message.starts_with("no such table: rbac_") => DatabaseFault::NoTables,
        ERROR if message.starts_with("no such column") || message.contains("already exists") => {
            DatabaseFault::OtherTables
        }
        _ => DatabaseFault::Unreachable,
    }
}
