//! What can break in a ledger, and the words for it: whose fault, and what to do about it.

use crate::error::{Error, ErrorKind};
use crate::ids::{ReservationId, SaleId};
use crate::reservation::ReservationState;

/// A cause from below, kept whole for `source()`.
#[cfg(feature = "_sql")]
type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerFault {
    #[error(
        "order `{reservation}` is {} in the ledger, and step {sequence} of its shard says otherwise: \
         the sale went back in time, so reconcile it from the ledger",
        word(*recorded)
    )]
    Contradicted { reservation: ReservationId, recorded: ReservationState, sequence: u64 },
    #[error(
        "order `{reservation}` is not one of a sale `{sale}` with these terms: use those it was sold under"
    )]
    OtherTerms { reservation: ReservationId, sale: SaleId },
    #[cfg(feature = "_sql")]
    #[error("the database of the ledger could not {doing}: {}", trouble.words())]
    Database { doing: &'static str, trouble: Trouble, source: sqlx::Error },
    #[cfg(feature = "_sql")]
    #[error("the tables of the ledger could not be made: {}", trouble.words())]
    Migrate { trouble: Trouble, source: sqlx::migrate::MigrateError },
    #[cfg(feature = "_sql")]
    #[error("a row of the ledger for `{reservation}` is not what a ledger writes: restore the table")]
    Row { reservation: String },
    #[cfg(feature = "_sql")]
    #[error(
        "the hook of the ledger failed for order `{reservation}`, so nothing was written: mend its cause"
    )]
    Hook { reservation: ReservationId, trouble: Option<Trouble>, source: Source },
}

/// What is wrong with the database.
#[cfg(feature = "_sql")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Busy,
    Unwritable,
    Unreachable,
    Closed,
    Denied,
    NoTables,
    OtherTables,
    Damaged,
    Refused,
}

impl LedgerFault {
    /// Who has to act.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Contradicted { .. } => ErrorKind::Corrupt,
            Self::OtherTerms { .. } => ErrorKind::Misuse,
            #[cfg(feature = "_sql")]
            Self::Database { trouble, .. } | Self::Migrate { trouble, .. } => trouble.kind(),
            #[cfg(feature = "_sql")]
            Self::Row { .. } => ErrorKind::Corrupt,
            #[cfg(feature = "_sql")]
            Self::Hook { trouble, .. } => trouble.map_or(ErrorKind::Misuse, Trouble::kind),
        }
    }
}

impl From<LedgerFault> for Error {
    fn from(fault: LedgerFault) -> Self {
        crate::error::Fault::from(fault).into()
    }
}

fn word(state: ReservationState) -> &'static str {
    match state {
        ReservationState::Held => "held",
        ReservationState::Paid => "paid",
        ReservationState::Returned => "returned",
        ReservationState::Gone => "gone",
    }
}

#[cfg(feature = "_sql")]
mod sql {
    use sqlx::migrate::MigrateError;

    use super::{LedgerFault, Source, Trouble};
    use crate::error::{Error, ErrorKind};
    use crate::ids::ReservationId;

    impl LedgerFault {
        /// Says what was being done when the database failed.
        pub(in crate::ledger) fn database(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
            move |source| Self::Database { doing, trouble: Trouble::of(&source), source }.into()
        }

        pub(in crate::ledger) fn migration(source: MigrateError) -> Self {
            let trouble = match &source {
                MigrateError::Execute(inner) | MigrateError::ExecuteMigration(inner, _) => Trouble::of(inner),
                _ => Trouble::OtherTables,
            };
            Self::Migrate { trouble, source }
        }

        /// The application's own effect failed, perhaps because the database did.
        pub(in crate::ledger) fn hook(reservation: ReservationId, source: Source) -> Self {
            let trouble = source.downcast_ref::<sqlx::Error>().map(Trouble::of);
            Self::Hook { reservation, trouble, source }
        }
    }

