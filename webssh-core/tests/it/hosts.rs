//! Host keys at the edge: the modes, the person who is asked, and the stores beside each other.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use webssh_core::pump::BoxFuture;
use webssh_core::{
    Added, Dialogue, ErrorKind, FileHosts, HostKey, HostKeys, HostQuestion, HostStore, HostVerdict,
    KnownHosts, MemoryHosts, NoDialogue, Prompts, Secret,
};

fn key(number: u8) -> HostKey {
    HostKey::from_blob(&[b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), &[number; 32]].concat()).unwrap()
}

/// Says the same to every question, and counts them.
struct Person {
    trusts: bool,
    asked: AtomicU32,
    /// Is told of a host while the person is thinking.
    meanwhile: Option<(Arc<dyn HostStore>, HostKey)>,
}

impl Person {
    fn new(trusts: bool) -> Self {
        Self { trusts, asked: AtomicU32::new(0), meanwhile: None }
    }
}

impl Dialogue for Person {
    fn ask<'a>(&'a self, _: &'a Prompts) -> BoxFuture<'a, Option<Vec<Secret>>> {
        Box::pin(async { None })
    }

    fn trust<'a>(&'a self, question: &'a HostQuestion) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            assert_eq!((question.host.as_str(), question.port), ("lab.example", 2222));
            assert_eq!(question.algorithm, "ssh-ed25519");
            assert_eq!(question.fingerprint, key(1).fingerprint());
            self.asked.fetch_add(1, Ordering::Relaxed);
            if let Some((store, key)) = &self.meanwhile {
                assert_eq!(store.add("lab.example", 2222, key).await.unwrap(), Added::Stored);
            }
            self.trusts
        })
    }
}

async fn judge(hosts: &HostKeys, number: u8, dialogue: &dyn Dialogue) -> HostVerdict {
    hosts.judge("lab.example", 2222, &key(number), dialogue).await.unwrap()
}

fn unknown(number: u8) -> HostVerdict {
    HostVerdict::Unknown { fingerprint: key(number).fingerprint() }
}

fn changed(shown: u8, known: u8) -> HostVerdict {
    HostVerdict::Changed { fingerprint: key(shown).fingerprint(), known: vec![key(known).fingerprint()] }
}

