//! The algorithms that are offered, in order, and the sizes and times that russh keeps.

use std::borrow::Cow;

use russh::client::Config;
use russh::keys::{Algorithm, EcdsaCurve};
use russh::{Preferred, SshId, cipher, compression, kex, mac};

use super::{PACKET_BYTES, own_bytes};
use crate::ssh::ConnectOptions;

/// Post-quantum first. No SHA-1, and no group of 1024 bits.
const KEX: [kex::Name; 11] = [
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// AES-GCM is the fastest here. No CBC.
const CIPHERS: [cipher::Name; 6] = [
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// For a server without strict key exchange: those that do not need it.
const CAUTIOUS_CIPHERS: [cipher::Name; 5] =
    [cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR];

/// Encrypt-then-MAC only.
const MACS: [mac::Name; 2] = [mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM];

/// Host keys. RSA is left out: the implementation that russh would use has a known timing leak.
const HOST_KEYS: [Algorithm; 4] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
];

/// Which ciphers to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ciphers {
    All,
    /// Only those that are safe without strict key exchange.
    Cautious,
}

/// The configuration of one connection. The kinds of host key that are on record come first, so that an
/// honest server shows a key that can be compared.
pub(super) fn config(options: &ConnectOptions, on_record: &[String], ciphers: Ciphers) -> Config {
    let named = |name: String| on_record.contains(&name);
    let certificates: Vec<Algorithm> =
        HOST_KEYS.into_iter().filter(|kind| named(kind.to_certificate_type())).collect();
    let (first, then): (Vec<_>, Vec<_>) =
        HOST_KEYS.into_iter().partition(|kind| named(kind.as_str().to_owned()));
    let preferred = Preferred {
        kex: Cow::Borrowed(&KEX),
        key: first.into_iter().chain(then).collect(),
        host_key_certificates: certificates.into(),
        cipher: match ciphers {
            Ciphers::All => Cow::Borrowed(&CIPHERS),
            Ciphers::Cautious => Cow::Borrowed(&CAUTIOUS_CIPHERS),
        },
        mac: Cow::Borrowed(&MACS),
        // Compressed data of a server is a bomb that waits.
        compression: Cow::Borrowed(&[compression::NONE]),
    };
    Config {
        client_id: SshId::Standard(Cow::Borrowed("SSH-2.0-webssh")),
        window_size: options.window().saturating_sub(own_bytes(options)),
        maximum_packet_size: PACKET_BYTES,
        preferred,
        // A probe is a keepalive that wants a reply; what is not answered is counted by the owner.
        keepalive_interval: Some(options.probe_after()),
        keepalive_max: 0,
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_on_record_come_first() {
        let on_record = ["ecdsa-sha2-nistp384", "ssh-rsa"].map(str::to_owned);
        let preferred = config(&ConnectOptions::default(), &on_record, Ciphers::All).preferred;
        let names: Vec<&str> = preferred.key.iter().map(Algorithm::as_str).collect();
        assert_eq!(
            names,
            ["ecdsa-sha2-nistp384", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521"]
        );
        assert!(preferred.host_key_certificates.is_empty());
    }

    #[test]
    fn certificates_are_asked_for_when_an_authority_is_on_record() {
        let on_record = ["ssh-ed25519-cert-v01@openssh.com".to_owned()];
        let preferred = config(&ConnectOptions::default(), &on_record, Ciphers::All).preferred;
        assert_eq!(preferred.host_key_certificates.as_ref(), [Algorithm::Ed25519]);
    }

    #[test]
    fn the_window_and_the_own_buffer_are_what_was_asked_for() {
        for window_bytes in [0, 100_000, 256 * 1024, u32::MAX] {
            let options = ConnectOptions { window_bytes, ..ConnectOptions::default() };
            let window = config(&options, &[], Ciphers::All).window_size;
            assert_eq!(window + own_bytes(&options), options.window(), "{window_bytes}");
            assert!(window >= 24 * 1024, "{window}");
        }
    }
}
