//! Key rings: the rule over time, the stores against their specification, several servers, and what breaks.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sso_core::{
    Algorithm, DirectoryKeyRingStore, Discarded, ErrorKind, Issuer, JwksAnswer, KeptRing, KeyPolicy, KeyRing,
    KeyRingStore, KeyTurn, MemoryKeyRingStore, PublicKeySet, Replaced, Rotation, TokenRejected, UnixMillis,
    Verifier,
};
use zeroize::Zeroizing;

use crate::token::{AUDIENCE, ISSUER, at, claims};

pub(crate) const DAY: u64 = 24 * 3600;
/// How long a key is known before and after its turn, under the policy of these tests.
const AHEAD: u64 = 600;
const OVERLAP: u64 = 900;

pub(crate) fn policy() -> KeyPolicy {
    KeyPolicy::new(Algorithm::EdDsa, Duration::from_secs(300)).unwrap()
}

pub(crate) async fn open(store: Arc<dyn KeyRingStore>, now: UnixMillis) -> KeyRing {
    KeyRing::open(store, policy(), now).await.unwrap()
}

async fn in_memory() -> KeyRing {
    open(Arc::new(MemoryKeyRingStore::new()), at(0)).await
}

/// The names of the keys: active, next, then those that retire.
pub(crate) fn kids(ring: &KeyRing) -> Vec<String> {
    ring.keys().into_iter().map(|key| key.kid).collect()
}

pub(crate) fn kept(version: u64, text: &str) -> KeptRing {
    KeptRing::new(version, Zeroizing::new(text.to_owned())).unwrap()
}

#[test]
fn a_policy_leaves_room_before_and_after_a_turn() {
    assert_eq!(policy().publish_ahead(), Duration::from_secs(AHEAD));
    assert_eq!(policy().overlap(), Duration::from_secs(OVERLAP));
    assert!(policy().rotate_every(Duration::from_secs(OVERLAP)).is_ok());
    assert!(policy().rotate_every(Duration::from_secs(OVERLAP - 1)).is_err());
    assert!(policy().rotate_every(Duration::MAX).is_err());
    assert!(policy().jwks_kept_for(Duration::from_secs(30 * DAY)).is_err());
    assert!(KeyPolicy::new(Algorithm::Rs256, Duration::from_secs(30 * DAY)).is_err());
    assert!(KeyPolicy::new(Algorithm::Rs256, Duration::MAX).is_err());
}

#[tokio::test]
async fn keys_take_turns_by_time() {
    let ring = in_memory().await;
    let [active, next] = <[String; 2]>::try_from(kids(&ring)).unwrap();
    ring.refresh(at(30 * DAY - 1)).await.unwrap();
    assert_eq!(kids(&ring), [&*active, &*next]);

    ring.refresh(at(30 * DAY)).await.unwrap();
    let keys = ring.keys();
    assert_eq!((keys[0].kid.as_str(), keys[0].turn), (&*next, KeyTurn::Active { since: at(30 * DAY) }));
    assert_eq!(keys[1].turn, KeyTurn::Next { since: at(30 * DAY) });
    let until = at(30 * DAY + OVERLAP);
    assert_eq!((keys[2].kid.as_str(), keys[2].turn), (&*active, KeyTurn::Retiring { until }));

    ring.refresh(at(30 * DAY + OVERLAP - 1)).await.unwrap();
    assert_eq!(kids(&ring).len(), 3);
    ring.refresh(at(30 * DAY + OVERLAP)).await.unwrap();
    assert_eq!(kids(&ring), [&*next, &*keys[1].kid]);
}

