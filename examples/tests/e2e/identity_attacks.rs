//! What strangers try: identities tied to others' accounts, tokens that outlive their session, guessed passwords.

use reqwest::{Client, Response, StatusCode, header};
use serde_json::json;
use testkit::Redis;

use super::api::{get, refusal};
use super::browser::Browser;
use super::demo::{Demo, PASSWORD, client, sign_in};
use super::identity::held::{Pair, token};
use super::identity::visit::{PERSON, Visit, linked, with};
use super::identity::{between, device_with, page, pair, place, post, set_cookie, whose};

/// More guesses than are free, and than come before a wait that is longer than checking one password.
const GUESSES_MAX: usize = 16;

async fn identities(http: &Client, base: &str, cookie: &str) -> usize {
    let page = page(http, format!("{base}/account"), cookie).await;
    between(&page, "id=\"identities\">", "</dl>")[0].matches("<dt>").count()
}

#[tokio::test]
async fn an_identity_is_tied_only_by_who_asked_for_it() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let lilei = sign_in(&http, base, "lilei").await;
    let id = whose(&http, base, &lilei).await;

    // A link of another site sends somebody who is signed in to a provider: they sign in, and nothing is tied.
    let browser = sign_in(&http, base, "lilei").await;
    let reply = with(&http, base, "github", &browser).await;
    assert_eq!(place(&reply), "/my");
    let stranger = pair(&set_cookie(&reply, "sid").unwrap());
    assert_ne!(whose(&http, base, &stranger).await, id);
    assert_eq!(identities(&http, base, &lilei).await, 0);

    // Nor if it asks for that in the address.
    for asked in
        [format!("/account?link={id}"), format!("/account%3Flink%3D{id}"), format!("/account%253Flink={id}")]
    {
        let browser = sign_in(&http, base, "lilei").await;
        let begun = get(&http, format!("{base}/login/with/qq?next={asked}"), &browser).await;
        let visit = Visit::off(&http, base, begun, &browser).await;
        let reply = get(&http, visit.click(&http, PERSON).await, &visit.cookie).await;
        assert!(place(&reply).starts_with("/account") && set_cookie(&reply, "sid").is_some(), "{asked}");
        assert_eq!(identities(&http, base, &lilei).await, 0, "{asked}");
    }

    // Another site cannot post, a visitor who is nobody cannot, and reading the address does nothing.
    let door = format!("{base}/account/link/weibo");
    let sent = http.post(&door).header(header::COOKIE, &lilei).header(header::ORIGIN, "https://evil.example");
    assert_eq!(sent.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert!(place(&post(&http, door.clone(), "", &[]).await).starts_with("/login?"));
    assert_eq!(get(&http, door, &lilei).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    let nowhere = post(&http, format!("{base}/account/link/nobody"), &lilei, &[]).await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);

    // Begun by one, ended by another in the same browser: neither gets it.
    let visit = Visit::link(&http, base, "weibo", &lilei).await;
    let back = visit.click(&http, PERSON).await;
    let admin = sign_in(&http, base, "admin").await;
    let mixed = visit.cookie.replace(&lilei, &admin);
    let reply = get(&http, back, &mixed).await;
    assert_eq!((reply.status(), set_cookie(&reply, "sid")), (StatusCode::CONFLICT, None));
    assert!(reply.text().await.unwrap().contains("another account has signed in"));
    assert_eq!((identities(&http, base, &lilei).await, identities(&http, base, &admin).await), (0, 0));

    // Nobody is signed in any more: the way leads to the sign-in page, and no account is made.
    let visit = Visit::link(&http, base, "weibo", &lilei).await;
    let back = visit.click(&http, PERSON).await;
    let reply = get(&http, back, &visit.cookie.replace(&lilei, "x=y")).await;
    assert_eq!(place(&reply), "/login?next=%2Faccount&why=not_signed_in");
    assert!(set_cookie(&reply, "sid").is_none());

    assert_eq!(place(&linked(&http, base, "weibo", &lilei).await), "/account");
    assert_eq!(identities(&http, base, &lilei).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_ties_an_identity_from_the_account_page() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let base = demo.url();
    let browser = Browser::start().await;
    browser.open(&format!("{base}/login?next=/account")).await;
    browser.fill("#login", "lilei").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_for("tr[data-this]").await;
    browser.screenshot("account-doors").await;
    // The policy of the page lets the form lead to the provider.
    browser.click("form[action='/account/link/github'] button").await;
    browser.click(&format!("a[href*='{PERSON}']")).await;
    browser.wait_until_holds("#identities", "GitHub").await;
    browser.close().await;
}

#[tokio::test]
async fn refresh_tokens_end_with_their_session() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let own = sign_in(&http, base, "hanmeimei").await;
    let asked = |cookie: String| http.post(format!("{base}/logout")).header(header::COOKIE, cookie).send();
    let api =
        |cookie: String| http.delete(format!("{base}/api/v1/session")).header(header::COOKIE, cookie).send();
    for way in ["page", "api", "device", "others"] {
        let cookie = sign_in(&http, base, "hanmeimei").await;
        let [ends, stays] = [Pair::issue(&http, base, &cookie).await, Pair::issue(&http, base, &own).await];
        let reply = match way {
            "page" => asked(cookie).await.unwrap(),
            "api" => api(cookie).await.unwrap(),
            "device" => {
                let shown = page(&http, format!("{base}/account"), &cookie).await;
                let id = device_with(&shown, "data-this");
                post(&http, format!("{base}/account/devices/{id}/sign-out"), &own, &[]).await
            }
            _ => post(&http, format!("{base}/account/devices/others/sign-out"), &own, &[]).await,
        };
        assert!(!reply.status().is_client_error() && !reply.status().is_server_error(), "{way}");
        let refused = ends.step(&http, base, &own, "refresh").await;
        assert!(!refused.good && refused.words.contains("the session that it came from is over"), "{way}");
        assert!(stays.step(&http, base, &own, "refresh").await.good, "{way}");
    }
}

