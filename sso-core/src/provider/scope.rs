//! Scopes: which a client gets, and which claims they show (OpenID Connect Core 1.0, section 5.4).

use std::fmt;

use serde_json::{Map, Value};

use crate::provider::config::ProviderConfig;
use crate::sites::client::Client;

/// What makes a request one of OpenID Connect.
pub(crate) const OPENID: &str = "openid";
/// What lets a client act while the user is away (section 11).
pub(crate) const OFFLINE: &str = "offline_access";

/// The standard scopes and the claims that they show.
const STANDARD: [(&str, &[&str]); 6] = [
    (OPENID, &[]),
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
    (OFFLINE, &[]),
];

/// The scopes that were granted, each once, in the order in which they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scopes(Vec<String>);

impl Scopes {
    /// The longest text of scopes that is read, in bytes.
    pub(crate) const BYTES_MAX: usize = 1024;

    /// Reads words with blanks between them; `None` if the text is too long.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::BYTES_MAX {
            return None;
        }
        let mut words: Vec<String> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        Some(Self(words))
    }

    /// Whether a scope is among them.
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.0.iter().any(|word| word == scope)
    }

    /// The scopes.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// What of it a client may have here. What nobody knows is left out, as section 3.1.2.1 asks.
    pub(crate) fn granted_to(&self, client: &Client, config: &ProviderConfig, may_refresh: bool) -> Self {
        let known = |word: &&str| all(config).any(|(scope, _)| scope == *word);
        let granted = self
            .words()
            .filter(known)
            .filter(|word| client.may(word) && (may_refresh || *word != OFFLINE))
            .map(str::to_owned);
        Self(granted.collect())
    }

    /// The scopes but one.
    pub(crate) fn without(mut self, scope: &str) -> Self {
        self.0.retain(|word| word != scope);
        self
    }

    /// The claims that these scopes show.
    pub(crate) fn shown(
        &self,
        config: &ProviderConfig,
        mut claims: Map<String, Value>,
    ) -> Map<String, Value> {
        let names: Vec<&str> =
            all(config).filter(|(scope, _)| self.has(scope)).flat_map(|(_, names)| names).collect();
        claims.retain(|name, value| names.contains(&name.as_str()) && !value.is_null());
        claims
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// Every scope of a provider and the claims that it shows.
fn all(config: &ProviderConfig) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let standard = STANDARD.iter().map(|(scope, names)| (*scope, names.to_vec()));
    let extra = config.extra_scopes.iter();
    standard.chain(extra.map(|(scope, names)| (scope.as_str(), names.iter().map(String::as_str).collect())))
}

/// The scopes and the claims that discovery tells of.
pub(crate) fn supported(config: &ProviderConfig, may_refresh: bool) -> (Vec<&str>, Vec<&str>) {
    let scopes =
        all(config).map(|(scope, _)| scope).filter(|scope| may_refresh || *scope != OFFLINE).collect();
    let claims = ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "sid"].into_iter();
    (scopes, claims.chain(all(config).flat_map(|(_, names)| names)).collect())
}
