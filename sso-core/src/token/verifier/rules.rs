//! What a verifier asks of claims once their signature is right. No clock, no key.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::claims::Claims;
use crate::claims::wire::numeric_date;
use crate::rejected::TokenRejected;
use crate::time::{UnixMillis, whole_millis};

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    issuer: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) leeway: Duration,
    pub(crate) required: Vec<String>,
    pub(crate) max_age: Option<Duration>,
}

/// The claims that are asked about (RFC 7519, section 4.1).
pub(crate) struct Registered<'a> {
    issuer: &'a str,
    audience: Cow<'a, [String]>,
    issued_at: Option<UnixMillis>,
    expires_at: UnixMillis,
    not_before: Option<UnixMillis>,
}

impl Rules {
    pub(crate) fn new(issuer: String, audience: String) -> Self {
        Self {
            issuer,
            audiences: vec![audience],
            leeway: Duration::ZERO,
            required: Vec::new(),
            max_age: None,
        }
    }

    pub(crate) fn check_parties(&self, said: &Registered<'_>) -> Result<(), TokenRejected> {
        if said.issuer != self.issuer {
            return Err(TokenRejected::WrongIssuer);
        }
        if !said.audience.iter().any(|audience| self.audiences.contains(audience)) {
            return Err(TokenRejected::WrongAudience);
        }
        Ok(())
    }

    pub(crate) fn check_time(&self, said: &Registered<'_>, now: UnixMillis) -> Result<(), TokenRejected> {
        let (now, leeway) = (now.as_millis(), whole_millis(self.leeway));
        let end = said.expires_at;
        if now >= end.as_millis().saturating_add(leeway) {
            return Err(TokenRejected::Expired { at: end });
        }
        let begin = said.not_before.max(said.issued_at).unwrap_or(UnixMillis::EPOCH);
        if now.saturating_add(leeway) < begin.as_millis() {
            return Err(TokenRejected::NotYetValid { at: begin });
        }
        let Some(max_age) = self.max_age else {
            return Ok(());
        };
        let issued_at = said.issued_at.ok_or(TokenRejected::MissingClaim)?;
        let oldest = issued_at.as_millis().saturating_add(whole_millis(max_age)).saturating_add(leeway);
        if now >= oldest {
            return Err(TokenRejected::TooOld { issued_at });
        }
        Ok(())
    }

    pub(crate) fn check_required(&self, has: impl Fn(&str) -> bool) -> Result<(), TokenRejected> {
        let complete = self.required.iter().all(|name| has(name));
        complete.then_some(()).ok_or(TokenRejected::MissingClaim)
    }
}

impl<'a> Registered<'a> {
    pub(crate) fn of_claims(issuer: &'a str, claims: &'a Claims) -> Self {
        Self {
            issuer,
            audience: Cow::Borrowed(claims.audience()),
            issued_at: Some(claims.issued_at()),
            expires_at: claims.expires_at(),
            not_before: claims.not_before(),
        }
    }

    pub(crate) fn of_map(claims: &'a Map<String, Value>) -> Result<Self, TokenRejected> {
        let issuer = claims.get("iss").and_then(Value::as_str).ok_or(TokenRejected::Malformed)?;
        let audience = match claims.get("aud") {
            Some(Value::String(only)) => vec![only.clone()],
            Some(Value::Array(several)) => {
                let texts = several.iter().map(|one| one.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().ok_or(TokenRejected::Malformed)?
            }
            _ => return Err(TokenRejected::Malformed),
        };
        Ok(Self {
            issuer,
            audience: Cow::Owned(audience),
            issued_at: date(claims, "iat")?,
            expires_at: date(claims, "exp")?.ok_or(TokenRejected::Malformed)?,
            not_before: date(claims, "nbf")?,
        })
    }
}

fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<UnixMillis>, TokenRejected> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    value.as_u64().and_then(numeric_date).map(Some).ok_or(TokenRejected::Malformed)
}