#[tokio::test]
async fn nobody_who_follows_the_ring_is_refused() {
    let ring = in_memory().await;
    let issuer = Issuer::new(ISSUER, &ring).unwrap();
    let verifier = Verifier::new(ISSUER, AUDIENCE, &ring).unwrap();
    let mut loaded = ring.jwks().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for turn in 1..=5 {
        let now = at(turn * 30 * DAY);
        let old = issuer.issue(&claims(now)).unwrap();
        ring.refresh(now).await.unwrap();
        let new = issuer.issue(&claims(now)).unwrap();
        assert_ne!(old.split('.').next(), new.split('.').next(), "another key signs");
        // Those who loaded the document before the turn know the new key, those who load it now the old one.
        for document in [&loaded.json, &ring.jwks().unwrap().json] {
            let elsewhere =
                Verifier::new(ISSUER, AUDIENCE, PublicKeySet::from_jwks(document).unwrap()).unwrap();
            assert!(elsewhere.verify(&old, now).is_ok() && elsewhere.verify(&new, now).is_ok());
        }
        assert!(verifier.verify(&old, now).is_ok() && verifier.verify(&new, now).is_ok());
        ring.refresh(now.saturating_add(Duration::from_secs(OVERLAP))).await.unwrap();
        assert_eq!(verifier.verify(&old, now), Err(TokenRejected::UnknownKey));
        assert!(verifier.verify(&new, now).is_ok());
        assert!(seen.insert(kids(&ring)[0].clone()), "each key has one turn");
        loaded = ring.jwks().unwrap();
    }
}

#[tokio::test]
async fn a_command_rotates_when_everybody_knows_the_next_key() {
    let ring = in_memory().await;
    let before = kids(&ring);
    assert_eq!(ring.rotate(at(AHEAD - 1)).await.unwrap(), Rotation::TooSoon { at: at(AHEAD) });
    assert_eq!(kids(&ring), before);
    assert_eq!(ring.rotate(at(AHEAD)).await.unwrap(), Rotation::Done);
    assert_eq!((&kids(&ring)[0], &kids(&ring)[2]), (&before[1], &before[0]));
    // A key that was turned by command has its full time.
    ring.refresh(at(AHEAD + 30 * DAY - 1)).await.unwrap();
    assert_eq!(kids(&ring)[0], before[1]);
    ring.refresh(at(AHEAD + 30 * DAY)).await.unwrap();
    assert_ne!(kids(&ring)[0], before[1]);
}

#[tokio::test]
async fn a_ring_never_grows_beyond_a_key_set() {
    let policy = KeyPolicy::new(Algorithm::EdDsa, Duration::from_secs(20 * DAY)).unwrap();
    let ring = KeyRing::open(Arc::new(MemoryKeyRingStore::new()), policy, at(0)).await.unwrap();
    for turn in 1..=14 {
        assert_eq!(ring.rotate(at(turn * AHEAD)).await.unwrap(), Rotation::Done);
    }
    assert_eq!(kids(&ring).len(), PublicKeySet::KEYS_MAX);
    let room = at(AHEAD + 20 * DAY + 600);
    assert_eq!(ring.rotate(at(15 * AHEAD)).await.unwrap(), Rotation::TooSoon { at: room });
    assert_eq!(ring.rotate(room).await.unwrap(), Rotation::Done);
    assert_eq!(kids(&ring).len(), PublicKeySet::KEYS_MAX);
}

#[tokio::test]
async fn a_stolen_key_goes_at_once_whatever_its_turn() {
    let ring = in_memory().await;
    let verifier = Verifier::new(ISSUER, AUDIENCE, &ring).unwrap();
    let issuer = Issuer::new(ISSUER, &ring).unwrap();
    let token = issuer.issue(&claims(at(0))).unwrap();
    let [active, next] = <[String; 2]>::try_from(kids(&ring)).unwrap();

    assert_eq!(ring.discard("no such key", at(1)).await.unwrap(), Discarded::NoSuchKey);
    assert_eq!(ring.discard(&active, at(1)).await.unwrap(), Discarded::Done);
    assert_eq!(verifier.verify(&token, at(1)), Err(TokenRejected::UnknownKey));
    let [new_active, new_next] = <[String; 2]>::try_from(kids(&ring)).unwrap();
    assert_eq!(new_active, next);
    assert!(verifier.verify(&issuer.issue(&claims(at(1))).unwrap(), at(1)).is_ok());

    assert_eq!(ring.discard(&new_next, at(2)).await.unwrap(), Discarded::Done);
    assert_eq!(kids(&ring)[0], new_active);
    assert_ne!(kids(&ring)[1], new_next);
    assert_eq!(ring.rotate(at(2 + AHEAD)).await.unwrap(), Rotation::Done);
    assert_eq!(ring.discard(&new_active, at(2 + AHEAD)).await.unwrap(), Discarded::Done);
    assert!(!kids(&ring).contains(&new_active));
    assert_eq!(ring.discard(&active, at(3 + AHEAD)).await.unwrap(), Discarded::NoSuchKey);
}

