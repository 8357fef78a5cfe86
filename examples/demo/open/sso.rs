//! Identity: the public address, the cookie that fits it, the password hasher, the signing key of tokens.

use std::net::SocketAddr;
use std::time::Duration;

use sso_core::{
    CookieConfig, Issuer, KeySet, PasswordHasher, PasswordParams, SessionLimits, SessionSecret, SigningKey,
    UserId, Verifier,
};

use crate::app::AUDIENCE;
use crate::config::Config;
use crate::keys;
use crate::start_error::StartError;

/// Seconds between two writes of a session's last use.
const TOUCH_SECS: u64 = 60;

/// What identity needs.
pub(super) struct Identity {
    pub(super) public_url: String,
    pub(super) origins: Vec<String>,
    pub(super) limits: SessionLimits,
    pub(super) probe: SessionSecret,
    pub(super) cookie: CookieConfig,
    pub(super) hasher: PasswordHasher,
    pub(super) keys: KeySet,
    pub(super) issuer: Issuer,
    pub(super) verifier: Verifier,
}

/// Opens it.
pub(super) fn open(config: &Config, addr: SocketAddr) -> Result<Identity, StartError> {
    let public_url = public_url(config, addr)?;
    let secure = public_url.starts_with("https://");
    // A `__Host-` cookie needs TLS; on plain HTTP, which is for loopback only, browsers would drop it.
    let cookie = if secure { CookieConfig::host("sid") } else { CookieConfig::danger_insecure("sid") };
    let text = keys::load_or_make(&config.data_dir.join("token-key.pem"), || {
        SigningKey::generate_rs256().and_then(|key| key.to_pkcs8_pem())
    })?;
    let keys = KeySet::new(SigningKey::from_pem(&text).map_err(StartError::part("token key"))?);
    let part = "session limits";
    let limits = SessionLimits::new(
        Duration::from_secs(config.session_idle_minutes.saturating_mul(60)),
        Duration::from_secs(config.session_absolute_hours.saturating_mul(3600)),
        Duration::from_secs(TOUCH_SECS.min(config.session_idle_minutes.saturating_mul(30))),
    )
    .map_err(StartError::part(part))?;
    Ok(Identity {
        origins: origins(&public_url, addr),
        limits,
        probe: SessionSecret::new(&UserId::new("probe").map_err(StartError::part("session store"))?, [0; 32]),
        cookie: cookie.map_err(StartError::part("session cookie"))?,
        hasher: PasswordHasher::new(PasswordParams::default()),
        issuer: Issuer::new(&public_url, &keys).map_err(StartError::part("token issuer"))?,
        verifier: Verifier::new(&public_url, AUDIENCE, &keys).map_err(StartError::part("token verifier"))?,
        keys,
        public_url,
    })
}

fn public_url(config: &Config, addr: SocketAddr) -> Result<String, StartError> {
    let Some(url) = &config.public_url else {
        if addr.ip().is_unspecified() {
            return Err(StartError::Wildcard { addr });
        }
        return Ok(format!("http://{addr}"));
    };
    origin(url).ok_or_else(|| StartError::PublicUrl { url: url.clone() })
}

/// The address as a browser names it in `Origin`: lower case, without the scheme's own port (RFC 6454, 6.2).
fn origin(url: &str) -> Option<String> {
    let parsed: http::Uri = url.parse().ok()?;
    let scheme = parsed.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let host = parsed.host()?.to_ascii_lowercase();
    let bare =
        parsed.path() == "/" && parsed.query().is_none() && !parsed.authority()?.as_str().contains('@');
    let usual = if scheme == "https" { 443 } else { 80 };
    let port = parsed.port_u16().filter(|port| *port != usual);
    bare.then(|| match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

/// The public address, and for one on loopback its other name.
fn origins(public_url: &str, addr: SocketAddr) -> Vec<String> {
    let mut origins = vec![public_url.to_owned()];
    if addr.ip().is_loopback() {
        let twin = public_url.replace("127.0.0.1", "localhost");
        if twin != public_url {
            origins.push(twin);
        }
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        assert_eq!(origin("https://School.Example:443/").as_deref(), Some("https://school.example"));
        assert_eq!(origin("http://127.0.0.1:8080").as_deref(), Some("http://127.0.0.1:8080"));
        for odd in ["ftp://a.example", "https://a.example/school", "https://me@a.example", "a.example", ""] {
            assert_eq!(origin(odd), None, "{odd}");
        }
    }
}
