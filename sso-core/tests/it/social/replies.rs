//! Every shape of reply that the providers are known to send, written by hand.

use sso_core::ErrorKind;
use sso_core::social::{GrantCode, Identity, Progress, ProviderKind, SocialRefused};

use super::{APP_ID, CODE, SECRET, attempt, drive, driven_identity, driven_refusal, real};

fn says(code: &str, text: &str) -> SocialRefused {
    serde_json::from_value(serde_json::json!({ "provider_says": { "code": code, "text": text } })).unwrap()
}

fn broken(kind: ProviderKind, replies: &[(u16, &str)]) -> (ErrorKind, bool) {
    let error = drive(&real(kind), replies).unwrap_err();
    (error.kind(), error.is_transient())
}

const MISBEHAVED: (ErrorKind, bool) = (ErrorKind::PeerMisbehaved, false);
const MISUSE: (ErrorKind, bool) = (ErrorKind::Misuse, false);
const BUSY: (ErrorKind, bool) = (ErrorKind::Unavailable, true);

mod qq {
    use super::*;

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
}

mod wechat {
    use super::*;

    const TOKEN: &str = r#"{"access_token":"A","expires_in":7200,"refresh_token":"R","openid":"oA",
        "scope":"snsapi_login","unionid":"uA"}"#;
    const PROFILE: &str = r#"{"openid":"oA","nickname":"小红","sex":2,"headimgurl":"https://w/132",
        "privilege":[],"unionid":"uA"}"#;

    fn token(more: &str) -> String {
        TOKEN.replace("\"unionid\"", &format!("{more}\"unionid\""))
    }

    fn someone(replies: &[(u16, &str)]) -> Identity {
        driven_identity(&real(ProviderKind::WechatQr), replies)
    }

    fn refusal(body: &str) -> SocialRefused {
        driven_refusal(&real(ProviderKind::WechatQr), &[(200, body)])
    }

    #[test]
    fn a_user_with_and_without_unionid() {
        let known = someone(&[(200, TOKEN), (200, PROFILE)]);
        assert_eq!((known.subject.as_str(), known.unionid.unwrap().as_str()), ("oA", "uA"));
        let bare =
            |text: &str| text.replace(",\n        \"unionid\":\"uA\"", "").replace(",\"unionid\":\"uA\"", "");
        let (token, profile) = (bare(TOKEN).replace(",\"unionid\":\"uA\"", ""), bare(PROFILE));
        assert!(!token.contains("unionid") && !profile.contains("unionid"), "{token} {profile}");
        assert_eq!(someone(&[(200, &token), (200, &profile)]).unionid, None);
        let other = PROFILE.replace("uA", "uB");
        assert_eq!(broken(ProviderKind::WechatQr, &[(200, TOKEN), (200, &other)]), MISBEHAVED);
    }

    #[test]
    fn errcode_zero_is_none_and_others_have_status_200() {
        assert_eq!(
            someone(&[(200, &token("\"errcode\":0,\"errmsg\":\"ok\",")), (200, PROFILE)]).subject.as_str(),
            "oA"
        );
        assert_eq!(
            refusal(r#"{"errcode":40163,"errmsg":"code been used, rid: 5f"}"#),
            SocialRefused::CodeUsed
        );
        assert_eq!(refusal(r#"{"errcode":40029,"errmsg":"invalid code"}"#), SocialRefused::CodeExpired);
        assert_eq!(refusal(r#"{"errcode":"40029"}"#), SocialRefused::CodeExpired);
        assert_eq!(refusal(r#"{"errcode":50002,"errmsg":"user limited"}"#), says("50002", "user limited"));
        for code in ["40013", "40125", "48001"] {
            let body = format!("{{\"errcode\":{code},\"errmsg\":\"x\"}}");
            assert_eq!(broken(ProviderKind::WechatQr, &[(200, &body)]), MISUSE, "{code}");
        }
        assert_eq!(
            broken(ProviderKind::WechatQr, &[(200, r#"{"errcode":-1,"errmsg":"system error"}"#)]),
            BUSY
        );
    }

    #[test]
    fn a_snapshot_user_is_refused_in_every_spelling() {
        for more in ["\"is_snapshotuser\":1,", "\"is_snapshotuser\":\"1\",", "\"is_snapshotuser\":true,"] {
            assert_eq!(refusal(&token(more)), SocialRefused::SnapshotUser);
        }
        let person = token("\"is_snapshotuser\":0,");
        assert_eq!(someone(&[(200, &person), (200, PROFILE)]).subject.as_str(), "oA");
        let late = PROFILE.replace("\"sex\"", "\"is_snapshotuser\":1,\"sex\"");
        let refused = driven_refusal(&real(ProviderKind::WechatQr), &[(200, TOKEN), (200, &late)]);
        assert_eq!(refused, SocialRefused::SnapshotUser);
    }

    #[test]
    fn a_scope_may_end_with_a_comma() {
        let provider = real(ProviderKind::WechatInApp);
        let wide = TOKEN.replace("snsapi_login", "snsapi_base,snsapi_userinfo,");
        assert!(matches!(drive(&provider, &[(200, &wide)]), Ok(Progress::Next(_))));
        for narrow in ["snsapi_base", "snsapi_base,", ""] {
            let someone = driven_identity(&provider, &[(200, &TOKEN.replace("snsapi_login", narrow))]);
            assert_eq!((someone.subject.as_str(), someone.name), ("oA", None), "{narrow}");
        }
    }
}

mod weibo {
    use super::*;

    const TOKEN: &str = r#"{"access_token":"A","expires_in":1234,"remind_in":"798114","uid":"1404376560"}"#;
    const INFO: &str =
        r#"{"uid":1404376560,"appkey":"101","scope":null,"create_at":1352267591,"expire_in":157679471}"#;
    const PROFILE: &str = r#"{"id":1404376560,"screen_name":"zaku","avatar_large":"http://w/180"}"#;

    #[test]
    fn numbers_may_be_text_everywhere() {
        for token in
            [TOKEN, &TOKEN.replace("1234", "\"7200\""), &TOKEN.replace("\"1404376560\"", "1404376560")]
        {
            for info in [INFO, &INFO.replace("1404376560", "\"1404376560\""), &INFO.replace("\"101\"", "101")]
            {
                for profile in [PROFILE, &PROFILE.replace("1404376560", "\"1404376560\"")] {
                    let replies = [(200, token), (200, info), (200, profile)];
                    let someone = driven_identity(&real(ProviderKind::Weibo), &replies);
                    assert_eq!(
                        (someone.subject.as_str(), someone.name.as_deref()),
                        ("1404376560", Some("zaku"))
                    );
                }
            }
        }
    }

    #[test]
    fn a_uid_beyond_the_doubles_keeps_every_digit() {
        let big = |text: &str| text.replace("1404376560", "9007199254740993");
        let bodies = [big(TOKEN), big(INFO), big(PROFILE)];
        let replies = bodies.each_ref().map(|body| (200, body.as_str()));
        assert_eq!(
            driven_identity(&real(ProviderKind::Weibo), &replies).subject.as_str(),
            "9007199254740993"
        );
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
}

mod github {
    use super::*;

    const TOKEN: &str = r#"{"access_token":"gho_A","scope":"read:user,user:email","token_type":"bearer"}"#;
    const USER: &str = r#"{"login":"octo","id":583231,"name":null,"avatar_url":"https://a/u"}"#;
    const MAIL: &str = r#"[{"email":"o@x.y","primary":true,"verified":true,"visibility":"private"}]"#;

    #[test]
    fn a_user_and_an_address() {
        let someone = driven_identity(&real(ProviderKind::Github), &[(200, TOKEN), (200, USER), (200, MAIL)]);
        assert_eq!((someone.subject.as_str(), someone.name.as_deref()), ("583231", Some("octo")));
        assert_eq!(someone.email.unwrap().address, "o@x.y");
        let without = driven_identity(&real(ProviderKind::Github), &[(200, TOKEN), (200, USER), (404, "{}")]);
        assert_eq!(without.email, None);
    }

    #[test]
    fn refusals_have_status_200() {
        let error = |word: &str| format!(r#"{{"error":"{word}","error_description":"d","error_uri":"u"}}"#);
        let refusal = |word| driven_refusal(&real(ProviderKind::Github), &[(200, &error(word))]);
        assert_eq!(refusal("bad_verification_code"), SocialRefused::CodeExpired);
        assert_eq!(refusal("unverified_user_email"), says("unverified_user_email", "d"));
        for word in ["incorrect_client_credentials", "redirect_uri_mismatch"] {
            assert_eq!(broken(ProviderKind::Github, &[(200, &error(word))]), MISUSE);
        }
        assert_eq!(broken(ProviderKind::Github, &[(200, "access_token=a&token_type=bearer")]), MISBEHAVED);
        let mac = TOKEN.replace("bearer", "mac");
        assert_eq!(broken(ProviderKind::Github, &[(200, &mac)]), MISBEHAVED);
        let bad = driven_refusal(&real(ProviderKind::Github), &[(200, TOKEN), (401, r#"{"message":"Bad"}"#)]);
        assert_eq!(bad, says("401", "Bad"));
    }
}

mod oidc {
    use super::*;

    #[test]
    fn refusals_of_the_token_endpoint() {
        let error = |word: &str| format!(r#"{{"error":"{word}","error_description":"d"}}"#);
        let refusal = |word| driven_refusal(&real(ProviderKind::Oidc), &[(400, &error(word))]);
        assert_eq!(refusal("invalid_grant"), SocialRefused::CodeExpired);
        assert_eq!(refusal("invalid_scope"), says("invalid_scope", "d"));
        for word in ["invalid_client", "unauthorized_client"] {
            assert_eq!(broken(ProviderKind::Oidc, &[(401, &error(word))]), MISUSE);
        }
        assert_eq!(broken(ProviderKind::Oidc, &[(400, &error("invalid_request"))]), MISBEHAVED);
        assert_eq!(broken(ProviderKind::Oidc, &[(400, "{}")]), MISBEHAVED);
    }

    #[test]
    fn what_is_missing_or_is_no_token_is_told_apart() {
        for body in [
            r#"{"access_token":"A","token_type":"Bearer"}"#,
            r#"{"access_token":"A","token_type":"mac","id_token":"x"}"#,
            r#"{"token_type":"Bearer","id_token":"x"}"#,
        ] {
            assert_eq!(broken(ProviderKind::Oidc, &[(200, body)]), MISBEHAVED, "{body}");
        }
        let strange = r#"{"access_token":"A","token_type":"Bearer","id_token":"x.y.z"}"#;
        assert_eq!(broken(ProviderKind::Oidc, &[(200, strange), (200, r#"{"keys":[]}"#)]), MISBEHAVED);
        let keys = sso_core::KeySet::new(sso_core::SigningKey::generate(sso_core::Algorithm::EdDsa).unwrap());
        let jwks = keys.jwks().unwrap().json;
        let refused = driven_refusal(&real(ProviderKind::Oidc), &[(200, strange), (200, &jwks)]);
        assert!(matches!(refused, SocialRefused::UntrustedIdToken { .. }), "{refused:?}");
    }
}

#[test]
fn outages_are_transient_everywhere() {
    for kind in super::KINDS {
        assert_eq!(broken(kind, &[(502, "<html>")]), BUSY, "{kind:?}");
        assert_eq!(broken(kind, &[(429, "{}")]), BUSY, "{kind:?}");
        assert_eq!(broken(kind, &[(302, "{}")]), MISBEHAVED, "{kind:?}");
        assert_eq!(broken(kind, &[(200, "{}")]), MISBEHAVED, "{kind:?}");
    }
}

#[test]
fn the_first_requests_are_those_of_the_manuals() {
    let code = GrantCode::parse(CODE).unwrap();
    let sent = |kind| {
        let exchange = real(kind).redeem(&code, &attempt()).unwrap();
        let request = exchange.request();
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        (request.method().to_string(), request.uri().to_string(), body)
    };
    let back = "https%3A%2F%2Fshop.example%2Fcallback";
    let (method, uri, body) = sent(ProviderKind::Qq);
    let expected = format!(
        "https://graph.qq.com/oauth2.0/token?grant_type=authorization_code&client_id={APP_ID}\
         &client_secret={SECRET}&code={CODE}&redirect_uri={back}&fmt=json"
    );
    assert_eq!((method.as_str(), uri, body.as_str()), ("GET", expected, ""));
    for kind in [ProviderKind::WechatQr, ProviderKind::WechatInApp] {
        let expected = format!(
            "https://api.weixin.qq.com/sns/oauth2/access_token?appid={APP_ID}&secret={SECRET}&code={CODE}\
             &grant_type=authorization_code"
        );
        assert_eq!(sent(kind), ("GET".to_owned(), expected, String::new()));
    }
    let (method, uri, body) = sent(ProviderKind::Weibo);
    assert_eq!((method.as_str(), uri.as_str()), ("POST", "https://api.weibo.com/oauth2/access_token"));
    let expected = format!(
        "client_id={APP_ID}&client_secret={SECRET}&grant_type=authorization_code&code={CODE}&redirect_uri={back}"
    );
    assert_eq!(body, expected);
    let (_, uri, body) = sent(ProviderKind::Github);
    assert_eq!(uri, "https://github.com/login/oauth/access_token");
    assert!(body.contains(&format!("client_secret={SECRET}")) && body.contains("code_verifier="));
    let (_, uri, body) = sent(ProviderKind::Oidc);
    assert_eq!(uri, "https://id.example/t");
    assert!(!body.contains(SECRET) && body.contains("code_verifier="));
}

#[test]
fn the_pages_are_those_of_the_manuals() {
    let page = |kind| real(kind).authorize(&attempt());
    let state = "01".repeat(32);
    let back = "https%3A%2F%2Fshop.example%2Fcallback";
    assert_eq!(
        page(ProviderKind::Qq),
        format!(
            "https://graph.qq.com/oauth2.0/authorize?response_type=code&client_id={APP_ID}&redirect_uri={back}\
             &state={state}&scope=get_user_info"
        )
    );
    assert_eq!(
        page(ProviderKind::WechatQr),
        format!(
            "https://open.weixin.qq.com/connect/qrconnect?appid={APP_ID}&redirect_uri={back}&response_type=code\
             &scope=snsapi_login&state={state}#wechat_redirect"
        )
    );
    assert_eq!(
        page(ProviderKind::WechatInApp),
        format!(
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid={APP_ID}&redirect_uri={back}\
             &response_type=code&scope=snsapi_userinfo&state={state}&connect_redirect=1#wechat_redirect"
        )
    );
    assert_eq!(
        page(ProviderKind::Weibo),
        format!(
            "https://api.weibo.com/oauth2/authorize?client_id={APP_ID}&response_type=code&redirect_uri={back}\
             &state={state}"
        )
    );
    let oidc = page(ProviderKind::Oidc);
    assert!(oidc.starts_with("https://id.example/a?response_type=code&client_id=101&"), "{oidc}");
    for part in ["&scope=openid+profile+email&", "&nonce=", "&code_challenge_method=S256"] {
        assert!(oidc.contains(part), "{oidc}");
    }
}
