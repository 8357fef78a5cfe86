//! Strict key exchange (CVE-2023-48795), and algorithms that are agreed on.

use russh::server::Config;
use russh::{cipher, kex, mac};
use webssh_core::ErrorKind;
use webssh_core::ssh::{Connected, Terrapin};

use super::for_each_backend;
use super::lab::{AnyBackend, Call, password};
use super::played::{PASSWORD, Played, Then, Wants};

for_each_backend!(
    a_server_that_is_not_strict_has_to_agree_on_a_safe_cipher,
    a_server_that_is_strict_may_agree_on_any,
    a_server_without_a_safe_algorithm_is_refused,
);

/// A server that has only these ciphers.
async fn server(strict: bool, ciphers: &'static [cipher::Name]) -> Played {
    let change = |config: &mut Config| {
        config.preferred.cipher = ciphers.into();
        if !strict {
            let plain = |name: &kex::Name| *name != kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER;
            config.preferred.kex = config.preferred.kex.iter().copied().filter(plain).collect();
        }
    };
    Played::start_with(Wants::Password, Then::Echoes, change).await
}

fn call(server: &Played) -> Call {
    Call::new(server.addr, "visitor", &server.host_key_line, [password(PASSWORD)])
}

async fn a_server_that_is_not_strict_has_to_agree_on_a_safe_cipher(backend: AnyBackend) {
    let server_with = async |ciphers| server(false, ciphers).await;
    let only = server_with(&[cipher::CHACHA20_POLY1305]).await;
    let mut call_only = call(&only);
    let error = call_only.connect(&backend).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PeerMisbehaved, "{error}");
    assert!(error.to_string().contains("CVE-2023-48795"), "{error}");
    assert_eq!(only.tried(), [""; 0], "nothing was shown");
    call_only.options.terrapin = Terrapin::Offer;
    assert!(matches!(call_only.connect(&backend).await.unwrap(), Connected::Open(_)));

    for second in [cipher::AES_256_GCM, cipher::AES_256_CTR] {
        let ciphers = if second == cipher::AES_256_GCM {
            &[cipher::CHACHA20_POLY1305, cipher::AES_256_GCM]
        } else {
            &[cipher::CHACHA20_POLY1305, cipher::AES_256_CTR]
        };
        let both = server_with(ciphers).await;
        let connected = call(&both).connect(&backend).await.unwrap();
        assert!(matches!(connected, Connected::Open(_)), "{second:?}: {connected:?}");
    }
}

async fn a_server_that_is_strict_may_agree_on_any(backend: AnyBackend) {
    for cipher in [
        &[cipher::CHACHA20_POLY1305],
        &[cipher::AES_128_GCM],
        &[cipher::AES_256_GCM],
        &[cipher::AES_128_CTR],
        &[cipher::AES_192_CTR],
        &[cipher::AES_256_CTR],
    ] {
        let server = server(true, cipher).await;
        let connected = call(&server).connect(&backend).await.unwrap();
        assert!(matches!(connected, Connected::Open(_)), "{cipher:?}: {connected:?}");
    }
}

async fn a_server_without_a_safe_algorithm_is_refused(backend: AnyBackend) {
    let changes: [fn(&mut Config); 3] = [
        |config| config.preferred.cipher = [cipher::AES_256_CBC].as_slice().into(),
        |config| {
            config.preferred.cipher = [cipher::AES_256_CTR].as_slice().into();
            config.preferred.mac = [mac::HMAC_SHA256].as_slice().into();
        },
        |config| config.preferred.kex = [kex::DH_G14_SHA1].as_slice().into(),
    ];
    for change in changes {
        let server = Played::start_with(Wants::Password, Then::Echoes, change).await;
        let error = call(&server).connect(&backend).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PeerMisbehaved, "{error}");
        assert_eq!(server.tried(), [""; 0], "nothing was shown");
    }
}
