//! What tells who a server is: lines of known_hosts, keys, certificates of hosts, and entries of a policy.

use webssh_core::{Admission, HostVerdict, KnownHosts, TargetPolicy};

use crate::engine::Target;

/// A key on one line, as OpenSSH writes it.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

pub(crate) fn all() -> Vec<Target> {
    vec![
        known_hosts(),
        target_entry(),
        #[cfg(feature = "host-certificates")]
        certificate::target(),
    ]
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn known_hosts() -> Target {
    let hashed = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=";
    let lines = [
        format!("lab.example {KEY}"),
        format!("@revoked *.example {KEY} # gone\nlab.example {KEY}"),
        format!("@cert-authority [*.example]:2222,!no.example {KEY}"),
        format!("{hashed} {KEY}"),
        format!("@strange a {KEY}"),
        "lab.example ssh-rsa AAAA".to_owned(),
    ];
    Target {
        name: "known hosts",
        seeds: seeds(&lines.each_ref().map(String::as_str)),
        words: &[
            "@revoked ",
            "@cert-authority ",
            "|1|",
            "*",
            "?",
            "!",
            ",",
            "[",
            "]:2222",
            " ",
            "\n",
            "ssh-ed25519 ",
        ],
        bytes_max: 800,
        run: |input| {
            let text = String::from_utf8_lossy(input);
            let hosts = KnownHosts::parse(&text).unwrap();
            let key = KnownHosts::parse(&format!("x {KEY}"))
                .unwrap()
                .matching("x", 22)
                .next()
                .unwrap()
                .key()
                .clone();
            // However the names are written, what is found is told of once, and judged by what is found.
            let lines: Vec<_> = hosts.matching("lab.example", 22).collect();
            assert!(lines.len() + hosts.skipped().len() <= text.lines().count());
            let verdict = hosts.verdict("lab.example", 22, &key);
            let found = |revoked: bool| {
                lines
                    .iter()
                    .any(|line| line.is_revoked() == revoked && line.key() == &key && !line.is_authority())
            };
            assert_eq!(matches!(verdict, HostVerdict::Revoked { .. }), found(true));
            assert_eq!(matches!(verdict, HostVerdict::Known), found(false) && !found(true));
            let name = format!("{verdict:?}");
            let name: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
            format!("{name}, skipped {:?}", hosts.skipped().first().map(|(_, reason)| reason))
        },
        reaches: &[
            "Known, skipped None",
            "Revoked, skipped None",
            "Unknown, skipped None",
            "Unknown, skipped Some(UnknownMarker)",
            "Unknown, skipped Some(Key)",
        ],
    }
}

fn target_entry() -> Target {
    Target {
        name: "target entry",
        seeds: seeds(&[
            "lab.example:22",
            ".vm.example:2200-2299",
            "10.1.0.0/16:22",
            "[fd00::/8]:22",
            "[::1]:22",
            "127.1:22",
            "lab.example",
        ]),
        words: &["[", "]", ":", "/", ".", "-", "0", "::", "::ffff:", "255", "65535", "0x"],
        bytes_max: 120,
        run: |input| {
            let text = String::from_utf8_lossy(input);
            let Ok(policy) = TargetPolicy::new([&*text]) else { return "refused".to_owned() };
            let (host, ports) = text.rsplit_once(':').unwrap();
            let port = ports.split('-').next().unwrap().parse().unwrap();
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let listed =
                matches!(policy.admit(bare.split('/').next().unwrap(), port, "u"), Ok(Admission::Allowed(_)));
            match (bare.starts_with('.'), bare.contains('/'), listed) {
                (true, false, false) => "names".to_owned(),
                (false, true, true) => "network".to_owned(),
                (false, false, true) => "host".to_owned(),
                other => panic!("{other:?}"),
            }
        },
        reaches: &["names", "network", "host", "refused"],
    }
}

#[cfg(feature = "host-certificates")]
mod certificate {
    //! A certificate that nobody signed is never believed, and what is read of it is a key.

    use webssh_core::{CertificateVerdict, HostCertificate};

    use webssh_core::HostKey;

    use super::{KnownHosts, Target};

    fn string(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
    }

    /// Well-formed, with signatures of zeros.
    fn unsigned(kind: &str, fields: &[&[u8]], authority: &[&[u8]], signature: &[&[u8]]) -> Vec<u8> {
        let strings = |list: &[&[u8]]| list.iter().flat_map(|part| string(part)).collect::<Vec<u8>>();
        let (serial, host, after, before) = ([0; 8], [0, 0, 0, 2], [0; 8], [0xff; 8]);
        [
            strings(&[kind.as_bytes(), b"nonce"]),
            strings(fields),
            [&serial[..], &host].concat(),
            strings(&[b"id", &string(b"lab.example")]),
            [after, before].concat(),
            strings(&[b"", b"", b"", &strings(authority), &strings(signature)]),
        ]
        .concat()
    }

    pub(super) fn target() -> Target {
        let point = [&[4_u8][..], &[7; 64]].concat();
        let numbers = [string(&[1; 32]), string(&[1; 32])].concat();
        let ed25519: [&[u8]; 2] = [b"ssh-ed25519", &[9; 32]];
        let seeds = vec![
            unsigned("ssh-ed25519-cert-v01@openssh.com", &[&[1; 32]], &ed25519, &[b"ssh-ed25519", &[0; 64]]),
            unsigned(
                "ecdsa-sha2-nistp256-cert-v01@openssh.com",
                &[b"nistp256", &point],
                &[b"ecdsa-sha2-nistp256", b"nistp256", &point],
                &[b"ecdsa-sha2-nistp256", &numbers],
            ),
            unsigned(
                "ssh-rsa-cert-v01@openssh.com",
                &[&[1, 0, 1], &[5; 256]],
                &[b"ssh-rsa", &[1, 0, 1], &[5; 256]],
                &[b"rsa-sha2-512", &[3; 256]],
            ),
            unsigned("ssh-ed25519-cert-v01@openssh.com", &[&[1; 32]], &ed25519, &[b"ssh-rsa", &[0; 64]]),
            string(b"ssh-ed25519-cert-v01@openssh.com"),
        ];
        Target {
            name: "host certificate",
            seeds,
            words: &["\0\0\0", "ssh-ed25519", "ssh-rsa", "nistp256", "\0\0\0\u{2}", "lab.example", "*"],
            bytes_max: 1500,
            run: |input| {
                let Ok(key) = HostKey::from_blob(input) else { return "no key".to_owned() };
                let Ok(certificate) = HostCertificate::parse(&key) else {
                    return "no certificate".to_owned();
                };
                assert!(!certificate.key().is_certificate());
                let line = format!("@cert-authority * {}", certificate.authority().to_line_fields());
                let hosts = KnownHosts::parse(&line).unwrap();
                let verdict = hosts.verdict_of_certificate("lab.example", 22, &certificate, 1);
                assert_ne!(verdict, CertificateVerdict::Trusted);
                format!("{verdict:?}")
            },
            reaches: &["Refused(Signature)", "Refused(SignatureAlgorithm)", "no key"],
        }
    }
}
