//! Claims as the JSON of a payload: written, and read without trust.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::claims::{Claims, TokenId};
use crate::rejected::TokenRejected;
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// The members that have a meaning of their own.
pub(crate) const REGISTERED: [&str; 9] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope"];

impl Claims {
    /// The payload of a token of this issuer.
    pub(crate) fn payload(&self, issuer: &str) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Payload {
            iss: issuer,
            sub: self.subject.as_str(),
            aud: match self.audience.as_slice() {
                [only] => Audience::One(only),
                several => Audience::Several(several),
            },
            client_id: &self.client_id,
            jti: self.id.as_str(),
            iat: self.issued_at.as_secs(),
            exp: self.expires_at.as_secs(),
            nbf: self.not_before.map(UnixMillis::as_secs),
            scope: self.scope.as_deref(),
            private: &self.private,
        })
    }

    /// Reads the issuer and the claims of a payload.
    pub(crate) fn from_payload(mut members: Map<String, Value>) -> Result<(String, Self), TokenRejected> {
        let members = &mut members;
        let issuer = need(text(members, "iss")?)?;
        let claims = Self {
            subject: UserId::new(need(text(members, "sub")?)?).map_err(|_| TokenRejected::Malformed)?,
            client_id: need(text(members, "client_id")?)?,
            audience: audience(members)?,
            id: TokenId(need(text(members, "jti")?)?),
            issued_at: need(numeric_date(members, "iat")?)?,
            expires_at: need(numeric_date(members, "exp")?)?,
            not_before: numeric_date(members, "nbf")?,
            scope: text(members, "scope")?,
            private: std::mem::take(members),
        };
        Ok((issuer, claims))
    }
}

#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    client_id: &'a str,
    jti: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(flatten)]
    private: &'a Map<String, Value>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(&'a [String]),
}

fn need<T>(value: Option<T>) -> Result<T, TokenRejected> {
    value.ok_or(TokenRejected::Malformed)
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, TokenRejected> {
    match members.remove(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenRejected::Malformed),
        None => Ok(None),
    }
}

/// Whole seconds since 1970, as an integer: RFC 7519 allows fractions, no issuer needs them.
fn numeric_date(members: &mut Map<String, Value>, name: &str) -> Result<Option<UnixMillis>, TokenRejected> {
    let Some(value) = members.remove(name) else {
        return Ok(None);
    };
    let millis = value.as_u64().and_then(|secs| secs.checked_mul(1000)).ok_or(TokenRejected::Malformed)?;
    UnixMillis::new(millis).map(Some).map_err(|_| TokenRejected::Malformed)
}

fn audience(members: &mut Map<String, Value>) -> Result<Vec<String>, TokenRejected> {
    match members.remove("aud") {
        Some(Value::String(only)) => Ok(vec![only]),
        Some(Value::Array(several)) => several
            .into_iter()
            .map(|one| match one {
                Value::String(one) => Ok(one),
                _ => Err(TokenRejected::Malformed),
            })
            .collect(),
        _ => Err(TokenRejected::Malformed),
    }
}
