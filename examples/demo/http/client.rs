//! What a request tells about the program that sent it: its own words, and where it comes from.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::app::Shared;

/// The sender of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    /// Its `User-Agent`.
    pub(crate) agent: String,
    /// Its address; empty when nobody knows it.
    pub(crate) address: String,
}

impl Client {
    fn of(headers: &HeaderMap, peer: Option<IpAddr>) -> Self {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            agent: agent.unwrap_or("unknown").to_owned(),
            address: origin(headers, peer).map(|address| address.to_string()).unwrap_or_default(),
        }
    }

    /// Its address as a number; all whose address nobody knows count as one.
    pub(crate) fn ip(&self) -> IpAddr {
        self.address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

/// Where a request comes from. Only a proxy on this machine is believed, and of what it sends only its own entry, the
/// last one: a client can write anything in front of that.
fn origin(headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
    let peer = peer?;
    if !peer.is_loopback() {
        return Some(peer);
    }
    let line = headers.get_all("x-forwarded-for").iter().next_back();
    let last = line.and_then(|line| line.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    Some(last.unwrap_or(peer))
}

impl FromRequestParts<Shared> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _app: &Shared) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        Ok(Self::of(&parts.headers, peer))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn forwarded(line: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            header::HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_static(line),
        )])
    }

    #[test]
    fn only_the_last_word_of_a_proxy_here_is_believed() {
        let (proxy, stranger) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([192, 0, 2, 7]));
        let line = forwarded("10.0.0.1, 198.51.100.9");
        assert_eq!(Client::of(&line, Some(proxy)).address, "198.51.100.9");
        assert_eq!(Client::of(&line, Some(stranger)).address, "192.0.2.7");
        assert_eq!(Client::of(&forwarded("nonsense"), Some(proxy)).address, "127.0.0.1");
        assert_eq!(Client::of(&line, Some(proxy)).ip(), IpAddr::from([198, 51, 100, 9]));
        let nowhere = Client::of(&HeaderMap::new(), None);
        assert_eq!((nowhere.address.as_str(), nowhere.ip().is_unspecified()), ("", true));
    }
}
