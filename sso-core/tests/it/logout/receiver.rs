//! A site that is told: it believes a genuine notice for itself, once, and nothing else.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use sso_core::{
    KeySet, LogoutReceived, LogoutReceiver, LogoutRefused, MemorySiteStore, Signer, TokenRejected, UnixMillis,
};

use super::{ISSUER, keys, now};

/// The store's clock is the real one, so the test's is too: whole seconds.
static NOW: LazyLock<u64> = LazyLock::new(|| UnixMillis::now().as_secs() * 1000);

/// A token as an attacker, or a careless issuer, might make it.
async fn receive(keys: &KeySet, typ: &str, change: impl FnOnce(&mut Value)) -> LogoutReceived {
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let mut claims = json!({
        "iss": ISSUER, "aud": "shop", "sub": "alice", "sid": "s1", "jti": "j1",
        "iat": *NOW / 1000, "exp": *NOW / 1000 + 60, "events": { event: {} },
    });
    change(&mut claims);
    let token = Signer::new(typ, keys).unwrap().sign(&claims).unwrap();
    let receiver = LogoutReceiver::new(ISSUER, "shop", keys, Arc::new(MemorySiteStore::new())).unwrap();
    receiver.receive(format!("logout_token={token}").as_bytes(), at(*NOW)).await.unwrap()
}

fn at(millis: u64) -> UnixMillis {
    UnixMillis::new(millis).unwrap()
}

type Change = fn(&mut Value);

#[tokio::test]
async fn a_receiver_is_strict() {
    let keys = keys();
    assert!(matches!(receive(&keys, "logout+jwt", |_| ()).await, LogoutReceived::End(_)));
    let remove: fn(&mut Value, &str) = |claims, name| drop(claims.as_object_mut().unwrap().remove(name));
    // A user without a session is good, and a session without a user.
    let good: [Change; 2] = [
        |claims| drop(claims.as_object_mut().unwrap().remove("sid")),
        |claims| drop(claims.as_object_mut().unwrap().remove("sub")),
    ];
    for change in good {
        assert!(matches!(receive(&keys, "logout+jwt", change).await, LogoutReceived::End(_)));
    }
    let bad: [(Change, LogoutRefused); 13] = [
        (|claims| claims["nonce"] = json!("n"), LogoutRefused::HasNonce),
        (|claims| claims["events"] = json!({}), LogoutRefused::NoLogoutEvent),
        (|claims| claims["events"] = json!([]), LogoutRefused::NoLogoutEvent),
        (
            |claims| claims["events"] = json!({ "http://schemas.openid.net/event/other": {} }),
            LogoutRefused::NoLogoutEvent,
        ),
        (
            |claims| claims["events"] = json!({ "http://schemas.openid.net/event/backchannel-logout": 1 }),
            LogoutRefused::NoLogoutEvent,
        ),
        (|claims| claims["sid"] = json!(1), LogoutRefused::NobodyNamed),
        (|claims| claims["sub"] = json!(""), LogoutRefused::NobodyNamed),
        (|claims| claims["jti"] = json!(7), LogoutRefused::Replayed),
        (
            |claims| claims["iss"] = json!("https://evil.example"),
            LogoutRefused::Token(TokenRejected::WrongIssuer),
        ),
        (|claims| claims["aud"] = json!(["forum"]), LogoutRefused::Token(TokenRejected::WrongAudience)),
        (
            |claims| claims["iat"] = json!(*NOW / 1000 + 600),
            LogoutRefused::Token(TokenRejected::NotYetValid { at: at(*NOW + 600_000) }),
        ),
        (
            |claims| claims["exp"] = json!(*NOW / 1000 - 60),
            LogoutRefused::Token(TokenRejected::Expired { at: at(*NOW - 60_000) }),
        ),
        (
            |claims| claims["iat"] = json!(*NOW / 1000 - 3600),
            LogoutRefused::Token(TokenRejected::TooOld { issued_at: at(*NOW - 3_600_000) }),
        ),
    ];
    for (change, refused) in bad {
        assert_eq!(receive(&keys, "logout+jwt", change).await, LogoutReceived::Refused(refused));
    }
    for name in ["iat", "jti"] {
        let refused = receive(&keys, "logout+jwt", |claims| remove(claims, name)).await;
        assert_eq!(
            refused,
            LogoutReceived::Refused(LogoutRefused::Token(TokenRejected::MissingClaim)),
            "{name}"
        );
    }
    // The key of somebody else.
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let claims = json!({ "iss": ISSUER, "aud": "shop", "sub": "alice", "exp": *NOW, "events": event });
    let token = Signer::new("logout+jwt", &keys).unwrap().sign(&claims).unwrap();
    let receiver =
        LogoutReceiver::new(ISSUER, "shop", &self::keys(), Arc::new(MemorySiteStore::new())).unwrap();
    let unknown = receiver.receive(format!("logout_token={token}").as_bytes(), at(*NOW)).await.unwrap();
    assert_eq!(unknown, LogoutReceived::Refused(LogoutRefused::Token(TokenRejected::UnknownKey)));
    // An id token and an access token are no logout tokens, whatever they say.
    for typ in ["JWT", "at+jwt"] {
        let refused = receive(&keys, typ, |_| ()).await;
        assert_eq!(refused, LogoutReceived::Refused(LogoutRefused::Token(TokenRejected::WrongType)));
    }
}

proptest::proptest! {
    #[test]
    fn any_body_is_read_without_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..99)) {
        let receiver = LogoutReceiver::new(ISSUER, "shop", &keys(), Arc::new(MemorySiteStore::new())).unwrap();
        for body in [body.clone(), [b"logout_token=".as_slice(), &body].concat()] {
            let received = crate::ticket_contract::block_on(receiver.receive(&body, now())).unwrap();
            proptest::prop_assert!(matches!(received, LogoutReceived::Refused(_)));
        }
    }
}
