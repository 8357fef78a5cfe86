//! The throttle: what it promises to users, and what it denies attackers.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sso_core::{
    At, CounterKey, DeviceKey, DeviceProof, Guess, MayGuess, MemoryThrottleStore, Pace, Throttle,
    ThrottlePolicy, ThrottleStore, ThrottledBy, UnixMillis, Wait,
};

pub(crate) const ALICE: &str = "alice";
pub(crate) const HOME: &str = "192.0.2.7";
pub(crate) const EVIL: &str = "198.51.100.1";

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn time(secs: u64) -> UnixMillis {
    UnixMillis::new((1_700_000_000 + secs) * 1000).unwrap()
}

pub(crate) fn guess(account: &str, address: &str) -> Guess {
    Guess::new(account, address.parse().unwrap())
}

fn device_key() -> DeviceKey {
    DeviceKey::new([7; 32])
}

pub(crate) fn from_device(account: &str, device: u8) -> Guess {
    let proof = device_key().issue_to(account, [device; 16], UnixMillis::MAX);
    guess(account, HOME).with_device(&device_key(), &proof, time(0))
}

/// Two free failures for an account, four for an address.
pub(crate) fn policy() -> ThrottlePolicy {
    let mut policy = ThrottlePolicy::default();
    policy.account = Pace::new(2, secs(10), secs(40), secs(100)).unwrap();
    policy.device = policy.account;
    policy.address = Pace::new(4, secs(10), secs(80), secs(200)).unwrap();
    policy
}

/// A store, its policy, and a clock in seconds.
pub(crate) struct Gate<'a>(pub(crate) &'a dyn ThrottleStore);

impl Gate<'_> {
    pub(crate) async fn fail(&self, guess: &Guess, secs: u64) -> Option<(u64, ThrottledBy)> {
        let wait = self.0.admit(guess, &policy(), At::Millis(time(secs))).await.unwrap()?;
        assert_eq!(wait.left, wait.until.since(time(secs)));
        Some((wait.left.as_secs(), wait.by))
    }

    pub(crate) async fn succeed(&self, guess: &Guess, secs: u64) {
        assert_eq!(self.fail(guess, secs).await, None);
        self.0.succeed(guess, &policy(), At::Millis(time(secs))).await.unwrap();
    }
}

