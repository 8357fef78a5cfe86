//! A network: an address and the number of its bits that are fixed (RFC 4632, RFC 4291 section 2.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 or IPv6 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    base: IpAddr,
    prefix_bits: u8,
}

impl Network {
    pub(super) const fn v4(base: [u8; 4], prefix_bits: u8) -> Self {
        let [a, b, c, d] = base;
        Self { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix_bits }
    }

    /// The first four groups; the others are zero.
    pub(super) const fn v6(head: [u16; 4], prefix_bits: u8) -> Self {
        let [a, b, c, d] = head;
        Self { base: IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)), prefix_bits }
    }

    /// The network of one address.
    pub(super) const fn one(base: IpAddr) -> Self {
        let prefix_bits = if base.is_ipv4() { 32 } else { 128 };
        Self { base, prefix_bits }
    }

    /// `address/bits`. Bits of the address that are not fixed must be zero, so that a slip is seen; an
    /// IPv4 network is not written as IPv6.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (base, bits) = text.split_once('/')?;
        let base: IpAddr = base.parse().ok()?;
        let digits = bits.len() <= 3 && bits.bytes().all(|byte| byte.is_ascii_digit());
        let prefix_bits = digits.then(|| bits.parse().ok()).flatten()?;
        let network = Self { base, prefix_bits };
        let fits = prefix_bits <= Self::one(base).prefix_bits && base == base.to_canonical();
        (fits && network.host_bits(base) == 0).then_some(network)
    }

    /// How many bits are fixed.
    pub(super) fn prefix_bits(self) -> u8 {
        self.prefix_bits
    }

    pub(super) fn contains(self, ip: IpAddr) -> bool {
        ip.is_ipv4() == self.base.is_ipv4() && bits(ip) ^ self.host_bits(ip) == bits(self.base)
    }

    /// The bits of `ip` that this network leaves open.
    fn host_bits(self, ip: IpAddr) -> u128 {
        let width = u32::from(Self::one(self.base).prefix_bits);
        let open = width.saturating_sub(u32::from(self.prefix_bits));
        let mask = 1_u128.checked_shl(open).map_or(u128::MAX, |bit| bit - 1);
        bits(ip) & mask
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_edges() {
        for (network, inside, outside) in [
            ("10.1.0.0/16", ["10.1.0.0", "10.1.255.255"], ["10.0.255.255", "10.2.0.0"]),
            ("192.0.2.7/32", ["192.0.2.7", "192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "::ffff:1.2.3.4"]),
            ("::/0", ["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], ["0.0.0.0", "1.2.3.4"]),
            ("fd00::/8", ["fd00::", "fdff::1"], ["fc00::", "fe00::"]),
            ("64:ff9b:1::/48", ["64:ff9b:1::", "64:ff9b:1:ffff::"], ["64:ff9b:2::", "64:ff9b::"]),
        ] {
            let network = Network::parse(network).unwrap();
            for ip in inside {
                assert!(network.contains(ip.parse().unwrap()), "{network:?} {ip}");
            }
            for ip in outside {
                assert!(!network.contains(ip.parse().unwrap()), "{network:?} {ip}");
            }
        }
    }

    #[test]
    fn slips_are_no_network() {
        for text in [
            "10.1.2.3/16",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0",
            "10/8",
            "::1/64",
            "::/129",
            "::ffff:0:0/96",
            "10.0.0.0/+8",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
