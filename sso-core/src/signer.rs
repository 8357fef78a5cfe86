//! Signs claims of any shape as tokens of one type: id tokens, logout tokens, and what an application invents.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::jws::{self, Header};
use crate::key_set::signing_key::SigningKey;
use crate::key_set::source::SigningSource;
use crate::token::verifier::Verifier;

/// Signs any JSON object, with the key that is active at that moment. A clone is the same signer.
///
/// The type tells verifiers what a token is for, so that none passes for another (RFC 8725, section 3.11). For
/// access tokens there is [`Issuer`](crate::Issuer). [`Verifier::verify_map`] is the counterpart.
///
/// ```
/// use serde_json::json;
/// use sso_core::{Algorithm, KeySet, Signer, SigningKey, UnixMillis, Verifier};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeySet::new(SigningKey::generate(Algorithm::Es256)?);
/// let signer = Signer::new("logout+jwt", &keys)?;
/// let now = UnixMillis::now();
/// let token = signer.sign(&json!({
///     "iss": "https://sso.example", "aud": "shop", "sid": "s1", "exp": now.as_secs() + 60,
/// }))?;
///
/// let verifier = Verifier::new("https://sso.example", "shop", &keys)?.typ("logout+jwt")?;
/// assert_eq!(verifier.verify_map(&token, now)?["sid"], "s1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Signer {
    keys: SigningSource,
    typ: Arc<str>,
    prepared: Arc<RwLock<Prepared>>,
}

/// A key and the header of all tokens that it signs here.
struct Prepared {
    key: SigningKey,
    header: Arc<str>,
}

impl Prepared {
    fn new(key: SigningKey, typ: &str) -> Self {
        let header = Header::of(&key, typ).into();
        Self { key, header }
    }
}

impl Signer {
    /// A signer of tokens of this type, as headers write it: `logout+jwt`, `JWT`.
    ///
    /// # Errors
    /// `InvalidInput` unless the type is 1 to 64 of ASCII letters, digits, `+`, `-` and `.`.
    pub fn new(typ: &str, keys: impl Into<SigningSource>) -> Result<Self, Error> {
        let keys = keys.into();
        let typ: Arc<str> = checked_typ(typ)?.into();
        let prepared = Arc::new(RwLock::new(Prepared::new(keys.current(), &typ)));
        Ok(Self { keys, typ, prepared })
    }

    /// Signs claims, which must be a JSON object.
    ///
    /// # Errors
    /// `InvalidInput` if they are not, or if the token would be longer than [`Verifier::TOKEN_BYTES_MAX`];
    /// `Unavailable` if the system has no memory for it.
    pub fn sign<T: Serialize + ?Sized>(&self, claims: &T) -> Result<String, Error> {
        let mut json = Vec::with_capacity(512);
        serde_json::to_writer(&mut json, claims).map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "these claims cannot be written as json", source)
        })?;
        if json.first() != Some(&b'{') {
            return Err(Error::new(ErrorKind::InvalidInput, "the claims of a token are a json object"));
        }
        let (key, header) = self.prepared();
        let token = jws::sign(&header, &json, &key)?;
        if token.len() > Verifier::TOKEN_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "these claims make a token above 8192 bytes: leave some of them out",
            ));
        }
        Ok(token)
    }

    /// The key that signs at this moment.
    #[must_use]
    pub fn key(&self) -> SigningKey {
        self.keys.current()
    }

    fn prepared(&self) -> (SigningKey, Arc<str>) {
        let key = self.keys.current();
        {
            let prepared = self.prepared.read().unwrap_or_else(PoisonError::into_inner);
            if prepared.key.is_same(&key) {
                return (key, prepared.header.clone());
            }
        }
        let fresh = Prepared::new(key.clone(), &self.typ);
        let header = fresh.header.clone();
        *self.prepared.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        (key, header)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("typ", &self.typ).field("key", &self.key()).finish()
    }
}

/// A type that needs no escaping and that verifiers compare without `application/`.
pub(crate) fn checked_typ(typ: &str) -> Result<&str, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    Some(typ).filter(|typ| (1..=64).contains(&typ.len()) && typ.bytes().all(plain)).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("the token type `{}` must be 1 to 64 of a-z A-Z 0-9 + - .", typ.escape_debug()),
        )
    })
}