#[tokio::test]
async fn the_document_is_answered_as_http_wants_it() {
    let ring = KeyRing::open(
        Arc::new(MemoryKeyRingStore::new()),
        policy().jwks_kept_for(Duration::from_secs(120)).unwrap(),
        at(0),
    )
    .await
    .unwrap();
    let jwks = ring.jwks().unwrap();
    assert_eq!(jwks.cache_control(), "public, max-age=120");
    let tag = jwks.etag.as_str();
    for (header, answer) in [
        (None, JwksAnswer::Document),
        (Some(""), JwksAnswer::Document),
        (Some("\"other\""), JwksAnswer::Document),
        (Some(tag.trim_matches('"')), JwksAnswer::Document),
        (Some("*"), JwksAnswer::NotModified),
        (Some(tag), JwksAnswer::NotModified),
        (Some(&*format!("W/{tag}")), JwksAnswer::NotModified),
        (Some(&*format!("\"other\" , {tag}")), JwksAnswer::NotModified),
    ] {
        assert_eq!(jwks.answer(header), answer, "{header:?}");
    }
    assert_eq!(ring.rotate(at(AHEAD)).await.unwrap(), Rotation::Done);
    assert_eq!(ring.jwks().unwrap().answer(Some(tag)), JwksAnswer::Document);
}

