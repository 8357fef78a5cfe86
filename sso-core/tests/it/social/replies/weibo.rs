//! Weibo: numbers that may be text, and addresses in several shapes.

use sso_core::social::{ProviderKind, SocialRefused};

use super::{BUSY, MISBEHAVED, MISUSE, broken, says};
use crate::social::{driven_identity, driven_refusal, real};

const TOKEN: &str = r#"{"access_token":"A","expires_in":1234,"remind_in":"798114","uid":"1404376560"}"#;
const INFO: &str =
    r#"{"uid":1404376560,"appkey":"101","scope":null,"create_at":1352267591,"expire_in":157679471}"#;
const PROFILE: &str = r#"{"id":1404376560,"screen_name":"zaku","avatar_large":"http://w/180"}"#;

#[test]
fn numbers_may_be_text_everywhere() {
    for token in [TOKEN, &TOKEN.replace("1234", "\"7200\""), &TOKEN.replace("\"1404376560\"", "1404376560")] {
        for info in [INFO, &INFO.replace("1404376560", "\"1404376560\""), &INFO.replace("\"101\"", "101")] {
            for profile in [PROFILE, &PROFILE.replace("1404376560", "\"1404376560\"")] {
                let replies = [(200, token), (200, info), (200, profile)];
                let someone = driven_identity(&real(ProviderKind::Weibo), &replies);
                assert_eq!((someone.subject.as_str(), someone.name.as_deref()), ("1404376560", Some("zaku")));
            }
        }
    }
}

#[test]
fn a_uid_beyond_the_doubles_keeps_every_digit() {
    let big = |text: &str| text.replace("1404376560", "9007199254740993");
    let bodies = [big(TOKEN), big(INFO), big(PROFILE)];
    let replies = bodies.each_ref().map(|body| (200, body.as_str()));
    assert_eq!(driven_identity(&real(ProviderKind::Weibo), &replies).subject.as_str(), "9007199254740993");
}

#[test]
fn the_token_must_be_for_this_application_and_one_user() {
    let provider = real(ProviderKind::Weibo);
    for info in [INFO.replace("101", "102"), INFO.replace("\"appkey\":\"101\",", "")] {
        assert_eq!(driven_refusal(&provider, &[(200, TOKEN), (200, &info)]), SocialRefused::WrongApp);
    }
    let other = INFO.replace("1404376560", "1");
    assert_eq!(broken(ProviderKind::Weibo, &[(200, TOKEN), (200, &other)]), MISBEHAVED);
    let other = PROFILE.replace("1404376560", "1");
    assert_eq!(broken(ProviderKind::Weibo, &[(200, TOKEN), (200, INFO), (200, &other)]), MISBEHAVED);
}

#[test]
fn errors_come_with_a_status_and_a_number() {
    let error = |code: u32| format!(r#"{{"error":"e","error_code":{code},"error_description":"d"}}"#);
    let refusal = |code| driven_refusal(&real(ProviderKind::Weibo), &[(400, &error(code))]);
    assert_eq!(refusal(21330), SocialRefused::Denied);
    assert_eq!(refusal(21325), SocialRefused::CodeExpired);
    assert_eq!(refusal(21327), SocialRefused::CodeExpired);
    assert_eq!(refusal(20003), says("20003", "d"));
    for code in [21322, 21324, 21326] {
        assert_eq!(broken(ProviderKind::Weibo, &[(400, &error(code))]), MISUSE, "{code}");
    }
    assert_eq!(broken(ProviderKind::Weibo, &[(400, &error(21331))]), BUSY);
    assert_eq!(broken(ProviderKind::Weibo, &[(400, &error(21328))]), MISBEHAVED);
    let bare = r#"{"error":"invalid_grant"}"#;
    assert_eq!(
        driven_refusal(&real(ProviderKind::Weibo), &[(400, bare)]),
        says("invalid_grant", "invalid_grant")
    );
}

#[test]
fn an_address_is_an_object_or_an_array_or_nothing() {
    let provider = real(ProviderKind::Weibo).scopes(&["email"]).unwrap();
    for (body, expected) in [
        (r#"[{"email":"a@b.c"}]"#, Some("a@b.c")),
        (r#"{"email":"a@b.c"}"#, Some("a@b.c")),
        (r#"{"error":"no","error_code":10014}"#, None),
        ("[]", None),
        ("<html>", None),
    ] {
        let replies = [(200, TOKEN), (200, INFO), (200, PROFILE), (200, body)];
        let email = driven_identity(&provider, &replies).email.map(|email| email.address);
        assert_eq!(email.as_deref(), expected, "{body}");
    }
}
