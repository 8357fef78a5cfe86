//! OpenID Connect: what the token endpoint refuses, and what is no id token.

use sso_core::social::{ProviderKind, SocialRefused};

use super::{MISBEHAVED, MISUSE, broken, says};
use crate::social::{driven_refusal, real};

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
