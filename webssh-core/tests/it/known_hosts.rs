//! The known_hosts reader beside OpenSSH's own, and under random text.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use webssh_core::{HostKey, HostVerdict, KnownHost, KnownHosts, SkipReason};

/// Three real public keys, as `type base64`.
fn keys(dir: &Path) -> Vec<String> {
    [("ed25519", "a"), ("ed25519", "b"), ("ecdsa", "c")]
        .into_iter()
        .map(|(kind, name)| {
            let file = dir.join(name);
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", kind, "-N", "", "-f"])
                .arg(&file)
                .status()
                .expect("ssh-keygen runs: apt-get install -y --no-install-recommends openssh-client");
            assert!(made.success());
            let public = fs::read_to_string(file.with_extension("pub")).unwrap();
            public.split(' ').take(2).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// Lines that OpenSSH can use.
fn good_lines(keys: &[String]) -> String {
    let [a, b, c] = keys else { panic!("three keys") };
    format!(
        "# a comment\n\
         \n\
         plain.example {a}\n\
         \tplain.example,10.0.0.1\t{c} with a comment\n\
         *.wild.example,!no.wild.example {b}\n\
         h?st.example {a}\n\
         [port.example]:2222 {a}\n\
         [10.0.0.*]:2222 {b}\n\
         @revoked plain.example {b}\n\
         @revoked * {c}\n\
         @cert-authority *.ca.example,plain.example {a}\n\
         UPPER.example {a}\n\
         to-be-hashed.example,10.9.9.9 {b}\n\
         [to-be-hashed.example]:2022 {c}\n"
    )
}

/// Lines that nobody can use, from line 15 on.
fn bad_lines(keys: &[String]) -> String {
    let a = &keys[0];
    format!(
        "@strange plain.example {a}\n\
         plain.example ssh-rsa {bare}\n\
         plain.example ssh-ed25519 not!base64\n\
         plain.example\n\
         |1|AAAA|BBBB {a}\n",
        bare = a.split(' ').nth(1).unwrap(),
    )
}

const NAMES: [(&str, u16); 16] = [
    ("plain.example", 22),
    ("plain.example", 2222),
    ("10.0.0.1", 22),
    ("10.0.0.1", 2222),
    ("10.0.0.77", 2222),
    ("yes.wild.example", 22),
    ("no.wild.example", 22),
    ("wild.example", 22),
    ("host.example", 22),
    ("hoost.example", 22),
    ("port.example", 22),
    ("port.example", 2222),
    ("upper.example", 22),
    ("to-be-hashed.example", 22),
    ("to-be-hashed.example", 2022),
    ("10.9.9.9", 22),
];

/// The lines that `ssh-keygen -F` finds for a host: numbers, and what is marked.
fn openssh_lines(file: &Path, host: &str, port: u16) -> Vec<(usize, &'static str)> {
    let name = if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") };
    let found = Command::new("ssh-keygen").arg("-F").arg(name).arg("-f").arg(file).output().unwrap();
    String::from_utf8(found.stdout)
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("# Host "))
        .map(|line| {
            let found = line.split("found: line ").nth(1).unwrap();
            let (number, marker) = found.split_once(' ').unwrap();
            let marker = match marker {
                "REVOKED" => "revoked",
                "CA" => "authority",
                "" => "",
                other => panic!("`{other}` is new"),
            };
            (number.parse().unwrap(), marker)
        })
        .collect()
}

fn our_lines(hosts: &KnownHosts, host: &str, port: u16) -> Vec<(usize, &'static str)> {
    let marker = |line: &KnownHost| match (line.is_revoked(), line.is_authority()) {
        (true, false) => "revoked",
        (false, true) => "authority",
        (false, false) => "",
        (true, true) => panic!("two markers"),
    };
    hosts.matching(host, port).map(|line| (line.line(), marker(line))).collect()
}

#[test]
fn finds_the_lines_that_openssh_finds() {
    if testkit::skipped("ssh-keygen") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    let keys = keys(dir.path());
    let mut found = 0;
    for hashed in [false, true] {
        let bad = if hashed { String::new() } else { bad_lines(&keys) };
        fs::write(&file, good_lines(&keys) + &bad).unwrap();
        if hashed {
            let done = Command::new("ssh-keygen").arg("-H").arg("-f").arg(&file).output().unwrap();
            assert!(done.status.success(), "{done:?}");
        }
        let hosts = KnownHosts::parse(&fs::read_to_string(&file).unwrap()).unwrap();
        for (host, port) in NAMES {
            // `-F` compares names only; a line without a usable key is of no use to either.
            let usable = |line: &(usize, &str)| !hosts.skipped().contains(&(line.0, SkipReason::Key));
            let theirs: Vec<_> = openssh_lines(&file, host, port).into_iter().filter(usable).collect();
            assert_eq!(our_lines(&hosts, host, port), theirs, "{host}:{port}, hashed: {hashed}");
            found += theirs.len();
        }
    }
    assert!(found > 30, "only {found} lines were compared");
}

#[test]
fn judges_keys_and_reports_what_it_skipped() {
    if testkit::skipped("ssh-keygen") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let keys = keys(dir.path());
    let hosts = KnownHosts::parse(&(good_lines(&keys) + &bad_lines(&keys))).unwrap();
    let key = |n: usize| {
        let line = KnownHosts::parse(&format!("x {}", keys[n])).unwrap();
        line.matching("x", 22).next().unwrap().key().clone()
    };
    let judge = |host: &str, port, n| hosts.verdict(host, port, &key(n));
    assert_eq!(judge("PLAIN.example", 22, 0), HostVerdict::Known);
    assert_eq!(judge("plain.example", 22, 1), HostVerdict::Revoked { fingerprint: key(1).fingerprint() });
    assert_eq!(judge("plain.example", 22, 2), HostVerdict::Revoked { fingerprint: key(2).fingerprint() });
    // An authority is on record, but its key is nobody's own.
    assert_eq!(judge("x.ca.example", 22, 0), HostVerdict::Unknown { fingerprint: key(0).fingerprint() });
    assert_eq!(judge("nowhere.example", 22, 0), HostVerdict::Unknown { fingerprint: key(0).fingerprint() });
    let changed =
        HostVerdict::Changed { fingerprint: key(1).fingerprint(), known: vec![key(0).fingerprint()] };
    assert_eq!(judge("port.example", 2222, 1), changed);
    let skipped = [
        (15, SkipReason::UnknownMarker),
        (16, SkipReason::Key),
        (17, SkipReason::Key),
        (18, SkipReason::Key),
        (19, SkipReason::Names),
    ];
    assert_eq!(hosts.skipped(), skipped);
}

#[test]
fn fingerprints_are_those_of_openssh() {
    if testkit::skipped("ssh-keygen") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (line, name) in keys(dir.path()).iter().zip(["a", "b", "c"]) {
        let shown = Command::new("ssh-keygen").arg("-lf").arg(dir.path().join(name)).output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        let hosts = KnownHosts::parse(&format!("x {line}")).unwrap();
        let key = hosts.matching("x", 22).next().unwrap().key();
        assert_eq!(shown.split(' ').nth(1), Some(key.fingerprint().as_str()));
        assert_eq!(&key.to_line_fields(), line);
    }
}

/// Pieces of names that collide often.
fn pattern() -> impl Strategy<Value = String> {
    let label = prop::sample::select(vec!["a", "b", "ab", "*", "?", "a*", "*b", "**", "A"]);
    let name = prop::collection::vec(label, 1..4).prop_map(|labels| labels.join("."));
    (any::<bool>(), name, prop::option::of(prop::sample::select(vec!["22", "2222", "*", "??22"]))).prop_map(
        |(not, name, port)| {
            let name = port.map_or(name.clone(), |port| format!("[{name}]:{port}"));
            format!("{}{name}", if not { "!" } else { "" })
        },
    )
}

/// A line with one of two keys, by all ways of writing one.
fn corpus_line() -> impl Strategy<Value = String> {
    const KEYS: [&str; 2] = [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP8BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
    ];
    // Behind a marker OpenSSH knows no tab, unless no blank follows; we do.
    let marker = prop::sample::select(vec!["", "", "@revoked ", "@cert-authority ", "@revoked  "]);
    let lead = prop::sample::select(vec!["", "", " ", "\t "]);
    let between = prop::sample::select(vec![" ", "\t", "  "]);
    let tail = prop::sample::select(vec!["", " # words", " a b@c "]);
    let patterns = prop::collection::vec(pattern(), 1..4).prop_map(|patterns| patterns.join(","));
    let line = (lead, marker, patterns, between, prop::sample::select(KEYS.to_vec()), tail).prop_map(
        |(lead, marker, names, between, key, tail)| format!("{lead}{marker}{names}{between}{key}{tail}"),
    );
    prop_oneof![12 => line, 1 => Just("# a comment".to_owned()), 1 => Just(String::new())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn finds_in_any_file_what_openssh_finds(
        lines in prop::collection::vec(corpus_line(), 30),
        hash in any::<bool>(),
    ) {
        if testkit::skipped("ssh-keygen") {
            return Ok(());
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        if hash {
            let done = Command::new("ssh-keygen").arg("-H").arg("-f").arg(&file).output().unwrap();
            prop_assert!(done.status.success(), "{:?}", done);
        }
        let text = fs::read_to_string(&file).unwrap();
        let hosts = KnownHosts::parse(&text).unwrap();
        prop_assert_eq!(hosts.skipped(), []);
        for host in ["a", "b", "ab", "a.b", "a.a", "b.ab.a"] {
            for port in [22, 2222] {
                prop_assert_eq!(our_lines(&hosts, host, port), openssh_lines(&file, host, port), "{}:{} in\n{}", host, port, text);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_text_is_read_or_skipped(
        lines in prop::collection::vec("(@revoked |@cert-authority |\\|1\\||[*?!\\[]|)[ -~\t]{0,60}|\\PC{0,30}", 0..20),
        host in "\\PC{0,12}",
        port in any::<u16>(),
    ) {
        let mut text = String::new();
        for line in &lines {
            writeln!(text, "{line}").unwrap();
        }
        let hosts = KnownHosts::parse(&text).unwrap();
        let count = hosts.matching(&host, port).count();
        prop_assert!(count + hosts.skipped().len() <= text.lines().count());
    }

    #[test]
    fn arbitrary_bytes_are_a_key_or_refused(blob in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(key) = HostKey::from_blob(&blob) {
            let hosts = KnownHosts::parse(&format!("h {}", key.to_line_fields())).unwrap();
            prop_assert_eq!(hosts.verdict("h", 22, &key), HostVerdict::Known);
        }
    }
}

#[test]
fn a_text_over_the_limit_is_refused() {
    let text = "#".repeat(KnownHosts::BYTES_MAX + 1);
    assert!(KnownHosts::parse(&text).is_err());
}
