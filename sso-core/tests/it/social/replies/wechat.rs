//! WeChat: refusals with status 200, and users who are none.

use sso_core::social::{Identity, Progress, ProviderKind, SocialRefused};

use super::{BUSY, MISBEHAVED, MISUSE, broken, says};
use crate::social::{drive, driven_identity, driven_refusal, real};

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
    assert_eq!(refusal(r#"{"errcode":40163,"errmsg":"code been used, rid: 5f"}"#), SocialRefused::CodeUsed);
    assert_eq!(refusal(r#"{"errcode":40029,"errmsg":"invalid code"}"#), SocialRefused::CodeExpired);
    assert_eq!(refusal(r#"{"errcode":"40029"}"#), SocialRefused::CodeExpired);
    assert_eq!(refusal(r#"{"errcode":50002,"errmsg":"user limited"}"#), says("50002", "user limited"));
    for code in ["40013", "40125", "48001"] {
        let body = format!("{{\"errcode\":{code},\"errmsg\":\"x\"}}");
        assert_eq!(broken(ProviderKind::WechatQr, &[(200, &body)]), MISUSE, "{code}");
    }
    assert_eq!(broken(ProviderKind::WechatQr, &[(200, r#"{"errcode":-1,"errmsg":"system error"}"#)]), BUSY);
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
