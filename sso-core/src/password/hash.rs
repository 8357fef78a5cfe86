//! A password's hash as the application keeps it, and the salt in it.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{Algorithm, Params, Version};

use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::password::cannot_hash;
use crate::password::cost::PasswordParams;

/// 16 random bytes that make the hashes of equal passwords differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordSalt(pub(super) [u8; Self::BYTES]);

impl PasswordSalt {
    pub(super) const BYTES: usize = 16;

    /// A salt from bytes of a cryptographic random source.
    #[must_use]
    pub const fn new(random: [u8; Self::BYTES]) -> Self {
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
    pub(super) params: PasswordParams,
    pub(super) salt: Vec<u8>,
    pub(super) output: Vec<u8>,
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

    /// The hash that has been computed at a cost.
    pub(super) fn of(params: PasswordParams, salt: PasswordSalt, output: &[u8]) -> Result<Self, Error> {
        let cost = Params::new(params.memory_kib, params.passes, params.lanes, None);
        let phc = cost.map_err(argon2::password_hash::Error::from).and_then(|cost| {
            Ok(phc::PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: (&cost).try_into()?,
                salt: Some(phc::Salt::new(&salt.0)?),
                hash: Some(phc::Output::new(output)?),
            })
        });
        Self::parse(&phc.map_err(cannot_hash)?.to_string())
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
