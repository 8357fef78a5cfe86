//! Certificates of hosts, made by ssh-keygen, judged here and by ssh itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use testkit::Sshd;
use webssh_core::{
    CertificateFault, CertificateVerdict, HostCertificate, HostKey, HostKeys, HostVerdict, KnownHosts,
    MemoryHosts, NoDialogue,
};

const NOW: u64 = 1_767_225_600; // 1 January 2026

/// A folder of keys.
pub(crate) struct Keys(tempfile::TempDir);

impl Keys {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes a key pair and gives the two fields of its public half.
    pub(crate) fn make(&self, name: &str, kind: &[&str]) -> String {
        keygen(
            Command::new("ssh-keygen").args(["-q", "-N", "", "-t"]).args(kind).arg("-f").arg(self.path(name)),
        );
        self.fields(&format!("{name}.pub"))
    }

    /// Signs the public half of `key` and gives the certificate.
    pub(crate) fn sign(&self, authority: &str, key: &str, args: &[&str]) -> HostKey {
        keygen(
            Command::new("ssh-keygen")
                .args(["-q", "-I", "a host", "-s"])
                .arg(self.path(authority))
                .args(args)
                .arg(self.path(&format!("{key}.pub"))),
        );
        read_key(&self.fields(&format!("{key}-cert.pub")))
    }

    fn fields(&self, file: &str) -> String {
        let text = fs::read_to_string(self.path(file)).unwrap();
        text.split(' ').take(2).collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }
}

fn keygen(command: &mut Command) {
    let made = command.output().expect("apt-get install -y --no-install-recommends openssh-client");
    assert!(made.status.success(), "{made:?}");
}

pub(crate) fn read_key(fields: &str) -> HostKey {
    let blob = STANDARD.decode(fields.split(' ').nth(1).unwrap()).unwrap();
    HostKey::from_blob(&blob).unwrap()
}

fn judge(known_hosts: &str, host: &str, presented: &HostKey) -> CertificateVerdict {
    let certificate = HostCertificate::parse(presented).unwrap();
    KnownHosts::parse(known_hosts).unwrap().verdict_of_certificate(host, 22, &certificate, NOW)
}

const VALID: [&str; 5] = ["-h", "-n", "lab.example,*.vm.example", "-V", "20200101:20990101"];

#[test]
fn every_kind_of_authority_and_of_key_is_verified() {
    if testkit::skipped("ssh-keygen") {
        return;
    }
    let keys = Keys::new();
    let kinds: [(&str, &[&str]); 5] = [
        ("ed25519", &["ed25519"]),
        ("p256", &["ecdsa", "-b", "256"]),
        ("p384", &["ecdsa", "-b", "384"]),
        ("p521", &["ecdsa", "-b", "521"]),
        ("rsa", &["rsa", "-b", "2048"]),
    ];
    let other = keys.make("other", &["ed25519"]);
    for (name, kind) in kinds {
        let authority = keys.make(name, kind);
        let line = format!("@cert-authority lab.example {authority}");
        for (host, kind) in kinds {
            let host = format!("{name}-{host}");
            let plain = keys.make(&host, kind);
            let presented = keys.sign(name, &host, &VALID);
            assert_eq!(judge(&line, "LAB.example", &presented), CertificateVerdict::Trusted, "{host}");
            let certificate = HostCertificate::parse(&presented).unwrap();
            assert_eq!(certificate.key().to_line_fields(), plain);
            assert_eq!(certificate.authority().to_line_fields(), authority);
            let wrong = format!("@cert-authority lab.example {other}");
            assert_eq!(judge(&wrong, "lab.example", &presented), CertificateVerdict::NoAuthority, "{host}");
        }
    }
    let rsa = format!("@cert-authority * {}", keys.fields("rsa.pub"));
    let with = |algorithm| keys.sign("rsa", "rsa-p256", &[&VALID[..], &["-t", algorithm]].concat());
    assert_eq!(judge(&rsa, "lab.example", &with("rsa-sha2-256")), CertificateVerdict::Trusted);
    let sha1 = CertificateVerdict::Refused(CertificateFault::SignatureAlgorithm);
    assert_eq!(judge(&rsa, "lab.example", &with("ssh-rsa")), sha1);
}