    impl Trouble {
        pub(super) fn kind(self) -> ErrorKind {
            match self {
                Self::Busy | Self::Unwritable | Self::Unreachable => ErrorKind::Unavailable,
                Self::Closed | Self::Denied | Self::NoTables | Self::OtherTables => ErrorKind::Misuse,
                Self::Damaged => ErrorKind::Corrupt,
                Self::Refused => ErrorKind::PeerMisbehaved,
            }
        }

        pub(super) fn words(self) -> &'static str {
            match self {
                Self::Busy => "it is busy with other writers, so try again",
                Self::Unwritable => "it is read-only or full, so make it writable again, then try again",
                Self::Unreachable => "it cannot be reached, so check the server, then try again",
                Self::Closed => "its pool is closed, so keep it open as long as the ledger",
                Self::Denied => "it refuses this user, so check the url and the permissions",
                Self::NoTables => "its tables are missing, so call migrate first",
                Self::OtherTables => "its tables are those of another version, so run one version",
                Self::Damaged => "it holds what no ledger writes, so restore it",
                Self::Refused => "it refuses the statement, so check that its version is supported",
            }
        }

        fn of(error: &sqlx::Error) -> Self {
            match error {
                sqlx::Error::Database(inner) => match inner.code() {
                    _ if mysql_takes_no_writes(&**inner) => Self::Unwritable,
                    Some(code) if code.len() == 5 => sqlstate(&code, inner.message()),
                    Some(code) => sqlite(code.parse().unwrap_or_default(), inner.message()),
                    None => Self::Refused,
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
    }

    /// MySQL has numbers for what has no state of its own: a full disk, a full table, an option that forbids
    /// the statement (to a ledger, that is `--read-only`), a mode that only reads.
    #[cfg(feature = "ledger-mysql")]
    fn mysql_takes_no_writes(error: &dyn sqlx::error::DatabaseError) -> bool {
        let error = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>();
        error.is_some_and(|error| matches!(error.number(), 1021 | 1114 | 1290 | 1836))
    }

    #[cfg(not(feature = "ledger-mysql"))]
    fn mysql_takes_no_writes(_error: &dyn sqlx::error::DatabaseError) -> bool {
        false
    }

    /// The classes of ISO 9075, as PostgreSQL and MySQL use them.
    fn sqlstate(code: &str, message: &str) -> Trouble {
        let class = code.get(..2).unwrap_or_default();
        match (class, code) {
            // A transaction or server that only reads, a full disk.
            (_, "25006" | "53100") => Trouble::Unwritable,
            // Serialization failures and deadlocks, locks, resources, shutdowns.
            ("40" | "55" | "53" | "57", _) => Trouble::Busy,
            // MySQL has one state for all that has none: a lock wait that timed out, a row that changed.
            (_, "HY000")
                if message.contains("try restarting transaction") || message.contains("has changed") =>
            {
                Trouble::Busy
            }
            ("08", _) => Trouble::Unreachable,
            ("28", _) | (_, "42501") => Trouble::Denied,
            (_, "42P01" | "42S02") => Trouble::NoTables,
            (_, "42703" | "42S22" | "42P07" | "42S01") => Trouble::OtherTables,
            ("22" | "23", _) => Trouble::Damaged,
            _ => Trouble::Refused,
        }
    }

    /// The low byte of an extended result code is the primary one (<https://www.sqlite.org/rescode.html>).
    fn sqlite(code: u32, message: &str) -> Trouble {
        match code & 0xff {
            5 | 6 => Trouble::Busy,
            // Read-only, full.
            8 | 13 => Trouble::Unwritable,
            11 | 19 | 20 | 26 => Trouble::Damaged,
            1 if message.starts_with("no such table") => Trouble::NoTables,
            1 if message.starts_with("no such column") || message.contains("already exists") => {
                Trouble::OtherTables
            }
            _ => Trouble::Refused,
        }
    }
}
