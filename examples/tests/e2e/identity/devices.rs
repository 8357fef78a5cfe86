//! The devices of an account: listed, signed out from one another, and ended by another sign-in.

use std::collections::HashMap;

use reqwest::{StatusCode, header};

use super::visit::with;
use super::{device_with, devices, enter, page, pair, place, post, set_cookie, why};
use crate::browser::Browser;
use crate::demo::{Demo, PASSWORD, client};

/// The cookie of the earlier session is overwritten, so nobody could sign that one out any more.
#[tokio::test]
async fn signing_in_again_ends_the_session_that_the_browser_had() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let mut held = pair(&enter(&http, base, "hanmeimei", "browser/1", false).await);
    let elsewhere = pair(&enter(&http, base, "hanmeimei", "browser/2", false).await);
    for (path, login) in [("/login", "hanmeimei"), ("/login", "lilei"), ("/api/v1/session", "lilei")] {
        let sent = http.post(format!("{base}{path}")).header(header::COOKIE, &held);
        let words = [("login", login), ("password", PASSWORD)];
        let sent = if path == "/login" { sent.form(&words) } else { sent.json(&HashMap::from(words)) };
        let reply = sent.send().await.unwrap();
        let fresh = pair(&set_cookie(&reply, "sid").unwrap());
        assert_eq!(why(&http, base, &held).await, "signed_out", "{path} {login}");
        held = fresh;
    }
    // Somebody who fails to sign in stays who they were.
    let refused =
        post(&http, format!("{base}/login"), &held, &[("login", "lilei"), ("password", "no")]).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    // And so with a provider: the identity is another account's.
    let back = with(&http, base, "github", &held).await;
    let fresh = pair(&set_cookie(&back, "sid").unwrap());
    assert_eq!(why(&http, base, &held).await, "signed_out");
    for cookie in [&fresh, &elsewhere] {
        assert_eq!(devices(&page(&http, format!("{base}/account"), cookie).await).len(), 1);
    }
}

#[tokio::test]
async fn remembered_or_not_every_device_is_listed_and_can_be_signed_out() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let here = enter(&http, base, "hanmeimei", "here/1", false).await;
    assert!(!here.to_ascii_lowercase().contains("max-age") && !here.to_ascii_lowercase().contains("expires"));
    let remembered = enter(&http, base, "hanmeimei", "laptop/<b>2", true).await;
    assert!(remembered.contains("Max-Age=2592000"), "{remembered}");
    for line in [&here, &remembered] {
        assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
    }
    let third = enter(&http, base, "hanmeimei", "library/3", false).await;
    let [here, remembered, third] = [here, remembered, third].map(|line| pair(&line));
    let foreign = pair(&enter(&http, base, "lilei", "elsewhere/4", false).await);

    // All three, the one that asks marked, the words of the others shown as words.
    let account = format!("{base}/account");
    let shown = page(&http, account.clone(), &here).await;
    assert_eq!(devices(&shown).len(), 3);
    let own = device_with(&shown, "data-this");
    assert_eq!(device_with(&shown, "here/1"), own);
    assert_eq!(device_with(&shown, "remembered"), device_with(&shown, "laptop/&#60;b&#62;2"));
    assert!(!shown.contains("<b>2") && !shown.contains("elsewhere/4"));
    assert_eq!(shown.matches("127.0.0.1</td>").count(), 3);

    // One device is signed out, and told; a stranger signs out nobody.
    let (laptop, library) = (device_with(&shown, "laptop/"), device_with(&shown, "library/3"));
    let sign_out = |id: &str| format!("{base}/account/devices/{id}/sign-out");
    assert_eq!(place(&post(&http, sign_out(&laptop), &foreign, &[]).await), "/account");
    assert_eq!(devices(&page(&http, account.clone(), &remembered).await).len(), 3);
    assert_eq!(place(&post(&http, sign_out(&laptop), &here, &[]).await), "/account");
    assert_eq!(why(&http, base, &remembered).await, "signed_out");
    let told = page(&http, format!("{base}/login?why=signed_out"), "").await;
    assert!(told.contains("role=\"status\""), "{told}");
    let left = page(&http, account.clone(), &here).await;
    assert_eq!(devices(&left).len(), 2);
    assert_eq!(device_with(&left, "library/3"), library);
    assert_eq!(post(&http, sign_out("no-such-thing"), &here, &[]).await.status(), StatusCode::NOT_FOUND);

    // Everywhere else.
    assert_eq!(place(&post(&http, sign_out("others"), &here, &[]).await), "/account");
    assert_eq!(why(&http, base, &third).await, "signed_out");
    let alone = page(&http, account.clone(), &here).await;
    assert_eq!(devices(&alone).len(), 1);
    assert!(!alone.contains("id=\"others\""));
    assert_eq!(devices(&page(&http, account, &foreign).await).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_out_other_devices_and_is_signed_out_by_them() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let browser = Browser::start().await;
    browser.open(&format!("{base}/login?next=/account")).await;
    browser.fill("#login", "hanmeimei").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("#remember").await;
    browser.screenshot("sign-in-doors").await;
    browser.click("main button[type=submit]").await;
    browser.wait_for("tr[data-this]").await;
    browser.wait_for_text("remembered").await;
    let other = pair(&enter(&http, base, "hanmeimei", "a tablet", false).await);
    browser.open(&format!("{base}/account")).await;
    browser.wait_for_text("a tablet").await;
    browser.screenshot("account").await;
    browser.click("#others").await;
    browser.wait_until_gone("#others").await;
    assert_eq!(why(&http, base, &other).await, "signed_out");

    // The other way round.
    let other = pair(&enter(&http, base, "hanmeimei", "a tablet", false).await);
    let shown = page(&http, format!("{base}/account"), &other).await;
    let id = device_with(&shown, "Chrome");
    post(&http, format!("{base}/account/devices/{id}/sign-out"), &other, &[]).await;
    browser.open(&format!("{base}/my")).await;
    browser.wait_for("#login").await;
    browser.wait_for(".note[role=status]").await;
    browser.screenshot("signed-out-elsewhere").await;
    browser.close().await;
}
