//! Other sites: the provider that signs their users in, and the messenger that tells them when it is over.

use std::sync::Arc;
use std::time::Duration;

use sso_core::{
    ProviderConfig, RefreshLimits, RefreshStore, ReqwestClient, RevocationView, SingleLogout, SiteStore,
};

use super::Part;
use super::sso::Identity;
use crate::config::Config;
use crate::openid::Openid;
use crate::school::School;
use crate::sites::Sites;
use crate::start_error::StartError;

/// How long a site may take to hear that a session has ended.
const NOTICE_MAX: Duration = Duration::from_secs(5);
const PART: &str = "sites";

/// What the provider keeps and asks.
pub(super) struct Shelves {
    pub(super) sites: Arc<dyn SiteStore>,
    pub(super) refreshes: Arc<dyn RefreshStore>,
    pub(super) revocations: Arc<dyn RevocationView>,
    pub(super) school: School,
}

/// What other sites need.
pub(super) struct Neighbours {
    /// None where the school's address is one that no site may trust.
    pub(super) openid: Option<Openid>,
    /// Where signing in and out may lead, as sources of a content security policy.
    pub(super) destinations: Vec<String>,
    pub(super) part: Part,
}

/// Opens it. On plain HTTP in a network there is no provider; then a file of sites is refused.
pub(super) fn open(config: &Config, identity: &Identity, shelves: Shelves) -> Result<Neighbours, StartError> {
    let sites = Sites::read(config.sites_file.as_ref())?;
    let issuer = identity.public_url.as_str();
    let settings = match ProviderConfig::new(issuer, identity.limits) {
        Ok(settings) => settings,
        Err(_) if config.sites_file.is_none() => {
            let words = "none: that needs a public address with https".to_owned();
            let part = Part { name: PART, external: false, words };
            return Ok(Neighbours { openid: None, destinations: sites.destinations, part });
        }
        Err(cause) => return Err(StartError::part(PART)(cause)),
    };
    let words = match sites.count {
        0 => format!("none; register them with --sites-file, issuer {issuer}"),
        count => format!("{count} registered, issuer {issuer}"),
    };
    let part = Part { name: PART, external: sites.count > 0, words };
    let openid = wire(settings, identity, &sites, shelves).map_err(StartError::part(PART))?;
    Ok(Neighbours { openid: Some(openid), destinations: sites.destinations, part })
}

fn wire(
    mut settings: ProviderConfig,
    identity: &Identity,
    sites: &Sites,
    shelves: Shelves,
) -> Result<Openid, sso_core::Error> {
    let issuer = identity.public_url.as_str();
    let at = |path| format!("{issuer}{path}");
    settings.endpoints.authorization = at("/oauth/authorize");
    settings.endpoints.token = at("/oauth/token");
    settings.endpoints.userinfo = at("/oauth/userinfo");
    settings.endpoints.jwks = at("/.well-known/jwks.json");
    settings.endpoints.end_session = at("/oauth/end-session");
    let (keys, clients) = (&identity.keys, &sites.clients);
    let provider = sso_core::Provider::new(
        settings,
        (keys, keys),
        clients.clone(),
        Arc::clone(&shelves.sites),
        Arc::new(shelves.school),
    )?
    .refresh(shelves.refreshes, RefreshLimits::default())
    .revocations(shelves.revocations);
    let http = Arc::new(ReqwestClient::new(NOTICE_MAX)?);
    let single_logout = SingleLogout::new(issuer, keys, clients.clone(), shelves.sites, http)?;
    Ok(Openid { provider, single_logout })
}
