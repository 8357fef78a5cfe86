//! The claims of an access token (RFC 9068, section 2.2). Their JSON is in `wire`.

pub(crate) mod wire;

use std::time::Duration;

use serde_json::{Map, Value};

use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::jws;
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// The name of one token, `jti`: 128 random bits as 22 characters of base64url.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenId(String);

impl TokenId {
    /// A name from bytes of a cryptographic random source.
    #[must_use]
    pub fn new(random: [u8; 16]) -> Self {
        Self(jws::encode(random))
    }

    /// A name from the system's random source.
    ///
    /// # Errors
    /// `Unavailable` if the system has none.
    pub fn random() -> Result<Self, Error> {
        edge::random().map(Self::new)
    }

    /// A name that a store or a token of ours brings back.
    #[cfg(feature = "provider")]
    pub(crate) fn from_kept(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// From when to when a token is valid. Tokens count in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    issued_at: UnixMillis,
    expires_at: UnixMillis,
}

impl Lifetime {
    /// The longest life of a token that is issued here, in seconds: a day.
    pub const SECS_MAX: u64 = 24 * 3600;

    /// So many whole seconds from now on.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 second to 24 hours, or if the time is the end of all time.
    pub fn starting(now: UnixMillis, length: Duration) -> Result<Self, Error> {
        let refused = || Error::new(ErrorKind::InvalidInput, "a token lives 1 second to 24 hours");
        if !(1..=Self::SECS_MAX).contains(&length.as_secs()) {
            return Err(refused());
        }
        let issued_at = UnixMillis::saturating_new(now.as_secs() * 1000);
        let whole_secs = Duration::from_secs(length.as_secs());
        let expires_at = issued_at.checked_add(whole_secs).ok_or_else(refused)?;
        Ok(Self { issued_at, expires_at })
    }
}

/// What an access token says, besides its issuer.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{Claims, Lifetime, TokenId, UnixMillis, UserId};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let life = Lifetime::starting(UnixMillis::now(), Duration::from_secs(300))?;
/// let claims = Claims::new(UserId::new("alice")?, "shop-web", "shop-api", TokenId::random()?, life)?
///     .with("role", "editor".into())?;
/// assert_eq!(claims.private().get("role").and_then(|role| role.as_str()), Some("editor"));
/// assert!(claims.with("exp", 0.into()).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    subject: UserId,
    client_id: String,
    audience: Vec<String>,
    id: TokenId,
    issued_at: UnixMillis,
    expires_at: UnixMillis,
    not_before: Option<UnixMillis>,
    scope: Option<String>,
    private: Map<String, Value>,
}

impl Claims {
    /// The longest client id and the longest audience, in bytes.
    pub const NAME_BYTES_MAX: usize = 256;
    /// How deep arrays and objects may lie inside each other in a private claim that is added.
    pub const PRIVATE_LEVELS_MAX: usize = 32;

    /// The claims of a token for one audience, handed to one client.
    ///
    /// # Errors
    /// `InvalidInput` unless client and audience are 1 to 256 bytes long.
    pub fn new(
        subject: UserId,
        client_id: &str,
        audience: &str,
        id: TokenId,
        life: Lifetime,
    ) -> Result<Self, Error> {
        Ok(Self {
            subject,
            client_id: checked_name(client_id)?,
            audience: vec![checked_name(audience)?],
            id,
            issued_at: life.issued_at,
            expires_at: life.expires_at,
            not_before: None,
            scope: None,
            private: Map::new(),
        })
    }

    /// Means the token for this audience as well.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 256 bytes long.
    pub fn also_audience(mut self, audience: &str) -> Result<Self, Error> {
        self.audience.push(checked_name(audience)?);
        Ok(self)
    }

    /// Says what the token allows: words with one space between them (RFC 6749, section 3.3).
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Adds a private claim (RFC 7519, section 4.3), or replaces the one of this name.
    ///
    /// # Errors
    /// `InvalidInput` if the name is one that this type sets itself, or if the value has more than
    /// [`Claims::PRIVATE_LEVELS_MAX`] levels: verifiers read no deeper than they must.
    pub fn with(mut self, name: &str, value: Value) -> Result<Self, Error> {
        if wire::REGISTERED.contains(&name) {
            return Err(Error::new(ErrorKind::InvalidInput, format!("the claim `{name}` is no private one")));
        }
        if !has_levels_at_most(&value, Self::PRIVATE_LEVELS_MAX) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("the claim `{}` is nested too deep: give at most 32 levels", name.escape_debug()),
            ));
        }
        self.private.insert(name.to_owned(), value);
        Ok(self)
    }

    /// `sub`: who the token speaks of.
    #[must_use]
    pub fn subject(&self) -> &UserId {
        &self.subject
    }

    /// `client_id`: who asked for the token.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// `aud`: whom the token is meant for.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// `jti`: the token's own name.
    #[must_use]
    pub fn id(&self) -> &TokenId {
        &self.id
    }

    /// `iat`: when it was issued.
    #[must_use]
    pub fn issued_at(&self) -> UnixMillis {
        self.issued_at
    }

    /// `exp`: when it ends.
    #[must_use]
    pub fn expires_at(&self) -> UnixMillis {
        self.expires_at
    }

    /// `nbf`: when it begins, if that is not when it was issued.
    #[must_use]
    pub fn not_before(&self) -> Option<UnixMillis> {
        self.not_before
    }

    /// `scope`: what it allows.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Whether there is a claim of this name, private or not.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match name {
            "nbf" => self.not_before.is_some(),
            "scope" => self.scope.is_some(),
            _ => wire::REGISTERED.contains(&name) || self.private.contains_key(name),
        }
    }

    /// All claims that have no meaning here.
    #[must_use]
    pub fn private(&self) -> &Map<String, Value> {
        &self.private
    }
}

fn checked_name(name: &str) -> Result<String, Error> {
    if name.is_empty() || name.len() > Claims::NAME_BYTES_MAX {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "a client id and an audience must be 1 to 256 bytes long",
        ));
    }
    Ok(name.to_owned())
}

/// Whether a value has at most so many levels of arrays and objects. It looks no deeper than that.
fn has_levels_at_most(value: &Value, levels: usize) -> bool {
    let fits = |inner| levels.checked_sub(1).is_some_and(|left| has_levels_at_most(inner, left));
    match value {
        Value::Array(values) => levels > 0 && values.iter().all(fits),
        Value::Object(members) => levels > 0 && members.values().all(fits),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