#[tokio::test]
async fn the_wait_grows_up_to_its_cap_and_early_guesses_make_it_no_worse() {
    let store = MemoryThrottleStore::new();
    let gate = Gate(&store);
    let account = |address: u8| guess(ALICE, &format!("203.0.113.{address}"));
    for address in 0..3 {
        assert_eq!(gate.fail(&account(address), 0).await, None);
    }
    let mut now = 0;
    for (place, wait) in [10, 20, 40, 40, 40].into_iter().enumerate() {
        let early = account(10 + u8::try_from(place).unwrap());
        assert_eq!(gate.fail(&early, now).await, Some((wait, ThrottledBy::Account)));
        assert_eq!(gate.fail(&early, now + wait - 1).await, Some((1, ThrottledBy::Account)));
        now += wait;
        assert_eq!(gate.fail(&early, now).await, None);
    }
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_is_slowed_down() {
    let store = MemoryThrottleStore::new();
    for place in 0..5 {
        assert_eq!(Gate(&store).fail(&guess(&format!("user {place}"), EVIL), 0).await, None);
    }
    assert_eq!(Gate(&store).fail(&guess("user 9", EVIL), 0).await, Some((10, ThrottledBy::Address)));
    assert_eq!(Gate(&store).fail(&guess("user 9", HOME), 0).await, None);
}

/// Nothing is charged where one of the counters asks for a wait.
#[tokio::test]
async fn a_guess_is_charged_to_both_counters_or_to_neither() {
    let store = MemoryThrottleStore::new();
    let gate = Gate(&store);
    for place in 0..5 {
        assert_eq!(gate.fail(&guess(&format!("user {place}"), EVIL), 0).await, None);
    }
    for _ in 0..9 {
        assert_eq!(gate.fail(&guess(ALICE, EVIL), 0).await, Some((10, ThrottledBy::Address)));
    }
    for _ in 0..3 {
        assert_eq!(gate.fail(&guess(ALICE, HOME), 0).await, None);
    }
    assert_eq!(gate.fail(&guess(ALICE, HOME), 0).await, Some((10, ThrottledBy::Account)));
}

#[tokio::test]
async fn success_clears_the_account_and_leaves_the_address_its_other_failures() {
    let store = MemoryThrottleStore::new();
    let gate = Gate(&store);
    for place in 0..3 {
        assert_eq!(gate.fail(&guess(&format!("victim {place}"), EVIL), 0).await, None);
    }
    // The attacker's own account does not wash the address clean, nor does it make matters worse.
    for _ in 0..5 {
        gate.succeed(&guess("mallory", EVIL), 0).await;
    }
    for place in 3..5 {
        assert_eq!(gate.fail(&guess(&format!("victim {place}"), EVIL), 0).await, None);
    }
    assert_eq!(gate.fail(&guess("victim 5", EVIL), 0).await, Some((10, ThrottledBy::Address)));

    for _ in 0..2 {
        assert_eq!(gate.fail(&guess(ALICE, HOME), 0).await, None);
    }
    gate.succeed(&guess(ALICE, HOME), 0).await;
    for _ in 0..3 {
        assert_eq!(gate.fail(&guess(ALICE, "203.0.113.9"), 0).await, None);
    }
}

#[tokio::test]
async fn strangers_keep_nobody_away_from_a_device_of_his_own() {
    let store = MemoryThrottleStore::new();
    let gate = Gate(&store);
    for address in 0..3 {
        assert_eq!(gate.fail(&guess(ALICE, &format!("203.0.113.{address}")), 0).await, None);
    }
    for place in 0..5 {
        assert_eq!(gate.fail(&guess(&format!("user {place}"), HOME), 0).await, None);
    }
    assert!(gate.fail(&guess(ALICE, HOME), 0).await.is_some());
    gate.succeed(&from_device(ALICE, 1), 0).await;
    // That success does not let the strangers in again.
    assert_eq!(gate.fail(&guess(ALICE, "203.0.113.99"), 0).await, Some((10, ThrottledBy::Account)));
}

#[tokio::test]
async fn a_stolen_proof_gives_no_more_guesses_than_any_device_has() {
    let store = MemoryThrottleStore::new();
    let gate = Gate(&store);
    for _ in 0..3 {
        assert_eq!(gate.fail(&from_device(ALICE, 1), 0).await, None);
    }
    assert_eq!(gate.fail(&from_device(ALICE, 1), 0).await, Some((10, ThrottledBy::Device)));
    assert_eq!(gate.fail(&from_device(ALICE, 2), 0).await, None);
    assert_eq!(gate.fail(&guess(ALICE, HOME), 0).await, None);
}

#[test]
fn a_proof_is_about_one_account_one_key_and_some_time() {
    let proof = device_key().issue_to(ALICE, [1; 16], time(60));
    let known = |account, key: DeviceKey, proof: &DeviceProof, at| {
        guess(account, HOME).with_device(&key, proof, at) != guess(account, HOME)
    };
    assert!(known(ALICE, device_key(), &proof, time(59)));
    assert!(!known(ALICE, device_key(), &proof, time(60)));
    assert!(!known("bob", device_key(), &proof, time(0)));
    assert!(!known(ALICE, DeviceKey::new([8; 32]), &proof, time(0)));

    let text = proof.expose();
    assert!(known(ALICE, device_key(), &DeviceProof::parse(&text).unwrap(), time(0)));
    let later = text.replace(&time(60).as_secs().to_string(), &time(61).as_secs().to_string());
    assert!(!known(ALICE, device_key(), &DeviceProof::parse(&later).unwrap(), time(0)));
    let other = device_key().issue_to(ALICE, [2; 16], time(60)).expose();
    let grafted = format!("{}{}", other.split_at(22).0, text.split_at(22).1);
    assert!(!known(ALICE, device_key(), &DeviceProof::parse(&grafted).unwrap(), time(0)));
}

#[test]
fn a_proof_goes_through_a_cookie() {
    let proof = device_key().issue_to(ALICE, [1; 16], time(60));
    let set = proof.set_cookie(time(0));
    assert!(
        set.starts_with("__Host-device=") && set.contains("; Path=/; Max-Age=60; Secure; HttpOnly;"),
        "{set}"
    );
    let pair = set.split(';').next().unwrap();
    let text = |header: &str| DeviceProof::from_cookies(header).map(|proof| proof.expose());
    assert_eq!(text(&format!("theme=dark;  {pair}; x=y")), Some(proof.expose()));
    assert_eq!(text(&format!("{pair}; {pair}")), None);
    assert_eq!(text("theme=dark"), None);
    assert_eq!(text("__Host-device=x"), None);
    assert_eq!(text(&format!("{pair}; x={}", "y".repeat(DeviceProof::HEADER_BYTES_MAX))), None);
    assert_eq!(proof.set_cookie(time(90)).split("; ").nth(2), Some("Max-Age=0"));
}

#[test]
fn what_signs_and_what_is_signed_is_not_printed() {
    let proof = device_key().issue_to(ALICE, [1; 16], time(60));
    let mac = proof.expose().rsplit_once('.').unwrap().1.to_owned();
    assert!(!format!("{proof:?}").contains(&mac));
    assert_eq!(format!("{:?}", device_key()), "DeviceKey(..)");
}

proptest! {
    #[test]
    fn any_text_is_parsed_without_panic_and_only_the_exact_one_is_a_proof(
        text in "[A-Za-z0-9_-]{20,23}\\.[0-9]{0,14}\\.[A-Za-z0-9_=-]{42,44}|\\PC{0,90}"
    ) {
        if let Some(proof) = DeviceProof::parse(&text) {
            prop_assert_eq!(proof.expose(), text);
        }
    }

    #[test]
    fn a_proof_that_was_tampered_with_makes_no_device_known(place in 0_usize..79, with in "[A-Za-z0-9_.-]") {
        let text = device_key().issue_to(ALICE, [1; 16], time(60)).expose();
        let mut tampered = text.clone();
        tampered.replace_range(place % text.len()..=place % text.len(), &with);
        if let Some(proof) = DeviceProof::parse(&tampered).filter(|_| tampered != text) {
            let of_nobody = guess(ALICE, HOME);
            prop_assert_eq!(of_nobody.clone().with_device(&device_key(), &proof, time(0)), of_nobody);
        }
    }
}

#[test]
fn a_wait_is_told_in_whole_seconds_rounded_up() {
    let wait = |millis| Wait::new(UnixMillis::new(millis).unwrap(), UnixMillis::EPOCH, ThrottledBy::Account);
    assert_eq!([0, 1, 1000, 1001].map(|millis| wait(millis).retry_after_secs()), [0, 1, 1, 2]);
}

#[tokio::test]
async fn unknown_accounts_are_throttled_as_known_ones_are() {
    let throttle = Throttle::new(Arc::new(MemoryThrottleStore::new()), policy());
    for account in [ALICE, "nobody of this name"] {
        for _ in 0..3 {
            let MayGuess::Now(_) = throttle.admit(&guess(account, HOME)).await.unwrap() else { panic!() };
            throttle.forgive(&CounterKey::address(HOME.parse().unwrap())).await.unwrap();
        }
        let MayGuess::Wait(wait) = throttle.admit(&guess(account, HOME)).await.unwrap() else { panic!() };
        assert!(wait.by == ThrottledBy::Account && wait.left <= secs(10));
        throttle.forgive(&CounterKey::account(account)).await.unwrap();
        let MayGuess::Now(attempt) = throttle.admit(&guess(account, HOME)).await.unwrap() else { panic!() };
        throttle.succeeded(attempt).await.unwrap();
    }
}
