//! Which SSH servers may be reached: a list of names, networks and ports, and nothing that is not on it.
//!
//! Two questions, in this order. [`TargetPolicy::admit`]: may this user ask for that host and port? And,
//! once the name was resolved, [`TargetPolicy::destination`]: may every address that it has be dialled? A
//! backend takes a [`Destination`] only, so no name is resolved a second time, to somewhere else.

mod check;
mod entry;
mod network;
mod range;
#[cfg(feature = "pump")]
mod resolve;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::error::{Error, Inner, quoted};
pub use check::{AddressCheck, AddressRefusal, Destination, Resolved};
use entry::Entry;
pub use entry::{Ports, TargetPolicyBuilder};
pub use range::AddressRange;

/// A host, a port and a user on it, allowed by a [`TargetPolicy`]: there is no other way to make one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    endpoint: Endpoint,
    user: String,
}

/// The servers that this service may connect to. An empty policy allows none.
///
/// A name that is listed may be at any public address. A private one it may have only if the address lies
/// in a listed network, or if the entry says [`allow_private`](TargetPolicyBuilder::allow_private).
///
/// ```
/// use webssh_core::{Admission, TargetPolicy};
///
/// let policy = TargetPolicy::builder()
///     .name("lab.example.org", 22)
///     .names(".vm.example.org", 2200..=2299)
///     .network("10.1.0.0/16", 22)
///     .build()?;
/// assert!(matches!(policy.admit("LAB.example.org", 22, "alice")?, Admission::Allowed(_)));
/// assert!(matches!(policy.admit("lab.example.org", 2222, "alice")?, Admission::NotListed));
/// assert!(matches!(policy.admit("a.vm.example.org", 2222, "alice")?, Admission::Allowed(_)));
/// assert!(matches!(policy.admit("10.1.2.3", 22, "alice")?, Admission::Allowed(_)));
/// assert!(matches!(TargetPolicy::default().admit("10.1.2.3", 22, "alice")?, Admission::NotListed));
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TargetPolicy(Vec<Entry>);

/// The answer of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// The target may be asked for. Its addresses are checked next.
    Allowed(Target),
    /// No entry has this host and port: add one, or refuse the user.
    NotListed,
}

/// A checked host in lower case, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Endpoint {
    host: String,
    port: u16,
}

impl TargetPolicy {
    /// Reads entries of the form `host:port`. The host is a name, `.example.org` for every name below it,
    /// an address, or a network such as `10.0.0.0/8`; IPv6 stands in brackets. A port is a number, or a
    /// range such as `2200-2299`.
    ///
    /// ```
    /// use webssh_core::TargetPolicy;
    ///
    /// TargetPolicy::new(["lab.example.org:22", ".vm.example.org:2200-2299", "10.0.0.0/8:22", "[::1]:22"])?;
    /// assert!(TargetPolicy::new(["lab.example.org"]).is_err(), "no port");
    /// # Ok::<(), webssh_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` for an entry without a port, with a host that is none of these, or for more than
    /// [`ENTRIES_MAX`](Self::ENTRIES_MAX) entries.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let entries = entries.into_iter().take(Self::ENTRIES_MAX + 1).map(Entry::parse);
        Self::of(entries.collect::<Result<_, _>>()?)
    }

    /// Asks for one target. The host is a name or an address without brackets.
    ///
    /// # Errors
    /// `InvalidInput` when host, port or user could not exist; this says nothing about the list.
    pub fn admit(&self, host: &str, port: u16, user: &str) -> Result<Admission, Error> {
        let target = Target { endpoint: Endpoint::new(host, port)?, user: check_user(user)? };
        let listed = self.entries_of(&target).next().is_some();
        Ok(if listed { Admission::Allowed(target) } else { Admission::NotListed })
    }

    fn of(entries: Vec<Entry>) -> Result<Self, Error> {
        if entries.len() > Self::ENTRIES_MAX {
            return Err(Inner::TooManyTargets { entries_max: Self::ENTRIES_MAX }.into());
        }
        Ok(Self(entries))
    }

    fn entries_of(&self, target: &Target) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| entry.lists(target))
    }
}

impl Target {
    /// The host: a name in lower case, or an address without brackets in its usual form.
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
    pub fn may_be_at(&self, addr: SocketAddr) -> bool {
        addr.port() == self.port() && self.literal().is_none_or(|ip| ip == addr.ip().to_canonical())
    }

    /// The host, if it is an address.
    fn literal(&self) -> Option<IpAddr> {
        self.host().parse().ok()
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
        let host = match host.parse::<IpAddr>() {
            Ok(ip) => ip.to_canonical().to_string(),
            Err(_) => check_name(host)?,
        };
        if port == 0 {
            return Err(invalid("port", "0", "it must be from 1 to 65535"));
        }
        Ok(Self { host, port })
    }
}

/// A host name (RFC 1123, section 2.1) in lower case; `_` is allowed because private zones use it. A last
/// part that is a number makes no name: resolvers take `127.1` and `0x7f.1` for addresses.
fn check_name(host: &str) -> Result<String, Error> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let name = host.to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let number = hex || last.bytes().all(|byte| byte.is_ascii_digit());
    if name.len() > 253 || number || !name.split('.').all(label) {
        let rule = "it must be a name of letters, digits, `-` and `.`, or an address";
        return Err(invalid("host", host, rule));
    }
    Ok(name)
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
        for host in [
            "",
            "a b",
            "-a",
            "a..b",
            "a;b",
            "host:22",
            "[::1]",
            "a\0b",
            "127.1",
            "0x7f.1",
            "2130706433",
            "a.",
        ] {
            assert!(policy.admit(host, 22, "alice").is_err(), "{host:?}");
        }
        for user in ["", "-oProxyCommand=x", "a\nb", "a\0b", &"x".repeat(65)] {
            assert!(policy.admit("a", 22, user).is_err(), "{user:?}");
        }
        assert!(policy.admit("a", 0, "alice").is_err());
    }

    #[test]
    fn a_literal_target_is_at_its_own_address_only() {
        let policy = TargetPolicy::new(["127.0.0.1:22", "lab:22"]).unwrap();
        let Admission::Allowed(literal) = policy.admit("127.0.0.1", 22, "u").unwrap() else {
            panic!("listed")
        };
        assert!(literal.may_be_at("127.0.0.1:22".parse().unwrap()));
        assert!(literal.may_be_at("[::ffff:127.0.0.1]:22".parse().unwrap()));
        assert!(!literal.may_be_at("127.0.0.2:22".parse().unwrap()));
        assert!(!literal.may_be_at("127.0.0.1:23".parse().unwrap()));
        let Admission::Allowed(named) = policy.admit("lab", 22, "u").unwrap() else { panic!("listed") };
        assert!(named.may_be_at("10.0.0.1:22".parse().unwrap()));
    }
}
