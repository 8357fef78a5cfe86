//! Which algorithms are offered, in which order: nothing old, the fast first.

use ssh2::{MethodType, Session};

use super::greeting::Offer;
use super::link::session_error;
use crate::error::{Error, Inner};
use crate::ssh::Terrapin;

/// libssh2 feeds AES-GCM to OpenSSL block by block, so here ChaCha20 is the fast choice. No CBC.
const CIPHERS: &str = "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,\
                       aes256-ctr,aes192-ctr,aes128-ctr";

/// Those that lose nothing without strict key exchange.
const PLAIN_CIPHERS: &str = "aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr";

/// Encrypt-then-MAC only.
const MACS: &str = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com";

/// Host key algorithms in the order of preference. Certificates are asked for only where an authority is
/// on record.
const HOST_KEYS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// Sets the algorithms for a server that offers `offer`. The kinds of host key that are `on_record` come
/// first, so that an honest server shows a key that can be compared.
pub(super) fn agree(
    session: &Session,
    offer: &Offer,
    on_record: &[String],
    terrapin: Terrapin,
) -> Result<(), Error> {
    let ciphers = ciphers(offer, terrapin)?;
    let host_keys = host_keys(on_record).join(",");
    let set = |method, names: &str| {
        session.method_pref(method, names).map_err(session_error("choosing algorithms"))
    };
    set(MethodType::HostKey, &host_keys)?;
    set(MethodType::CryptCs, ciphers)?;
    set(MethodType::CryptSc, ciphers)?;
    set(MethodType::MacCs, MACS)?;
    set(MethodType::MacSc, MACS)
}

fn ciphers(offer: &Offer, terrapin: Terrapin) -> Result<&'static str, Error> {
    match terrapin {
        Terrapin::Demand if !offer.is_strict => {
            if offer.has_any_of(PLAIN_CIPHERS) {
                Ok(PLAIN_CIPHERS)
            } else {
                Err(Inner::NotStrict.into())
            }
        }
        Terrapin::Demand | Terrapin::Offer => Ok(CIPHERS),
    }
}

fn host_keys(on_record: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for kind in on_record {
        match kind.as_str() {
            // RSA keys sign with newer algorithms than the one they are named after.
            "ssh-rsa" => names.extend(["rsa-sha2-512", "rsa-sha2-256"]),
            kind => names.push(kind),
        }
    }
    let rest: Vec<&str> = HOST_KEYS.into_iter().filter(|name| !names.contains(name)).collect();
    names.extend(rest);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_on_record_come_first() {
        let on_record = ["ssh-rsa", "ssh-ed25519"].map(str::to_owned);
        let names = host_keys(&on_record);
        assert_eq!(names[..3], ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]);
        assert_eq!(names.len(), HOST_KEYS.len());
        assert!(!host_keys(&[]).iter().any(|name| name.contains("cert")));
    }

    #[test]
    fn all_that_is_offered_is_known_to_libssh2() {
        let session = Session::new().unwrap();
        for (method, names) in [(MethodType::CryptCs, CIPHERS), (MethodType::MacCs, MACS)] {
            let known = session.supported_algs(method).unwrap();
            assert!(names.split(',').all(|name| known.contains(&name)), "{names} of {known:?}");
        }
        let known = session.supported_algs(MethodType::HostKey).unwrap();
        assert!(HOST_KEYS.iter().all(|name| known.contains(name)), "{known:?}");
        assert!(CIPHERS.ends_with(PLAIN_CIPHERS));
    }
}
