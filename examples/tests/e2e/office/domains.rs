//! Domains: listed, made, renamed, given roles in, and taken away with all that holds in them.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Desk;
use super::browser::Office;
use crate::api::refusal;

#[tokio::test]
async fn programs_make_and_remove_domains() {
    let desk = Desk::open().await;
    let all = desk.json("/domains").await;
    assert_eq!(all["count"], 2);
    assert_eq!(all["results"][0]["roles"], json!(["registrar"]));
    let label = json!({ "label": "North Campus" });
    let made = desk.send("PUT", "/domains/campus-north", &desk.cookie, &label).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let again = desk.send("PUT", "/domains/campus-north", &desk.cookie, &json!({ "label": "North" })).await;
    assert_eq!(again.status(), StatusCode::OK);
    let give = json!({ "changes": [{ "kind": "assign", "user": "u2016", "role": "teacher", "domain": "campus-north" }] });
    assert_eq!(desk.send("POST", "/policy/changes", &desk.cookie, &give).await.status(), StatusCode::CREATED);
    let one = desk.json("/domains/campus-north").await;
    assert_eq!(
        (&one["label"], &one["users"], &one["terms"][0]["user"]),
        (&json!("North"), &json!(1), &json!("u2016"))
    );
    // There and not elsewhere.
    let permitted = |answer: Value| answer["permitted"].as_bool().unwrap();
    let asked = "/explain?user=u2016&permission=course:edit";
    assert!(permitted(desk.json(&format!("{asked}&domain=campus-north")).await));
    assert!(!permitted(desk.json(asked).await));
    // It goes with what holds in it.
    let gone = desk.send("DELETE", "/domains/campus-north", &desk.cookie, &json!({})).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert!(!desk.json("/users/u2016").await["assignments"].to_string().contains("campus-north"));
    let unknown = desk.get("/api/v1/admin/domains/campus-north", &desk.cookie).await;
    assert_eq!(refusal(unknown).await, (StatusCode::NOT_FOUND, "not_found".into()));
    // Whoever may not see users sees no domains, and a registrar of one makes none.
    let teacher = desk.sign_in("teacher.wu").await;
    let closed = desk.get("/api/v1/admin/domains", &teacher).await;
    assert_eq!(refusal(closed).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    desk.send("PUT", "/users/u1003/roles/registrar", &desk.cookie, &json!({})).await;
    let refused = desk.send("PUT", "/domains/mine", &teacher, &label).await;
    assert_eq!(refusal(refused).await, (StatusCode::FORBIDDEN, "forbidden".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_made_and_filled_in_the_browser() {
    let Some(office) = Office::open("admin").await else { return };
    office.go("/admin/domains").await;
    office.browser.wait_for("tr[data-domain=campus-east]").await;
    office.browser.click("details.pop summary").await;
    office.browser.fill("#new-domain", "campus-north").await;
    office.browser.fill("#new-label", "北校区 North Campus").await;
    office.browser.screenshot("office-domains-add").await;
    office.browser.click("#add-domain button").await;
    office.browser.wait_for("tr[data-domain=campus-north]").await;
    office.browser.screenshot("office-domains").await;
    office.browser.click("tr[data-domain=campus-east] a").await;
    office.browser.wait_for("#terms tr[data-user=u2014]").await;
    office.browser.fill("#give-user", "u2016").await;
    office.choose("#give-role", "registrar").await;
    office.browser.click("#give button[name=preview]").await;
    office.browser.wait_for("#effects [data-gained='rbac:user:edit']").await;
    office.browser.screenshot("office-domain-preview").await;
    office.browser.click("#confirm button").await;
    office.browser.wait_for("#terms tr[data-user=u2016]").await;
    office.browser.screenshot("office-domain").await;
    office.close().await;
}
