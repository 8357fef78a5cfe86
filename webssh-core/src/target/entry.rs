//! One entry of a policy, as text and by a builder.

use std::ops::RangeInclusive;

use super::network::Network;
use super::{Target, TargetPolicy, check_name, invalid};
use crate::error::{Error, Inner};

/// The ports of an entry: one number, or a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports(RangeInclusive<u16>);

/// Which hosts on which ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    hosts: Hosts,
    ports: Ports,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    /// In lower case.
    Name {
        name: String,
        private: bool,
    },
    /// With the dot in front.
    Below {
        suffix: String,
        private: bool,
    },
    Network(Network),
}

/// A [`TargetPolicy`] in the making. A wrong entry is told of by [`build`](Self::build).
///
/// ```
/// use webssh_core::TargetPolicy;
///
/// let policy = TargetPolicy::builder()
///     .name("bastion.example.org", 22)
///     .names(".internal.example.org", 22)
///     .allow_private()
///     .network("fd12:3456::/32", 22..=2222)
///     .build()?;
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct TargetPolicyBuilder(Result<Vec<Entry>, Error>);

impl From<u16> for Ports {
    fn from(port: u16) -> Self {
        Self(port..=port)
    }
}

impl From<RangeInclusive<u16>> for Ports {
    fn from(ports: RangeInclusive<u16>) -> Self {
        Self(ports)
    }
}

impl Ports {
    /// `22` or `2200-2299`.
    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| -> Option<u16> {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        match text.split_once('-') {
            Some((first, last)) => Some(Self(number(first)?..=number(last)?)),
            None => number(text).map(Self::from),
        }
    }

    fn check(self) -> Result<Self, Error> {
        if *self.0.start() == 0 || self.0.is_empty() {
            let shown = format!("{}-{}", self.0.start(), self.0.end());
            return Err(invalid("port", &shown, "ports are from 1 to 65535, and a range goes upwards"));
        }
        Ok(self)
    }

    fn contain(&self, port: u16) -> bool {
        self.0.contains(&port)
    }
}

impl Entry {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let rule = "an entry is written host:port, with ipv6 in brackets";
        let (host, ports) = text.rsplit_once(':').ok_or_else(|| invalid("entry", text, rule))?;
        let ports = Ports::parse(ports).ok_or_else(|| invalid("entry", text, rule))?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        // Brackets are for what has colons, and what has colons needs them.
        if bare.unwrap_or(host).contains(':') != bare.is_some() {
            return Err(invalid("entry", text, rule));
        }
        let host = bare.unwrap_or(host);
        let hosts = if host.contains('/') {
            Hosts::network(host)?
        } else if host.starts_with('.') {
            Hosts::below(host)?
        } else {
            Hosts::host(host)?
        };
        Ok(Self { hosts, ports: ports.check()? })
    }

    pub(super) fn lists(&self, target: &Target) -> bool {
        let host = target.host();
        self.ports.contain(target.port())
            && match &self.hosts {
                Hosts::Name { name, .. } => name == host,
                Hosts::Below { suffix, .. } => {
                    host.strip_suffix(suffix.as_str()).is_some_and(|head| !head.is_empty())
                }
                Hosts::Network(network) => target.literal().is_some_and(|ip| network.contains(ip)),
            }
    }

    /// Whether a name of this entry may have a private address.
    pub(super) fn allows_private(&self) -> bool {
        matches!(self.hosts, Hosts::Name { private: true, .. } | Hosts::Below { private: true, .. })
    }

    /// The network that is open on `port`, if this entry is one.
    pub(super) fn network_on(&self, port: u16) -> Option<Network> {
        match &self.hosts {
            Hosts::Network(network) if self.ports.contain(port) => Some(*network),
            _ => None,
        }
    }
}

impl Hosts {
    fn network(text: &str) -> Result<Self, Error> {
        let rule = "a network is written address/bits, with zeros behind the bits";
        Network::parse(text).map(Self::Network).ok_or_else(|| invalid("network", text, rule))
    }

    fn below(suffix: &str) -> Result<Self, Error> {
        let rule = "names below a domain are written with a dot in front";
        let domain = suffix.strip_prefix('.').ok_or_else(|| invalid("names", suffix, rule))?;
        Ok(Self::Below { suffix: format!(".{}", check_name(domain)?), private: false })
    }

    /// A name, or an address, which is the smallest network.
    fn host(host: &str) -> Result<Self, Error> {
        match host.parse::<std::net::IpAddr>() {
            Ok(ip) => Ok(Self::Network(Network::one(ip.to_canonical()))),
            Err(_) => Ok(Self::Name { name: check_name(host)?, private: false }),
        }
    }
}

impl TargetPolicy {
    /// The most entries of a policy.
    pub const ENTRIES_MAX: usize = 10_000;

    /// Starts with an empty policy.
    pub fn builder() -> TargetPolicyBuilder {
        TargetPolicyBuilder(Ok(Vec::new()))
    }
}

impl TargetPolicyBuilder {
    /// One host: a name, or an address without brackets.
    pub fn name(self, host: &str, ports: impl Into<Ports>) -> Self {
        self.and(Hosts::host(host), ports.into())
    }

    /// Every name below a domain, written with a dot in front: `.example.org` lists `a.example.org` and
    /// `b.a.example.org`, but not `example.org`.
    pub fn names(self, suffix: &str, ports: impl Into<Ports>) -> Self {
        self.and(Hosts::below(suffix), ports.into())
    }

    /// A network, such as `10.1.0.0/16`. Its addresses may be asked for, and names may have them.
    ///
    /// It opens a special range only from within: `127.0.0.0/8` opens loopback, and `0.0.0.0/0` opens
    /// nothing but the public Internet.
    pub fn network(self, network: &str, ports: impl Into<Ports>) -> Self {
        self.and(Hosts::network(network), ports.into())
    }

    /// Lets the name or names before it have private addresses (RFC 1918, RFC 4193, RFC 6598): whoever
    /// runs their zone decides which. Loopback and link-local addresses need a listed network.
    pub fn allow_private(mut self) -> Self {
        if let Ok(entries) = &mut self.0 {
            match entries.last_mut().map(|entry| &mut entry.hosts) {
                Some(Hosts::Name { private, .. } | Hosts::Below { private, .. }) => *private = true,
                Some(Hosts::Network(_)) | None => self.0 = Err(Inner::NothingPrivate.into()),
            }
        }
        self
    }

    /// The policy.
    ///
    /// # Errors
    /// `InvalidInput` for the first entry that is not usable, or too many of them; `Misuse` when
    /// [`allow_private`](Self::allow_private) did not follow a name.
    pub fn build(self) -> Result<TargetPolicy, Error> {
        TargetPolicy::of(self.0?)
    }

    fn and(mut self, hosts: Result<Hosts, Error>, ports: Ports) -> Self {
        if let Ok(entries) = &mut self.0 {
            match hosts.and_then(|hosts| Ok(Entry { hosts, ports: ports.check()? })) {
                Ok(entry) => entries.push(entry),
                Err(error) => self.0 = Err(error),
            }
        }
        self
    }
}
