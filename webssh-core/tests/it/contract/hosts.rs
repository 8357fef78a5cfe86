//! Whether a server is who it was, before anything is shown to it.

use std::sync::Arc;

use webssh_core::ssh::Connected;
use webssh_core::{HostKeys, HostVerdict, KnownHosts, MemoryHosts};

use super::for_each_backend;
use super::lab::{AnyBackend, Call, Keys, Person, key, public, server, sshd};

for_each_backend!(
    a_host_that_is_not_known_is_refused_before_login,
    a_person_vouches_for_a_host,
    the_first_key_is_kept,
    the_kind_of_key_on_record_is_asked_for,
);

/// The verdict on the server with this file of known hosts. The wrong key shows that nobody got as far as
/// asking for it.
async fn judged(backend: &AnyBackend, call: &Call, known_hosts: &str) -> HostVerdict {
    let hosts = HostKeys::strict(KnownHosts::parse(known_hosts).unwrap());
    let dial = webssh_core::ssh::Dial { hosts: &hosts, ..call.dial(None) };
    match backend.shell(&dial).await.unwrap() {
        Connected::HostRefused(verdict) => verdict,
        connected => panic!("{connected:?}"),
    }
}

async fn a_host_that_is_not_known_is_refused_before_login(backend: AnyBackend) {
    let (sshd, keys) = (sshd(), Keys::new());
    let (line, port) = (sshd.host_key_line(), sshd.addr().port());
    let call = Call::new(sshd.addr(), sshd.user(), "", [keys.stranger()]);
    let known = KnownHosts::parse(&line).unwrap();
    let fingerprint = known.matching("127.0.0.1", port).next().unwrap().key().fingerprint();

    let unknown = HostVerdict::Unknown { fingerprint: fingerprint.clone() };
    assert_eq!(judged(&backend, &call, "").await, unknown);
    let other_port = line.replace(&port.to_string(), "1");
    assert_eq!(judged(&backend, &call, &other_port).await, unknown, "another port is another host");
    let revoked = HostVerdict::Revoked { fingerprint: fingerprint.clone() };
    assert_eq!(judged(&backend, &call, &format!("{line}\n@revoked {line}")).await, revoked);
    let other = format!("[127.0.0.1]:{port} {}", public(&keys.path("stranger")));
    let changed = judged(&backend, &call, &other).await;
    assert!(
        matches!(&changed, HostVerdict::Changed { fingerprint: shown, known } if *shown == fingerprint && known.len() == 1),
        "{changed:?}"
    );
}

async fn a_person_vouches_for_a_host(backend: AnyBackend) {
    let sshd = sshd();
    let store = Arc::new(MemoryHosts::default());
    let mut call = Call::sshd(&sshd);
    call.hosts = HostKeys::ask(KnownHosts::default(), store.clone());

    let refused = call.connect(&backend).await.unwrap();
    assert!(matches!(refused, Connected::HostRefused(HostVerdict::Unknown { .. })), "{refused:?}");
    assert_eq!(store.text(), "", "a no is not kept");
    call.person = Person { trusts: true, ..Person::default() };
    assert!(matches!(call.connect(&backend).await.unwrap(), Connected::Open(_)));
    let asked = call.person.asked.lock().unwrap().clone();
    let line = KnownHosts::parse(&sshd.host_key_line()).unwrap();
    let shown = line.matching("127.0.0.1", sshd.addr().port()).next().unwrap().key().fingerprint();
    assert_eq!(asked, [shown.to_string()]);
    assert!(matches!(call.connect(&backend).await.unwrap(), Connected::Open(_)));
    assert_eq!(call.person.asked.lock().unwrap().len(), 1, "nobody is asked twice");
}

async fn the_first_key_is_kept(backend: AnyBackend) {
    let (sshd, keys) = (sshd(), Keys::new());
    let store = Arc::new(MemoryHosts::default());
    let mut call = Call::sshd(&sshd);
    call.hosts = HostKeys::trust_on_first_use(store.clone());
    assert!(matches!(call.connect(&backend).await.unwrap(), Connected::Open(_)));
    assert!(store.text().contains(&sshd.host_key_line()), "{}", store.text());

    let other = keys.make("other", "ed25519");
    let line = format!("[127.0.0.1]:{} {}\n", sshd.addr().port(), public(&other));
    call.hosts = HostKeys::trust_on_first_use(Arc::new(MemoryHosts::new(&line).unwrap()));
    let refused = call.connect(&backend).await.unwrap();
    assert!(matches!(refused, Connected::HostRefused(HostVerdict::Changed { .. })), "{refused:?}");
}

/// A server shows the kind of key that is on record, though it would prefer another.
async fn the_kind_of_key_on_record_is_asked_for(backend: AnyBackend) {
    let keys = Keys::new();
    let file = keys.make("host", "ecdsa");
    let sshd = server().line(&format!("HostKey {}", file.display())).start().unwrap();
    let line = format!("[127.0.0.1]:{} {}", sshd.addr().port(), public(&file));
    let call = Call::new(sshd.addr(), sshd.user(), &line, [key(sshd.client_key())]);
    let connected = call.connect(&backend).await.unwrap();
    assert!(matches!(connected, Connected::Open(_)), "{connected:?}");
}
