//! Sign-in with providers: a simulator of all of them on a port of its own, as the real ones are elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sso_core::ReqwestClient;
use sso_core::provider_sim::{ProviderSim, SimUser};
use sso_core::social::{App, BrowserCookie, MemoryPendingStore, PendingStore, RedisPendingStore, SignIn};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Part;
use crate::config::Config;
use crate::start_error::StartError;
use crate::{provider, social};

/// How long one request to a provider may take.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// Every instance behind a load balancer has simulators on a port of its own.
const SIMULATORS: &str = "http://127.0.0.1:*";
const PART: &str = "identity providers";

/// What signing in elsewhere needs.
pub(super) struct Social {
    pub(super) sign_in: SignIn,
    /// Where a form that begins a sign-in may lead, as a source of a content security policy.
    pub(super) sources: &'static str,
    pub(super) part: Part,
}

/// Starts the simulator and makes this school known to each provider.
pub(super) async fn open(
    config: &Config,
    public_url: &str,
    stopping: watch::Receiver<bool>,
) -> Result<Social, StartError> {
    let place = SocketAddr::from(([127, 0, 0, 1], 0));
    let taken = |cause| StartError::Listen { addr: place, cause };
    let listener = TcpListener::bind(place).await.map_err(taken)?;
    let origin = format!("http://{}", listener.local_addr().map_err(taken)?);
    let (sim, sign_in) = wire(&origin, public_url, pending(config).await?).map_err(StartError::part(PART))?;
    drop(tokio::spawn(provider::serve(listener, sim, stopping)));
    let part = Part { name: PART, external: false, words: format!("simulators at {origin}") };
    Ok(Social { sign_in, sources: SIMULATORS, part })
}

/// The simulator, and the school's way to each of its providers.
fn wire(
    origin: &str,
    public_url: &str,
    pending: Arc<dyn PendingStore>,
) -> Result<(Arc<ProviderSim>, SignIn), sso_core::Error> {
    let mut sim = ProviderSim::new(origin)?.user(SimUser::new("xiaoming", "小明"));
    for door in social::DOORS {
        sim = sim.app(door.kind, door.app_id, door.app_secret, &door.redirect(public_url));
    }
    let mut sign_in = SignIn::new(pending, Arc::new(ReqwestClient::new(REQUEST_MAX)?));
    if !public_url.starts_with("https://") {
        sign_in = sign_in.cookie(BrowserCookie::danger_insecure());
    }
    for door in social::DOORS {
        let app = App::new(door.app_id, door.app_secret, &door.redirect(public_url))?;
        sign_in = sign_in.provider(sim.provider_of(door.kind, app)?.named(door.name)?)?;
    }
    Ok((Arc::new(sim), sign_in))
}

/// Attempts are kept where sessions are, so that another instance can end what one began.
async fn pending(config: &Config) -> Result<Arc<dyn PendingStore>, StartError> {
    let Some(url) = &config.redis_url else {
        return Ok(Arc::new(MemoryPendingStore::new()));
    };
    let store = RedisPendingStore::connect(url).await.map_err(StartError::part(PART))?;
    Ok(Arc::new(store))
}

#[cfg(test)]
mod tests {
    use sso_core::social::ProviderKind;

    use super::*;

    #[test]
    fn every_kind_of_provider_has_a_door() {
        let kinds = [
            ProviderKind::Qq,
            ProviderKind::WechatQr,
            ProviderKind::WechatInApp,
            ProviderKind::Weibo,
            ProviderKind::Github,
            ProviderKind::Oidc,
        ];
        for kind in kinds {
            assert_eq!(social::DOORS.iter().filter(|door| door.kind == kind).count(), 1, "{kind:?}");
        }
    }
}