/// The servers of one store agree after each has refreshed, however many of them turn the ring at once.
pub(crate) async fn servers_agree(stores: Vec<Arc<dyn KeyRingStore>>) {
    let open = stores.into_iter().map(|store| tokio::spawn(open(store, at(0))));
    let mut rings = Vec::new();
    for ring in open.collect::<Vec<_>>() {
        rings.push(ring.await.unwrap());
    }
    let agreed = async |now: UnixMillis| {
        for ring in &rings {
            ring.refresh(now).await.unwrap();
        }
        let first = kids(&rings[0]);
        assert!(rings.iter().all(|ring| kids(ring) == first));
        first
    };
    let first = agreed(at(0)).await;
    assert_eq!(first.len(), 2);
    for turn in 1..=3 {
        let now = at(turn * 30 * DAY);
        let before = kids(&rings[0]);
        let turns = rings.iter().cloned().map(|ring| tokio::spawn(async move { ring.refresh(now).await }));
        for turn in turns.collect::<Vec<_>>() {
            turn.await.unwrap().unwrap();
        }
        let after = agreed(now).await;
        // One turn, not one for each server.
        assert_eq!((&after[0], &after[2]), (&before[1], &before[0]));
        assert_eq!(after.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_over_one_memory_agree() {
    let store: Arc<dyn KeyRingStore> = Arc::new(MemoryKeyRingStore::new());
    servers_agree(vec![store; 8]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_over_one_directory_agree() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let open = |_| -> Arc<dyn KeyRingStore> { Arc::new(DirectoryKeyRingStore::open(&path).unwrap()) };
    servers_agree((0..8).map(open).collect()).await;
    // Two versions stay, for their owner only, and no drafts.
    let files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_ring_survives_its_server() {
    let directory = tempfile::tempdir().unwrap();
    let store = || Arc::new(DirectoryKeyRingStore::open(directory.path()).unwrap());
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let first = open(store(), at(0)).await;
    let token = Issuer::new(ISSUER, &first).unwrap().issue(&claims(at(0))).unwrap();
    let second = open(store(), at(1)).await;
    assert_eq!(kids(&second), kids(&first));
    assert!(Verifier::new(ISSUER, AUDIENCE, &second).unwrap().verify(&token, at(1)).is_ok());
}

#[tokio::test]
async fn files_that_others_can_read_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let store = DirectoryKeyRingStore::open(&path).unwrap();
    assert_eq!(store.replace(0, &kept(1, "{}")).await.unwrap(), Replaced::Done);
    let file = path.join("ring-1.json");
    for mode in [0o640, 0o604, 0o660, 0o644] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        assert_eq!(store.current().await.unwrap_err().kind(), ErrorKind::Misuse, "{mode:o}");
    }
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(store.current().await.unwrap(), Some(kept(1, "{}")));
    for mode in [0o770, 0o702, 0o777] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        assert_eq!(DirectoryKeyRingStore::open(&path).unwrap_err().kind(), ErrorKind::Misuse, "{mode:o}");
    }
    assert_eq!(DirectoryKeyRingStore::open(&file).unwrap_err().kind(), ErrorKind::Misuse);
}

#[tokio::test]
async fn foreign_files_do_not_disturb_and_broken_ones_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let store = DirectoryKeyRingStore::open(&path).unwrap();
    for name in
        ["ring-x.json", "ring-.json", "ring-99999999999999999999999.json", "README", "ring-7.json.bak"]
    {
        std::fs::write(path.join(name), "?").unwrap();
    }
    assert_eq!(store.current().await.unwrap(), None);
    assert_eq!(store.replace(0, &kept(1, "not a ring")).await.unwrap(), Replaced::Done);
    let broken = KeyRing::open(Arc::new(store.clone()), policy(), at(0)).await.unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::Corrupt);
    let long = "x".repeat(KeptRing::TEXT_BYTES_MAX + 1);
    std::fs::write(path.join("ring-1.json"), long).unwrap();
    assert_eq!(store.current().await.unwrap_err().kind(), ErrorKind::Corrupt);
    std::fs::write(path.join("ring-1.json"), [0xff, 0xfe]).unwrap();
    assert_eq!(store.current().await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_store_that_lost_the_ring_gets_it_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let store = DirectoryKeyRingStore::open(&path).unwrap();
    let ring = open(Arc::new(store.clone()), at(0)).await;
    assert_eq!(ring.rotate(at(AHEAD)).await.unwrap(), Rotation::Done);
    let known = kids(&ring);
    // Everything is gone, then the last change only.
    std::fs::remove_file(path.join("ring-2.json")).unwrap();
    ring.refresh(at(AHEAD)).await.unwrap();
    assert_eq!((kids(&ring), store.current().await.unwrap().unwrap().version()), (known.clone(), 2));
    for version in [1, 2] {
        std::fs::remove_file(path.join(format!("ring-{version}.json"))).unwrap();
    }
    ring.refresh(at(AHEAD)).await.unwrap();
    assert_eq!((kids(&ring), store.current().await.unwrap().unwrap().version()), (known.clone(), 2));
    // A store that cannot be read leaves the ring as it is.
    std::fs::remove_dir_all(&path).unwrap();
    assert_eq!(ring.refresh(at(AHEAD)).await.unwrap_err().kind(), ErrorKind::Misuse);
    assert_eq!(kids(&ring), known);
    assert!(Issuer::new(ISSUER, &ring).unwrap().issue(&claims(at(AHEAD))).is_ok());
}

/// What is asked of a store of rings, as plain values.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Current,
    Replace { from: u64, version: u64, text: String },
}

pub(crate) fn commands() -> impl Strategy<Value = Vec<Command>> {
    let replace = (0_u64..4, 1_u64..4, "[a-c\u{e9}]{0,3}").prop_map(|(from, more, text)| Command::Replace {
        from,
        version: from + more,
        text,
    });
    prop::collection::vec(prop_oneof![1 => Just(Command::Current), 3 => replace], 1..24)
}

/// All stores answer as the one in memory does.
pub(crate) async fn same_answers(
    store: &dyn KeyRingStore,
    commands: &[Command],
) -> Result<(), TestCaseError> {
    let specification = MemoryKeyRingStore::new();
    for command in commands {
        match command {
            Command::Current => {
                prop_assert_eq!(store.current().await.unwrap(), specification.current().await.unwrap());
            }
            Command::Replace { from, version, text } => {
                let ring = kept(*version, text);
                let theirs = store.replace(*from, &ring).await.unwrap();
                prop_assert_eq!(theirs, specification.replace(*from, &ring).await.unwrap(), "{:?}", command);
            }
        }
    }
    prop_assert_eq!(store.current().await.unwrap(), specification.current().await.unwrap());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_directory_answers_as_the_memory(commands in commands()) {
        let directory = tempfile::tempdir().unwrap();
        let store = DirectoryKeyRingStore::open(directory.path().join("keys")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(same_answers(&store, &commands))?;
    }
}