#[test]
fn lines_decide_which_authority_counts_where() {
    if testkit::skipped("ssh-keygen") {
        return;
    }
    let keys = Keys::new();
    let (authority, plain) = (keys.make("ca", &["ed25519"]), keys.make("host", &["ed25519"]));
    let presented = keys.sign("ca", "host", &VALID);
    let fingerprint = |fields: &str| read_key(fields).fingerprint();
    let revoked = |fields: &str| CertificateVerdict::Revoked { fingerprint: fingerprint(fields) };
    for (lines, host, want) in [
        (format!("@cert-authority * {authority}"), "lab.example", CertificateVerdict::Trusted),
        (format!("@cert-authority * {authority}"), "a.vm.example", CertificateVerdict::Trusted),
        (format!("@cert-authority *.vm.example {authority}"), "lab.example", CertificateVerdict::NoAuthority),
        (
            format!("@cert-authority [lab.example]:2222 {authority}"),
            "lab.example",
            CertificateVerdict::NoAuthority,
        ),
        (format!("lab.example {authority}"), "lab.example", CertificateVerdict::NoAuthority),
        (format!("@cert-authority * {plain}"), "lab.example", CertificateVerdict::NoAuthority),
        (
            format!("@cert-authority * {authority}\n@revoked * {authority}"),
            "lab.example",
            revoked(&authority),
        ),
        (
            format!("@revoked lab.example {plain}\n@cert-authority * {authority}"),
            "lab.example",
            revoked(&plain),
        ),
        (
            format!("@revoked else.example {plain}\n@cert-authority * {authority}"),
            "lab.example",
            CertificateVerdict::Trusted,
        ),
    ] {
        assert_eq!(judge(&lines, host, &presented), want, "{lines}");
    }
}

/// Arguments of ssh-keygen, and what is wrong with what it makes.
const FAULTS: [(&[&str], Option<CertificateFault>); 9] = [
    (&["-h", "-n", "127.0.0.1"], None),
    (&["-h", "-n", "other,127.0.0.*", "-V", "20200101:20990101"], None),
    (&["-h", "-n", "127.0.0.1", "-O", "extension:x@y"], None),
    (&["-h", "-n", "127.0.0.2,localhost"], Some(CertificateFault::Name)),
    (&["-h"], Some(CertificateFault::Name)),
    (&["-n", "127.0.0.1"], Some(CertificateFault::NotForHosts)),
    (&["-h", "-n", "127.0.0.1", "-V", "20200101:20210101"], Some(CertificateFault::Expired)),
    (&["-h", "-n", "127.0.0.1", "-V", "20980101:20990101"], Some(CertificateFault::NotYetValid)),
    (&["-h", "-n", "127.0.0.1", "-O", "critical:x@y=z"], Some(CertificateFault::CriticalOption)),
];

#[test]
fn a_fault_is_named() {
    if testkit::skipped("ssh-keygen") {
        return;
    }
    let keys = Keys::new();
    let line = format!("@cert-authority * {}", keys.make("ca", &["ed25519"]));
    keys.make("host", &["ed25519"]);
    for (args, fault) in FAULTS {
        let presented = keys.sign("ca", "host", args);
        let want = fault.map_or(CertificateVerdict::Trusted, CertificateVerdict::Refused);
        assert_eq!(judge(&line, "127.0.0.1", &presented), want, "{args:?}");
    }
}

