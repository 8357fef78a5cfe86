//! Random texts that canonical forms stumble over, and the keys of a test in the form that the peers read.

use payments::sandbox::private_key_text;
use payments::{PrivateKey, PublicKey};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::fmt::Debug;

/// Everything that is escaped somewhere. An `&` comes with a space, since one before a name could hide a parameter and
/// is refused here.
const ODD: [&str; 22] = [
    "课", "支付", "，", "😀", "/", "\\", "\"", "'", "+", "%", "%2B", "& ", "=", "<", ">", "?", "#", " ", ":",
    ",", "a", "0",
];

/// Anything, also nothing. No braces: a peer counts them without a look at the quotes around.
pub(super) fn odd_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&ODD[..]), 0..12).prop_map(|pieces| pieces.concat())
}

/// What a buyer can read: not blank.
pub(super) fn odd_subject() -> impl Strategy<Value = String> {
    odd_text().prop_map(|text| format!("课{text}"))
}

/// The same without what Alipay does not take in a subject.
pub(super) fn alipay_subject() -> impl Strategy<Value = String> {
    odd_subject().prop_map(|text| text.replace(['/', '=', '&'], "-"))
}

/// Runs the check on random values, fewer than elsewhere: each makes several signatures.
pub(super) fn for_each<S: Strategy>(strategy: &S, check: impl Fn(S::Value))
where
    S::Value: Debug,
{
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) };
    config.max_shrink_iters = 50;
    let run = TestRunner::new(config).run(strategy, |value| {
        check(value);
        Ok(())
    });
    run.unwrap();
}

pub(super) fn private(key: &PrivateKey) -> String {
    private_key_text(key).unwrap().to_string()
}

pub(super) fn public(key: &PublicKey) -> String {
    key.to_base64().unwrap()
}
