//! Looking a target's name up, once.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use super::{Resolved, Target, TargetPolicy};
use crate::error::{Error, Inner};

impl TargetPolicy {
    /// Resolves a target by the system's resolver and checks every address of it. Feature `pump`; needs a
    /// tokio runtime with time.
    ///
    /// # Errors
    /// `Unavailable` when the name has no answer within `deadline`.
    pub async fn resolve(&self, target: &Target, deadline: Duration) -> Result<Resolved, Error> {
        let found = match target.literal() {
            Some(ip) => vec![SocketAddr::new(ip, target.port())],
            None => timeout(deadline, look_up(target))
                .await
                .map_err(|_| Inner::LookupLate { host: target.host().to_owned() })??,
        };
        Ok(self.destination(target, &found))
    }
}

async fn look_up(target: &Target) -> Result<Vec<SocketAddr>, Error> {
    let failed = |source| Inner::Lookup { host: target.host().to_owned(), source };
    Ok(lookup_host((target.host(), target.port())).await.map_err(failed)?.collect())
}
