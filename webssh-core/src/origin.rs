//! The exact list of origins whose pages may open a terminal (RFC 6454; RFC 6455, section 10.2).
//!
//! Browsers let any page open a WebSocket to any server and send the user's cookies along. The header
//! `Origin` is what tells a page of one's own from a stranger's.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use crate::error::{Error, Inner, quoted};

/// The longest origin that is looked at, in bytes.
const ORIGIN_BYTES_MAX: usize = 300;

/// The origins of one's own pages. An empty list admits nobody.
///
/// Scheme, host and port must be the same. A missing header is refused, because every browser sends it;
/// so is `null`, which stands for pages without an origin of their own.
///
/// ```
/// use webssh_core::Origins;
///
/// let origins = Origins::new(["https://lab.example.org"])?;
/// assert!(origins.admit(Some("https://lab.example.org")));
/// assert!(origins.admit(Some("https://lab.example.org:443")));
/// assert!(!origins.admit(Some("http://lab.example.org")));
/// assert!(!origins.admit(Some("https://lab.example.org.evil.example")));
/// assert!(!origins.admit(Some("null")));
/// assert!(!origins.admit(None));
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(BTreeSet<Origin>);

/// One origin in one spelling: lower case, with its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    tls: bool,
    host: String,
    port: u16,
}

impl Origins {
    /// Reads entries of the form `https://host` or `https://host:port`.
    ///
    /// # Errors
    /// `InvalidInput` for an entry with another scheme, a path, a wildcard or no host.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        entries
            .into_iter()
            .map(|entry| parse(entry).ok_or_else(|| invalid(entry)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a page with this header `Origin` may open a terminal.
    #[must_use]
    pub fn admit(&self, origin: Option<&str>) -> bool {
        origin.and_then(parse).is_some_and(|origin| self.0.contains(&origin))
    }
}

fn parse(text: &str) -> Option<Origin> {
    if text.len() > ORIGIN_BYTES_MAX {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://")?;
    let (tls, default_port) = match scheme {
        "https" => (true, 443),
        "http" => (false, 80),
        _ => return None,
    };
    let (host, port) = match authority.rsplit_once(':') {
        // A colon inside of brackets belongs to an IPv6 address.
        Some((host, port)) if !port.ends_with(']') => (host, parse_port(port)?),
        _ => (authority, default_port),
    };
    is_host(host).then(|| Origin { tls, host: host.to_owned(), port })
}

fn parse_port(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| digits && *port != 0)
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            !host.is_empty() && host.bytes().all(allowed)
        }
    }
}

fn invalid(entry: &str) -> Error {
    Inner::Origin { value: quoted(entry) }.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entries_are_whole_origins() {
        for entry in [
            "",
            "null",
            "*",
            "https://",
            "https://*",
            "https://*.example.org",
            "lab.example.org",
            "ftp://lab.example.org",
            "https://lab.example.org/",
            "https://lab.example.org/x",
            "https://user@lab.example.org",
            "https://lab.example.org:",
            "https://lab.example.org:0",
            "https://lab.example.org:+443",
            "https://lab.example.org:65536",
            "https://[::1",
            "https://::1",
            "https://lab example.org",
            "https://lab.example.org:443:443",
        ] {
            assert!(Origins::new([entry]).is_err(), "{entry:?}");
            assert!(!Origins::default().admit(Some(entry)), "{entry:?}");
        }
    }

    #[test]
    fn scheme_host_and_port_are_exact() {
        let origins = Origins::new(["http://[::1]:8080", "http://lab"]).unwrap();
        for good in ["http://[::1]:8080", "HTTP://LAB", "http://lab:80"] {
            assert!(origins.admit(Some(good)), "{good}");
        }
        for bad in [
            "http://[::1]",
            "http://[::1]:80801",
            "https://lab",
            "http://lab:8080",
            "http://lab.",
            "http://la",
            "http://xlab",
        ] {
            assert!(!origins.admit(Some(bad)), "{bad}");
        }
        let long = format!("http://{}", "a".repeat(400));
        assert!(Origins::new([long.as_str()]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Whatever a header says, only a spelling of the one entry is admitted.
        #[test]
        fn nothing_else_gets_in(origin in "(https?://)?[a-z.:@/\\[\\]0-9]{0,24}|\\PC{0,40}") {
            let origins = Origins::new(["https://lab.example.org"]).unwrap();
            let good = ["https://lab.example.org", "https://lab.example.org:443"];
            let lower = origin.to_ascii_lowercase();
            prop_assert_eq!(origins.admit(Some(&origin)), good.contains(&lower.as_str()));
        }
    }
}
