//! Which hosts are listed, and which of their addresses are dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::prelude::*;
use webssh_core::{
    AddressCheck, AddressRange, AddressRefusal, Admission, ErrorKind, Resolved, Target, TargetPolicy,
};

fn listed(policy: &TargetPolicy, host: &str, port: u16) -> Target {
    match policy.admit(host, port, "alice").unwrap() {
        Admission::Allowed(target) => target,
        Admission::NotListed => panic!("{host}:{port} is listed"),
    }
}

fn named(policy: &str) -> (TargetPolicy, Target) {
    let entries = format!("lab.example.org:22 {policy}");
    let policy = TargetPolicy::new(entries.split_whitespace()).unwrap();
    let target = listed(&policy, "lab.example.org", 22);
    (policy, target)
}

/// `None` is allowed.
fn judged(policy: &TargetPolicy, target: &Target, ip: &str) -> Option<AddressRange> {
    match policy.check(target, &[ip.parse().unwrap()]) {
        AddressCheck::Allowed => None,
        AddressCheck::Refused(AddressRefusal::Special { addr, range }) => {
            assert_eq!(addr, ip.parse::<IpAddr>().unwrap(), "the refusal names the address");
            Some(range)
        }
        AddressCheck::Refused(other) => panic!("{ip}: {other}"),
    }
}

#[test]
fn a_name_may_be_at_public_addresses_only() {
    use AddressRange::{
        Broadcast, LinkLocal, Loopback, Metadata, Multicast, Private, Reserved, Shared, Translated,
        Unspecified,
    };
    let (policy, lab) = named("");
    for (ip, want) in [
        ("8.8.8.8", None),
        ("2606:4700::1111", None),
        ("0.0.0.0", Some(Unspecified)),
        ("0.1.2.3", Some(Unspecified)),
        ("::", Some(Unspecified)),
        ("127.0.0.1", Some(Loopback)),
        ("127.255.255.254", Some(Loopback)),
        ("::1", Some(Loopback)),
        ("10.0.0.1", Some(Private)),
        ("172.15.255.255", None),
        ("172.16.0.1", Some(Private)),
        ("172.31.255.255", Some(Private)),
        ("172.32.0.0", None),
        ("192.168.1.1", Some(Private)),
        ("fd00::1", Some(Private)),
        ("fec0::1", Some(Private)),
        ("100.64.0.1", Some(Shared)),
        ("100.128.0.1", None),
        ("169.254.1.1", Some(LinkLocal)),
        ("fe80::1", Some(LinkLocal)),
        ("169.254.169.254", Some(Metadata)),
        ("100.100.100.200", Some(Metadata)),
        ("168.63.129.16", Some(Metadata)),
        ("fd00:ec2::254", Some(Metadata)),
        ("224.0.0.1", Some(Multicast)),
        ("ff02::1", Some(Multicast)),
        ("255.255.255.255", Some(Broadcast)),
        ("240.0.0.1", Some(Reserved)),
        ("192.0.2.1", Some(Reserved)),
        ("198.19.0.1", Some(Reserved)),
        ("2001:db8::1", Some(Reserved)),
        ("100::1", Some(Reserved)),
        ("4000::1", Some(Reserved)),
        // What hides in others.
        ("::ffff:10.0.0.1", Some(Private)),
        ("::ffff:8.8.8.8", None),
        ("::10.0.0.1", Some(Private)),
        ("64:ff9b::169.254.169.254", Some(Metadata)),
        ("64:ff9b::8.8.8.8", None),
        ("64:ff9b:1::8.8.8.8", Some(Translated)),
        ("64:ff9b:1:a9fe:a9:fe00:8.8.8.8", Some(Translated)),
        ("2002:a9fe:a9fe::1", Some(Metadata)),
        ("2002:808:808::1", None),
        // Teredo: the server stands in front, the client behind, inverted.
        ("2001:0:808:808::f7f7:f7f7", None),
        ("2001:0:808:808::f5ff:fffe", Some(Private)),
        ("2001:0:a00:1::f7f7:f7f7", Some(Private)),
    ] {
        assert_eq!(judged(&policy, &lab, ip), want, "{ip}");
    }
}

