//! Which SSH servers may be reached: a list of exact entries, and nothing that is not on it.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use crate::error::{Error, Inner, quoted};

/// A host, a port and a user on it, allowed by a [`TargetPolicy`]: there is no other way to make one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    endpoint: Endpoint,
    user: String,
}

/// The servers that this service may connect to. An empty policy allows none.
///
/// Entries are exact: no wildcard, no network range, no default port. Resolving a name stays with the
/// caller, who passes one address on; a name on the list is trusted to resolve to its own server.
///
/// ```
/// use webssh_core::{Admission, TargetPolicy};
///
/// let policy = TargetPolicy::new(["lab.example.org:22", "[::1]:2222"])?;
/// assert!(matches!(policy.admit("LAB.example.org", 22, "alice")?, Admission::Allowed(_)));
/// assert!(matches!(policy.admit("lab.example.org", 2222, "alice")?, Admission::NotListed));
/// assert!(matches!(TargetPolicy::default().admit("::1", 2222, "alice")?, Admission::NotListed));
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TargetPolicy(BTreeSet<Endpoint>);

/// The answer of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// The target may be connected to.
    Allowed(Target),
    /// No entry has this host and port: add one, or refuse the user.
    NotListed,
}

/// A checked host in lower case, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Endpoint {
    host: String,
    port: u16,
}

impl TargetPolicy {
    /// Reads entries of the form `host:port`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// `InvalidInput` for an entry without a port, or with a host that is no name and no address.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        entries.into_iter().map(parse_entry).collect::<Result<_, _>>().map(Self)
    }

    /// Asks for one target. The host is a name or an address without brackets.
    ///
    /// # Errors
    /// `InvalidInput` when host, port or user could not exist; this says nothing about the list.
    pub fn admit(&self, host: &str, port: u16, user: &str) -> Result<Admission, Error> {
        let endpoint = Endpoint::new(host, port)?;
        let user = check_user(user)?;
        if self.0.contains(&endpoint) {
            return Ok(Admission::Allowed(Target { endpoint, user }));
        }
        Ok(Admission::NotListed)
    }
}

impl Target {
    /// The host: a name in lower case, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.endpoint.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.endpoint.port
    }

    /// The user to log in as.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether `addr` can be this target: the port is the same, and a literal host is the same address.
    #[must_use]
    pub fn may_be_at(&self, addr: std::net::SocketAddr) -> bool {
        let literal = self.host().parse::<IpAddr>().ok();
        addr.port() == self.port() && literal.is_none_or(|ip| ip == addr.ip())
    }
}

/// `user@host:port`, with brackets around an IPv6 address.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host().contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{}@{open}{}{close}:{}", self.user, self.host(), self.port())
    }
}

impl Endpoint {
    fn new(host: &str, port: u16) -> Result<Self, Error> {
        let host = host.to_ascii_lowercase();
        if host.parse::<IpAddr>().is_err() && !is_name(&host) {
            return Err(invalid(
                "host",
                &host,
                "it must be a name of letters, digits, `-` and `.`, or an address",
            ));
        }
        if port == 0 {
            return Err(invalid("port", "0", "it must be from 1 to 65535"));
        }
        Ok(Self { host, port })
    }
}

fn parse_entry(entry: &str) -> Result<Endpoint, Error> {
    let rule = "an entry is written host:port, with an ipv6 address in brackets";
    let (host, port) = entry.rsplit_once(':').ok_or_else(|| invalid("entry", entry, rule))?;
    let port = port.parse().map_err(|_| invalid("entry", entry, rule))?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if bare.is_none() && host.contains(':') {
        return Err(invalid("entry", entry, rule));
    }
    Endpoint::new(bare.unwrap_or(host), port)
}

/// A host name (RFC 1123, section 2.1); `_` is allowed because private zones use it.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    host.len() <= 253 && host.split('.').all(label)
}

fn check_user(user: &str) -> Result<String, Error> {
    let good =
        (1..=64).contains(&user.len()) && !user.starts_with('-') && !user.chars().any(char::is_control);
    if !good {
        return Err(invalid(
            "user",
            user,
            "it must have 1 to 64 bytes, no control character and no `-` in front",
        ));
    }
    Ok(user.to_owned())
}

fn invalid(part: &'static str, value: &str, rule: &'static str) -> Error {
    Inner::Target { part, value: quoted(value), rule }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_users_that_cannot_exist_are_refused() {
        let policy = TargetPolicy::default();
        for host in ["", "a b", "-a", "a..b", "a;b", "host:22", "[::1]", "a\0b"] {
            assert!(policy.admit(host, 22, "alice").is_err(), "{host:?}");
        }
        for user in ["", "-oProxyCommand=x", "a\nb", "a\0b", &"x".repeat(65)] {
            assert!(policy.admit("a", 22, user).is_err(), "{user:?}");
        }
        assert!(policy.admit("a", 0, "alice").is_err());
    }

    #[test]
    fn entries_need_a_port() {
        for entry in ["host", "host:", ":22", "::1:22", "[::1]", "host:0", "host:65536", "*:22"] {
            assert!(TargetPolicy::new([entry]).is_err(), "{entry}");
        }
    }

    #[test]
    fn a_literal_target_is_at_its_own_address_only() {
        let policy = TargetPolicy::new(["127.0.0.1:22", "lab:22"]).unwrap();
        let Admission::Allowed(literal) = policy.admit("127.0.0.1", 22, "u").unwrap() else {
            panic!("listed")
        };
        assert!(literal.may_be_at("127.0.0.1:22".parse().unwrap()));
        assert!(!literal.may_be_at("127.0.0.2:22".parse().unwrap()));
        assert!(!literal.may_be_at("127.0.0.1:23".parse().unwrap()));
        let Admission::Allowed(named) = policy.admit("lab", 22, "u").unwrap() else { panic!("listed") };
        assert!(named.may_be_at("10.0.0.1:22".parse().unwrap()));
    }
}
