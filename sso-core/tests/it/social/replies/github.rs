//! GitHub: refusals with status 200, and an address that may be missing.

use sso_core::social::{ProviderKind, SocialRefused};

use super::{MISBEHAVED, MISUSE, broken, says};
use crate::social::{driven_identity, driven_refusal, real};

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
