//! A guess at a password: whose, from where, and which counters it is charged to.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::throttle::ThrottledBy;
use crate::throttle::device::{DeviceKey, DeviceProof};
use crate::throttle::policy::{Pace, ThrottlePolicy};
use crate::time::UnixMillis;

/// The name of a counter: its kind and a digest, written as `a:`, `n:` or `d:` and 22 characters of base64url.
///
/// The digest keeps names of any length and any characters out of keys. It hides nobody: whoever knows a name or
/// an address can compute it.
///
/// ```
/// use sso_core::{CounterKey, ThrottledBy};
///
/// # fn main() -> Result<(), std::net::AddrParseError> {
/// let account = CounterKey::account("a:{b}*\n");
/// assert_eq!((account.kind(), account.to_string().len()), (ThrottledBy::Account, 24));
/// // Whoever has an IPv6 address usually has 2^64 of them.
/// let same_network = CounterKey::address("2001:db8::1".parse()?) == CounterKey::address("2001:db8::2".parse()?);
/// assert!(same_network);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CounterKey {
    kind: ThrottledBy,
    digest: [u8; Self::DIGEST_BYTES],
}

impl CounterKey {
    const DIGEST_BYTES: usize = 16;

    /// The counter of an account, known or not: the name as the application looks it up, so that `Alice` and
    /// `alice` are one name wherever they are one user.
    #[must_use]
    pub fn account(name: &str) -> Self {
        Self::new(ThrottledBy::Account, &[name.as_bytes()])
    }

    /// The counter of a network address: of one IPv4 address, or of the /64 around an IPv6 address.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::new(ThrottledBy::Address, &[&address.octets()]),
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64;
                Self::new(ThrottledBy::Address, &[&network.to_be_bytes()])
            }
        }
    }

    /// The counter of one device of an account.
    pub(crate) fn device(account: Self, device: &[u8]) -> Self {
        Self::new(ThrottledBy::Device, &[&account.digest, device])
    }

    fn new(kind: ThrottledBy, parts: &[&[u8]]) -> Self {
        let mut sha = Sha256::new();
        sha.update([kind.code()]);
        for part in parts {
            sha.update(part);
        }
        let mut digest = [0; Self::DIGEST_BYTES];
        for (to, from) in digest.iter_mut().zip(sha.finalize()) {
            *to = from;
        }
        Self { kind, digest }
    }

    /// What it counts.
    #[must_use]
    pub const fn kind(&self) -> ThrottledBy {
        self.kind
    }

    pub(crate) const fn digest(&self) -> &[u8] {
        &self.digest
    }
}

impl fmt::Display for CounterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", char::from(self.kind.code()), URL_SAFE_NO_PAD.encode(self.digest))
    }
}

/// A guess that somebody is about to make.
///
/// A guess of an unknown device is charged to the account and to the address; one of a device that the account has
/// been used from, to that device alone. So strangers, be they at the same address, cannot keep a user away from
/// a device of theirs, and a stolen device proof gives no more guesses than any device has
/// ([OWASP: device cookies]).
///
/// [OWASP: device cookies]:
///     https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    account: CounterKey,
    address: CounterKey,
    device: Option<CounterKey>,
}

impl Guess {
    /// A guess at the password of an account, known or not, from an address. Behind a proxy of your own that is the
    /// address which the proxy saw, not what the client claims.
    #[must_use]
    pub fn new(account: &str, address: IpAddr) -> Self {
        Self { account: CounterKey::account(account), address: CounterKey::address(address), device: None }
    }

    /// The same guess from a device whose proof is about this account and holds now. Any other proof changes
    /// nothing.
    #[must_use]
    pub fn with_device(mut self, key: &DeviceKey, proof: &DeviceProof, now: UnixMillis) -> Self {
        if key.holds(proof, &self.account, now) {
            self.device = Some(CounterKey::device(self.account, proof.device()));
        }
        self
    }

    /// The counters that this guess is charged to, if none of them asks it to wait.
    #[must_use]
    pub fn charged(&self, policy: &ThrottlePolicy) -> Vec<(CounterKey, Pace)> {
        match self.device {
            Some(device) => vec![(device, policy.device)],
            None => vec![(self.account, policy.account), (self.address, policy.address)],
        }
    }

    /// The counter that is cleared if the guess is right.
    #[must_use]
    pub fn cleared(&self) -> CounterKey {
        self.device.unwrap_or(self.account)
    }

    /// The counter that loses one failure, the charge of this guess, if it is right: the address keeps those of
    /// other guesses.
    #[must_use]
    pub fn relieved(&self, policy: &ThrottlePolicy) -> Option<(CounterKey, Pace)> {
        self.device.is_none().then_some((self.address, policy.address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> CounterKey {
        CounterKey::address(text.parse().unwrap())
    }

    #[test]
    fn an_address_counts_as_its_network() {
        assert_eq!(address("192.0.2.7"), address("::ffff:192.0.2.7"));
        assert_ne!(address("192.0.2.7"), address("192.0.2.8"));
        assert_eq!(address("2001:db8:0:1::"), address("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(address("2001:db8:0:1::"), address("2001:db8:0:2::"));
    }

    #[test]
    fn counters_of_different_kinds_never_meet() {
        let network = "192.0.2.7".parse::<std::net::Ipv4Addr>().unwrap().octets();
        let account = CounterKey::account(&String::from_utf8_lossy(&network));
        assert_ne!(account.digest(), address("192.0.2.7").digest());
        let keys = [account, address("192.0.2.7"), CounterKey::device(account, &[1; 16])];
        assert_eq!(keys.map(|key| key.to_string().split_at(2).0.to_owned()), ["a:", "n:", "d:"]);
    }
}
