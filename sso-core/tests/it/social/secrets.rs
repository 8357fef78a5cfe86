//! Whatever comes back, nothing panics and no secret is printed.

use std::error::Error as _;

use proptest::prelude::*;
use sso_core::social::{Exchange, GrantCode, Progress};
use sso_core::{Error, UnixMillis};

use super::{CODE, KINDS, SECRET, attempt, real, reply};

const TOKEN: &str = "token-99bb-long";

/// Replies that lead from one stage to the next, for every provider but OpenID Connect, which needs a signature.
fn steps(kind: usize) -> Vec<String> {
    let text = |text: &str| text.replace("TOKEN", TOKEN);
    match kind {
        0 => vec![
            text(r#"{"access_token":"TOKEN"}"#),
            text(r#"{"client_id":"101","openid":"o"}"#),
            text(r#"{"ret":0,"nickname":"n"}"#),
        ],
        1 | 2 => vec![
            text(r#"{"access_token":"TOKEN","openid":"o","scope":"snsapi_login"}"#),
            text(r#"{"openid":"o","nickname":"n"}"#),
        ],
        3 => vec![
            text(r#"{"access_token":"TOKEN","uid":"1"}"#),
            text(r#"{"uid":1,"appkey":"101"}"#),
            text(r#"{"id":1,"name":"n"}"#),
        ],
        4 => vec![
            text(r#"{"access_token":"TOKEN","token_type":"bearer"}"#),
            text(r#"{"id":1,"login":"n"}"#),
            text("[]"),
        ],
        _ => vec![text(r#"{"access_token":"TOKEN","token_type":"bearer","id_token":"a.b.c"}"#)],
    }
}

/// The exchange after so many good replies.
fn at_stage(kind: usize, good: usize) -> Exchange {
    let mut exchange = real(KINDS[kind]).redeem(&GrantCode::parse(CODE).unwrap(), &attempt()).unwrap();
    for body in steps(kind).iter().take(good) {
        match exchange.read(&reply(200, body), UnixMillis::now()).unwrap() {
            Progress::Next(next) => exchange = *next,
            other => panic!("{other:?}"),
        }
    }
    exchange
}

fn all_words(error: &Error) -> String {
    let mut words = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(&format!(" {cause:?} {cause}"));
        source = cause.source();
    }
    words
}

fn printed(result: &Result<Progress, Error>) -> String {
    match result {
        Ok(Progress::Refused(refused)) => format!("{refused:?} {refused}"),
        Ok(progress) => format!("{progress:?}"),
        Err(error) => all_words(error),
    }
}

const COOKIE: &str = "0202020202";

fn holds_no_secret(words: &str) -> bool {
    [SECRET, CODE, TOKEN, COOKIE].iter().all(|secret| !words.contains(secret))
}

/// Bodies that look like replies, some of which repeat what they were sent.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let secret = prop_oneof![Just(SECRET), Just(CODE), Just(TOKEN), Just("1"), Just("101"), Just("o")];
    let member = prop_oneof![
        Just("error"),
        Just("error_code"),
        Just("error_description"),
        Just("errcode"),
        Just("errmsg"),
        Just("ret"),
        Just("msg"),
        Just("code"),
        Just("access_token"),
        Just("openid"),
        Just("uid"),
        Just("appkey"),
        Just("id"),
        Just("client_id"),
        Just("scope"),
        Just("token_type"),
        Just("id_token"),
        Just("message"),
        Just("nickname"),
    ];
    let object = proptest::collection::btree_map(member, (secret, any::<bool>()), 0..6).prop_map(|members| {
        let value =
            |text: &str, number: bool| if number { serde_json::json!(7) } else { serde_json::json!(text) };
        let members: serde_json::Map<_, _> = members
            .into_iter()
            .map(|(name, (text, number))| (name.to_owned(), value(text, number)))
            .collect();
        serde_json::Value::Object(members).to_string()
    });
    prop_oneof![
        3 => object.clone().prop_map(String::into_bytes),
        1 => object.prop_map(|object| format!("callback( {object} );").into_bytes()),
        1 => "[a-z_]{1,9}=[a-z0-9%]{0,9}(&[a-z_]{1,9}=[a-z0-9%]{0,9}){0,3}".prop_map(String::into_bytes),
        2 => proptest::collection::vec(any::<u8>(), 0..64),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_reply_at_any_stage_is_an_answer_and_prints_no_secret(
        kind in 0..6_usize,
        stage in 0..3_usize,
        status in prop_oneof![4 => Just(200_u16), 1 => Just(400), 1 => 100..600_u16],
        body in bodies(),
    ) {
        let good = stage.min(steps(kind).len().saturating_sub(usize::from(kind < 5)));
        let exchange = at_stage(kind, good);
        let printed_before = format!("{exchange:?}");
        prop_assert!(holds_no_secret(&printed_before));
        let response = http::Response::builder().status(status).body(bytes::Bytes::from(body)).unwrap();
        let result = exchange.read(&response, UnixMillis::now());
        // A nickname or a subject is the user's; the rest of an identity is not printed by us.
        if !matches!(result, Ok(Progress::Identified(_))) {
            let words = printed(&result);
            // Before the first reply nobody has given us a token, so its text is any text.
            let words = if good == 0 { words.replace(TOKEN, "") } else { words };
            prop_assert!(holds_no_secret(&words), "{words}");
        }
    }
}

/// Some providers repeat in their errors what they were sent.
#[test]
fn an_error_that_repeats_secrets_is_told_without_them() {
    let mut told = 0;
    for kind in 0..6 {
        for good in 0..steps(kind).len() {
            for secret in [SECRET, CODE, TOKEN].iter().take(if good == 0 { 2 } else { 3 }) {
                let text = format!("you sent {secret}");
                let body = serde_json::json!({
                    "error": "unheard_of", "error_code": 77, "errcode": 77, "ret": 77, "code": 77,
                    "error_description": text, "errmsg": text, "msg": text, "message": text,
                });
                let result = at_stage(kind, good).read(&reply(400, &body.to_string()), UnixMillis::now());
                told += usize::from(matches!(result, Ok(Progress::Refused(_))));
                let words = printed(&result);
                assert!(holds_no_secret(&words), "{kind} {good} {words}");
            }
        }
    }
    assert!(told > 20, "{told}");
}

#[tokio::test]
async fn what_a_sign_in_is_made_of_prints_no_secret() {
    let world = super::World::new();
    let begun = world.sign_in.begin("oidc", "", "/").await.unwrap();
    let cookie = begun.set_cookie.split([';', '=']).nth(1).unwrap().to_owned();
    assert_eq!(cookie.len(), 64);
    let query = world.sim.consent(&begun.location, "alice").unwrap();
    let provider = real(KINDS[0]);
    let callback = provider.callback(&format!("code={CODE}&state={}", attempt().state().as_str()));
    let all =
        format!("{:?} {begun:?} {provider:?} {:?} {callback:?} {:?}", world.sign_in, world.sim, attempt());
    assert!(holds_no_secret(&all) && !all.contains(&cookie), "{all}");
    assert!(!all.contains(&super::attacks::of(&query, "code")));
    assert!(!all.contains(attempt().state().as_str()));
}

#[test]
fn credentials_in_headers_are_marked_for_those_who_print_requests() {
    let exchange = at_stage(4, 1);
    let printed = format!("{:?}", exchange.request().headers());
    assert!(printed.contains("Sensitive") && !printed.contains(TOKEN), "{printed}");
}
