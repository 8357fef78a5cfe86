//! Every shape of reply that the providers are known to send, written by hand.

mod github;
mod oidc;
mod qq;
mod wechat;
mod weibo;

use sso_core::ErrorKind;
use sso_core::social::{ProviderKind, SocialRefused};

use super::{drive, real};

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

#[test]
fn outages_are_transient_everywhere() {
    for kind in super::KINDS {
        assert_eq!(broken(kind, &[(502, "<html>")]), BUSY, "{kind:?}");
        assert_eq!(broken(kind, &[(429, "{}")]), BUSY, "{kind:?}");
        assert_eq!(broken(kind, &[(302, "{}")]), MISBEHAVED, "{kind:?}");
        assert_eq!(broken(kind, &[(200, "{}")]), MISBEHAVED, "{kind:?}");
    }
}
