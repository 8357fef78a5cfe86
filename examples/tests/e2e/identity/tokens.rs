//! Tokens: issued, exchanged, called back, forged, and on their page.

use reqwest::StatusCode;

use super::held::{Pair, bearer, token};
use super::post;
use crate::api::refusal;
use crate::browser::Browser;
use crate::demo::{Demo, PASSWORD, client, sign_in};

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_family() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "hanmeimei").await;
    let first = Pair::issue(&http, base, &cookie).await;
    assert!(first.page.contains("at+jwt") && first.page.contains("courses:read lab:open"));
    assert!(first.step(&http, base, &cookie, "verify").await.words.contains("Accepted"));
    assert_eq!(bearer(&http, base, &first.access).await.status(), StatusCode::OK);

    // A retry within the time of grace gets the same answer.
    let second = first.step(&http, base, &cookie, "refresh").await;
    assert!(second.good, "{}", second.words);
    assert_ne!(second.refresh, first.refresh);
    assert_eq!(first.step(&http, base, &cookie, "refresh").await.refresh, second.refresh);
    let third = second.step(&http, base, &cookie, "refresh").await;
    assert!(third.good, "{}", third.words);
    assert_eq!(bearer(&http, base, &third.access).await.status(), StatusCode::OK);

    // The first one, when its child has been used: somebody has a copy.
    let reused = first.step(&http, base, &cookie, "refresh").await;
    assert!(!reused.good && reused.words.contains("Used up before"), "{}", reused.words);
    let dead = third.step(&http, base, &cookie, "refresh").await;
    assert!(!dead.good && dead.words.contains("family has ended"), "{}", dead.words);
    // Another family is as it was.
    let other = Pair::issue(&http, base, &cookie).await;
    assert!(other.step(&http, base, &cookie, "refresh").await.good);

    for odd in ["", "nonsense", "../../etc/passwd"] {
        let asked = Pair { refresh: odd.to_owned(), ..Pair::issue(&http, base, &cookie).await };
        let refused = asked.step(&http, base, &cookie, "refresh").await;
        assert!(!refused.good && refused.words.contains("no refresh token of ours"), "{}", refused.words);
    }
    for minutes in ["0", "61", "many", "-1"] {
        let form = [("step", "issue"), ("minutes", minutes)];
        let reply = post(&http, format!("{base}/tokens"), &cookie, &form).await;
        assert_eq!(reply.status(), StatusCode::BAD_REQUEST, "{minutes}");
    }
    let form = [("step", "steal")];
    assert_eq!(post(&http, format!("{base}/tokens"), &cookie, &form).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_token_that_was_called_back_or_forged_is_refused_everywhere() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "hanmeimei").await;
    let kept = Pair::issue(&http, base, &cookie).await;
    let issued = Pair::issue(&http, base, &cookie).await;
    // Nobody calls back somebody else's.
    let lilei = sign_in(&http, base, "lilei").await;
    let form = [("step", "revoke"), ("access", &*issued.access)];
    assert_eq!(post(&http, format!("{base}/tokens"), &lilei, &form).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(bearer(&http, base, &issued.access).await.status(), StatusCode::OK);

    let revoked = issued.step(&http, base, &cookie, "revoke").await;
    assert!(revoked.good && revoked.words.contains("Called back"), "{}", revoked.words);
    let refused = issued.step(&http, base, &cookie, "verify").await;
    assert!(!refused.good && refused.words.contains("Refused"), "{}", refused.words);
    let reply = bearer(&http, base, &issued.access).await;
    assert_eq!(refusal(reply).await, (StatusCode::UNAUTHORIZED, "invalid_token".into()));
    // Only that one.
    assert!(kept.step(&http, base, &cookie, "verify").await.good);
    assert_eq!(bearer(&http, base, &kept.access).await.status(), StatusCode::OK);

    // Another's name under a true signature; no signature; no token.
    let [head, claims, signature] = *kept.access.split('.').collect::<Vec<_>>() else { panic!() };
    let other = token(&http, base, "admin").await;
    let admin = other.split('.').nth(1).unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
    let forgeries = [
        format!("{head}.{admin}.{signature}"),
        format!("{none}.{claims}."),
        format!("{head}.{claims}."),
        "nonsense".to_owned(),
        String::new(),
    ];
    for access in forgeries {
        let pasted =
            Pair { access, refresh: String::new(), words: String::new(), good: true, page: String::new() };
        for step in ["verify", "revoke"] {
            let refused = pasted.step(&http, base, &cookie, step).await;
            assert!(
                !refused.good && refused.words.starts_with("Refused"),
                "{} {}",
                pasted.access,
                refused.words
            );
        }
        assert_eq!(bearer(&http, base, &pasted.access).await.status(), StatusCode::UNAUTHORIZED);
    }
    // What is pasted is shown as text.
    let hostile = Pair { access: "</textarea><script>alert(1)</script>".to_owned(), ..kept };
    assert!(!hostile.step(&http, base, &cookie, "verify").await.page.contains("<script>alert"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_page_in_a_browser() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let base = demo.url();
    let browser = Browser::start().await;
    browser.open(&format!("{base}/login?next=/tokens")).await;
    browser.fill("#login", "lilei").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_for("button[value=issue]").await;
    browser.screenshot("tokens").await;
    browser.click("button[value=issue]").await;
    browser.wait_until_holds("#result", "Issued").await;
    browser.wait_until_holds("#header", "at+jwt").await;
    browser.wait_until_holds("#claims", "courses:read").await;
    browser.screenshot("tokens-issued").await;
    browser.click("button[value=verify]").await;
    browser.wait_until_holds("#result", "Accepted").await;
    browser.click("button[value=refresh]").await;
    browser.wait_until_holds("#result", "Exchanged").await;
    browser.click("button[value=revoke]").await;
    browser.wait_until_holds("#result", "Called back").await;
    browser.click("button[value=verify]").await;
    browser.wait_until_holds("#result", "Refused").await;
    browser.screenshot("tokens-refused").await;
    browser.close().await;
}
