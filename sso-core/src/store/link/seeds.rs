//! The addresses that an application gives: of one server, of sentinels, or of some nodes of a cluster.

use std::sync::Arc;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisError};

use crate::error::{Error, ErrorKind};

/// Where to begin.
#[derive(Clone, Debug)]
pub(super) struct Seeds {
    pub(super) places: Places,
    /// Its credentials and its encryption are those of all servers.
    first: ConnectionInfo,
    others: Vec<ConnectionInfo>,
}

/// What the addresses are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Places {
    /// One server.
    Single,
    /// Sentinels that watch this service.
    Sentinels(Arc<str>),
    /// Some nodes of a cluster.
    Cluster,
}

impl Seeds {
    pub(super) fn single(url: &str) -> Result<Self, Error> {
        Self::read(Places::Single, &[url])
    }

    pub(super) fn cluster<S: AsRef<str>>(urls: &[S]) -> Result<Self, Error> {
        Self::read(Places::Cluster, urls)
    }

    pub(super) fn sentinel<S: AsRef<str>>(urls: &[S], service: &str) -> Result<Self, Error> {
        Self::read(Places::Sentinels(service.into()), urls)
    }

    fn read<S: AsRef<str>>(places: Places, urls: &[S]) -> Result<Self, Error> {
        let mut infos = Vec::new();
        for url in urls {
            let info = url.as_ref().into_connection_info().map_err(misuse)?;
            // Refuses what this build cannot do, such as encryption without its feature.
            redis::Client::open(info.clone()).map_err(misuse)?;
            infos.push(info.set_tcp_settings(tcp_settings()));
        }
        let mut infos = infos.into_iter();
        let first = infos.next();
        let first = first.ok_or_else(|| Error::new(ErrorKind::Misuse, "give at least one redis url"))?;
        Ok(Self { places, first, others: infos.collect() })
    }

    /// The servers to ask where the masters are. Sentinels have no databases to select.
    pub(super) fn guides(&self) -> impl Iterator<Item = ConnectionInfo> {
        let sentinels = matches!(self.places, Places::Sentinels(_));
        std::iter::once(&self.first).chain(&self.others).cloned().map(move |info| {
            let settings = info.redis_settings().clone();
            if sentinels { info.set_redis_settings(settings.set_db(0)) } else { info }
        })
    }

    /// How to reach the node `host:port`; the one server there is has an empty name.
    pub(super) fn node(&self, address: &str) -> ConnectionInfo {
        let Some((host, port)) = address.rsplit_once(':') else { return self.first.clone() };
        let Ok(port) = port.parse() else { return self.first.clone() };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let addr = match self.first.addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        self.first.clone().set_addr(addr)
    }
}

/// Small requests go out at once, and a peer that has vanished is noticed in seconds, not in minutes.
fn tcp_settings() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(Duration::from_secs(5));
    settings
}

fn misuse(source: RedisError) -> Error {
    let words = "this redis url cannot be used: give `redis://host:port/`";
    Error::with_source(ErrorKind::Misuse, words, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_the_credentials_of_the_first_address() {
        let seeds = Seeds::sentinel(&["redis://:secret@a:1/3", "redis://b:2/"], "shop").unwrap();
        let node = seeds.node("[::1]:7000");
        assert_eq!(node.addr(), &ConnectionAddr::Tcp("::1".into(), 7000));
        assert_eq!((node.redis_settings().password(), node.redis_settings().db()), (Some("secret"), 3));
        let guides: Vec<_> = seeds.guides().map(|info| info.redis_settings().db()).collect();
        assert_eq!(guides, [0, 0]);
        assert_eq!(Seeds::cluster::<&str>(&[]).unwrap_err().kind(), ErrorKind::Misuse);
    }
}
