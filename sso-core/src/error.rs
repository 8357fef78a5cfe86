//! What can break, whose doing it is, and whether trying again can help.
//!
//! An expected "no" (a wrong password, an ended session, a forged token) is never an [`Error`]: it is a value.

use std::borrow::Cow;
use std::fmt;

type Words = Cow<'static, str>;
type Source = Box<dyn std::error::Error + Send + Sync>;

/// Something broke. [`kind`](Error::kind) is for machines, the text is for people.
///
/// The text is lower case, without a full stop, and never holds a secret.
///
/// ```
/// use sso_core::{ErrorKind, UserId};
///
/// let error = UserId::new("").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert!(!error.is_transient());
/// ```
pub struct Error(Box<Cause>);

/// Whose doing an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value from outside is not acceptable: answer 400, log nothing alarming.
    InvalidInput,
    /// A third party broke its own protocol: answer 502, and look at what it sends.
    PeerMisbehaved,
    /// A server or the system's random source did not do its work: answer 503.
    Unavailable,
    /// A store holds something that this crate did not write: look at the store.
    Corrupt,
    /// The application calls or configures this crate wrongly: fix the program or its configuration.
    Misuse,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("{words}")]
    InvalidInput { words: Words, source: Option<Source> },
    #[error("{words}")]
    PeerMisbehaved { words: Words, source: Option<Source> },
    #[error("{words}")]
    Unavailable { words: Words, source: Option<Source>, transient: bool },
    #[error("{words}")]
    Corrupt { words: Words, source: Option<Source> },
    #[error("{words}")]
    Misuse { words: Words, source: Option<Source> },
}

impl Error {
    /// A server that did not do its work this time: transient. For stores and clients of the application's own.
    ///
    /// The text is lower case, without a full stop, and holds no secret.
    ///
    /// ```
    /// use std::error::Error as _;
    /// use sso_core::{Error, ErrorKind};
    ///
    /// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    /// let error = Error::unavailable("the session database cannot be reached").because(refused);
    /// assert_eq!(error.kind(), ErrorKind::Unavailable);
    /// assert!(error.is_transient());
    /// assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("connection refused"));
    /// ```
    #[must_use]
    pub fn unavailable(words: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Cause::Unavailable { words: words.into(), source: None, transient: true }))
    }

    /// A store that holds something that nobody can have written there in good order. For stores of the application's
    /// own.
    ///
    /// ```
    /// use sso_core::{Error, ErrorKind};
    ///
    /// let error = Error::corrupt("row 7 of the session table has no user");
    /// assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Corrupt, false));
    /// ```
    #[must_use]
    pub fn corrupt(words: impl Into<Cow<'static, str>>) -> Self {
        Self::build(ErrorKind::Corrupt, words.into(), None)
    }

    /// The same error with what led to it as its [`source`](std::error::Error::source).
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        match self.0.as_mut() {
            Cause::InvalidInput { source, .. }
            | Cause::PeerMisbehaved { source, .. }
            | Cause::Unavailable { source, .. }
            | Cause::Corrupt { source, .. }
            | Cause::Misuse { source, .. } => *source = Some(cause.into()),
        }
        self
    }

    /// Whose doing it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match *self.0 {
            Cause::InvalidInput { .. } => ErrorKind::InvalidInput,
            Cause::PeerMisbehaved { .. } => ErrorKind::PeerMisbehaved,
            Cause::Unavailable { .. } => ErrorKind::Unavailable,
            Cause::Corrupt { .. } => ErrorKind::Corrupt,
            Cause::Misuse { .. } => ErrorKind::Misuse,
        }
    }

    /// Whether the same call may succeed a moment later.
    ///
    /// A call that failed like this may or may not have been carried out. Every verb of a store is safe to
    /// repeat, except that a login is repeated with a new secret, and that a renewal may find itself done.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(*self.0, Cause::Unavailable { transient: true, .. })
    }

    pub(crate) fn new(kind: ErrorKind, words: impl Into<Words>) -> Self {
        Self::build(kind, words.into(), None)
    }

    pub(crate) fn with_source(
        kind: ErrorKind,
        words: impl Into<Words>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::build(kind, words.into(), Some(source.into()))
    }

    fn build(kind: ErrorKind, words: Words, source: Option<Source>) -> Self {
        Self(Box::new(match kind {
            ErrorKind::InvalidInput => Cause::InvalidInput { words, source },
            ErrorKind::PeerMisbehaved => Cause::PeerMisbehaved { words, source },
            ErrorKind::Unavailable => Cause::Unavailable { words, source, transient: false },
            ErrorKind::Corrupt => Cause::Corrupt { words, source },
            ErrorKind::Misuse => Cause::Misuse { words, source },
        }))
    }

    /// Marks an unavailable peer as worth another try; other kinds stay as they are.
    #[cfg(any(feature = "redis", feature = "token", feature = "social", feature = "reqwest"))]
    pub(crate) fn transient(mut self) -> Self {
        if let Cause::Unavailable { transient, .. } = self.0.as_mut() {
            *transient = true;
        }
        self
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
