//! The word that all keys of a store begin with.

use crate::error::{Error, ErrorKind};

/// How long it may be.
const BYTES_MAX: usize = 32;

/// A key prefix, if it is one: no brace that would move the hash tag, nothing that would have to be escaped.
pub(crate) fn checked(prefix: &str) -> Result<&str, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if prefix.is_empty() || prefix.len() > BYTES_MAX || !prefix.bytes().all(plain) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("the key prefix `{}` must be 1 to 32 of a-z A-Z 0-9 - _ . :", prefix.escape_debug()),
        ));
    }
    Ok(prefix)
}
