//! Passwords: argon2id (RFC 9106), the OWASP cost, and one answer after one amount of work for strangers.
//!
//! Hashing takes tens of milliseconds of one core on purpose: an asynchronous server calls it on a blocking thread.

pub(crate) mod cost;
pub(crate) mod hash;

use argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::password::cost::PasswordParams;
use crate::password::hash::{PasswordHash, PasswordSalt};

/// Whether a password was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum PasswordCheck {
    /// It was.
    Match,
    /// It was, and its hash is not of this hasher's cost, or has a shorter salt or output than new ones: hash the
    /// password again and keep that.
    MatchRehash,
    /// It was not, or there is no such user.
    Mismatch,
}

/// Hashes and checks passwords at one cost.
///
/// It computes in the thread that calls it and takes as much memory as its cost says: keep it off the threads of
/// an asynchronous runtime, and let a bounded number of them run at once. Ask a [`Throttle`](crate::Throttle)
/// before, so that nobody makes the server work for guesses that do not count.
///
/// ```
/// use std::sync::Arc;
/// use sso_core::{PasswordCheck, PasswordHash, PasswordHasher, PasswordParams, PasswordSalt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hasher = Arc::new(PasswordHasher::new(PasswordParams::default()));
/// let mut row: Option<PasswordHash> = Some(hasher.hash("correct horse", PasswordSalt::random()?)?);
///
/// // In a handler. An unknown user, `None`, takes the same way.
/// let (kept, password) = (row.clone(), "correct horse".to_owned());
/// let worker = Arc::clone(&hasher);
/// let (check, rehashed) = tokio::task::spawn_blocking(move || {
///     let check = worker.verify(kept.as_ref(), &password)?;
///     let rehashed = match check {
///         PasswordCheck::MatchRehash => Some(worker.hash(&password, PasswordSalt::random()?)?),
///         PasswordCheck::Match | PasswordCheck::Mismatch => None,
///     };
///     Ok::<_, sso_core::Error>((check, rehashed))
/// })
/// .await??;
/// if rehashed.is_some() {
///     row = rehashed; // Written to the database.
/// }
/// assert_eq!(check, PasswordCheck::Match);
/// assert_eq!(hasher.verify(row.as_ref(), "battery staple")?, PasswordCheck::Mismatch);
/// assert_eq!(hasher.verify(None, "correct horse")?, PasswordCheck::Mismatch);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PasswordHasher {
    params: PasswordParams,
}

impl PasswordHasher {
    /// The longest password, in bytes of UTF-8.
    pub const PASSWORD_BYTES_MAX: usize = 1024;
    const OUTPUT_BYTES: usize = 32;

    /// A hasher of this cost.
    #[must_use]
    pub const fn new(params: PasswordParams) -> Self {
        Self { params }
    }

    /// Hashes a password with a fresh salt.
    ///
    /// # Errors
    /// `InvalidInput` unless the password is 1 to 1024 bytes long; `Unavailable` if there is no memory for it.
    pub fn hash(&self, password: &str, salt: PasswordSalt) -> Result<PasswordHash, Error> {
        let output = compute(self.params, password, &salt.0, Self::OUTPUT_BYTES)?;
        PasswordHash::of(self.params, salt, &output)
    }

    /// Checks a password against the hash of a user, or against nobody's if there is no such user.
    ///
    /// A wrong password of a known user and any password of an unknown one get the same answer after the same
    /// amount of work: that of this hasher's cost, also where the user's hash is a cheaper one from before.
    /// Therefore call it in both cases. Only a hash that is dearer than this hasher takes longer: raise the
    /// cost, do not lower it.
    ///
    /// # Errors
    /// `InvalidInput` unless the password is 1 to 1024 bytes long; `Unavailable` if there is no memory for it.
    pub fn verify(&self, hash: Option<&PasswordHash>, password: &str) -> Result<PasswordCheck, Error> {
        let nobody = [0; Self::OUTPUT_BYTES];
        let (params, salt, output) = hash
            .map_or((self.params, nobody.as_slice(), nobody.as_slice()), |hash| {
                (hash.params, hash.salt.as_slice(), hash.output.as_slice())
            });
        let computed = compute(params, password, salt, output.len())?;
        let same = bool::from(computed.ct_eq(output)) && hash.is_some();
        if let Some(missing) = self.params.missing_after(params) {
            compute(missing, password, salt, Self::OUTPUT_BYTES)?;
        }
        let current =
            params == self.params && salt.len() >= PasswordSalt::BYTES && output.len() >= Self::OUTPUT_BYTES;
        Ok(match (same, current) {
            (true, true) => PasswordCheck::Match,
            (true, false) => PasswordCheck::MatchRehash,
            (false, _) => PasswordCheck::Mismatch,
        })
    }
}

fn compute(
    params: PasswordParams,
    password: &str,
    salt: &[u8],
    output_bytes: usize,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if password.is_empty() || password.len() > PasswordHasher::PASSWORD_BYTES_MAX {
        return Err(Error::new(ErrorKind::InvalidInput, "a password must be 1 to 1024 bytes long"));
    }
    let cost = Params::new(params.memory_kib, params.passes, params.lanes, Some(output_bytes));
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.map_err(cannot_hash)?);
    let mut output = Zeroizing::new(vec![0; output_bytes]);
    argon2.hash_password_into(password.as_bytes(), salt, &mut output).map_err(cannot_hash)?;
    Ok(output)
}

fn cannot_hash(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::Unavailable, "the password cannot be hashed", source)
}
