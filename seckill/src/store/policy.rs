//! Refuses a server that may throw stock away when its memory is full.

use std::collections::HashMap;

use super::link::Link;
use crate::error::{Error, Fault};

/// Passes only a server whose `maxmemory-policy` is `noeviction`.
pub(crate) async fn check(link: &Link) -> Result<(), Error> {
    let policy = match by_info(link).await? {
        Some(policy) => policy,
        None => by_config(link).await?,
    };
    if policy == "noeviction" {
        return Ok(());
    }
    Err(Fault::Eviction { policy: Error::shown(&policy) }.into())
}

/// What `INFO` tells; `None` when it may not be asked or leaves this out.
async fn by_info(link: &Link) -> Result<Option<String>, Error> {
    let mut cmd = redis::cmd("INFO");
    match link.query::<String>(cmd.arg("memory")).await {
        Ok(info) => {
            let policy = info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
            Ok(policy.map(|policy| policy.trim().to_owned()))
        }
        Err(broken) if broken.is_refusal() => Ok(None),
        Err(broken) => Err(broken.into_error(None)),
    }
}

async fn by_config(link: &Link) -> Result<String, Error> {
    let mut cmd = redis::cmd("CONFIG");
    match link.query::<HashMap<String, String>>(cmd.arg("GET").arg("maxmemory-policy")).await {
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