#[test]
fn a_listed_network_opens_what_it_lies_in() {
    let (policy, lab) = named("10.1.0.0/16:22 127.0.0.1:22 [fd12::/16]:22 169.254.169.254:22 10.9.0.0/16:23");
    for (ip, open) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("64:ff9b::10.1.2.3", true),
        ("10.2.0.1", false),
        ("10.9.0.1", false),
        ("127.0.0.1", true),
        ("127.0.0.2", false),
        ("fd12::1", true),
        ("fd13::1", false),
        ("169.254.169.254", false),
    ] {
        assert_eq!(judged(&policy, &lab, ip).is_none(), open, "{ip}");
    }
    // Everywhere is not "in here".
    let (policy, lab) = named("0.0.0.0/0:22 [::/0]:22");
    for ip in ["127.0.0.1", "10.0.0.1", "::1", "fe80::1", "192.168.0.1", "64:ff9b:1::1"] {
        assert!(judged(&policy, &lab, ip).is_some(), "{ip}");
    }
    assert!(matches!(policy.admit("8.8.8.8", 22, "u").unwrap(), Admission::Allowed(_)));
}

#[test]
fn private_addresses_of_a_name_are_a_choice() {
    let policy = TargetPolicy::builder().name("db", 22).names(".lab", 22).allow_private().build().unwrap();
    let (db, vm) = (listed(&policy, "db", 22), listed(&policy, "vm1.lab", 22));
    assert_eq!(judged(&policy, &vm, "10.0.0.1"), None);
    assert_eq!(judged(&policy, &vm, "100.64.0.1"), None);
    assert_eq!(judged(&policy, &vm, "127.0.0.1"), Some(AddressRange::Loopback));
    assert_eq!(judged(&policy, &vm, "100.100.100.200"), Some(AddressRange::Metadata));
    assert_eq!(judged(&policy, &db, "10.0.0.1"), Some(AddressRange::Private), "said of `.lab` only");
    let misuse = TargetPolicy::builder().network("10.0.0.0/8", 22).allow_private().build();
    assert_eq!(misuse.unwrap_err().kind(), ErrorKind::Misuse);
}

#[test]
fn one_bad_address_refuses_them_all() {
    let (policy, lab) = named("");
    let addrs: Vec<SocketAddr> =
        ["8.8.8.8:22", "[::1]:22"].iter().map(|addr| addr.parse().unwrap()).collect();
    let refused = Resolved::Refused(AddressRefusal::Special {
        addr: Ipv6Addr::LOCALHOST.into(),
        range: AddressRange::Loopback,
    });
    assert_eq!(policy.destination(&lab, &addrs), refused);
    let Resolved::At(destination) = policy.destination(&lab, &addrs[..1]) else { panic!("allowed") };
    assert_eq!((destination.addr(), destination.target()), (addrs[0], &lab));
    assert_eq!(destination.addrs().collect::<Vec<_>>(), &addrs[..1]);
}

#[test]
fn what_is_not_the_target_is_no_destination() {
    let (policy, lab) = named("127.0.0.1:22");
    let refused = |policy: &TargetPolicy, target: &Target, addrs: &[&str]| {
        let addrs: Vec<SocketAddr> = addrs.iter().map(|addr| addr.parse().unwrap()).collect();
        match policy.destination(target, &addrs) {
            Resolved::Refused(refusal) => refusal,
            Resolved::At(at) => panic!("{at:?}"),
        }
    };
    let public: IpAddr = Ipv4Addr::new(8, 8, 8, 8).into();
    assert_eq!(refused(&policy, &lab, &[]), AddressRefusal::NoAddress);
    assert_eq!(refused(&policy, &lab, &["8.8.8.8:23"]), AddressRefusal::NotTheTarget { addr: public });
    let literal = listed(&policy, "127.0.0.1", 22);
    assert_eq!(refused(&policy, &literal, &["8.8.8.8:22"]), AddressRefusal::NotTheTarget { addr: public });
    assert_eq!(refused(&TargetPolicy::default(), &lab, &["8.8.8.8:22"]), AddressRefusal::NotListed);
}

#[test]
fn hosts_are_listed_by_name_suffix_and_network() {
    let policy =
        TargetPolicy::new(["One.example:22-24", ".below.example:22", "[2001:db8::/32]:22", "[::1]:7"])
            .unwrap();
    for (host, port, want) in [
        ("one.example", 22, true),
        ("ONE.EXAMPLE", 24, true),
        ("one.example", 25, false),
        ("two.one.example", 22, false),
        ("a.below.example", 22, true),
        ("a.b.below.example", 22, true),
        ("below.example", 22, false),
        ("xbelow.example", 22, false),
        ("2001:db8::7", 22, true),
        ("2001:DB8:0::7", 22, true),
        ("2001:db9::7", 22, false),
        ("0:0:0:0:0:0:0:1", 7, true),
    ] {
        let listed = matches!(policy.admit(host, port, "u").unwrap(), Admission::Allowed(_));
        assert_eq!(listed, want, "{host}:{port}");
    }
}

