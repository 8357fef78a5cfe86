//! The one error of this crate: what broke, whose fault it is, and whether trying again can help.
//!
//! An expected "no" (a mismatch, a duplicate, an unknown order) is a value elsewhere, never an error.

use std::error::Error as StdError;

/// Something broke. Match on [`Error::kind`]; show the text to people.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Cause);

/// Whose fault an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value given to this crate breaks the rule that the error names.
    InvalidInput,
    /// A message claims to come from the gateway and its signature does not prove it.
    Unverified,
    /// The gateway signed a message that breaks its own manual.
    PeerMisbehaved,
    /// The store or the gateway does not answer now; the outcome may be unknown.
    Unavailable,
    /// The store holds a row that this crate never writes.
    Corrupt,
    /// The application is set up wrongly: keys, addresses, missing tables.
    Misuse,
}

impl Error {
    /// Whose fault this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind()
    }

    /// True if the same call may succeed later without any change.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.kind() == ErrorKind::Unavailable
    }
}

type Source = Box<dyn StdError + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error("{what} `{input}` is refused: {rule}")]
    Value { what: &'static str, input: String, rule: &'static str },
    #[error("{what} is refused: {why}")]
    Shape { what: &'static str, why: &'static str },
    #[error("{what} key is refused: {remedy}")]
    Key { what: &'static str, remedy: &'static str, source: Option<Source> },
    #[error("{what} is not proved to come from the gateway: {why}")]
    Unverified { what: &'static str, why: &'static str },
    #[error(
        "the gateway answers without a signature, code `{code}`: check the app id, the keys and the clock"
    )]
    Unsigned { code: String },
    #[error("the signed {what} has no usable `{field}`")]
    Field { what: &'static str, field: &'static str, source: Option<Box<Error>> },
    #[error("the {what} is no JSON object with one signature, so nothing proves where it comes from")]
    Unreadable { what: &'static str, source: serde_json::Error },
    #[error("the signed {what} is not the JSON that the gateway documents")]
    Json { what: &'static str, source: serde_json::Error },
    #[error("the gateway refuses the call with code `{code}`, sub code `{sub_code}`")]
    Refused { code: String, sub_code: String },
    #[error("the gateway answers with HTTP status {0}")]
    Status(u16),
    #[error("the request cannot be built: check the addresses")]
    Request(#[from] http::Error),
    #[error("the request cannot be written as JSON")]
    Write(#[from] serde_json::Error),
    #[error("the private key cannot sign")]
    Sign(#[source] Source),
    #[cfg(feature = "sqlite")]
    #[error("the order tables cannot be used: check the database file and run the migrations")]
    Sql(#[from] sqlx::Error),
    #[cfg(feature = "sqlite")]
    #[error("the order tables cannot be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[cfg(feature = "sqlite")]
    #[error("the stored {what} `{input}` cannot be read")]
    Corrupt { what: &'static str, input: String, source: Option<Box<Error>> },
}

impl Cause {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Value { .. } | Self::Shape { .. } | Self::Key { .. } => ErrorKind::InvalidInput,
            Self::Unverified { .. } | Self::Unsigned { .. } | Self::Unreadable { .. } => {
                ErrorKind::Unverified
            }
            Self::Field { .. } | Self::Json { .. } => ErrorKind::PeerMisbehaved,
            Self::Refused { code, sub_code } => refusal_kind(code, sub_code),
            Self::Status(status) if *status >= 500 => ErrorKind::Unavailable,
            Self::Status(_) => ErrorKind::PeerMisbehaved,
            Self::Request(_) | Self::Write(_) | Self::Sign(_) => ErrorKind::Misuse,
            #[cfg(feature = "sqlite")]
            Self::Sql(error) => sql_kind(error),
            #[cfg(feature = "sqlite")]
            Self::Migrate(_) => ErrorKind::Misuse,
            #[cfg(feature = "sqlite")]
            Self::Corrupt { .. } => ErrorKind::Corrupt,
        }
    }
}

/// Code 20000 and the system errors say that the outcome is unknown; the rest is our own mistake.
fn refusal_kind(code: &str, sub_code: &str) -> ErrorKind {
    let unknown_outcome = code == "20000"
        || sub_code == "ACQ.SYSTEM_ERROR"
        || sub_code.starts_with("isp.")
        || sub_code.starts_with("aop.");
    if unknown_outcome { ErrorKind::Unavailable } else { ErrorKind::Misuse }
}

#[cfg(feature = "sqlite")]
fn sql_kind(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => ErrorKind::Unavailable,
        // The low byte of an SQLite result code is its class: 5 is busy, 6 is locked.
        sqlx::Error::Database(database) => {
            let class = database.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code % 256);
            if matches!(class, Some(5 | 6)) { ErrorKind::Unavailable } else { ErrorKind::Misuse }
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => ErrorKind::Corrupt,
        _ => ErrorKind::Misuse,
    }
}

/// At most 64 characters of outside text, escaped, fit for a log line.
pub(crate) fn quoted(input: &str) -> String {
    let mut text: String = input.chars().take(64).flat_map(char::escape_debug).collect();
    if input.chars().nth(64).is_some() {
        text.push('…');
    }
    text
}

/// The refusal of one value, with the value in it.
pub(crate) fn refused_value(what: &'static str, input: &str, rule: &'static str) -> Error {
    Cause::Value { what, input: quoted(input), rule }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_is_cut_and_escaped() {
        let error = refused_value("subject", &format!("a\nb{}", "x".repeat(100)), "no control characters");
        let text = error.to_string();
        assert!(text.contains("`a\\nb"), "{text}");
        assert!(text.contains("…`"), "{text}");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!error.is_transient());
    }

    #[test]
    fn an_unknown_outcome_is_transient() {
        for (code, sub_code) in [("20000", "isp.unknow-error"), ("40004", "ACQ.SYSTEM_ERROR")] {
            let error = Error::from(Cause::Refused { code: code.into(), sub_code: sub_code.into() });
            assert!(error.is_transient(), "{error}");
        }
        let ours =
            Error::from(Cause::Refused { code: "40002".into(), sub_code: "isv.invalid-app-id".into() });
        assert_eq!(ours.kind(), ErrorKind::Misuse);
    }
}
