//! The one error of this crate: what broke, whose fault it is, and whether trying again can help.
//!
//! An expected "no" (a mismatch, a duplicate, an unknown order) is a value elsewhere, never an error.

#[cfg(feature = "_sql")]
use crate::store::Trouble;
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
    /// An error of kind `Unavailable`, for what an application brings itself: a store, a gateway, an [`Edge`].
    ///
    /// [`Edge`]: crate::Edge
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Cause::Outside(source.into()).into()
    }

    /// Whose fault this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind()
    }

    /// The gateway's own code of a refusal, such as `ACQ.TRADE_NOT_EXIST`, `ORDER_NOT_EXIST` or `34`.
    #[must_use]
    pub fn gateway_code(&self) -> Option<&str> {
        match &self.0 {
            Cause::Gateway { code, .. } | Cause::Unsigned { code } => Some(code),
            Cause::NotKnown(cause) => cause.gateway_code(),
            _ => None,
        }
    }

    /// The number of the certificate that signed a message and is not known here. Alipay, for a reply: download it with
    /// [`Merchant::learn_certificate`](crate::alipay::Merchant::learn_certificate), then ask again; for a notify, which
    /// anybody can send: make one cheap query with [`Merchant::call`](crate::alipay::Merchant::call). WeChat Pay: see
    /// [`Merchant::refresh_certificates_if_due`](crate::wechat::Merchant::refresh_certificates_if_due).
    #[must_use]
    pub fn unknown_certificate(&self) -> Option<&str> {
        match &self.0 {
            Cause::UnknownCertificate { sn } => Some(sn),
            _ => None,
        }
    }

    /// True if the same call may succeed later without any change.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.kind() == ErrorKind::Unavailable
    }

    /// Two writers met in a database, and this one has to begin again.
    #[cfg(feature = "_sql")]
    pub(crate) fn is_clash(&self) -> bool {
        matches!(&self.0, Cause::Sql(error) if Trouble::of(error) == Trouble::Clash)
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
    #[error(
        "the message names certificate `{sn}`, which is not known here: refresh the certificates, then try again"
    )]
    UnknownCertificate { sn: String },
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
    #[error("the gateway refuses the call with code `{code}`: {message}")]
    Gateway { kind: ErrorKind, code: String, message: String },
    #[error("the {what} cannot be read{}: {why}", at_line(*line))]
    Bill { what: &'static str, line: Option<u64>, why: &'static str, source: Option<Source> },
    #[error(transparent)]
    Transport(#[from] crate::client::TransportError),
    #[error("the outcome of the call is not known: ask the gateway what became of it")]
    NotKnown(#[source] Box<Error>),
    #[error("the store does not have `{number}`, which it recorded a moment ago: is it shared and durable?")]
    Lost { number: String },
    #[error("{what} is set up wrongly: {why}")]
    Setup { what: &'static str, why: &'static str },
    #[error("a part that the application brings does not answer now")]
    Outside(#[source] Source),
    #[cfg(feature = "reqwest")]
    #[error("the system gives no random bytes")]
    Random(#[source] Source),
    #[cfg(feature = "reqwest")]
    #[error("the HTTP client cannot be made")]
    HttpClient(#[source] Source),
    #[error("{what} cannot be used as a certificate: {why}")]
    Certificate { what: &'static str, why: &'static str },
    #[error("the gateway answers with HTTP status {0}")]
    Status(u16),
    #[error("the request cannot be built: check the addresses")]
    Request(#[from] http::Error),
    #[error("the request cannot be written as JSON")]
    Write(#[from] serde_json::Error),
    #[error("the private key cannot sign")]
    Sign(#[source] Source),
    #[cfg(feature = "_sql")]
    #[error("the order tables cannot be used: {}", Trouble::of(.0).words())]
    Sql(#[from] sqlx::Error),
    #[cfg(feature = "_sql")]
    #[error("the order tables cannot be migrated: {}", Trouble::of_migration(.0).words())]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[cfg(feature = "_sql")]
    #[error("the stored {what} `{input}` cannot be read")]
    Corrupt { what: &'static str, input: String, source: Option<Box<Error>> },
}

impl Cause {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Value { .. } | Self::Shape { .. } | Self::Key { .. } | Self::Certificate { .. } => {
                ErrorKind::InvalidInput
            }
            Self::Gateway { kind, .. } => *kind,
            Self::Transport(_) | Self::NotKnown(_) | Self::Outside(_) => ErrorKind::Unavailable,
            #[cfg(feature = "reqwest")]
            Self::Random(_) => ErrorKind::Unavailable,
            Self::Setup { .. } | Self::Lost { .. } => ErrorKind::Misuse,
            #[cfg(feature = "reqwest")]
            Self::HttpClient(_) => ErrorKind::Misuse,
            Self::Unverified { .. }
            | Self::UnknownCertificate { .. }
            | Self::Unsigned { .. }
            | Self::Unreadable { .. } => ErrorKind::Unverified,
            Self::Field { .. } | Self::Json { .. } | Self::Bill { .. } => ErrorKind::PeerMisbehaved,
            Self::Status(status) if *status >= 500 => ErrorKind::Unavailable,
            Self::Status(_) => ErrorKind::PeerMisbehaved,
            Self::Request(_) | Self::Write(_) | Self::Sign(_) => ErrorKind::Misuse,
            #[cfg(feature = "_sql")]
            Self::Sql(error) => Trouble::of(error).kind(),
            #[cfg(feature = "_sql")]
            Self::Migrate(error) => Trouble::of_migration(error).kind(),
            #[cfg(feature = "_sql")]
            Self::Corrupt { .. } => ErrorKind::Corrupt,
        }
    }
}

/// Where in a file, counted from 1.
fn at_line(line: Option<u64>) -> String {
    line.map(|line| format!(" at line {line}")).unwrap_or_default()
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
}
