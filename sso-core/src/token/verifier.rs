//! What makes a token acceptable: its key, its type, its issuer, its audience, its time, and nothing it says itself.

mod memo;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::claims::Claims;
use crate::error::{Error, ErrorKind};
use crate::jws::{Compact, Header};
use crate::key_set::algorithm::Algorithm;
use crate::key_set::source::KeySource;
use crate::key_set::verifying_key::VerifyingKey;
use crate::rejected::TokenRejected;
use crate::revocation::RevocationView;
use crate::signer::checked_typ;
use crate::strict_json;
use crate::time::UnixMillis;
use crate::token::verifier::memo::Memo;
use crate::token::verifier::rules::{Registered, Rules};
use crate::token::{Issuer, Verified, checked_name};

/// Verifies tokens of one issuer: access tokens, unless [`typ`](Self::typ) says otherwise.
///
/// The key of a token decides its algorithm, never its header; a key that a header brings along or points to is
/// never looked at (RFC 8725). A clone is the same verifier.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{Algorithm, KeySet, SigningKey, Verifier};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let keys = KeySet::new(SigningKey::generate(Algorithm::EdDsa)?);
/// let verifier = Verifier::new("https://sso.example", "shop-api", &keys)?
///     .also_audience("shop-web")?
///     .leeway(Duration::from_secs(30))?
///     .require("scope")
///     .max_age(Duration::from_secs(600));
/// # let _ = verifier;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: KeySource,
    typ: Arc<str>,
    typ_may_be_missing: bool,
    rules: Arc<Rules>,
    revocations: Option<Arc<dyn RevocationView>>,
    memo: Memo,
}

/// Which key verified a token, for whoever keeps the answer.
pub(crate) struct Proof {
    pub(crate) key: VerifyingKey,
    /// The name under which the key set knows it.
    pub(crate) kid: Arc<str>,
    /// The generation of the keys before they were looked at.
    pub(crate) generation: u64,
}

impl Verifier {
    /// The longest token that is read, in bytes.
    pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
    /// The most leeway between two clocks.
    pub const LEEWAY_MAX: Duration = Duration::from_secs(300);

    /// A verifier of access tokens for one audience, without leeway.
    ///
    /// # Errors
    /// `InvalidInput` unless both names are 1 to 256 bytes long.
    pub fn new(issuer: &str, audience: &str, keys: impl Into<KeySource>) -> Result<Self, Error> {
        Ok(Self {
            keys: keys.into(),
            typ: Issuer::TYP.into(),
            typ_may_be_missing: false,
            rules: Arc::new(Rules::new(checked_name(issuer)?, checked_name(audience)?)),
            revocations: None,
            memo: Memo::default(),
        })
    }

    /// Accepts tokens for this audience as well. One of a token's audiences must be one of the verifier's.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 256 bytes long.
    pub fn also_audience(mut self, audience: &str) -> Result<Self, Error> {
        Arc::make_mut(&mut self.rules).audiences.push(checked_name(audience)?);
        Ok(self)
    }

    /// Reads tokens of this type instead of access tokens, with [`verify_map`](Self::verify_map).
    ///
    /// # Errors
    /// `InvalidInput` unless the type is 1 to 64 of ASCII letters, digits, `+`, `-` and `.`.
    pub fn typ(mut self, typ: &str) -> Result<Self, Error> {
        self.typ = checked_typ(typ)?.into();
        self.memo = Memo::default();
        Ok(self)
    }

    /// Accepts tokens without a type as well: the id tokens of many providers have none.
    ///
    /// Use it only where no other kind of token of this issuer is for this audience.
    #[must_use]
    pub fn typ_may_be_missing(mut self) -> Self {
        self.typ_may_be_missing = true;
        self.memo = Memo::default();
        self
    }

    /// Forgives clocks that differ by so much.
    ///
    /// # Errors
    /// `InvalidInput` above [`Verifier::LEEWAY_MAX`].
    pub fn leeway(mut self, leeway: Duration) -> Result<Self, Error> {
        if leeway > Self::LEEWAY_MAX {
            return Err(Error::new(ErrorKind::InvalidInput, "the leeway must be at most five minutes"));
        }
        Arc::make_mut(&mut self.rules).leeway = leeway;
        Ok(self)
    }

    /// Refuses tokens without this claim. `iss`, `aud` and `exp` are always needed.
    #[must_use]
    pub fn require(mut self, claim: &str) -> Self {
        Arc::make_mut(&mut self.rules).required.push(claim.to_owned());
        self
    }

