//! Claims as the JSON of a payload: written, and read without trust and without a detour over values.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};

use crate::claims::{Claims, TokenId};
use crate::rejected::TokenRejected;
use crate::strict_json::Unique;
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// The members that have a meaning of their own.
pub(crate) const REGISTERED: [&str; 9] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope"];

/// The payload of a token: claims and who vouches for them.
pub(crate) struct Payload<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) claims: &'a Claims,
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let claims = self.claims;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("iss", self.issuer)?;
        map.serialize_entry("sub", claims.subject.as_str())?;
        match claims.audience.as_slice() {
            [only] => map.serialize_entry("aud", only)?,
            several => map.serialize_entry("aud", several)?,
        }
        map.serialize_entry("client_id", &claims.client_id)?;
        map.serialize_entry("jti", claims.id.as_str())?;
        map.serialize_entry("iat", &claims.issued_at.as_secs())?;
        map.serialize_entry("exp", &claims.expires_at.as_secs())?;
        if let Some(not_before) = claims.not_before {
            map.serialize_entry("nbf", &not_before.as_secs())?;
        }
        if let Some(scope) = &claims.scope {
            map.serialize_entry("scope", scope)?;
        }
        for (name, value) in &claims.private {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Claims {
    /// Reads the issuer and the claims of a payload.
    pub(crate) fn from_payload(json: &[u8]) -> Result<(String, Self), TokenRejected> {
        let read: Read = serde_json::from_slice(json).map_err(|_| TokenRejected::Malformed)?;
        read.complete().ok_or(TokenRejected::Malformed)
    }
}

/// What a payload says, each member at most once.
#[derive(Default)]
struct Read {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    client_id: Option<String>,
    jti: Option<String>,
    iat: Option<NumericDate>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    scope: Option<String>,
    private: Map<String, Value>,
}

impl Read {
    fn complete(self) -> Option<(String, Claims)> {
        let claims = Claims {
            subject: UserId::new(self.sub?).ok()?,
            client_id: self.client_id?,
            audience: self.aud?.0,
            id: TokenId(self.jti?),
            issued_at: self.iat?.0,
            expires_at: self.exp?.0,
            not_before: self.nbf.map(|date| date.0),
            scope: self.scope,
            private: self.private,
        };
        Some((self.iss?, claims))
    }

    fn member<'de, A: MapAccess<'de>>(&mut self, name: Name, map: &mut A) -> Result<(), A::Error> {
        match name {
            Name::Iss => once(&mut self.iss, map),
            Name::Sub => once(&mut self.sub, map),
            Name::Aud => once(&mut self.aud, map),
            Name::ClientId => once(&mut self.client_id, map),
            Name::Jti => once(&mut self.jti, map),
            Name::Iat => once(&mut self.iat, map),
            Name::Exp => once(&mut self.exp, map),
            Name::Nbf => once(&mut self.nbf, map),
            Name::Scope => once(&mut self.scope, map),
            Name::Private(name) => {
                let Unique(value) = map.next_value()?;
                match self.private.insert(name, value) {
                    Some(_) => Err(A::Error::custom("a claim appears twice")),
                    None => Ok(()),
                }
            }
        }
    }
}

fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    map: &mut A,
) -> Result<(), A::Error> {
    match slot.replace(map.next_value()?) {
        Some(_) => Err(A::Error::custom("a claim appears twice")),
        None => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadVisitor)
    }
}

struct ReadVisitor;

impl<'de> Visitor<'de> for ReadVisitor {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims without repeated members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let mut read = Read::default();
        while let Some(name) = map.next_key()? {
            read.member(name, &mut map)?;
        }
        Ok(read)
    }
}

/// The name of a member; only a private one is copied.
enum Name {
    Iss,
    Sub,
    Aud,
    ClientId,
    Jti,
    Iat,
    Exp,
    Nbf,
    Scope,
    Private(String),
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a claim")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(match name {
            "iss" => Name::Iss,
            "sub" => Name::Sub,
            "aud" => Name::Aud,
            "client_id" => Name::ClientId,
            "jti" => Name::Jti,
            "iat" => Name::Iat,
            "exp" => Name::Exp,
            "nbf" => Name::Nbf,
            "scope" => Name::Scope,
            other => Name::Private(other.to_owned()),
        })
    }
}

/// Whole seconds since 1970, as an integer: RFC 7519 allows fractions, no issuer needs them.
struct NumericDate(UnixMillis);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secs = u64::deserialize(deserializer)?;
        numeric_date(secs).map(Self).ok_or_else(|| D::Error::custom("no time"))
    }
}

/// A time from its whole seconds.
pub(crate) fn numeric_date(secs: u64) -> Option<UnixMillis> {
    UnixMillis::new(secs.checked_mul(1000)?).ok()
}

/// One audience as text, or several as an array.
struct Audience(Vec<String>);

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudienceVisitor).map(Self)
    }
}

struct AudienceVisitor;

impl<'de> Visitor<'de> for AudienceVisitor {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an audience or an array of them")
    }

    fn visit_str<E>(self, only: &str) -> Result<Vec<String>, E> {
        Ok(vec![only.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
        let mut several = Vec::new();
        while let Some(one) = seq.next_element()? {
            several.push(one);
        }
        Ok(several)
    }
}