#[tokio::test]
async fn strict_asks_nobody() {
    let line = KnownHosts::line_for("LAB.example", 2222, &key(1)).unwrap();
    let hosts = HostKeys::strict(KnownHosts::parse(&line).unwrap());
    let person = Person::new(true);
    assert_eq!(judge(&hosts, 1, &person).await, HostVerdict::Known);
    assert_eq!(judge(&hosts, 2, &person).await, changed(2, 1));
    let nothing = HostKeys::strict(KnownHosts::default());
    assert_eq!(judge(&nothing, 1, &person).await, unknown(1));
    assert_eq!(person.asked.into_inner(), 0);
    assert_eq!(hosts.on_record("lab.example", 2222).await.unwrap(), ["ssh-ed25519"]);
    assert!(hosts.on_record("lab.example", 22).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_person_is_asked_once() {
    let store = Arc::new(MemoryHosts::default());
    let hosts = HostKeys::ask(KnownHosts::default(), store.clone());
    let (no, yes) = (Person::new(false), Person::new(true));
    assert_eq!(judge(&hosts, 1, &NoDialogue).await, unknown(1));
    assert_eq!(judge(&hosts, 1, &no).await, unknown(1));
    assert_eq!(store.text(), "");
    assert_eq!(judge(&hosts, 1, &yes).await, HostVerdict::Known);
    assert_eq!(judge(&hosts, 1, &no).await, HostVerdict::Known);
    // A key that contradicts the record is no question.
    assert_eq!(judge(&hosts, 2, &yes).await, changed(2, 1));
    assert_eq!((no.asked.into_inner(), yes.asked.into_inner()), (1, 1));
    assert_eq!(store.text(), format!("[lab.example]:2222 {}\n", key(1).to_line_fields()));
}

#[tokio::test]
async fn what_was_stored_while_a_person_thought_counts() {
    for (meanwhile, want) in [(1, HostVerdict::Known), (2, changed(1, 2))] {
        let store: Arc<dyn HostStore> = Arc::new(MemoryHosts::default());
        let person = Person { meanwhile: Some((store.clone(), key(meanwhile))), ..Person::new(true) };
        let hosts = HostKeys::ask(KnownHosts::default(), store);
        assert_eq!(judge(&hosts, 1, &person).await, want);
    }
}

#[tokio::test]
async fn a_revocation_is_heard_wherever_it_stands() {
    let revoked = HostVerdict::Revoked { fingerprint: key(1).fingerprint() };
    let line = format!("@revoked * {}\n", key(1).to_line_fields());
    let store = Arc::new(MemoryHosts::new(&line).unwrap());
    assert_eq!(judge(&HostKeys::trust_on_first_use(store), 1, &NoDialogue).await, revoked);
    let known = KnownHosts::parse(&line).unwrap();
    let store = Arc::new(MemoryHosts::default());
    assert_eq!(store.add("lab.example", 2222, &key(1)).await.unwrap(), Added::Stored);
    assert_eq!(judge(&HostKeys::ask(known, store), 1, &Person::new(true)).await, revoked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_first_uses_cannot_both_be_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("known_hosts");
    // Each its own store, as in processes of their own.
    let tasks = (1..=16).map(|number| {
        let hosts = HostKeys::trust_on_first_use(Arc::new(FileHosts::new(&path)));
        tokio::spawn(async move { judge(&hosts, number, &NoDialogue).await })
    });
    let mut known = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            HostVerdict::Known => known += 1,
            HostVerdict::Changed { known, .. } => assert_eq!(known.len(), 1),
            other => panic!("{other:?}"),
        }
    }
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!((known, text.lines().count()), (1, 1), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Without the lock of the file several would read it before one has written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_add_at_once_one_does() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let path = dir.path().join(format!("known_hosts{round}"));
        // Much to read, so that all of them are at it.
        fs::write(&path, "# filler\n".repeat(20_000)).unwrap();
        let tasks = (1..=8).map(|number| {
            let store = FileHosts::new(&path);
            tokio::spawn(async move { store.add("lab.example", 22, &key(number)).await.unwrap() })
        });
        let mut stored = 0;
        for task in tasks.collect::<Vec<_>>() {
            stored += u32::from(task.await.unwrap() == Added::Stored);
        }
        assert_eq!(stored, 1);
    }
}

#[tokio::test]
async fn a_file_written_by_others_is_respected() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("known_hosts");
    // No line end, and a comment that is not UTF-8.
    let by_hand = [b"# caf\xe9\nother.example ".as_slice(), key(9).to_line_fields().as_bytes()].concat();
    fs::write(&path, &by_hand).unwrap();
    let store = FileHosts::new(&path);
    assert_eq!(store.add("lab.example", 22, &key(1)).await.unwrap(), Added::Stored);
    assert_eq!(store.add("other.example", 22, &key(1)).await.unwrap(), Added::Occupied);
    let line = format!("\nlab.example {}\n", key(1).to_line_fields());
    assert_eq!(fs::read(&path).unwrap(), [by_hand.as_slice(), line.as_bytes()].concat());
    let known = store.load("lab.example", 22).await.unwrap();
    assert_eq!(known.verdict("lab.example", 22, &key(1)), HostVerdict::Known);
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let folder = FileHosts::new(dir.path());
    let error = folder.load("lab.example", 22).await.unwrap_err();
    assert!(error.is_transient() && std::error::Error::source(&error).is_some(), "{error}");
    assert_eq!(folder.add("lab.example", 22, &key(1)).await.unwrap_err().kind(), ErrorKind::Unavailable);
    let nowhere = FileHosts::new(dir.path().join("no/where"));
    assert!(nowhere.load("lab.example", 22).await.unwrap().matching("lab.example", 22).next().is_none());
    assert_eq!(nowhere.add("lab.example", 22, &key(1)).await.unwrap_err().kind(), ErrorKind::Unavailable);

    let full = "#".repeat(KnownHosts::BYTES_MAX - 20) + "\n";
    fs::write(dir.path().join("full"), &full).unwrap();
    let stores: [Arc<dyn HostStore>; 2] =
        [Arc::new(MemoryHosts::new(&full).unwrap()), Arc::new(FileHosts::new(dir.path().join("full")))];
    for store in stores {
        let error = store.add("lab.example", 22, &key(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("full")).unwrap(), full);
    fs::write(dir.path().join("full"), full + "#####################").unwrap();
    let error = FileHosts::new(dir.path().join("full")).load("lab.example", 22).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[derive(Debug, Clone)]
enum Step {
    Add(&'static str, u16, u8),
    Load(&'static str, u16),
}

fn step() -> impl Strategy<Value = Step> {
    let host =
        prop::sample::select(vec!["a", "A", "b.example", "10.0.0.1", "::1", "bad host", "*", "a,b", "#x"]);
    let port = prop::sample::select(vec![22, 2222]);
    prop_oneof![
        (host.clone(), port.clone(), 0_u8..3).prop_map(|(host, port, key)| Step::Add(host, port, key)),
        (host, port).prop_map(|(host, port)| Step::Load(host, port)),
    ]
}

async fn answer(store: &dyn HostStore, step: &Step) -> String {
    match step {
        Step::Add(host, port, number) => match store.add(host, *port, &key(*number)).await {
            Ok(added) => format!("{added:?}"),
            Err(error) => error.to_string(),
        },
        Step::Load(host, port) => {
            let known = store.load(host, *port).await.unwrap();
            (0..3).map(|number| format!("{:?} ", known.verdict(host, *port, &key(number)))).collect()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The memory store is the specification.
    #[test]
    fn both_stores_give_the_same_answers(
        start in prop::sample::select(vec!["", "# by hand", "@revoked * ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"]),
        steps in prop::collection::vec(step(), 1..20),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        if !start.is_empty() {
            fs::write(&path, start).unwrap();
        }
        let (memory, file) = (MemoryHosts::new(start).unwrap(), FileHosts::new(&path));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for step in &steps {
            let want = runtime.block_on(answer(&memory, step));
            prop_assert_eq!(runtime.block_on(answer(&file, step)), want, "{:?}", step);
        }
        prop_assert_eq!(fs::read_to_string(&path).unwrap_or_default(), memory.text());
    }

    /// A line that is made can be read, and is about that host alone.
    #[test]
    fn lines_for_hosts_are_read_back(host in "[A-Za-z0-9._:%-]{1,20}|\\PC{0,12}", port in any::<u16>()) {
        if let Ok(line) = KnownHosts::line_for(&host, port, &key(1)) {
            let hosts = KnownHosts::parse(&line).unwrap();
            prop_assert_eq!(hosts.verdict(&host, port, &key(1)), HostVerdict::Known);
            prop_assert_eq!(hosts.skipped(), []);
            prop_assert!(hosts.matching("elsewhere.example", port).next().is_none());
            prop_assert!(hosts.matching(&host, port ^ 1).next().is_none());
        }
    }
}