/// Whether ssh goes on with a server by its certificate alone.
fn ssh_accepts(sshd: &Sshd, known_hosts: &Path) -> bool {
    let ran = Command::new("ssh")
        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"])
        .args(["-o", "GlobalKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"])
        .args(["-o", "HostKeyAlgorithms=ecdsa-sha2-nistp256-cert-v01@openssh.com"])
        .arg("-o")
        .arg(format!("UserKnownHostsFile={}", known_hosts.display()))
        .arg("-i")
        .arg(sshd.client_key())
        .args(["-p", &sshd.addr().port().to_string(), "-l", sshd.user(), "127.0.0.1", "true"])
        .output()
        .expect("apt-get install -y --no-install-recommends openssh-client");
    assert!(ran.status.code().is_some(), "{ran:?}");
    ran.status.success()
}

/// A real sshd shows each of them to a real ssh, which has to come to the same end.
#[test]
fn ssh_comes_to_the_same_end() {
    if testkit::skipped("sshd") {
        return;
    }
    let keys = Keys::new();
    let authority = keys.make("ca", &["ed25519"]);
    let mut accepted = 0;
    for (number, (args, fault)) in FAULTS.into_iter().enumerate() {
        // The newest versions of ssh agree here, too. Older ones take a certificate without any name for one
        // of every host, and know no wildcards in names.
        if args == ["-h"] || args.iter().any(|arg| arg.contains('*')) {
            continue;
        }
        let host = format!("host{number}");
        keys.make(&host, &["ecdsa", "-b", "256"]);
        let presented = keys.sign("ca", &host, args);
        let path = |name: String| keys.path(&name).display().to_string();
        let sshd = Sshd::options()
            .line(&format!("HostKey {}", path(host.clone())))
            .line(&format!("HostCertificate {}", path(format!("{host}-cert.pub"))))
            .line("SetEnv HOME=/nonexistent")
            .start()
            .unwrap();
        let port = sshd.addr().port();
        let line = format!("@cert-authority [127.0.0.1]:{port} {authority}\n");
        let file = keys.path("known_hosts");
        for (lines, expected) in [
            (line.clone(), fault.is_none()),
            (format!("{line}@revoked * {authority}\n"), false),
            (line.replace(&port.to_string(), "1"), false),
        ] {
            fs::write(&file, &lines).unwrap();
            let certificate = HostCertificate::parse(&presented).unwrap();
            let hosts = KnownHosts::parse(&lines).unwrap();
            let verdict = hosts.verdict_of_certificate("127.0.0.1", port, &certificate, NOW);
            assert_eq!(verdict == CertificateVerdict::Trusted, expected, "{args:?}: {lines}");
            assert_eq!(ssh_accepts(&sshd, &file), expected, "{args:?}: {lines}");
            accepted += u32::from(expected);
        }
    }
    assert_eq!(accepted, 2);
}

