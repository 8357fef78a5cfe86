//! What browsers and clients send to the OpenID provider.

use sso_core::{
    AuthorizeStep, ClientSecret, ClientSecretHash, Confirmed, Consent, EndSessionStep, GrantSecret, Provider,
    SessionId,
};

use super::gate::{BYE, GATE, Gate, RETURN, VERIFIER, basic, exchange, form, parameters, query};
use super::{seeds, text};
use crate::engine::Target;

/// What a query says, read without the parser that is tried.
fn said(query: &str, name: &str) -> Option<String> {
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    found.next().map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
}

const AUTHORIZE_QUERY_WORDS: &[&str] = &[
    "client_id=shop",
    "client_id=app",
    "redirect_uri=",
    "https%3A%2F%2Fshop.example%2Fcb",
    "https://evil.example",
    "%2F",
    "%40",
    "@",
    "%0D%0A",
    "%5C",
    "?",
    "#",
    "&",
    "=",
    "+",
    "%00",
    "%ff",
    "prompt=login",
    "prompt=consent",
    "prompt=none",
    "max_age=0",
    "gh_signed_in_since=0",
    "state=",
    "scope=openid",
    "response_mode=query",
    "request_uri=x",
];

pub(crate) fn authorize_query() -> Target {
    Target {
        name: "authorize_query",
        seeds: seeds([
            query(&[]),
            query(&[("prompt", "login"), ("login_hint", "bob")]),
            query(&[("prompt", "none"), ("max_age", "1")]),
            query(&[("client_id", "stranger")]),
            query(&[("prompt", "login consent")]),
            query(&[("client_id", "app"), ("code_challenge", "")]),
            query(&[("client_id", "nobody")]),
            query(&[("redirect_uri", "https://evil.example/cb")]),
            query(&[("id_token_hint", "a.b.c")]),
            query(&[("scope", "profile")]),
            "a=1&a=2".into(),
        ]),
        words: AUTHORIZE_QUERY_WORDS,
        bytes_max: Provider::QUERY_BYTES_MAX + 100,
        run: |input| {
            let (query, gate) = (text(input), &*GATE);
            let mut session = gate.another_session();
            let mut next = gate.authorize(&query, &session, Consent::NotAsked);
            let mut told = step(&query, &next);
            // Whoever does what is asked for gets on: signs in, consents, and goes back.
            for _ in 0..2 {
                let resume = match next {
                    AuthorizeStep::SignInNeeded { resume, .. } => {
                        session.auth_time = gate.now();
                        resume
                    }
                    AuthorizeStep::ConsentNeeded { resume, .. } => resume,
                    AuthorizeStep::Redirect(_) | AuthorizeStep::ShowError { .. } => return told,
                };
                next = gate.authorize(&resume, &session, Consent::Granted);
                told = format!("{told}, then {}", step(&query, &next));
            }
            assert!(matches!(next, AuthorizeStep::Redirect(_)), "{told}");
            told
        },
        reaches: &[
            "a code",
            "a sign-in, then a code",
            "a consent, then a code",
            "a sign-in, then a consent, then a code",
            "back: invalid_request",
            "back: invalid_scope",
            "back: login_required",
        ],
    }
}

/// What is to be done, which is never to send a browser to an address that is not registered.
fn step(query: &str, step: &AuthorizeStep) -> String {
    let url = match step {
        AuthorizeStep::Redirect(url) => url,
        AuthorizeStep::SignInNeeded { .. } => return "a sign-in".into(),
        AuthorizeStep::ConsentNeeded { client, .. } => {
            assert_eq!(said(query, "client_id").as_deref(), Some(client.id().as_str()));
            return "a consent".into();
        }
        AuthorizeStep::ShowError { words } => return (*words).into(),
    };
    let back = parameters(url);
    assert_eq!(said(query, "redirect_uri").as_deref(), Some(RETURN));
    assert!(said(query, "client_id").is_some_and(|id| ["shop", "stranger", "app"].contains(&id.as_str())));
    assert_eq!(back.get("state").cloned(), said(query, "state"));
    match (back.get("code"), back.get("error")) {
        (Some(code), None) => {
            assert!(GrantSecret::parse(code).is_some());
            assert_eq!(said(query, "response_type").as_deref(), Some("code"));
            "a code".into()
        }
        (None, Some(error)) => format!("back: {error}"),
        other => panic!("{other:?}"),
    }
}

