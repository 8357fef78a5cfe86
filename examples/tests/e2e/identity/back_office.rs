//! The back office sees who is online and signs them out.

use reqwest::StatusCode;

use super::held::{Pair, bearer, token, until_status};
use super::{enter, page, pair, place, post, whose, why};
use crate::api::{get, refusal};
use crate::browser::Browser;
use crate::demo::{Demo, PASSWORD, client, sign_in};

#[tokio::test(flavor = "multi_thread")]
async fn the_back_office_sees_who_is_online_and_signs_them_out() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let lilei = sign_in(&http, base, "lilei").await;
    let second = pair(&enter(&http, base, "lilei", "a tablet", true).await);
    let access = token(&http, base, "lilei").await;
    assert_eq!(bearer(&http, base, &access).await.status(), StatusCode::OK);
    let id = whose(&http, base, &lilei).await;
    let pair_of_tokens = Pair::issue(&http, base, &lilei).await;
    let bystander = sign_in(&http, base, "hanmeimei").await;

    // A student neither sees the list nor ends anybody's session.
    let list = format!("{base}/admin/online");
    let kick = format!("{base}/admin/online/{id}/sign-out");
    assert_eq!(get(&http, list.clone(), &bystander).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(post(&http, kick, &bystander, &[]).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(whose(&http, base, &lilei).await, id);
    assert_eq!(place(&get(&http, list.clone(), "").await), "/login?next=%2Fadmin%2Fonline&why=not_signed_in");

    let browser = Browser::start().await;
    browser.open(&format!("{base}/login?next=/admin/online")).await;
    browser.fill("#login", "admin").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_until_holds("#count", "3").await;
    browser.screenshot("online").await;
    let row = format!("tr[data-user='{id}']");
    browser.wait_for(&format!("{row} td:nth-child(2) > :nth-child(2)")).await;
    browser.click(&format!("{row} button")).await;
    browser.wait_until_gone(&row).await;
    browser.wait_until_holds("#count", "2").await;
    let odd = get(&http, format!("{list}?after=nonsense"), &sign_in(&http, base, "admin").await).await;
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
    browser.close().await;

    // They are told, and nothing that they hold works: no session, no access token, no refresh token.
    for cookie in [&lilei, &second] {
        assert_eq!(why(&http, base, cookie).await, "kicked");
        let reply = get(&http, format!("{base}/api/v1/session"), cookie).await;
        assert_eq!(refusal(reply).await, (StatusCode::UNAUTHORIZED, "kicked".into()));
    }
    let told = page(&http, format!("{base}/login?why=kicked"), &lilei).await;
    assert!(told.contains("The school ended your session."), "{told}");
    until_status(&http, base, &access, StatusCode::UNAUTHORIZED).await;
    assert_eq!(refusal(bearer(&http, base, &access).await).await.1, "invalid_token");
    // But they may come back.
    let lilei = sign_in(&http, base, "lilei").await;
    let refused = pair_of_tokens.step(&http, base, &lilei, "refresh").await;
    assert!(!refused.good && refused.words.contains("family has ended"), "{}", refused.words);
    let verified = pair_of_tokens.step(&http, base, &lilei, "verify").await;
    assert!(!verified.good && verified.words.contains("Refused"), "{}", verified.words);
    assert_eq!(whose(&http, base, &bystander).await.len(), id.len());
}
