//! Replies of the providers of social login, at every stage.

use bytes::Bytes;
use serde_json::Value;
use sso_core::social::{Exchange, GrantCode, Identity, Progress};

use super::social::{APP_ID, KINDS, PROVIDERS, attempt, now, reply};
use super::{seeds, text};
use crate::engine::Target;

/// Replies that lead from one stage to the next.
fn steps(kind: u8) -> &'static [&'static str] {
    match kind {
        0 => &[
            r#"{"access_token":"T"}"#,
            r#"callback( {"client_id":"101","openid":"o"} );"#,
            r#"{"ret":0,"nickname":"n","figureurl_qq_1":"https://q/40"}"#,
        ],
        1 | 2 => &[
            r#"{"access_token":"T","openid":"o","scope":"snsapi_login,","unionid":"u"}"#,
            r#"{"openid":"o","nickname":"n","headimgurl":"https://w/1","unionid":"u"}"#,
        ],
        3 => &[
            r#"{"access_token":"T","uid":"1"}"#,
            r#"{"uid":1,"appkey":"101"}"#,
            r#"{"id":1,"idstr":"1","name":"n"}"#,
        ],
        4 => &[
            r#"{"access_token":"T","token_type":"bearer"}"#,
            r#"{"id":1,"login":"n","avatar_url":"https://g/1"}"#,
            r#"[{"email":"a@b.example","primary":true,"verified":true}]"#,
        ],
        _ => &[r#"{"access_token":"T","token_type":"bearer","id_token":"a.b.c"}"#],
    }
}

/// The exchange after so many good replies.
fn at_stage(kind: u8, good: usize) -> Exchange {
    let code = GrantCode::parse("code-77aa").unwrap();
    let mut exchange = PROVIDERS[usize::from(kind)].redeem(&code, &attempt()).unwrap();
    for body in &steps(kind)[..good] {
        match exchange.read(&reply(200, *body), now()).unwrap() {
            Progress::Next(next) => exchange = *next,
            other => panic!("{other:?}"),
        }
    }
    exchange
}

const WORDS: &[&str] = &[
    r#""error":"#,
    r#""errcode":40163"#,
    r#""ret":0"#,
    r#""code":"#,
    r#""client_id":"101""#,
    r#""appkey":"#,
    r#""openid":"#,
    r#""uid":"#,
    r#""id":"#,
    r#""access_token":"#,
    r#""token_type":"bearer""#,
    r#""is_snapshotuser":1"#,
    r#""unionid":"#,
    r#""scope":"#,
    "callback(",
    ");",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "&",
    "=",
    "101",
    r"\u0000",
];

/// Provider, stage and status, a character each, then the body of a reply.
pub(crate) fn social_reply() -> Target {
    let of = |kind: u8| (0_u8..).zip(steps(kind)).map(move |(stage, body)| format!("{kind}{stage}2{body}"));
    let mut inputs: Vec<Vec<u8>> = (0..KINDS).flat_map(of).map(String::into_bytes).collect();
    inputs.extend(seeds([
        r#"012{"client_id":"102","openid":"o"}"#.into(),
        r#"312{"uid":1,"appkey":"102"}"#.into(),
        "002error=100020&error_description=x".into(),
        r#"122{"errcode":40029,"errmsg":"x"}"#.into(),
        "004<html>".into(),
        "005".into(),
    ]));
    Target {
        name: "social_reply",
        seeds: inputs,
        words: WORDS,
        bytes_max: 3000,
        run: |input| {
            let [kind, stage, status, body @ ..] = input else { return "nothing".into() };
            let kind = kind % KINDS;
            let stage = usize::from(*stage % 48) % steps(kind).len();
            let status = match status {
                b'4' => 400,
                b'5' => 503,
                b'3' => 302,
                _ => 200,
            };
            let response = reply(status, Bytes::copy_from_slice(body));
            match at_stage(kind, stage).read(&response, now()) {
                Ok(Progress::Next(_)) => {
                    // Whose application the token is for: QQ and Weibo say it, and it must be ours.
                    assert!(!matches!((kind, stage), (0 | 3, 1)) || names_us(kind, body));
                    format!("{kind}: a further request after {stage}")
                }
                Ok(Progress::Identified(identity)) => identified(kind, stage, &identity),
                Ok(Progress::Refused(_)) => format!("{kind}: refused"),
                Err(error) => format!("{kind}: {:?}", error.kind()),
            }
        },
        reaches: &[
            "0: a further request after 1",
            "0: identified after 2",
            "0: refused",
            "0: PeerMisbehaved",
            "0: Unavailable",
            "1: identified after 1",
            "2: identified after 1",
            "3: identified after 2",
            "3: refused",
            "4: identified after 2",
            "5: a further request after 0",
        ],
    }
}

/// Whether a reply of QQ or Weibo names our application, read without the parser that is tried.
fn names_us(kind: u8, body: &[u8]) -> bool {
    let text = text(body);
    let name = if kind == 0 { "client_id" } else { "appkey" };
    let is_us = |value: &Value| value == APP_ID || value == 101;
    let from = text.find('{').unwrap_or(text.len());
    let to = text.rfind('}').map_or(from, |last| last + 1).max(from);
    let json: Option<Value> = text.get(from..to).and_then(|json| serde_json::from_str(json).ok());
    json.is_some_and(|json| json.get(name).is_some_and(is_us))
        || only_form(&text, name).as_deref() == Some(APP_ID)
}

fn only_form(text: &str, name: &str) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut found = form_urlencoded::parse(text.as_bytes()).filter(|(known, _)| known == name);
    found.next().map(|(_, value)| value.into_owned())
}

fn identified(kind: u8, stage: usize, identity: &Identity) -> String {
    assert_ne!(kind, 5, "nobody signed this");
    assert_eq!(identity.app_id, APP_ID);
    assert!(!identity.subject.as_str().is_empty());
    // The last reply never says who it is: that is known before.
    match (kind, stage) {
        (0, 2) => assert_eq!(identity.subject.as_str(), "o"),
        (3 | 4, 2) => assert_eq!(identity.subject.as_str(), "1"),
        (1 | 2, 1) => assert_eq!(identity.subject.as_str(), "o"),
        (1 | 2, 0) => {}
        other => panic!("identified too early: {other:?}"),
    }
    format!("{kind}: identified after {stage}")
}