/// The `Authorization` header, from `~` on not yet encoded, and in the next line the form. `SECRET`, `CODE` and
/// `REFRESH` stand for what is good.
pub(crate) fn token_request() -> Target {
    let shop = "~shop:SECRET\n";
    let refresh = "grant_type=refresh_token&refresh_token=REFRESH";
    Target {
        name: "token_request",
        seeds: seeds([
            format!("{shop}{}", form(&exchange("CODE"), &[])),
            format!("\n{}", form(&exchange("CODE"), &[("client_id", "shop"), ("client_secret", "SECRET")])),
            format!("{shop}{}", form(&exchange("CODE"), &[("code_verifier", "")])),
            format!("\n{}", form(&exchange("CODE"), &[("client_id", "app")])),
            format!("{shop}{refresh}"),
            format!("{shop}{refresh}&scope=openid"),
            format!("~shop:wrong\n{refresh}"),
            format!("Basic x\n{refresh}"),
            format!("{shop}grant_type=password"),
            "\n\n".into(),
        ]),
        words: &[
            "Basic ",
            "Bearer ",
            "~shop:",
            "~app:",
            "~stranger:",
            "SECRET",
            "CODE",
            "REFRESH",
            "\n",
            ":",
            "&",
            "=",
            "%3A",
            "%",
            "%00",
            "%ff",
            "+",
            "client_id=shop",
            "client_id=app",
            "client_id=stranger",
            "client_secret=SECRET",
            "grant_type=refresh_token",
            "client_assertion=",
            "code_verifier=",
            "redirect_uri=",
            "scope=openid",
        ],
        bytes_max: 3000,
        run: |input| {
            let gate = &*GATE;
            let (header, body) = filled(gate, &text(input));
            let pair = header.strip_prefix('~').map_or_else(|| header.clone().into_bytes(), basic);
            let (status, reply) = gate.post(&pair, body.as_bytes());
            if status == 200 {
                // Nobody gets tokens without the client's secret, and without the code or the token in its place.
                let secret = gate.secret.expose();
                assert!(header.contains(secret) || said(&body, "client_secret").as_deref() == Some(secret));
                return granted(&body);
            }
            assert!([400, 401].contains(&status), "{status} {reply}");
            format!("{status} {}", reply["error"].as_str().unwrap())
        },
        reaches: &[
            "a code",
            "a refresh token",
            "401 invalid_client",
            "400 invalid_grant",
            "400 unsupported_grant_type",
        ],
    }
}

/// Header and form of an input, with what is good in the places that stand for it.
fn filled(gate: &Gate, input: &str) -> (String, String) {
    let (header, body) = input.split_once('\n').unwrap_or(("", input));
    let mut body = body.replace("SECRET", gate.secret.expose());
    if body.contains("CODE") || body.contains("REFRESH") {
        let code = gate.code(&gate.another_session());
        if body.contains("REFRESH") {
            let tokens = gate.tokens(&gate.code(&gate.another_session()), "shop");
            body = body.replace("REFRESH", tokens["refresh_token"].as_str().unwrap());
        }
        body = body.replace("CODE", &code);
    }
    (header.replace("SECRET", gate.secret.expose()), body)
}

/// What was exchanged for tokens.
fn granted(body: &str) -> String {
    if said(body, "grant_type").as_deref() == Some("refresh_token") {
        assert!(said(body, "refresh_token").is_some());
        return "a refresh token".into();
    }
    assert!(said(body, "code").is_some_and(|code| GrantSecret::parse(&code).is_some()));
    assert_eq!(said(body, "redirect_uri").as_deref(), Some(RETURN));
    assert_eq!(said(body, "code_verifier").as_deref(), Some(VERIFIER));
    "a code".into()
}