#[test]
fn entries_that_say_too_little_are_refused() {
    for entry in [
        "host",
        "host:",
        ":22",
        "::1:22",
        "[::1]",
        "host:0",
        "host:65536",
        "*:22",
        "10.0.0.1/8:22",
        "[host]:22",
        "host:24-22",
        "host:0-5",
        "host:+22",
        ".:22",
        "..a:22",
        "a:b:22",
        "127.1:22",
        "10.0.0.0/33:22",
    ] {
        let refused = TargetPolicy::new([entry]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{entry}");
    }
    let many = vec!["a:22"; TargetPolicy::ENTRIES_MAX + 1];
    assert!(TargetPolicy::new(many[1..].iter().copied()).is_ok());
    assert_eq!(TargetPolicy::new(many).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[cfg(feature = "pump")]
#[tokio::test]
async fn names_are_looked_up_once_and_judged() {
    use std::time::Duration;

    let deadline = Duration::from_secs(20);
    let policy = TargetPolicy::new(["localhost:22"]).unwrap();
    let localhost = listed(&policy, "localhost", 22);
    let refused = policy.resolve(&localhost, deadline).await.unwrap();
    assert!(
        matches!(refused, Resolved::Refused(AddressRefusal::Special { range: AddressRange::Loopback, .. })),
        "{refused:?}"
    );
    let policy = TargetPolicy::new(["localhost:22", "127.0.0.0/8:22", "[::1]:22"]).unwrap();
    let Resolved::At(destination) = policy.resolve(&localhost, deadline).await.unwrap() else {
        panic!("both loopbacks are listed")
    };
    assert!(destination.addrs().all(|addr| addr.ip().is_loopback() && addr.port() == 22));
    let literal = listed(&policy, "127.0.0.7", 22);
    assert!(matches!(policy.resolve(&literal, deadline).await.unwrap(), Resolved::At(_)));
    let policy = TargetPolicy::new(["nowhere.invalid:22"]).unwrap();
    let error = policy.resolve(&listed(&policy, "nowhere.invalid", 22), deadline).await.unwrap_err();
    assert!(error.is_transient() && std::error::Error::source(&error).is_some(), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_entries_are_read_or_refused(
        entry in "\\PC{0,20}|[0-9a-f.:/\\[\\]-]{0,30}|[a-z.]{1,8}(/[0-9]{1,3})?:[0-9-]{1,8}",
        host in "\\PC{0,20}|[0-9a-f.:]{0,20}",
    ) {
        let policy = TargetPolicy::new([entry.as_str()]);
        if let (Ok(policy), Ok(Admission::Allowed(target))) = (&policy, TargetPolicy::default().admit(&host, 22, "u")) {
            prop_assert!(policy.admit(&host, 22, "u").is_ok(), "{}", target);
        }
        // A name that is accepted is listed by itself.
        if TargetPolicy::default().admit(&host, 22, "u").is_ok() {
            let policy = TargetPolicy::builder().name(&host, 22).build().unwrap();
            prop_assert!(matches!(policy.admit(&host, 22, "u"), Ok(Admission::Allowed(_))));
        }
    }

    /// However an IPv4 address is dressed, it is judged as itself.
    #[test]
    fn an_address_cannot_hide(ip in prop_oneof![
        any::<u32>().prop_map(Ipv4Addr::from_bits),
        prop::sample::select(vec![[10, 1, 2, 3], [127, 0, 0, 1], [169, 254, 169, 254], [192, 168, 0, 1]]).prop_map(Ipv4Addr::from),
    ], rest in any::<u32>()) {
        let (policy, lab) = named("10.1.0.0/16:22");
        let [a, b] = [u128::from(ip.to_bits()), u128::from(rest)];
        let open = |ip: IpAddr| matches!(policy.check(&lab, &[ip]), AddressCheck::Allowed);
        let plain = open(ip.into());
        let public = u128::from(Ipv4Addr::new(8, 8, 8, 8).to_bits());
        for dressed in [
            0xffff << 32 | a,
            0x64_ff9b << 96 | a,
            0x2002 << 112 | a << 80 | b,
            0x2001_0000 << 96 | public << 64 | b >> 16 << 32 | (a ^ 0xffff_ffff),
            0x2001_0000 << 96 | a << 64 | b >> 16 << 32 | (public ^ 0xffff_ffff),
        ] {
            let dressed = Ipv6Addr::from_bits(dressed);
            prop_assert_eq!(open(dressed.into()), plain, "{} in {}", ip, dressed);
        }
    }
}
