//! Signing in with each of the providers, and tying them to accounts.

use std::collections::BTreeSet;

use reqwest::{Response, StatusCode};

use super::visit::{DOORS, PERSON, REFUSE, Visit, linked, with};
use super::{between, page, pair, place, set_cookie, whose};
use crate::api::get;
use crate::browser::Browser;
use crate::demo::{Demo, client, sign_in};

#[tokio::test(flavor = "multi_thread")]
async fn every_provider_lets_a_stranger_in_and_knows_them_again() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let browser = Browser::start().await;
    let mut accounts = BTreeSet::new();
    for door in DOORS {
        browser.open(&format!("{base}/login?next=/account")).await;
        browser.click(&format!("a[href^='/login/with/{door}?']")).await;
        browser.wait_for(&format!("a[href*='{REFUSE}']")).await;
        browser.screenshot(&format!("provider-{door}")).await;
        browser.click(&format!("a[href*='{PERSON}']")).await;
        browser.wait_for("tr[data-this]").await;
        browser.wait_until_holds(".who", "小明").await;
        browser.wait_until_holds("#identities", "小明").await;
        if door == "wechat" {
            browser.screenshot("account-of-a-stranger").await;
        }
        let id = browser.script("return document.querySelector('dd.mono').textContent").await;
        let id = id.as_str().unwrap().to_owned();
        // A student: the courses are open, the back office is not.
        browser.open(&format!("{base}/courses")).await;
        browser.wait_for(".grid .course").await;
        browser.wait_until_gone("nav a[href='/admin']").await;
        browser.click(".who button").await;
        browser.wait_for("#login").await;

        // The second time, from another browser.
        let reply = with(&http, base, door, "").await;
        assert_eq!(place(&reply), "/my", "{door}");
        let cookie = pair(&set_cookie(&reply, "sid").unwrap());
        assert_eq!(whose(&http, base, &cookie).await, id, "{door}");
        accounts.insert(id);
    }
    // Each provider is a person of its own until they are tied together.
    assert_eq!(accounts.len(), DOORS.len(), "{accounts:?}");

    browser.open(&format!("{base}/login")).await;
    browser.click("a[href^='/login/with/github?']").await;
    browser.click(&format!("a[href*='{REFUSE}']")).await;
    browser.wait_for_text("Nobody was signed in").await;
    browser.screenshot("provider-refused").await;
    browser.close().await;
}

#[tokio::test]
async fn an_identity_is_tied_to_one_account() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let hanmeimei = sign_in(&http, base, "hanmeimei").await;
    let lilei = sign_in(&http, base, "lilei").await;
    for door in DOORS {
        for _again in 0..2 {
            let reply = linked(&http, base, door, &hanmeimei).await;
            assert_eq!(place(&reply), "/account", "{door}");
            assert!(set_cookie(&reply, "sid").is_none(), "{door}");
        }
        // The provider opens the account that had a password.
        let reply = with(&http, base, door, "").await;
        let cookie = pair(&set_cookie(&reply, "sid").unwrap());
        assert_eq!(whose(&http, base, &cookie).await, whose(&http, base, &hanmeimei).await, "{door}");
        // Nobody else gets it.
        let taken = linked(&http, base, door, &lilei).await;
        assert_eq!(taken.status(), StatusCode::CONFLICT, "{door}");
        assert!(taken.text().await.unwrap().contains("belongs to another account"), "{door}");
    }
    let identities = |page: String| {
        let list = between(&page, "id=\"identities\">", "</dl>")[0].to_owned();
        list.matches("<dt>").count()
    };
    assert_eq!(identities(page(&http, format!("{base}/account"), &hanmeimei).await), DOORS.len());
    assert_eq!(identities(page(&http, format!("{base}/account"), &lilei).await), 0);
}

#[tokio::test]
async fn a_refusal_and_a_foreign_callback_sign_nobody_in() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    assert_eq!(get(&http, format!("{base}/login/with/nobody"), "").await.status(), StatusCode::NOT_FOUND);
    for door in DOORS {
        let refused = |reply: Response| async move {
            assert_eq!(reply.status(), StatusCode::FORBIDDEN, "{door}");
            assert!(set_cookie(&reply, "sid").is_none(), "{door}");
            let page = reply.text().await.unwrap();
            assert!(page.contains("<h1>Nobody was signed in</h1>"), "{door} {page}");
            between(&page, "<p class=\"lede\">", "</p>")[0].to_owned()
        };
        let visit = Visit::begin(&http, base, door, "").await;
        let denied = visit.click(&http, REFUSE).await;
        let denied = refused(get(&http, denied, &visit.cookie).await).await;

        // Another browser: none of its cookies, or those of its own attempt.
        let visit = Visit::begin(&http, base, door, "").await;
        let other = Visit::begin(&http, base, door, "").await;
        let back = visit.click(&http, PERSON).await;
        let foreign = refused(get(&http, back.clone(), "").await).await;
        assert_ne!(foreign, denied, "{door}");
        refused(get(&http, back.clone(), &other.cookie).await).await;
        // Nobody's callback signs a visitor into anything, nor ties the identity to them.
        let lilei = sign_in(&http, base, "lilei").await;
        refused(get(&http, back, &lilei).await).await;
        // An answer that nobody asked for, or that another provider gives.
        refused(get(&http, format!("{base}/login/with/{door}/callback"), &other.cookie).await).await;
        let elsewhere = if door == "qq" { "weibo" } else { "qq" };
        let stray = other
            .click(&http, PERSON)
            .await
            .replace(&format!("/with/{door}/callback"), &format!("/with/{elsewhere}/callback"));
        refused(get(&http, stray, &other.cookie).await).await;
    }
}