/// `HINT` stands for an id token of the session.
pub(crate) fn end_session_query() -> Target {
    let bye = form(&[("post_logout_redirect_uri", BYE), ("state", "s&t"), ("id_token_hint", "HINT")], &[]);
    Target {
        name: "end_session_query",
        seeds: seeds([
            bye.clone(),
            bye.replace("HINT", "a.b.c"),
            bye.replace("id_token_hint=HINT", "client_id=app"),
            bye.replace("shop.example", "evil.example"),
            "client_id=nobody".into(),
            String::new(),
        ]),
        words: &[
            "id_token_hint=",
            "HINT",
            "client_id=shop",
            "client_id=app",
            "post_logout_redirect_uri=",
            "https%3A%2F%2F",
            "evil.example",
            "%0D%0A",
            "@",
            "&",
            "=",
            "+",
            "%",
            "%00",
            "state=",
            "?",
            "#",
        ],
        bytes_max: 4000,
        run: |input| {
            let gate = &*GATE;
            let query = text(input).replace("HINT", &gate.hint);
            let hinted = said(&query, "id_token_hint").is_some_and(|hint| hint == gate.hint);
            let end = |session, confirmed| gate.provider.end_session(&query, session, confirmed);
            let answer = ended(end(Some(&gate.session), Confirmed::NotAsked));
            // Nobody is signed out without being asked, but by whoever holds an id token of the session.
            assert!(!answer.starts_with("signed out") || hinted);
            assert!(!ended(end(None, Confirmed::NotAsked)).starts_with("signed out"));
            let confirmed = ended(end(Some(&gate.session), Confirmed::Yes));
            assert!(!confirmed.starts_with("a question"));
            answer
        },
        reaches: &[
            "signed out, then back",
            "a question",
            "the address to return to is not registered for this client",
        ],
    }
}

fn ended(step: EndSessionStep) -> String {
    let and_then = |answer: &str, then: Option<String>| match then {
        Some(url) => {
            assert_eq!(url.split('?').next(), Some(BYE));
            assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "{url:?}");
            format!("{answer}, then back")
        }
        None => answer.to_owned(),
    };
    match step {
        EndSessionStep::SignOut { session, then } => {
            assert_eq!(session, GATE.session.session);
            and_then("signed out", then)
        }
        EndSessionStep::NobodySignedIn { then } => and_then("nobody", then),
        EndSessionStep::ConfirmNeeded { .. } => "a question".into(),
        EndSessionStep::ShowError { words } => words.into(),
    }
}

pub(crate) fn grant_secret() -> Target {
    let secret = |random| {
        let session = SessionId::parse("0123456789abc-_Z").unwrap();
        GrantSecret::new(session, [random; 32]).expose().to_string()
    };
    Target {
        name: "grant_secret",
        seeds: seeds([secret(0), secret(0xff), secret(0x5a), String::new()]),
        words: &["=", ".", "_-", "A", "ABCDEF"],
        bytes_max: 120,
        run: |input| {
            let text = text(input);
            let Some(secret) = GrantSecret::parse(&text) else { return "none".into() };
            assert_eq!(secret.expose().as_str(), text);
            "a secret".into()
        },
        reaches: &["a secret", "none"],
    }
}

pub(crate) fn client_secret_hash() -> Target {
    let hash = |text: &str| ClientSecret::new(text).unwrap().hash().to_text();
    Target {
        name: "client_secret_hash",
        seeds: seeds([
            hash("0123456789012345678901234567890123456789012"),
            hash("another-secret-that-is-long-enough-for-anybody"),
            "A".repeat(43),
            String::new(),
        ]),
        words: &["=", "_-", "A", "ABCDEF"],
        bytes_max: 120,
        run: |input| {
            let text = text(input);
            let Ok(hash) = ClientSecretHash::parse(&text) else { return "none".into() };
            assert_eq!(hash.to_text(), text);
            assert!(!hash.matches(&text));
            "a hash".into()
        },
        reaches: &["a hash", "none"],
    }
}