/// How the edge takes them: the certificate first, then the key in it by itself.
#[tokio::test]
async fn a_key_on_record_outlives_its_certificate() {
    if testkit::skipped("ssh-keygen") {
        return;
    }
    let keys = Keys::new();
    let (authority, plain) = (keys.make("ca", &["ed25519"]), keys.make("host", &["ed25519"]));
    let good = keys.sign("ca", "host", &VALID);
    let expired = keys.sign("ca", "host", &["-h", "-n", "lab.example", "-V", "20200101:20210101"]);
    let fingerprint = read_key(&plain).fingerprint();
    let judge = async |lines: &str, key: &HostKey| {
        let hosts = HostKeys::strict(KnownHosts::parse(lines).unwrap());
        hosts.judge("lab.example", 22, key, &NoDialogue).await.unwrap()
    };
    let line = format!("@cert-authority *.example {authority}\n");
    let refused =
        HostVerdict::Certificate { fingerprint: fingerprint.clone(), fault: CertificateFault::Expired };
    assert_eq!(judge(&line, &good).await, HostVerdict::Known);
    assert_eq!(judge(&line, &expired).await, refused);
    assert_eq!(
        judge(&line, &read_key(&plain)).await,
        HostVerdict::Unknown { fingerprint: fingerprint.clone() }
    );
    assert_eq!(judge(&format!("{line}lab.example {plain}"), &expired).await, HostVerdict::Known);
    assert_eq!(judge(&format!("lab.example {plain}"), &good).await, HostVerdict::Known);
    let changed = judge(&format!("{line}lab.example {authority}"), &expired).await;
    assert!(matches!(changed, HostVerdict::Changed { .. }), "{changed:?}");
    let revoked = judge(&format!("{line}@revoked * {plain}"), &good).await;
    assert_eq!(revoked, HostVerdict::Revoked { fingerprint: fingerprint.clone() });

    // Where certificates are the rule, the first use of another key is not trusted, nor is a bad one.
    let store = std::sync::Arc::new(MemoryHosts::new(&line).unwrap());
    let first_use = HostKeys::trust_on_first_use(store.clone());
    let judge = async |key: &HostKey| first_use.judge("lab.example", 22, key, &NoDialogue).await.unwrap();
    assert_eq!(judge(&read_key(&plain)).await, HostVerdict::Unknown { fingerprint });
    assert_eq!(judge(&expired).await, refused);
    assert_eq!(judge(&good).await, HostVerdict::Known);
    assert_eq!(store.text(), line, "nothing was stored");
    let names = first_use.on_record("lab.example", 22).await.unwrap();
    assert_eq!(names.first().map(String::as_str), Some("ssh-ed25519-cert-v01@openssh.com"));

    // Where nobody knows the authority, what is stored is the key, not the certificate.
    let store = std::sync::Arc::new(MemoryHosts::default());
    let first_use = HostKeys::trust_on_first_use(store.clone());
    let verdict = first_use.judge("lab.example", 22, &good, &NoDialogue).await.unwrap();
    assert_eq!((verdict, store.text()), (HostVerdict::Known, format!("lab.example {plain}\n")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// No byte of a certificate can be another and the verdict the same.
    #[test]
    fn every_byte_counts(flip in 1_u8..=255) {
        if testkit::skipped("ssh-keygen") {
            return Ok(());
        }
        let keys = Keys::new();
        let line = format!("@cert-authority * {}", keys.make("ca", &["ed25519"]));
        keys.make("host", &["ed25519"]);
        let presented = keys.sign("ca", "host", &VALID);
        prop_assert_eq!(judge(&line, "lab.example", &presented), CertificateVerdict::Trusted);
        let blob = presented.blob();
        for at in 0..blob.len() {
            let mut other = blob.to_vec();
            other[at] ^= flip;
            let read = HostKey::from_blob(&other).and_then(|key| HostCertificate::parse(&key));
            if let Ok(certificate) = read {
                let hosts = KnownHosts::parse(&line).unwrap();
                let verdict = hosts.verdict_of_certificate("lab.example", 22, &certificate, NOW);
                prop_assert_ne!(verdict, CertificateVerdict::Trusted, "byte {}", at);
            }
            // Nor can the end be missing.
            let short = HostKey::from_blob(&blob[..at]).and_then(|key| HostCertificate::parse(&key));
            prop_assert!(short.is_err());
        }
        let long = HostKey::from_blob(&[blob, b"x"].concat()).unwrap();
        prop_assert!(HostCertificate::parse(&long).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_are_a_certificate_or_refused(
        kind in prop::sample::select(vec![
            "ssh-ed25519-cert-v01@openssh.com",
            "ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "ssh-rsa-cert-v01@openssh.com",
            "ssh-dss-cert-v01@openssh.com",
        ]),
        strings in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..14),
        tail in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut blob = Vec::new();
        for string in [&[kind.as_bytes().to_vec()], &strings[..]].concat() {
            blob.extend(u32::try_from(string.len()).unwrap().to_be_bytes());
            blob.extend(string);
        }
        blob.extend(tail);
        if let Ok(certificate) = HostKey::from_blob(&blob).and_then(|key| HostCertificate::parse(&key)) {
            let line = format!("@cert-authority * {}", certificate.authority().to_line_fields());
            let hosts = KnownHosts::parse(&line).unwrap();
            let verdict = hosts.verdict_of_certificate("lab.example", 22, &certificate, NOW);
            prop_assert_ne!(verdict, CertificateVerdict::Trusted);
        }
    }
}