    /// Refuses tokens that were issued longer ago than this, whenever they end; `iat` is needed then.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        Arc::make_mut(&mut self.rules).max_age = Some(max_age);
        self
    }

    /// Asks this view about every access token.
    #[must_use]
    pub fn revocations(mut self, view: Arc<dyn RevocationView>) -> Self {
        self.revocations = Some(view);
        self
    }

    /// The keys that this verifier looks at.
    #[must_use]
    pub fn keys(&self) -> &KeySource {
        &self.keys
    }

    /// Verifies an access token at a time.
    ///
    /// # Errors
    /// Never an [`Error`]: a [`TokenRejected`] says why the token is not accepted.
    pub fn verify(&self, token: &str, now: UnixMillis) -> Result<Verified<Claims>, TokenRejected> {
        self.prove(token, now).map(|(claims, _)| claims)
    }

    /// Verifies a token of any shape at a time: `iss`, `aud` and `exp` must be there and right, `iat` and `nbf`
    /// right if they are there. The other claims are for the caller to look at. The
    /// [revocation view](Self::revocations) is not asked: it knows access tokens only.
    ///
    /// # Errors
    /// Never an [`Error`]: a [`TokenRejected`] says why the token is not accepted.
    pub fn verify_map(
        &self,
        token: &str,
        now: UnixMillis,
    ) -> Result<Verified<Map<String, Value>>, TokenRejected> {
        let (json, _) = self.signed_payload(token)?;
        let claims = strict_json::object(&json).ok_or(TokenRejected::Malformed)?;
        self.rules.check_parties(&Registered::of_map(&claims)?)?;
        self.rules.check_time(&Registered::of_map(&claims)?, now)?;
        self.rules.check_required(|name| claims.contains_key(name))?;
        Ok(Verified(claims))
    }

    /// As [`verify`](Self::verify), and says which key it was.
    pub(crate) fn prove(
        &self,
        token: &str,
        now: UnixMillis,
    ) -> Result<(Verified<Claims>, Proof), TokenRejected> {
        let (json, proof) = self.signed_payload(token)?;
        let (issuer, claims) = Claims::from_payload(&json)?;
        let registered = Registered::of_claims(&issuer, &claims);
        self.rules.check_parties(&registered)?;
        self.rules.check_time(&registered, now)?;
        self.rules.check_required(|name| claims.has(name))?;
        self.check_revoked(&claims)?;
        Ok((Verified(claims), proof))
    }

    /// What may have changed since claims were verified, besides the key: the time and whether they were called back.
    pub(crate) fn check_again(&self, claims: &Claims, now: UnixMillis) -> Result<(), TokenRejected> {
        self.rules.check_time(&Registered::of_claims("", claims), now)?;
        self.check_revoked(claims)
    }

    fn check_revoked(&self, claims: &Claims) -> Result<(), TokenRejected> {
        match &self.revocations {
            Some(view) if view.is_revoked(claims) => Err(TokenRejected::Revoked),
            _ => Ok(()),
        }
    }

    /// The JSON of a token whose signature is right.
    fn signed_payload(&self, token: &str) -> Result<(Vec<u8>, Proof), TokenRejected> {
        if token.len() > Self::TOKEN_BYTES_MAX {
            return Err(TokenRejected::TooLong);
        }
        let compact = Compact::parse(token)?;
        let generation = self.keys.generation();
        let known = self.memo.find(compact.header, generation);
        let is_new = known.is_none();
        let (kid, key) = match known {
            Some(known) => known,
            None => self.key_of(compact.header)?,
        };
        if !key.verifies(compact.message.as_bytes(), &compact.signature()?) {
            return Err(TokenRejected::BadSignature);
        }
        if is_new {
            self.memo.keep(compact.header, generation, &kid, &key);
        }
        Ok((compact.payload()?, Proof { key, kid, generation }))
    }

    /// The key that a header names, if the header agrees with it.
    fn key_of(&self, header: &str) -> Result<(Arc<str>, VerifyingKey), TokenRejected> {
        let header = Header::parse(header)?;
        if !(header.is_typ(&self.typ) || self.typ_may_be_missing && header.typ.is_none()) {
            return Err(TokenRejected::WrongType);
        }
        let keys = self.keys.current();
        let kid = header.kid.as_deref().ok_or(TokenRejected::UnknownKey)?;
        let key = keys.find(kid).ok_or(TokenRejected::UnknownKey)?;
        if Algorithm::parse(&header.alg) != Some(key.algorithm()) {
            return Err(TokenRejected::WrongAlgorithm);
        }
        Ok((kid.into(), key.clone()))
    }
}
