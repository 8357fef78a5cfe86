//! Passwords: argon2id (RFC 9106), the OWASP cost, and one answer after one amount of work for strangers.
//!
//! Hashing takes tens of milliseconds of one core on purpose: an asynchronous server calls it on a blocking thread.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::edge;
use crate::error::{Error, ErrorKind};

/// The cost of a hash.
///
/// ```
/// use sso_core::PasswordParams;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// assert_eq!(PasswordParams::new(19 * 1024, 2, 1)?, PasswordParams::default());
/// assert!(PasswordParams::new(1024, 1, 1).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordParams {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl PasswordParams {
    /// The most memory of one hash, in KiB: 256 MiB.
    pub const MEMORY_KIB_MAX: u32 = 256 * 1024;
    /// The most passes over the memory.
    pub const PASSES_MAX: u32 = 16;
    /// The most lanes.
    pub const LANES_MAX: u32 = 16;

    /// A cost that is at least as high as one that the OWASP Password Storage Cheat Sheet recommends: 46 MiB
    /// with 1 pass, 19 MiB with 2, 12 MiB with 3, 9 MiB with 4, 7 MiB with 5 or more.
    ///
    /// # Errors
    /// `InvalidInput` if the cost is lower than that or above the limits of this type.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, Error> {
        let memory_kib_min = match passes {
            0 | 1 => 46 * 1024,
            2 => 19 * 1024,
            3 => 12 * 1024,
            4 => 9 * 1024,
            5.. => 7 * 1024,
        };
        if memory_kib < memory_kib_min {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "this password cost is too low: take at least 19456 KiB and 2 passes, or 7168 KiB and 5",
            ));
        }
        Self::danger_weak(memory_kib, passes, lanes)
    }

    /// Any cost that can be computed, for tests. Weak hashes are guessed quickly once they leak.
    ///
    /// # Errors
    /// `InvalidInput` if there are less than 8 KiB a lane, no passes or no lanes, or more than the limits.
    pub fn danger_weak(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, Error> {
        let known = (1..=Self::PASSES_MAX).contains(&passes)
            && (1..=Self::LANES_MAX).contains(&lanes)
            && (8 * lanes..=Self::MEMORY_KIB_MAX).contains(&memory_kib);
        if !known {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a password cost is 8 KiB a lane to 256 MiB, 1 to 16 passes, 1 to 16 lanes",
            ));
        }
        Ok(Self { memory_kib, passes, lanes })
    }
}

impl Default for PasswordParams {
    /// 19 MiB, 2 passes, 1 lane.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

/// 16 random bytes that make the hashes of equal passwords differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordSalt([u8; 16]);

impl PasswordSalt {
    /// A salt from bytes of a cryptographic random source.
    #[must_use]
    pub const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// A salt from the system's random source.
    ///
    /// # Errors
    /// `Unavailable` if the system has none.
    pub fn random() -> Result<Self, Error> {
        edge::random().map(Self)
    }
}

/// A hash as the application keeps it, in the PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    phc: String,
    params: PasswordParams,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl PasswordHash {
    /// Reads a hash.
    ///
    /// # Errors
    /// `InvalidInput` if it is not an argon2id hash of version 19, with a salt and within the limits of
    /// [`PasswordParams`].
    pub fn parse(phc: &str) -> Result<Self, Error> {
        let refuse = |words| Error::new(ErrorKind::InvalidInput, words);
        let parsed = phc::PasswordHash::new(phc).map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "this is no password hash in the phc format", source)
        })?;
        if parsed.algorithm != Algorithm::Argon2id.ident() || parsed.version != Some(Version::V0x13.into()) {
            return Err(refuse("this password hash is not argon2id of version 19"));
        }
        let cost = Params::try_from(&parsed).map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "this password hash has no valid cost", source)
        })?;
        let (Some(salt), Some(output)) = (parsed.salt, parsed.hash) else {
            return Err(refuse("this password hash lacks its salt or its hash"));
        };
        if !cost.data().is_empty() || !cost.keyid().is_empty() || output.as_bytes().len() < 16 {
            return Err(refuse("this password hash needs a key or data, or is shorter than 16 bytes"));
        }
        Ok(Self {
            phc: phc.to_owned(),
            params: PasswordParams::danger_weak(cost.m_cost(), cost.t_cost(), cost.p_cost())?,
            salt: salt.to_vec(),
            output: output.as_bytes().to_vec(),
        })
    }

    /// The text to keep.
    #[must_use]
    pub fn as_phc(&self) -> &str {
        &self.phc
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("params", &self.params).finish_non_exhaustive()
    }
}

/// Whether a password was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum PasswordCheck {
    /// It was.
    Match,
    /// It was, and its hash has another cost than new ones: hash the password again and keep that.
    MatchRehash,
    /// It was not, or there is no such user.
    Mismatch,
}

/// Hashes and checks passwords at one cost.
///
/// ```
/// use sso_core::{PasswordCheck, PasswordHasher, PasswordParams, PasswordSalt};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let hasher = PasswordHasher::new(PasswordParams::default());
/// let kept = hasher.hash("correct horse", PasswordSalt::random()?)?;
/// assert_eq!(hasher.verify(Some(&kept), "correct horse")?, PasswordCheck::Match);
/// assert_eq!(hasher.verify(Some(&kept), "battery staple")?, PasswordCheck::Mismatch);
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
        let cost = Params::new(self.params.memory_kib, self.params.passes, self.params.lanes, None);
        let phc = cost.map_err(argon2::password_hash::Error::from).and_then(|cost| {
            Ok(phc::PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: (&cost).try_into()?,
                salt: Some(phc::Salt::new(&salt.0)?),
                hash: Some(phc::Output::new(&output)?),
            })
        });
        PasswordHash::parse(&phc.map_err(cannot_hash)?.to_string())
    }

    /// Checks a password against the hash of a user, or against nobody's if there is no such user.
    ///
    /// An unknown user costs as much work as a known one whose hash has this hasher's cost, and gets the same
    /// answer as a wrong password. Therefore call it in both cases.
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
        Ok(match (same, params == self.params) {
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
