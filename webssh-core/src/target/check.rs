//! Whether the addresses of a target may be dialled: every one of them, or none.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::network::Network;
use super::range::{AddressRange, carried, special};
use super::{Target, TargetPolicy};

/// A target and its addresses, each of which the policy allows. What is dialled is one of these; the name
/// is not resolved again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    target: Target,
    first: SocketAddr,
    others: Vec<SocketAddr>,
}

/// What became of the addresses of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Resolved {
    /// They may be dialled.
    At(Destination),
    /// They may not.
    Refused(AddressRefusal),
}

/// The answer of [`TargetPolicy::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum AddressCheck {
    /// Every address may be dialled.
    Allowed,
    /// None is to be dialled.
    Refused(AddressRefusal),
}

/// Why a target is not dialled, with the address that was the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressRefusal {
    /// This policy does not list the target: another one has admitted it.
    NotListed,
    /// The name has no address.
    NoAddress,
    /// The target is another address, or on another port.
    NotTheTarget {
        /// What was offered in its place.
        addr: IpAddr,
    },
    /// The address is not public, and not opened by the policy: list its network.
    Special {
        /// As it was found. It may carry the address that was refused.
        addr: IpAddr,
        /// What it is.
        range: AddressRange,
    },
}

impl fmt::Display for AddressRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed => f.write_str("the target is not on the list"),
            Self::NoAddress => f.write_str("the target has no address"),
            Self::NotTheTarget { addr } => write!(f, "address {addr} is not the target's"),
            Self::Special { addr, range } if range.is_never_dialled() => {
                write!(f, "address {addr} is {range}, which is never dialled")
            }
            Self::Special { addr, range } => {
                write!(f, "address {addr} is {range}: list its network if it is meant")
            }
        }
    }
}

impl TargetPolicy {
    /// Judges all addresses of a target. One that may not be dialled refuses them all: whoever runs the
    /// zone could otherwise choose which of them is taken.
    ///
    /// An address inside another one counts: mapped, NAT64, 6to4, Teredo.
    ///
    /// ```
    /// use webssh_core::{AddressCheck, Admission, TargetPolicy};
    ///
    /// let policy = TargetPolicy::new(["lab.example.org:22"])?;
    /// let Admission::Allowed(lab) = policy.admit("lab.example.org", 22, "alice")? else { panic!("listed") };
    /// let check = |ip: &str| policy.check(&lab, &[ip.parse().unwrap()]);
    /// assert_eq!(check("8.8.8.8"), AddressCheck::Allowed);
    /// assert!(matches!(check("169.254.169.254"), AddressCheck::Refused(_)));
    /// assert!(matches!(check("64:ff9b::10.0.0.1"), AddressCheck::Refused(_)));
    /// # Ok::<(), webssh_core::Error>(())
    /// ```
    pub fn check(&self, target: &Target, ips: &[IpAddr]) -> AddressCheck {
        match ips.iter().find_map(|ip| self.refusal(target, *ip)) {
            Some(refusal) => AddressCheck::Refused(refusal),
            None if self.entries_of(target).next().is_none() => {
                AddressCheck::Refused(AddressRefusal::NotListed)
            }
            None if ips.is_empty() => AddressCheck::Refused(AddressRefusal::NoAddress),
            None => AddressCheck::Allowed,
        }
    }

    /// Checks the addresses that the caller has found, in the order in which they are to be tried.
    ///
    /// ```
    /// use webssh_core::{Admission, Resolved, TargetPolicy};
    ///
    /// let policy = TargetPolicy::new(["127.0.0.1:2222"])?;
    /// let Admission::Allowed(target) = policy.admit("127.0.0.1", 2222, "alice")? else { panic!("listed") };
    /// let resolved = policy.destination(&target, &["127.0.0.1:2222".parse().unwrap()]);
    /// assert!(matches!(resolved, Resolved::At(at) if at.target() == &target));
    /// # Ok::<(), webssh_core::Error>(())
    /// ```
    pub fn destination(&self, target: &Target, addrs: &[SocketAddr]) -> Resolved {
        if let Some(other) = addrs.iter().find(|addr| addr.port() != target.port()) {
            return Resolved::Refused(AddressRefusal::NotTheTarget { addr: other.ip() });
        }
        let ips: Vec<IpAddr> = addrs.iter().map(SocketAddr::ip).collect();
        if let AddressCheck::Refused(refusal) = self.check(target, &ips) {
            return Resolved::Refused(refusal);
        }
        let Some((first, others)) = addrs.split_first() else {
            return Resolved::Refused(AddressRefusal::NoAddress);
        };
        Resolved::At(Destination { target: target.clone(), first: *first, others: others.to_vec() })
    }

    fn refusal(&self, target: &Target, addr: IpAddr) -> Option<AddressRefusal> {
        let ip = addr.to_canonical();
        if target.literal().is_some_and(|literal| literal != ip) {
            return Some(AddressRefusal::NotTheTarget { addr });
        }
        let carried: Vec<IpAddr> = carried(ip).into_iter().map(IpAddr::V4).collect();
        let ends = if carried.is_empty() { vec![ip] } else { carried };
        let range = ends.into_iter().find_map(|end| self.closed(target, end))?;
        Some(AddressRefusal::Special { addr, range })
    }

    /// The special range of `ip`, if this policy does not open it to the target.
    fn closed(&self, target: &Target, ip: IpAddr) -> Option<AddressRange> {
        let (range, range_bits) = special(ip)?;
        // A network opens what it lies in. `0.0.0.0/0` is a way to say "everywhere", not "my loopback".
        let inside = |network: Network| network.contains(ip) && network.prefix_bits() >= range_bits;
        let open = !range.is_never_dialled()
            && (self.0.iter().filter_map(|entry| entry.network_on(target.port())).any(inside)
                || (range.is_private() && self.entries_of(target).any(|entry| entry.allows_private())));
        (!open).then_some(range)
    }
}

impl Destination {
    /// Who is meant. The host key is judged by its host and port.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The address to dial first.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.first
    }

    /// All addresses, the first one too, in the order in which they are to be tried.
    pub fn addrs(&self) -> impl Iterator<Item = SocketAddr> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }
}
