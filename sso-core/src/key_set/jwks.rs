//! The public keys of an issuer, and the document that tells everybody (RFC 7517, section 5).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind};
use crate::jws;
use crate::key_set::KeySet;
use crate::key_set::jwk;
use crate::key_set::verifying_key::VerifyingKey;
use crate::strict_json;

/// The text of a key set document, its version, and how long it may be kept.
///
/// ```
/// use sso_core::{Algorithm, JwksAnswer, KeySet, SigningKey};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let jwks = KeySet::new(SigningKey::generate(Algorithm::EdDsa)?).jwks()?;
/// assert_eq!(jwks.cache_control(), "public, max-age=300");
/// assert_eq!(jwks.answer(None), JwksAnswer::Document);
/// assert_eq!(jwks.answer(Some(&jwks.etag)), JwksAnswer::NotModified);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Jwks {
    /// The body, of the type [`Jwks::MEDIA_TYPE`]. It holds no secret.
    pub json: String,
    /// A strong entity tag in its quotes (RFC 9110, section 8.8.3), for `ETag` and `If-None-Match`.
    pub etag: String,
    /// How long others may keep the document before they ask again, in whole seconds.
    pub max_age: Duration,
}

/// How to answer a request for a key set document. Both answers carry `ETag` and `Cache-Control`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum JwksAnswer {
    /// 200 with the document.
    Document,
    /// 304 without a body: the client has this version.
    NotModified,
}

impl Jwks {
    /// For `Content-Type` (RFC 7517, section 8.5.2).
    pub const MEDIA_TYPE: &'static str = "application/jwk-set+json";
    /// How long a document may be kept unless somebody says otherwise: five minutes.
    pub const MAX_AGE_DEFAULT: Duration = Duration::from_secs(300);

    /// For `Cache-Control`.
    #[must_use]
    pub fn cache_control(&self) -> String {
        format!("public, max-age={}", self.max_age.as_secs())
    }

    /// What to answer to this `If-None-Match` (RFC 9110, section 13.1.2).
    pub fn answer(&self, if_none_match: Option<&str>) -> JwksAnswer {
        let matches = |tag: &str| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag;
        match if_none_match {
            Some(tags) if tags.split(',').map(str::trim).any(matches) => JwksAnswer::NotModified,
            _ => JwksAnswer::Document,
        }
    }
}

/// Keys by their names: all that a service needs to verify tokens. The names of a foreign document are kept.
///
/// It may hold a secret of HS256 of its own side; no document shows it, and none brings one.
///
/// ```
/// use sso_core::{KeySet, PublicKeySet, SigningKey};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let keys = KeySet::new(SigningKey::generate_rs256()?);
/// let elsewhere = PublicKeySet::from_jwks(&keys.jwks()?.json)?;
/// assert_eq!(&elsewhere, keys.public());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeySet {
    keys: BTreeMap<String, VerifyingKey>,
}

impl PublicKeySet {
    /// The most keys of a set.
    pub const KEYS_MAX: usize = 16;
    /// The longest document that is read, in bytes.
    pub const JWKS_BYTES_MAX: usize = 64 * 1024;

    /// No key: every token names an unknown one.
    #[cfg(feature = "remote-jwks")]
    pub(crate) fn empty() -> Self {
        Self { keys: BTreeMap::new() }
    }

    pub(crate) fn of(key: VerifyingKey) -> Self {
        Self { keys: BTreeMap::from([(key.kid().to_owned(), key)]) }
    }

    pub(crate) fn add(&mut self, key: VerifyingKey) -> Result<(), Error> {
        self.insert(key.kid().to_owned(), key)
    }

    fn insert(&mut self, kid: String, key: VerifyingKey) -> Result<(), Error> {
        if self.keys.len() >= Self::KEYS_MAX {
            return Err(refused("a key set has at most 16 keys: drop those whose tokens have expired"));
        }
        if self.keys.insert(kid, key).is_some() {
            return Err(refused("two keys of this key set have one name"));
        }
        Ok(())
    }

    /// Reads a document. Entries for anything but signatures with a known algorithm are passed over, as section 5
    /// asks.
    ///
    /// # Errors
    /// `InvalidInput` if it is longer than [`PublicKeySet::JWKS_BYTES_MAX`], if it is not such a document, if a
    /// member or a name appears twice, if a key is broken or weak, if an entry shows a secret, if it has more than
    /// 16 keys or none.
    pub fn from_jwks(json: &str) -> Result<Self, Error> {
        let document = Some(json).filter(|json| json.len() <= Self::JWKS_BYTES_MAX);
        let document = document.and_then(|json| strict_json::object(json.as_bytes()));
        let Some(Value::Array(entries)) = document.and_then(|mut document| document.remove("keys")) else {
            return Err(refused("this is no key set document"));
        };
        let mut set = Self { keys: BTreeMap::new() };
        for entry in entries {
            // An entry of an unknown kind is not an error, and neither are its members.
            if let Some((kid, key)) = jwk::read(&entry)? {
                set.insert(kid, key)?;
            }
        }
        if set.keys.is_empty() {
            return Err(refused("this key set has no key for signatures"));
        }
        Ok(set)
    }

    /// The names of the keys.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// The key of this name.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys.get(kid)
    }

    /// The document of these keys. Secrets of HS256 are left out.
    ///
    /// # Errors
    /// `Corrupt` if a key cannot be written, which no key of this type does.
    pub fn jwks(&self) -> Result<Jwks, Error> {
        let entries: Vec<Value> = self.keys.iter().filter_map(|(kid, key)| jwk::write(kid, key)).collect();
        let json = serde_json::to_string(&json!({ "keys": entries })).map_err(|source| {
            Error::with_source(ErrorKind::Corrupt, "the key set cannot be written", source)
        })?;
        let etag = format!("\"{}\"", jws::encode(Sha256::digest(&json)));
        Ok(Jwks { json, etag, max_age: Jwks::MAX_AGE_DEFAULT })
    }
}

impl From<&KeySet> for PublicKeySet {
    fn from(keys: &KeySet) -> Self {
        keys.public().clone()
    }
}

fn refused(words: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, words)
}
