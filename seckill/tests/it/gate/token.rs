//! Texts of the gate: what another implementation makes of them, and that nothing but the right one passes.

use std::process::Command;
use std::sync::Arc;

use proptest::prelude::*;
use seckill::gate::{
    Challenge, Cleared, DrawSeed, Hurdle, Issued, ProofOfWork, Purpose, Rejected, SalePath, Solution, Token,
    TokenKey,
};
use seckill::{BuyerId, Eligible, ErrorKind, SaleId};

use super::stage::{at, buyer, key, ms, time};

/// The layout of a token, written a second time.
const ORACLE: &str = r#"
import base64, hmac, sys
secret, use, expires, sale, buyer = bytes.fromhex(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), \
    sys.argv[4].encode(), sys.argv[5].encode()
def fields(*parts): return b"".join(len(part).to_bytes(8, "big") + part for part in parts)
def mac(*parts): return hmac.digest(secret, fields(*parts), "sha256")
body = bytes([1, use]) + expires.to_bytes(8, "big") \
    + mac(b"seckill gate sale 1", sale)[:16] + mac(b"seckill gate buyer 1", sale, buyer)[:16]
print(base64.urlsafe_b64encode(body + mac(b"seckill gate seal 1", body)).decode().rstrip("="), end="")
"#;

fn sale() -> SaleId {
    SaleId::new("phone").unwrap()
}

#[test]
fn another_implementation_makes_the_same_token() {
    let secret: Vec<u8> = (0..40).collect();
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let (expires, who) = ("1700000000123", "ann 买家");
    let run = Command::new("python3").args(["-c", ORACLE, &hex, "2", expires, "phone", who]).output();
    let output = run.expect("install python3: apt-get install python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let key = TokenKey::new(&secret).unwrap();
    let who = BuyerId::new(who).unwrap();
    let token = key.issue(Purpose::Admitted, &sale(), &who, time(expires.parse().unwrap()));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), token.expose());
}

#[test]
fn only_a_token_for_it_proves_that_its_buyer_may_take_part() {
    let (key, ann) = (key(), buyer(1));
    for purpose in [Purpose::Eligible, Purpose::Admitted, Purpose::Path] {
        let token = key.issue(purpose, &sale(), &ann, time(500));
        let pass = key.verify(token.expose(), purpose, &sale(), &ann, time(0)).unwrap();
        let proof = (purpose == Purpose::Eligible).then(|| Eligible::vouched(&sale(), &ann));
        assert_eq!(pass.eligible(), proof, "{purpose:?}");
    }
}

#[test]
fn a_token_is_bound_to_its_purpose_sale_buyer_and_time() {
    let (key, ann, other) = (key(), buyer(1), SaleId::new("tablet").unwrap());
    let token = key.issue(Purpose::Eligible, &sale(), &ann, time(500));
    let verify = |purpose, sale: &SaleId, who: &BuyerId, now| {
        key.verify(token.expose(), purpose, sale, who, time(now)).map(|pass| pass.expires())
    };
    assert_eq!(verify(Purpose::Eligible, &sale(), &ann, 499), Ok(time(500)));
    let expired = Rejected::Expired { at: time(500) };
    assert_eq!(verify(Purpose::Eligible, &sale(), &ann, 500), Err(expired));
    assert_eq!(verify(Purpose::Eligible, &sale(), &buyer(2), 499), Err(Rejected::OtherBuyer));
    assert_eq!(verify(Purpose::Eligible, &other, &ann, 499), Err(Rejected::OtherSale));
    assert_eq!(verify(Purpose::Admitted, &sale(), &ann, 499), Err(Rejected::OtherPurpose));
    assert_eq!(verify(Purpose::Path, &sale(), &ann, 499), Err(Rejected::OtherPurpose));
}

#[test]
fn a_previous_secret_verifies_until_it_is_left_out() {
    let old = TokenKey::new(&[1; 32]).unwrap();
    let token = old.issue(Purpose::Admitted, &sale(), &buyer(1), time(500));
    let verify =
        |key: &TokenKey| key.verify(token.expose(), Purpose::Admitted, &sale(), &buyer(1), time(1)).map(drop);
    let new = TokenKey::new(&[2; 64]).unwrap();
    assert_eq!(verify(&new), Err(Rejected::Forged));
    let both = new.with_previous(&[1; 32]).unwrap();
    assert_eq!(verify(&both), Ok(()));
    let fresh = both.issue(Purpose::Admitted, &sale(), &buyer(1), time(500));
    assert_ne!(fresh.expose(), token.expose());
}

