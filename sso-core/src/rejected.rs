//! Why a token is not accepted: the expected "no" of verification.

use std::fmt;

use crate::time::UnixMillis;

/// Why a token was refused. It repeats nothing of the token, so it may be logged.
///
/// Answer 401 with `WWW-Authenticate: Bearer error="invalid_token"` (RFC 6750, section 3.1) in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum TokenRejected {
    /// It is longer than [`Verifier::TOKEN_BYTES_MAX`](crate::Verifier::TOKEN_BYTES_MAX).
    TooLong,
    /// It is not a token: its parts, its base64url, its JSON, a repeated member, or a claim of the wrong type.
    Malformed,
    /// Its header asks for something that is never done here: `crit`, `b64`, or a key that it brings along.
    UnsupportedHeader,
    /// It is another kind of token than this verifier reads (`typ`, RFC 8725, section 3.11).
    WrongType,
    /// It names another algorithm than its key has, `none` for instance.
    WrongAlgorithm,
    /// It names no key, or none that the verifier knows: load the key set again, not more than once a minute.
    UnknownKey,
    /// It is not signed with its key.
    BadSignature,
    /// Another issuer made it.
    WrongIssuer,
    /// It is meant for somebody else.
    WrongAudience,
    /// It is over: let the client refresh it.
    Expired {
        /// When it ended.
        at: UnixMillis,
    },
    /// It is not valid before this time. If the issuer's clock and this one differ, raise the leeway.
    NotYetValid {
        /// When it begins.
        at: UnixMillis,
    },
    /// It is older than this verifier allows, though it has not expired: let the client get a new one.
    TooOld {
        /// When it was issued.
        issued_at: UnixMillis,
    },
    /// A claim that this verifier asks for is missing.
    MissingClaim,
    /// It was called back before its end: let the user sign in again.
    Revoked,
}

impl fmt::Display for TokenRejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the token is too long",
            Self::Malformed => "the token is malformed",
            Self::UnsupportedHeader => "the token's header asks for what is not supported",
            Self::WrongType => "the token is of another type",
            Self::WrongAlgorithm => "the token names another algorithm than its key has",
            Self::UnknownKey => "the token names no known key",
            Self::BadSignature => "the token's signature is wrong",
            Self::WrongIssuer => "the token is of another issuer",
            Self::WrongAudience => "the token is for another audience",
            Self::Expired { .. } => "the token has expired",
            Self::NotYetValid { .. } => "the token is not valid yet",
            Self::TooOld { .. } => "the token is too old",
            Self::MissingClaim => "the token lacks a claim",
            Self::Revoked => "the token has been revoked",
        })
    }
}

impl std::error::Error for TokenRejected {}
