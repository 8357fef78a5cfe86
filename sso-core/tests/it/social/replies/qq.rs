//! QQ: forms and callbacks and JSON, for the token, the openid and the profile.

use sso_core::social::{ProviderKind, SocialRefused};

use super::{MISBEHAVED, MISUSE, broken, says};
use crate::social::{driven_identity, driven_refusal, real};

const FORM: &str = "access_token=FE04&expires_in=7776000&refresh_token=88E4";
const ME: &str = "callback( {\"client_id\":\"101\",\"openid\":\"A1B2\"} );\n";
const PROFILE: &str = r#"{"ret":0,"msg":"","nickname":"小明","gender":"男","gender_type":1,
        "figureurl_qq_1":"http://q/40","figureurl_qq_2":"http://q/100"}"#;

fn refusal(replies: &[(u16, &str)]) -> SocialRefused {
    driven_refusal(&real(ProviderKind::Qq), replies)
}

#[test]
fn tokens_and_openids_in_every_shape() {
    for token in [FORM, r#"{"access_token":"FE04","expires_in":"7776000"}"#, "access_token=FE04"] {
        for me in [ME, r#"{"client_id":"101","openid":"A1B2"}"#, r#"{"client_id":101,"openid":"A1B2"}"#] {
            let someone =
                driven_identity(&real(ProviderKind::Qq), &[(200, token), (200, me), (200, PROFILE)]);
            assert_eq!((someone.subject.as_str(), someone.name.as_deref()), ("A1B2", Some("小明")));
            assert_eq!(someone.avatar.as_deref(), Some("http://q/100"));
        }
    }
}

#[test]
fn pictures_fall_back_and_may_be_missing() {
    for (profile, expected) in [
        (r#"{"ret":0,"figureurl_qq_2":"","figureurl_qq_1":"http://q/40"}"#, Some("http://q/40")),
        (r#"{"ret":0,"figureurl_2":"http://z/100","figureurl":"http://z/30"}"#, Some("http://z/100")),
        (r#"{"ret":0}"#, None),
    ] {
        let someone = driven_identity(&real(ProviderKind::Qq), &[(200, FORM), (200, ME), (200, profile)]);
        assert_eq!(someone.avatar.as_deref(), expected);
    }
}

#[test]
fn errors_of_the_token_in_every_shape() {
    for body in [
        "code=100020&msg=code+is+reused",
        r#"callback( {"error":100020,"error_description":"code is reused error"} );"#,
        r#"{"error":100020,"error_description":"code is reused error"}"#,
        r#"{"code":"100020","msg":"code is reused error"}"#,
    ] {
        assert_eq!(refusal(&[(200, body)]), SocialRefused::CodeUsed, "{body}");
    }
    let number = |code: &str| format!("callback( {{\"error\":{code},\"error_description\":\"d\"}} );");
    assert_eq!(refusal(&[(200, &number("100019"))]), SocialRefused::CodeExpired);
    assert_eq!(refusal(&[(200, &number("100030"))]), SocialRefused::Denied);
    assert_eq!(refusal(&[(200, &number("100013"))]), says("100013", "d"));
    for code in ["100001", "100002", "100008", "100009", "100010", "100031"] {
        assert_eq!(broken(ProviderKind::Qq, &[(200, &number(code))]), MISUSE, "{code}");
    }
}

#[test]
fn the_openid_must_be_for_this_application() {
    for (me, expected) in [
        (r#"callback( {"client_id":"102","openid":"A1B2"} );"#, SocialRefused::WrongApp),
        (r#"callback( {"openid":"A1B2"} );"#, SocialRefused::WrongApp),
        (
            r#"callback( {"error":100016,"error_description":"check failed"} );"#,
            says("100016", "check failed"),
        ),
    ] {
        assert_eq!(refusal(&[(200, FORM), (200, me)]), expected);
    }
    let nobody = r#"{"client_id":"101","openid":""}"#;
    assert_eq!(broken(ProviderKind::Qq, &[(200, FORM), (200, nobody)]), MISBEHAVED);
}

#[test]
fn the_unionid_stands_beside_the_openid() {
    let me = r#"callback( {"client_id":"101","openid":"A1B2","unionid":"UID_9"} );"#;
    let provider = real(ProviderKind::Qq).with_unionid().unwrap();
    let someone = driven_identity(&provider, &[(200, FORM), (200, me), (200, PROFILE)]);
    assert_eq!((someone.subject.as_str(), someone.unionid.unwrap().as_str()), ("A1B2", "UID_9"));
    assert!(real(ProviderKind::Weibo).with_unionid().is_err());
}

#[test]
fn a_profile_that_failed_is_a_refusal() {
    let failed = r#"{"ret":-23,"msg":"token is invalid"}"#;
    assert_eq!(refusal(&[(200, FORM), (200, ME), (200, failed)]), says("-23", "token is invalid"));
    assert_eq!(broken(ProviderKind::Qq, &[(200, FORM), (200, ME), (200, "{}")]), MISBEHAVED);
}
