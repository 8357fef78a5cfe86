//! Logout tokens, which anybody can send to a site.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use sso_core::{
    Algorithm, KeySet, LogoutReceived, LogoutReceiver, LogoutRefused, MemorySiteStore, Signer, SigningKey,
    UnixMillis,
};

use super::{block_on, seeds, text};
use crate::engine::Target;

const ISSUER: &str = "https://sso.example";
const SITE: &str = "shop";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

static KEYS: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::new(SigningKey::generate(Algorithm::EdDsa).unwrap()));

/// `NOW` and `SOON` stand for times: the store's clock is the real one.
fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": SITE, "sub": "alice", "sid": "0123456789abcdef", "jti": "one",
        "iat": "NOW", "exp": "SOON", "events": { EVENT: {} },
    })
}

fn timed(claims: &str) -> String {
    let now = UnixMillis::now().as_secs();
    claims.replace("\"NOW\"", &now.to_string()).replace("\"SOON\"", &(now + 60).to_string())
}

fn sign(claims: &Value) -> String {
    Signer::new("logout+jwt", &*KEYS).unwrap().sign(claims).unwrap()
}

/// What a site says that has never heard of anything before, and what it says to the same body again.
fn receive(body: &[u8]) -> LogoutReceived {
    let receiver = LogoutReceiver::new(ISSUER, SITE, &*KEYS, Arc::new(MemorySiteStore::new())).unwrap();
    let received = block_on(receiver.receive(body, UnixMillis::now())).unwrap();
    if matches!(received, LogoutReceived::End(_)) {
        let again = block_on(receiver.receive(body, UnixMillis::now())).unwrap();
        assert_eq!(again, LogoutReceived::Refused(LogoutRefused::Replayed));
    }
    received
}

fn told(refused: LogoutRefused) -> String {
    match refused {
        LogoutRefused::Token(rejected) => rejected.to_string(),
        other => format!("{other:?}"),
    }
}

/// `TOKEN` stands for a good one.
pub(crate) fn logout_body() -> Target {
    Target {
        name: "logout_body",
        seeds: seeds([
            "logout_token=TOKEN".into(),
            "logout_token=a.b.c".into(),
            "logout_token=TOKEN&logout_token=TOKEN".into(),
            String::new(),
        ]),
        words: &["logout_token=", "TOKEN", "&", "=", "%", "%2E", ".", "+", "eyJhbGciOiJub25lIn0"],
        bytes_max: 4000,
        run: |input| {
            let token = sign(&serde_json::from_str(&timed(&claims().to_string())).unwrap());
            let body = text(input).replace("TOKEN", &token);
            match receive(body.as_bytes()) {
                LogoutReceived::End(notice) => {
                    let mut tokens = form_urlencoded::parse(body.as_bytes())
                        .filter(|(name, _)| name == "logout_token")
                        .map(|(_, value)| value);
                    assert_eq!(tokens.next().as_deref(), Some(token.as_str()));
                    assert_eq!((tokens.next(), notice.subject()), (None, Some("alice")));
                    "an end".into()
                }
                LogoutReceived::Refused(refused) => told(refused),
            }
        },
        reaches: &["an end", "NoToken", "the token is malformed"],
    }
}

/// Claims that the issuer has signed, whatever they say.
pub(crate) fn logout_claims() -> Target {
    let changed = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims.to_string()
    };
    Target {
        name: "logout_claims",
        seeds: seeds([
            claims().to_string(),
            changed("nonce", json!("n")),
            changed("events", json!({})),
            changed("events", json!({ EVENT: [] })),
            changed("sub", json!("")),
            changed("aud", json!("forum")),
            changed("exp", json!(1)),
        ]),
        words: &[
            r#""events":"#,
            r#""nonce":"#,
            r#""sub":"#,
            r#""sid":"#,
            r#""jti":"#,
            r#""aud":["shop"]"#,
            r#""NOW""#,
            r#""SOON""#,
            r#""exp":"#,
            r#""iat":"#,
            "null",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"\"",
            "1e30",
        ],
        bytes_max: 2000,
        run: |input| {
            let Ok(claims) = serde_json::from_str::<Value>(&timed(&text(input))) else {
                return "no json".into();
            };
            if !claims.is_object() {
                return "no object".into();
            }
            match receive(format!("logout_token={}", sign(&claims)).as_bytes()) {
                LogoutReceived::End(notice) => {
                    assert!(claims["events"][EVENT].is_object() && claims.get("nonce").is_none());
                    assert_eq!(claims["iss"], ISSUER);
                    let aud = &claims["aud"];
                    assert!(aud == SITE || aud.as_array().is_some_and(|all| all.contains(&json!(SITE))));
                    assert!(claims["exp"].as_f64().unwrap() > 1_700_000_000.0);
                    assert!(claims["jti"].as_str().is_some_and(|id| !id.is_empty()));
                    assert_eq!(notice.subject(), claims.get("sub").and_then(Value::as_str));
                    assert_eq!(notice.session(), claims.get("sid").and_then(Value::as_str));
                    assert!(notice.subject().or(notice.session()).is_some_and(|who| !who.is_empty()));
                    "an end".into()
                }
                LogoutReceived::Refused(refused) => told(refused),
            }
        },
        reaches: &[
            "an end",
            "HasNonce",
            "NoLogoutEvent",
            "NobodyNamed",
            "the token is for another audience",
            "the token has expired",
        ],
    }
}
