//! Messages by two rules of signing: neither kind passes for the other.

use super::HAND;
use crate::support::NOW;
use payments::ErrorKind;
use payments::alipay::{RawNotify, ServiceMessage, SyncReturn};
use proptest::prelude::*;

type Pairs = Vec<(String, String)>;

fn pairs(text: &str) -> Pairs {
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn canonical(pairs: &Pairs) -> String {
    let mut sorted = pairs.clone();
    sorted.sort();
    sorted.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn form(pairs: &Pairs, sign: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).append_pair("sign", sign).finish()
}

const MESSAGE: &str = "app_id=9021000122682882&notify_id=1&notify_type=servicemarket_order_notify&service_code=7\
                       &sign_type=RSA2&title=商城 + 模版";
const TRADE: &str = "app_id=9021000122682882&notify_id=1&notify_type=trade_status_sync&out_trade_no=COURSE_0001\
                     &seller_id=2088721003899159&sign_type=RSA2&total_amount=88.00&trade_no=1\
                     &trade_status=TRADE_SUCCESS";

#[test]
fn a_service_message_signs_its_sign_type() {
    let message = pairs(MESSAGE);
    let sign = HAND.sign(&canonical(&message));
    let read = ServiceMessage::verify(form(&message, &sign).as_bytes(), &HAND.merchant, NOW).unwrap();
    assert_eq!((read.notify_type(), read.notify_id()), ("servicemarket_order_notify", "1"));
    assert_eq!((read.field("title"), read.field("sign_type")), (Some("商城 + 模版"), None));

    let kind = |form: &str| ServiceMessage::verify(form.as_bytes(), &HAND.merchant, NOW).unwrap_err().kind();
    for (before, after) in [("RSA2", "RSA"), ("9021000122682882", "9021000122682883"), ("=7", "=8")] {
        assert_eq!(kind(&form(&pairs(&MESSAGE.replacen(before, after, 1)), &sign)), ErrorKind::Unverified);
    }
    // Signed and meant for another app.
    let other = pairs(&MESSAGE.replacen("9021000122682882", "9021000122682883", 1));
    assert_eq!(kind(&form(&other, &HAND.sign(&canonical(&other)))), ErrorKind::Unverified);
    for name in ["notify_id", "notify_type"] {
        let less: Pairs = message.iter().filter(|(known, _)| known != name).cloned().collect();
        assert_eq!(kind(&form(&less, &HAND.sign(&canonical(&less)))), ErrorKind::PeerMisbehaved, "{name}");
    }
    assert_eq!(kind(&form(&message, "")), ErrorKind::Unverified);
    assert_eq!(kind(&format!("{}&title=x", form(&message, &sign))), ErrorKind::InvalidInput);
}

/// The two rules differ by one parameter. Folding it into the value before it gives the text of the other rule.
#[test]
fn one_rule_does_not_pass_for_the_other() {
    let trade = pairs(TRADE);
    let sign = HAND.sign(&canonical(&trade));
    let by_service_rule = form(&trade, &sign);
    let service = ServiceMessage::verify(by_service_rule.as_bytes(), &HAND.merchant, NOW).unwrap_err();
    assert_eq!(service.kind(), ErrorKind::PeerMisbehaved);
    let payment =
        |form: &str| RawNotify::parse(form.as_bytes()).and_then(|raw| raw.verify(&HAND.merchant, NOW));
    assert_eq!(payment(&by_service_rule).unwrap_err().kind(), ErrorKind::Unverified);

    let folded = TRADE.replace("&sign_type=RSA2", "%26sign_type=RSA2");
    let folded: Pairs =
        pairs(&folded).into_iter().map(|(name, value)| (name, value.replace("%26", "&"))).collect();
    assert_eq!(canonical(&folded), canonical(&trade));
    let error = payment(&form(&folded, &sign)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);
    assert!(error.to_string().contains("hide"), "the signature fits, the fold is refused: {error}");

    let unsigned: Pairs = trade.into_iter().filter(|(name, _)| name != "sign_type").collect();
    let by_payment_rule = form(&unsigned, &HAND.sign(&canonical(&unsigned)));
    assert!(payment(&by_payment_rule).is_ok());
    let service = ServiceMessage::verify(by_payment_rule.as_bytes(), &HAND.merchant, NOW).unwrap_err();
    assert_eq!(service.kind(), ErrorKind::Unverified);
}

#[test]
fn a_sync_return_of_page_or_wap() {
    for (method, shown) in [
        ("alipay.trade.page.pay.return", true),
        ("alipay.trade.wap.pay.return", true),
        ("alipay.trade.app.pay.return", false),
        ("alipay.trade.page.pay", false),
    ] {
        let back = pairs(&format!(
            "app_id=9021000122682882&method={method}&out_trade_no=COURSE_0001&seller_id=2088721003899159\
             &total_amount=88.00&trade_no=1"
        ));
        let query = form(&back, &HAND.sign(&canonical(&back)));
        match SyncReturn::verify(&query, &HAND.merchant, NOW) {
            Ok(back) => assert!(shown && back.amount.minor() == 8800, "{method}"),
            Err(error) => assert!(!shown && error.kind() == ErrorKind::Unverified, "{method}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_message_is_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(ServiceMessage::verify(&body, &HAND.merchant, NOW).is_err());
        prop_assert!(SyncReturn::verify(&String::from_utf8_lossy(&body), &HAND.merchant, NOW).is_err());
    }

    /// What is signed by the rule is read as it was written, unless a value could be split.
    #[test]
    fn what_is_signed_is_read(title in "[^\u{0}]{1,20}") {
        let mut message = pairs(MESSAGE);
        message.retain(|(name, _)| name != "title");
        message.push(("title".to_owned(), title.clone()));
        let answer = ServiceMessage::verify(form(&message, &HAND.sign(&canonical(&message))).as_bytes(), &HAND.merchant, NOW);
        match answer {
            Ok(message) => prop_assert_eq!(message.field("title"), Some(title.as_str())),
            Err(_) => prop_assert!(title.contains('&')),
        }
    }
}
