//! The pages and the first requests are those of the manuals, letter for letter.

use sso_core::social::{GrantCode, ProviderKind};

use super::{APP_ID, CODE, SECRET, attempt, real};

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
