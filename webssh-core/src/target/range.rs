//! Addresses that are not the public Internet's: what they are called, and what hides inside others.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::network::Network;

/// Why an address is not dialled unless it is listed: the registries of special purposes (RFC 6890).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressRange {
    /// `0.0.0.0/8` and `::`, which are this very machine to some. Never dialled.
    Unspecified,
    /// This machine.
    Loopback,
    /// This wire only.
    LinkLocal,
    /// RFC 1918 and unique local addresses (RFC 4193).
    Private,
    /// Shared by the customers of a carrier (RFC 6598).
    Shared,
    /// Where clouds hand out credentials. Never dialled.
    Metadata,
    /// Never dialled.
    Multicast,
    /// Never dialled.
    Broadcast,
    /// An IPv4 address behind a translator of this site, nobody but the site knows which (RFC 8215).
    Translated,
    /// Documentation, benchmarks, protocols, and what is not given out yet.
    Reserved,
}

impl AddressRange {
    /// Whether no entry of a policy opens it.
    #[must_use]
    pub fn is_never_dialled(self) -> bool {
        matches!(self, Self::Unspecified | Self::Metadata | Self::Multicast | Self::Broadcast)
    }

    /// Whether an entry with `allow_private` opens it.
    pub(super) fn is_private(self) -> bool {
        matches!(self, Self::Private | Self::Shared)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Private => "private",
            Self::Shared => "shared by a carrier",
            Self::Metadata => "a cloud's metadata service",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Translated => "behind a translator of this site",
            Self::Reserved => "reserved",
        })
    }
}

/// The first row that contains an address names it.
const V4: [(Network, AddressRange); 24] = [
    // Amazon, Google, Microsoft and many others; Amazon's tasks; Alibaba; Oracle; Microsoft's other one.
    (Network::v4([169, 254, 169, 254], 32), AddressRange::Metadata),
    (Network::v4([169, 254, 170, 2], 32), AddressRange::Metadata),
    (Network::v4([169, 254, 170, 23], 32), AddressRange::Metadata),
    (Network::v4([100, 100, 100, 200], 32), AddressRange::Metadata),
    (Network::v4([192, 0, 0, 192], 32), AddressRange::Metadata),
    (Network::v4([168, 63, 129, 16], 32), AddressRange::Metadata),
    (Network::v4([255, 255, 255, 255], 32), AddressRange::Broadcast),
    (Network::v4([0, 0, 0, 0], 8), AddressRange::Unspecified),
    (Network::v4([10, 0, 0, 0], 8), AddressRange::Private),
    (Network::v4([100, 64, 0, 0], 10), AddressRange::Shared),
    (Network::v4([127, 0, 0, 0], 8), AddressRange::Loopback),
    (Network::v4([169, 254, 0, 0], 16), AddressRange::LinkLocal),
    (Network::v4([172, 16, 0, 0], 12), AddressRange::Private),
    (Network::v4([192, 0, 0, 0], 24), AddressRange::Reserved),
    (Network::v4([192, 0, 2, 0], 24), AddressRange::Reserved),
    (Network::v4([192, 31, 196, 0], 24), AddressRange::Reserved),
    (Network::v4([192, 52, 193, 0], 24), AddressRange::Reserved),
    (Network::v4([192, 88, 99, 0], 24), AddressRange::Reserved),
    (Network::v4([192, 168, 0, 0], 16), AddressRange::Private),
    (Network::v4([198, 18, 0, 0], 15), AddressRange::Reserved),
    (Network::v4([198, 51, 100, 0], 24), AddressRange::Reserved),
    (Network::v4([203, 0, 113, 0], 24), AddressRange::Reserved),
    (Network::v4([224, 0, 0, 0], 4), AddressRange::Multicast),
    (Network::v4([240, 0, 0, 0], 4), AddressRange::Reserved),
];

/// The metadata services that are reached over IPv6: Amazon's, Amazon's tasks, Google's.
const METADATA_V6: [[u16; 8]; 3] = [
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23],
    [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
];

/// The same for IPv6. What is in no row and not in `2000::/3` was never given out.
const V6: [(Network, AddressRange); 10] = [
    (Network::v6([0x64, 0xff9b, 1, 0], 48), AddressRange::Translated),
    (Network::v6([0x2001, 2, 0, 0], 48), AddressRange::Reserved),
    (Network::v6([0x2001, 0x10, 0, 0], 28), AddressRange::Reserved),
    (Network::v6([0x2001, 0x20, 0, 0], 28), AddressRange::Reserved),
    (Network::v6([0x2001, 0xdb8, 0, 0], 32), AddressRange::Reserved),
    (Network::v6([0x3fff, 0, 0, 0], 20), AddressRange::Reserved),
    (Network::v6([0xfc00, 0, 0, 0], 7), AddressRange::Private),
    (Network::v6([0xfe80, 0, 0, 0], 10), AddressRange::LinkLocal),
    (Network::v6([0xfec0, 0, 0, 0], 10), AddressRange::Private),
    (Network::v6([0xff00, 0, 0, 0], 8), AddressRange::Multicast),
];

const GLOBAL_V6: Network = Network::v6([0x2000, 0, 0, 0], 3);
const NAT64: Network = Network::v6([0x64, 0xff9b, 0, 0], 96);
const SIX_TO_FOUR: Network = Network::v6([0x2002, 0, 0, 0], 16);
const TEREDO: Network = Network::v6([0x2001, 0, 0, 0], 32);
const COMPATIBLE: Network = Network::v6([0, 0, 0, 0], 96);

/// The special range that an address lies in, with the bits that this range fixes. `None` is public.
pub(super) fn special(ip: IpAddr) -> Option<(AddressRange, u8)> {
    let rows: &[(Network, AddressRange)] = if ip.is_ipv4() { &V4 } else { &V6 };
    if let IpAddr::V6(v6) = ip {
        if v6.is_unspecified() {
            return Some((AddressRange::Unspecified, 128));
        }
        if v6.is_loopback() {
            return Some((AddressRange::Loopback, 128));
        }
        if METADATA_V6.contains(&v6.segments()) {
            return Some((AddressRange::Metadata, 128));
        }
    }
    let row = rows.iter().find(|(network, _)| network.contains(ip));
    let named = row.map(|(network, range)| (*range, network.prefix_bits()));
    let unassigned = ip.is_ipv6() && !GLOBAL_V6.contains(ip);
    // One that was never given out opens only by a network that is as narrow as a site.
    named.or(unassigned.then_some((AddressRange::Reserved, 16)))
}

/// The IPv4 addresses that packets to `ip` end up at, for the forms that carry one: the well-known NAT64
/// prefix (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380: server and client) and the old compatible form.
/// Mapped addresses are IPv4 already, by [`IpAddr::to_canonical`].
pub(super) fn carried(ip: IpAddr) -> Vec<Ipv4Addr> {
    let IpAddr::V6(v6) = ip else {
        return Vec::new();
    };
    let [_, b, c, d, _, _, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    if NAT64.contains(ip) || (COMPATIBLE.contains(ip) && v6.to_bits() > 1) {
        vec![v4(g, h)]
    } else if SIX_TO_FOUR.contains(ip) {
        vec![v4(b, c)]
    } else if TEREDO.contains(ip) {
        vec![v4(c, d), v4(!g, !h)]
    } else {
        Vec::new()
    }
}
