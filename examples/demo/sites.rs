//! The sites that sign their users in here: what the file of `--sites-file` says of each.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use sso_core::{Client, ClientId, ClientSecretHash, Clients, ConsentPolicy, PublicKeySet, SiteUrl};

use crate::start_error::StartError;

/// What is registered.
#[derive(Debug)]
pub(crate) struct Sites {
    pub(crate) clients: Clients,
    pub(crate) count: usize,
    /// Where signing in and out may lead, as sources of a content security policy.
    pub(crate) destinations: Vec<String>,
}

impl Sites {
    /// Reads the file; no file is no sites.
    pub(crate) fn read(path: Option<&PathBuf>) -> Result<Self, StartError> {
        let Some(path) = path else { return Self::register(Vec::new()) };
        let flag = "--sites-file";
        let text =
            fs::read_to_string(path).map_err(|cause| StartError::File { flag, path: path.clone(), cause })?;
        let sites = serde_json::from_str(&text)
            .map_err(|cause| StartError::SitesFile { path: path.clone(), cause })?;
        Self::register(sites)
    }

    fn register(sites: Vec<Site>) -> Result<Self, StartError> {
        let addresses = sites.iter().flat_map(|site| site.return_urls.iter().chain(&site.after_logout_urls));
        let mut destinations: Vec<String> = addresses.map(|address| source_of(address)).collect();
        destinations.sort();
        destinations.dedup();
        if let Some(odd) = destinations.iter().find(|source| source.contains([';', ',', ' ', '\''])) {
            return Err(StartError::SiteAddress { source_text: odd.clone() });
        }
        let count = sites.len();
        let clients = sites
            .into_iter()
            .map(|site| {
                let id = site.id.clone();
                site.client().map_err(|cause| StartError::Site { id, cause })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let clients = Clients::new(clients).map_err(StartError::part("register of sites"))?;
        Ok(Self { clients, count, destinations })
    }
}

/// One site, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Site {
    id: String,
    proof: Proof,
    return_urls: Vec<String>,
    #[serde(default)]
    after_logout_urls: Vec<String>,
    /// Where it is told that a session has ended.
    logout_url: Option<String>,
    #[serde(default = "openid_alone")]
    scopes: Vec<String>,
    /// Whether its users are asked before it learns who they are.
    #[serde(default)]
    consent: ConsentWord,
}

/// How a site proves who it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Proof {
    /// It cannot keep a secret.
    Public,
    /// SHA-256 of its secret, in base64url: who reads the file does not learn the secret.
    SecretHash(String),
    /// It signs with these keys, a JWKS document.
    Keys(serde_json::Value),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ConsentWord {
    #[default]
    FirstParty,
    Ask,
}

fn openid_alone() -> Vec<String> {
    vec!["openid".to_owned()]
}

impl Site {
    fn client(self) -> Result<Client, sso_core::Error> {
        let id = ClientId::new(self.id)?;
        let mut client = match self.proof {
            Proof::Public => Client::public(id),
            Proof::SecretHash(text) => Client::with_secret(id, ClientSecretHash::parse(&text)?),
            Proof::Keys(keys) => Client::with_keys(id, PublicKeySet::from_jwks(&keys.to_string())?),
        };
        for url in &self.return_urls {
            client = client.return_url(SiteUrl::new(url)?)?;
        }
        for url in &self.after_logout_urls {
            client = client.after_logout_url(SiteUrl::new(url)?)?;
        }
        if let Some(url) = &self.logout_url {
            client = client.logout_url(SiteUrl::new(url)?)?;
        }
        let consent = match self.consent {
            ConsentWord::FirstParty => ConsentPolicy::FirstParty,
            ConsentWord::Ask => ConsentPolicy::Ask,
        };
        Ok(client.scopes(self.scopes.iter().map(String::as_str))?.consent(consent))
    }
}

/// An address as a source: its origin, or the scheme of an application on a device.
fn source_of(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            format!("{scheme}://{authority}")
        }
        None => format!("{}:", url.split(':').next().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(text: &str) -> Result<Sites, StartError> {
        Sites::register(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_site_is_registered_with_what_it_may() {
        let sites = registered(
            r#"[{"id": "app", "proof": "public", "return_urls": ["http://127.0.0.1:9/cb?a=b", "com.example.app:/cb"],
                 "after_logout_urls": ["https://app.example/bye"], "scopes": ["openid", "profile"]}]"#,
        )
        .unwrap();
        assert_eq!(sites.destinations, ["com.example.app:", "http://127.0.0.1:9", "https://app.example"]);
        let app = sites.clients.find("app").unwrap();
        assert!(app.is_public() && app.returns_to("com.example.app:/cb"));
        assert!(app.returns_after_logout_to("https://app.example/bye"));
    }

    #[test]
    fn what_cannot_be_registered_is_named() {
        let site = |proof: &str, url: &str| {
            let text = format!(r#"[{{"id": "shop", "proof": {proof}, "return_urls": ["{url}"]}}]"#);
            registered(&text).unwrap_err().to_string()
        };
        assert!(site(r#"{"secret_hash": "short"}"#, "https://a.example/").contains("`shop`"));
        assert!(site(r#""public""#, "http://a.example/").contains("`shop`"));
        assert!(site(r#""public""#, "https://a.example;script-src/").contains("a.example;script-src"));
        let unknown = r#"[{"id": "shop", "proof": "public", "return_urls": [], "secret": "x"}]"#;
        assert!(serde_json::from_str::<Vec<Site>>(unknown).is_err());
    }
}