#[tokio::test]
async fn an_access_token_does_not_become_a_refresh_token() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let access = token(&http, base, "lilei").await;
    let form = [("step", "issue"), ("minutes", "60")];
    let sent = http.post(format!("{base}/tokens")).bearer_auth(&access).form(&form);
    let reply = sent.send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
    let shown = reply.text().await.unwrap();
    assert!(shown.contains("gets no refresh token"), "{shown}");
}

/// A guess at one of the three doors that take a password, from an address.
async fn guess(http: &Client, base: &str, door: &str, login: &str, password: &str, from: &str) -> Response {
    let sent = http.post(format!("{base}{door}")).header("x-forwarded-for", from);
    let sent = match door {
        "/login" => sent.form(&[("login", login), ("password", password)]),
        _ => sent.json(&json!({ "login": login, "password": password })),
    };
    sent.send().await.unwrap()
}

/// Guesses until a wait is asked for, each name from an address of its own.
async fn guess_on(http: &Client, base: &str, door: &str, login: &str) -> Response {
    let from = format!("192.0.2.{}", login.len());
    for place in 0..GUESSES_MAX {
        let reply = guess(http, base, door, login, "wrong", &from).await;
        if reply.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(place >= 6, "{door} {login}: {place} guesses were free");
            return reply;
        }
        assert_eq!(reply.status(), StatusCode::UNAUTHORIZED, "{door}");
    }
    panic!("{GUESSES_MAX} wrong passwords were checked at {door}");
}

fn wait_secs(reply: &Response) -> u64 {
    reply.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn guesses_at_passwords_have_to_wait_at_every_door() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    // Also a name that nobody has: the answer tells nobody which names exist.
    for (door, login) in [("/login", "lilei"), ("/api/v1/session", "hanmeimei"), ("/api/v1/tokens", "nobody")]
    {
        let reply = guess_on(&http, base, door, login).await;
        assert!((1..=300).contains(&wait_secs(&reply)), "{door}");
        assert!(set_cookie(&reply, "sid").is_none(), "{door}");
        if door == "/login" {
            let page = reply.text().await.unwrap();
            assert!(page.contains("role=\"alert\">too many attempts to sign in; wait "), "{page}");
            assert!(page.contains("name=\"password\"") && page.contains("value=\"lilei\""), "{page}");
        } else {
            assert_eq!(refusal(reply).await, (StatusCode::TOO_MANY_REQUESTS, "too_many_guesses".into()));
        }
    }
    // Others are let in, from the same address too; a right password takes its own guess back.
    for _ in 0..8 {
        let reply = guess(&http, base, "/api/v1/session", "admin", PASSWORD, "198.51.100.1").await;
        assert_eq!(reply.status(), StatusCode::CREATED);
    }
}

#[tokio::test]
async fn one_address_has_few_guesses_at_all_accounts_together() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let mut refused = None;
    for place in 0..40 {
        let login = format!("nobody-{place}");
        let reply = guess(&http, base, "/api/v1/tokens", &login, "wrong", "192.0.2.9").await;
        if reply.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(place);
            break;
        }
    }
    assert!(refused.is_some_and(|place| place >= 21), "{refused:?}");
    let elsewhere = guess(&http, base, "/api/v1/tokens", "lilei", PASSWORD, "192.0.2.10").await;
    assert_eq!(elsewhere.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn two_instances_count_guesses_together() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = redis.url();
    let [one, two] = [(); 2].map(|()| Demo::start_in(folder.path(), &["--redis-url", &url]));
    let http = client();
    // As many as are free at one. Four more at the other take a quarter of a minute of waiting, and the six that would
    // be free there are never reached.
    for _ in 0..5 {
        let reply = guess(&http, one.url(), "/api/v1/tokens", "lilei", "wrong", "192.0.2.1").await;
        assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
    }
    let mut checked = 0;
    while guess(&http, two.url(), "/api/v1/tokens", "lilei", "wrong", "192.0.2.1").await.status()
        == StatusCode::UNAUTHORIZED
    {
        checked += 1;
        assert!(checked <= 5, "the other instance knows of no guess");
    }
}
