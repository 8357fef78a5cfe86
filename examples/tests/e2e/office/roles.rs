//! Choosing active roles: whoever has roles that must not be used together may nothing until they choose, and then what
//! these roles give, in checks and in changes alike.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::Desk;
use super::browser::Office;
use crate::api::refusal;

/// The cookie that an answer sets, `name=value`.
fn cookie(reply: &Response) -> String {
    let mut all = reply.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let sid = all.rfind(|line| line.starts_with("sid=")).unwrap();
    sid.split(';').next().unwrap().to_owned()
}

async fn choose(desk: &Desk, who: &str, roles: &Value) -> Response {
    let request = desk.http.put(desk.url("/api/v1/session/roles")).header("cookie", who);
    request.json(&json!({ "roles": roles })).send().await.unwrap()
}

async fn active(desk: &Desk, who: &str) -> Vec<String> {
    let view: Value = desk.get("/api/v1/session/roles", who).await.json().await.unwrap();
    let roles = view["roles"].as_array().unwrap().iter().filter(|role| role["active"] == json!(true));
    roles.map(|role| role["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn whoever_wears_two_hats_chooses_one() {
    let desk = Desk::open().await;
    let liang = desk.sign_in("liang").await;
    let users = |who: String| {
        let desk = &desk;
        async move { desk.get("/api/v1/admin/users", &who).await }
    };
    assert_eq!(refusal(users(liang.clone()).await).await, (StatusCode::FORBIDDEN, "roles_to_choose".into()));
    // A page leads to the choice, and back.
    let sent = desk.get("/admin/users?q=a", &liang).await;
    assert_eq!(sent.headers()["location"], "/session/roles?next=%2Fadmin%2Fusers%3Fq%3Da");
    let page = desk.get("/session/roles?next=/admin/users", &liang).await.text().await.unwrap();
    assert!(page.contains("id=\"to-choose\"") && page.contains("data-duty=\"desk\""), "{page}");

    let both = choose(&desk, &liang, &json!(["registrar", "sales"])).await;
    assert_eq!(refusal(both).await, (StatusCode::CONFLICT, "refused".into()));
    let foreign = choose(&desk, &liang, &json!(["administrator"])).await;
    assert_eq!(refusal(foreign).await, (StatusCode::CONFLICT, "refused".into()));
    let chosen = choose(&desk, &liang, &json!(["registrar"])).await;
    assert_eq!(chosen.status(), StatusCode::OK);
    // The session has moved to a new secret; the old one is worth nothing.
    let registrar = cookie(&chosen);
    assert_ne!(registrar, liang);
    assert_eq!(users(liang).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(users(registrar.clone()).await.status(), StatusCode::OK);
    assert_eq!(active(&desk, &registrar).await, ["registrar"]);

    // Changes are made with these roles: a registrar gives roles and runs no sales.
    let give = json!({ "changes": [{ "kind": "assign", "user": "u2017", "role": "member" }] });
    let made = desk.send("POST", "/policy/changes", &registrar, &give).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let sales = desk.get("/api/v1/admin/sales", &registrar).await;
    assert_eq!(refusal(sales).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    let escalation = json!({ "changes": [{ "kind": "assign", "user": "u2017", "role": "sales" }] });
    let refused = desk.send("POST", "/policy/changes", &registrar, &escalation).await;
    assert_eq!(refusal(refused).await, (StatusCode::FORBIDDEN, "forbidden".into()));

    // The other hat, by the form.
    let form = [("only", "sales"), ("next", "/admin/sales")];
    let switched = desk.post("/session/roles", &form, &registrar).await;
    assert_eq!(switched.headers()["location"], "/admin/sales");
    let seller = cookie(&switched);
    assert_eq!(desk.get("/api/v1/admin/sales", &seller).await.status(), StatusCode::OK);
    assert_eq!(refusal(users(seller.clone()).await).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    let words = desk.get("/api/v1/admin/users", &seller).await.text().await.unwrap();
    assert!(words.contains("the roles that you use now") && words.contains("/session/roles"), "{words}");
    // What goes in the policy goes in the session.
    desk.send("DELETE", "/users/u2009/roles/sales", &desk.cookie, &json!({})).await;
    assert_eq!(desk.get("/api/v1/admin/sales", &seller).await.status(), StatusCode::FORBIDDEN);
    let reset =
        desk.http.delete(desk.url("/api/v1/session/roles")).header("cookie", &seller).send().await.unwrap();
    assert_eq!(users(cookie(&reset)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn fewer_roles_are_fewer_rights() {
    let desk = Desk::open().await;
    // All the administrator's roles, then one that comes with none of them.
    let less = choose(&desk, &desk.cookie, &json!([])).await;
    let nobody = cookie(&less);
    assert_eq!(desk.get("/api/v1/admin/users", &nobody).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(desk.get("/courses", &nobody).await.status(), StatusCode::FORBIDDEN);
    assert!(active(&desk, &nobody).await.is_empty());
    // A role that is inherited can be used alone.
    let qian = desk.sign_in("qian").await;
    let cashier = cookie(&choose(&desk, &qian, &json!(["cashier"])).await);
    assert_eq!(desk.get("/api/v1/admin/orders", &cashier).await.status(), StatusCode::OK);
    let bills = desk.send("POST", "/reconciliations", &cashier, &json!({})).await;
    assert_eq!(bills.status(), StatusCode::FORBIDDEN);
    // A token has no session to keep a choice in.
    let credentials = json!({ "login": "qian", "password": crate::demo::PASSWORD });
    let token = desk.http.post(desk.url("/api/v1/tokens")).json(&credentials).send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    let request = desk.http.put(desk.url("/api/v1/session/roles")).json(&json!({ "roles": ["cashier"] }));
    let refused = request.bearer_auth(token["access_token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(refusal(refused).await, (StatusCode::CONFLICT, "no_session".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hat_is_chosen_and_switched_in_the_browser() {
    let Some(office) = Office::open("liang").await else { return };
    // Whoever goes to the back office comes to the choice.
    office.browser.wait_for("#to-choose").await;
    office.browser.wait_for("[data-duty=desk]").await;
    office.browser.screenshot("office-hats-choose").await;
    office.browser.click("#use-these").await;
    office.browser.wait_for("#refusal").await;
    office.browser.screenshot("office-hats-refused").await;
    office.browser.click("li[data-role=registrar] button[name=only]").await;
    office.browser.wait_for("nav.side a[href='/admin/users']").await;
    office.browser.wait_until_holds("#hat", "registrar").await;
    office.go("/admin/users").await;
    office.browser.wait_for("tr[data-user=u1001]").await;
    office.browser.click("#hat").await;
    office.browser.wait_for("li[data-role=registrar][data-active=true]").await;
    office.browser.click(".looks button[value=zh]").await;
    office.browser.wait_for(".looks button[value=zh][aria-pressed=true]").await;
    office.browser.click(".looks button[value=dark]").await;
    office.browser.wait_for("html[data-theme=dark]").await;
    office.browser.screenshot("office-zh-dark-hats").await;
    office.browser.click("li[data-role=sales] button[name=only]").await;
    // The page they came from is closed to these roles: it says so, and where to choose others.
    office.browser.wait_for("a[href^='/session/roles']").await;
    office.go("/admin/sales").await;
    office.browser.wait_for("#sale-shell").await;
    office.browser.wait_until_holds("#hat", "sales").await;
    office.close().await;
}
