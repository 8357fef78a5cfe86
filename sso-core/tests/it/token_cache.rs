//! The memory of verified tokens: the same answers as without it, whatever changes between two uses of a token.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use sso_core::{
    Algorithm, Claims, Issuer, KeyPolicy, KeyRing, KeySet, Lifetime, MemoryKeyRingStore, RevocationView,
    SigningKey, TokenId, TokenRejected, UserId, Verifier, VerifyCache,
};

use crate::token::{AUDIENCE, ISSUER, at, claims};

/// Counts questions, and calls tokens back whose time of issue is below a limit.
#[derive(Debug, Default)]
struct Epoch {
    questions: AtomicU64,
    secs: AtomicU64,
}

impl RevocationView for Epoch {
    fn is_revoked(&self, claims: &Claims) -> bool {
        self.questions.fetch_add(1, Ordering::Relaxed);
        claims.issued_at().as_secs() < self.secs.load(Ordering::Relaxed)
    }
}

fn keys() -> KeySet {
    KeySet::new(SigningKey::generate(Algorithm::Es256).unwrap())
}

fn numbered(keys: &KeySet, number: u8) -> String {
    let life = Lifetime::starting(at(0), Duration::from_secs(300)).unwrap();
    let user = UserId::new("alice").unwrap();
    let claims = Claims::new(user, "c", AUDIENCE, TokenId::new([number; 16]), life).unwrap();
    Issuer::new(ISSUER, keys).unwrap().issue(&claims).unwrap()
}

#[test]
fn every_hit_looks_at_the_time_and_at_revocations() {
    let keys = keys();
    let epoch = Arc::new(Epoch::default());
    let verifier = Verifier::new(ISSUER, AUDIENCE, &keys).unwrap().revocations(epoch.clone());
    let cache = VerifyCache::new(verifier.clone(), 1000);
    let token = Issuer::new(ISSUER, &keys).unwrap().issue(&claims(at(0))).unwrap();

    let first = cache.verify(&token, at(0)).unwrap();
    let second = cache.verify(&token, at(299)).unwrap();
    assert!(Arc::ptr_eq(&first, &second), "the second answer comes from memory");
    assert_eq!((cache.len(), epoch.questions.load(Ordering::Relaxed)), (1, 2));
    assert_eq!(cache.verify(&token, at(300)), Err(TokenRejected::Expired { at: at(300) }));

    epoch.secs.store(at(1).as_secs(), Ordering::Relaxed);
    assert_eq!(cache.verify(&token, at(1)), Err(TokenRejected::Revoked));
    assert_eq!(verifier.verify(&token, at(1)), Err(TokenRejected::Revoked));
    epoch.secs.store(0, Ordering::Relaxed);
    assert!(cache.verify(&token, at(1)).is_ok());
    cache.clear();
    assert!(cache.is_empty());
}

#[test]
fn what_is_refused_is_not_remembered_and_another_text_is_another_token() {
    let keys = keys();
    let cache = VerifyCache::new(Verifier::new(ISSUER, AUDIENCE, &keys).unwrap(), 1000);
    let token = numbered(&keys, 1);
    assert!(cache.verify(&token, at(0)).is_ok());
    for bad in ["", "..", &format!("{token} "), &token.replacen('e', "f", 1), &token.replace('.', "..")] {
        assert!(cache.verify(bad, at(0)).is_err(), "{bad}");
    }
    assert_eq!(cache.verify(&".".repeat(1 << 20), at(0)), Err(TokenRejected::TooLong));
    assert_eq!(cache.len(), 1);
    // Another verifier has another memory: nothing of it passes for its audience.
    let other = VerifyCache::new(Verifier::new(ISSUER, "other", &keys).unwrap(), 1000);
    assert_eq!(other.verify(&token, at(0)), Err(TokenRejected::WrongAudience));
}

#[test]
fn the_memory_is_bounded_and_keeps_what_is_used() {
    let keys = KeySet::new(SigningKey::hs256(&[1; 32]).unwrap());
    let issuer = Issuer::new(ISSUER, &keys).unwrap();
    let cache = VerifyCache::new(Verifier::new(ISSUER, AUDIENCE, &keys).unwrap(), 64);
    let life = Lifetime::starting(at(0), Duration::from_secs(300)).unwrap();
    let user = UserId::new("alice").unwrap();
    let dear = numbered(&keys, 1);
    let first = cache.verify(&dear, at(0)).unwrap();
    for number in 0..2000_u128 {
        let id = TokenId::new(number.to_be_bytes());
        let claims = Claims::new(user.clone(), "c", AUDIENCE, id, life).unwrap();
        assert!(cache.verify(&issuer.issue(&claims).unwrap(), at(0)).is_ok());
        assert!(cache.len() <= 64, "{}", cache.len());
        assert!(Arc::ptr_eq(&cache.verify(&dear, at(0)).unwrap(), &first), "{number}");
    }
}

#[tokio::test]
async fn a_hit_ends_with_its_key() {
    let policy = KeyPolicy::new(Algorithm::EdDsa, Duration::from_secs(300)).unwrap();
    let ring = KeyRing::open(Arc::new(MemoryKeyRingStore::new()), policy, at(0)).await.unwrap();
    let issuer = Issuer::new(ISSUER, &ring).unwrap();
    let cache = VerifyCache::new(Verifier::new(ISSUER, AUDIENCE, &ring).unwrap(), 1000);
    let old_kid = ring.keys()[0].kid.clone();
    let token = issuer.issue(&claims(at(0))).unwrap();
    let first = cache.verify(&token, at(0)).unwrap();

    // A rotation keeps the key, and what is known of it.
    assert_eq!(ring.rotate(at(600)).await.unwrap(), sso_core::Rotation::Done);
    assert_eq!(cache.verify(&token, at(1)).unwrap(), first);
    assert_eq!(cache.len(), 1);
    // A discarded key takes its tokens with it, those in memory too.
    assert_eq!(ring.discard(&old_kid, at(600)).await.unwrap(), sso_core::Discarded::Done);
    assert_eq!(cache.verify(&token, at(1)), Err(TokenRejected::UnknownKey));
    assert!(cache.is_empty());
    assert!(cache.verify(&issuer.issue(&claims(at(600))).unwrap(), at(600)).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is asked in whatever order, the memory answers as the verifier does.
    #[test]
    fn the_memory_answers_as_the_verifier(
        asked in prop::collection::vec((0_usize..6, 0_u64..400, prop::bool::weighted(0.1)), 1..60),
    ) {
        let keys = KeySet::new(SigningKey::hs256(&[1; 32]).unwrap());
        let epoch = Arc::new(Epoch::default());
        let verifier = Verifier::new(ISSUER, AUDIENCE, &keys).unwrap().revocations(epoch.clone());
        let cache = VerifyCache::new(verifier.clone(), 32);
        let mut tokens: Vec<String> = (0..4).map(|number| numbered(&keys, number)).collect();
        tokens.push(tokens[0].replace('.', "x."));
        tokens.push(numbered(&KeySet::new(SigningKey::hs256(&[2; 32]).unwrap()), 0));
        for (token, secs, is_revocation) in asked {
            if is_revocation {
                epoch.secs.store(at(secs).as_secs() - 200, Ordering::Relaxed);
            }
            let one = cache.verify(&tokens[token], at(secs)).map(|claims| (*claims).clone());
            prop_assert_eq!(one, verifier.verify(&tokens[token], at(secs)));
        }
    }
}
