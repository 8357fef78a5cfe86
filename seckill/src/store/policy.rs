//! Refuses a server that may throw stock away when its memory is full.

use std::collections::HashMap;

use super::network::{Network, Route};
use crate::error::{Error, Fault};

/// Passes only servers whose `maxmemory-policy` is `noeviction`: those that keep these slots.
pub(crate) async fn check(network: &Network, slots: impl Iterator<Item = u16>) -> Result<(), Error> {
    for slot in slots {
        check_one(network, Route { slot, lane: 0 }).await?;
    }
    Ok(())
}

async fn check_one(network: &Network, route: Route) -> Result<(), Error> {
    let policy = match by_info(network, route).await? {
        Some(policy) => policy,
        None => by_config(network, route).await?,
    };
    if policy == "noeviction" {
        return Ok(());
    }
    Err(Fault::Eviction { policy: Error::shown(&policy) }.into())
}

/// What `INFO` tells; `None` when it may not be asked or leaves this out.
async fn by_info(network: &Network, route: Route) -> Result<Option<String>, Error> {
    let mut cmd = redis::cmd("INFO");
    match network.ask::<String>(route, cmd.arg("memory").clone()).await {
        Ok(info) => {
            let policy = info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
            Ok(policy.map(|policy| policy.trim().to_owned()))
        }
        Err(broken) if broken.is_refusal() => Ok(None),
        Err(broken) => Err(broken.into_error(None)),
    }
}

async fn by_config(network: &Network, route: Route) -> Result<String, Error> {
    let mut cmd = redis::cmd("CONFIG");
    match network.ask::<HashMap<String, String>>(route, cmd.arg("GET").arg("maxmemory-policy").clone()).await
    {
        Ok(settings) => {
            let policy = settings.into_values().next();
            policy.ok_or_else(|| Fault::EvictionUnknown { source: None }.into())
        }
        Err(broken) if broken.is_refusal() => {
            let source = Some(broken.into_error(None).into());
            Err(Fault::EvictionUnknown { source }.into())
        }
        Err(broken) => Err(broken.into_error(None)),
    }
}
