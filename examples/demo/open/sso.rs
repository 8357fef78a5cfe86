//! Identity: the public address, the cookie that fits it, the password hasher, the signing key of tokens.

use std::net::SocketAddr;
use std::time::Duration;

use sso_core::{
    CookieConfig, Issuer, KeySet, PasswordHasher, PasswordParams, SessionLimits, SigningKey, Verifier,
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
    let keys = KeySet::new(SigningKey::from_pkcs8_pem(&text).map_err(StartError::part("token key"))?);
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
        return Ok(format!("http://{addr}"));
    };
    let refused = || StartError::PublicUrl { url: url.clone() };
    let parsed: http::Uri = url.parse().map_err(|_| refused())?;
    let scheme =
        parsed.scheme_str().filter(|scheme| ["http", "https"].contains(scheme)).ok_or_else(refused)?;
    let authority = parsed.authority().ok_or_else(refused)?;
    if parsed.path() != "/" || parsed.query().is_some() || authority.as_str().contains('@') {
        return Err(refused());
    }
    Ok(format!("{scheme}://{authority}"))
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