#[test]
fn secrets_have_32_to_64_bytes_and_are_not_printed() {
    for length in [0, 31, 65] {
        assert_eq!(TokenKey::new(&vec![1; length]).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let key = key();
    let token = key.issue(Purpose::Admitted, &sale(), &buyer(1), time(500));
    let seed = DrawSeed::new(&[9; 32]);
    assert_eq!(format!("{key:?} {token:?} {seed:?}"), "TokenKey(..) Token(..) DrawSeed(..)");
}

#[test]
fn paths_are_given_out_from_the_lead_on_and_differ_by_nonce() {
    let paths = SalePath::new(key(), sale(), time(10_000), ms(500), ms(1_000)).unwrap();
    let early = paths.issue(&buyer(1), [1; 16], time(9_499));
    assert!(matches!(early, Issued::TooEarly { from } if from == time(9_500)));
    let issue = |nonce| match paths.issue(&buyer(1), [nonce; 16], time(9_500)) {
        Issued::Path(token) => token.expose().to_owned(),
        early => panic!("{early:?}"),
    };
    let (one, other) = (issue(1), issue(2));
    assert_ne!(one, other);
    let verify = |text: &str, now| paths.verify(text, &buyer(1), time(now)).map(|pass| pass.expires());
    assert_eq!(verify(&one, 10_499), Ok(time(10_500)));
    assert_eq!(verify(&one, 10_500), Err(Rejected::Expired { at: time(10_500) }));
    assert_eq!(paths.verify(&one, &buyer(2), time(9_600)).unwrap_err(), Rejected::OtherBuyer);
    let too_long = SalePath::new(key(), sale(), time(1), ms(86_400_001), ms(1));
    assert_eq!(too_long.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn work_has_to_be_done_by_the_buyer_in_time() {
    let key = key();
    let challenge = Challenge::issue(&key, &sale(), &buyer(1), [3; 16], 10, time(500)).unwrap();
    let solution = challenge.solve(1 << 20).unwrap().to_string();
    let check = |text: &str, who, now| {
        Challenge::check(&key, text, &sale(), &buyer(who), time(now)).map(|solved| solved.difficulty_bits())
    };
    assert_eq!(check(&solution, 1, 499), Ok(10));
    assert_eq!(check(&solution, 1, 500), Err(Rejected::Expired { at: time(500) }));
    assert_eq!(check(&solution, 2, 499), Err(Rejected::OtherBuyer));
    assert!(challenge.solve(0).is_none());
    // The solver takes the first number that does it, so no smaller one does.
    let number: u64 = solution.split_once('.').unwrap().1.parse().unwrap();
    let wrong = (0..number.min(20)).map(|number| check(&format!("{}.{number}", challenge.text()), 1, 499));
    assert!(wrong.into_iter().all(|answer| answer == Err(Rejected::Unsolved)));
    // A challenge is no token, and a token is no challenge.
    let as_token = key.verify(challenge.text(), Purpose::Path, &sale(), &buyer(1), time(1));
    assert_eq!(as_token.unwrap_err(), Rejected::OtherPurpose);
    let token = key.issue(Purpose::Admitted, &sale(), &buyer(1), time(500));
    assert_eq!(check(&format!("{}.1", token.expose()), 1, 1), Err(Rejected::OtherPurpose));
    assert!(Challenge::issue(&key, &sale(), &buyer(1), [3; 16], 33, time(500)).is_err());
}

#[tokio::test]
async fn work_that_was_too_easy_does_not_clear_the_hurdle() {
    let (key, sale) = (key(), sale());
    let easy = ProofOfWork::new(Arc::clone(&key), 4, ms(1_000)).unwrap();
    let hard = ProofOfWork::new(key, 8, ms(1_000)).unwrap();
    let challenge = easy.challenge(&sale, &buyer(1), [1; 16], time(0)).unwrap();
    let answer = challenge.solve(1 << 20).unwrap().to_string();
    assert_eq!(easy.check(&sale, &buyer(1), &answer, at(999)).await.unwrap(), Cleared::Cleared);
    assert_eq!(hard.check(&sale, &buyer(1), &answer, at(999)).await.unwrap(), Cleared::Wrong);
    let expired = Cleared::Rejected(Rejected::Expired { at: time(1_000) });
    assert_eq!(easy.check(&sale, &buyer(1), &answer, at(1_000)).await.unwrap(), expired);
}

fn few() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn no_text_panics_and_none_passes(text in "[A-Za-z0-9_.-]{0,160}|.*") {
        let rejected = key().verify(&text, Purpose::Admitted, &sale(), &buyer(1), time(0)).unwrap_err();
        prop_assert!(matches!(rejected, Rejected::Malformed | Rejected::Forged));
        let unsolved = Challenge::check(&key(), &text, &sale(), &buyer(1), time(0)).unwrap_err();
        prop_assert!(matches!(unsolved, Rejected::Malformed | Rejected::Forged));
        if let Some(solution) = Solution::parse(&text) {
            prop_assert_eq!(solution.to_string(), text);
        }
    }

    #[test]
    fn every_token_fits_and_passes_once_verified(who in ".{1,32}", millis in 1u64..1 << 45) {
        let (who, key) = (BuyerId::new(&who).unwrap(), key());
        let token = key.issue(Purpose::Path, &sale(), &who, time(millis));
        prop_assert!(token.expose().len() <= Token::TEXT_BYTES_MAX);
        let pass = key.verify(token.expose(), Purpose::Path, &sale(), &who, time(millis - 1)).unwrap();
        prop_assert_eq!((pass.buyer(), pass.expires(), pass.purpose()), (&who, time(millis), Purpose::Path));
    }
}

/// Every bit of the text, not only some: a character of base64url has six, and the others break it.
#[test]
fn no_changed_bit_passes() {
    let key = key();
    let paths = SalePath::new(Arc::clone(&key), sale(), time(0), ms(0), ms(500)).unwrap();
    let Issued::Path(path) = paths.issue(&buyer(1), [1; 16], time(0)) else { panic!("too early") };
    let token = key.issue(Purpose::Path, &sale(), &buyer(1), time(500));
    for text in [path.expose(), token.expose()] {
        assert!(key.verify(text, Purpose::Path, &sale(), &buyer(1), time(1)).is_ok());
        for place in 0..text.len() * 8 {
            let mut bytes = text.as_bytes().to_vec();
            bytes[place / 8] ^= 1 << (place % 8);
            let changed = String::from_utf8_lossy(&bytes).into_owned();
            let answer = key.verify(&changed, Purpose::Path, &sale(), &buyer(1), time(1));
            assert!(matches!(answer, Err(Rejected::Malformed | Rejected::Forged)), "{place}: {answer:?}");
        }
        for cut in [text.get(1..).unwrap(), text.get(..text.len() - 1).unwrap()] {
            assert!(key.verify(cut, Purpose::Path, &sale(), &buyer(1), time(1)).is_err());
        }
    }
}
