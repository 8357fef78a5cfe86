//! The id token: what a client learns of a sign-in (OpenID Connect Core 1.0, section 2).

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use crate::jws;
use crate::key_set::algorithm::Algorithm;
use crate::refresh::names::ClientId;
use crate::sites::site_session::SiteSession;
use crate::time::UnixMillis;

/// What an id token is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdToken<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client: &'a ClientId,
    pub(crate) session: &'a SiteSession,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) access_token: &'a str,
    pub(crate) algorithm: Algorithm,
    pub(crate) issued_at: UnixMillis,
    pub(crate) life_secs: u64,
}

impl IdToken<'_> {
    pub(crate) fn claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", json!(self.issuer));
        put("sub", json!(self.session.user.as_str()));
        put("aud", json!(self.client.as_str()));
        put("iat", json!(self.issued_at.as_secs()));
        put("exp", json!(self.issued_at.as_secs() + self.life_secs));
        put("auth_time", json!(self.session.auth_time.as_secs()));
        put("sid", json!(self.session.session.as_str()));
        put("at_hash", json!(at_hash(self.access_token, self.algorithm)));
        if let Some(nonce) = self.nonce {
            put("nonce", json!(nonce));
        }
        if let Some(acr) = &self.session.acr {
            put("acr", json!(acr));
        }
        if let Some(actor) = &self.session.actor {
            put("act", json!({ "sub": actor.as_str() }));
        }
        claims
    }
}

/// The left half of the digest of an access token (section 3.1.3.6), with the digest of the id token's algorithm.
pub(crate) fn at_hash(access_token: &str, algorithm: Algorithm) -> String {
    let digest = match algorithm {
        // Ed25519 hashes with SHA-512 inside, so that is what clients expect here.
        Algorithm::EdDsa => Sha512::digest(access_token).to_vec(),
        _ => Sha256::digest(access_token).to_vec(),
    };
    let (left, _) = digest.split_at(digest.len() / 2);
    jws::encode(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenID Connect Core 1.0, appendix A.3.
    #[test]
    fn the_hash_is_that_of_the_standard() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(at_hash(token, Algorithm::Rs256), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
