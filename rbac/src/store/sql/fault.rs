//! What can be wrong with a database, and the words for it: whose fault, and what to do about it.

use sqlx::migrate::MigrateError;

use crate::error::{Error, ErrorKind, Repr};

/// Says what was being done when the database failed.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Repr::Database { doing, trouble: Trouble::of(&source), source }.into())
    }
}

pub(super) fn migration(source: MigrateError) -> Error {
    let trouble = match &source {
        MigrateError::Execute(inner) | MigrateError::ExecuteMigration(inner, _) => Trouble::of(inner),
        _ => Trouble::OtherTables,
    };
    Repr::Migrate { trouble, source }.into()
}

/// What is wrong with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Two writers met; one of them has to begin again.
    Clash,
    Busy,
    Unwritable,
    Unreachable,
    Closed,
    Denied,
    NoTables,
    OldTables,
    OtherTables,
    Damaged,
    Refused,
}

impl Trouble {
    fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(inner) => match (mysql_number(&**inner).and_then(mysql), inner.code()) {
                (Some(trouble), _) => trouble,
                (None, Some(code)) if code.len() == 5 => sqlstate(&code),
                (None, Some(code)) => sqlite(code.parse().unwrap_or_default(), inner.message()),
                (None, None) => Self::Refused,
            },
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::Configuration(_) => Self::Denied,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => {
                Self::Damaged
            }
            _ => Self::Unreachable,
        }
    }

    pub(crate) const fn kind(self) -> ErrorKind {
        match self {
            Self::Clash | Self::Busy | Self::Unwritable | Self::Unreachable => ErrorKind::Unavailable,
            Self::Damaged => ErrorKind::Corrupt,
            Self::Closed
            | Self::Denied
            | Self::NoTables
            | Self::OldTables
            | Self::OtherTables
            | Self::Refused => ErrorKind::Misuse,
        }
    }

    pub(crate) const fn is_transient(self) -> bool {
        matches!(self, Self::Clash | Self::Busy | Self::Unreachable)
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Clash => "other writers were first every time, try again",
            Self::Busy => "the database is busy, try again",
            Self::Unwritable => "the database is read-only or full, make it writable",
            Self::Unreachable => {
                "the database cannot be reached, check the server or the file, then try again"
            }
            Self::Closed => "the connection pool is closed, keep it open as long as the store is in use",
            Self::Denied => "the database refuses this user, check the address and the rights",
            Self::NoTables => "the policy tables are missing, call `migrate` when the program starts",
            Self::OldTables => "the policy tables lack a column, call `migrate` when the program starts",
            Self::OtherTables => "the policy tables belong to another version of this crate, use that one",
            Self::Damaged => {
                "the policy tables hold what the change cannot stand beside, check them or restore them"
            }
            Self::Refused => "the database refuses the statement, check that its version is supported",
        }
    }
}

/// MySQL numbers what has no state of its own: a lock wait that timed out, a row that changed meanwhile.
#[cfg(feature = "mysql")]
fn mysql_number(error: &dyn sqlx::error::DatabaseError) -> Option<u16> {
    error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(sqlx::mysql::MySqlDatabaseError::number)
}

#[cfg(not(feature = "mysql"))]
fn mysql_number(_error: &dyn sqlx::error::DatabaseError) -> Option<u16> {
    None
}

/// What these numbers say better than their states do.
const fn mysql(number: u16) -> Option<Trouble> {
    match number {
        // A deadlock, a row that changed meanwhile: over at once, so begin again.
        1213 | 1020 => Some(Trouble::Clash),
        // A lock that was held for the whole wait, 50 s by default: waiting again would only make the caller wait.
        1205 => Some(Trouble::Busy),
        // A full disk or table, an option that forbids the statement, a mode that only reads.
        1021 | 1114 | 1290 | 1792 | 1836 => Some(Trouble::Unwritable),
        // A database, a user or a table that this user may not have.
        1044 | 1045 | 1142 | 1143 => Some(Trouble::Denied),
        // A shutdown, too many connections.
        1040 | 1053 => Some(Trouble::Busy),
        _ => None,
    }
}

/// The classes of ISO 9075, as PostgreSQL and MySQL use them.
fn sqlstate(code: &str) -> Trouble {
    match (code.get(..2).unwrap_or_default(), code) {
        // Serialization failures and deadlocks.
        ("40", _) => Trouble::Clash,
        // A transaction or server that only reads, a full disk.
        (_, "25006" | "53100") => Trouble::Unwritable,
        // Locks, resources, shutdowns.
        ("55" | "53" | "57", _) => Trouble::Busy,
        ("08", _) => Trouble::Unreachable,
        ("28", _) | (_, "42501") => Trouble::Denied,
        (_, "42P01" | "42S02") => Trouble::NoTables,
        (_, "42703" | "42S22") => Trouble::OldTables,
        (_, "42P07" | "42S01") => Trouble::OtherTables,
        ("22" | "23", _) => Trouble::Damaged,
        _ => Trouble::Refused,
    }
}

/// The low byte of an extended result code is the primary one (<https://www.sqlite.org/rescode.html>).
fn sqlite(code: u32, message: &str) -> Trouble {
    match code & 0xff {
        // Busy, locked.
        5 | 6 => Trouble::Busy,
        // Read-only, full.
        8 | 13 => Trouble::Unwritable,
        // Input and output, a file that cannot be opened.
        10 | 14 => Trouble::Unreachable,
        // Corrupt, a broken constraint, a type, no database.
        11 | 19 | 20 | 26 => Trouble::Damaged,
        1 if message.starts_with("no such table") => Trouble::NoTables,
        1 if message.starts_with("no such column") => Trouble::OldTables,
        1 if message.contains("already exists") => Trouble::OtherTables,
        _ => Trouble::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A refused permission is no busy database, whatever its digits look like as a number.
    #[test]
    fn states_are_classes_and_not_numbers() {
        for (code, kind) in [
            ("40001", ErrorKind::Unavailable),
            ("40P01", ErrorKind::Unavailable),
            ("57P01", ErrorKind::Unavailable),
            ("42501", ErrorKind::Misuse),
            ("42P01", ErrorKind::Misuse),
            ("23503", ErrorKind::Corrupt),
        ] {
            assert_eq!(sqlstate(code).kind(), kind, "{code}");
        }
        // A deadlock is tried again here; a lock wait that timed out is the caller's to repeat.
        assert_eq!([1213, 1020, 1205].map(mysql), [Trouble::Clash, Trouble::Clash, Trouble::Busy].map(Some));
        assert_eq!((sqlite(5, ""), sqlite(517, "")), (Trouble::Busy, Trouble::Busy));
        assert_eq!(sqlite(787, ""), Trouble::Damaged);
        assert_eq!(sqlite(1, "no such table: rbac_user"), Trouble::NoTables);
    }
}
